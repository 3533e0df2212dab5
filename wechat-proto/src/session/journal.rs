//! Journals of stored sessions.

use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;

use serde::Deserialize;

use crate::error::{Error, StorageFailure, StorageKind};
use crate::session::Session;
use crate::session::changes::{self, apply};
use crate::session::stored;

/// A session stored as a whole, the base, and lines that are appended with each later save.
///
/// For stores that append faster than they replace: a line contains only the changes since the line
/// before, a few hundred bytes. `FileStore` keeps the base in one file and the lines in another.
///
/// A store replaces the base with a new one before the lines become long, and after a failure to
/// append. The new base is durable before its first line is appended; the lines of the old base may
/// remain until then, and are ignored.
///
/// ```
/// use wechat_proto::store::Journal;
/// # use wechat_proto::{Error, Session};
///
/// # fn save(mut session: Session) -> Result<(), Error> {
/// let (mut journal, base) = Journal::new(&session.snapshot());
/// let mut lines = journal.append(&session.snapshot());
/// lines += &journal.append(&session.snapshot());
/// let latest = Journal::read(&base, lines.as_bytes())?;
/// assert_eq!(latest.version(), session.version());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Journal {
    /// The session at the last line.
    saved: Box<Session>,
    last: Last,
}

/// The end of a journal.
#[derive(Clone, Debug)]
enum Last {
    /// There are no lines yet; the checksum of the base.
    Base(String),
    /// The checksum of the last line.
    Line(u32),
}

/// The first line, which names the base.
#[derive(Deserialize)]
struct Head<'a> {
    base: &'a str,
}

impl Journal {
    /// Begins a journal, and returns the base to be stored.
    ///
    /// The base has the format of [`Session::to_json`] with its own format number, which versions
    /// without journals refuse as [`StorageKind::Newer`].
    pub fn new(session: &Session) -> (Self, String) {
        let (base, sum) = stored::write(session, stored::BASE);
        (Self { saved: Box::new(session.clone()), last: Last::Base(sum) }, base)
    }

    /// Returns the lines to be appended for this session, each with its line break.
    ///
    /// If they are not stored as a whole, begin a new journal.
    pub fn append(&mut self, session: &Session) -> String {
        let mut lines = String::new();
        let mut last = match &self.last {
            Last::Base(base) => push(&mut lines, 0, &format!("{{\"base\":\"{base}\"}}")),
            Last::Line(sum) => *sum,
        };
        if let Some(change) = change(&self.saved, session) {
            last = push(&mut lines, last, &change);
        }
        *self = Self { saved: Box::new(session.clone()), last: Last::Line(last) };
        lines
    }

    /// Reads the last session from a base and its lines.
    ///
    /// Ignores an incomplete last line, which was not stored as a whole: one without its line
    /// break, or with zero bytes. Ignores all lines if they belong to another base, or if `base`
    /// was written by [`Session::to_json`].
    ///
    /// Like [`Session::from_json`], advances the generator.
    ///
    /// # Errors
    ///
    /// [`Error::Storage`] if the base or a line is damaged, or the base was written by a newer
    /// version.
    pub fn read(base: &str, lines: &[u8]) -> Result<Session, Error> {
        let damaged = || Error::from(StorageFailure::new(StorageKind::Damaged));
        let base = stored::open(base)?;
        let Some(sum) = base.sum.filter(|_| base.format == stored::BASE) else {
            return stored::parse(base.session);
        };
        let mut session = String::from(base.session);
        let mut last = None;
        let mut lines = lines.split_inclusive(|byte| *byte == b'\n').peekable();
        while let Some(line) = lines.next() {
            let is_cut = !line.ends_with(b"\n") || line.contains(&0);
            if is_cut && lines.peek().is_none() {
                break;
            }
            let (number, text) = checked(line, last.unwrap_or(0)).ok_or_else(damaged)?;
            if last.is_some() {
                session = apply(&session, text).ok_or_else(damaged)?;
            } else {
                let head: Head<'_> = serde_json::from_str(text).map_err(|_| damaged())?;
                if head.base != sum {
                    break;
                }
            }
            last = Some(number);
        }
        stored::parse(&session)
    }
}

/// Returns the change from one session to another; `None` if they are equal.
fn change(old: &Session, new: &Session) -> Option<String> {
    let [before, after] = [old, new].map(|session| {
        let mut without_acks = session.clone();
        without_acks.acks = Arc::default();
        serde_json::to_string(&without_acks).expect("all keys are strings")
    });
    let Some(mut fields) = changes::fields(&before, &after) else {
        return Some(format!("[{}]", serde_json::to_string(new).expect("all keys are strings")));
    };
    fields.extend(new.acks.changes(&old.acks).map(|change| ("taken", change)));
    (!fields.is_empty()).then(|| changes::object(fields))
}

/// Returns the lines of a journal with these changes.
#[cfg(any(test, feature = "_fuzz"))]
pub(crate) fn with_changes<'a>(base: &str, changes: impl Iterator<Item = &'a str>) -> String {
    let mut lines = String::new();
    let sum = stored::open(base).ok().and_then(|base| base.sum).unwrap_or_default();
    let mut last = push(&mut lines, 0, &format!("{{\"base\":\"{sum}\"}}"));
    for change in changes {
        last = push(&mut lines, last, change);
    }
    lines
}

/// Appends a line: a checksum of it and of the lines before it, which have the checksum `last`.
fn push(lines: &mut String, last: u32, text: &str) -> u32 {
    let sum = checksum(last, text);
    *lines += &format!("{sum:08x} {text}\n");
    sum
}

/// Returns the checksum and the text of a line, unless it is damaged.
fn checked(line: &[u8], last: u32) -> Option<(u32, &str)> {
    let (sum, text) = core::str::from_utf8(line).ok()?.strip_suffix('\n')?.split_once(' ')?;
    let expected = checksum(last, text);
    (sum == format!("{expected:08x}")).then_some((expected, text))
}

fn checksum(last: u32, text: &str) -> u32 {
    let mut sum = crc32fast::Hasher::new_with_initial(last);
    sum.update(text.as_bytes());
    sum.finalize()
}

#[cfg(test)]
#[path = "journal_tests.rs"]
mod tests;
