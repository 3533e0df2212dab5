use alloc::format;
use alloc::string::String;
use alloc::vec;

use super::*;
use crate::message::{Kind, MsgType};
use crate::testing::said;

#[path = "newer_tests.rs"]
mod newer;

/// Parses an app message of this kind, with fields of the record and XML in `appmsg`.
fn read(kind: i64, fields: &str, inner: &str) -> App {
    read_content(
        kind,
        fields,
        &format!("<msg><appmsg appid=\"wxa\" sdkver=\"0\">{inner}</appmsg></msg>"),
    )
}

fn read_content(kind: i64, fields: &str, content: &str) -> App {
    let comma = if fields.is_empty() { "" } else { "," };
    match said(49, &format!("\"AppMsgType\":{kind}{comma}{fields}"), content).kind {
        Kind::App(app) => *app,
        other => panic!("{other:?}"),
    }
}

/// The content has no `msg`, as in messages sent by this account.
#[test]
fn record_takes_precedence_over_xml() {
    let own = read_content(
        5,
        r#""Url":"http://r/?a=1&amp;b=2","FileName":"F","AppInfo":{"AppID":"wxr"}"#,
        "<appmsg appid='wx1'><url>http://x/</url></appmsg><appinfo><appname>N</appname></appinfo>",
    );
    assert_eq!((&*own.url, &*own.title), ("http://r/?a=1&b=2", "F"));
    assert_eq!((&*own.app_id, &*own.app_name), ("wxr", "N"));
}

