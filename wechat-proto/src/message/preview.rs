//! A message in one line, as a list of chats shows it.

use alloc::borrow::Cow;

use super::{Kind, Message};
use crate::device::Lang;

impl Message {
    /// What a list of chats shows of it: the text in one line, or a word in brackets for what is
    /// no text, in Chinese or in English.
    ///
    /// The Chinese words are the official page's own. Nothing for notices of the phone
    /// ([`Kind::Status`]), which are no messages. Who said it is not part of it.
    pub fn preview(&self, lang: &Lang) -> Cow<'_, str> {
        let text: Cow<'_, str> = match &self.kind {
            Kind::Text(text) => (&**text).into(),
            Kind::Status(_) => "".into(),
            Kind::System(system) => (&*system.text).into(),
            Kind::Revoked(revoked) if revoked.text.is_empty() => word(lang, RECALLED).into(),
            Kind::Revoked(revoked) => (&*revoked.text).into(),
            Kind::SysMsg(sysmsg) => sysmsg.text().into(),
            Kind::Unreadable { msg_type, .. } | Kind::Unknown { msg_type } => {
                let known = WORDS.iter().find(|(number, ..)| number == msg_type);
                word(lang, known.map_or(OTHER, |(_, zh, en)| (zh, en))).into()
            }
        };
        if text.contains(['\n', '\r']) { text.replace(['\n', '\r'], " ").into() } else { text }
    }
}

fn word(lang: &Lang, (zh, en): (&'static str, &'static str)) -> &'static str {
    if lang.as_str().starts_with("zh") { zh } else { en }
}

/// The words for each `MsgType` that is no text. Where the English page's are not known, the
/// Chinese ones are translated.
const WORDS: &[(i64, &str, &str)] = &[
    (3, "[图片]", "[Image]"),
    (34, "[语音]", "[Voice]"),
    (37, "[好友请求]", "[Friend request]"),
    (42, "[名片]", "[Contact card]"),
    (43, "[视频]", "[Video]"),
    (47, "[动画表情]", "[Sticker]"),
    (48, "[位置]", "[Location]"),
    (49, "[应用消息]", "[App message]"),
    (50, CALL.0, CALL.1),
    (52, CALL.0, CALL.1),
    (53, CALL.0, CALL.1),
    (62, "[小视频]", "[Short video]"),
];
const CALL: (&str, &str) = (
    "[收到一条视频/语音聊天消息，请在手机上查看]",
    "[Received video/voice chat message. View on phone.]",
);
const RECALLED: (&str, &str) = ("撤回了一条消息", "recalled a message");
const OTHER: (&str, &str) =
    ("该消息网页版微信暂时不支持", "This message is not supported on the web");

#[cfg(test)]
mod tests {
    use alloc::format;

    use proptest::prelude::*;

    use super::*;
    use crate::testing::message;

    fn preview(msg_type: i64, content: &str, lang: &Lang) -> alloc::string::String {
        let content = serde_json::Value::from(content);
        let fields = format!(r#""FromUserName":"@a","MsgType":{msg_type},"Content":{content}"#);
        message(&fields).preview(lang).into_owned()
    }

    #[test]
    fn is_what_a_list_of_chats_shows() {
        let revoked = "&lt;sysmsg type=\"revokemsg\"&gt;&lt;revokemsg&gt;&lt;msgid&gt;1&lt;/msgid&gt;&lt;replacemsg&gt;TEXT&lt;/replacemsg&gt;&lt;/revokemsg&gt;&lt;/sysmsg&gt;";
        let empty = revoked.replace("TEXT", "");
        let tickle = "&lt;sysmsg type=\"pat\"&gt;&lt;pat&gt;&lt;template&gt;\"${wxid_1}\" 拍了拍我&lt;/template&gt;&lt;/pat&gt;&lt;/sysmsg&gt;";
        for (msg_type, content, zh, en) in [
            (1, "a<br/>b &amp; c", "a b & c", "a b & c"),
            (3, "&lt;msg/&gt;", "[图片]", "[Image]"),
            (47, "", "[动画表情]", "[Sticker]"),
            (53, "", CALL.0, CALL.1),
            (51, "", "", ""),
            (4711, "x", OTHER.0, OTHER.1),
            (10_000, "位置共享已经结束", "位置共享已经结束", "位置共享已经结束"),
            (10_002, revoked, "TEXT", "TEXT"),
            (10_002, &empty, "撤回了一条消息", "recalled a message"),
            (10_002, tickle, "\"wxid_1\" 拍了拍我", "\"wxid_1\" 拍了拍我"),
        ] {
            assert_eq!(preview(msg_type, content, &Lang::ZH_CN), zh, "{msg_type}");
            assert_eq!(preview(msg_type, content, &Lang::ZH_TW), zh, "{msg_type}");
            assert_eq!(preview(msg_type, content, &Lang::EN_US), en, "{msg_type}");
        }
    }

    proptest! {
        #[test]
        fn is_one_line(content in "(<br/>|&#10;|\\PC|\n){0,20}", msg_type in prop::sample::select(&[1, 3, 51, 9999, 10_000, 10_002, 4711][..])) {
            prop_assert!(!preview(msg_type, &content, &Lang::EN_US).contains(['\n', '\r']));
        }
    }
}
