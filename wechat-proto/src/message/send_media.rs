//! Sends an uploaded file as what it is: a picture, a video, an emoticon or a file
//! (`docs/protocol.md` §6.2, §6.7).

use super::send::Receipt;
use super::{send_app, send_emoticon, send_image, send_video};
use crate::call::Call;
use crate::ids::{ClientMsgId, UserName};
use crate::media::{MediaType, Uploaded};
use crate::session::Session;
use crate::time::Timestamp;

/// Sends an uploaded file, under a new number.
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

/// Sends an uploaded file under a number of [`Session::next_client_msg_id`].
///
/// See [`send_text::again`](super::send_text::again) on repetitions.
pub fn again(
    session: &mut Session,
    to: &UserName,
    file: &Uploaded,
    id: ClientMsgId,
) -> Call<Receipt> {
    match file.media_type {
        MediaType::Picture => send_image::again(session, to, file, id),
        MediaType::Video => send_video::again(session, to, file, id),
        // What moves is uploaded as a document.
        MediaType::Document if send_app::extension(&file.file_name) == "gif" => {
            send_emoticon::again(session, to, file, id)
        }
        MediaType::Document => send_app::again(session, to, file, id),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Error;
    use crate::flow::{Flow as _, Input};
    use crate::testing::{NOW, reply, session, uploaded};

    #[test]
    fn each_goes_its_own_way() {
        for (media_type, name, endpoint) in [
            (MediaType::Picture, "p.png", "webwxsendmsgimg"),
            // Whatever it is called.
            (MediaType::Picture, "p.gif", "webwxsendmsgimg"),
            (MediaType::Video, "v.mp4", "webwxsendvideomsg"),
            (MediaType::Document, "wave.gif", "webwxsendemoticon"),
            (MediaType::Document, "WAVE.GIF", "webwxsendemoticon"),
            (MediaType::Document, "gif", "webwxsendappmsg"),
            (MediaType::Document, "wave.gif.zip", "webwxsendappmsg"),
            (MediaType::Document, "", "webwxsendappmsg"),
        ] {
            let mut session = session();
            let to = UserName::file_helper();
            let mut call = request(&mut session, &to, &uploaded(media_type, name), NOW);
            assert!(call.http().uri().path().ends_with(endpoint), "{name}");
            // And its reply is read under that name.
            assert!(call.poll(&mut session.device, NOW).is_err());
            call.handle(Input::Reply(Ok(reply(r#"{"BaseResponse":{"Ret":1}}"#))));
            match call.poll(&mut session.device, NOW) {
                Err(crate::Interrupt::Fail(Error::Refused { endpoint: said, .. })) => {
                    assert_eq!(said, endpoint);
                }
                other => panic!("{other:?}"),
            }
        }
    }
}
