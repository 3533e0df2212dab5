//! `POST /cgi-bin/mmwebwx-bin/webwxuploadmedia`, `POST …/webwxuploadmediaparallel`
//!
//! Uploads a file, 512 KB at a time (`docs/protocol.md` §6.7, §15.1).

use alloc::borrow::Cow;
use alloc::boxed::Box;
use alloc::string::{String, ToString as _};
use alloc::sync::Arc;
use core::fmt;
use core::ops::Range;
use core::time::Duration;

use bytes::Bytes;
use percent_encoding::percent_decode_str;
use serde::Serialize;
use serde_json::Value;

use super::check::UploadCheck;
use super::local::LocalFile;
use super::multipart::Form;
use crate::flow::Response;
use crate::hosts::Role;
use crate::media::FileKeys;
use crate::media::date::JsDate;
use crate::media::sum::Md5Sum;
use crate::secret::Sealed;
use crate::wire::envelope::{self, reply};
use crate::wire::fields::{Fields as _, Object};
use crate::wire::query::{Accept, Url};
use crate::{Body, Endpoint, Error, Session, Text, Timestamp, UserName};

const ENDPOINT: &str = "webwxuploadmedia";
const PARALLEL: &str = "webwxuploadmediaparallel";
/// The official page's `id` of its first upload; sent in all requests here.
const ID: &str = "WU_FILE_0";
/// The MIME type of a piece, if there are several.
const OCTETS: &str = "application/octet-stream";

/// The data that all pieces of an upload share. Cheap to clone.
#[derive(Clone)]
pub struct UploadPlan {
    plan: Arc<Plan>,
    /// The `UploadID` of the reply to the first piece; only of `webwxuploadmediaparallel`.
    upload_id: Sealed,
}

struct Plan {
    file: LocalFile,
    changed: Timestamp,
    md5: Md5Sum,
    to: UserName,
    /// A number; on the file-transfer page, a text.
    client_media_id: Value,
    /// The `DeviceID`, which is the same in all pieces.
    device_id: Box<str>,
    keys: FileKeys,
    /// Whether the pieces are sent to `webwxuploadmediaparallel`.
    is_parallel: bool,
    length: u64,
}

impl UploadPlan {
    /// The length of all pieces but the last, in bytes: the service does not accept longer ones.
    pub const PIECE: u64 = 524_288;

    /// Returns a plan to upload a file for `to`, beginning at `now`. `check` is the reply to the
    /// announcement of a file larger than [`CheckUpload::ABOVE`](super::CheckUpload::ABOVE).
    pub fn new(
        session: &mut Session,
        to: UserName,
        file: LocalFile,
        md5: Md5Sum,
        check: Option<UploadCheck>,
        now: Timestamp,
    ) -> Self {
        Self::with_length(session, to, file, md5, check, now, Self::PIECE)
    }

    pub(super) fn with_length(
        session: &mut Session,
        to: UserName,
        mut file: LocalFile,
        md5: Md5Sum,
        check: Option<UploadCheck>,
        now: Timestamp,
        length: u64,
    ) -> Self {
        let mut device_id = session.device_id();
        let is_page = session.device.entry.is_file_helper();
        let client_media_id = if is_page {
            // `docs/protocol.md` §15.1: the device id has no `e`, and the media id is a text of 17
            // digits.
            device_id.remove(0);
            session.next_client_msg_id(now).to_string().into()
        } else {
            session.next_client_media_id(now).into()
        };
        let is_parallel = is_page && check.is_some();
        file.choose_type(&session.device.entry);
        let plan = Plan {
            changed: file.changed(now),
            file,
            md5,
            to,
            client_media_id,
            device_id: device_id.into(),
            keys: check.map(|check| check.keys).unwrap_or_default(),
            is_parallel,
            length,
        };
        Self { plan: Arc::new(plan), upload_id: Sealed::default() }
    }

    /// Returns the number of pieces.
    pub fn pieces(&self) -> u64 {
        self.plan.pieces()
    }

    /// Returns the byte range of a piece. Pieces are numbered from 0.
    pub fn range(&self, piece: u64) -> Range<u64> {
        let (length, size) = (self.plan.length, self.plan.file.size());
        let start = piece.saturating_mul(length).min(size);
        start..start.saturating_add(length).min(size)
    }

