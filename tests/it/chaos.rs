//! A day behind a proxy that does harm, and one over a bad line under TLS: what the service has sent and received is what
//! the bot has received and sent.
//!
//! The seeds of CI are in the tests; `CHAOS_SEEDS=1000` runs the days of so many others, by hand.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use bytes::Bytes;
use sha2::{Digest as _, Sha256};
use wechat_proto::error::Sent;
use wechat_proto::login::Logout;
use wechat_proto::media::{GetImage, ImageSize, LocalFile, Upload};
use wechat_proto::message::SendText;
use wechat_proto::{ClientMsgId, Error, Message, UserName};
use wechat_simulator::{Chaos, Fault, Incoming, LineFault, World};

use crate::wire::{Bot, Hyper, Place, Ureq};

const SOON: Duration = Duration::from_secs(1);
/// A file of three pieces.
const FILE: usize = (1 << 20) + 77;
/// A file of one piece. A faulty line harms every connection, so pieces fail often, and an upload
/// waits longer after each failure.
const SMALL_FILE: usize = 20_000;
const TEXTS: usize = 24;

fn picture() -> Vec<u8> {
    (0..90_000_u32).map(|n| n.wrapping_mul(2_654_435_761).to_be_bytes()[0]).collect()
}

fn world() -> World {
    let mut world = World::new(31);
    world.add_special("filehelper", "文件传输助手");
    for name in ["Ada", "Bo", "Cy"] {
        world.add_person(name);
    }
    world.announce_recent_chats(false);
    world
}

fn friend(world: &World, name: &str) -> String {
    let mut all = world.contacts().iter();
    all.find(|contact| contact.nick_name == name).unwrap().user_name.clone()
}

/// The phone confirms; then come texts, two at a time, and a picture among them.
fn script(place: &Place) {
    place.simulator.then(SOON, |world| world.phone().scan());
    place.simulator.then(SOON, |world| world.phone().confirm());
    for n in (0..TEXTS).step_by(2) {
        place.simulator.then(SOON, move |world| {
            let names = [friend(world, "Ada"), friend(world, "Bo")];
            for (more, name) in names.iter().enumerate() {
                world.person_writes(name, &format!("消息 {}", n + more));
            }
            if n == 10 {
                world.deliver(Incoming::image(&names[0], picture()));
            }
        });
    }
}

/// A bot that gives up nothing that may still succeed.
struct Stubborn<'a, B> {
    place: &'a Place,
    bot: B,
    failures: usize,
    unanswered: usize,
    until: Instant,
}

impl<B: Bot> Stubborn<'_, B> {
    /// Notes a failure; only some are to be seen here.
    fn failed(&mut self, what: &str, error: &Error) {
        let late = Instant::now() > self.until;
        let fine = matches!(
            error,
            Error::Transport(_)
                | Error::Malformed { .. }
                | Error::Status { .. }
                | Error::TooLarge { .. }
                | Error::EmptyMedia { .. }
                | Error::Unanswered { .. }
        );
        assert!(fine && !late, "{what}: {error:?}\n{}", self.place.harm());
        self.failures += 1;
    }

    fn next(&mut self) -> Option<Message> {
        loop {
            match self.bot.next()? {
                Ok(message) => return Some(message),
                Err(error) => self.failed("messages", &error),
            }
        }
    }

    /// How many requests with these bytes in them have left the client, as far as they could be
    /// read, and how many messages of this number the world has.
    fn count(&self, id: ClientMsgId) -> (usize, usize) {
        let id = id.to_string();
        let passed = self.place.chaos().map(Chaos::passed).unwrap_or_default();
        let sends = passed.iter().filter(|passed| passed.endpoint == "webwxsendmsg");
        let left = sends.filter(|passed| {
            // Of one that was cut, nobody knows which it was: it counts for each.
            passed.fault == Some(Fault::CutRequest)
                || String::from_utf8_lossy(&passed.request).contains(&id)
        });
        let world = self.place.simulator.world();
        (left.count(), world.sent().iter().filter(|sent| sent.client_msg_id == id).count())
    }

    /// Sends a text until it is answered, each time under the same number.
    ///
    /// Threat S9: each time one request leaves at most, and none where that is said.
    fn send(&mut self, to: &UserName, text: &str) {
        let id = self.bot.next_client_msg_id();
        let mut send = SendText::new(to.clone(), text).with_id(id);
        let mut unanswered = false;
        loop {
            let (before, had) = self.count(id);
            let result = self.bot.call(&mut send);
            let (after, arrived) = self.count(id);
            let (left, harm) = (after.saturating_sub(before), self.place.harm());
            assert!(left <= 1 && arrived <= 1, "{left} {arrived} {result:?}\n{harm}");
            match result {
                Ok(_) => {
                    let seen = usize::from(self.place.chaos().is_some());
                    assert_eq!((left, arrived), (seen, 1), "{harm}");
                    return;
                }
                Err(Error::Transport(failure)) => {
                    assert_eq!((failure.sent, left), (Sent::No, 0), "{harm}");
                    // Over a line, the service may come only now to what left before.
                    let late = unanswered && self.place.chaos().is_none();
                    assert!(arrived == had || late, "{arrived} {had}\n{harm}");
                    self.failures += 1;
                }
                Err(error) => {
                    unanswered |= matches!(error, Error::Unanswered { .. });
                    self.unanswered += usize::from(matches!(error, Error::Unanswered { .. }));
                    self.failed("a send", &error);
                }
            }
        }
    }

    fn upload(&mut self, bytes: &Bytes) {
        let file = LocalFile::new("日记.zip", bytes.len() as u64).unwrap();
        let mut upload = Upload::new(UserName::file_helper(), file);
        while let Err(error) = self.bot.upload(&mut upload, bytes, |_| {}) {
            self.failed("an upload", &error);
        }
    }

    fn download(&mut self, message: &Message) -> Vec<u8> {
        loop {
            let image = GetImage::new(message.id.clone(), ImageSize::Full);
            let saved = self.bot.save(image, 1 << 30);
            match saved.result {
                Ok(_) => return saved.bytes,
                Err(error) => self.failed("a download", &error),
            }
        }
    }

    fn log_out(&mut self) {
        while let Err(error) = self.bot.call(Logout::new()) {
            if matches!(error, Error::LoggedOut { .. }) {
                return;
            }
            self.failed("the logout", &error);
        }
    }
}

