//! `POST /cgi-bin/mmwebwx-bin/webwxuploadmedia`
//!
//! Hands over a file, 512 KB at a time (`docs/protocol.md` §6.7).

use alloc::boxed::Box;
use alloc::string::{String, ToString as _};
use core::fmt;
use core::ops::Range;
use core::time::Duration;

use bytes::Bytes;
use percent_encoding::percent_decode_str;
use serde::Serialize;

use super::date::JsDate;
use super::local::LocalFile;
use super::multipart::Form;
use super::probe::Probed;
use super::sum::Md5Sum;
use crate::call::Call;
use crate::error::Error;
use crate::flow::Response;
use crate::hosts::Role;
use crate::ids::UserName;
use crate::secret::Sealed;
use crate::session::Session;
use crate::text::Text;
use crate::time::Timestamp;
use crate::wire::envelope::{self, BaseRequest, reply};
use crate::wire::lenient::Int;
use crate::wire::query::{Accept, Url};

const ENDPOINT: &str = "webwxuploadmedia";
/// What the official page calls the first file that it uploads; nobody reads it.
const ID: &str = "WU_FILE_0";
/// What a piece of several is, whatever the file.
const OCTETS: &str = "application/octet-stream";
/// The official page allows this for 512 KB.
const DEADLINE: Duration = Duration::from_secs(120);

/// How long a piece is, but for the last: the service takes no longer ones.
pub const LENGTH: u64 = 524_288;

/// One upload: what is the same in all its pieces.
#[derive(Clone)]
pub struct Plan {
    file: LocalFile,
    changed: Timestamp,
    md5: Md5Sum,
    request: UploadMediaRequest,
    signature: Sealed,
    length: u64,
}

/// `uploadmediarequest`, the same in all pieces but for an skey that was renewed in between.
#[derive(Clone, Serialize)]
#[serde(rename_all = "PascalCase")]
struct UploadMediaRequest {
    upload_type: u8,
    base_request: BaseRequest,
    client_media_id: u64,
    total_len: u64,
    start_pos: u64,
    data_len: u64,
    media_type: u8,
    from_user_name: UserName,
    to_user_name: UserName,
    file_md5: String,
    #[serde(rename = "AESKey", skip_serializing_if = "Option::is_none")]
    aes_key: Option<Sealed>,
    #[serde(skip_serializing_if = "Option::is_none")]
    signature: Option<Sealed>,
}

impl UploadMediaRequest {
    /// As it goes with the next piece.
    fn json(&self, session: &Session) -> Sealed {
        let mut request = self.clone();
        // An upload outlives the skey that it began with.
        request.base_request.skey = session.auth.skey.expose().into();
        serde_json::to_string(&request).expect("a struct has no odd keys").into()
    }
}

impl Plan {
    /// An upload of a file for `to` that begins at `now`. `probed` is what the service said of a
    /// file that is longer than [`ABOVE`](super::probe::ABOVE).
    pub fn new(
        session: &mut Session,
        to: &UserName,
        file: &LocalFile,
        md5: Md5Sum,
        probed: Option<&Probed>,
        now: Timestamp,
    ) -> Self {
        Self::with_length(session, to, file, md5, probed, now, LENGTH)
    }

    pub(super) fn with_length(
        session: &mut Session,
        to: &UserName,
        file: &LocalFile,
        md5: Md5Sum,
        probed: Option<&Probed>,
        now: Timestamp,
        length: u64,
    ) -> Self {
        let request = UploadMediaRequest {
            upload_type: 2,
            base_request: session.base_request(),
            client_media_id: session.next_client_media_id(now),
            total_len: file.size(),
            // Of the whole file, whatever the piece.
            start_pos: 0,
            data_len: file.size(),
            // An attachment, whatever the file.
            media_type: 4,
            from_user_name: session.me.user_name.clone(),
            to_user_name: to.clone(),
            file_md5: md5.to_string(),
            aes_key: probed.map(|probed| probed.aes_key.clone()),
            signature: probed.map(|probed| probed.signature.clone()),
        };
        Self {
            file: file.clone(),
            changed: file.changed(now),
            md5,
            request,
            signature: probed.map(|probed| probed.signature.clone()).unwrap_or_default(),
            length,
        }
    }

    /// How many pieces it has.
    pub const fn pieces(&self) -> u64 {
        self.file.size().div_ceil(self.length)
    }

