//! Uploads: any name and length, media types, checked files, failures, and altered requests.

use bytes::Bytes;
use sha2::{Digest as _, Sha256};
use wechat_proto::media::{Limits, LocalFile, MediaType, Upload, UploadProgress, Uploaded};
use wechat_proto::{Error, UserName};
use wechat_simulator::{Cut, World};

use crate::media::file_helper;
use crate::requests::{altered_forms, altered_requests};
use crate::sessions::entries;
use crate::wire::memory::Recorder;
use crate::wire::{Bot, Hyper, Memory, Place, Ureq, on_all_wires, on_both_adapters};

const PIECE: usize = 524_288;
/// Larger than files that are uploaded without an announcement.
const LARGE: usize = 26 << 20;

pub(crate) fn world() -> World {
    World::new(11)
}

/// Returns pseudo-random bytes.
pub(crate) fn bytes(length: usize) -> Vec<u8> {
    let mut state = length as u64 | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    };
    let mut bytes = Vec::with_capacity(length + 8);
    while bytes.len() < length {
        bytes.extend_from_slice(&next());
    }
    bytes.truncate(length);
    bytes
}

pub(crate) fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn upload(name: &str, length: usize) -> Upload {
    Upload::new(UserName::file_helper(), LocalFile::new(name, length as u64).unwrap())
}

/// Runs an upload to its end; returns its result and its outputs.
fn finish<B: Bot>(
    bot: &mut B,
    upload: &mut Upload,
    source: &Bytes,
) -> Result<(Uploaded, Vec<UploadProgress>), Error> {
    let mut outputs = Vec::new();
    let uploaded = bot.upload(upload, source, |output| outputs.push(output.clone()))?;
    assert_eq!(outputs.pop(), Some(UploadProgress::Done(uploaded.clone())));
    Ok((uploaded, outputs))
}

/// Returns the number of requests with a piece, to either endpoint.
fn piece_requests(place: &Place) -> usize {
    ["webwxuploadmedia", "webwxuploadmediaparallel"].map(|name| place.requests(name)).iter().sum()
}

/// Uploads these bytes and checks the file in the simulator.
pub(crate) fn upload_arrives<B: Bot>(
    place: &Place,
    bot: &mut B,
    name: &str,
    bytes: &[u8],
) -> Uploaded {
    let source = Bytes::copy_from_slice(bytes);
    let before = piece_requests(place);
    let (uploaded, outputs) = finish(bot, &mut upload(name, bytes.len()), &source).unwrap();
    let pieces = bytes.len().div_ceil(PIECE);
    assert_eq!(piece_requests(place) - before, pieces);
    assert_eq!(outputs.len(), 1 + pieces);
    let total = bytes.len() as u64;
    assert_eq!(outputs.last(), Some(&UploadProgress::Sent { sent: total, total }));
    let world = place.world();
    assert_eq!(world.violations(), []);
    let file = world.uploads().last().unwrap();
    assert_eq!((&*file.name, file.size, &*file.to), (name, total, "filehelper"));
    assert_eq!(file.sha256, sha256(bytes));
    assert_eq!((uploaded.media_id(), uploaded.file_name()), (&*file.media_id, name));
    assert_eq!((uploaded.media_type().as_str(), uploaded.size()), (&*file.media_type, total));
    uploaded
}

const NAMES: [&str; 4] = ["报告 & \"终稿\".pdf", "a'b;c.txt", "LICENSE", "照片.PNG"];

fn any_name_and_length<B: Bot>(place: &Place) {
    let mut bot: B = B::confirmed(place);
    let long = format!("{}.zip", "龍".repeat(200));
    for (name, length) in NAMES.into_iter().chain([&*long]).zip([1, 524_288, 524_289, 1, 5 << 20]) {
        upload_arrives(place, &mut bot, name, &bytes(length));
    }
    // The names are in another order.
    for (name, length) in [&*long].into_iter().chain(NAMES).zip([1, 524_289, 524_288, 1_048_577]) {
        upload_arrives(place, &mut bot, name, &bytes(length));
    }
    let error = finish(&mut bot, &mut upload(NAMES[0], 0), &Bytes::new()).unwrap_err();
    assert!(matches!(error, Error::EmptyFile));
    let world = place.world();
    assert_eq!(world.uploads().len(), 9);
    assert_eq!(world.uploads()[0].bytes.as_deref(), Some(&*bytes(1)));
}

