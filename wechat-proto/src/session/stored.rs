//! The storage formats of sessions.
//!
//! | number | content |
//! |---|---|
//! | 1 | the session's fields; later versions added some, each with a default |
//! | 2 | `format`, `md5`, `session`: the fields of 1 with a checksum of their text |
//! | 3 | the same, for the base of a [journal](crate::store::Journal) |
//!
//! All formats can be read; `samples` has one sample of each.

use alloc::format;
use alloc::string::{String, ToString as _};

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::error::{Error, StorageFailure, StorageKind};
use crate::media::Md5Sum;
use crate::session::Session;

/// The number of the format of a session without a journal.
pub(crate) const WHOLE: u64 = 2;
/// The number of the format of a journal's base; newer formats are refused.
pub(crate) const BASE: u64 = 3;

#[derive(Deserialize)]
struct Head {
    format: u64,
}

#[derive(Deserialize)]
struct Checked<'a> {
    /// Detects accidental damage only: anyone who can write the file can write this as well.
    md5: &'a str,
    #[serde(borrow)]
    session: &'a RawValue,
}

/// A stored session, before its fields are parsed.
pub(crate) struct Opened<'a> {
    pub(crate) format: u64,
    /// The checksum; `None` in the first format.
    pub(crate) sum: Option<&'a str>,
    /// The fields of the session.
    pub(crate) session: &'a str,
}

impl Session {
    /// Parses the output of [`Session::to_json`], written by this version or an older one.
    ///
    /// Loading advances the generator: the loaded session does not repeat the ids of the stored
    /// one, and its JSON differs.
    ///
    /// # Errors
    ///
    /// [`Error::Storage`] if the text is damaged, or was written by a newer version.
    pub fn from_json(json: &str) -> Result<Self, Error> {
        parse(open(json)?.session)
    }

    /// Returns the session as JSON with a checksum. It contains the credentials: protect it like a
    /// password.
    pub fn to_json(&self) -> String {
        write(self, WHOLE).0
    }
}

/// Returns a session in one of the formats with a checksum, and the checksum.
pub(crate) fn write(session: &Session, format: u64) -> (String, String) {
    let text = serde_json::to_string(session).expect("all keys are strings");
    let sum = sum(&text);
    (format!("{{\"format\":{format},\"md5\":\"{sum}\",\"session\":{text}}}"), sum)
}

/// Opens a stored session. Drops the errors of `serde_json`, because they quote their input.
pub(crate) fn open(json: &str) -> Result<Opened<'_>, Error> {
    let damaged = |_| StorageFailure::new(StorageKind::Damaged);
    let Head { format } = serde_json::from_str(json).map_err(damaged)?;
    match format {
        1 => Ok(Opened { format, sum: None, session: json }),
        WHOLE | BASE => {
            let Checked { md5, session } = serde_json::from_str(json).map_err(damaged)?;
            let session = session.get();
            if md5 != sum(session) {
                return Err(StorageFailure::new(StorageKind::Damaged).into());
            }
            Ok(Opened { format, sum: Some(md5), session })
        }
        0 => Err(StorageFailure::new(StorageKind::Damaged).into()),
        _ => Err(StorageFailure::new(StorageKind::Newer).into()),
    }
}

/// Parses the fields of a session.
pub(crate) fn parse(fields: &str) -> Result<Session, Error> {
    let session = serde_json::from_str(fields);
    Ok(session.map_err(|_| StorageFailure::new(StorageKind::Damaged))?)
}

fn sum(text: &str) -> String {
    Md5Sum::of(text.as_bytes()).to_string()
}

#[cfg(test)]
#[path = "stored_tests.rs"]
mod tests;
