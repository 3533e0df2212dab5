use alloc::format;
use alloc::string::{String, ToString as _};

use proptest::prelude::*;

use super::*;
use crate::ids::UserName;
use crate::message::{ForwardMessage, WireMessage};
use crate::testing::{me, message, said};
use crate::wire::lenient::{Lenient as _, List};

/// The kinds are checked in the order of the official page: `docs/protocol.md` §9.2.
#[test]
fn special_texts_have_their_own_kind() {
    let news = message(
        r#""FromUserName":"newsapp","ToUserName":"@me","MsgType":1,"AppMsgType":2001,"SubMsgType":48,"Content":"x""#,
    );
    assert!(matches!(news.kind, Kind::News(_)));
    let packet = said(1, r#""AppMsgType":2001,"SubMsgType":48"#, "收到红包，请在手机上查看");
    let Kind::App(app) = packet.kind else { panic!("{:?}", packet.kind) };
    assert_eq!((app.kind, &*app.text), (app::AppKind::RED_PACKET, "收到红包，请在手机上查看"));
    assert!(matches!(said(1, r#""SubMsgType":48"#, "x").kind, Kind::Location(_)));
    // Other numbers change nothing.
    for fields in ["", r#""SubMsgType":7"#, r#""AppMsgType":5"#] {
        assert_eq!(said(1, fields, "a &amp; b").text(), Some("a & b"), "{fields}");
    }
}

/// `docs/protocol.md` §15. The numbers decide: a person may type the hint, and its language varies.
#[test]
fn placeholder_of_the_web_is_unsupported() {
    let hint = "该类型暂不支持，请在手机上查看";
    for (fields, unsupported) in [
        (r#""ImgStatus":2,"HasProductId":1"#, true),
        (r#""ImgStatus":1,"HasProductId":1"#, false),
        (r#""ImgStatus":2,"HasProductId":0"#, false),
        ("", false),
    ] {
        for text in [hint, "View on phone"] {
            let message = said(1, fields, text);
            let expected = if unsupported { Kind::Unsupported } else { Kind::Text };
            assert_eq!(message.kind, expected(text.into()), "{fields}");
            assert_eq!(message.text().is_none(), unsupported);
            assert_eq!(message.preview(&crate::device::Lang::EN_US), text);
            let forward = ForwardMessage::new(&message, UserName::file_helper());
            assert_eq!(forward.is_err(), unsupported, "{fields}");
        }
    }
}

#[test]
fn debug_shows_the_name_of_a_type() {
    assert_eq!(
        format!("{:?} {:?}", MsgType::PUSH_MAIL, MsgType(7)),
        "MsgType::PUSH_MAIL (35) MsgType(7)"
    );
    assert_eq!((MsgType::from(49), format!("{}", MsgType::APP)), (MsgType::APP, "49".into()));
}

/// The serialized form on which bridges rely.
#[test]
fn serialized_form_is_stable() {
    let text = message(
        r#""MsgId":"9","FromUserName":"@@r","ToUserName":"@me","MsgType":1,"CreateTime":1476612570,"Content":"@b:<br/>hi""#,
    );
    let expected = serde_json::json!({
        "schema": 1, "id": "9", "from": "@@r", "to": "@me", "speaker": "@b", "outgoing": false,
        "sent": 1_476_612_570_000_u64, "kind": { "text": "hi" },
    });
    assert_eq!(serde_json::to_value(&text).unwrap(), expected);
}

/// Generates content from fragments of every message type.
fn content() -> impl Strategy<Value = String> {
    let part = prop::sample::select(
        &[
            "<msg>",
            "</msg>",
            "&lt;msg ",
            "&lt;appmsg appid=\"x\"&gt;",
            "&lt;title&gt;",
            "&lt;/title&gt;",
            "&lt;type&gt;19&lt;/type&gt;",
            "&lt;recorditem&gt;",
            "&amp;lt;recordinfo&amp;gt;",
            "&lt;![CDATA[",
            "]]&gt;",
            "&lt;refermsg&gt;",
            "&lt;item&gt;",
            "&lt;mmreader&gt;",
            "&lt;category&gt;",
            "&lt;location x=\"1\" y=\"2\"/&gt;",
            "&lt;emoji md5 = \"e\" /&gt;",
            "&lt;img length='1'/&gt;",
            ":<br/>",
            "@b:<br/>",
            "<br/>",
            "&",
            "<",
            "\"",
            "|",
            "\u{0}",
            "<span class=\"emoji emoji1f604\"></span>",
            "http://m/?coord=1,2",
        ][..],
    );
    prop::collection::vec(prop_oneof![3 => part.prop_map(String::from), 1 => "\\PC{0,6}"], 0..24)
        .prop_map(|parts| parts.concat())
}

proptest! {
    /// Any message is delivered with its complete JSON.
    #[test]
    fn any_message_is_delivered(
        content in content(),
        msg_type in prop_oneof![prop::sample::select(&[1, 3, 34, 37, 40, 42, 43, 44, 47, 48, 49, 50, 52, 53, 62][..]), any::<i64>()],
        app_msg_type in prop_oneof![0..60_i64, Just(2000), Just(2001), Just(100_001), any::<i64>()],
        sub_msg_type in prop::sample::select(&[0, 48][..]),
        from in prop::sample::select(&["@a", "@@r", "newsapp", "", "a b"][..]),
        other in "\\PC{0,8}",
        number in any::<i64>(),
    ) {
        let fields = serde_json::json!({
            "FromUserName": from, "ToUserName": "@me", "MsgType": msg_type, "SubMsgType": sub_msg_type,
            "AppMsgType": app_msg_type, "Content": content, "OriContent": content, "FileName": other,
            "FileSize": other, "MediaId": other, "Url": other, "VoiceLength": number, "PlayLength": number,
            "ImgWidth": number, "ImgHeight": other, "HasProductId": number, "AppInfo": { "AppID": other },
            "RecommendInfo": { "UserName": other, "Ticket": other, "Scene": other }, "Ticket": other,
        });
        let list = List::read(&serde_json::json!([fields]).to_string());
        let message = WireMessage::take_all(list, &me()).remove(0);
        let raw: serde_json::Value = serde_json::from_str(message.raw.json()).unwrap();
        prop_assert_eq!(raw, fields);
        // It can be serialized, and is not much larger than the input.
        let written = serde_json::to_string(&message).unwrap();
        prop_assert!(written.len() < 8_000 + 12 * content.len());
    }
}
