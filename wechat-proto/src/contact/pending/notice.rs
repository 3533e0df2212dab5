//! The contacts that messages mention: the phone's list of recent chats (`docs/protocol.md` §9.7),
//! and the senders of friend requests (§9.8).

use alloc::vec::Vec;

use crate::contact::PermanentId;
use crate::message::{FriendRequest, Kind, StatusCode, StatusNotify};
use crate::{Message, UserName};

/// The contacts that a message mentions.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct Notice {
    /// Recent chats, by their names in this login.
    pub(super) chats: Vec<UserName>,
    /// Names in this login with the permanent ids of the same contacts.
    pub(super) ids: Vec<(UserName, PermanentId)>,
}

/// The maximum number of chats, above that of any phone: `docs/threats.md` J7.
const CHATS: usize = 4096;

impl Notice {
    /// Returns the contacts that a message mentions, which is none for nearly all messages.
    pub(super) fn of(message: &Message) -> Self {
        match &message.kind {
            Kind::Status(status) if status.code == StatusCode::RECENT => chats(status),
            Kind::FriendRequest(request) => friend(request),
            _ => Self::default(),
        }
    }
}

fn chats(status: &StatusNotify) -> Notice {
    let mut ids = Vec::new();
    for (name, id) in status.pairs().take(CHATS) {
        let Ok(id) = id.parse::<PermanentId>() else { continue };
        // If a room is paired with the id of a person, the two lists have different chats, and no
        // pair is certain.
        if !id.fits(name) {
            ids.clear();
            break;
        }
        ids.push((name.clone(), id));
    }
    Notice { chats: status.user_names.iter().take(CHATS).cloned().collect(), ids }
}

fn friend(request: &FriendRequest) -> Notice {
    let id = request.permanent_id.parse::<PermanentId>().ok();
    let pair = request.user_name().cloned().zip(id).filter(|(name, id)| id.fits(name));
    Notice { chats: Vec::new(), ids: pair.into_iter().collect() }
}

#[cfg(test)]
mod tests {
    use alloc::format;
    use alloc::string::String;

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
    fn names_and_ids_are_paired() {
        let content = "&lt;msg&gt;<br/>&lt;op id='4'&gt;<br/>&lt;username&gt;<br/>filehelper,wxid_a,1@chatroom<br/>&lt;/username&gt;<br/>&lt;unreadchatlist&gt;<br/>&lt;chat&gt;&lt;username&gt;x&lt;/username&gt;&lt;/chat&gt;&lt;/unreadchatlist&gt;<br/>&lt;/op&gt;<br/>&lt;/msg&gt;<br/>";
        for (names, read) in [
            (
                "filehelper,@a,@@r",
                "filehelper @a @@r | filehelper=filehelper @a=wxid_a @@r=1@chatroom",
            ),
            (
                "filehelper,@a,@@r,",
                "filehelper @a @@r | filehelper=filehelper @a=wxid_a @@r=1@chatroom",
            ),
            // After an invalid name, the order of the others is unknown.
            ("filehelper,a b,@@r", "filehelper @@r | "),
            ("filehelper,,@@r", "filehelper @@r | "),
            // Lists of different lengths or orders are not paired.
            ("filehelper,@a", "filehelper @a | "),
            ("@a,@@r", "@a @@r | "),
            ("filehelper,@@r,@a", "filehelper @@r @a | "),
            ("@a,filehelper,@@r", "@a filehelper @@r | "),
            ("", " | "),
        ] {
            assert_eq!(recent(names, content), read, "{names}");
        }
        // `docs/shapes.md` S59: the content may be empty, have single or double quotes, or have an
        // empty list.
        for content in [
            "",
            "&lt;msg&gt;&lt;op id=\\\"4\\\"&gt;&lt;username&gt;&lt;/username&gt;&lt;/op&gt;&lt;/msg&gt;",
            "x",
        ] {
            assert_eq!(recent("@a,@@r", content), "@a @@r | ");
        }
    }

    #[test]
    fn friend_request_has_the_id_of_its_sender() {
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
    fn other_messages_are_ignored() {
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
