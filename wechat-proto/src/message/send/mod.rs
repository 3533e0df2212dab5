//! The common part of all sends: `docs/protocol.md` §6.1.

mod app;
mod emoticon;
mod emoticon_md5;
mod forward;
mod image;
mod media;
mod not_forwardable;
mod revoke;
mod text;
mod video;

pub use app::SendFile;
pub use emoticon::SendEmoticon;
pub use emoticon_md5::EmoticonMd5;
pub use forward::ForwardMessage;
pub use image::SendImage;
pub use media::SendUpload;
pub use not_forwardable::NotForwardable;
pub use revoke::{Revocation, RevokeMessage};
pub use text::SendText;
pub use video::SendVideo;

use alloc::boxed::Box;
use alloc::string::ToString as _;
use core::fmt;

use serde::{Deserialize, Serialize};

use crate::flow::Response;
use crate::message::Message;
use crate::message::file::File;
use crate::wire::envelope::{self, reply};
use crate::wire::fields::{Fields as _, Object};
use crate::wire::query::Url;
use crate::{Body, ClientMsgId, Error, MsgId, Session, Text, Timestamp, UserName};

/// The confirmation that the service accepted a message.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Receipt {
    /// The receiver: a person or a room.
    pub to: UserName,
    /// The service's id of the message, which a revocation needs. Not usable if the reply has none
    /// ([`MsgId::is_usable`]).
    pub msg_id: MsgId,
    /// The client's id of the message, if the reply repeats it. It is not compared with the sent
    /// id. It is serialized as text, because many JSON readers round numbers of this size.
    #[serde(default, with = "id_as_text")]
    pub client_msg_id: Option<ClientMsgId>,
}

impl Receipt {
    /// Returns a receipt that suffices to revoke a message whose id was stored, or that another
    /// device of this account sent.
    pub const fn of(to: UserName, msg_id: MsgId) -> Self {
        Self { to, msg_id, client_msg_id: None }
    }

    /// Returns whether a received message is the echo of this send, which has the same id. On the
    /// file-transfer page, the service may deliver sent messages back (`docs/protocol.md` §15).
    pub fn is_echo(&self, message: &Message) -> bool {
        self.msg_id.is_usable() && self.msg_id == message.id
    }
}

mod id_as_text {
    use alloc::string::{String, ToString as _};

    use serde::{Deserialize as _, Deserializer, Serialize as _, Serializer, de::Error as _};

    use crate::ClientMsgId;

    pub(super) fn serialize<S: Serializer>(
        id: &Option<ClientMsgId>,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        id.map(|id| id.to_string()).serialize(to)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Option<ClientMsgId>, D::Error> {
        let text = Option::<String>::deserialize(from)?;
        text.map(|text| text.parse().map_err(|_| D::Error::custom("not a ClientMsgId"))).transpose()
    }
}

/// The endpoints whose requests differ from the others in more than the kind of the message.
const TEXT: &str = "webwxsendmsg";
const IMAGE: &str = "webwxsendmsgimg";
const VIDEO: &str = "webwxsendvideomsg";
const EMOTICON: &str = "webwxsendemoticon";
const APP: &str = "webwxsendappmsg";

/// A message to send, with the fields of all endpoints.
#[derive(Clone)]
struct Draft {
    endpoint: &'static str,
    kind: i64,
    to: UserName,
    id: Option<ClientMsgId>,
    is_forward: bool,
    md5: Option<EmoticonMd5>,
    media_id: Option<Box<str>>,
    content: Option<Box<str>>,
    msg_source: Option<Box<str>>,
    /// The file that is sent in place of `content`.
    file: Option<File>,
}

impl Draft {
    const fn new(endpoint: &'static str, kind: i64, to: UserName) -> Self {
        Self {
            endpoint,
            kind,
            to,
            id: None,
            is_forward: false,
            md5: None,
            media_id: None,
            content: None,
            msg_source: None,
            file: None,
        }
    }

    fn with_content(mut self, content: impl Into<Box<str>>) -> Self {
        self.content = Some(content.into());
        self
    }

    /// Adds the id of an uploaded picture or video, or the XML of a received one. The other is
    /// empty.
    fn with_media(self, media_id: impl Into<Box<str>>, xml: impl Into<Box<str>>) -> Self {
        Self { media_id: Some(media_id.into()), ..self.with_content(xml) }
    }

    const fn forward(mut self) -> Self {
        self.is_forward = true;
        self
    }

