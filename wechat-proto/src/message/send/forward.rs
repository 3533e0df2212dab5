//! Forwarding of a received message, through the endpoint of its kind (`docs/protocol.md` §6.4).

use alloc::boxed::Box;

use super::{APP, Draft, IMAGE, NotForwardable, SendEmoticon, TEXT, VIDEO, app, send};
use crate::media::FileKeys;
use crate::message::content::document;
use crate::message::envelope::{Message, room_prefix};
use crate::message::file::{self, FILE, File};
use crate::message::kind::Kind;
use crate::message::{AppKind, MsgType};
use crate::text::decode;
use crate::wire::document::texts;
use crate::wire::lenient::Lenient as _;
use crate::wire::object::object;
use crate::{Text, UserName};

/// A request that forwards a received message to a person or a room.
///
/// Texts, pictures, videos, emoticons, locations, files, links, mini programs and other app
/// messages can be forwarded without downloading them. A file above 25 MB is likely to be
/// refused, because the service requires a signature that only an upload returns. The official
/// page forwards a message to 200 chats at most.
///
/// The request must not be retried automatically: see [`SendText`](super::SendText).
///
/// ```
/// # use wechat_proto::{Message, UserName};
/// # use wechat_proto::message::{ForwardMessage, NotForwardable};
/// # fn forward(message: &Message, one: UserName, other: UserName) -> Result<(), NotForwardable> {
/// let first = ForwardMessage::new(message, one)?;
/// let second = first.with_receiver(other);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct ForwardMessage(pub(super) Draft);

impl ForwardMessage {
    /// Returns a request that forwards a message.
    ///
    /// # Errors
    ///
    /// - [`NotForwardable::Kind`] if the service accepts this kind of message from its sender only.
    /// - [`NotForwardable::Sticker`] if the message is a sticker from the shop.
    /// - [`NotForwardable::Incomplete`] if the message lacks a field that the forward needs.
    pub fn new(message: &Message, to: UserName) -> Result<Self, NotForwardable> {
        draft(message, to).map(|draft| Self(draft.forward()))
    }

    /// Returns a request that forwards the same content to another receiver, with a new message id.
    #[must_use]
    pub fn with_receiver(&self, to: UserName) -> Self {
        Self(Draft { to, id: None, ..self.0.clone() })
    }
}

send!(ForwardMessage);

object! {
    /// The fields of a message that a forward needs beyond [`Message`].
    struct Record {
        "MsgType" => msg_type: i64,
        "SubMsgType" => sub_msg_type: i64,
        "AppMsgType" => app_msg_type: i64,
        "Content" => content: Text,
        "OriContent" => ori_content: Text,
        "FileName" => file_name: Text,
        "FileSize" => file_size: Text,
        "MediaId" => media_id: Text,
    }
}

const FILE_UPLOADING: i64 = AppKind::FILE_UPLOADING.0;

fn draft(message: &Message, to: UserName) -> Result<Draft, NotForwardable> {
    let record = Record::read(message.raw.json());
    let text = |kind| Draft::new(TEXT, kind, to.clone());
    match (record.msg_type, record.sub_msg_type, record.app_msg_type) {
        (48, ..) | (1, 48, _) => Ok(text(MsgType::LOCATION.0).with_content(record.location()?)),
        // Messages from `newsapp` are not texts; 2001 is a red packet (`docs/protocol.md` §9.2). A
        // location that is only a link is forwarded as its text.
        (1, ..) if matches!(message.kind, Kind::Text(_) | Kind::Location(_)) => {
            Ok(text(MsgType::TEXT.0).with_content(record.said(message)?))
        }
        (kind @ 3, ..) => Ok(Draft::new(IMAGE, kind, to).with_media("", record.media(message)?)),
        (kind @ (43 | 62), ..) => {
            Ok(Draft::new(VIDEO, kind, to).with_media("", record.media(message)?))
        }
        (47, ..) => match &message.kind {
            Kind::Emoticon(emoticon) if emoticon.is_from_shop => Err(NotForwardable::Sticker),
            Kind::Emoticon(emoticon) => {
                let md5 = emoticon.md5.parse().map_err(|_| NotForwardable::Incomplete)?;
                Ok(SendEmoticon::known(to, md5).0)
            }
            _ => Err(NotForwardable::Incomplete),
        },
        (49, _, FILE | FILE_UPLOADING) => Ok(app::draft(to, record.file(message)?)),
        // An unsupported message (0), a live location, a tickle, money.
        (49, _, 0 | 17 | 62 | 2000 | 2001) => Err(NotForwardable::Kind),
        (49, _, kind) => {
            let xml = record.xml(message)?;
            // Without `<appmsg`, the content is only a hint to view the message on the phone.
            if !xml.contains("<appmsg") {
                return Err(NotForwardable::Incomplete);
            }
            Ok(Draft::new(APP, kind, to).with_content(xml))
        }
        _ => Err(NotForwardable::Kind),
    }
}

