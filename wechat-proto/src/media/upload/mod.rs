//! A flow that uploads a file.

mod check;
mod local;
mod multipart;
mod piece;

pub use check::{CheckUpload, UploadCheck};
pub use local::{Limits, LocalFile};
pub use piece::{UploadPiece, UploadPlan, UploadedPiece};

use alloc::boxed::Box;
use core::mem;
use core::ops::Range;

use bytes::Bytes;
use crc32fast::Hasher;
use md5::{Digest as _, Md5};

use crate::media::sum::Md5Sum;
use crate::media::{FileKeys, Uploaded};
use crate::retry::{Lane, Retry};
use crate::{Endpoint, Error, Flow, Input, Interrupt, Session, Timestamp, UserName};

/// A flow that uploads a file for one receiver, from the source that the driver provides.
///
/// The source is read twice, 512 KB at a time: for its MD5, and to be sent. At most one piece is in
/// memory. The output is the progress of the upload, and finally [`UploadProgress::Done`], which is
/// returned again when the flow is polled again.
///
/// ```text
/// limits ─► read all (MD5) ─► above 25 MB: webwxcheckupload ─► piece by piece: read, webwxuploadmedia ─► done
///                                        └─ the service has it ──────────────────────────────────────────┘
/// ```
///
/// On the file-transfer page, files above 25 MB are sent by `webwxuploadmediaparallel`, and a video
/// without an explicit type is a document, which has no limit.
///
/// A piece is retried after transient errors, which are reported after three consecutive failures;
/// any other error is reported immediately. If an upload is polled again after an error or after a
/// run was dropped, it resumes with the same piece: pieces that the service accepted are not sent
/// again.
///
/// An empty file ([`Error::EmptyFile`]) or one above its limit ([`Error::TooLarge`]) is neither
/// read nor sent. A failure of the source is [`Error::Source`]; the next poll resumes reading at
/// the same place. If the length or the content of the source changed, the error is
/// [`Error::Source`] too, and the upload restarts. The last piece is sent only if the checksum
/// (CRC-32) of all bytes equals that of the first pass.
#[derive(Debug)]
pub struct Upload {
    to: UserName,
    file: LocalFile,
    limits: Limits,
    sizes: Sizes,
    state: State,
    /// The MD5 of the bytes that were read for the first time.
    sum: Md5,
    /// The CRC-32 of the bytes of this pass so far. A second MD5 would take most of the time of an
    /// upload.
    check: Hasher,
    /// The CRC-32 of the first pass.
    expected: u32,
    /// Whether a read is pending.
    is_reading: bool,
    /// An error of the source that is not reported yet.
    fault: Option<Error>,
}

/// The progress of an upload.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum UploadProgress {
    /// The source was read once to its end.
    Hashed,
    /// The service accepted another piece.
    Sent {
        /// The number of bytes that the service has.
        sent: u64,
        /// The number of bytes of the file.
        total: u64,
    },
    /// The service has the file.
    Done(Uploaded),
}

/// The sizes that control an upload. Tests use smaller ones.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sizes {
    /// The length of a piece.
    pub(crate) piece: u64,
    /// The length above which a file is announced.
    pub(crate) check_above: u64,
}

#[derive(Debug, Default)]
enum State {
    #[default]
    Start,
    /// The file was read up to `at`.
    Hashing {
        at: u64,
    },
    Hashed {
        md5: Md5Sum,
    },
    Checking {
        md5: Md5Sum,
        check: Retry<CheckUpload>,
    },
    Reading {
        plan: UploadPlan,
        piece: u64,
    },
    Sending(Retry<UploadPiece>),
    Done(Box<Uploaded>),
}

impl Upload {
    /// Returns a flow that uploads a file, which can then be sent to `to`.
    pub fn new(to: UserName, file: LocalFile) -> Self {
        Self::with_sizes(
            to,
            file,
            Sizes { piece: UploadPlan::PIECE, check_above: CheckUpload::ABOVE },
        )
    }

    pub(crate) fn with_sizes(to: UserName, file: LocalFile, sizes: Sizes) -> Self {
        Self {
            to,
            file,
            limits: Limits::default(),
            sizes,
            state: State::Start,
            sum: Md5::default(),
            check: Hasher::new(),
            expected: 0,
            is_reading: false,
            fault: None,
        }
    }

    /// Sets the limits. The default is those of the official page.
    #[must_use]
    pub const fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Returns the receiver.
    pub const fn to(&self) -> &UserName {
        &self.to
    }

    /// Returns the file.
    pub const fn file(&self) -> &LocalFile {
        &self.file
    }
}

impl Flow for Upload {
    type State = Session;
    type Output = UploadProgress;

