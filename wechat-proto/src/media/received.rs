//! Download of the media of a message from the endpoint for its kind: `docs/protocol.md` §8.

use super::head::{HEAD, Head};
use super::{GetFile, GetImage, GetMap, GetVideo, GetVoice, ImageSize, NotFetchable};
use crate::flow::{Response, Want};
use crate::message::{AppContent, Kind};
use crate::{Body, Endpoint, Error, Message, Session, Timestamp};

/// A request that gets the media of a message: a picture, a sticker (the animated one), a voice
/// message, a video, a file, the map of a place.
///
/// It is a [`GetImage`], [`GetVoice`], [`GetVideo`], [`GetFile`] or [`GetMap`].
#[derive(Clone, Debug)]
pub struct GetMedia(Media);

#[derive(Clone, Debug)]
enum Media {
    Image(GetImage),
    Voice(GetVoice),
    Video(GetVideo),
    File(GetFile),
    Map(GetMap),
}

impl GetMedia {
    /// Returns a request for the media of a message.
    ///
    /// # Errors
    ///
    /// - [`NotFetchable::Kind`] if the message has no media.
    /// - [`NotFetchable::Sticker`] if it is a sticker from the shop, which the web cannot get.
    /// - [`NotFetchable::Incomplete`] if it lacks the id or path of its media.
    pub fn new(message: &Message) -> Result<Self, NotFetchable> {
        let missing = NotFetchable::Incomplete;
        let id = message.id.clone();
        Ok(Self(match &message.kind {
            Kind::Image(_) => Media::Image(GetImage::new(id, ImageSize::Full)),
            Kind::Emoticon(sticker) if sticker.is_from_shop => return Err(NotFetchable::Sticker),
            Kind::Emoticon(_) => Media::Image(GetImage::new(id, ImageSize::Big)),
            Kind::Voice(_) => Media::Voice(GetVoice::new(id)),
            Kind::Video(_) => Media::Video(GetVideo::new(id)),
            Kind::Location(_) => Media::Map(GetMap::of(message).ok_or(missing)?),
            Kind::App(app) if matches!(app.content, AppContent::File(_)) => {
                Media::File(GetFile::of(message).ok_or(missing)?)
            }
            _ => return Err(NotFetchable::Kind),
        }))
    }

    /// Returns a request for the thumbnail of a picture, a video or a sticker.
    ///
    /// # Errors
    ///
    /// - [`NotFetchable::Kind`] if the message has no thumbnail.
    /// - [`NotFetchable::Sticker`] if it is a sticker from the shop, which the web cannot get.
    pub fn thumbnail(message: &Message) -> Result<Self, NotFetchable> {
        match &message.kind {
            Kind::Emoticon(sticker) if sticker.is_from_shop => Err(NotFetchable::Sticker),
            Kind::Image(_) | Kind::Emoticon(_) | Kind::Video(_) => {
                let image = GetImage::new(message.id.clone(), ImageSize::Thumbnail);
                Ok(Self(Media::Image(image)))
            }
            _ => Err(NotFetchable::Kind),
        }
    }
}

impl Endpoint for GetMedia {
    type State = Session;
    type Output = Head;

    const WANT: Want = HEAD;

    fn request(&mut self, session: &mut Session, now: Timestamp) -> http::Request<Body> {
        match &mut self.0 {
            Media::Image(image) => image.request(session, now),
            Media::Voice(voice) => voice.request(session, now),
            Media::Video(video) => video.request(session, now),
            Media::File(file) => file.request(session, now),
            Media::Map(map) => map.request(session, now),
        }
    }

    /// # Errors
    ///
    /// Those of the endpoint for the kind of media.
    fn parse(&self, response: &Response) -> Result<Head, Error> {
        match &self.0 {
            Media::Image(image) => image.parse(response),
            Media::Voice(voice) => voice.parse(response),
            Media::Video(video) => video.parse(response),
            Media::File(file) => file.parse(response),
            Media::Map(map) => map.parse(response),
        }
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::String;

    use super::*;
    use crate::testing::{http_of, said, session};

    /// Returns the endpoint and the size of a download.
    fn requested(download: GetMedia) -> String {
        let http = http_of(download, &mut session());
        let uri = http.uri();
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
            let found = GetMedia::new(&message).map(requested);
            assert_eq!(found.as_deref(), whole.as_deref(), "{message:?}");
            let found = GetMedia::thumbnail(&message).map(requested);
            assert_eq!(found.as_deref(), small.as_deref(), "{message:?}");
        }
    }
}
