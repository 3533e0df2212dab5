//! The file-transfer page: `docs/protocol.md` §15.

use std::time::Duration;

use bytes::Bytes;
use wechat_proto::media::{GetMedia, LocalFile, MediaType, Upload, UploadProgress};
use wechat_proto::message::{Receipt, SendText, SendUpload};
use wechat_proto::{Entry, Error, UserName};
use wechat_simulator::Incoming;

use crate::media::uploads::{bytes, upload_arrives};
use crate::sessions::entries::file_helper_world as world;
use crate::sweep;
use crate::wire::{Bot, Hyper, Memory, Place, Ureq, on_all_wires};

fn login<B: Bot>(place: &Place) -> B {
    place.confirm_login();
    B::login_on(place, &mut place.device().with_entry(Entry::file_helper()), |_| {}).unwrap()
}

/// Uploads a file of this length and sends it to the phone.
fn send_file<B: Bot>(place: &Place, length: usize) {
    let mut bot: B = login(place);
    place.world().keep_uploads(0);
    let uploaded = upload_arrives(place, &mut bot, "大.zip", &bytes(length));
    let receipt = bot.call(SendUpload::new(UserName::file_helper(), &uploaded)).unwrap();
    let world = place.world();
    assert_eq!(world.sent().last().unwrap().msg_id, receipt.msg_id.to_string());
    assert_eq!(world.violations(), []);
}

fn file_of_two_pieces<B: Bot>(place: &Place) {
    send_file::<B>(place, 600_000);
}

/// Everything that the phone sends, from the account itself to `filehelper`, can be downloaded.
fn phone_sends_all_media<B: Bot>(place: &Place) {
    let mut bot: B = login(place);
    let me = bot.session().me().user_name.clone();
    let from = me.as_str();
    let [picture, video, voice, sticker, file]: [&[u8]; 5] =
        [b"\xff\xd8\xff\xe0 picture", b"video", b"voice", b"GIF89a", b"file"];
    let second = Duration::from_secs(1);
    let sent = [
        (Incoming::image(from, picture), picture),
        (Incoming::video(from, second, video), video),
        (Incoming::voice(from, second, voice), voice),
        (Incoming::emoticon(from, sticker), sticker),
        (Incoming::file(from, "报告 1.pdf", file), file),
    ];
    for (message, bytes) in sent {
        place.world().phone().sends("filehelper", message);
        let message = bot.next().unwrap().unwrap();
        assert_eq!((&message.from, message.peer()), (&me, &UserName::file_helper()));
        assert_eq!(bot.download(GetMedia::new(&message).unwrap()).unwrap().1, bytes);
        if let Ok(thumbnail) = GetMedia::thumbnail(&message) {
            bot.download(thumbnail).unwrap();
        }
    }
    place.assert_no_violations();
    assert_eq!(place.requests("webwxstatusnotify"), 0);
}

/// The service echoes the sends. Messages of the phone are not recognised as echoes.
fn echoes_are_recognised<B: Bot>(place: &Place) {
    let mut bot: B = login(place);
    place.world().echo_sends(true);
    let receipt = bot.call(SendText::new(UserName::file_helper(), "到手机 & <b>")).unwrap();
    place.world().phone().writes("filehelper", "到手机 & <b>");
    let [echo, message] = [bot.next_text(), bot.next_text()];
    assert_eq!((echo.text(), message.text()), (Some("到手机 & <b>"), Some("到手机 & <b>")));
    assert!(receipt.is_echo(&echo) && !receipt.is_echo(&message));
    assert!(!Receipt::of(UserName::file_helper(), "0".into()).is_echo(&message));
    place.assert_no_violations();
}

