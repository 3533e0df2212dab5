use alloc::format;
use alloc::string::String;
use alloc::vec;
use core::time::Duration;

use super::*;
use crate::message::{Kind, MsgType};
use crate::testing::said;
use crate::time::Timestamp;

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

/// The common fields, escaped and malformed as by the service: `docs/shapes.md` S54 to S57.
#[test]
fn common_fields_are_parsed() {
    let app = read_content(
        5,
        "",
        "&lt;?xml version=\"1.0\"?&gt;<br/>&lt;msg&gt;<br/>\t&lt;appmsg appid=\"wx48\" <br/> sdkver=\"0\"&gt;<br/>\t\t&lt;title&gt;&lt;![CDATA[A &amp; B &amp;amp; &lt;br/&gt;<span class=\"emoji emoji1f604\"></span>]]&gt;&lt;/title&gt;<br/>\t\t&lt;des&gt;one&amp;#x0A;two&lt;/des&gt;&lt;action&gt;view&lt;/action&gt;&lt;type&gt;5&lt;/type&gt;&lt;content&gt;&lt;/content&gt;&lt;url&gt;http://x/?a=1&amp;amp;b=2&amp;c=3&lt;/url&gt;&lt;thumburl&gt;http://t/&lt;/thumburl&gt;&lt;sourceusername&gt;gh_1&lt;/sourceusername&gt;&lt;sourcedisplayname&gt;天气&lt;/sourcedisplayname&gt;&lt;/appmsg&gt;&lt;fromusername&gt;wxid_a&lt;/fromusername&gt;&lt;appinfo&gt;&lt;version&gt;29&lt;/version&gt;&lt;appname&gt;摇一摇&lt;/appname&gt;&lt;/appinfo&gt;<br/>&lt;/msg&gt;<br/>",
    );
    let expected = App {
        kind: AppKind::LINK,
        title: "A & B &amp; <br/>😄".into(),
        description: "one\ntwo".into(),
        url: "http://x/?a=1&b=2&c=3".into(),
        thumb_url: "http://t/".into(),
        app_id: "wx48".into(),
        app_name: "摇一摇".into(),
        from: "wxid_a".into(),
        source_user_name: "gh_1".into(),
        source_display_name: "天气".into(),
        text: "".into(),
        content: AppContent::Link,
    };
    assert_eq!(app, expected);
    // The content has no `msg`, as in messages sent by this account. The record takes precedence.
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
        (7, AppContent::Open),
        (9, AppContent::VoiceReminder),
        (10, AppContent::ScannedGoods),
        (13, AppContent::Goods),
        (15, AppContent::EmoticonShare),
        (16, AppContent::Coupon),
        (17, AppContent::LiveLocation),
        (53, AppContent::Note),
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
        uploading: false,
        replaces: "".into(),
        attachment: expected,
    };
    assert_eq!((&*file.title, file.content), ("photo", AppContent::File(Box::new(expected))));
    // `docs/shapes.md` S35.
    for size in ["\"\"", "\"0\"", "0"] {
        let file = read(6, &format!("\"FileSize\":{size}"), inner);
        let AppContent::File(file) = file.content else { panic!("{file:?}") };
        assert_eq!((&*file.name, file.length), ("photo", 7));
    }
    let bare = read_content(6, r#""FileName":"x.TXT""#, "");
    let AppContent::File(file) = bare.content else { panic!("{bare:?}") };
    assert_eq!((&*bare.title, &*file.name, &*file.extension), ("x.TXT", "x.TXT", "txt"));
}

#[test]
fn streams_are_parsed() {
    let inner = "<dataurl>\n http://d/?a=1&amp;amp;b=2 \n</dataurl><lowdataurl>http://l/</lowdataurl><lowurl>http://p/</lowurl><songalbumurl>http://s/</songalbumurl><songlyric>la<br/>la</songlyric>";
    let stream = Stream {
        data_url: "http://d/?a=1&b=2".into(),
        low_data_url: "http://l/".into(),
        low_url: "http://p/".into(),
        album_url: "http://s/".into(),
        lyric: "la\nla".into(),
    };
    assert_eq!(read(3, "", inner).content, AppContent::Music(Box::new(stream.clone())));
    assert_eq!(read(4, "", inner).content, AppContent::Video(Box::new(stream)));
}

