//! `POST /cgi-bin/mmwebwx-bin/webwxsendappmsg`
//!
//! Sends a file (`docs/protocol.md` §6.1 to §6.3).

use super::{APP, Draft, send};
use crate::ids::UserName;
use crate::media::Uploaded;
use crate::message::file::{FILE, File, extension};

/// A request that sends an uploaded file.
///
/// The receiver sees the name under which the file was uploaded. Control characters, which the
/// message cannot contain, are replaced by U+FFFD.
///
/// The request must not be retried automatically: see [`SendText`](super::SendText).
#[derive(Clone, Debug)]
pub struct SendFile(pub(super) Draft);

impl SendFile {
    /// Returns a request that sends this file to a person or a room.
    pub fn new(to: UserName, file: &Uploaded) -> Self {
        let file = File {
            name: file.file_name.clone(),
            size: file.size,
            media_id: file.media_id.clone(),
            extension: extension(&file.file_name).into(),
            keys: file.keys.clone(),
        };
        Self(draft(to, file))
    }
}

send!(SendFile);

pub(super) fn draft(to: UserName, file: File) -> Draft {
    Draft { file: Some(file), ..Draft::new(APP, FILE, to) }
}

#[cfg(test)]
#[path = "app_tests.rs"]
mod tests;
