//! The head of a download: what there is to be had.

use alloc::boxed::Box;
use core::str::FromStr;
use core::time::Duration;

use http::header::{
    CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, HeaderName, TRANSFER_ENCODING,
};
use http::{HeaderMap, StatusCode};

use super::file_name::FileName;
use crate::body::Body;
use crate::error::Error;
use crate::flow::{Response, Want};
use crate::ids::MsgId;
use crate::session::Session;
use crate::time::Timestamp;
use crate::wire::query::{Accept, Url};

/// What the service says of the bytes that follow. They are the adapter's to give.
///
/// That there are some is certain only where there is a [`length`](Head::length): a
/// [`Tally`](super::Tally) of what comes tells of nothing at all, and of less than announced.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Head {
    /// The endpoint that answered.
    pub endpoint: &'static str,
    /// What the service says that it is, in lower case and without parameters: `image/jpeg`, also
    /// `image/jpg`; `audio/mp3`; of files, mostly `application/octet-stream`. A claim, no more.
    pub content_type: Option<Box<str>>,
    /// How many bytes follow, where the service says so.
    pub length: Option<u64>,
    /// What it is called, made safe; files have a name.
    pub file_name: Option<FileName>,
}

/// How downloads are read. The longest silence of a body: the service has the bytes, or has not.
pub(super) const HEAD: Want = Want::Head { idle: Duration::from_secs(30) };

/// Builds the request for the voice or video of a message.
pub(super) fn request_media(
    endpoint: &str,
    message: &MsgId,
    session: &mut Session,
    now: Timestamp,
) -> http::Request<Body> {
    Url::api(endpoint)
        .with("msgid", super::number(message))
        .with("skey", session.auth.skey.expose())
        .accept(Accept::Player)
        .ranged()
        .get(&mut session.device, now)
}

/// What was asked for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Wanted {
    Picture,
    Voice,
    Video,
    File,
}

impl Wanted {
    const fn name(self) -> &'static str {
        match self {
            Self::Picture => "a picture",
            Self::Voice => "a voice message",
            Self::Video => "a video",
            Self::File => "a file",
        }
    }
}

/// The longest type that is looked at; real ones have a few dozen bytes.
const TYPE: usize = 100;

/// Reads a head.
///
/// # Errors
///
/// - [`Error::Status`] for all but 200 and 206: a redirect leads to a page, not to the bytes
///   (`docs/threats.md` N4).
/// - [`Error::EmptyMedia`] if it announces no byte: `docs/protocol.md` §8.
/// - [`Error::Malformed`] if what follows is text, a page or JSON in place of what was wanted, or
///   a part of it only.
pub(super) fn read(
    endpoint: &'static str,
    wanted: Wanted,
    reply: &Response,
) -> Result<Head, Error> {
    let (status, headers) = (reply.status(), reply.headers());
    let malformed = |found: &'static str| Error::Malformed {
        endpoint,
        expected: wanted.name(),
        found: found.into(),
    };
    match status {
        StatusCode::OK | StatusCode::PARTIAL_CONTENT => {}
        StatusCode::NO_CONTENT => return Err(Error::EmptyMedia { endpoint }),
        _ => return Err(Error::Status { endpoint, status: status.as_u16() }),
    }
    let length = length(headers);
    // Before the type: nothing at all may be of any.
    if length == Some(0) {
        return Err(Error::EmptyMedia { endpoint });
    }
    let content_type = content_type(headers);
    let file_name = headers
        .get(CONTENT_DISPOSITION)
        .and_then(|value| FileName::of_disposition(value.as_bytes()));
    // A file may be a text; then it has a name. An error has none.
    if (wanted != Wanted::File || file_name.is_none())
        && let Some(found) = content_type.as_deref().and_then(words)
    {
        return Err(malformed(found));
    }
    if status == StatusCode::PARTIAL_CONTENT && !is_whole(headers) {
        return Err(malformed("a part of it"));
    }
    Ok(Head { endpoint, content_type, length, file_name })
}

/// How many bytes follow. In chunks, the other header says nothing.
fn length(headers: &HeaderMap) -> Option<u64> {
    if headers.contains_key(TRANSFER_ENCODING) {
        return None;
    }
    number(text(headers, CONTENT_LENGTH)?)
}

fn content_type(headers: &HeaderMap) -> Option<Box<str>> {
    let essence = text(headers, CONTENT_TYPE)?.split(';').next()?.trim();
    let legal = |byte: u8| byte.is_ascii_graphic();
    let usable = !essence.is_empty() && essence.len() <= TYPE && essence.bytes().all(legal);
    usable.then(|| essence.to_ascii_lowercase().into())
}

/// What a type of words is, in which the service writes its errors: `text/plain` is how it calls
/// JSON (`docs/protocol.md` §1.3).
fn words(essence: &str) -> Option<&'static str> {
    match essence {
        "text/html" | "application/xhtml+xml" => Some("an HTML page"),
        "application/json" | "text/json" => Some("JSON"),
        "application/javascript" | "application/xml" => Some("text"),
        _ => essence.starts_with("text/").then_some("text"),
    }
}

/// Whether a `Content-Range` has everything: `bytes 0-99/100`. Without one, or without a total,
/// nothing says otherwise.
fn is_whole(headers: &HeaderMap) -> bool {
    let Some(range) = text(headers, CONTENT_RANGE) else { return true };
    let Some(range) = range.trim().strip_prefix("bytes ") else { return false };
    let Some((first_last, total)) = range.split_once('/') else { return false };
    let Some((first, last)) = first_last.split_once('-') else { return false };
    let last: Option<u64> = number(last);
    let ends = match number::<u64>(total) {
        Some(total) => last.and_then(|last| last.checked_add(1)) == Some(total),
        None => total.trim() == "*",
    };
    number(first) == Some(0_u64) && ends
}

fn text(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    headers.get(name)?.to_str().ok()
}

fn number<T: FromStr>(text: &str) -> Option<T> {
    text.trim().parse().ok()
}

#[cfg(test)]
#[path = "head_tests.rs"]
mod tests;
