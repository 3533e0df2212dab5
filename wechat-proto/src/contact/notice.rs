//! Contact data in messages: the phone's list of recent chats (`docs/protocol.md` §9.7) and the
//! senders of friend requests (§9.8).

use alloc::string::String;
use alloc::vec::Vec;

use super::PermanentId;
use crate::ids::UserName;
use crate::message::Message;
use crate::message::content::document;
use crate::text::Text;
use crate::wire::document::{Found, walk};
use crate::wire::lenient::{Int, Lenient as _};
use crate::wire::object::object;

/// The contact data of a message.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct Notice {
    /// Recent chats, by their `UserName`s.
    pub(super) chats: Vec<UserName>,
    /// `UserName`s with their permanent ids.
    pub(super) ids: Vec<(UserName, PermanentId)>,
}

/// The maximum number of chats, more than any phone lists: `docs/threats.md` J7.
const CHATS: usize = 4096;

object! {
    struct WireKind {
        "MsgType" => msg_type: Int,
        "StatusNotifyCode" => status_notify_code: Int,
    }
}

object! {
    struct WireNotice {
        "StatusNotifyUserName" => names: Text,
        "Content" => content: Text,
        "RecommendInfo" => recommend: WireRecommend,
    }
}

object! {
    struct WireRecommend {
        "UserName" => user_name: Text,
    }
}

impl Notice {
    /// Extracts the contact data of a message; empty for nearly every message.
    pub(super) fn of(message: &Message) -> Self {
        if message.text().is_some() {
            return Self::default();
        }
        let json = message.raw.json();
        let kind = WireKind::read(&json);
        match (kind.msg_type.0, kind.status_notify_code.0) {
            (51, 4) => chats(&WireNotice::read(&json)),
            (37, _) => friend(&WireNotice::read(&json)),
            _ => Self::default(),
        }
    }
}

/// Parses the names, and pairs them with the ids if there are equally many in the same order.
fn chats(wire: &WireNotice) -> Notice {
    // There may be a comma at the end.
    let list = |text: &str| -> Vec<String> {
        let text = text.trim().trim_end_matches(',');
        text.split(',').take(CHATS).map(|name| name.trim().into()).collect()
    };
    let names: Vec<Option<UserName>> =
        list(&wire.names).iter().map(|name| name.parse().ok()).collect();
    let mut ids = String::new();
    if let Some(document) = document(&wire.content) {
        walk(&document, |path, found| {
            if let ([.., "op", "username"], Found::Text(text)) = (path, found) {
                ids.push_str(text);
            }
        });
    }
    let ids = list(&ids);
    let mut pairs = Vec::new();
    if ids.len() == names.len() {
        for (name, id) in names.iter().zip(&ids) {
            let (Some(name), Ok(id)) = (name, id.parse::<PermanentId>()) else { continue };
            // A room paired with a person's id: the lists do not match, so no pair is reliable.
            if !id.fits(name) {
                pairs.clear();
                break;
            }
            pairs.push((name.clone(), id));
        }
    }
    Notice { chats: names.into_iter().flatten().collect(), ids: pairs }
}

/// Parses the sender of a friend request: its name is in the record, its permanent id in the
/// document.
fn friend(wire: &WireNotice) -> Notice {
    let mut ids = Vec::new();
    if let (Ok(name), Some(document)) =
        (wire.recommend.user_name.parse::<UserName>(), document(&wire.content))
    {
        walk(&document, |path, found| {
            if let (["msg"], Found::Element(attributes)) = (path, found) {
                let mut found = attributes.iter().filter(|(key, _)| *key == "fromusername");
                let id = found.next().and_then(|(_, id)| id.parse::<PermanentId>().ok());
                ids.extend(id.filter(|id| id.fits(&name)).map(|id| (name.clone(), id)));
            }
        });
    }
    Notice { chats: Vec::new(), ids }
}

#[cfg(test)]
mod tests {
    use alloc::format;

    use super::*;
    use crate::testing::message;

