//! Sending of an uploaded file by its type: as a picture, a video, an emoticon or a file
//! (`docs/protocol.md` §6.2, §6.7).

use super::{Draft, send};
use super::{SendEmoticon, SendFile, SendImage, SendVideo};
use crate::ids::UserName;
use crate::media::{MediaType, Uploaded};
use crate::message::file::extension;

/// A request that sends an uploaded file, in the way of its type: as [`SendImage`], [`SendVideo`],
/// [`SendEmoticon`] (a GIF) or [`SendFile`].
///
/// The request must not be retried automatically: see [`SendText`](super::SendText).
#[derive(Clone, Debug)]
pub struct SendUpload(pub(super) Draft);

impl SendUpload {
    /// Returns a request that sends this file to a person or a room.
    pub fn new(to: UserName, file: &Uploaded) -> Self {
        Self(match file.media_type {
            MediaType::Picture => SendImage::new(to, file).0,
            MediaType::Video => SendVideo::new(to, file).0,
            // A GIF is uploaded as a document.
            MediaType::Document if !file.is_plain && extension(&file.file_name) == "gif" => {
                SendEmoticon::new(to, file).0
            }
            MediaType::Document => SendFile::new(to, file).0,
        })
    }
}

send!(SendUpload);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::endpoint::Endpoint as _;
    use crate::error::Error;
    use crate::testing::{http_of, reply, session, uploaded};

    #[test]
    fn endpoint_depends_on_the_type() {
        for (media_type, name, endpoint) in [
            (MediaType::Picture, "p.png", "webwxsendmsgimg"),
            // The name of a picture is ignored.
            (MediaType::Picture, "p.gif", "webwxsendmsgimg"),
            (MediaType::Video, "v.mp4", "webwxsendvideomsg"),
            (MediaType::Document, "wave.gif", "webwxsendemoticon"),
            (MediaType::Document, "WAVE.GIF", "webwxsendemoticon"),
            (MediaType::Document, "gif", "webwxsendappmsg"),
            (MediaType::Document, "wave.gif.zip", "webwxsendappmsg"),
            (MediaType::Document, "", "webwxsendappmsg"),
        ] {
            let send = SendUpload::new(UserName::file_helper(), &uploaded(media_type, name));
            let request = http_of(send.clone(), &mut session());
            assert!(request.uri().path().ends_with(endpoint), "{name}");
            match send.parse(&reply(r#"{"BaseResponse":{"Ret":1}}"#)) {
                Err(Error::Refused { endpoint: said, .. }) => assert_eq!(said, endpoint),
                other => panic!("{other:?}"),
            }
        }
        let gif = Uploaded { is_plain: true, ..uploaded(MediaType::Document, "wave.gif") };
        let request = http_of(SendUpload::new(UserName::file_helper(), &gif), &mut session());
        assert!(request.uri().path().ends_with("webwxsendappmsg"));
    }
}