    pub(super) fn keys(&self) -> FileKeys {
        self.plan.keys.clone()
    }
}

impl Plan {
    fn pieces(&self) -> u64 {
        self.file.size().div_ceil(self.length)
    }

    const fn endpoint(&self) -> &'static str {
        if self.is_parallel { PARALLEL } else { ENDPOINT }
    }

    /// Returns `uploadmediarequest`, which is the same in all pieces except for a renewed `Skey`.
    fn json(&self, session: &Session) -> Sealed {
        let fields = Object
            .with("UploadType", 2)
            .with("BaseRequest", session.base_request(&self.device_id))
            .with("ClientMediaId", &self.client_media_id)
            .with("TotalLen", self.file.size())
            // In each piece, these describe the whole file.
            .with("StartPos", 0)
            .with("DataLen", self.file.size())
            // All files have the type of an attachment.
            .with("MediaType", 4)
            .with("FromUserName", &session.me.user_name)
            .with("ToUserName", &self.to)
            .with("FileMd5", self.md5.to_string());
        sealed(&self.keys.add_to(fields))
    }

    /// Returns `UploadMediaParallelRequest`.
    fn parallel_json(&self, session: &Session, chunk: u64, upload_id: &Sealed) -> Sealed {
        let fields = self
            .keys
            .add_to(Object)
            .with("FileMD5", self.md5.to_string())
            .with("TotalLen", self.file.size())
            .with("Chunks", self.pieces())
            .with("Name", self.file.name())
            .with("Chunk", chunk)
            .with("BaseRequest", session.base_request(&self.device_id))
            .with_some("UploadID", upload_id.known());
        sealed(&fields)
    }
}

fn sealed(request: &impl Serialize) -> Sealed {
    serde_json::to_string(request).expect("all keys are strings").into()
}

/// Hides the keys and the receiver.
impl fmt::Debug for UploadPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UploadPlan")
            .field("file", &self.plan.file)
            .field("md5", &self.plan.md5)
            .finish_non_exhaustive()
    }
}

/// The reply to a piece.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct UploadedPiece {
    /// The `MediaId` of the file; empty except after the last piece.
    pub media_id: Box<str>,
    /// The number of bytes received so far, as the service reports it. Not checked.
    pub received: i64,
    /// The `UploadID`, only in the reply to the first piece of `webwxuploadmediaparallel`.
    pub(super) upload_id: Sealed,
}

/// A request that uploads a piece of a file. The same piece may be uploaded again.
///
/// Announced files of the file-transfer page are sent to `webwxuploadmediaparallel`
/// (`docs/protocol.md` §15.1).
#[derive(Clone, Debug)]
pub struct UploadPiece {
    plan: UploadPlan,
    piece: u64,
    bytes: Bytes,
}

impl UploadPiece {
    /// Returns a request to upload a piece. Pieces are numbered from 0. `bytes` are those of
    /// [`UploadPlan::range`]; they are shared, not copied.
    pub const fn new(plan: UploadPlan, piece: u64, bytes: Bytes) -> Self {
        Self { plan, piece, bytes }
    }

    /// Returns the plan for the next piece. After the reply to the first piece, it has the `UploadID`
    /// of `webwxuploadmediaparallel`, which all later pieces must repeat.
    pub const fn plan(&self) -> &UploadPlan {
        &self.plan
    }

    pub(super) const fn piece(&self) -> u64 {
        self.piece
    }

    fn is_last(&self) -> bool {
        self.piece.saturating_add(1) >= self.plan.pieces()
    }

    /// Returns whether its reply has the `UploadID` of the later pieces.
    fn starts_parallel(&self) -> bool {
        self.plan.plan.is_parallel && self.piece == 0 && !self.is_last()
    }
}

impl Endpoint for UploadPiece {
    type State = Session;
    type Output = UploadedPiece;

    // The official page's deadline for 512 KB.
    const DEADLINE: Duration = Duration::from_secs(120);

