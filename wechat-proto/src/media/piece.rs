//! `POST /cgi-bin/mmwebwx-bin/webwxuploadmedia`
//!
//! Uploads a file, 512 KB at a time (`docs/protocol.md` §6.7).

use alloc::boxed::Box;
use alloc::string::{String, ToString as _};
use alloc::sync::Arc;
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
use crate::body::Body;
use crate::endpoint::Endpoint;
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
/// The official page's `id` of its first upload; sent in all requests here.
const ID: &str = "WU_FILE_0";
/// The MIME type of a piece, if there are several.
const OCTETS: &str = "application/octet-stream";

/// The data that all pieces of an upload share. Cheap to clone.
#[derive(Clone)]
pub struct UploadPlan(Arc<Plan>);

struct Plan {
    file: LocalFile,
    changed: Timestamp,
    md5: Md5Sum,
    to: UserName,
    client_media_id: u64,
    /// The same in all pieces.
    device_id: Box<str>,
    probed: Option<Probed>,
    length: u64,
}

impl UploadPlan {
    /// The length of all pieces but the last, in bytes: the service does not accept longer ones.
    pub const PIECE: u64 = 524_288;

    /// Returns an upload of a file for `to` that begins at `now`. `probed` is the reply to the
    /// announcement of a file longer than [`CheckUpload::ABOVE`](super::CheckUpload::ABOVE).
    pub fn new(
        session: &mut Session,
        to: UserName,
        file: LocalFile,
        md5: Md5Sum,
        probed: Option<Probed>,
        now: Timestamp,
    ) -> Self {
        Self::with_length(session, to, file, md5, probed, now, Self::PIECE)
    }

    pub(super) fn with_length(
        session: &mut Session,
        to: UserName,
        file: LocalFile,
        md5: Md5Sum,
        probed: Option<Probed>,
        now: Timestamp,
        length: u64,
    ) -> Self {
        let device_id = session.device_id().as_str().into();
        let client_media_id = session.next_client_media_id(now);
        let changed = file.changed(now);
        Self(Arc::new(Plan { file, changed, md5, to, client_media_id, device_id, probed, length }))
    }

    /// Returns the number of pieces.
    pub fn pieces(&self) -> u64 {
        self.0.file.size().div_ceil(self.0.length)
    }

    /// Returns the range of bytes of a piece, by its number from 0.
    pub fn range(&self, piece: u64) -> Range<u64> {
        let (length, size) = (self.0.length, self.0.file.size());
        let start = piece.saturating_mul(length).min(size);
        start..start.saturating_add(length).min(size)
    }

    pub(super) fn md5(&self) -> Md5Sum {
        self.0.md5
    }

    pub(super) fn signature(&self) -> Sealed {
        self.0.probed.as_ref().map(|probed| probed.signature.clone()).unwrap_or_default()
    }
}

impl Plan {
    /// Returns `uploadmediarequest`, which is the same in all pieces except for a renewed `Skey`.
    fn json(&self, session: &Session) -> Sealed {
        #[derive(Serialize)]
        #[serde(rename_all = "PascalCase")]
        struct UploadMediaRequest<'a> {
            upload_type: u8,
            base_request: BaseRequest<'a>,
            client_media_id: u64,
            total_len: u64,
            start_pos: u64,
            data_len: u64,
            media_type: u8,
            from_user_name: &'a UserName,
            to_user_name: &'a UserName,
            file_md5: String,
            #[serde(rename = "AESKey", skip_serializing_if = "Option::is_none")]
            aes_key: Option<&'a Sealed>,
            #[serde(skip_serializing_if = "Option::is_none")]
            signature: Option<&'a Sealed>,
        }
        let request = UploadMediaRequest {
            upload_type: 2,
            base_request: session.base_request(&self.device_id),
            client_media_id: self.client_media_id,
            total_len: self.file.size(),
            // In each piece, these describe the whole file.
            start_pos: 0,
            data_len: self.file.size(),
            // Attachment, for all files.
            media_type: 4,
            from_user_name: &session.me.user_name,
            to_user_name: &self.to,
            file_md5: self.md5.to_string(),
            aes_key: self.probed.as_ref().map(|probed| &probed.aes_key),
            signature: self.probed.as_ref().map(|probed| &probed.signature),
        };
        serde_json::to_string(&request).expect("all keys are strings").into()
    }
}

