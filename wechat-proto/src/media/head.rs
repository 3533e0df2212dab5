//! The head of a download.

use alloc::boxed::Box;
use core::str::FromStr;
use core::time::Duration;

use http::header::{
    CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, HeaderName, TRANSFER_ENCODING,
};
use http::{HeaderMap, StatusCode};

use super::file_name::FileName;
use crate::flow::{Response, Want};
use crate::wire::envelope;
use crate::wire::query::{Accept, Url};
use crate::{Body, Error, MsgId, Session, Timestamp};

/// The head of a download response, from its status and headers. The adapter streams the bytes.
///
/// Without a [`length`](Head::length), the body may be empty: a [`Tally`](super::Tally) of the
/// received bytes reports empty bodies and those that are shorter than announced.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Head {
    /// The endpoint that answered.
    pub endpoint: &'static str,
    /// The media type, in lower case and without parameters: `image/jpeg`, also `image/jpg`;
    /// `audio/mp3`; for files, mostly `application/octet-stream`. Not verified.
    pub content_type: Option<Box<str>>,
    /// The number of bytes that follow, if announced.
    pub length: Option<u64>,
    /// The safe form of the file name; only files have one.
    pub file_name: Option<FileName>,
}

/// The mode of all downloads, with the maximum time between two parts of the body.
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
        .with_appid(&session.device.entry)
        .accept(Accept::Player)
        .ranged()
        .get(&mut session.device, now)
}

/// The media that was requested.
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

/// The maximum length of a media type; real ones have a few dozen bytes.
const TYPE: usize = 100;

/// Parses a head.
///
/// # Errors
///
/// - [`Error::Status`] for all statuses but 200, 204 and 206: a redirect leads to a page, not to the
///   bytes (`docs/threats.md` N4).
/// - [`Error::EmptyMedia`] for 204 and for a length of 0: `docs/protocol.md` §8.
/// - [`Error::Malformed`] if the response is text, HTML or JSON instead of the requested media, or
///   covers only a part of it.
pub(super) fn read(
    endpoint: &'static str,
    wanted: Wanted,
    reply: &Response,
) -> Result<Head, Error> {
    let (status, headers) = (reply.status(), reply.headers());
    let malformed = |found: &'static str| envelope::malformed(endpoint, wanted.name(), found);
    match status {
        StatusCode::OK | StatusCode::PARTIAL_CONTENT => {}
        StatusCode::NO_CONTENT => return Err(Error::EmptyMedia { endpoint }),
        _ => return Err(Error::Status { endpoint, status: status.as_u16() }),
    }
    let length = length(headers);
    // The length is checked before the type, because empty responses may have any type.
    if length == Some(0) {
        return Err(Error::EmptyMedia { endpoint });
    }
    let content_type = content_type(headers);
    let file_name = headers
        .get(CONTENT_DISPOSITION)
        .and_then(|value| FileName::of_disposition(value.as_bytes()));
    // Text is accepted for a file only with a file name: the service's errors have none.
    if (wanted != Wanted::File || file_name.is_none())
        && let Some(found) = content_type.as_deref().and_then(text_kind)
    {
        return Err(malformed(found));
    }
    if status == StatusCode::PARTIAL_CONTENT && !is_whole(headers) {
        return Err(malformed("a part of it"));
    }
    Ok(Head { endpoint, content_type, length, file_name })
}

/// Returns the announced number of bytes. With a `Transfer-Encoding`, `Content-Length` is ignored.
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

/// Describes a media type of text, which the service uses for errors: it sends JSON as `text/plain`
/// (`docs/protocol.md` §1.3).
fn text_kind(essence: &str) -> Option<&'static str> {
    match essence {
        "text/html" | "application/xhtml+xml" => Some("an HTML page"),
        "application/json" | "text/json" => Some("JSON"),
        "application/javascript" | "application/xml" => Some("text"),
        _ => essence.starts_with("text/").then_some("text"),
    }
}

/// Returns whether a `Content-Range` covers the whole file, as `bytes 0-99/100` does. Returns
/// `true` if the header is missing; if the total is `*`, only the start is checked.
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