    /// The bytes of the file that are a piece, by its number from 0.
    pub fn range(&self, piece: u64) -> Range<u64> {
        let start = piece.saturating_mul(self.length).min(self.file.size());
        start..start.saturating_add(self.length).min(self.file.size())
    }

    pub(super) const fn md5(&self) -> Md5Sum {
        self.md5
    }

    pub(super) fn into_signature(self) -> Sealed {
        self.signature
    }
}

/// Without what it proves itself with.
impl fmt::Debug for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Plan")
            .field("file", &self.file)
            .field("md5", &self.md5)
            .finish_non_exhaustive()
    }
}

/// The service took a piece.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Taken {
    /// Its name for the file; empty but for the last piece.
    pub media_id: Box<str>,
    /// How many bytes of the file it says to have. Peers do not look at it.
    pub received: i64,
}

/// Hands over the `bytes` of a piece, by its number from 0; they are shared, not copied. The reply
/// is read by [`parse`], that of the last piece by [`parse_last`]. The same piece may be handed over
/// again.
pub fn request(
    session: &mut Session,
    plan: &Plan,
    piece: u64,
    bytes: Bytes,
    now: Timestamp,
) -> Call<Taken> {
    let (file, pieces) = (&plan.file, plan.pieces());
    let request = plan.request.json(session);
    let mut form = Form::new(&mut session.device.rng)
        .with("id", ID)
        .with("name", file.name())
        .with("type", file.mime())
        .with("lastModifiedDate", JsDate(plan.changed))
        .with("size", file.size());
    if pieces > 1 {
        form = form.with("chunks", pieces).with("chunk", piece);
    }
    let form = form
        .with("mediatype", file.media_type().as_str())
        .with("uploadmediarequest", request.expose())
        // The page is not at the file's host and sends this cookie by hand.
        .with("webwx_data_ticket", session.device.cookie(Role::File, "webwx_data_ticket", now))
        // The login gave it percent-encoded: `docs/protocol.md` §1.2. Here, and only here, it goes
        // decoded.
        .with(
            "pass_ticket",
            percent_decode_str(session.auth.pass_ticket.expose()).decode_utf8_lossy(),
        );
    let boundary = String::from(form.boundary());
    let mime = if pieces > 1 { OCTETS } else { file.mime() };
    let body = form.file("filename", file.name(), mime, bytes);
    let mut url = Url::new(&session.device, Role::File, "/cgi-bin/mmwebwx-bin/webwxuploadmedia")
        .accept(Accept::Script)
        .with("f", "json");
    if session.device.entry.is_file_helper() {
        // `docs/protocol.md` §15.
        url = url.with("random", random(session));
    }
    let http = url.post_parts(&session.device, &boundary, body);
    let is_last = piece.saturating_add(1) >= pieces;
    Call::again(http, if is_last { parse_last } else { parse }).deadline(DEADLINE)
}

/// What the file-transfer page draws for each request.
fn random(session: &mut Session) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789AB";
    session.device.rng.letters(LETTERS, 4).map(char::from).collect()
}

/// Reads the reply of [`request`] for any piece.
///
/// # Errors
///
/// [`Error::Status`] if the form was refused as a whole: 402 for one that is wrong, 413 for one that
/// is too long, 502 where the service behind the server failed. What its `Ret` says (1 for uploads
/// that the service does not want); [`Error::Malformed`] if it is no such reply.
pub fn parse(reply: &Response) -> Result<Taken, Error> {
    let status = reply.status();
    if status.is_client_error() || status.is_server_error() {
        return Err(Error::Status { endpoint: ENDPOINT, status: status.as_u16() });
    }
    let wire: Wire = envelope::open(ENDPOINT, reply)?;
    Ok(Taken { media_id: wire.media_id.into_boxed(), received: wire.start_pos.0 })
}

/// Reads the reply of [`request`] for the last piece.
///
/// # Errors
///
/// What [`parse`] says; [`Error::Malformed`] too if the service took the piece and has no name for
/// the file: pieces are missing, or are not one file's.
pub fn parse_last(reply: &Response) -> Result<Taken, Error> {
    let taken = parse(reply)?;
    if taken.media_id.is_empty() {
        return Err(Error::Malformed {
            endpoint: ENDPOINT,
            expected: "JSON with a MediaId",
            found: "JSON without one".into(),
        });
    }
    Ok(taken)
}

reply! {
    struct Wire {
        "MediaId" => media_id: Text,
        "StartPos" => start_pos: Int,
    }
}

#[cfg(test)]
#[path = "piece_tests.rs"]
mod tests;
