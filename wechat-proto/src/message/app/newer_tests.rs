//! Newer kinds of app messages: `docs/protocol.md` §9.4.

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

/// The contents are those of `corpus/messages`.
#[test]
fn newer_kinds_have_a_preview() {
    let song = "<title>Song</title><des>Singer</des><dataurl>http://d/</dataurl>";
    let stage = "<finderLive><nickname>Ann</nickname><desc>Evening</desc></finderLive>";
    let name_card =
        "<findernamecard><nickname>Bob</nickname><auth_job>Cook</auth_job></findernamecard>";
    // Messages of every kind may contain elements of the others without values.
    let feed = "<finderFeed><nickname/><mediaList><media><width>0</width></media></mediaList></finderFeed><patMsg><records><recordNum>0</recordNum></records></patMsg>";
    let no_live = "<finderLive><nickname/><media><width>0</width></media></finderLive>";
    let no_card = "<findernamecard><username/><auth_job/></findernamecard>";
    let pat = "<patMsg><chatUser>1@chatroom</chatUser><records><recordNum>2</recordNum><record><fromUser>wxid_a</fromUser><pattedUser>wxid_b</pattedUser><templete><![CDATA[\"${wxid_a}\" 拍了拍 \"${wxid_b}\"]]></templete></record><record><fromUser>wxid_b</fromUser><pattedUser>wxid_a</pattedUser><templete><![CDATA[\"${wxid_b}\" 拍了拍 \"${wxid_a}\"]]></templete></record></records></patMsg>";
    let both = "\"wxid_a\" 拍了拍 \"wxid_b\" \"wxid_b\" 拍了拍 \"wxid_a\"";
    let a_and_b = "\"A\" 拍了拍 \"B\"";
    let announced = "<textannouncement>a &lt; b\nc</textannouncement>";
    for (label, kind, inner, preview) in [
        ("note", 24, format!("<des>a\nb</des>{RECORD}"), "[笔记] a"),
        ("note of items", 24, RECORD.into(), "[笔记] first item"),
        ("history again", 40, format!("<title>A和B</title>{RECORD}"), "[聊天记录] A和B"),
        ("cut history", 40, format!("{HINT}<des>a: b\nc: d</des>{RECORD}"), "[聊天记录] a: b"),
        ("music", 76, song.into(), "[音乐] Song"),
        ("audio", 92, song.into(), "[音乐] Song"),
        ("card", 42, "<title>Ann</title>".into(), "[名片] Ann"),
        ("live", 63, format!("{HINT}{feed}{no_card}{stage}"), "[视频号直播] Ann: Evening"),
        ("channel", 50, format!("{HINT}{feed}{no_live}{name_card}"), "[视频号名片] Bob"),
        ("announcement", 87, format!("{HINT}{announced}"), "[群公告] a < b c"),
        ("no announcement", 87, "<title>T</title><des>D</des>".into(), "[群公告] D"),
        ("tickle", 62, format!("{HINT}{pat}"), both),
        ("tickle with names", 62, format!("<title>{a_and_b}</title>{pat}"), a_and_b),
        ("no tickle", 62, String::new(), "[应用消息]"),
        ("unknown", 4711, "<title>T</title><des>D</des>".into(), "[应用消息] T"),
        ("unknown with the hint", 4711, format!("{HINT}<des>D</des>"), "[应用消息] D"),
    ] {
        assert_eq!(shown(kind, &inner).1, preview, "{label}");
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
    assert!(placeholder.is_uploading && !placeholder.replaces.is_usable());
    assert!(!complete.is_uploading);
    assert_eq!(complete.replaces, "17".into());
    let same = File { is_uploading: true, replaces: "".into(), ..(*complete).clone() };
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