/// The media type that is sent for each file name.
fn media_types<B: Bot>(place: &Place) {
    let mut bot: B = B::confirmed(place);
    let source = Bytes::from(bytes(999));
    for (name, natural, overridden, sent_type) in [
        ("a.png", MediaType::Picture, None, "pic"),
        ("a.JPG", MediaType::Picture, None, "pic"),
        ("a.gif", MediaType::Document, None, "doc"),
        ("a.mp4", MediaType::Video, None, "video"),
        ("a.png", MediaType::Picture, Some(MediaType::Document), "doc"),
    ] {
        let file = LocalFile::new(name, 999).unwrap();
        assert_eq!(file.media_type(), natural);
        let file = match overridden {
            Some(media_type) => file.as_type(media_type),
            None => file,
        };
        let mut upload = Upload::new(UserName::file_helper(), file);
        finish(&mut bot, &mut upload, &source).unwrap();
        assert_eq!(place.world().uploads().last().unwrap().media_type, sent_type);
    }
    assert_eq!(place.world().violations(), []);
}

/// `webwxcheckupload` precedes a large file; a second upload of the same file sends no pieces.
pub(crate) fn checked<B: Bot>(place: &Place) {
    let mut bot: B = B::confirmed(place);
    place.world().keep_uploads(0);
    let large = bytes(LARGE);
    upload_arrives(place, &mut bot, "大.zip", &large);
    assert_eq!((place.requests("webwxcheckupload"), place.requests("webwxuploadmedia")), (1, 52));
    let source = Bytes::from(large);
    let (again, outputs) = finish(&mut bot, &mut upload("二.zip", LARGE), &source).unwrap();
    assert_eq!(outputs, [UploadProgress::Hashed]);
    assert_eq!((place.requests("webwxcheckupload"), place.requests("webwxuploadmedia")), (2, 52));
    let world = place.world();
    let file = &world.uploads()[0];
    assert_eq!((again.media_id(), again.file_name()), (&*file.media_id, "二.zip"));
    assert_eq!((file.instant, file.bytes.is_none(), world.uploads().len()), (1, true, 1));
    assert!(!file.signature.is_empty() && format!("{again:?}").contains("signed: true"));
    assert_eq!(world.violations(), []);
}

fn refused_announcement<B: Bot>(place: &Place) {
    let mut bot: B = B::confirmed(place);
    let source = Bytes::from(vec![7; LARGE]);
    let mut upload = upload("a.zip", LARGE);
    assert_eq!(bot.run_from(&mut upload, &source).unwrap(), UploadProgress::Hashed);
    let refuse = |ret| place.world().refuse("webwxcheckupload", ret, "");
    refuse(1);
    let error = bot.run_from(&mut upload, &source).unwrap_err();
    assert!(matches!(error, Error::Refused { endpoint: "webwxcheckupload", .. }));
    refuse(1205);
    assert!(matches!(bot.run_from(&mut upload, &source), Err(Error::Limited { .. })));
    assert_eq!(place.requests("webwxuploadmedia"), 0);

    // Above a limit of the caller, no request is sent.
    let mut limits = Limits::default();
    limits.document = Some(LARGE as u64 - 1);
    let error = bot.run_from(&mut self::upload("a.zip", LARGE).limits(limits), &source);
    assert!(matches!(error, Err(Error::TooLarge { .. })));
    let error = bot.run_from(&mut self::upload("a.mp4", LARGE), &source);
    assert!(matches!(error, Err(Error::TooLarge { limit: Limits::PAGE, .. })));
    assert_eq!(place.requests("webwxcheckupload"), 2);
    assert_eq!(place.world().violations(), []);
}

/// Threat U5: an upload fails if the bytes or the length of the file change between the two passes
/// over it.
fn changed_file<B: Bot>(place: &Place) {
    let mut bot: B = B::confirmed(place);
    let mut other = bytes(PIECE + 9);
    let source = Bytes::from(other.clone());
    other[7] ^= 1;
    let other = Bytes::from(other);
    let mut upload = upload("a.zip", source.len());
    assert_eq!(bot.run_from(&mut upload, &source).unwrap(), UploadProgress::Hashed);
    bot.run_from(&mut upload, &other).unwrap();
    assert!(matches!(bot.run_from(&mut upload, &other), Err(Error::Source(None))));
    for short in [source.slice(..PIECE), source.slice(..9)] {
        assert!(matches!(bot.run_from(&mut upload, &short), Err(Error::Source(None))));
    }
    assert_eq!(place.requests("webwxuploadmedia"), 1);
    finish(&mut bot, &mut upload, &source).unwrap();
    let world = place.world();
    assert_eq!((world.uploads().len(), &world.uploads()[0].sha256), (1, &sha256(&source)));
    assert_eq!(world.violations(), []);
}

on_all_wires! {
    any_name_and_length in super::world();
    media_types in super::world();
    changed_file in super::world();
}

/// Files of 26 MB, on fewer wires to save time.
mod large {
    use super::*;

    #[test]
    fn in_memory() {
        checked::<Memory>(&Place::memory(world()));
        refused_announcement::<Memory>(&Place::memory(world()));
    }

