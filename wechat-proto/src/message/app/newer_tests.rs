//! The kinds of 2020 to 2025: `docs/protocol.md` §9.4.

use super::*;
use crate::device::Lang;

const HINT: &str = "<title>当前微信版本不支持展示该内容，请升级至最新版本。</title>";
const RECORD: &str = "<recorditem><![CDATA[<recordinfo><datalist count=\"1\"><dataitem datatype=\"1\"><datadesc>first item</datadesc></dataitem></datalist></recordinfo>]]></recorditem>";

/// Returns the content and the preview of an app message of this kind.
fn shown(kind: i64, inner: &str) -> (AppContent, String) {
    let content = format!("<msg><appmsg>{inner}</appmsg></msg>");
    let message = said(49, &format!("\"AppMsgType\":{kind}"), &content);
    let preview = message.preview(&Lang::ZH_CN).into_owned();
    let Kind::App(app) = message.kind else { panic!("{:?}", message.kind) };
    assert_eq!(app.kind.0, kind);
    (app.content, preview)
}

fn history() -> AppContent {
    let item = HistoryItem {
        kind: HistoryKind::TEXT,
        text: "first item".into(),
        ..HistoryItem::default()
    };
    AppContent::History(Box::new(History { items: vec![item], ..History::default() }))
}

#[test]
fn newer_kinds_have_content_and_preview() {
    let stream = Stream {
        data_url: "http://d/".into(),
        album_url: "http://al/".into(),
        lyric: "la".into(),
        ..Stream::default()
    };
    let music = AppContent::Music(Box::new(stream));
    let song = "<title>Song</title><des>Singer</des><dataurl>http://d/</dataurl><songalbumurl>http://al/</songalbumurl><songlyric>la</songlyric>";
    let live = Channel {
        id: "147".into(),
        user_name: "v2_1@finder".into(),
        nick_name: "Ann".into(),
        avatar_url: "http://h/".into(),
        description: "Evening".into(),
        thumb_url: "http://c/".into(),
        width: 1080,
        height: 1920,
        ..Channel::default()
    };
    let stage = "<finderLive><finderLiveID>147</finderLiveID><finderUsername>v2_1@finder</finderUsername><nickname>Ann</nickname><headUrl>http://h/</headUrl><desc>Evening</desc><media><coverUrl>http://c/</coverUrl><width>1080</width><height>1920.0</height></media></finderLive>";
    let card = Channel {
        user_name: "v2_2@finder".into(),
        nick_name: "Bob".into(),
        avatar_url: "http://b/".into(),
        description: "Cook".into(),
        ..Channel::default()
    };
    let name_card = "<findernamecard><username>v2_2@finder</username><avatar>http://b/</avatar><nickname>Bob</nickname><auth_job>Cook</auth_job></findernamecard>";
    // Messages of every kind may contain elements of the others without values.
    let feed = "<finderFeed><nickname/><mediaList><media><width>0</width></media></mediaList></finderFeed><patMsg><records><recordNum>0</recordNum></records></patMsg>";
    let no_live = "<finderLive><nickname/><media><width>0</width></media></finderLive>";
    let no_card = "<findernamecard><username/><auth_job/></findernamecard>";
    let tickle = |from: &str, whom: &str| Tickle {
        from: from.into(),
        chat: "".into(),
        whom: whom.into(),
        suffix: "".into(),
        template: format!("\"${{{from}}}\" 拍了拍 \"${{{whom}}}\"").into(),
    };
    let pat = "<patMsg><chatUser>1@chatroom</chatUser><records><recordNum>2</recordNum><record><fromUser>wxid_a</fromUser><pattedUser>wxid_b</pattedUser><templete><![CDATA[\"${wxid_a}\" 拍了拍 \"${wxid_b}\"]]></templete></record><record><fromUser>wxid_b</fromUser><pattedUser>wxid_a</pattedUser><templete><![CDATA[\"${wxid_b}\" 拍了拍 \"${wxid_a}\"]]></templete></record></records></patMsg>";
    let tickles = AppContent::Tickles(vec![tickle("wxid_a", "wxid_b"), tickle("wxid_b", "wxid_a")]);
    for (label, kind, inner, content, preview) in [
        ("note", 24, format!("<des>a\nb</des>{RECORD}"), history(), "[笔记] a"),
        ("note of items", 24, RECORD.into(), history(), "[笔记] first item"),
        ("history again", 40, format!("<title>A和B</title>{RECORD}"), history(), "[聊天记录] A和B"),
        (
            "history with the hint",
            40,
            format!("{HINT}<des>a: b\nc: d</des>{RECORD}"),
            history(),
            "[聊天记录] a: b",
        ),
        ("music", 76, song.into(), music.clone(), "[音乐] Song"),
        ("audio", 92, song.into(), music, "[音乐] Song"),
        ("card", 42, "<title>Ann</title>".into(), AppContent::Card, "[名片] Ann"),
        (
            "live",
            63,
            format!("{HINT}{feed}{no_card}{stage}"),
            AppContent::ChannelsLive(Box::new(live)),
            "[视频号直播] Ann: Evening",
        ),
        (
            "channel",
            50,
            format!("{HINT}{feed}{no_live}{name_card}"),
            AppContent::ChannelsCard(Box::new(card)),
            "[视频号名片] Bob",
        ),
        (
            "announcement",
            87,
            format!("{HINT}<textannouncement>a &lt; b\nc</textannouncement>"),
            AppContent::Announcement("a < b\nc".into()),
            "[群公告] a < b c",
        ),
        (
            "announcement without text",
            87,
            "<title>T</title><des>D</des>".into(),
            AppContent::Announcement("".into()),
            "[群公告] D",
        ),
        (
            "tickle",
            62,
            format!("{HINT}{pat}"),
            tickles.clone(),
            "\"wxid_a\" 拍了拍 \"wxid_b\" \"wxid_b\" 拍了拍 \"wxid_a\"",
        ),
        (
            "tickle with names",
            62,
            format!("<title>\"A\" 拍了拍 \"B\"</title>{pat}"),
            tickles,
            "\"A\" 拍了拍 \"B\"",
        ),
        ("no tickle", 62, String::new(), AppContent::Tickles(vec![]), "[应用消息]"),
        (
            "unknown",
            4711,
            "<title>T</title><des>D</des>".into(),
            AppContent::Unknown,
            "[应用消息] T",
        ),
        (
            "unknown with the hint",
            4711,
            format!("{HINT}<des>D</des>"),
            AppContent::Unknown,
            "[应用消息] D",
        ),
    ] {
        let (found, text) = shown(kind, &inner);
        assert_eq!((found, &*text), (content, preview), "{label}");
    }
    // The XML's type is used if the record has none.
    let live = said(49, "", &format!("<msg><appmsg><type>63</type>{stage}</appmsg></msg>"));
    assert_eq!(live.preview(&Lang::EN_US), "[Channels live] Ann: Evening");
}

