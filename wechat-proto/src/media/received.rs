//! What came with a message, whichever endpoint has it: `docs/protocol.md` §8.

use super::fetch::Fetch;
use super::{MapLink, ReceivedFile, file, image, map, video, voice};
use crate::message::{AppContent, Kind, Message};
use crate::session::Session;
use crate::time::Timestamp;

/// Why nothing can be fetched of a message. Nothing was asked.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum NotFetchable {
    /// It is of a kind that brings nothing: a text, a card, a link.
    #[error("a message of this kind brings nothing that can be fetched")]
    Kind,
    /// A sticker of the shop, which only a phone has.
    #[error("a sticker of the shop cannot be fetched")]
    Sticker,
    /// It came without what the service would need to be told.
    #[error("the message came without what fetching it needs")]
    Incomplete,
}

/// Asks for what a message brings: a picture, a sticker (the one that moves), a voice message, a
/// video, a file, the map of a place. By [`image::request`], [`voice::request`],
/// [`video::request`], [`file::request`](mod@file) or [`map::request`].
///
/// # Errors
///
/// [`NotFetchable`] if it brings nothing, or nothing for the web.
pub fn request(
    session: &Session,
    message: &Message,
    now: Timestamp,
) -> Result<Fetch, NotFetchable> {
    let missing = NotFetchable::Incomplete;
    match &message.kind {
        Kind::Image(_) => Ok(image::request(session, &message.id, image::Size::Full)),
        Kind::Emoticon(sticker) if sticker.from_shop => Err(NotFetchable::Sticker),
        Kind::Emoticon(_) => Ok(image::request(session, &message.id, image::Size::Big)),
        Kind::Voice(_) => Ok(voice::request(session, &message.id)),
        Kind::Video(_) => Ok(video::request(session, &message.id)),
        Kind::Location(_) => {
            MapLink::of(message).map(|link| map::request(session, &link)).ok_or(missing)
        }
        Kind::App(app) if matches!(app.content, AppContent::File(_)) => {
            let received = ReceivedFile::of(message);
            received.map(|received| file::request(session, &received, now)).ok_or(missing)
        }
        _ => Err(NotFetchable::Kind),
    }
}

/// Asks for the small picture of a picture, a video or a sticker.
///
/// # Errors
///
/// [`NotFetchable`] if it has none, or none for the web.
pub fn thumbnail(session: &Session, message: &Message) -> Result<Fetch, NotFetchable> {
    match &message.kind {
        Kind::Emoticon(sticker) if sticker.from_shop => Err(NotFetchable::Sticker),
        Kind::Image(_) | Kind::Emoticon(_) | Kind::Video(_) => {
            Ok(image::request(session, &message.id, image::Size::Thumbnail))
        }
        _ => Err(NotFetchable::Kind),
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::String;

    use super::*;
    use crate::testing::{NOW, said, session};

    /// The endpoint and the size that a fetch asks for.
    fn asked(fetch: Fetch) -> String {
        let uri = fetch.http().uri();
        let name = uri.path().rsplit('/').next().unwrap();
        let size = uri.query().unwrap().rsplit_once("&type=");
        [name, size.map_or("", |(_, size)| size)].join(" ")
    }

    #[test]
    fn each_kind_has_its_endpoint() {
        let place = r#""SubMsgType":48"#;
        let map = "a:<br/>/cgi-bin/mmwebwx-bin/webwxgetpubliclinkimg?url=xxx&amp;msgid=1";
        let (kind, sticker, missing) =
            (NotFetchable::Kind, NotFetchable::Sticker, NotFetchable::Incomplete);
        for (msg_type, fields, content, whole, small) in [
            (3, "", "", Ok("webwxgetmsgimg "), Ok("webwxgetmsgimg slave")),
            (34, "", "", Ok("webwxgetvoice "), Err(kind)),
            (43, "", "", Ok("webwxgetvideo "), Ok("webwxgetmsgimg slave")),
            (44, "", "", Ok("webwxgetvideo "), Ok("webwxgetmsgimg slave")),
            (62, "", "", Ok("webwxgetvideo "), Ok("webwxgetmsgimg slave")),
            (47, "", "", Ok("webwxgetmsgimg big"), Ok("webwxgetmsgimg slave")),
            (47, r#""HasProductId":1"#, "", Err(sticker), Err(sticker)),
            (1, place, map, Ok("webwxgetpubliclinkimg "), Err(kind)),
            (48, "", map, Ok("webwxgetpubliclinkimg "), Err(kind)),
            (1, place, "a", Err(missing), Err(kind)),
            (49, r#""AppMsgType":6,"MediaId":"@m""#, "", Ok("webwxgetmedia "), Err(kind)),
            (49, r#""AppMsgType":6"#, "", Err(missing), Err(kind)),
            (49, r#""AppMsgType":5,"MediaId":"@m""#, "", Err(kind), Err(kind)),
            (1, "", "hi", Err(kind), Err(kind)),
            (10_000, "", "hi", Err(kind), Err(kind)),
            (3, "", "no picture", Err(kind), Err(kind)),
        ] {
            let message = said(msg_type, fields, content);
            let found = request(&session(), &message, NOW).map(asked);
            assert_eq!(found.as_deref(), whole.as_deref(), "{message:?}");
            let found = thumbnail(&session(), &message).map(asked);
            assert_eq!(found.as_deref(), small.as_deref(), "{message:?}");
        }
    }
}
