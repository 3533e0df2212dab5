//! `GET /cgi-bin/mmwebwx-bin/webwxgetmedia`
//!
//! Gets a received file from the file host (`docs/protocol.md` §8).

use alloc::boxed::Box;
use core::fmt;

use super::file_name::FileName;
use super::head::{self, HEAD, Head, Wanted};
use crate::error::Invalid;
use crate::flow::{Response, Want};
use crate::hosts::Role;
use crate::text::decode;
use crate::wire::lenient::Lenient as _;
use crate::wire::object::object;
use crate::wire::query::{Accept, Url};
use crate::{Body, Endpoint, Error, Message, Session, Text, Timestamp, UserName};

const ENDPOINT: &str = "webwxgetmedia";

/// A request that gets a file that came with a message. Valid for this login.
///
/// The URL repeats the cookie `webwx_data_ticket`, as the service requires.
#[derive(Clone, Eq, PartialEq)]
pub struct GetFile {
    sender: UserName,
    media_id: Box<str>,
    /// Percent-encoded by the service; empty in old messages.
    encry_file_name: Box<str>,
    file_name: Box<str>,
}

impl GetFile {
    /// The maximum length of each of its texts, in bytes: a `MediaId` has about 300.
    pub const MAX: usize = 4096;

    /// Returns a request for the file with this `MediaId`. `sender` is the message's `FromUserName`: a person or
    /// a room.
    ///
    /// # Errors
    ///
    /// Fails with [`Invalid`] if the `MediaId` is empty, or longer than [`GetFile::MAX`].
    pub fn new(sender: UserName, media_id: &str) -> Result<Self, Invalid> {
        if media_id.is_empty() || media_id.len() > Self::MAX {
            return Err(Invalid { what: "a MediaId", expected: "1 to 4,096 bytes" });
        }
        let (encry_file_name, file_name) = Default::default();
        Ok(Self { sender, media_id: media_id.into(), encry_file_name, file_name })
    }

    /// Sets the message's `EncryFileName`, percent-encoded as received, and its `FileName`. The
    /// request contains the former unless it is empty, in which case it contains the latter.
    ///
    /// # Errors
    ///
    /// Fails with [`Invalid`] if one of them is longer than [`GetFile::MAX`].
    pub fn named(mut self, encry_file_name: &str, file_name: &str) -> Result<Self, Invalid> {
        if encry_file_name.len().max(file_name.len()) > Self::MAX {
            return Err(Invalid { what: "a file name", expected: "up to 4,096 bytes" });
        }
        (self.encry_file_name, self.file_name) = (encry_file_name.into(), file_name.into());
        Ok(self)
    }

    /// Returns a request for the file of a message, if it has `MsgType` 49, `AppMsgType` 6 and a
    /// `MediaId`.
    pub fn of(message: &Message) -> Option<Self> {
        let wire = Wire::read(message.raw.json());
        if (wire.msg_type, wire.app_msg_type) != (49, 6) {
            return None;
        }
        let file = Self::new(message.from.clone(), &wire.media_id).ok()?;
        file.named(&wire.encry_file_name, &wire.file_name).ok()
    }

    /// Returns the safe form of the `FileName`, else of the `EncryFileName`.
    pub fn file_name(&self) -> FileName {
        if self.file_name.is_empty() {
            return FileName::of_encoded(&self.encry_file_name);
        }
        FileName::from(&*decode(Text::from(&*self.file_name)))
    }
}

/// Redacts the `MediaId`, which grants access to the file.
impl fmt::Debug for GetFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GetFile")
            .field("sender", &self.sender)
            .field("file_name", &self.file_name())
            .finish_non_exhaustive()
    }
}

object! {
    struct Wire {
        "MsgType" => msg_type: i64,
        "AppMsgType" => app_msg_type: i64,
        "MediaId" => media_id: Text,
        "FileName" => file_name: Text,
        "EncryFileName" => encry_file_name: Text,
    }
}

impl Endpoint for GetFile {
    type State = Session;
    type Output = Head;

    const WANT: Want = HEAD;

    fn request(&mut self, session: &mut Session, now: Timestamp) -> http::Request<Body> {
        let Self { sender, media_id, encry_file_name, file_name } = self;
        let url = Url::new(Role::File, "/cgi-bin/mmwebwx-bin/webwxgetmedia")
            .with("sender", sender)
            .with("mediaid", media_id);
        // Files without an `EncryFileName` are requested in the older form.
        let url = if encry_file_name.is_empty() {
            url.with("filename", file_name)
        } else {
            url.with_encoded("encryfilename", encry_file_name)
        };
        let entry = &session.device.entry;
        url.with("fromuser", session.me.uin)
            .with("pass_ticket", session.auth.pass_ticket.expose())
            .with("webwx_data_ticket", session.device.data_ticket(now))
            // `docs/protocol.md` §15.
            .with_some("sid", entry.is_file_helper().then(|| session.auth.sid.expose()))
            .with_appid(entry)
            .accept(Accept::Page)
            .get(&mut session.device, now)
    }

    /// # Errors
    ///
    /// - [`Error::EmptyMedia`] if the response announces no bytes.
    /// - [`Error::Status`] for any HTTP status but 200, 204 and 206.
    /// - [`Error::Malformed`] if the response is text without a file name, as the service's errors
    ///   are, or covers only a part of the file.
    fn parse(&self, response: &Response) -> Result<Head, Error> {
        head::read(ENDPOINT, Wanted::File, response)
    }
}

#[cfg(test)]
#[path = "file_tests.rs"]
mod tests;