/// The placeholder and its completion are the same file: `overwrite_newmsgid` names the former.
#[test]
fn uploading_file_is_replaced_by_the_complete_one() {
    let attach = |inner: &str| {
        format!(
            "<title>a.pdf</title><appattach><totallen>7</totallen><fileext>pdf</fileext><fileuploadtoken>v1_t</fileuploadtoken>{inner}</appattach>"
        )
    };
    let (placeholder, preview) = shown(74, &attach(""));
    assert_eq!(preview, "[文件] a.pdf");
    let replaced = "<overwrite_newmsgid>17</overwrite_newmsgid>";
    let (complete, preview) = shown(6, &attach(replaced));
    assert_eq!(preview, "[文件] a.pdf");
    let [AppContent::File(placeholder), AppContent::File(complete)] = [placeholder, complete]
    else {
        panic!("not files")
    };
    assert!(placeholder.uploading && !placeholder.replaces.is_known());
    assert!(!complete.uploading);
    assert_eq!(complete.replaces, "17".into());
    let same = File { uploading: true, replaces: "".into(), ..(*complete).clone() };
    assert_eq!(*placeholder, same);
    assert_eq!((&*same.name, same.length, &*same.extension), ("a.pdf", 7, "pdf"));
}

#[test]
fn upgrade_hint_is_not_a_title() {
    for (kind, title, kept) in [
        (51, "当前微信版本不支持展示该内容，请升级至最新版本。", false),
        (63, "当前版本不支持展示该内容，请升级至最新版本", false),
        (5, "当前客户端版本不支持展示该内容，请升级至最新版。", false),
        (5, "为什么“当前微信版本不支持展示该内容，请升级至最新版本”", true),
        (5, "当前微信版本不支持展示该内容，怎么办", true),
        // Typed texts.
        (1, "当前微信版本不支持展示该内容，请升级至最新版本。", true),
        (57, "当前微信版本不支持展示该内容，请升级至最新版本。", true),
    ] {
        let inner = format!("<title>{title}</title><des>D</des><url>http://u/</url>");
        let app = read(kind, &format!("\"FileName\":\"{title}\""), &inner);
        assert_eq!(&*app.title, if kept { title } else { "" }, "{kind} {title}");
        assert_eq!((&*app.description, &*app.url), ("D", "http://u/"));
    }
}
