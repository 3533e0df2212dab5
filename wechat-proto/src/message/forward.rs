//! Forwards a received message, through the endpoint of its kind (`docs/protocol.md` §6.4).

use alloc::boxed::Box;

use super::content::document;
use super::envelope::{Message, room_prefix};
use super::kind::Kind;
use super::send::Draft;
use super::send_app::File;
use super::{SendEmoticon, send_app, send_image, send_text, send_video};
use crate::ids::UserName;
use crate::secret::Sealed;
use crate::text::{Text, decode};
use crate::wire::lenient::{Int, Lenient as _};
use crate::wire::object::object;
use crate::wire::xml;

/// Why a message cannot be forwarded. Nothing was sent.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum NotForwardable {
    /// The service accepts this kind from its sender only: a voice message, a card, money, a live
    /// location, a call, a system notice.
    #[error("a message of this kind cannot be forwarded")]
    Kind,
    /// A sticker of the shop, which only a phone has.
    #[error("a sticker of the shop cannot be forwarded")]
    Sticker,
    /// The message came without a field that forwarding needs.
    #[error("the message came without what forwarding it needs")]
    Incomplete,
}

/// Forwards a received message to a person or a room.
///
/// Texts, pictures, videos, emoticons, locations, files, links, mini programs and other app
/// messages can be forwarded; nothing is downloaded for it. A file above 25 MB is likely to be
/// refused: the service requires a signature with it, which only its upload gives. The official
/// page forwards a message to 200 chats at most.
///
/// Must not be repeated by itself, see [`SendText`](super::SendText).
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
    /// Returns the forward of a message.
    ///
    /// # Errors
    ///
    /// [`NotForwardable`] if this message cannot be forwarded.
    pub fn new(message: &Message, to: UserName) -> Result<Self, NotForwardable> {
        draft(message, to).map(|draft| Self(draft.forward()))
    }

    /// Returns a forward of the same content to another receiver, under a number of its own.
    #[must_use]
    pub fn with_receiver(&self, to: UserName) -> Self {
        Self(Draft { to, id: None, ..self.0.clone() })
    }
}

object! {
    /// The fields of a message that a forward needs beyond [`Message`].
    struct Record {
        "MsgType" => msg_type: Int,
        "SubMsgType" => sub_msg_type: Int,
        "AppMsgType" => app_msg_type: Int,
        "Content" => content: Text,
        "OriContent" => ori_content: Text,
        "FileName" => file_name: Text,
        "FileSize" => file_size: Text,
        "MediaId" => media_id: Text,
    }
}

fn draft(message: &Message, to: UserName) -> Result<Draft, NotForwardable> {
    let record = Record::read(message.raw.json());
    let text = |kind| Draft::new(send_text::ENDPOINT, kind, to.clone());
    match (record.msg_type.0, record.sub_msg_type.0, record.app_msg_type.0) {
        (48, ..) | (1, 48, _) => Ok(text(send_text::LOCATION).with_content(record.location()?)),
        // What `newsapp` writes is not a text; 2001 is a red packet (`docs/protocol.md` §9.2). A
        // location that is only a link is forwarded as its text.
        (1, ..) if matches!(message.kind, Kind::Text(_) | Kind::Location(_)) => {
            Ok(text(send_text::TEXT).with_content(record.said(message)?))
        }
        (3, ..) => Ok(send_image::draft(to, "", record.media(message)?)),
        (kind @ (43 | 62), ..) => Ok(send_video::draft(kind, to, "", record.media(message)?)),
        (47, ..) => match &message.kind {
            Kind::Emoticon(emoticon) if emoticon.from_shop => Err(NotForwardable::Sticker),
            Kind::Emoticon(emoticon) => {
                let md5 = emoticon.md5.parse().map_err(|_| NotForwardable::Incomplete)?;
                Ok(SendEmoticon::known(to, md5).0)
            }
            _ => Err(NotForwardable::Incomplete),
        },
        (49, _, send_app::FILE) => Ok(send_app::draft(to, record.file(message)?)),
        // Nothing (what the service could not show), a live location, money.
        (49, _, 0 | 17 | 2000 | 2001) => Err(NotForwardable::Kind),
        (49, _, kind) => {
            let xml = record.xml(message)?;
            // Without it, the content is only a hint to look at the phone.
            if !xml.contains("<appmsg") {
                return Err(NotForwardable::Incomplete);
            }
            Ok(Draft::new(send_app::ENDPOINT, kind, to).with_content(xml))
        }
        _ => Err(NotForwardable::Kind),
    }
}