impl Record {
    /// Returns `Content` without its speaker prefix.
    fn bare(&self, message: &Message) -> &str {
        // An outgoing message is from this account.
        let (outgoing, me) = (message.is_outgoing(), &message.from);
        let prefix = room_prefix(&self.content, message.peer(), outgoing, me);
        prefix.map_or(&*self.content, |(_, rest)| rest)
    }

    /// Returns the decoded text.
    fn said(&self, message: &Message) -> Result<Box<str>, NotForwardable> {
        let said = decode(Text::from(self.bare(message)));
        if said.trim().is_empty() { Err(NotForwardable::Incomplete) } else { Ok(said) }
    }

    /// Returns the XML of a picture or a video, or its replacement in newer versions: `@` and hex
    /// digits.
    fn media(&self, message: &Message) -> Result<Box<str>, NotForwardable> {
        let bare = self.bare(message);
        match document(bare) {
            Some(xml) => Ok(xml.into()),
            None if bare.starts_with('@') => Ok(bare.into()),
            None => Err(NotForwardable::Incomplete),
        }
    }

    /// Returns the XML of an app message: `OriContent` if present.
    ///
    /// `Content` is unescaped exactly as often as it was escaped, which may be more than once:
    /// unescaping it too often would turn typed text into markup.
    fn xml(&self, message: &Message) -> Result<Box<str>, NotForwardable> {
        if self.ori_content.is_empty() {
            document(self.bare(message)).map(Into::into).ok_or(NotForwardable::Incomplete)
        } else {
            Ok((&*self.ori_content).into())
        }
    }

    /// Returns the XML of a location from `OriContent`: `Content` has only a part of it.
    fn location(self) -> Result<Box<str>, NotForwardable> {
        match self.ori_content.is_empty() {
            true => Err(NotForwardable::Incomplete),
            false => Ok(self.ori_content.into_boxed()),
        }
    }

    /// Returns the file, for which new XML is written: it is identified by the record's `MediaId`,
    /// not by the `attachid` of the received XML.
    fn file(self, message: &Message) -> Result<File, NotForwardable> {
        let content = document(self.bare(message)).unwrap_or_default();
        let inner = texts(&content, &["title", "totallen", "fileext"]).unwrap_or_default();
        let inner = |name| inner.iter().find(|(found, _)| *found == name).map(|(_, text)| &**text);
        let name = match self.file_name.is_empty() {
            true => inner("title").unwrap_or_default().into(),
            false => decode(self.file_name),
        };
        // 0 means that the size is missing: `docs/shapes.md` S35. Empty files cannot be sent.
        let size = |text: &str| text.trim().parse().ok().filter(|size| *size > 0);
        let size = size(&self.file_size).or_else(|| size(inner("totallen")?));
        let extension = match inner("fileext") {
            Some(extension) if !extension.is_empty() => extension.to_lowercase(),
            _ => file::extension(&name),
        };
        match size {
            Some(size) if !self.media_id.is_empty() => {
                let (media_id, extension) = (self.media_id.into_boxed(), extension.into());
                Ok(File { name, size, media_id, extension, keys: FileKeys::default() })
            }
            _ => Err(NotForwardable::Incomplete),
        }
    }
}

#[cfg(test)]
#[path = "forward_tests.rs"]
mod tests;
