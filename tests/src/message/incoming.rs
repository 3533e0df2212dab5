//! Messages for the account, and their records (docs/protocol.md §9.1).

use crate::media::{Media, Part};
use crate::wire::reply::{Node, Object};
use crate::wire::text::off_the_wire;

/// A message for [`World::deliver`](crate::World::deliver). Its fields are those of the wire record
/// that clients read, in the format of the wire: their values are not escaped again.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Incoming {
    /// `FromUserName`; may be empty for the account's own messages.
    pub from: String,
    /// `ToUserName`; if empty, the account's own.
    pub to: String,
    /// 1 text, 3 image, 49 app … (docs/protocol.md §9.2).
    pub msg_type: i64,
    /// The content in the format of the wire: escaped, with `<br/>`, with a room's prefix.
    pub content: String,
    /// 3 received, 4 system; 0 means 3.
    pub status: i64,
    /// 1 without a picture, 2 with one; 0 means 1.
    pub img_status: i64,
    /// Seconds since the epoch; `None` means now.
    pub create_time: Option<u64>,
    /// The duration of a voice message, in milliseconds.
    pub voice_length: i64,
    /// The duration of a video, in seconds.
    pub play_length: i64,
    /// The title of a file or link.
    pub file_name: String,
    /// The size of a file in bytes, in decimal.
    pub file_size: String,
    /// The id for downloading a file.
    pub media_id: String,
    /// A link.
    pub url: String,
    /// The kind of an app message.
    pub app_msg_type: i64,
    /// 1 read, 2 entered, 4 recent chats, 5 left.
    pub status_notify_code: i64,
    /// Names, joined by commas.
    pub status_notify_user_name: String,
    /// The sender of a friend request, or the person on a card.
    pub recommend: Recommend,
    /// 0 or 1.
    pub forward_flag: i64,
    /// The app that a link came from.
    pub app_id: String,
    /// 1: a sticker from the shop, which the web cannot fetch.
    pub has_product_id: i64,
    /// A ticket.
    pub ticket: String,
    /// The height of a picture, in pixels.
    pub img_height: i64,
    /// The width of a picture, in pixels.
    pub img_width: i64,
    /// 48: a text that is a location.
    pub sub_msg_type: i64,
    /// The location's XML.
    pub ori_content: String,
    /// A file's name, percent-encoded by the service.
    pub encry_file_name: String,
    /// The message id; `None` means a new one.
    pub msg_id: Option<u64>,
    /// The downloadable parts, [planted](crate::World::plant) when the message is delivered.
    pub attached: Vec<(Part, Media)>,
}

impl Incoming {
    /// Builds a message with this type and raw content. [`Incoming::text`] and the other constructors build each kind
    /// as phones do.
    pub fn new(from: &str, msg_type: i64, content: &str) -> Self {
        Self { from: from.to_owned(), msg_type, content: content.to_owned(), ..Self::default() }
    }

    /// Sets the content of a part, replacing an earlier one. It is planted when the message is delivered.
    #[must_use]
    pub fn attach(mut self, part: Part, media: Media) -> Self {
        self.attached.retain(|(there, _)| *there != part);
        self.attached.push((part, media));
        self
    }
}

/// The `RecommendInfo` of a message; present but empty in nearly all messages.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Recommend {
    /// The `UserName` of the person.
    pub user_name: String,
    /// The name.
    pub nick_name: String,
    /// The QQ number.
    pub qq_num: i64,
    /// A province's name.
    pub province: String,
    /// A city's name.
    pub city: String,
    /// The greeting.
    pub content: String,
    /// The profile's motto.
    pub signature: String,
    /// The chosen id.
    pub alias: String,
    /// The origin of the request.
    pub scene: i64,
    /// A bit mask; the bit of value 8 marks an official account.
    pub verify_flag: i64,
    /// Bits of unknown meaning.
    pub attr_status: i64,
    /// 0 unknown, 1 male, 2 female.
    pub sex: i64,
    /// `v2_…@stranger`: the ticket for accepting the request.
    pub ticket: String,
    /// 2 for a request.
    pub op_code: i64,
}