impl Record {
    /// `Content` without the name of its speaker.
    fn bare(&self, message: &Message) -> &str {
        // An outgoing message is from this account.
        let (outgoing, me) = (message.is_outgoing(), &message.from);
        let prefix = room_prefix(&self.content, message.peer(), outgoing, me);
        prefix.map_or(&*self.content, |(_, rest)| rest)
    }

    /// A text as a send has it.
    fn said(&self, message: &Message) -> Result<Box<str>, NotForwardable> {
        let said = decode(Text::from(self.bare(message)));
        if said.trim().is_empty() { Err(NotForwardable::Incomplete) } else { Ok(said) }
    }

    /// The XML of a picture or a video, or what newer versions write in its place: `@` and hex
    /// digits.
    fn media(&self, message: &Message) -> Result<Box<str>, NotForwardable> {
        let bare = self.bare(message);
        match document(bare) {
            Some(xml) => Ok(xml.into()),
            None if bare.starts_with('@') => Ok(bare.into()),
            None => Err(NotForwardable::Incomplete),
        }
    }

    /// The XML of an app message: `OriContent` if it is there.
    ///
    /// It is unescaped as often as it was escaped, which need not be once: once more would turn
    /// typed text into markup.
    fn xml(&self, message: &Message) -> Result<Box<str>, NotForwardable> {
        if self.ori_content.is_empty() {
            document(self.bare(message)).map(Into::into).ok_or(NotForwardable::Incomplete)
        } else {
            Ok((&*self.ori_content).into())
        }
    }

    /// The XML of a place: `Content` holds only a part of it.
    fn location(self) -> Result<Box<str>, NotForwardable> {
        match self.ori_content.is_empty() {
            true => Err(NotForwardable::Incomplete),
            false => Ok(self.ori_content.into_boxed()),
        }
    }

    /// The file, whose XML is written anew: it is named by the record's `MediaId`, not by the
    /// `attachid` of the received XML.
    fn file(self, message: &Message) -> Result<File, NotForwardable> {
        let content = document(self.bare(message)).unwrap_or_default();
        let inner = xml::texts(&content, &["title", "totallen", "fileext"]).unwrap_or_default();
        let inner = |name| inner.iter().find(|(found, _)| *found == name).map(|(_, text)| &**text);
        let name = match self.file_name.is_empty() {
            true => inner("title").unwrap_or_default().into(),
            false => decode(self.file_name),
        };
        // 0 is no size: `docs/shapes.md` S35. Nobody can send an empty file.
        let size = |text: &str| text.trim().parse().ok().filter(|size| *size > 0);
        let size = size(&self.file_size).or_else(|| size(inner("totallen")?));
        let extension = match inner("fileext") {
            Some(extension) if !extension.is_empty() => extension.to_lowercase(),
            _ => send_app::extension(&name),
        };
        match size {
            Some(size) if !self.media_id.is_empty() => {
                let (media_id, extension) = (self.media_id.into_boxed(), extension.into());
                Ok(File { name, size, media_id, extension, signature: Sealed::default() })
            }
            _ => Err(NotForwardable::Incomplete),
        }
    }
}

#[cfg(test)]
#[path = "forward_tests.rs"]
mod tests;
