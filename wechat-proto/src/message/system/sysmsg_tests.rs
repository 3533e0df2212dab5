use alloc::format;
use alloc::string::{String, ToString as _};
use alloc::vec;

use proptest::prelude::*;

use super::*;
use crate::message::{Kind, MsgType};
use crate::testing::said_by;

#[path = "template_tests.rs"]
mod template;

use template::{read_template, template};

/// Encodes XML as on the wire: escaped, with the page's line break for each of its own.
fn wire(xml: &str) -> String {
    xml.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('\n', "<br/>\n\t")
}

fn kind_of(msg_type: i64, content: &str) -> Kind {
    said_by("@@r", msg_type, content).kind
}

fn revoked(content: &str) -> Revoked {
    match kind_of(10_002, content) {
        Kind::Revoked(revoked) => *revoked,
        other => panic!("{other:?}"),
    }
}

fn sysmsg(content: &str) -> SysMsg {
    match kind_of(10_002, content) {
        Kind::SysMsg(sysmsg) => *sysmsg,
        other => panic!("{other:?}"),
    }
}

fn revoke(inner: &str) -> String {
    wire(&format!("<sysmsg type=\"revokemsg\">\n<revokemsg>\n{inner}\n</revokemsg>\n</sysmsg>\n"))
}

const REVOKE: &str = "<session>12345@chatroom</session>\n<oldmsgid>1661500000</oldmsgid>\n<msgid>4527210051674039705</msgid>\n<newmsgid>4527210051674039706</newmsgid>\n<replacemsg><![CDATA[\"林晓\" 撤回了一条消息]]></replacemsg>\n<announcement_id><![CDATA[]]></announcement_id>";

#[test]
fn revocation_is_parsed() {
    let read = revoked(&revoke(REVOKE));
    let expected = Revoked {
        session: "12345@chatroom".into(),
        msg_id: "4527210051674039705".into(),
        new_msg_id: "4527210051674039706".into(),
        old_msg_id: "1661500000".into(),
        text: "\"林晓\" 撤回了一条消息".into(),
        by: Some(Person::Named("林晓".into())),
        announcement_id: None,
    };
    assert_eq!(read, expected);
    for content in [
        format!("<br/>\n{}", revoke(REVOKE)),
        // The official page drops other text before the XML.
        format!("\u{feff}a &amp; “b” <span class=\"emoji emoji1f604\"></span>: {}", revoke(REVOKE)),
        wire("<?xml version=\"1.0\"?>\n") + &revoke(REVOKE),
        format!("<sysmsg type=\"revokemsg\"><revokemsg>{REVOKE}</revokemsg></sysmsg>"),
        format!("<sysmsg><revokemsg>{REVOKE}</revokemsg></sysmsg>"),
    ] {
        assert_eq!(revoked(&content), expected, "{content}");
    }
}

#[test]
fn revocation_variants_are_parsed() {
    for (text, by) in [
        ("😄 withdrew a message", Some(Person::Named("😄".into()))),
        ("「大山」收回了一則訊息", None),
        ("", None),
    ] {
        let read = revoked(&revoke(&format!(
            "<msgid>7</msgid><replacemsg><![CDATA[{text}]]></replacemsg>"
        )));
        assert_eq!((&*read.text, read.by), (text, by));
    }
    let own = revoked(&revoke("<msgid>0</msgid>"));
    assert!(!own.msg_id.is_usable() && !own.new_msg_id.is_usable());
}

#[test]
fn tickle_is_parsed() {
    let content = wire(
        "<sysmsg type=\"pat\">\n<pat>\n  <fromusername>wxid_a</fromusername>\n  <chatusername>12345@chatroom</chatusername>\n  <pattedusername>wxid_b</pattedusername>\n  <patsuffix><![CDATA[的肩膀]]></patsuffix>\n  <patsuffixversion>2</patsuffixversion>\n\n  <template><![CDATA[\"${wxid_a}\" 拍了拍 \"${wxid_b}\" 的肩膀]]></template>\n</pat>\n</sysmsg>",
    );
    let SysMsg::Tickle(tickle) = sysmsg(&content) else { panic!() };
    assert_eq!((&*tickle.from, &*tickle.whom, &*tickle.suffix), ("wxid_a", "wxid_b", "的肩膀"));
    assert_eq!(&*tickle.chat, "12345@chatroom");
    let name_of = |id: &str| (id == "wxid_a").then(|| "林晓".to_string());
    assert_eq!(tickle.text(name_of), "\"林晓\" 拍了拍 \"wxid_b\" 的肩膀");
    assert_eq!(SysMsg::Tickle(tickle).text(), "\"wxid_a\" 拍了拍 \"wxid_b\" 的肩膀");
    // A tickle may also have MsgType 10000: puppet4u.
    assert!(matches!(kind_of(10_000, &content), Kind::SysMsg(_)));
}

#[test]
fn room_tip_is_parsed() {
    let content = wire(
        "<sysmsg type=\"roomtoolstips\">\n<todo>\n<op>0</op>\n<todoid><![CDATA[id_7]]></todoid>\n<username><![CDATA[roomannouncement@app.origin]]></username>\n<title><![CDATA[带水 & 帽子]]></title>\n<creator><![CDATA[wxid_a]]></creator>\n<related_msgid><![CDATA[4527210051674039705]]></related_msgid>\n<oper><![CDATA[wxid_b]]></oper>\n<template><![CDATA[${wxid_b}完成了待办]]></template>\n</todo>\n</sysmsg>",
    );
    let tip = sysmsg(&content);
    assert_eq!(tip.text(), "wxid_b完成了待办");
    let SysMsg::RoomTip(tip) = tip else { panic!() };
    assert_eq!((&*tip.id, &*tip.title), ("id_7", "带水 & 帽子"));
    assert_eq!((&*tip.creator, &*tip.operator), ("wxid_a", "wxid_b"));
    assert_eq!(tip.related.to_string(), "4527210051674039705");
    let bare = sysmsg(&content.replace("完成了待办", "").replace("${wxid_b}", ""));
    assert_eq!(bare.text(), "带水 & 帽子");
}