impl Recommend {
    fn record(&self) -> Object {
        Object::new()
            .with("UserName", &self.user_name)
            .with("NickName", &self.nick_name)
            .with("QQNum", self.qq_num)
            .with("Province", &self.province)
            .with("City", &self.city)
            .with("Content", &self.content)
            .with("Signature", &self.signature)
            .with("Alias", &self.alias)
            .with("Scene", self.scene)
            .with("VerifyFlag", self.verify_flag)
            .with("AttrStatus", self.attr_status)
            .with("Sex", self.sex)
            .with("Ticket", &self.ticket)
            .with("OpCode", self.op_code)
    }
}

impl Incoming {
    /// Returns the author and the text. In a room, the content begins with the author.
    pub(crate) fn said(&self) -> (&str, &str) {
        match self.content.split_once(":<br/>") {
            Some((speaker, said)) if self.from.starts_with("@@") => (speaker, said),
            _ => (&self.from, &self.content),
        }
    }

    /// Returns the content as it must be forwarded: decoded, without the room's prefix.
    pub(crate) fn plain(&self) -> String {
        let said = match self.content.split_once(":<br/>") {
            Some((name, rest)) if self.from.starts_with("@@") && is_name(name) => rest,
            _ => &self.content,
        };
        off_the_wire(said)
    }

    /// Returns whether this is a location (docs/protocol.md §9.10).
    pub(crate) fn is_place(&self) -> bool {
        self.msg_type == 48 || (self.msg_type, self.sub_msg_type) == (1, 48)
    }

    /// Returns the decoded file name.
    pub(crate) fn plain_name(&self) -> String {
        off_the_wire(&self.file_name)
    }
}

/// Returns whether the text matches `^(@[a-zA-Z0-9]+|[a-zA-Z0-9_-]+)` of docs/protocol.md §9.3.
fn is_name(text: &str) -> bool {
    let (word, more) = text.strip_prefix('@').map_or((text, true), |word| (word, false));
    let legal = |c: char| c.is_ascii_alphanumeric() || more && (c == '_' || c == '-');
    !word.is_empty() && word.chars().all(legal)
}

impl Incoming {
    pub(crate) fn record(&self, msg_id: u64, now: u64) -> Node {
        let or = |value: i64, other: i64| if value == 0 { other } else { value };
        Object::new()
            .with("MsgId", msg_id.to_string())
            .with("FromUserName", &self.from)
            .with("ToUserName", &self.to)
            .with("MsgType", self.msg_type)
            .with("Content", &self.content)
            .with("Status", or(self.status, 3))
            .with("ImgStatus", or(self.img_status, 1))
            .with("CreateTime", self.create_time.unwrap_or(now / 1000))
            .with("VoiceLength", self.voice_length)
            .with("PlayLength", self.play_length)
            .with("FileName", &self.file_name)
            .with("FileSize", &self.file_size)
            .with("MediaId", &self.media_id)
            .with("Url", &self.url)
            .with("AppMsgType", self.app_msg_type)
            .with("StatusNotifyCode", self.status_notify_code)
            .with("StatusNotifyUserName", &self.status_notify_user_name)
            .with("RecommendInfo", self.recommend.record())
            .with("ForwardFlag", self.forward_flag)
            .with("AppInfo", Object::new().with("AppID", &self.app_id).with("Type", 0_i64))
            .with("HasProductId", self.has_product_id)
            .with("Ticket", &self.ticket)
            .with("ImgHeight", self.img_height)
            .with("ImgWidth", self.img_width)
            .with("SubMsgType", self.sub_msg_type)
            .with("NewMsgId", msg_id)
            .with("OriContent", &self.ori_content)
            .with("EncryFileName", &self.encry_file_name)
            .into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_content_has_no_room_prefix() {
        for (from, content, plain) in [
            ("@@r", "@a:<br/>hi", "hi"),
            ("@@r", "wxid_a-1:<br/>@b:<br/>hi", "@b:\nhi"),
            ("@@r", "no name:<br/>hi", "no name:\nhi"),
            ("@a", "@a:<br/>&lt;hi&gt;", "@a:\n<hi>"),
        ] {
            assert_eq!(Incoming::new(from, 1, content).plain(), plain);
        }
    }
}
