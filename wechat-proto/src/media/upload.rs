//! An upload, as a flow.

use alloc::boxed::Box;
use core::mem;
use core::ops::Range;

use bytes::Bytes;

use super::Uploaded;
use super::local::{Limits, LocalFile};
use super::piece::{self, Plan, Taken};
use super::probe::{self, Probed};
use super::sum::{Adder, Md5Sum};
use crate::call::Call;
use crate::error::Error;
use crate::flow::{Flow, Input, Interrupt};
use crate::ids::UserName;
use crate::secret::Sealed;
use crate::session::Session;
use crate::time::Timestamp;

/// Uploads a file for one receiver, from the source that it is run with.
///
/// The source is read twice, 512 KB at a time: for its MD5, and to be sent. One piece is in memory
/// at any moment. Its output says how far it is, and at last [`UploadProgress::Done`], which it
/// repeats.
///
/// ```text
/// limits ─► read all (MD5) ─► above 25 MB: webwxcheckupload ─► piece by piece: read, webwxuploadmedia ─► done
///                                        └─ the service has it ──────────────────────────────────────────┘
/// ```
///
/// A piece that got no reply, or none that says anything, is sent again, twice, with pauses;
/// then that is handed up. Polled again, after that or after it was dropped, an upload goes on with
/// the same piece: nothing that the service took is sent again. A refusal is handed up at once.
///
/// Nothing is read or sent of an empty file ([`Error::EmptyFile`]) or of one above its limit
/// ([`Error::TooLarge`]). A source that fails is [`Error::Source`], and is read on from there by the
/// next poll. One that does not have the bytes it had, or as many as it should, is
/// [`Error::Source`] too, and the file begins anew; the last piece is not sent before all bytes are
/// known to be those that were announced.
#[derive(Debug)]
pub struct Upload {
    to: UserName,
    file: LocalFile,
    limits: Limits,
    sizes: Sizes,
    state: State,
    /// Adds up what is read.
    sum: Adder,
    /// Whether bytes are waited for.
    asked: bool,
    /// Whether a request waits for its time: nothing that comes then is its reply.
    held: bool,
    /// What is wrong with the source, not told yet.
    fault: Option<Error>,
    /// How often the request in hand was repeated.
    repeats: u32,
    /// Whether the service's last answer led on.
    leads: bool,
}

/// How far an upload is.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum UploadProgress {
    /// The source was read once, to its end.
    Hashed,
    /// The service took another piece.
    Sent {
        /// How many bytes it has.
        sent: u64,
        /// How many the file has.
        total: u64,
    },
    /// The service has the file.
    Done(Uploaded),
}

/// The lengths that decide what is done. Tests have shorter ones.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sizes {
    /// Of a piece.
    pub(crate) piece: u64,
    /// Above which a file is announced.
    pub(crate) probe: u64,
}

#[derive(Debug, Default)]
enum State {
    #[default]
    Start,
    /// The file was read up to here.
    Hashing {
        at: u64,
    },
    Hashed {
        md5: Md5Sum,
    },
    Probing {
        md5: Md5Sum,
        /// As in [`State::Sending`].
        call: Option<Call<Probed>>,
    },
    Reading {
        plan: Box<Plan>,
        piece: u64,
    },
    Sending {
        plan: Box<Plan>,
        piece: u64,
        bytes: Bytes,
        /// Kept for its reply alone: what is sent next has the session's newest tickets.
        call: Option<Call<Taken>>,
    },
    Done(Box<Uploaded>),
}

/// How often a request is repeated before its failure is handed up: as the official page does it.
const REPEATS: u32 = 2;

impl Upload {
    /// An upload of a file that is to be sent to `to`.
    pub fn new(to: UserName, file: LocalFile) -> Self {
        Self::with_sizes(to, file, Sizes { piece: piece::LENGTH, probe: probe::ABOVE })
    }

    pub(crate) fn with_sizes(to: UserName, file: LocalFile, sizes: Sizes) -> Self {
        Self {
            to,
            file,
            limits: Limits::default(),
            sizes,
            state: State::Start,
            sum: Adder::default(),
            asked: false,
            held: false,
            fault: None,
            repeats: 0,
            leads: false,
        }
    }

    /// The same with other limits than the official page's.
    #[must_use]
    pub const fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// The file.
    pub const fn file(&self) -> &LocalFile {
        &self.file
    }
}

impl Flow for Upload {
    type State = Session;
    type Output = UploadProgress;

