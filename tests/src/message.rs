//! What arrives for the account, and the record that tells of it (docs/protocol.md §9.1).

use crate::attached::Part;
use crate::media::Media;
use crate::reply::{Node, Object};

/// A message for [`World::deliver`](crate::World::deliver): every field of the record that can matter, written to the
/// wire as it is.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Incoming {
    /// `FromUserName`; may be empty for the account's own messages.
    pub from: String,
    /// `ToUserName`; when empty, the account's own.
    pub to: String,
    /// 1 text, 3 image, 49 app … (docs/protocol.md §9.2).
    pub msg_type: i64,
    /// Already in the wire's form: escaped, with `<br/>`, with a room's prefix.
    pub content: String,
    /// 3 received, 4 system; 0 stands for 3.
    pub status: i64,
    /// 1 without a picture, 2 with one; 0 stands for 1.
    pub img_status: i64,
    /// Seconds since the epoch; `None`: now.
    pub create_time: Option<u64>,
    /// Milliseconds.
    pub voice_length: i64,
    /// Seconds.
    pub play_length: i64,
    /// A file's or link's title.
    pub file_name: String,
    /// Bytes, in digits.
    pub file_size: String,
    /// What fetches a file.
    pub media_id: String,
    /// A link.
    pub url: String,
    /// The kind of an app message.
    pub app_msg_type: i64,
    /// 1 read, 2 entered, 4 recent chats, 5 left.
    pub status_notify_code: i64,
    /// Names, joined by commas.
    pub status_notify_user_name: String,
    /// Of a friend request or a card.
    pub recommend: Recommend,
    /// 0 or 1.
    pub forward_flag: i64,
    /// The app that a link came from.
    pub app_id: String,
    /// 1: a sticker of the shop, which the web cannot fetch.
    pub has_product_id: i64,
    /// A ticket.
    pub ticket: String,
    /// Pixels.
    pub img_height: i64,
    /// Pixels.
    pub img_width: i64,
    /// 48: a text that is a location.
    pub sub_msg_type: i64,
    /// The location's XML.
    pub ori_content: String,
    /// A file's name, percent-encoded by the service.
    pub encry_file_name: String,
    /// `None`: a new one.
    pub msg_id: Option<u64>,
    /// What can be fetched of it, [planted](crate::World::plant) when it is delivered.
    pub attached: Vec<(Part, Media)>,
}

impl Incoming {
    /// A message of this type and content from someone. [`Incoming::text`] and its like make each kind as phones do.
    pub fn new(from: &str, msg_type: i64, content: &str) -> Self {
        Self { from: from.to_owned(), msg_type, content: content.to_owned(), ..Self::default() }
    }
}

/// The `RecommendInfo` of a message: present, and empty, on nearly all.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Recommend {
    /// Whom it is about.
    pub user_name: String,
    /// The name.
    pub nick_name: String,
    /// A number of another service.
    pub qq_num: i64,
    /// A province's name.
    pub province: String,
    /// A city's name.
    pub city: String,
    /// The greeting.
    pub content: String,
    /// The line under the name.
    pub signature: String,
    /// The chosen id.
    pub alias: String,
    /// Where the request came from.
    pub scene: i64,
    /// Bit 8: a public account.
    pub verify_flag: i64,
    /// A mask.
    pub attr_status: i64,
    /// 0 unknown, 1 male, 2 female.
    pub sex: i64,
    /// `v2_…@stranger`: what accepting needs.
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

/// A message that the service has handed out.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Delivered {
    /// As in `MsgId`.
    pub msg_id: String,
    /// As in `FromUserName`.
    pub from: String,
    /// As in `ToUserName`.
    pub to: String,
    /// As in `MsgType`.
    pub msg_type: i64,
    /// As in `Content`.
    pub content: String,
    /// The world's clock at that moment.
    pub at: u64,
}

/// A message that the client has sent.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct Sent {
    /// The call that it came by, such as `webwxsendmsgimg`.
    pub endpoint: String,
    /// Its addressee's `UserName`.
    pub to: String,
    /// As in `Type`: 1 text, 3 image, 6 file …; of an app message passed on, its `AppMsgType`.
    pub msg_type: i64,
    /// 0, or 2 of a message passed on.
    pub scene: i64,
    /// Its text or XML, as it came; may be empty.
    pub content: String,
    /// What was uploaded before: `MediaId`, or a file's `attachid`; may be empty.
    pub media_id: String,
    /// What its XML says, of a file.
    pub file: Option<SentFile>,
    /// The md5 of an emoticon; may be empty.
    pub emoticon_md5: String,
    /// The signature of a big file; may be empty.
    pub signature: String,
    /// Whom `MsgSource` names.
    pub mentions: Vec<String>,
    /// The client's id for it.
    pub client_msg_id: String,
    /// The service's id for it.
    pub msg_id: String,
    /// The world's clock when it came first.
    pub at: u64,
    /// How often the same send came again; it was not delivered again.
    pub repeats: usize,
    /// Whether it was taken back.
    pub revoked: bool,
}