/// `docs/protocol.md` §9.4: one item, or several.
#[test]
fn articles_are_parsed() {
    let item = |n: u32| {
        format!(
            "<item><title><![CDATA[T{n}]]></title><url><![CDATA[http://a/{n}?x=1&amp;y=2]]></url><digest>D</digest><cover>http://c/{n}|900|500</cover><pub_time>147661257{n}</pub_time></item>"
        )
    };
    for (kind, count) in [(5, 1), (5, 3), (100_001, 2)] {
        let items: String = (0..count).map(item).collect();
        let app = read(
            kind,
            "",
            &format!(
                "<mmreader><category type=\"20\" count=\"{count}\"><name>N</name>{items}</category></mmreader>"
            ),
        );
        let AppContent::Articles(articles) = app.content else { panic!("{app:?}") };
        assert_eq!(articles.len(), usize::try_from(count).unwrap());
        for (n, article) in (0_u32..).zip(&articles) {
            assert_eq!(*article.title, *format!("T{n}"));
            assert_eq!(*article.url, *format!("http://a/{n}?x=1&y=2"));
            assert_eq!(
                (&*article.cover_url, article.cover_width, article.cover_height),
                (&*format!("http://c/{n}"), 900, 500)
            );
            assert_eq!(article.published, Some(Timestamp::from_secs(1_476_612_570 + u64::from(n))));
        }
    }
    // Plain links have an empty category.
    let link = read(5, "", "<mmreader><category type=\"0\" count=\"0\"></category></mmreader>");
    assert_eq!(link.content, AppContent::Link);
}

/// The nested document may be CDATA, escaped text or elements.
#[test]
fn history_is_parsed() {
    let record = "<recordinfo><title>甲和乙的聊天记录</title><desc>甲: 在吗</desc><datalist count=\"9\"><dataitem datatype=\"1\" dataid=\"d1\"><sourcename>甲 &amp; 丙</sourcename><sourcetime>2023-05-01 10:00:00</sourcetime><datadesc>在吗</datadesc></dataitem><dataitem datatype=\"8\"><sourcename>乙</sourcename><datatitle>a.pdf</datatitle><datafmt>pdf</datafmt><datasize>99</datasize><fullmd5>f1</fullmd5></dataitem><dataitem datatype=\"5\"><link>http://x/?a=1&amp;amp;b=2</link></dataitem><dataitem datatype=\"17\"><recordxml><recordinfo><datalist><dataitem datatype=\"1\"><datadesc>inner</datadesc></dataitem></datalist></recordinfo></recordxml></dataitem></datalist></recordinfo>";
    let text = HistoryItem {
        kind: HistoryKind::TEXT,
        name: "甲 & 丙".into(),
        time: "2023-05-01 10:00:00".into(),
        text: "在吗".into(),
        ..HistoryItem::default()
    };
    let file = HistoryItem {
        kind: HistoryKind::FILE,
        name: "乙".into(),
        title: "a.pdf".into(),
        length: 99,
        md5: "f1".into(),
        extension: "pdf".into(),
        ..HistoryItem::default()
    };
    let link = HistoryItem {
        kind: HistoryKind::LINK,
        url: "http://x/?a=1&b=2".into(),
        ..HistoryItem::default()
    };
    let chat = HistoryItem { kind: HistoryKind::HISTORY, ..HistoryItem::default() };
    let history = History {
        title: "甲和乙的聊天记录".into(),
        description: "甲: 在吗".into(),
        items: vec![text, file, link, chat],
    };
    let escaped = html_escape::encode_text(record);
    for inner in [format!("<![CDATA[{record}]]>"), escaped.into_owned(), record.into()] {
        for kind in [0, 19] {
            let app = read(kind, "", &format!("<recorditem>{inner}</recorditem>"));
            assert_eq!(app.content, AppContent::History(Box::new(history.clone())), "{inner}");
        }
    }
    // Some phones send this in other kinds.
    let link = read(0, "", "<title>T</title><recorditem><![CDATA[(null)]]></recorditem>");
    assert_eq!(link.content, AppContent::Unknown);
}

#[test]
fn mini_programs_are_parsed() {
    let inner = "<title>T</title><sourcedisplayname>店</sourcedisplayname><weappinfo><username><![CDATA[gh_1@app]]></username><appid>wx07</appid><type>2</type><version>14</version><weappiconurl>http://i/?a=1&amp;amp;b=2</weappiconurl><pagepath>pages/i.html?x=1&amp;amp;y=2</pagepath></weappinfo>";
    let program = MiniProgram {
        user_name: "gh_1@app".into(),
        app_id: "wx07".into(),
        page_path: "pages/i.html?x=1&y=2".into(),
        icon_url: "http://i/?a=1&b=2".into(),
        kind: 2,
        version: 14,
    };
    for kind in [33, 36] {
        let app = read(kind, "", inner);
        assert_eq!((&*app.title, &*app.source_display_name), ("T", "店"));
        assert_eq!(app.content, AppContent::MiniProgram(Box::new(program.clone())));
    }
}