    fn poll(&mut self, session: &mut Session, now: Timestamp) -> Result<UploadProgress, Interrupt> {
        if let Some(over) = session.device.over() {
            return Err(over.into());
        }
        self.limits.check(&self.file)?;
        if let Some(fault) = self.fault.take() {
            // Or a caller who begins again each time would send the first piece for ever.
            session.device.paces.upload.strike();
            self.leads = false;
            return Err(fault.into());
        }
        loop {
            match mem::take(&mut self.state) {
                State::Start => {
                    self.sum = Adder::default();
                    self.state = State::Hashing { at: 0 };
                }
                State::Hashing { at } if at >= self.file.size() => {
                    self.state = State::Hashed { md5: self.sum.end() };
                    return Ok(UploadProgress::Hashed);
                }
                State::Hashing { at } => {
                    self.state = State::Hashing { at };
                    return Err(self.read(self.from(at)));
                }
                State::Hashed { md5 } if self.file.size() > self.sizes.probe => {
                    self.state = State::Probing { md5, call: None };
                }
                State::Hashed { md5 } => self.begin(session, md5, None, now),
                State::Probing { md5, call } => {
                    let mut call = call
                        .filter(Call::has_reply)
                        .unwrap_or_else(|| probe::request(session, &self.to, &self.file, md5));
                    match call.poll(&mut session.device, now) {
                        Ok(mut probed) => {
                            self.led_on(session);
                            match probed.media_id.take() {
                                Some(id) => self.done(session, id, probed.signature),
                                None => self.begin(session, md5, Some(&probed), now),
                            }
                        }
                        Err(interrupt) => {
                            self.state = State::Probing { md5, call: Some(call) };
                            self.settle(session, interrupt, now)?;
                        }
                    }
                }
                State::Reading { plan, piece } => {
                    let range = plan.range(piece);
                    self.state = State::Reading { plan, piece };
                    return Err(self.read(range));
                }
                State::Sending { plan, piece, bytes, call } => {
                    let mut call = call.filter(Call::has_reply).unwrap_or_else(|| {
                        piece::request(session, &plan, piece, bytes.clone(), now)
                    });
                    match call.poll(&mut session.device, now) {
                        Ok(taken) => {
                            self.led_on(session);
                            let sent = plan.range(piece).end;
                            if sent >= self.file.size() {
                                self.done(session, taken.media_id, plan.into_signature());
                            } else {
                                self.state =
                                    State::Reading { plan, piece: piece.saturating_add(1) };
                            }
                            return Ok(UploadProgress::Sent { sent, total: self.file.size() });
                        }
                        Err(interrupt) => {
                            self.state = State::Sending { plan, piece, bytes, call: Some(call) };
                            self.settle(session, interrupt, now)?;
                        }
                    }
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
            Input::Reply(_) if self.held => {}
            Input::Reply(_) => match &mut self.state {
                State::Probing { call: Some(call), .. } => call.handle(input),
                State::Sending { call: Some(call), .. } => call.handle(input),
                _ => {}
            },
            Input::Piece(_) if !mem::take(&mut self.asked) => {}
            Input::Piece(Err(failure)) => self.fault = Some(Error::Source(Some(failure))),
            Input::Piece(Ok(bytes)) => {
                // Adding up is the work of an upload: here, where no lock is held.
                if self.take(bytes).is_none() {
                    self.state = State::Start;
                    self.fault = Some(Error::Source(None));
                }
            }
        }
    }
}

impl Upload {
    /// The bytes from `at` that are read together.
    fn from(&self, at: u64) -> Range<u64> {
        at..at.saturating_add(self.sizes.piece).min(self.file.size())
    }

    /// Asks for bytes; for one more at the end of the file, since there should be none.
    fn read(&mut self, range: Range<u64>) -> Interrupt {
        self.asked = true;
        let more = u64::from(range.end >= self.file.size());
        Interrupt::Read(range.start..range.end.saturating_add(more))
    }

    /// Takes what was read; nothing if it is not what it should be.
    fn take(&mut self, bytes: Bytes) -> Option<()> {
        let is_whole = |range: &Range<u64>| bytes.len() as u64 == range.end - range.start;
        self.state = match mem::take(&mut self.state) {
            State::Hashing { at } => {
                let range = Some(self.from(at)).filter(is_whole)?;
                self.sum.add(&bytes);
                State::Hashing { at: range.end }
            }
            State::Reading { plan, piece } => {
                let range = Some(plan.range(piece)).filter(is_whole)?;
                self.sum.add(&bytes);
                if range.end >= self.file.size() && self.sum.end() != plan.md5() {
                    return None;
                }
                State::Sending { plan, piece, bytes, call: None }
            }
            other => other,
        };
        Some(())
    }

    fn begin(
        &mut self,
        session: &mut Session,
        md5: Md5Sum,
        probed: Option<&Probed>,
        now: Timestamp,
    ) {
        let Self { to, file, sizes, .. } = self;
        let plan = Plan::with_length(session, to, file, md5, probed, now, sizes.piece);
        self.sum = Adder::default();
        self.state = State::Reading { plan: Box::new(plan), piece: 0 };
    }

    fn done(&mut self, session: &mut Session, media_id: Box<str>, signature: Sealed) {
        session.device.paces.upload.clear();
        self.state = State::Done(Box::new(Uploaded {
            media_id,
            media_type: self.file.media_type(),
            file_name: self.file.name().into(),
            size: self.file.size(),
            signature,
        }));
    }

    /// The service took what was sent.
    fn led_on(&mut self, session: &mut Session) {
        session.device.paces.upload.answered();
        self.repeats = 0;
        self.leads = true;
    }

    /// What is done about a call's interrupt: on with it (a failure that is not told yet), or handed
    /// up.
    fn settle(
        &mut self,
        session: &mut Session,
        interrupt: Interrupt,
        now: Timestamp,
    ) -> Result<(), Interrupt> {
        let pace = &mut session.device.paces.upload;
        match interrupt {
            Interrupt::Fail(error) => {
                self.leads = false;
                let limited = matches!(error, Error::Limited { .. });
                let repeated = error.is_transient() && !limited && self.repeats < REPEATS;
                // The pace is shared with other uploads; how often this one fails is its own affair.
                if repeated || limited {
                    let _ = pace.failed(&error);
                }
                if repeated {
                    self.repeats += 1;
                    return Ok(());
                }
                self.repeats = 0;
                pace.strike();
                Err(error.into())
            }
            interrupt if self.leads => {
                pace.settle_step(interrupt, now, &mut self.held, pace.strikes())
            }
            interrupt => pace.settle(interrupt, now, &mut self.held),
        }
    }
}

#[cfg(test)]
#[path = "upload_tests.rs"]
mod tests;

#[cfg(test)]
#[path = "upload_trouble_tests.rs"]
mod trouble_tests;
