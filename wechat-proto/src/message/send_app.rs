//! `POST /cgi-bin/mmwebwx-bin/webwxsendappmsg`
//!
//! Sends a file (`docs/protocol.md` §6.1 to §6.3).

use alloc::boxed::Box;
use alloc::string::String;

use super::send::Draft;
use crate::ids::UserName;
use crate::media::{FileKeys, Uploaded};
use crate::wire::xml::Xml;

pub(super) const ENDPOINT: &str = "webwxsendappmsg";
/// `APPMSGTYPE_ATTACH`
pub(super) const FILE: i64 = 6;

/// Sends an uploaded file.
///
/// The receiver sees the name under which the file was uploaded. Control characters, which the
/// message cannot contain, are replaced by U+FFFD.
///
/// Must not be retried automatically, see [`SendText`](super::SendText).
#[derive(Clone, Debug)]
pub struct SendFile(pub(super) Draft);

impl SendFile {
    /// Returns a send of this file to a person or a room.
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

pub(super) fn draft(to: UserName, file: File) -> Draft {
    Draft { file: Some(file), ..Draft::new(ENDPOINT, FILE, to) }
}

/// The content of a message that sends a file.
#[derive(Clone)]
pub(super) struct File {
    pub(super) name: Box<str>,
    pub(super) size: u64,
    pub(super) media_id: Box<str>,
    /// The extension without its dot; may be empty.
    pub(super) extension: Box<str>,
    /// Of a file that this account uploaded.
    pub(super) keys: FileKeys,
}

impl File {
    /// Returns the exact XML of `docs/protocol.md` §6.3.
    pub(super) fn xml(&self, desktop: bool) -> String {
        let appid = if desktop { "" } else { "wxeb7ec651dd0aefa9" };
        Xml::default()
            .markup("<appmsg appid='")
            .text(appid)
            .markup("' sdkver=''><title>")
            .text(&self.name)
            .markup("</title><des></des><action></action><type>")
            .text(FILE)
            .markup("</type><content></content><url></url><lowurl></lowurl><appattach><totallen>")
            .text(self.size)
            .markup("</totallen><attachid>")
            .text(&self.media_id)
            .markup("</attachid><fileext>")
            .text(&self.extension)
            .markup("</fileext></appattach><extinfo></extinfo></appmsg>")
            .finish()
    }
}

/// Returns the part of a file's name after its last dot, in lower case as on the official page;
/// empty if there is no dot.
pub(super) fn extension(name: &str) -> String {
    name.rsplit_once('.').map(|(_, extension)| extension.to_lowercase()).unwrap_or_default()
}

#[cfg(test)]
#[path = "send_app_tests.rs"]
mod tests;