    fn request(&mut self, session: &mut Session, now: Timestamp) -> http::Request<Body> {
        let id = *self.id.get_or_insert_with(|| session.next_client_msg_id(now));
        let id = id.to_string();
        let is_desktop = session.device.entry.is_desktop();
        let keys = self.file.as_ref().map(|file| file.keys.clone()).unwrap_or_default();
        let xml = self.file.as_ref().map(|file| file.xml(is_desktop));
        let query: &[(&str, &str)] = match self.endpoint {
            TEXT => &[],
            EMOTICON => &[("fun", "sys")],
            // `docs/protocol.md` §6.2
            APP if is_desktop => &[("fun", "async"), ("f", "json"), ("mod", "desktop")],
            _ => &[("fun", "async"), ("f", "json")],
        };
        let url =
            query.iter().fold(Url::api(self.endpoint), |url, (name, value)| url.with(name, value));
        url.post_base(session, now, |session, base| {
            // The fields of all kinds of messages, in the order of the official page.
            let msg = keys
                .add_to(Object)
                .with("Type", self.kind)
                .with_some("EmojiFlag", (self.endpoint == EMOTICON).then_some(GIF))
                // The service's spelling.
                .with_some("EMoticonMd5", self.md5.as_ref())
                .with_some("MediaId", self.media_id.as_ref())
                .with_some("Content", xml.as_deref().or(self.content.as_deref()))
                .with_some("MsgSource", self.msg_source.as_ref())
                .with("FromUserName", &session.me.user_name)
                .with("ToUserName", &self.to)
                .with("LocalID", &id)
                .with("ClientMsgId", &id);
            let scene = if self.is_forward { FORWARDED } else { 0 };
            Object.with("BaseRequest", base).with("Msg", msg).with("Scene", scene).json()
        })
    }

    fn parse(&self, response: &Response) -> Result<Receipt, Error> {
        let wire: Wire = envelope::open(self.endpoint, response)?;
        Ok(Receipt {
            to: self.to.clone(),
            msg_id: MsgId::from(&*wire.msg_id),
            client_msg_id: wire.local_id.parse().ok(),
        })
    }
}

/// `EMOJI_FLAG_GIF`
const GIF: u8 = 2;
/// The `Scene` of a forward.
const FORWARDED: u8 = 2;

reply! {
    struct Wire {
        "MsgID" => msg_id: Text,
        "LocalID" => local_id: Text,
    }
}

/// Redacts the content and the media id.
impl fmt::Debug for Draft {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Draft")
            .field("endpoint", &self.endpoint)
            .field("kind", &self.kind)
            .field("to", &self.to)
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

/// Implements an endpoint that is a draft.
macro_rules! send {
    ($send:ident) => {
        impl $send {
            /// Sets the client's id of the message, created by
            /// [`Session::next_client_msg_id`](crate::Session::next_client_msg_id).
            #[must_use]
            pub const fn with_id(mut self, id: $crate::ids::ClientMsgId) -> Self {
                self.0.id = Some(id);
                self
            }

            /// Returns the client's id of the message; `None` before the first request and after a
            /// confirmed send.
            pub const fn id(&self) -> Option<$crate::ids::ClientMsgId> {
                self.0.id
            }
        }

        const _: () = {
            use $crate::endpoint::{Endpoint, Numbered, Repeat};
            use $crate::error::Error;
            use $crate::flow::Response;
            use $crate::message::Receipt;
            use $crate::session::Session;
            use $crate::time::Timestamp;

            impl Endpoint for $send {
                type State = Session;
                type Output = Receipt;
                const REPEAT: Repeat = Repeat::Once;

                fn request(
                    &mut self,
                    session: &mut Session,
                    now: Timestamp,
                ) -> http::Request<$crate::body::Body> {
                    self.0.request(session, now)
                }

                /// # Errors
                ///
                /// - The error for the reply's [`Ret`](crate::error::Ret). With 1204, the
                ///   receiver is not a contact.
                /// - [`Error::Status`] for an HTTP status of 500 or above.
                /// - [`Error::Malformed`] for any other response.
                fn parse(&self, response: &Response) -> Result<Receipt, Error> {
                    self.0.parse(response)
                }

                fn apply(&mut self, _: &Receipt, _: &mut Session, _: Timestamp) {
                    self.0.id = None;
                }
            }

            impl Numbered for $send {}
        };
    };
}
use send;

#[cfg(test)]
#[path = "send_tests.rs"]
mod tests;