/// What the XML of a file says (docs/protocol.md §6.3).
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct SentFile {
    /// `title`
    pub name: String,
    /// `totallen`, in bytes.
    pub size: u64,
    /// `attachid`
    pub media_id: String,
    /// `fileext`, without its dot; may be empty.
    pub extension: String,
}

/// What the client told the phone, by `webwxstatusnotify`.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Notice {
    /// 1 read, 2 entered, 3 logged in, 5 left.
    pub code: i64,
    /// Of which chat; of code 3, the account itself.
    pub to: String,
    /// The world's clock at that moment.
    pub at: u64,
}

impl Incoming {
    /// What it says as whoever passes it on has to say it: without the room's prefix, decoded.
    pub(crate) fn plain(&self) -> String {
        let said = match self.content.split_once(":<br/>") {
            Some((name, rest)) if self.from.starts_with("@@") && is_name(name) => rest,
            _ => &self.content,
        };
        off_the_wire(said)
    }

    /// The same of a file's name.
    pub(crate) fn plain_name(&self) -> String {
        off_the_wire(&self.file_name)
    }
}

/// `^(@[a-zA-Z0-9]+|[a-zA-Z0-9_-]+)` of docs/protocol.md §9.3.
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

/// A text as the phone's server puts it on the wire: entities, `<br/>` for a line break, spans for emoji
/// (docs/protocol.md §9.3).
pub(crate) fn on_the_wire(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '\n' => out.push_str("<br/>"),
            '\u{1F300}'..='\u{1FAFF}' => {
                out.push_str(&format!("<span class=\"emoji emoji{:x}\"></span>", c as u32));
            }
            c => out.push(c),
        }
    }
    out
}

/// The text that was put on the wire so.
pub(crate) fn off_the_wire(text: &str) -> String {
    let mut plain = text.replace("<br/>", "\n");
    for (entity, c) in
        [("&lt;", "<"), ("&gt;", ">"), ("&#39;", "'"), ("&quot;", "\""), ("&amp;", "&")]
    {
        plain = plain.replace(entity, c);
    }
    let span = "<span class=\"emoji emoji";
    let mut out = String::new();
    let mut rest = plain.as_str();
    while let Some((before, after)) = rest.split_once(span) {
        out.push_str(before);
        let hex = after.split_once("\"></span>").map_or("", |(hex, _)| hex);
        match u32::from_str_radix(hex, 16).ok().and_then(char::from_u32) {
            Some(c) => {
                out.push(c);
                rest = &after[hex.len() + "\"></span>".len()..];
            }
            None => {
                out.push_str(span);
                rest = after;
            }
        }
    }
    out + rest
}

/// A name as the wire has it: the same, but emoji that are spans already stay.
pub(crate) fn name_on_the_wire(name: &str) -> String {
    let (start, end) = ("<span class=\"emoji ", "</span>");
    match name.split_once(start).and_then(|(front, rest)| Some((front, rest.split_once(end)?))) {
        Some((front, (span, rest))) => {
            let (front, rest) = (on_the_wire(front), name_on_the_wire(rest));
            format!("{front}{start}{span}{end}{rest}")
        }
        None => on_the_wire(name),
    }
}

/// XML inside of a `Content`: escaped once, quotes left alone, a `<br/>` behind every element.
pub(crate) fn escaped_xml(lines: &[String]) -> String {
    lines
        .iter()
        .map(|line| line.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;"))
        .collect::<Vec<_>>()
        .join("<br/>")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_passed_on_has_no_prefix() {
        for (from, content, plain) in [
            ("@@r", "@a:<br/>hi", "hi"),
            ("@@r", "wxid_a-1:<br/>@b:<br/>hi", "@b:\nhi"),
            ("@@r", "no name:<br/>hi", "no name:\nhi"),
            ("@a", "@a:<br/>&lt;hi&gt;", "@a:\n<hi>"),
        ] {
            assert_eq!(Incoming::new(from, 1, content).plain(), plain);
        }
    }

    #[test]
    fn a_text_is_escaped_for_the_wire() {
        assert_eq!(
            on_the_wire("a<b & c\n\u{1F601}微信 \"q\""),
            "a&lt;b &amp; c<br/><span class=\"emoji emoji1f601\"></span>微信 \"q\""
        );
        assert_eq!(
            name_on_the_wire("A & <span class=\"emoji emoji1f604\"></span> \u{1F601}<"),
            "A &amp; <span class=\"emoji emoji1f604\"></span> <span class=\"emoji emoji1f601\"></span>&lt;"
        );
        for text in
            ["a<b & c\n\u{1F601}微信 \"q\"", "&amp;lt;", "<br>", "", "<span class=\"emoji emoji"]
        {
            assert_eq!(off_the_wire(&on_the_wire(text)), text);
        }
        let xml = escaped_xml(&["<op id='4'>".into(), "</op>".into()]);
        assert_eq!(xml, "&lt;op id='4'&gt;<br/>&lt;/op&gt;");
    }
}
