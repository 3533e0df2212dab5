//! A whole scenario behind a fault-injecting proxy, and one over a faulty TLS connection: each
//! message arrives exactly once in both directions.
//!
//! Runs one seed with short pauses, or seeds 0 to 999 in a complete sweep.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use bytes::Bytes;
use sha2::{Digest as _, Sha256};
use wechat_proto::error::Sent;
use wechat_proto::login::Logout;
use wechat_proto::media::{GetImage, ImageSize, LocalFile, Upload};
use wechat_proto::message::SendText;
use wechat_proto::{ClientMsgId, Error, Message, UserName};
use wechat_simulator::{Chaos, Fault, Incoming, TlsFault, World};

use crate::sweep;
use crate::wire::{Bot, Hyper, Place, Ureq, named};

const SOON: Duration = Duration::from_secs(1);
/// The size of a file of three pieces.
const FILE: usize = (1 << 20) + 77;
/// The size of a file of one piece. TLS faults hit every connection, so pieces fail often, and the
/// pause before the next attempt grows with each failure.
const SMALL_FILE: usize = 20_000;
const TEXTS: usize = 12;

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

/// The phone confirms; then texts arrive two at a time, with a picture among them.
fn script(place: &Place) {
    place.confirm_login();
    for n in (0..TEXTS).step_by(2) {
        place.simulator.then(SOON, move |world| {
            let names = [named(world, "Ada"), named(world, "Bo")];
            for (more, name) in names.iter().enumerate() {
                world.person_writes(name, &format!("消息 {}", n + more));
            }
            if n == 4 {
                world.deliver(Incoming::image(&names[0], picture()));
            }
        });
    }
}

/// A bot that retries everything that may still succeed.
struct RetryingBot<'a, B> {
    place: &'a Place,
    bot: B,
    failures: usize,
    unanswered: usize,
    until: Instant,
}

