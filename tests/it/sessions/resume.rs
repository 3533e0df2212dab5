//! Opening a stored session, on every wire: each stage from resumption to a QR code, each fallback
//! between them, and errors that must not fall back.

use std::fs;
use std::path::Path;
use std::time::Duration;

use wechat_proto::Error;
use wechat_proto::error::{Ret, StorageKind};
use wechat_proto::login::{Logout, Resume};
use wechat_simulator::World;

use super::failures::text_of_next;
use super::{assert_usable, word};
use crate::wire::{Bot, Folder, Place, on_all_wires};

const SOON: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(3600);
const ALL: [Resume; 3] = [Resume::StoredOnly, Resume::Push, Resume::Code];

fn world() -> World {
    let mut world = World::new(11);
    world.add_person("朋友");
    world
}

/// Opens a session; returns the bot and its progress.
fn open<B: Bot>(place: &Place, path: &Path, resume: Resume) -> (Result<B, Error>, Vec<String>) {
    let mut seen = Vec::new();
    let bot = B::open(place, path, resume, |step| seen.push(word(step)));
    (bot, seen)
}

/// Logs in for the first time; nothing is stored.
fn first<B: Bot>(place: &Place, folder: &Folder) -> B {
    place.confirm_login();
    let (bot, seen) = open::<B>(place, &folder.file(), Resume::Code);
    assert_eq!(seen, ["code", "scanned", "logged in"]);
    bot.unwrap()
}

fn write_text(place: &Place, text: &str) {
    let mut world = place.world();
    let friend = world.contacts().last().unwrap().user_name.clone();
    world.person_writes(&friend, text);
}

/// Returns the endpoints of all requests after the first `since`.
fn endpoints(place: &Place, since: usize) -> Vec<String> {
    place.world().log().iter().skip(since).map(|one| one.endpoint.clone()).collect()
}

fn requests(place: &Place) -> usize {
    place.world().log().len()
}

/// A bot that is stopped and opened again receives the messages of the meantime once, without a
/// login.
///
/// Threat S5.
fn stopped_and_reopened<B: Bot>(place: &Place) {
    let folder = Folder::new();
    let mut bot = first::<B>(place, &folder);
    write_text(place, "one");
    assert_eq!(text_of_next(&mut bot), "one");
    write_text(place, "two");
    assert_eq!(text_of_next(&mut bot), "two");
    bot.stop();
    assert!(matches!(bot.next(), Some(Err(Error::Stopped))));
    bot.keep();
    drop(bot);
    write_text(place, "three");
    for resume in ALL {
        let before = requests(place);
        let (bot, seen) = open::<B>(place, &folder.file(), resume);
        let mut bot = bot.unwrap();
        assert_eq!(
            (seen, endpoints(place, before)),
            (vec!["resumed".to_owned()], vec!["webwxsync".to_owned()])
        );
        assert_eq!(
            text_of_next(&mut bot),
            "three",
            "acknowledged messages are not delivered again"
        );
        assert_usable(place, &mut bot);
    }
    let mut bot = open::<B>(place, &folder.file(), Resume::StoredOnly).0.unwrap();
    assert_eq!(text_of_next(&mut bot), "three");
    write_text(place, "four");
    assert_eq!(text_of_next(&mut bot), "four");
    bot.keep();
    drop(bot);
    write_text(place, "five");
    let mut bot = open::<B>(place, &folder.file(), Resume::StoredOnly).0.unwrap();
    // These are the unacknowledged message at the end, and the one that was never received.
    assert_eq!([text_of_next(&mut bot), text_of_next(&mut bot)], ["four", "five"]);
    place.assert_no_violations();
}