    fn notice(fields: &str) -> String {
        let notice = Notice::of(&message(&format!(r#""FromUserName":"@me",{fields}"#)));
        let chats: Vec<_> = notice.chats.iter().map(UserName::as_str).collect();
        let ids: Vec<_> = notice.ids.iter().map(|(name, id)| format!("{name}={id}")).collect();
        format!("{} | {}", chats.join(" "), ids.join(" "))
    }

    fn recent(names: &str, ids: &str) -> String {
        notice(&format!(
            r#""MsgType":51,"StatusNotifyCode":4,"StatusNotifyUserName":"{names}","Content":"{ids}""#
        ))
    }

    #[test]
    fn pairs_names_and_ids() {
        let content = "&lt;msg&gt;<br/>&lt;op id='4'&gt;<br/>&lt;username&gt;<br/>filehelper,wxid_a,1@chatroom<br/>&lt;/username&gt;<br/>&lt;unreadchatlist&gt;<br/>&lt;chat&gt;&lt;username&gt;x&lt;/username&gt;&lt;/chat&gt;&lt;/unreadchatlist&gt;<br/>&lt;/op&gt;<br/>&lt;/msg&gt;<br/>";
        for (names, expected) in [
            (
                "filehelper,@a,@@r",
                "filehelper @a @@r | filehelper=filehelper @a=wxid_a @@r=1@chatroom",
            ),
            (
                "filehelper,@a,@@r,",
                "filehelper @a @@r | filehelper=filehelper @a=wxid_a @@r=1@chatroom",
            ),
            // An invalid name drops only its own pair.
            ("filehelper,a b,@@r", "filehelper @@r | filehelper=filehelper @@r=1@chatroom"),
            ("filehelper,,@@r", "filehelper @@r | filehelper=filehelper @@r=1@chatroom"),
            // Lists of different lengths or orders are not paired.
            ("filehelper,@a", "filehelper @a | "),
            ("@a,@@r", "@a @@r | "),
            ("filehelper,@@r,@a", "filehelper @@r @a | "),
            ("@a,filehelper,@@r", "@a filehelper @@r | "),
            ("", " | "),
        ] {
            assert_eq!(recent(names, content), expected, "{names}");
        }
        // `docs/shapes.md` S59: no content, single quotes or double, an empty list.
        for content in [
            "",
            "&lt;msg&gt;&lt;op id=\\\"4\\\"&gt;&lt;username&gt;&lt;/username&gt;&lt;/op&gt;&lt;/msg&gt;",
            "x",
        ] {
            assert_eq!(recent("@a,@@r", content), "@a @@r | ");
        }
    }

    #[test]
    fn friend_request_names_its_sender() {
        let request = |name: &str, id: &str| {
            notice(&format!(
                r#""MsgType":37,"RecommendInfo":{{"UserName":"{name}"}},"Content":"&lt;msg fromusername=\"{id}\" content=\"hi\"&gt;&lt;brandlist/&gt;&lt;/msg&gt;""#
            ))
        };
        assert_eq!(request("@a", "wxid_a"), " | @a=wxid_a");
        assert_eq!(request("@a", "ada_99"), " | @a=ada_99");
        assert_eq!([request("", "wxid_a"), request("@a", "")], [" | ", " | "]);
        assert_eq!([request("@a", "@b"), request("@a", "1@chatroom")], [" | ", " | "]);
    }

    #[test]
    fn other_messages_have_no_contact_data() {
        for fields in [
            r#""MsgType":1,"StatusNotifyCode":4,"StatusNotifyUserName":"@a","Content":"x""#,
            r#""MsgType":51,"StatusNotifyCode":2,"StatusNotifyUserName":"@a""#,
            r#""MsgType":51,"StatusNotifyCode":9,"StatusNotifyUserName":"@a""#,
            r#""MsgType":42,"RecommendInfo":{"UserName":"@a"},"Content":"&lt;msg fromusername=\"x\"/&gt;""#,
        ] {
            assert_eq!(notice(fields), " | ", "{fields}");
        }
    }
}