/// `docs/shapes.md` S60.
#[test]
fn text_in_place_of_xml_is_kept() {
    for (content, text) in [
        ("该类型暂不支持，请在手机上查看", "该类型暂不支持，请在手机上查看"),
        ("a &lt; b<br/>c", "a < b\nc"),
    ] {
        for kind in [0, 6, 33, 2000, 2001, 4711] {
            let app = read_content(kind, "", content);
            assert_eq!((app.kind.0, &*app.text, &*app.title), (kind, text, ""));
        }
    }
    // The content is empty, so only the type or the link of the record is known.
    assert_eq!(read_content(2001, "", "").content, AppContent::RedPacket(Box::default()));
    assert_eq!(&*read_content(0, r#""Url":"http://r/""#, "").url, "http://r/");
    // The XML is of another type.
    assert_eq!(&*read_content(5, "", "<msg><img/></msg>").text, "");
    // Rejected XML is not shown as a text, because it may contain keys, however often it is escaped.
    let mut bomb = String::from("<!DOCTYPE a><msg><appmsg><aeskey>6b65</aeskey></appmsg></msg>");
    for _ in 0..3 {
        assert_eq!(&*read_content(5, "", &bomb).text, "", "{bomb}");
        bomb = bomb.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    }
    for empty in ["", "<msg/>", "<msg><img/></msg>", "<br/>"] {
        let kind = said(49, "\"AppMsgType\":0", empty).kind;
        let reason = "not an app message";
        assert_eq!(kind, Kind::Unreadable { msg_type: MsgType::APP, reason }, "{empty}");
    }
}

/// Kinds without a payload of their own.
#[test]
fn kinds_are_distinguished() {
    let title = "<title>T</title>";
    for (kind, content) in [
        (1, AppContent::Text),
        (5, AppContent::Link),
        (4711, AppContent::Unknown),
        (-1, AppContent::Unknown),
        (0, AppContent::Unknown),
        (100_001, AppContent::Articles(vec![])),
    ] {
        let app = read(kind, "", title);
        assert_eq!((app.kind.0, &*app.title, app.content), (kind, "T", content));
        // The XML's type is used if the record has none.
        if kind > 0 {
            let inner = format!("{title}<type>{kind}</type>");
            assert_eq!(read(0, "", &inner).kind.0, kind);
            assert_eq!(read(1, "", &inner).kind, AppKind::TEXT);
        }
    }
    assert_eq!(
        format!("{:?} {:?}", AppKind::QUOTE, AppKind(7000)),
        "AppKind::QUOTE (57) AppKind(7000)"
    );
}

#[test]
fn attachments_are_parsed() {
    let inner = "<title>photo</title><md5>m1</md5><appattach><totallen>7</totallen><attachid>@crypt_1</attachid><fileext>PNG</fileext><cdnattachurl>30</cdnattachurl><cdnthumburl>31</cdnthumburl><cdnthumbwidth>9</cdnthumbwidth><cdnthumbheight>8</cdnthumbheight><aeskey>6b65</aeskey></appattach>";
    let expected = Attachment {
        length: 7,
        md5: "m1".into(),
        extension: "png".into(),
        attach_id: Box::<str>::from("@crypt_1").into(),
        cdn_url: "30".into(),
        cdn_thumb_url: "31".into(),
        thumb_width: 9,
        thumb_height: 8,
        aes_key: Box::<str>::from("6b65").into(),
    };
    let image = read(2, "", inner);
    assert!(!format!("{image:?}").contains("6b65") && !format!("{image:?}").contains("@crypt_1"));
    assert_eq!(image.content, AppContent::Image(Box::new(expected.clone())));
    let emoji = read(8, "", "<appattach><emoticonmd5>e1</emoticonmd5></appattach><md5>m1</md5>");
    let AppContent::Emoji(emoji) = emoji.content else { panic!("{emoji:?}") };
    assert_eq!(&*emoji.md5, "e1");

    // For a file, the record takes precedence.
    let file = read(
        6,
        r#""FileName":"a &amp; b.PDF","FileSize":"12","MediaId":"@crypt_2","EncryFileName":"a%20b.PDF""#,
        inner,
    );
    assert!(!format!("{file:?}").contains("@crypt_2"));
    let expected = File {
        name: "a & b.PDF".into(),
        length: 12,
        extension: "png".into(),
        media_id: Box::<str>::from("@crypt_2").into(),
        encry_file_name: "a%20b.PDF".into(),
        is_uploading: false,
        replaces: "".into(),
        attachment: expected,
    };
    assert_eq!((&*file.title, file.content), ("photo", AppContent::File(Box::new(expected))));
    let AppContent::File(file) = read(6, "", inner).content else { panic!("none") };
    assert_eq!((&*file.name, file.length), ("photo", 7));
}

#[test]
fn streams_are_parsed() {
    let inner = "<dataurl>\n http://d/?a=1&amp;amp;b=2 \n</dataurl><lowurl>http://p/</lowurl>";
    let (data_url, low_url) = ("http://d/?a=1&b=2".into(), "http://p/".into());
    let stream = Stream { data_url, low_url, ..Stream::default() };
    assert_eq!(read(3, "", inner).content, AppContent::Music(Box::new(stream)));
}

#[test]
fn absent_documents_are_ignored() {
    // Plain links have an empty category, and some phones send an empty history in other kinds.
    let link = read(5, "", "<mmreader><category type=\"0\" count=\"0\"></category></mmreader>");
    assert_eq!(link.content, AppContent::Link);
    let other = read(0, "", "<title>T</title><recorditem><![CDATA[(null)]]></recorditem>");
    assert_eq!(other.content, AppContent::Unknown);
}

#[test]
fn links_in_content_are_unescaped() {
    let url = "http://x/?a=1&amp;amp;b=2";
    let item =
        format!("<datalist><dataitem datatype=\"5\"><link>{url}</link></dataitem></datalist>");
    let item = format!("<recorditem><recordinfo>{item}</recordinfo></recorditem>");
    let AppContent::History(history) = read(19, "", &item).content else { panic!("none") };
    let program = format!("<weappiconurl>{url}</weappiconurl><pagepath>{url}</pagepath>");
    let program = read(33, "", &format!("<weappinfo>{program}</weappinfo>"));
    let AppContent::MiniProgram(program) = program.content else { panic!("none") };
    let urls = [&history.items[0].url, &program.icon_url, &program.page_path];
    assert_eq!(urls.map(|url| &**url), ["http://x/?a=1&b=2"; 3]);
}

#[test]
fn first_medium_of_a_channels_video_is_shown() {
    let feed = "<finderFeed><mediaList><media><coverUrl>http://c/</coverUrl><url>http://v/</url></media><media><url>http://other/</url></media></mediaList></finderFeed>";
    let AppContent::ChannelsVideo(video) = read(51, "", feed).content else { panic!("none") };
    assert_eq!((&*video.thumb_url, &*video.url), ("http://c/", "http://v/"));
}

/// Threat S1: XML contains keys.
#[test]
fn quoted_xml_is_not_shown() {
    let quoted = |kind: i64, content: &str| {
        let inner = format!("<refermsg><type>{kind}</type><content>{content}</content></refermsg>");
        let app = read(57, "", &inner);
        let AppContent::Quote(quote) = app.content else { panic!("{app:?}") };
        *quote
    };
    let file = "&lt;msg&gt;&lt;appmsg&gt;&lt;title&gt;a.pdf&lt;/title&gt;&lt;type&gt;6&lt;/type&gt;&lt;/appmsg&gt;&lt;/msg&gt;";
    let key = "&lt;msg&gt;&lt;img aeskey=\"6b657931\"/&gt;&lt;/msg&gt;";
    for (kind, shown) in [(1, true), (3, false), (43, false), (49, false), (4711, false)] {
        assert_eq!(format!("{:?}", quoted(kind, key)).contains("6b657931"), shown, "{kind}");
    }
    let words = format!("{:?} {:?}", quoted(1, "see you"), quoted(49, file));
    assert!(words.contains("see you") && words.contains("a.pdf"), "{words}");
    let empty = read(57, "", "<title>x</title>");
    assert_eq!(empty.content, AppContent::Quote(Box::default()));
}

#[test]
fn greeting_of_the_receiver_comes_first() {
    let sender = "<sendertitle>S</sendertitle>";
    let both = format!("{sender}<receivertitle>R</receivertitle>");
    for (inner, greeting) in [(sender, "S"), (&both, "R")] {
        let packet = read(2001, "", &format!("<wcpayinfo>{inner}</wcpayinfo>"));
        let greeting = greeting.into();
        assert_eq!(packet.content, AppContent::RedPacket(Box::new(RedPacket { greeting })));
    }
}

/// Hostile XML takes linear time and does not lose the message: `docs/threats.md` X1, X2.
#[test]
fn hostile_xml_is_bounded() {
    let items = "<dataitem>".repeat(50_000);
    let content = format!("<msg><appmsg><recorditem><recordinfo><datalist>{items}");
    let app = read_content(19, "", &content);
    let AppContent::History(history) = app.content else { panic!("none") };
    // Nested items are ignored.
    assert_eq!(history.items.len(), 1);
    let bomb = "&lt;!DOCTYPE x [&lt;!ENTITY a \"ha\"&gt;]&gt;&lt;msg&gt;&lt;appmsg&gt;&lt;title&gt;&a;&lt;/title&gt;&lt;/appmsg&gt;&lt;/msg&gt;";
    assert_eq!(&*read_content(5, "", bomb).title, "");
}
