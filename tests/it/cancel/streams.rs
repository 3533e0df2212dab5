//! Operations that take many polls: messages, uploads, downloads.

use std::io::Cursor;
use std::time::Duration;

use bytes::Bytes;
use md5::{Digest as _, Md5};
use wechat_proto::media::{GetImage, ImageSize, LocalFile, Upload, UploadProgress};
use wechat_proto::{Error, MsgId, UserName};
use wechat_simulator::{Asset, Incoming, Media};
use wechat_transport_hyper::{Client, Messages};

use super::run::Place;
use super::{START, Start};

const TEXTS: [&str; 9] = ["1", "2", "3", "4", "5", "6", "7", "8", "9"];

/// Delivers nine messages, two per sync response, some of them in a room that the directory lacks.
fn nine_messages(start: &Start) -> Place {
    let place = start.place();
    place.world().messages_per_sync(2);
    let (friend, room) = (start.named("Ada").to_string(), start.named("Walks").to_string());
    for texts in TEXTS.chunks(3) {
        let (friend, room) = (friend.clone(), room.clone());
        place.simulator.then(Duration::from_secs(1), move |world| {
            world.person_writes(&friend, texts[0]);
            world.member_writes(&room, &friend, texts[1]);
            world.person_writes(&friend, texts[2]);
        });
    }
    place
}

fn text(message: Option<Result<wechat_proto::Message, Error>>) -> String {
    message.unwrap().unwrap().text().unwrap().to_owned()
}

/// Each message arrives once, even if the future of the wait was dropped.
#[test]
fn dropped_wait_for_messages_continues() {
    let mut whole = 0;
    for polls in 0..=60 {
        let place = nine_messages(&START);
        let client = place.resume(&START.stored, polls + 1);
        let mut messages = client.messages();
        let mut received = Vec::new();
        while received.len() < TEXTS.len() {
            let message = place.poll(polls, messages.next());
            if message.is_some() {
                whole += 1;
            }
            let message = message.unwrap_or_else(|| place.finish(messages.next()));
            received.push(text(message));
        }
        assert_eq!(received, TEXTS);
        place.assert_clean();
        // Dropped waits cause no additional requests.
        assert!(place.requests("webwxsync") <= 10, "{}", place.requests("webwxsync"));
    }
    assert!(whole > 60 && whole < 61 * 9, "{whole} were not dropped");
}

/// Dropped `Messages` are continued by new ones. A message is delivered again unless the next one
/// was polled for.
#[test]
fn new_messages_continue_dropped_ones() {
    for polls in 1..=60 {
        let place = nine_messages(&START);
        let client = place.resume(&START.stored, polls + 1);
        let mut messages = client.messages();
        let mut received = Vec::new();
        while received.len() < TEXTS.len() {
            let message = match place.poll(polls, messages.next()) {
                Some(message) => message,
                None => {
                    messages = client.messages();
                    place.finish(messages.next())
                }
            };
            received.push(text(message));
        }
        assert_eq!(received, TEXTS, "{polls}");
        place.assert_clean();
    }
    let place = nine_messages(&START);
    let client = place.resume(&START.stored, 1);
    for _ in 0..3 {
        assert_eq!(
            text(place.finish(client.messages().next())),
            "1",
            "the message was not acknowledged"
        );
    }
}

/// Threat S5: the client itself is dropped during a wait, and its session resumed.
#[test]
fn resumed_session_continues_after_client_drop() {
    for polls in 1..=60 {
        let place = nine_messages(&START);
        let (mut received, mut stored) = (Vec::new(), START.stored.clone());
        let mut seed = 1_000 * polls;
        while received.len() < TEXTS.len() {
            seed += 1;
            let client = place.resume(&stored, seed);
            let mut messages = client.messages();
            // The first message is received; the wait for the next one is dropped.
            received.push(next_text(&place, &client, &mut messages, &mut stored));
            if received.len() < TEXTS.len()
                && let Some(message) = place.poll(polls, messages.next())
            {
                let message = message.unwrap().unwrap();
                stored = store(&client, &message);
                received.push(message.text().unwrap().to_owned());
            }
        }
        assert_eq!(received, TEXTS, "{polls}");
        place.assert_clean();
    }
}

