//! The content of a message that sends a file: `docs/protocol.md` §6.3.

use alloc::boxed::Box;
use alloc::string::String;

use crate::media::FileKeys;
use crate::wire::xml::Xml;

/// `APPMSGTYPE_ATTACH`
pub(super) const FILE: i64 = 6;

/// The content of a message that sends a file.
#[derive(Clone)]
pub(super) struct File {
    pub(super) name: Box<str>,
    pub(super) size: u64,
    pub(super) media_id: Box<str>,
    /// The extension without its dot; may be empty.
    pub(super) extension: Box<str>,
    /// The keys of a file that this account uploaded.
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
