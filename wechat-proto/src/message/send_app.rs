//! `POST /cgi-bin/mmwebwx-bin/webwxsendappmsg`
//!
//! Sends a file (`docs/protocol.md` §6.1 to §6.3).

use alloc::string::String;

use serde::Serialize;

use super::send::{self, Receipt, Scene};
use crate::call::Call;
use crate::error::Error;
use crate::flow::Response;
use crate::ids::{ClientMsgId, UserName};
use crate::media::Uploaded;
use crate::session::Session;
use crate::time::Timestamp;
use crate::wire::xml::Xml;

const ENDPOINT: &str = "webwxsendappmsg";
/// `APPMSGTYPE_ATTACH`
pub(super) const FILE: i64 = 6;

/// Sends an uploaded file, under a new number; read by [`parse`].
///
/// The receiver sees the name that the file was uploaded under. Of a control character, which the
/// message cannot hold, it sees U+FFFD.
///
/// This changes something: run it once, or see [`again`].
pub fn request(
    session: &mut Session,
    to: &UserName,
    file: &Uploaded,
    now: Timestamp,
) -> Call<Receipt> {
    let id = session.next_client_msg_id(now);
    again(session, to, file, id)
}

/// Sends an uploaded file under a number of [`Session::next_client_msg_id`]; read by [`parse`].
///
/// See [`send_text::again`](super::send_text::again) on repetitions.
pub fn again(
    session: &mut Session,
    to: &UserName,
    file: &Uploaded,
    id: ClientMsgId,
) -> Call<Receipt> {
    let signature = (!file.signature.is_empty()).then_some(file.signature.expose());
    let file = File {
        name: &file.file_name,
        size: file.size,
        media_id: &file.media_id,
        extension: &extension(&file.file_name),
    };
    let xml = file.xml(session.device.entry.is_desktop());
    call(session, to, signature, FILE, &xml, id, Scene::New)
}

/// Passes a file on, made anew from what was received of it.
pub(super) fn forward_file(
    session: &mut Session,
    to: &UserName,
    file: &File<'_>,
    id: ClientMsgId,
) -> Call<Receipt> {
    let xml = file.xml(session.device.entry.is_desktop());
    call(session, to, None, FILE, &xml, id, Scene::Forwarded)
}

/// Passes another app message on: its `AppMsgType`, and the XML that it came as.
pub(super) fn forward(
    session: &mut Session,
    to: &UserName,
    kind: i64,
    xml: &str,
    id: ClientMsgId,
) -> Call<Receipt> {
    call(session, to, None, kind, xml, id, Scene::Forwarded)
}

fn call(
    session: &mut Session,
    to: &UserName,
    signature: Option<&str>,
    kind: i64,
    content: &str,
    id: ClientMsgId,
    scene: Scene,
) -> Call<Receipt> {
    #[derive(Serialize)]
    #[serde(rename_all = "PascalCase")]
    struct Kind<'a> {
        #[serde(skip_serializing_if = "Option::is_none")]
        signature: Option<&'a str>,
        #[serde(rename = "Type")]
        kind: i64,
        content: &'a str,
    }
    let endpoint = endpoint(session.device.entry.is_desktop());
    send::call(session, &endpoint, to, id, scene, Kind { signature, kind, content })
}

/// The desktop program says in the query that it is one: `docs/protocol.md` §6.2.
fn endpoint(desktop: bool) -> send::Endpoint {
    let query: &[(&str, &str)] =
        if desktop { &[("fun", "async"), ("f", "json"), ("mod", "desktop")] } else { send::ASYNC };
    send::Endpoint { path: "/cgi-bin/mmwebwx-bin/webwxsendappmsg", query, parse }
}

/// What the message of a file says.
pub(super) struct File<'a> {
    pub(super) name: &'a str,
    pub(super) size: u64,
    pub(super) media_id: &'a str,
    /// Without its dot; may be empty.
    pub(super) extension: &'a str,
}

impl File<'_> {
    /// `docs/protocol.md` §6.3, to the letter.
    fn xml(&self, desktop: bool) -> String {
        let appid = if desktop { "" } else { "wxeb7ec651dd0aefa9" };
        Xml::default()
            .markup("<appmsg appid='")
            .text(appid)
            .markup("' sdkver=''><title>")
            .text(self.name)
            .markup("</title><des></des><action></action><type>")
            .text(FILE)
            .markup("</type><content></content><url></url><lowurl></lowurl><appattach><totallen>")
            .text(self.size)
            .markup("</totallen><attachid>")
            .text(self.media_id)
            .markup("</attachid><fileext>")
            .text(self.extension)
            .markup("</fileext></appattach><extinfo></extinfo></appmsg>")
            .finish()
    }
}

/// What stands behind the last dot of a file's name, in small letters as the official page has it;
/// nothing if there is no dot.
pub(super) fn extension(name: &str) -> String {
    name.rsplit_once('.').map(|(_, extension)| extension.to_lowercase()).unwrap_or_default()
}

/// Reads the reply of [`request`] and [`again`].
///
/// # Errors
///
/// What its `Ret` says (1204: the receiver is no contact); [`Error::Malformed`] if it is no such
/// reply.
pub fn parse(reply: &Response) -> Result<Receipt, Error> {
    send::receipt(ENDPOINT, reply)
}

#[cfg(test)]
#[path = "send_app_tests.rs"]
mod tests;