/// Threat S5: the same with messages that are acknowledged out of order, or not until the client is
/// dropped.
#[test]
fn unacknowledged_messages_are_redelivered() {
    let mut again = 0;
    for polls in 1..=60 {
        let place = nine_messages(&START);
        let (mut handled, mut stored) = (Vec::new(), START.stored.clone());
        let mut clients = 0;
        while handled.len() < TEXTS.len() {
            clients += 1;
            let seed = 1_000 * polls + clients;
            let client = place.resume(&stored, seed);
            let mut messages = client.events().manual().messages();
            let mut held = vec![place.finish(messages.next()).unwrap().unwrap()];
            // The wait for another message is dropped.
            if handled.len() + 1 < TEXTS.len()
                && let Some(message) = place.poll(polls, messages.next())
            {
                held.push(message.unwrap().unwrap());
            }
            while let Some(message) = held.pop() {
                place.finish(client.acknowledge(&message)).unwrap();
                stored = client.session().to_json();
                handled.push(message.text().unwrap().to_owned());
                if !(clients + polls).is_multiple_of(3) {
                    again += held.len();
                    break;
                }
            }
        }
        handled.sort_unstable();
        assert_eq!(handled, TEXTS, "{polls}");
        place.assert_clean();
    }
    assert!(again > 60, "{again} arrived again");
    let place = nine_messages(&START);
    let client = place.resume(&START.stored, 1);
    let mut messages = client.events().manual().messages();
    let held: Vec<_> = (0..3).map(|_| place.finish(messages.next()).unwrap().unwrap()).collect();
    place.finish(client.acknowledge(&held[1])).unwrap();
    let mut messages = client.events().manual().messages();
    for (text_again, why) in [("1", "not acknowledged"), ("3", "2 was acknowledged")] {
        assert_eq!(text(place.finish(messages.next())), text_again, "{why}");
    }
}

fn next_text(
    place: &Place,
    client: &Client,
    messages: &mut Messages,
    stored: &mut String,
) -> String {
    let message = place.finish(messages.next()).unwrap().unwrap();
    *stored = store(client, &message);
    message.text().unwrap().to_owned()
}

/// Stores the session as a bot does that stores effect and session together.
fn store(client: &Client, message: &wechat_proto::Message) -> String {
    let mut session = client.session();
    session.acknowledge(message);
    session.to_json()
}

fn bytes(length: usize) -> Bytes {
    (0..length).map(|at| (at.wrapping_mul(2_654_435_761) >> 13) as u8).collect()
}

/// Threat U5: a dropped upload continues with its current piece, and the service receives the file
/// once.
#[test]
fn dropped_upload_continues() {
    let file = bytes(600_000);
    let md5: String = Md5::digest(&file).iter().map(|byte| format!("{byte:02x}")).collect();
    for polls in 0.. {
        let place = START.place();
        let client = place.resume(&START.stored, polls + 1);
        let local = LocalFile::new("a.bin", file.len() as u64).unwrap();
        let mut upload = Upload::new(UserName::file_helper(), local);
        let mut progress = Vec::new();
        let done = place.poll(
            polls,
            client.upload(&mut upload, Cursor::new(&file), |step| progress.push(step.clone())),
        );
        let whole = done.is_some();
        let uploaded = match done {
            Some(uploaded) => uploaded.unwrap(),
            None => place
                .finish(client.upload(&mut upload, Cursor::new(&file), |step| {
                    progress.push(step.clone());
                }))
                .unwrap(),
        };
        let world = place.world();
        assert_eq!(world.violations(), []);
        assert_eq!(world.uploads().len(), 1);
        let stored = &world.uploads()[0];
        assert_eq!((&*stored.media_id, &stored.md5), (uploaded.media_id(), &md5));
        let repeated = stored.repeats;
        drop(world);
        let pieces = place.requests("webwxuploadmedia");
        assert!(repeated <= 1 && pieces <= 3, "{polls}: {pieces} pieces, {repeated} again");
        // Progress is reported once per piece.
        let sent =
            progress.iter().filter(|step| matches!(step, UploadProgress::Sent { .. })).count();
        let hashed = progress.iter().filter(|step| matches!(step, UploadProgress::Hashed)).count();
        assert_eq!((sent, hashed), (2, 1));
        if whole {
            assert!(polls >= 8, "{polls}");
            break;
        }
    }
}