/// A video is a document by default; an original picture is one on request.
fn videos_and_originals_are_documents<B: Bot>(place: &Place) {
    let mut bot: B = login(place);
    for (name, media_type, endpoint) in [
        ("a.mp4", None, "webwxsendappmsg"),
        ("a.mp4", Some(MediaType::Video), "webwxsendvideomsg"),
        ("a.png", None, "webwxsendmsgimg"),
        ("a.png", Some(MediaType::Document), "webwxsendappmsg"),
    ] {
        let source = Bytes::from(bytes(99));
        let file = LocalFile::new(name, 99).unwrap();
        let file = media_type.map_or(file.clone(), |media_type| file.as_type(media_type));
        let mut upload = Upload::new(UserName::file_helper(), file);
        let uploaded = bot.upload(&mut upload, &source, |_| {}).unwrap();
        bot.call(SendUpload::new(UserName::file_helper(), &uploaded)).unwrap();
        assert_eq!(place.world().sent().last().unwrap().endpoint, endpoint, "{name}");
    }
    place.assert_no_violations();
}

on_all_wires! {
    videos_and_originals_are_documents in super::world();
    file_of_two_pieces in super::world();
    phone_sends_all_media in super::world();
    echoes_are_recognised in super::world();
}

/// Runs on fewer wires to save time.
#[test]
fn file_of_26_mb_arrives() {
    send_file::<Memory>(&Place::memory(world()), 26_000_000);
    send_file::<Ureq>(&Place::http(world()), 26_000_000);
}

/// Sends a file above 25 MB, on fewer wires to save time.
#[test]
fn file_of_27_mb_arrives_in_parallel() {
    let requests = [
        parallel::<Memory>(&Place::memory(world()), 27_000_000),
        parallel::<Hyper>(&Place::http(world()), 27_000_000),
    ];
    assert_eq!(requests, [[1, 0, 52]; 2]);
}

/// Runs in complete sweeps of release builds only.
#[test]
fn file_of_200_mb_arrives_in_parallel() {
    if !cfg!(debug_assertions) && sweep::is_complete() {
        let requests = [
            parallel::<Memory>(&Place::memory(world()), 200 << 20),
            parallel::<Ureq>(&Place::http(world()), 200 << 20),
            parallel::<Hyper>(&Place::http(world()), 200 << 20),
        ];
        assert_eq!(requests, [[1, 0, 400]; 3]);
    }
}

/// Sends a large file; returns the number of announcements and of pieces by each call.
pub(crate) fn parallel<B: Bot>(place: &Place, length: usize) -> [usize; 3] {
    send_file::<B>(place, length);
    let uploaded = place.world().uploads()[0].clone();
    assert!(!uploaded.signature.is_empty() && !uploaded.aes_key.is_empty());
    ["webwxcheckupload", "webwxuploadmedia", "webwxuploadmediaparallel"]
        .map(|endpoint| place.requests(endpoint))
}

/// A piece that fails is sent again with the `UploadID`; the caller continues after three failures.
#[test]
fn parallel_upload_resumes_at_a_piece() {
    let place = Place::memory(world());
    let mut bot: Memory = login(&place);
    place.world().keep_uploads(0);
    let source = Bytes::from(bytes(27_000_000));
    let file = LocalFile::new("大.zip", source.len() as u64).unwrap();
    let mut upload = Upload::new(UserName::file_helper(), file);
    let refuse = |times: usize| {
        for _ in 0..times {
            place.world().refuse("webwxuploadmediaparallel", -1, "");
        }
    };
    let mut failures = 0;
    loop {
        match bot.run_from(&mut upload, &source) {
            Ok(UploadProgress::Hashed) => refuse(1),
            Ok(UploadProgress::Sent { sent: 524_288, .. }) => refuse(2),
            Ok(UploadProgress::Sent { sent: 1_048_576, .. }) => refuse(3),
            Ok(UploadProgress::Sent { .. }) => {}
            Err(Error::ServiceFailed { endpoint: "webwxuploadmediaparallel", .. }) => failures += 1,
            Ok(UploadProgress::Done(uploaded)) => {
                assert_eq!(uploaded.media_id(), place.world().uploads()[0].media_id);
                break;
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!((failures, place.requests("webwxuploadmediaparallel")), (1, 52 + 6));
    place.assert_no_violations();
}
