//! Passes a received message on, through the endpoint of its kind (`docs/protocol.md` §6.4).

use alloc::boxed::Box;
use alloc::string::String;
use core::fmt;

use super::content::document;
use super::envelope::{Message, room_prefix};
use super::kind::Kind;
use super::send::Receipt;
use super::send_emoticon::EmoticonMd5;
use super::send_video::Length;
use super::{send_app, send_emoticon, send_image, send_text, send_video};
use crate::call::Call;
use crate::ids::{ClientMsgId, UserName};
use crate::session::Session;
use crate::text::{Text, decode};
use crate::time::Timestamp;
use crate::wire::lenient::{Int, Lenient as _};
use crate::wire::object::object;
use crate::wire::xml;

/// Why a message cannot be passed on. Nothing was sent.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum NotForwardable {
    /// It is of a kind that the service takes from nobody else: a voice message, a card, money, a
    /// live place, a call, a notice of the system.
    #[error("a message of this kind cannot be forwarded")]
    Kind,
    /// A sticker of the shop, which only a phone has.
    #[error("a sticker of the shop cannot be forwarded")]
    Sticker,
    /// It came without what the service would need of it.
    #[error("the message came without what forwarding it needs")]
    Incomplete,
}

/// Passes a message on to a person or a room, under a new number: [`Forward::of`] and
/// [`Forward::request`] in one.
///
/// # Errors
///
/// [`NotForwardable`], before anything is sent, if this message cannot be passed on.
pub fn request(
    session: &mut Session,
    message: &Message,
    to: &UserName,
    now: Timestamp,
) -> Result<Call<Receipt>, NotForwardable> {
    Forward::of(message).map(|forward| forward.request(session, to, now))
}

/// Passes a message on under a number of [`Session::next_client_msg_id`]: [`Forward::of`] and
/// [`Forward::again`] in one.
///
/// # Errors
///
/// As [`request`].
pub fn again(
    session: &mut Session,
    message: &Message,
    to: &UserName,
    id: ClientMsgId,
) -> Result<Call<Receipt>, NotForwardable> {
    Forward::of(message).map(|forward| forward.again(session, to, id))
}

/// What is passed on of a message: read once, for as many receivers as like.
///
/// Texts, pictures, videos, emoticons, places, files, links, mini programs and other app messages
/// can be passed on; nothing has to be downloaded for it. A file above 25 MB is likely to be
/// refused: the service wants a signature with it, which only its upload gives. The official page
/// passes a message on to 200 chats at most.
///
/// ```
/// # use wechat_proto::{Call, Message, Session, Timestamp, UserName};
/// # use wechat_proto::message::{Forward, NotForwardable, Receipt};
/// # fn pass_on(
/// #     message: &Message, to: &[UserName], call: impl Fn(&dyn Fn(&mut Session, Timestamp) -> Call<Receipt>),
/// # ) -> Result<(), NotForwardable> {
/// let forward = Forward::of(message)?;
/// for to in to {
///     call(&|session, now| forward.request(session, to, now));
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Forward(Source);

impl Forward {
    /// Reads what is to be passed on.
    ///
    /// # Errors
    ///
    /// [`NotForwardable`] if this message cannot be.
    pub fn of(message: &Message) -> Result<Self, NotForwardable> {
        Source::of(message).map(Self)
    }

    /// Passes it on to a person or a room, under a new number.
    ///
    /// This changes something: run it once, or see [`Forward::again`].
    pub fn request(&self, session: &mut Session, to: &UserName, now: Timestamp) -> Call<Receipt> {
        let id = session.next_client_msg_id(now);
        self.again(session, to, id)
    }

    /// Passes it on under a number of [`Session::next_client_msg_id`].
    ///
    /// See [`send_text::again`] on repetitions.
    pub fn again(&self, session: &mut Session, to: &UserName, id: ClientMsgId) -> Call<Receipt> {
        match &self.0 {
            Source::Text(text) => send_text::forward(session, to, text, id),
            Source::Location(xml) => send_text::forward_location(session, to, xml, id),
            Source::Image(xml) => send_image::forward(session, to, xml, id),
            Source::Video(length, xml) => send_video::forward(session, to, *length, xml, id),
            Source::Emoticon(md5) => send_emoticon::forward(session, to, md5, id),
            Source::App { kind, xml } => send_app::forward(session, to, *kind, xml, id),
            Source::File { name, size, media_id, extension } => {
                let file = send_app::File { name, size: *size, media_id, extension };
                send_app::forward_file(session, to, &file, id)
            }
        }
    }
}

