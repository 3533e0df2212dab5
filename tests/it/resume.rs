//! From a store to a session in use, on every wire: each rung of the ladder, each way down, and
//! what must not lead down.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use wechat_proto::Error;
use wechat_proto::UserName;
use wechat_proto::error::{Ret, StorageKind};
use wechat_proto::login::{Logout, Progress, Resume};
use wechat_proto::message::SendText;
use wechat_simulator::World;

use crate::wire::{Bot, Place, on_all_wires};

const SOON: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(3600);
const ALL: [Resume; 3] = [Resume::StoredOnly, Resume::Push, Resume::Code];

fn world() -> World {
    let mut world = World::new(11);
    world.add_person("朋友");
    world
}

/// A folder of a story's own.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("wechat-resume-{}-{number}", std::process::id());
        let path = std::env::temp_dir().join(name);
        let _ = fs::remove_dir_all(&path);
        fs::create_dir(&path).unwrap();
        Self(path)
    }

    fn file(&self) -> PathBuf {
        self.0.join("bot.session")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn word(progress: &Progress) -> String {
    match progress {
        Progress::Code { .. } => "code".into(),
        Progress::ConfirmOnPhone { .. } => "on phone".into(),
        Progress::Scanned { .. } => "scanned".into(),
        Progress::Cancelled => "cancelled".into(),
        Progress::Over { ret, .. } => format!("over {}", ret.0),
        other => panic!("{other:?}"),
    }
}

/// Opens; gives the bot and what it showed.
fn open<B: Bot>(place: &Place, path: &Path, resume: Resume) -> (Result<B, Error>, Vec<String>) {
    let mut seen = Vec::new();
    let bot = B::open(place, path, resume, |step| seen.push(word(&step)));
    (bot, seen)
}

fn scan(place: &Place) {
    place.simulator.then(SOON, |world| world.phone().scan());
    place.simulator.then(SOON, |world| world.phone().confirm());
}

/// The first login: nothing is stored.
fn first<B: Bot>(place: &Place, folder: &Folder) -> B {
    scan(place);
    let (bot, seen) = open::<B>(place, &folder.file(), Resume::Code);
    assert_eq!(seen, ["code", "scanned"]);
    bot.unwrap()
}

fn says(place: &Place, text: &str) {
    let mut world = place.simulator.world();
    let friend = world.contacts().last().unwrap().user_name.clone();
    world.person_writes(&friend, text);
}

fn hears<B: Bot>(bot: &mut B) -> String {
    loop {
        let message = bot.next().unwrap().unwrap();
        if let Some(text) = message.text() {
            return text.to_owned();
        }
    }
}

fn answers<B: Bot>(place: &Place, bot: &mut B) {
    let friend: UserName =
        place.simulator.world().contacts().last().unwrap().user_name.parse().unwrap();
    bot.call(SendText::new(friend, "here")).unwrap();
    assert_eq!(place.simulator.world().sent().last().unwrap().content, "here");
}

/// What was asked since so many requests.
fn endpoints(place: &Place, since: usize) -> Vec<String> {
    place.simulator.world().log().iter().skip(since).map(|one| one.endpoint.clone()).collect()
}

fn requests(place: &Place) -> usize {
    place.simulator.world().log().len()
}

fn clean(place: &Place) {
    assert_eq!(place.simulator.world().violations(), []);
}

/// Stopped and opened again, it hears what came in the meantime, once, and nobody logs in.
///
/// Threat S5.
fn stopped_in_between<B: Bot>(place: &Place) {
    let folder = Folder::new();
    let mut bot = first::<B>(place, &folder);
    says(place, "one");
    assert_eq!(hears(&mut bot), "one");
    says(place, "two");
    assert_eq!(hears(&mut bot), "two");
    bot.stop();
    assert!(matches!(bot.next(), Some(Err(Error::Stopped))));
    bot.keep();
    drop(bot);
    says(place, "three");
    for resume in ALL {
        let before = requests(place);
        let (bot, seen) = open::<B>(place, &folder.file(), resume);
        let mut bot = bot.unwrap();
        assert_eq!((seen.len(), endpoints(place, before)), (0, vec!["webwxsync".to_owned()]));
        assert_eq!(hears(&mut bot), "three", "what was asked past is not heard again");
        answers(place, &mut bot);
    }
    let mut bot = open::<B>(place, &folder.file(), Resume::StoredOnly).0.unwrap();
    assert_eq!(hears(&mut bot), "three");
    says(place, "four");
    assert_eq!(hears(&mut bot), "four");
    bot.keep();
    drop(bot);
    says(place, "five");
    let mut bot = open::<B>(place, &folder.file(), Resume::StoredOnly).0.unwrap();
    // The message in hand when it ended, and what nobody heard.
    assert_eq!([hears(&mut bot), hears(&mut bot)], ["four", "five"]);
    clean(place);
}

/// Over for good, there is the phone, and then the code, as far as is allowed.
fn each_rung<B: Bot>(place: &Place) {
    let folder = Folder::new();
    let mut bot = first::<B>(place, &folder);
    let me = bot.session().me().user_name.clone();
    bot.keep();
    drop(bot);
    // An end that is no drop.
    place.simulator.world().advance(HOUR);
    place.simulator.world().phone().kick();
    let (refused, seen) = open::<B>(place, &folder.file(), Resume::StoredOnly);
    let Err(Error::LoggedOut { ret: Ret::SESSION_INVALID, ended, .. }) = refused.map(drop) else {
        panic!()
    };
    // The clock of each client begins with the simulator's, which stood still while the first one's
    // ran: less than an hour by what really passed.
    assert!(seen.is_empty() && !ended.unwrap().is_drop() && ended.unwrap().after > HOUR / 2);
    // Known now without asking.
    for resume in [Resume::Push, Resume::Code] {
        let before = requests(place);
        place.simulator.then(SOON, |world| world.phone().confirm());
        let (bot, seen) = open::<B>(place, &folder.file(), resume);
        assert_eq!(seen, ["over 1101", "on phone"]);
        assert_eq!(endpoints(place, before)[0], "webwxpushloginurl");
        let mut bot = bot.unwrap();
        assert_eq!(bot.session().me().user_name, me);
        answers(place, &mut bot);
        // What is stored is the new session.
        drop(bot);
        let (bot, seen) = open::<B>(place, &folder.file(), Resume::StoredOnly);
        assert!(seen.is_empty());
        let mut bot = bot.unwrap();
        place.simulator.world().advance(HOUR);
        place.simulator.world().phone().kick();
        while !matches!(bot.next(), Some(Err(Error::LoggedOut { .. }))) {}
        bot.keep();
    }
    clean(place);
}

/// The owner declines: a code, or nothing.
fn declined<B: Bot>(place: &Place) {
    let folder = Folder::new();
    let mut bot = first::<B>(place, &folder);
    bot.call(Logout::new()).unwrap();
    bot.keep();
    drop(bot);
    place.simulator.then(SOON, |world| world.phone().cancel());
    let (refused, seen) = open::<B>(place, &folder.file(), Resume::Push);
    assert!(matches!(refused.map(drop), Err(Error::Expired)));
    assert_eq!(seen, ["over 0", "on phone"]);
    place.simulator.then(SOON, |world| world.phone().cancel());
    scan(place);
    let (bot, seen) = open::<B>(place, &folder.file(), Resume::Code);
    assert_eq!(seen, ["over 0", "on phone", "cancelled", "code", "scanned"]);
    answers(place, &mut bot.unwrap());
    clean(place);
}

/// The service does not know the device: a code, or nothing.
fn forgotten<B: Bot>(place: &Place) {
    let folder = Folder::new();
    let mut bot = first::<B>(place, &folder);
    bot.call(Logout::new()).unwrap();
    bot.keep();
    drop(bot);
    place.simulator.world().forget_devices();
    let (refused, seen) = open::<B>(place, &folder.file(), Resume::Push);
    assert!(matches!(refused.map(drop), Err(Error::Refused { endpoint: "webwxpushloginurl", .. })));
    assert_eq!(seen, ["over 0"]);
    scan(place);
    let (bot, seen) = open::<B>(place, &folder.file(), Resume::Code);
    assert_eq!(seen, ["over 0", "code", "scanned"]);
    answers(place, &mut bot.unwrap());
    clean(place);
}

/// Kicked seconds after its login: told as what it is, and never answered with a login, however
/// often and whenever it is opened again, whether the bot stored how it ended or not.
///
/// Threat S2.
fn dropped<B: Bot>(place: &Place) {
    for keeps in [true, false] {
        let folder = Folder::new();
        let mut bot = first::<B>(place, &folder);
        place.simulator.world().advance(Duration::from_secs(4));
        place.simulator.world().phone().restrict();
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
            place.simulator.world().advance(wait);
            for resume in ALL {
                let (refused, seen) = open::<B>(place, &folder.file(), resume);
                let Err(Error::LoggedOut { ended, .. }) = refused.map(drop) else { panic!() };
                assert!(ended.unwrap().is_drop() && seen.is_empty());
            }
        }
        // Asked about once, if it was not known.
        assert_eq!(requests(place) - before, usize::from(!keeps));
        // Whoever wants to try again says so.
        fs::remove_file(folder.file()).unwrap();
        drop(first::<B>(place, &folder));
    }
    clean(place);
}

