//! The form in which sessions are stored.
//!
//! | number | content |
//! |---|---|
//! | 1 | the session's fields; later versions added some, each with a default |
//! | 2 | `format`, `md5`, `session`: the fields of 1 with a checksum of their text |
//!
//! All forms can be read; `samples` has one of each.

use alloc::string::{String, ToString as _};

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::error::{Error, StorageFailure, StorageKind};
use crate::media::Md5Sum;
use crate::session::Session;

/// The number of the form that is written; newer forms are refused.
const NEWEST: u64 = 2;

#[derive(Deserialize)]
struct Head {
    format: u64,
}

#[derive(Deserialize, Serialize)]
struct Checked<'a> {
    format: u64,
    /// Detects accidental damage only: anyone who can write the file can write this as well.
    md5: &'a str,
    #[serde(borrow)]
    session: &'a RawValue,
}

/// Returns the stored form of a session.
pub(crate) fn write(session: &Session) -> String {
    let text = serde_json::value::to_raw_value(session).expect("all keys are strings");
    let checked = Checked { format: NEWEST, md5: &sum(text.get()), session: &text };
    serde_json::to_string(&checked).expect("all keys are strings")
}

/// Parses the stored form of a session. Drops the errors of `serde_json`, because they quote their
/// input.
pub(crate) fn read(json: &str) -> Result<Session, Error> {
    let damaged = |_| StorageFailure::new(StorageKind::Damaged);
    let Head { format } = serde_json::from_str(json).map_err(damaged)?;
    let session = match format {
        1 => serde_json::from_str(json),
        2 => {
            let Checked { md5, session, .. } = serde_json::from_str(json).map_err(damaged)?;
            if md5 != sum(session.get()) {
                return Err(StorageFailure::new(StorageKind::Damaged).into());
            }
            serde_json::from_str(session.get())
        }
        0 => return Err(StorageFailure::new(StorageKind::Damaged).into()),
        _ => return Err(StorageFailure::new(StorageKind::Newer).into()),
    };
    Ok(session.map_err(damaged)?)
}

fn sum(text: &str) -> String {
    Md5Sum::of(text.as_bytes()).to_string()
}

#[cfg(test)]
#[path = "stored_tests.rs"]
mod tests;