/// Hides the keys and the receiver.
impl fmt::Debug for UploadPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UploadPlan")
            .field("file", &self.0.file)
            .field("md5", &self.0.md5)
            .finish_non_exhaustive()
    }
}

/// The reply to a piece.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct PieceTaken {
    /// The `MediaId` of the file; empty except after the last piece.
    pub media_id: Box<str>,
    /// The number of bytes received so far, as the service reports it. Not checked.
    pub received: i64,
}

/// Uploads a piece of a file. The same piece may be uploaded again.
#[derive(Clone, Debug)]
pub struct UploadPiece {
    plan: UploadPlan,
    piece: u64,
    bytes: Bytes,
}

impl UploadPiece {
    /// Returns a request to upload a piece, by its number from 0. `bytes` are those of
    /// [`UploadPlan::range`]; they are shared, not copied.
    pub const fn new(plan: UploadPlan, piece: u64, bytes: Bytes) -> Self {
        Self { plan, piece, bytes }
    }

    pub(super) const fn plan(&self) -> &UploadPlan {
        &self.plan
    }

    pub(super) const fn piece(&self) -> u64 {
        self.piece
    }

    fn is_last(&self) -> bool {
        self.piece.saturating_add(1) >= self.plan.pieces()
    }
}

impl Endpoint for UploadPiece {
    type State = Session;
    type Output = PieceTaken;

    // The official page's deadline for 512 KB.
    const DEADLINE: Duration = Duration::from_secs(120);

    fn request(&mut self, session: &mut Session, now: Timestamp) -> http::Request<Body> {
        let (plan, pieces) = (&self.plan.0, self.plan.pieces());
        let file = &plan.file;
        let request = plan.json(session);
        let mut form = Form::new(&mut session.device.rng)
            .with("id", ID)
            .with("name", file.name())
            .with("type", file.mime())
            .with("lastModifiedDate", JsDate(plan.changed))
            .with("size", file.size());
        if pieces > 1 {
            form = form.with("chunks", pieces).with("chunk", self.piece);
        }
        let form = form
            .with("mediatype", file.media_type().as_str())
            .with("uploadmediarequest", request.expose())
            // The page is on another host than the file and sends this cookie explicitly.
            .with("webwx_data_ticket", session.device.data_ticket(now))
            // The login returns it percent-encoded (`docs/protocol.md` §1.2). Only this request
            // sends it decoded.
            .with(
                "pass_ticket",
                percent_decode_str(session.auth.pass_ticket.expose()).decode_utf8_lossy(),
            );
        let boundary = String::from(form.boundary());
        let mime = if pieces > 1 { OCTETS } else { file.mime() };
        let body = form.file("filename", file.name(), mime, self.bytes.clone());
        let mut url = Url::new(Role::File, "/cgi-bin/mmwebwx-bin/webwxuploadmedia")
            .accept(Accept::Script)
            .with("f", "json");
        if session.device.entry.is_file_helper() {
            // `docs/protocol.md` §15.
            url = url.with("random", random(session));
        }
        url.post_parts(&mut session.device, now, &boundary, body)
    }

    /// # Errors
    ///
    /// - [`Error::Status`] for HTTP statuses from 400 on: 402 for an invalid form, 413 for one that is
    ///   too long, 502 if the service behind the server failed.
    /// - The error for the reply's `Ret`: 1 for uploads that the service does not accept;
    ///   [`Error::ServiceFailed`] if the service failed internally.
    /// - [`Error::Malformed`] for any other response; also for a reply to the last piece without a
    ///   `MediaId`: pieces are missing, or belong to different files.
    fn parse(&self, response: &Response) -> Result<PieceTaken, Error> {
        let status = response.status();
        if status.is_client_error() || status.is_server_error() {
            return Err(Error::Status { endpoint: ENDPOINT, status: status.as_u16() });
        }
        let wire: Wire = envelope::answer(ENDPOINT, response)?;
        let media_id = wire.media_id.into_boxed();
        if self.is_last() && media_id.is_empty() {
            return Err(Error::Malformed {
                endpoint: ENDPOINT,
                expected: "JSON with a MediaId",
                found: "JSON without one".into(),
            });
        }
        Ok(PieceTaken { media_id, received: wire.start_pos.0 })
    }
}

/// Returns the random query value that the file-transfer page adds to each request.
fn random(session: &mut Session) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789AB";
    session.device.rng.letters(LETTERS, 4).map(char::from).collect()
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