impl<B: Bot> RetryingBot<'_, B> {
    /// Counts a failure and asserts that its kind is expected.
    fn failed(&mut self, what: &str, error: &Error) {
        let late = Instant::now() > self.until;
        let expected = matches!(
            error,
            Error::Transport(_)
                | Error::Malformed { .. }
                | Error::Status { .. }
                | Error::TooLarge { .. }
                | Error::EmptyMedia { .. }
                | Error::Unanswered { .. }
        );
        assert!(expected && !late, "{what}: {error:?}\n{}", self.place.injected_faults());
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

    /// Returns how many requests with this id left the client, as far as they can be read, and how
    /// many messages with this id the simulator received.
    fn count(&self, id: ClientMsgId) -> (usize, usize) {
        let id = id.to_string();
        let passed = self.place.chaos().map(Chaos::passed).unwrap_or_default();
        let sends = passed.iter().filter(|passed| passed.endpoint == "webwxsendmsg");
        let left = sends.filter(|passed| {
            // A cut request cannot be identified, so it counts for each id.
            passed.fault == Some(Fault::CutRequest)
                || String::from_utf8_lossy(&passed.request).contains(&id)
        });
        let world = self.place.world();
        (left.count(), world.sent().iter().filter(|sent| sent.client_msg_id == id).count())
    }

    /// Sends a text until it is answered, each time with the same id.
    ///
    /// Threat S9: each attempt sends at most one request, and none if the error states that.
    fn send(&mut self, to: &UserName, text: &str) {
        let id = self.bot.next_client_msg_id();
        let mut send = SendText::new(to.clone(), text).with_id(id);
        let mut unanswered = false;
        loop {
            let (before, had) = self.count(id);
            let result = self.bot.call(&mut send);
            let (after, arrived) = self.count(id);
            let (left, harm) = (after.saturating_sub(before), self.place.injected_faults());
            assert!(left <= 1 && arrived <= 1, "{left} {arrived} {result:?}\n{harm}");
            match result {
                Ok(_) => {
                    let seen = usize::from(self.place.chaos().is_some());
                    assert_eq!((left, arrived), (seen, 1), "{harm}");
                    return;
                }
                Err(Error::Transport(failure)) => {
                    assert_eq!((failure.sent, left), (Sent::No, 0), "{harm}");
                    // Over a faulty connection, the service may handle an earlier request only now.
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

/// Runs a login, receives texts and a picture, answers each text, uploads a file of this size, if
/// any, downloads the picture and logs out.
fn scenario<B: Bot>(seed: u64, place: &Place, file: usize) {
    script(place);
    let until = Instant::now() + Duration::from_secs(400);
    let mut device = place.device();
    let bot = B::login_on(place, &mut device, |_| {});
    let bot = bot.unwrap_or_else(|error| panic!("{error:?}\n{}", place.injected_faults()));
    // Faults start after the login, which makes too few attempts to survive all of them.
    place.start_faults();
    let mut bot = RetryingBot { place, bot, failures: 0, unanswered: 0, until };
    while let Err(error) = bot.bot.contacts() {
        bot.failed("contacts", &error);
    }
    let source = Bytes::from(vec![b'z'; file]);
    let (mut received, mut pictures) = (Vec::new(), Vec::new());
    while let Some(message) = bot.next() {
        if let Some(text) = message.text() {
            received.push(text.to_owned());
            bot.send(message.peer(), &format!("回 {text}"));
        } else {
            pictures.push(bot.download(&message));
        }
        if received.len() == TEXTS / 2 && !source.is_empty() {
            bot.upload(&source);
        }
        if received.len() == TEXTS {
            bot.log_out();
        }
    }

    let (world, harm) = (place.world(), place.injected_faults());
    let texts: Vec<_> = (0..TEXTS).map(|n| format!("消息 {n}")).collect();
    assert_eq!(received, texts, "{harm}");
    assert!(pictures == [picture()], "{harm}");
    let sent: Vec<_> = world.sent().iter().map(|sent| sent.content.clone()).collect();
    let answers: Vec<_> = texts.iter().map(|text| format!("回 {text}")).collect();
    assert_eq!(sent, answers, "{harm}");
    let hash = Sha256::digest(&source).iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let files: BTreeSet<_> = world.uploads().iter().map(|file| &*file.sha256).collect();
    assert!(files.iter().eq((file > 0).then_some(&&*hash)), "{files:?}\n{harm}");
    assert_eq!(world.violations(), [], "{harm}");
    println!("seed {seed}: {} failures, {} sends unanswered", bot.failures, bot.unanswered);
}

/// Runs behind the HTTP proxy, which can read requests.
fn scenario_with_http_faults<B: Bot>(seed: u64) {
    let place = Place::with_http_faults(world(), seed);
    place.start_faults();
    scenario::<B>(seed, &place, FILE);
    let passed = place.chaos().unwrap().passed();
    let faults: BTreeSet<_> = passed.iter().filter_map(|passed| passed.fault).collect();
    assert!(
        sweep::is_complete() || faults.len() >= Fault::ALL.len() - 2,
        "{}",
        place.injected_faults()
    );
}

/// Runs over TLS, where the proxy cannot read requests.
fn scenario_with_tls_faults<B: Bot>(seed: u64, file: usize) {
    let place = Place::with_tls_faults(world(), seed);
    scenario::<B>(seed, &place, file);
    let chosen = place.line().unwrap().chosen_faults();
    let faults: BTreeSet<_> = chosen.iter().flatten().map(|(fault, _)| *fault).collect();
    assert!(
        sweep::is_complete() || faults.len() >= TlsFault::ALL.len() - 2,
        "{}",
        place.injected_faults()
    );
}

/// Returns the seeds to run.
fn seeds() -> Vec<u64> {
    if sweep::is_complete() { (0..1000).collect() } else { Vec::from([16]) }
}

/// Threats N7, B2 to B5, S9.
#[test]
fn ureq_client_recovers_from_http_faults() {
    seeds().into_iter().for_each(scenario_with_http_faults::<Ureq>);
}

/// Threats N7, B2 to B5, S9.
#[test]
fn hyper_client_recovers_from_http_faults() {
    seeds().into_iter().for_each(scenario_with_http_faults::<Hyper>);
}

/// Threats B3, B4, S9. The sample has no upload, whose pauses would add up to a minute.
#[test]
fn ureq_client_recovers_from_tls_faults() {
    let file = if sweep::is_complete() { SMALL_FILE } else { 0 };
    seeds().into_iter().for_each(|seed| scenario_with_tls_faults::<Ureq>(seed, file));
}

/// Threats B3, B4, S9.
#[test]
fn hyper_client_recovers_from_tls_faults() {
    seeds().into_iter().for_each(|seed| scenario_with_tls_faults::<Hyper>(seed, SMALL_FILE));
}
