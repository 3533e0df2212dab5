//! What takes many polls: messages, uploads, downloads.

use std::time::Duration;

use bytes::Bytes;
use md5::{Digest as _, Md5};
use wechat_proto::media::{GetImage, ImageSize, LocalFile, Upload, UploadProgress};
use wechat_proto::{Error, MsgId, UserName};
use wechat_simulator::{Asset, Incoming, Media};
use wechat_transport_hyper::{Client, Messages};

use crate::run::Place;
use crate::{START, Start};

const TEXTS: [&str; 9] = ["1", "2", "3", "4", "5", "6", "7", "8", "9"];

/// Nine messages in four batches, one of them in a room that the directory has to ask for.
fn nine(start: &Start) -> Place {
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

/// The wait goes on where it was: each message comes once.
#[test]
fn a_wait_for_messages_goes_on() {
    let mut whole = 0;
    for polls in 0..=60 {
        let place = nine(&START);
        let client = place.resume(&START.stored, polls + 1);
        let mut messages = client.messages();
        let mut heard = Vec::new();
        while heard.len() < TEXTS.len() {
            let message = place.poll(polls, messages.next());
            if message.is_some() {
                whole += 1;
            }
            let message = message.unwrap_or_else(|| place.finish(messages.next()));
            heard.push(text(message));
        }
        assert_eq!(heard, TEXTS);
        place.assert_clean();
        // Asked for by one wait, however often it was dropped.
        assert!(place.asked("webwxsync") <= 10, "{}", place.asked("webwxsync"));
    }
    assert!(whole > 60 && whole < 61 * 9, "{whole} were not dropped");
}

/// Messages that are dropped themselves: new ones go on. Once a message was asked past, it does not
/// come again; before that, it does.
#[test]
fn new_messages_go_on_for_old_ones() {
    for polls in 1..=60 {
        let place = nine(&START);
        let client = place.resume(&START.stored, polls + 1);
        let mut messages = client.messages();
        let mut heard = Vec::new();
        while heard.len() < TEXTS.len() {
            let message = match place.poll(polls, messages.next()) {
                Some(message) => message,
                None => {
                    messages = client.messages();
                    place.finish(messages.next())
                }
            };
            heard.push(text(message));
        }
        assert_eq!(heard, TEXTS, "{polls}");
        place.assert_clean();
    }
    let place = nine(&START);
    let client = place.resume(&START.stored, 1);
    for _ in 0..3 {
        assert_eq!(text(place.finish(client.messages().next())), "1", "nobody asked for the next");
    }
}

/// Threat S5: the client itself is dropped in the middle of a wait, and its session resumed.
#[test]
fn a_session_goes_on_wherever_its_client_was_dropped() {
    for polls in 1..=60 {
        let place = nine(&START);
        let (mut heard, mut stored) = (Vec::new(), START.stored.clone());
        let mut seed = 1_000 * polls;
        while heard.len() < TEXTS.len() {
            seed += 1;
            let client = place.resume(&stored, seed);
            let mut messages = client.messages();
            // The first one is heard, the wait for the next dropped.
            heard.push(hear(&place, &client, &mut messages, &mut stored));
            if heard.len() < TEXTS.len()
                && let Some(message) = place.poll(polls, messages.next())
            {
                let message = message.unwrap().unwrap();
                stored = store(&client, &message);
                heard.push(message.text().unwrap().to_owned());
            }
        }
        assert_eq!(heard, TEXTS, "{polls}");
        place.assert_clean();
    }
}

/// Threat S5: the same with messages that are acknowledged out of order, or not at all before the
/// client is dropped.
#[test]
fn messages_that_were_not_acknowledged_arrive_again() {
    let mut again = 0;
    for polls in 1..=60 {
        let place = nine(&START);
        let (mut handled, mut stored) = (Vec::new(), START.stored.clone());
        let mut clients = 0;
        while handled.len() < TEXTS.len() {
            clients += 1;
            let seed = 1_000 * polls + clients;
            let client = place.resume(&stored, seed);
            let mut messages = client.messages().manual();
            let mut held = vec![place.finish(messages.next()).unwrap().unwrap()];
            // The wait for one more is dropped.
            if handled.len() + 1 < TEXTS.len()
                && let Some(message) = place.poll(polls, messages.next())
            {
                held.push(message.unwrap().unwrap());
            }
            while let Some(message) = held.pop() {
                client.acknowledge(&message);
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
    let place = nine(&START);
    let client = place.resume(&START.stored, 1);
    let mut messages = client.messages().manual();
    let held: Vec<_> = (0..3).map(|_| place.finish(messages.next()).unwrap().unwrap()).collect();
    client.acknowledge(&held[1]);
    let mut messages = client.messages().manual();
    for (text_again, why) in [("1", "not acknowledged"), ("3", "2 was acknowledged")] {
        assert_eq!(text(place.finish(messages.next())), text_again, "{why}");
    }
}

fn hear(place: &Place, client: &Client, messages: &mut Messages, stored: &mut String) -> String {
    let message = place.finish(messages.next()).unwrap().unwrap();
    *stored = store(client, &message);
    message.text().unwrap().to_owned()
}

/// As a bot does that stores effect and session at once.
fn store(client: &Client, message: &wechat_proto::Message) -> String {
    let mut session = client.session();
    session.acknowledge(message);
    session.to_json()
}

fn bytes(length: usize) -> Bytes {
    (0..length).map(|at| (at.wrapping_mul(2_654_435_761) >> 13) as u8).collect()
}

/// Threat U5: an upload goes on with the piece that it was at, and the service has the file once.
#[test]
fn an_upload_goes_on() {
    let file = bytes(600_000);
    let md5: String = Md5::digest(&file).iter().map(|byte| format!("{byte:02x}")).collect();
    for polls in 0.. {
        let place = START.place();
        let client = place.resume(&START.stored, polls + 1);
        let local = LocalFile::new("a.bin", file.len() as u64).unwrap();
        let mut upload = Upload::new(UserName::file_helper(), local);
        let mut told = Vec::new();
        let done = place.poll(
            polls,
            client.upload(&mut upload, file.clone(), |progress| told.push(progress.clone())),
        );
        let whole = done.is_some();
        let uploaded = match done {
            Some(uploaded) => uploaded.unwrap(),
            None => place
                .finish(client.upload(&mut upload, file.clone(), |progress| {
                    told.push(progress.clone());
                }))
                .unwrap(),
        };
        let world = place.world();
        assert_eq!(world.violations(), []);
        assert_eq!(world.uploads().len(), 1);
        let there = &world.uploads()[0];
        assert_eq!((&*there.media_id, &there.md5), (uploaded.media_id(), &md5));
        let repeated = there.repeats;
        drop(world);
        let pieces = place.asked("webwxuploadmedia");
        assert!(repeated <= 1 && pieces <= 3, "{polls}: {pieces} pieces, {repeated} again");
        // Nothing that the service took is told twice.
        let sent = told.iter().filter(|step| matches!(step, UploadProgress::Sent { .. })).count();
        let hashed = told.iter().filter(|step| matches!(step, UploadProgress::Hashed)).count();
        assert_eq!((sent, hashed), (2, 1));
        if whole {
            assert!(polls >= 8, "{polls}");
            break;
        }
    }
}

/// A message with a picture.
fn picture(picture: &Bytes) -> (Place, MsgId) {
    let place = START.place();
    let friend = START.named("Ada").to_string();
    let id =
        place.world().deliver(Incoming::new(&friend, 3, "&lt;msg&gt;&lt;img/&gt;&lt;/msg&gt;"));
    let client = place.resume(&START.stored, 999_999);
    assert_eq!(place.finish(client.messages().next()).unwrap().unwrap().id.as_str(), id);
    let asset = Asset::Image(id.clone(), "");
    place.world().plant(asset, Media::new("image/jpeg", picture.clone()));
    (place, id.as_str().into())
}

/// The head is asked for again; of the body, no byte is lost however often a wait for it is dropped.
#[test]
fn a_download_goes_on() {
    let there = bytes(50_000);
    for polls in 0.. {
        let (place, id) = picture(&there);
        let client = place.resume(&START.stored, polls + 1);
        let image = GetImage::new(id.clone(), ImageSize::Full);
        let begun = place.poll(polls, client.download(image.clone()));
        let whole = begun.is_some();
        let (head, mut body) = match begun {
            Some(begun) => begun.unwrap(),
            None => place.finish(client.download(image.clone())).unwrap(),
        };
        assert_eq!(head.length, Some(there.len() as u64));
        let mut came = Vec::new();
        loop {
            // Dropped once, and waited for again.
            let chunk = place.poll(polls.min(1), body.chunk());
            match chunk.unwrap_or_else(|| place.finish(body.chunk())).unwrap() {
                Some(chunk) => came.extend_from_slice(&chunk),
                None => break,
            }
        }
        assert_eq!(came, there);
        assert!(place.asked("webwxgetmsgimg") <= 2);
        place.assert_clean();
        if whole {
            break;
        }
    }
}

/// What a dropped copy has written is the beginning; the fetch is made again for the whole.
#[test]
fn a_copy_is_made_again() {
    let there = bytes(50_000);
    let mut lengths = Vec::new();
    for polls in 0.. {
        let (place, id) = picture(&there);
        let client = place.resume(&START.stored, polls + 1);
        let image = GetImage::new(id.clone(), ImageSize::Full);
        let (head, body) = place.finish(client.download(image.clone())).unwrap();
        let mut written = Vec::new();
        let mut told = 0;
        let copy = body.copy_to(&head, &mut written, 1 << 20, |so_far| told = so_far);
        let copied = place.poll(polls, copy);
        assert_eq!(written, there[..written.len()], "a beginning of it, and nothing else");
        assert_eq!(told, written.len() as u64);
        lengths.push(written.len());
        if let Some(copied) = copied {
            assert_eq!(copied.unwrap(), there.len() as u64);
            break;
        }
        assert!(written.len() < there.len() || polls > 3);
        let (head, body) = place.finish(client.download(image.clone())).unwrap();
        let mut written = Vec::new();
        place.finish(body.copy_to(&head, &mut written, 1 << 20, |_| {})).unwrap();
        assert_eq!(written, there);
        place.assert_clean();
    }
    lengths.dedup();
    assert!(lengths.len() > 3, "dropped in the middle, too: {lengths:?}");
}