    fn poll(&mut self, session: &mut Session, now: Timestamp) -> Result<UploadProgress, Interrupt> {
        if let Some(error) = session.device.close_reason() {
            return Err(error.into());
        }
        self.file.choose_type(&session.device.entry);
        self.limits.check(&self.file)?;
        if let Some(fault) = self.fault.take() {
            // Otherwise a caller that retries after each error would send the first piece endlessly.
            let backoff = session.device.backoff(Lane::Upload);
            backoff.restart();
            backoff.idle();
            return Err(fault.into());
        }
        loop {
            match mem::take(&mut self.state) {
                State::Start => {
                    self.sum.reset();
                    self.check.reset();
                    self.state = State::Hashing { at: 0 };
                }
                State::Hashing { at } if at >= self.file.size() => {
                    self.expected = self.check.clone().finalize();
                    self.state = State::Hashed { md5: Md5Sum::end(&mut self.sum) };
                    return Ok(UploadProgress::Hashed);
                }
                State::Hashing { at } => {
                    self.state = State::Hashing { at };
                    return Err(self.read(self.from(at)));
                }
                State::Hashed { md5 } if self.file.size() > self.sizes.check_above => {
                    let check = CheckUpload::new(self.to.clone(), self.file.clone(), md5);
                    self.state = State::Checking { md5, check: retry(check) };
                }
                State::Hashed { md5 } => self.begin(session, md5, None, now),
                State::Checking { md5, mut check } => match poll(&mut check, session, now) {
                    Ok(mut reply) => match reply.media_id.take() {
                        Some(id) => self.done(session, id, reply.keys),
                        None => self.begin(session, md5, Some(reply), now),
                    },
                    Err(interrupt) => {
                        self.state = State::Checking { md5, check };
                        return Err(interrupt);
                    }
                },
                State::Reading { plan, piece } => {
                    let range = plan.range(piece);
                    self.state = State::Reading { plan, piece };
                    return Err(self.read(range));
                }
                State::Sending(mut upload) => {
                    let accepted = match poll(&mut upload, session, now) {
                        Ok(accepted) => accepted,
                        Err(interrupt) => {
                            self.state = State::Sending(upload);
                            return Err(interrupt);
                        }
                    };
                    let (plan, piece) = (upload.endpoint().plan(), upload.endpoint().piece());
                    let (sent, total) = (plan.range(piece).end, self.file.size());
                    if sent >= total {
                        self.done(session, accepted.media_id, plan.keys());
                    } else {
                        let piece = piece.saturating_add(1);
                        self.state = State::Reading { plan: plan.clone(), piece };
                    }
                    return Ok(UploadProgress::Sent { sent, total });
                }
                State::Done(uploaded) => {
                    let output = UploadProgress::Done((*uploaded).clone());
                    self.state = State::Done(uploaded);
                    return Ok(output);
                }
            }
        }
    }

    fn handle(&mut self, input: Input) {
        match input {
            Input::Reply(_) => match &mut self.state {
                State::Checking { check, .. } => check.handle(input),
                State::Sending(upload) => upload.handle(input),
                _ => {}
            },
            Input::Piece(_) if !mem::take(&mut self.is_reading) => {}
            Input::Piece(Err(failure)) => self.fault = Some(Error::Source(Some(failure))),
            Input::Piece(Ok(bytes)) => {
                // Hashing is the expensive part of an upload; no lock is held here.
                if self.add(bytes).is_none() {
                    self.state = State::Start;
                    self.fault = Some(Error::Source(None));
                }
            }
        }
    }
}

fn retry<E: Endpoint>(endpoint: E) -> Retry<E> {
    Retry::new(endpoint, Lane::Upload).give_up_on(|error| !error.is_transient())
}

fn poll<E: Endpoint<State = Session> + Clone>(
    step: &mut Retry<E>,
    session: &mut Session,
    now: Timestamp,
) -> Result<E::Output, Interrupt> {
    let result = step.poll(session, now);
    let backoff = session.device.backoff(Lane::Upload);
    match &result {
        Ok(_) => backoff.progress(),
        Err(Interrupt::Fail(_)) => {
            // The next poll starts with three new attempts.
            *step = retry(step.endpoint().clone());
            backoff.restart();
            backoff.idle();
        }
        Err(_) => {}
    }
    result
}

impl Upload {
    /// Returns the range of the piece at `at`.
    fn from(&self, at: u64) -> Range<u64> {
        at..at.saturating_add(self.sizes.piece).min(self.file.size())
    }

    /// Requests bytes of the source; at the end of the file, one more, to detect a longer source.
    fn read(&mut self, range: Range<u64>) -> Interrupt {
        self.is_reading = true;
        let more = u64::from(range.end >= self.file.size());
        Interrupt::Read(range.start..range.end.saturating_add(more))
    }

    /// Adds bytes of the source. Returns `None` if their length or checksum is not the expected one.
    fn add(&mut self, bytes: Bytes) -> Option<()> {
        let is_whole = |range: &Range<u64>| bytes.len() as u64 == range.end - range.start;
        self.state = match mem::take(&mut self.state) {
            State::Hashing { at } => {
                let range = Some(self.from(at)).filter(is_whole)?;
                self.sum.update(&bytes);
                self.check.update(&bytes);
                State::Hashing { at: range.end }
            }
            State::Reading { plan, piece } => {
                let range = Some(plan.range(piece)).filter(is_whole)?;
                self.check.update(&bytes);
                if range.end >= self.file.size() && self.check.clone().finalize() != self.expected {
                    return None;
                }
                State::Sending(retry(UploadPiece::new(plan, piece, bytes)))
            }
            other => other,
        };
        Some(())
    }

    fn begin(
        &mut self,
        session: &mut Session,
        md5: Md5Sum,
        check: Option<UploadCheck>,
        now: Timestamp,
    ) {
        let (to, file) = (self.to.clone(), self.file.clone());
        let length = self.sizes.piece;
        let plan = UploadPlan::with_length(session, to, file, md5, check, now, length);
        self.check.reset();
        self.state = State::Reading { plan, piece: 0 };
    }

    fn done(&mut self, session: &mut Session, media_id: Box<str>, keys: FileKeys) {
        session.device.backoff(Lane::Upload).useful();
        self.state = State::Done(Box::new(Uploaded {
            media_id,
            media_type: self.file.media_type(),
            file_name: self.file.name().into(),
            size: self.file.size(),
            keys,
            is_plain: self.file.is_plain,
        }));
    }
}

#[cfg(test)]
#[path = "upload_tests.rs"]
mod tests;

#[cfg(test)]
#[path = "upload_trouble_tests.rs"]
mod trouble_tests;