#[test]
fn channels_videos_are_parsed() {
    let app = read(
        51,
        "",
        "<title>当前微信版本不支持展示该内容，请升级至最新版本。</title><finderFeed><objectId>142643</objectId><feedType>4</feedType><nickname>山&amp;水</nickname><avatar>http://a/</avatar><desc>D</desc><mediaCount>2</mediaCount><username>v2_06@finder</username><mediaList><media><thumbUrl>http://t/</thumbUrl><videoPlayDuration>15</videoPlayDuration><url>http://v/?a=1&amp;amp;b=2</url><height>1920.0</height><width>1080</width></media><media><url>http://other/</url></media></mediaList></finderFeed>",
    );
    let video = Channel {
        id: "142643".into(),
        user_name: "v2_06@finder".into(),
        nick_name: "山&水".into(),
        avatar_url: "http://a/".into(),
        description: "D".into(),
        url: "http://v/?a=1&b=2".into(),
        thumb_url: "http://t/".into(),
        width: 1080,
        height: 1920,
        duration: Duration::from_secs(15),
    };
    assert_eq!(app.content, AppContent::ChannelsVideo(Box::new(video)));
    let cover = "<finderFeed><mediaList><media><coverUrl>http://c/</coverUrl></media></mediaList></finderFeed>";
    let AppContent::ChannelsVideo(cover) = read(51, "", cover).content else { panic!("none") };
    assert_eq!(&*cover.thumb_url, "http://c/");
}

#[test]
fn quotes_are_parsed() {
    let quoted = |kind: i64, content: &str| {
        let app = read(
            57,
            "",
            &format!(
                "<title>好的</title><refermsg><type>{kind}</type><svrid>7810092927857443194</svrid><fromusr>12@chatroom</fromusr><chatusr>wxid_b</chatusr><displayname>乙<![CDATA[ & 丙]]></displayname><createtime>1683000000</createtime><content>{content}</content></refermsg>"
            ),
        );
        assert_eq!(&*app.title, "好的");
        let AppContent::Quote(quote) = app.content else { panic!("{app:?}") };
        *quote
    };
    let expected = Quote {
        kind: MsgType::TEXT,
        id: "7810092927857443194".into(),
        from: "12@chatroom".into(),
        speaker: "wxid_b".into(),
        name: "乙 & 丙".into(),
        sent: Some(Timestamp::from_secs(1_683_000_000)),
        text: "发个 & 消息".into(),
    };
    assert_eq!(quoted(1, "发个 &amp; 消息"), expected);
    let file = "&lt;msg&gt;&lt;appmsg&gt;&lt;title&gt;a.pdf&lt;/title&gt;&lt;type&gt;6&lt;/type&gt;&lt;/appmsg&gt;&lt;/msg&gt;";
    let text = Quote { text: "a.pdf".into(), kind: MsgType::APP, ..expected.clone() };
    assert_eq!(quoted(49, file), text);
    let image = "&lt;msg&gt;&lt;img length=\"5\"/&gt;&lt;/msg&gt;";
    let text = "<msg><img length=\"5\"/></msg>".into();
    assert_eq!(quoted(3, image), Quote { text, kind: MsgType::IMAGE, ..expected });
    // Threat S1: XML contains keys.
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
fn transfers_and_red_packets_are_parsed() {
    let inner = "<title><![CDATA[微信转账]]></title><des><![CDATA[收到转账0.10元。]]></des><wcpayinfo><paysubtype>1</paysubtype><feedesc><![CDATA[￥0.10]]></feedesc><transcationid><![CDATA[100005]]></transcationid><transferid><![CDATA[100006]]></transferid><invalidtime><![CDATA[1476698970]]></invalidtime><begintransfertime><![CDATA[1476612570]]></begintransfertime><effectivedate><![CDATA[1]]></effectivedate><pay_memo><![CDATA[午饭 & 茶]]></pay_memo><receivertitle>恭喜发财</receivertitle><sendertitle>S</sendertitle></wcpayinfo>";
    let app = read(2000, "", inner);
    assert_eq!((&*app.title, &*app.description), ("微信转账", "收到转账0.10元。"));
    let transfer = Transfer {
        pay_sub_type: 1,
        amount: "￥0.10".into(),
        memo: "午饭 & 茶".into(),
        transfer_id: "100006".into(),
        transaction_id: "100005".into(),
        began: Some(Timestamp::from_secs(1_476_612_570)),
        expires: Some(Timestamp::from_secs(1_476_698_970)),
        effective_date: 1,
    };
    assert_eq!(app.content, AppContent::Transfer(Box::new(transfer)));
    let packet = RedPacket { greeting: "恭喜发财".into() };
    assert_eq!(read(2001, "", inner).content, AppContent::RedPacket(Box::new(packet)));
    let sent = read(2001, "", "<wcpayinfo><sendertitle>S</sendertitle></wcpayinfo>");
    assert_eq!(sent.content, AppContent::RedPacket(Box::new(RedPacket { greeting: "S".into() })));
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