    fn request(&mut self, session: &mut Session, now: Timestamp) -> http::Request<Body> {
        let (plan, pieces) = (&*self.plan.plan, self.plan.pieces());
        let file = &plan.file;
        let is_page = session.device.entry.is_file_helper();
        let request = if plan.is_parallel {
            plan.parallel_json(session, self.piece, &self.plan.upload_id)
        } else {
            plan.json(session)
        };
        let form = Form::new(&mut session.device.rng);
        // The page is on another host than the file and sends this cookie explicitly.
        let data_ticket = session.device.data_ticket(now);
        // The login returns it percent-encoded (`docs/protocol.md` §1.2). Only uploads of the web
        // entries send it decoded.
        let pass_ticket = session.auth.pass_ticket.expose();
        let pass_ticket = if is_page {
            Cow::Borrowed(pass_ticket)
        } else {
            percent_decode_str(pass_ticket).decode_utf8_lossy()
        };
        let form = if plan.is_parallel {
            form.with("pass_ticket", pass_ticket)
                .with("webwx_data_ticket", data_ticket)
                .with("UploadMediaParallelRequest", request.expose())
        } else {
            let date = JsDate(plan.changed);
            let mut form = if is_page {
                form.with("name", file.name())
                    .with("lastModifiedDate", date)
                    .with("size", file.size())
                    .with("type", file.mime())
            } else {
                form.with("id", ID)
                    .with("name", file.name())
                    .with("type", file.mime())
                    .with("lastModifiedDate", date)
                    .with("size", file.size())
            };
            if pieces > 1 {
                form = form.with("chunks", pieces).with("chunk", self.piece);
            }
            form.with("mediatype", file.media_type().as_str())
                .with("uploadmediarequest", request.expose())
                .with("webwx_data_ticket", data_ticket)
                .with("pass_ticket", pass_ticket)
        };
        let boundary = String::from(form.boundary());
        let (name, mime) = match (plan.is_parallel, pieces) {
            (true, _) => ("blob", OCTETS),
            (false, 0 | 1) => (file.name(), file.mime()),
            (false, _) => (file.name(), OCTETS),
        };
        let body = form.file("filename", name, mime, self.bytes.clone());
        let path = ["/cgi-bin/mmwebwx-bin/", plan.endpoint()].concat();
        let mut url = Url::new(Role::File, &path).accept(Accept::Script).with("f", "json");
        if is_page {
            // Each request of the page has this parameter: `docs/protocol.md` §15.1.
            url = url.with("random", session.device.rng.letters(4));
        }
        url.post_parts(&mut session.device, now, &boundary, body)
    }

    /// # Errors
    ///
    /// - [`Error::Status`] for an HTTP status of 400 or above: 402 for an invalid form, 413 for one
    ///   that is too long, 502 if the service behind the server failed.
    /// - The error for the reply's [`Ret`](crate::error::Ret), including [`Error::ServiceFailed`].
    ///   With 1, the service does not accept the upload.
    /// - [`Error::Malformed`] for any other response; also for a reply to the last piece without a
    ///   `MediaId` (pieces are missing, or belong to different files), and for a reply of
    ///   `webwxuploadmediaparallel` to the first piece without an `UploadID`.
    fn parse(&self, response: &Response) -> Result<UploadedPiece, Error> {
        let (status, endpoint) = (response.status(), self.plan.plan.endpoint());
        if status.is_client_error() || status.is_server_error() {
            return Err(Error::Status { endpoint, status: status.as_u16() });
        }
        let wire: Wire = envelope::answer(endpoint, response)?;
        let (media_id, upload_id) = (wire.media_id.into_boxed(), wire.upload_id.into_boxed());
        let expected = if self.is_last() && media_id.is_empty() {
            "JSON with a MediaId"
        } else if self.starts_parallel() && upload_id.is_empty() {
            "JSON with an UploadID"
        } else {
            let (received, upload_id) = (wire.start_pos, upload_id.into());
            return Ok(UploadedPiece { media_id, received, upload_id });
        };
        Err(Error::Malformed { endpoint, expected, found: "JSON without one".into() })
    }

    fn apply(&mut self, taken: &UploadedPiece, _: &mut Session, _: Timestamp) {
        if self.starts_parallel() {
            self.plan.upload_id = taken.upload_id.clone();
        }
    }
}

reply! {
    struct Wire {
        "MediaId" => media_id: Text,
        "StartPos" => start_pos: i64,
        "UploadID" => upload_id: Text,
    }
}

#[cfg(test)]
#[path = "piece_tests.rs"]
mod tests;