/// A session that brought something is told apart.
fn dropped_after_a_message<B: Bot>(place: &Place) {
    let folder = Folder::new();
    let mut bot = first::<B>(place, &folder);
    says(place, "hello");
    assert_eq!(hears(&mut bot), "hello");
    place.simulator.world().phone().kick();
    let Some(Err(Error::LoggedOut { ended: Some(ended), .. })) = bot.next() else { panic!() };
    assert!(ended.had_messages && ended.is_drop());
    clean(place);
}

/// What is stored and cannot be read is no reason to log in, and stays as it is.
///
/// Threat S2.
fn damaged<B: Bot>(place: &Place) {
    let folder = Folder::new();
    drop(first::<B>(place, &folder));
    let whole = fs::read_to_string(folder.file()).unwrap();
    let newer = whole.replacen("\"format\":2", "\"format\":9", 1);
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
    clean(place);
}

/// A second holder hears so, and a copy that is used later is over: neither is a loop.
///
/// Threat S2.
fn held_and_copied<B: Bot>(place: &Place) {
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
    // While the other is in use: it is the same session, and says other things.
    let mut second = open::<B>(place, &copy, Resume::StoredOnly).0.unwrap();
    answers(place, &mut second);
    drop(second);
    place.simulator.world().advance(HOUR);
    bot.call(Logout::new()).unwrap();
    let before = requests(place);
    for _ in 0..3 {
        let (refused, _) = open::<B>(place, &copy, Resume::StoredOnly);
        assert!(matches!(refused.map(drop), Err(Error::LoggedOut { .. })));
    }
    assert_eq!(endpoints(place, before), ["webwxsync"]);
    clean(place);
}

on_all_wires! {
    stopped_in_between in super::world();
    each_rung in super::world();
    declined in super::world();
    forgotten in super::world();
    dropped in super::world();
    dropped_after_a_message in super::world();
    damaged in super::world();
    held_and_copied in super::world();
}