#[test]
fn unknown_kinds_are_kept() {
    for (xml, kind, text) in [
        (
            "<sysmsg type=\"NewXmlChatRoomAccessVerifyApplication\"><NewXmlChatRoomAccessVerifyApplication><text><![CDATA[\"林晓\"想邀请1位朋友加入群聊]]></text><link><ticket><![CDATA[AwAAAEAAAAD0secret]]></ticket></link></NewXmlChatRoomAccessVerifyApplication></sysmsg>",
            "NewXmlChatRoomAccessVerifyApplication",
            "\"林晓\"想邀请1位朋友加入群聊",
        ),
        ("<sysmsg type=\"x\">words</sysmsg>", "x", ""),
        ("<sysmsg type=\"x\"><y>no</y></sysmsg>", "x", ""),
        (
            "<sysmsg type=\"x\"><y><text> </text><title>a&amp;&lt;b</title><text>c</text></y></sysmsg>",
            "x",
            "a&<b",
        ),
        ("<sysmsg><z/></sysmsg>", "z", ""),
        ("<sysmsg></sysmsg>", "", ""),
    ] {
        let read = sysmsg(&wire(xml));
        let expected = SysMsg::Other { kind: kind.into(), text: text.into(), event: None };
        assert_eq!(read, expected);
        // Threat S1: the ticket admits people to a room.
        assert!(!format!("{read:?}").contains("secret"));
        assert!(!serde_json::to_string(&read).unwrap().contains("secret"));
    }
}

/// Threat M1: room names and nicknames are part of a notice's text.
#[test]
fn name_with_xml_is_not_a_sysmsg() {
    let xml = wire("<sysmsg type=\"revokemsg\"><revokemsg><msgid>7</msgid></revokemsg></sysmsg>");
    for content in [
        format!("\"大山\"修改群名为“{xml}”"),
        format!("{xml} invited 阿梅 to the group chat"),
        format!("\"大山\"修改群名为“{xml}"),
    ] {
        let Kind::System(system) = kind_of(10_000, &content) else { panic!("{content}") };
        assert!(system.text.contains("<sysmsg"));
    }
    assert!(matches!(kind_of(10_000, &xml), Kind::Revoked(_)));
    // The `sysmsg` must be the first tag of the XML.
    let other = wire("<b>") + &xml;
    assert!(matches!(kind_of(10_002, &other), Kind::System(_)));
}

/// Threats X1, X3.
#[test]
fn malformed_xml_is_tolerated() {
    for xml in [
        "<!DOCTYPE x [<!ENTITY a \"b\">]><sysmsg/>",
        "<?xml version=\"1.0\"?><!DOCTYPE x><sysmsg type=\"revokemsg\"></sysmsg>",
        "<?xml version=\"1.0\"?><msg>sysmsg></msg>",
        "<sysmsg",
    ] {
        let kind = kind_of(10_002, &wire(xml));
        let unreadable = matches!(kind, Kind::Unreadable { msg_type: MsgType::REVOKED, .. });
        assert!(unreadable || matches!(kind, Kind::System(_)), "{kind:?}");
    }
    // The part before the error is parsed.
    let cut = revoke(REVOKE);
    let cut = cut.split("&lt;replacemsg").next().unwrap();
    assert_eq!(revoked(cut).msg_id.to_string(), "4527210051674039705");
    assert!(matches!(kind_of(10_002, "words"), Kind::System(_)));
    assert!(matches!(kind_of(10_002, ""), Kind::System(_)));
}

/// Threats R2, X2.
#[test]
fn long_documents_take_linear_time() {
    for part in ["&amp;", "<link name=\"a\">", "<member>", "x", "$a$", "${", "<b>"] {
        for start in [
            "<sysmsg type=\"sysmsgtemplate\"><sysmsgtemplate><content_template><link_list><link name=\"a\" type=\"link_profile\"><memberlist><member><nickname>",
            "<sysmsg type=\"sysmsgtemplate\"><sysmsgtemplate><content_template><template>",
            "<sysmsg type=\"revokemsg\"><revokemsg><replacemsg>",
            "<sysmsg type=\"pat\"><pat><template>",
        ] {
            let content = wire(&(start.to_string() + &part.repeat(20_000)));
            let kind = kind_of(10_002, &content);
            assert!(matches!(kind, Kind::Revoked(_) | Kind::SysMsg(_)));
        }
    }
}

proptest! {
    /// Names are preserved in each of the elements.
    #[test]
    fn any_name_is_preserved(name in "[^\\x00-\\x1f\\x7f\"&<>$\\]]{1,20}") {
        prop_assume!(!name.trim().is_empty() && !name.contains("撤回了") && !["你", "我"].contains(&name.trim()));
        let text = format!("\"{name}\" 撤回了一条消息");
        let read = revoked(&revoke(&format!("<msgid>7</msgid><replacemsg><![CDATA[{text}]]></replacemsg>")));
        prop_assert_eq!(&*read.text, &*text);
        prop_assert_eq!(read.by, Some(Person::Named(name.trim().into())));
        let read = read_template(&template("\"$a$\"加入了群聊", &[("a", "link_profile", &[("wxid_a", &name)], "")]));
        prop_assert_eq!(read.event, Some(SystemEvent::Joined { who: vec![Person::Named(name.into())], is_ambiguous: false }));
    }
}