/// Delivers a message with a picture.
fn picture(picture: &Bytes) -> (Place, MsgId) {
    let place = START.place();
    let friend = START.named("Ada").to_string();
    let id =
        place.world().deliver(Incoming::new(&friend, 3, "&lt;msg&gt;&lt;img/&gt;&lt;/msg&gt;"));
    let client = place.resume(&START.stored, 999_999);
    assert_eq!(place.finish(client.messages().next()).unwrap().unwrap().id.to_string(), id);
    let asset = Asset::Image(id.clone(), "");
    place.world().plant(asset, Media::new("image/jpeg", picture.clone()));
    (place, id.as_str().into())
}

/// A dropped download requests the head again; dropped waits for chunks lose no bytes of the body.
#[test]
fn dropped_download_continues() {
    let expected = bytes(50_000);
    for polls in 0.. {
        let (place, id) = picture(&expected);
        let client = place.resume(&START.stored, polls + 1);
        let image = GetImage::new(id.clone(), ImageSize::Full);
        let begun = place.poll(polls, client.download(image.clone()));
        let whole = begun.is_some();
        let (head, mut body) = match begun {
            Some(begun) => begun.unwrap(),
            None => place.finish(client.download(image.clone())).unwrap(),
        };
        assert_eq!(head.length, Some(expected.len() as u64));
        let mut received = Vec::new();
        loop {
            // The future is dropped once, then awaited again.
            let chunk = place.poll(polls.min(1), body.chunk());
            match chunk.unwrap_or_else(|| place.finish(body.chunk())).unwrap() {
                Some(chunk) => received.extend_from_slice(&chunk),
                None => break,
            }
        }
        assert_eq!(received, expected);
        assert!(place.requests("webwxgetmsgimg") <= 2);
        place.assert_clean();
        if whole {
            break;
        }
    }
}

/// A dropped copy has written a prefix; a new download copies the whole body.
#[test]
fn dropped_copy_restarts() {
    let expected = bytes(50_000);
    let mut lengths = Vec::new();
    for polls in 0.. {
        let (place, id) = picture(&expected);
        let client = place.resume(&START.stored, polls + 1);
        let image = GetImage::new(id.clone(), ImageSize::Full);
        let (head, body) = place.finish(client.download(image.clone())).unwrap();
        let mut written = Vec::new();
        let mut progress = 0;
        let copy = body.copy_to(&head, &mut written, 1 << 20, |so_far| progress = so_far);
        let copied = place.poll(polls, copy);
        assert_eq!(written, expected[..written.len()], "not a prefix of the body");
        assert_eq!(progress, written.len() as u64);
        lengths.push(written.len());
        if let Some(copied) = copied {
            assert_eq!(copied.unwrap(), expected.len() as u64);
            break;
        }
        assert!(written.len() < expected.len() || polls > 3);
        let (head, body) = place.finish(client.download(image.clone())).unwrap();
        let mut written = Vec::new();
        place.finish(body.copy_to(&head, &mut written, 1 << 20, |_| {})).unwrap();
        assert_eq!(written, expected);
        place.assert_clean();
    }
    lengths.dedup();
    assert!(lengths.len() > 3, "never dropped in the middle: {lengths:?}");
}