/// If the session is closed, a confirmation on the phone and then a QR code are tried, as far as
/// allowed.
fn fallback_stages<B: Bot>(place: &Place) {
    let folder = Folder::new();
    let mut bot = first::<B>(place, &folder);
    let me = bot.session().me().user_name.clone();
    bot.keep();
    drop(bot);
    // A session that lasted this long is not reported as dropped.
    place.world().advance(HOUR);
    place.world().phone().kick();
    let (refused, seen) = open::<B>(place, &folder.file(), Resume::StoredOnly);
    let Err(Error::LoggedOut { ret: Ret::SESSION_INVALID, ended, .. }) = refused.map(drop) else {
        panic!()
    };
    // Each client's clock starts at the simulator's time, which did not advance with the clock of
    // the first client. In real time, less than an hour passed.
    assert!(seen.is_empty() && !ended.unwrap().is_drop() && ended.unwrap().after > HOUR / 2);
    // The end is now known without a request.
    for resume in [Resume::Push, Resume::Code] {
        let before = requests(place);
        place.simulator.then(SOON, |world| world.phone().confirm());
        let (bot, seen) = open::<B>(place, &folder.file(), resume);
        assert_eq!(seen, ["closed 1101", "on phone", "logged in"]);
        assert_eq!(endpoints(place, before)[0], "webwxpushloginurl");
        let mut bot = bot.unwrap();
        assert_eq!(bot.session().me().user_name, me);
        assert_usable(place, &mut bot);
        // The store contains the new session.
        drop(bot);
        let (bot, seen) = open::<B>(place, &folder.file(), Resume::StoredOnly);
        assert_eq!(seen, ["resumed"]);
        let mut bot = bot.unwrap();
        place.world().advance(HOUR);
        place.world().phone().kick();
        while !matches!(bot.next(), Some(Err(Error::LoggedOut { .. }))) {}
        bot.keep();
    }
    place.assert_no_violations();
}

/// If the owner declines, a QR code is shown if allowed.
fn login_declined<B: Bot>(place: &Place) {
    let folder = Folder::new();
    let mut bot = first::<B>(place, &folder);
    bot.call(Logout::new()).unwrap();
    bot.keep();
    drop(bot);
    place.simulator.then(SOON, |world| world.phone().cancel());
    let (refused, seen) = open::<B>(place, &folder.file(), Resume::Push);
    assert!(matches!(refused.map(drop), Err(Error::NotConfirmed)));
    assert_eq!(seen, ["closed 0", "on phone"]);
    place.simulator.then(SOON, |world| world.phone().cancel());
    place.confirm_login();
    let (bot, seen) = open::<B>(place, &folder.file(), Resume::Code);
    assert_eq!(seen, ["closed 0", "on phone", "cancelled", "code", "scanned", "logged in"]);
    assert_usable(place, &mut bot.unwrap());
    place.assert_no_violations();
}

/// If the service does not know the device, a QR code is shown if allowed.
fn device_forgotten<B: Bot>(place: &Place) {
    let folder = Folder::new();
    let mut bot = first::<B>(place, &folder);
    bot.call(Logout::new()).unwrap();
    bot.keep();
    drop(bot);
    place.world().forget_devices();
    let (refused, seen) = open::<B>(place, &folder.file(), Resume::Push);
    assert!(matches!(refused.map(drop), Err(Error::Refused { endpoint: "webwxpushloginurl", .. })));
    assert_eq!(seen, ["closed 0"]);
    place.confirm_login();
    let (bot, seen) = open::<B>(place, &folder.file(), Resume::Code);
    assert_eq!(seen, ["closed 0", "code", "scanned", "logged in"]);
    assert_usable(place, &mut bot.unwrap());
    place.assert_no_violations();
}

/// A session closed seconds after its login is reported as a drop and never answered with a login,
/// however often it is opened, whether or not the bot stored the end.
///
/// Threat S2.
fn dropped<B: Bot>(place: &Place) {
    for keeps in [true, false] {
        let folder = Folder::new();
        let mut bot = first::<B>(place, &folder);
        place.world().advance(Duration::from_secs(4));
        place.world().phone().restrict();
        let ended = loop {
            match bot.next().unwrap() {
                Err(Error::LoggedOut { ended, .. }) => break ended.unwrap(),
                Ok(message) => assert!(message.text().is_none()),
                Err(other) => panic!("{other}"),
            }
        };
        assert_eq!((ended.retcode, ended.had_messages), (Ret::COOKIE_INVALID, false));
        assert!(ended.is_drop() && ended.after >= Duration::from_secs(4));
        if keeps {
            bot.keep();
        }
        drop(bot);
        let before = requests(place);
        for wait in [Duration::ZERO, SOON, HOUR, 24 * HOUR] {
            place.world().advance(wait);
            for resume in ALL {
                let (refused, seen) = open::<B>(place, &folder.file(), resume);
                let Err(Error::LoggedOut { ended, .. }) = refused.map(drop) else { panic!() };
                assert!(ended.unwrap().is_drop() && seen.is_empty());
            }
        }
        // One request is sent if the end was not stored.
        assert_eq!(requests(place) - before, usize::from(!keeps));
        // Removing the file allows a new login.
        fs::remove_file(folder.file()).unwrap();
        drop(first::<B>(place, &folder));
    }
    place.assert_no_violations();
}