    #[test]
    fn over_ureq() {
        checked::<Ureq>(&Place::http(world()));
    }

    #[test]
    fn over_hyper() {
        checked::<Hyper>(&Place::tls(world()));
    }
}

/// Threat S9, uploads: connections break during each piece or before its response. A single failure
/// is retried silently; after three failures of one piece, the caller continues.
fn broken_connections<B: Bot>(place: &Place) {
    let mut bot: B = B::confirmed(place);
    let source = Bytes::from(bytes(2 * PIECE + 9));
    let pieces = 3;
    for cut in [Cut::Request, Cut::Reply] {
        for (piece, times) in (0..pieces).map(|piece| (piece, 1)).chain([(1, 3)]) {
            let mut upload = upload("a.zip", source.len());
            let mut errors = 0;
            assert_eq!(bot.run_from(&mut upload, &source).unwrap(), UploadProgress::Hashed);
            for _ in 0..piece {
                bot.run_from(&mut upload, &source).unwrap();
            }
            (0..times).for_each(|_| place.cut("webwxuploadmedia", cut));
            loop {
                match bot.run_from(&mut upload, &source) {
                    Ok(UploadProgress::Done(_)) => break,
                    Ok(_) => {}
                    Err(Error::Transport(_)) => errors += 1,
                    Err(error) => panic!("{error}"),
                }
            }
            assert_eq!(errors, usize::from(times == 3), "{cut:?} {piece} {times}");
            let world = place.world();
            let file = world.uploads().last().unwrap();
            assert_eq!(file.sha256, sha256(&source));
            // The service received the piece again and stored it once.
            let again = if cut == Cut::Reply { times } else { 0 };
            assert_eq!(file.repeats, again, "{cut:?} {piece} {times}");
        }
    }
    let world = place.world();
    assert_eq!((world.uploads().len(), world.violations()), (8, &[][..]));
}

on_both_adapters! {
    broken_connections in world();
}

/// Runs `altered_requests` for uploads: the simulator names each altered part of each request.
#[test]
fn every_part_of_every_upload_is_checked() {
    let place = Place::memory(world());
    let mut recorded = Recorder::of(&place, |place| {
        let mut bot: Memory = Memory::confirmed(place);
        place.world().keep_uploads(u64::MAX);
        let small = Bytes::from(bytes(99));
        finish(&mut bot, &mut upload("报告 \"1\".png", 99), &small).unwrap();
        let pieces = Bytes::from(bytes(PIECE + 9));
        finish(&mut bot, &mut upload("a.zip", pieces.len()), &pieces).unwrap();
    });
    // This upload has the additional fields of the file-transfer page.
    let other = Place::memory(entries::file_helper_world());
    recorded.extend(Recorder::of(&other, entries::file_helper::<Memory>));
    let uploads: Vec<_> = recorded
        .into_iter()
        .filter(|(_, request)| request.uri().path().ends_with("webwxuploadmedia"))
        .collect();
    assert_eq!(uploads.len(), 4);
    let altered = altered_requests::assert_seen(&uploads, altered_forms::alter);
    assert!(altered >= 200, "{altered}");
}

/// Checks the same for `webwxcheckupload`, and for the first and the last piece of a checked file.
#[test]
fn every_part_of_every_announcement_is_checked() {
    let place = Place::memory(world());
    let recorded = Recorder::of(&place, |place| {
        let mut bot: Memory = Memory::confirmed(place);
        place.world().keep_uploads(0);
        let large = Bytes::from(vec![7; LARGE]);
        finish(&mut bot, &mut upload("报告.zip", LARGE), &large).unwrap();
    });
    let of = |endpoint: &str| {
        let all = recorded.iter().filter(|(_, request)| request.uri().path().ends_with(endpoint));
        all.cloned().collect::<Vec<_>>()
    };
    let probes = of("webwxcheckupload");
    assert_eq!(probes.len(), 1);
    assert!(altered_requests::assert_seen(&probes, altered_requests::alter) >= 50);
    let pieces = of("webwxuploadmedia");
    assert_eq!(pieces.len(), 52);
    let ends = [pieces[0].clone(), pieces[51].clone()];
    assert!(altered_requests::assert_seen(&ends, altered_forms::alter) >= 150);

    let other = Place::memory(entries::file_helper_world());
    let mut pieces = Recorder::of(&other, |place| {
        file_helper::parallel::<Memory>(place, 27_000_000);
    });
    pieces.retain(|(_, request)| request.uri().path().ends_with("webwxuploadmediaparallel"));
    let ends = [pieces[0].clone(), pieces[51].clone()];
    assert!(altered_requests::assert_seen(&ends, altered_forms::alter) >= 120);
}