/// What a message gives to those who pass it on.
#[derive(Clone)]
enum Source {
    Text(Box<str>),
    Location(Box<str>),
    Image(Box<str>),
    Video(Length, Box<str>),
    Emoticon(EmoticonMd5),
    File { name: Box<str>, size: u64, media_id: Text, extension: String },
    App { kind: i64, xml: Box<str> },
}

object! {
    /// What a message says beyond [`Message`].
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

impl Source {
    fn of(message: &Message) -> Result<Self, NotForwardable> {
        let record = Record::read(&message.raw.json());
        match (record.msg_type.0, record.sub_msg_type.0, record.app_msg_type.0) {
            (48, ..) | (1, 48, _) => record.location(),
            // What `newsapp` writes is no text; 2001 is a red packet (`docs/protocol.md` §9.2). The
            // place that is nothing but a link is passed on as that.
            (1, ..) if matches!(message.kind, Kind::Text(_) | Kind::Location(_)) => {
                record.said(message).map(Self::Text)
            }
            (3, ..) => record.media(message).map(Self::Image),
            (43, ..) => Ok(Self::Video(Length::Any, record.media(message)?)),
            (62, ..) => Ok(Self::Video(Length::Short, record.media(message)?)),
            (47, ..) => match &message.kind {
                Kind::Emoticon(emoticon) if emoticon.from_shop => Err(NotForwardable::Sticker),
                Kind::Emoticon(emoticon) => {
                    emoticon.md5.parse().map(Self::Emoticon).map_err(|_| NotForwardable::Incomplete)
                }
                _ => Err(NotForwardable::Incomplete),
            },
            (49, _, send_app::FILE) => record.file(message),
            // Nothing (what the service could not show), a live place, money.
            (49, _, 0 | 17 | 2000 | 2001) => Err(NotForwardable::Kind),
            (49, _, kind) => {
                let xml = record.xml(message)?;
                // Where there is only the hint to look at the phone, there is nothing to pass on.
                let is_app = xml.contains("<appmsg");
                is_app.then_some(Self::App { kind, xml }).ok_or(NotForwardable::Incomplete)
            }
            _ => Err(NotForwardable::Kind),
        }
    }
}

/// What was said, and what fetches it, is not shown.
impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Text(_) => "Text",
            Self::Location(_) => "Location",
            Self::Image(_) => "Image",
            Self::Video(..) => "Video",
            Self::Emoticon(_) => "Emoticon",
            Self::File { .. } => "File",
            Self::App { .. } => "App",
        })
    }
}

impl Record {
    /// `Content` without the name of who said it.
    fn bare(&self, message: &Message) -> &str {
        // What this account said is from this account.
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

    /// The XML of an app message: what the service calls the original, if it came along.
    ///
    /// Unescaped as often as it was escaped, which need not be once: once more, and what its
    /// sender typed would be markup.
    fn xml(&self, message: &Message) -> Result<Box<str>, NotForwardable> {
        if self.ori_content.is_empty() {
            document(self.bare(message)).map(Into::into).ok_or(NotForwardable::Incomplete)
        } else {
            Ok((&*self.ori_content).into())
        }
    }

    /// The original: what `Content` says of a place is cut short.
    fn location(self) -> Result<Source, NotForwardable> {
        match self.ori_content.is_empty() {
            true => Err(NotForwardable::Incomplete),
            false => Ok(Source::Location(self.ori_content.into())),
        }
    }

    /// A file is named by the record's `MediaId`, not by the `attachid` of its XML, and its
    /// message written anew.
    fn file(self, message: &Message) -> Result<Source, NotForwardable> {
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
                Ok(Source::File { name, size, media_id: self.media_id, extension })
            }
            _ => Err(NotForwardable::Incomplete),
        }
    }
}

#[cfg(test)]
#[path = "forward_tests.rs"]
mod tests;