/// A drop after a received message is reported as such.
fn dropped_after_a_message<B: Bot>(place: &Place) {
    let folder = Folder::new();
    let mut bot = first::<B>(place, &folder);
    write_text(place, "hello");
    assert_eq!(text_of_next(&mut bot), "hello");
    place.world().phone().kick();
    let Some(Err(Error::LoggedOut { ended: Some(ended), .. })) = bot.next() else { panic!() };
    assert!(ended.had_messages && ended.is_drop());
    place.assert_no_violations();
}

/// An unreadable store causes no login and is not modified.
///
/// Threat S2.
fn damaged_store<B: Bot>(place: &Place) {
    let folder = Folder::new();
    drop(first::<B>(place, &folder));
    let whole = fs::read_to_string(folder.file()).unwrap();
    let newer = whole.replacen("\"format\":3", "\"format\":9", 1);
    let before = requests(place);
    for (bytes, kind) in [
        ("", StorageKind::Damaged),
        (&whole[..whole.len() / 2], StorageKind::Damaged),
        (&newer, StorageKind::Newer),
    ] {
        fs::write(folder.file(), bytes).unwrap();
        for resume in ALL {
            let (refused, seen) = open::<B>(place, &folder.file(), resume);
            let Err(Error::Storage(failure)) = refused.map(drop) else { panic!() };
            assert_eq!((failure.kind, seen.len()), (kind, 0));
            let path = fs::canonicalize(folder.file()).unwrap();
            assert_eq!(failure.place(), path.to_str());
        }
        assert_eq!(fs::read_to_string(folder.file()).unwrap(), bytes);
    }
    for resume in [Resume::StoredOnly, Resume::Push] {
        let (refused, _) = open::<B>(place, &folder.0.join("other"), resume);
        let Err(Error::Storage(failure)) = refused.map(drop) else { panic!() };
        assert_eq!(failure.kind, StorageKind::Missing);
    }
    assert_eq!(requests(place), before);
    place.assert_no_violations();
}

/// Opening a store in use fails with `InUse`, and a copy used after the logout reports the closed
/// session: neither loops.
///
/// Threat S2.
fn store_in_use_or_copied<B: Bot>(place: &Place) {
    let folder = Folder::new();
    let mut bot = first::<B>(place, &folder);
    let before = requests(place);
    for resume in ALL {
        let (refused, _) = open::<B>(place, &folder.file(), resume);
        assert!(matches!(refused.map(drop), Err(Error::InUse)));
    }
    assert_eq!(requests(place), before);
    let copy = folder.0.join("copy.session");
    fs::copy(folder.file(), &copy).unwrap();
    // The copy is the same session and works while the other is in use.
    let mut second = open::<B>(place, &copy, Resume::StoredOnly).0.unwrap();
    assert_usable(place, &mut second);
    drop(second);
    place.world().advance(HOUR);
    bot.call(Logout::new()).unwrap();
    let before = requests(place);
    for _ in 0..3 {
        let (refused, _) = open::<B>(place, &copy, Resume::StoredOnly);
        assert!(matches!(refused.map(drop), Err(Error::LoggedOut { .. })));
    }
    assert_eq!(endpoints(place, before), ["webwxsync"]);
    place.assert_no_violations();
}

on_all_wires! {
    stopped_and_reopened in super::world();
    fallback_stages in super::world();
    login_declined in super::world();
    device_forgotten in super::world();
    dropped in super::world();
    dropped_after_a_message in super::world();
    damaged_store in super::world();
    store_in_use_or_copied in super::world();
}