/// A login, texts and a picture in, an answer to each out, a file up, a picture down, a logout.
fn day<B: Bot>(seed: u64, place: &Place, file: usize) {
    script(place);
    let until = Instant::now() + Duration::from_secs(400);
    let mut device = place.device();
    let bot = B::login_on(place, &mut device, drop);
    let bot = bot.unwrap_or_else(|error| panic!("{error:?}\n{}", place.harm()));
    // A bad line may be worse than a login bears.
    place.storm();
    let mut bot = Stubborn { place, bot, failures: 0, unanswered: 0, until };
    while let Err(error) = bot.bot.contacts() {
        bot.failed("contacts", &error);
    }
    let source = Bytes::from(vec![b'z'; file]);
    let (mut heard, mut pictures) = (Vec::new(), Vec::new());
    while let Some(message) = bot.next() {
        if let Some(text) = message.text() {
            heard.push(text.to_owned());
            bot.send(message.peer(), &format!("回 {text}"));
        } else {
            pictures.push(bot.download(&message));
        }
        if heard.len() == TEXTS / 2 {
            bot.upload(&source);
        }
        if heard.len() == TEXTS {
            bot.log_out();
        }
    }

    let (world, harm) = (place.simulator.world(), place.harm());
    let texts: Vec<_> = (0..TEXTS).map(|n| format!("消息 {n}")).collect();
    assert_eq!(heard, texts, "{harm}");
    assert!(pictures == [picture()], "{harm}");
    let sent: Vec<_> = world.sent().iter().map(|sent| sent.content.clone()).collect();
    let answers: Vec<_> = texts.iter().map(|text| format!("回 {text}")).collect();
    assert_eq!(sent, answers, "{harm}");
    let hash = Sha256::digest(&source).iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let files: BTreeSet<_> = world.uploads().iter().map(|file| &*file.sha256).collect();
    assert_eq!(files, BTreeSet::from([&*hash]), "{harm}");
    assert_eq!(world.violations(), [], "{harm}");
    println!("seed {seed}: {} failures, {} sends unanswered", bot.failures, bot.unanswered);
}

/// Behind a proxy that reads what passes.
fn stormy_day<B: Bot>(seed: u64) {
    let place = Place::stormy(world(), seed);
    place.storm();
    day::<B>(seed, &place, FILE);
    let passed = place.chaos().unwrap().passed();
    let faults: BTreeSet<_> = passed.iter().filter_map(|passed| passed.fault).collect();
    assert!(faults.len() >= Fault::ALL.len() - 2, "{}", place.harm());
}

/// Over TLS, on a line where nobody knows what it carries.
fn noisy_day<B: Bot>(seed: u64) {
    let place = Place::stormy_tls(world(), seed);
    day::<B>(seed, &place, SMALL_FILE);
    let carried = place.line().unwrap().carried();
    let faults: BTreeSet<_> = carried.iter().flatten().map(|(fault, _)| *fault).collect();
    assert!(faults.len() >= LineFault::ALL.len() - 2, "{}", place.harm());
}

/// The seeds to run: these, or so many of one's own.
fn seeds(few: &[u64]) -> Vec<u64> {
    match std::env::var("CHAOS_SEEDS").ok().and_then(|count| count.parse().ok()) {
        Some(count) => (0..count).collect(),
        None => few.to_vec(),
    }
}

/// Threats N7, B2 to B5, S9.
#[test]
fn a_stormy_day_over_ureq() {
    seeds(&[20, 21]).into_iter().for_each(stormy_day::<Ureq>);
}

/// Threats N7, B2 to B5, S9.
#[test]
fn a_stormy_day_over_hyper() {
    seeds(&[20, 21]).into_iter().for_each(stormy_day::<Hyper>);
}

/// Threats B3, B4, S9.
#[test]
fn a_noisy_day_over_ureq() {
    seeds(&[2]).into_iter().for_each(noisy_day::<Ureq>);
}

/// Threats B3, B4, S9.
#[test]
fn a_noisy_day_over_hyper() {
    seeds(&[2]).into_iter().for_each(noisy_day::<Hyper>);
}
