//! The main scenario on every wire: login, contacts, messages, logout.

use std::time::Duration;

use wechat_proto::contact::Directory;
use wechat_proto::login::{Logout, Progress};
use wechat_proto::message::SendText;
use wechat_proto::{Error, UserName};
use wechat_simulator::{Logged, Simulator, World};

use crate::wire::{Bot, Hyper, Place, Ureq, confirm_login, named, on_all_wires, requests};

/// Returns a world with 37 people on three pages, and five rooms outside the address book.
pub(crate) fn world() -> World {
    let mut world = World::new(77);
    world.add_special("filehelper", "文件传输助手");
    let people: Vec<String> = (0..36)
        .map(|n| {
            world.add_person(&format!("朋友 {n} <span class=\"emoji emoji1f604\"></span> & co"))
        })
        .collect();
    for n in 0..5 {
        let members: Vec<&str> = people[n * 5..n * 5 + 4].iter().map(String::as_str).collect();
        world.add_room(&format!("Room {n}"), &members);
    }
    world.contacts_per_page(13);
    world.messages_per_sync(50);
    world
}

/// Adds the script: the phone scans and confirms, then 200 messages arrive in four batches and 25
/// one by one.
pub(crate) fn script(simulator: &Simulator) {
    let second = Duration::from_secs(1);
    confirm_login(simulator);
    for batch in 0..4 {
        simulator.then(second, move |world| {
            for n in 0..50 {
                write(world, batch * 50 + n);
            }
        });
    }
    for n in 200..225 {
        simulator.then(second, move |world| write(world, n));
    }
}

/// Delivers message `n`: every third one from a room, the others from a person.
fn write(world: &mut World, n: usize) {
    let text = format!("消息 {n} <&\"'> 😄\nline two");
    if n.is_multiple_of(3) {
        let room = named(world, &format!("Room {}", n % 5));
        let member = named(world, &format!("朋友 {} ", n % 5 * 5));
        world.member_writes(&room, &member, &text);
    } else {
        let person = named(world, &format!("朋友 {} ", n % 36));
        world.person_writes(&person, &text);
    }
}

/// The observations of a bot.
pub(crate) struct Observed {
    pub(crate) progress: Vec<String>,
    pub(crate) directory: Directory,
    pub(crate) received: Vec<String>,
    pub(crate) answered: Vec<(UserName, String)>,
}

/// Runs the bot: loads the contacts, answers every fourth of the first 200 messages, then logs out.
pub(crate) fn run_bot<B: Bot>(place: &Place) -> Result<Observed, Error> {
    let mut progress = Vec::new();
    let mut bot = B::login(place, |step| {
        progress.push(match step {
            Progress::Code { uuid } => format!("code {}", uuid.url()),
            Progress::Scanned { avatar } => format!("scanned, picture: {}", avatar.is_some()),
            other => other.to_string(),
        });
    })?;
    let directory = bot.contacts()?;
    let (mut received, mut answered) = (Vec::new(), Vec::new());
    while let Some(message) = bot.next() {
        let message = message?;
        let Some(text) = message.text() else { continue };
        received.push(text.to_owned());
        if received.len() <= 200 && received.len().is_multiple_of(4) {
            let (to, answer) = (message.peer().clone(), format!("回答 {text}"));
            bot.call(SendText::new(to.clone(), &*answer))?;
            answered.push((to, answer));
        }
        if received.len() == 225 {
            bot.call(Logout::new())?;
        }
    }
    Ok(Observed { progress, directory, received, answered })
}

/// The main scenario, from the QR code to the logout.
fn main_scenario<B: Bot>(place: &Place) {
    script(&place.simulator);
    let observed = run_bot::<B>(place).unwrap();
    check(&observed, &place.world());
}

/// Asserts that the main scenario succeeded.
pub(crate) fn check(observed: &Observed, world: &World) {
    assert_eq!(world.violations(), [], "no violations expected");

    assert_eq!(observed.progress.len(), 3);
    assert!(observed.progress[0].starts_with("code https://login.weixin.qq.com/l/"));
    assert_eq!(observed.progress[1], "scanned, picture: true");
    assert!(observed.progress[2].starts_with("logged in as "), "{:?}", observed.progress);

    assert_eq!(
        observed.directory.iter().filter(|contact| contact.nick_name.starts_with("朋友")).count(),
        36
    );
    assert_eq!(observed.directory.rooms().count(), 5);
    for room in observed.directory.rooms() {
        assert_eq!(room.members.len(), 5, "four friends and the account itself");
        assert!(room.members.iter().all(|member| !member.nick_name.is_empty()));
    }
    assert!(observed.directory.iter().any(|contact| &*contact.nick_name == "朋友 7 😄 & co"));

    let expected: Vec<String> = (0..225).map(|n| format!("消息 {n} <&\"'> 😄\nline two")).collect();
    assert_eq!(observed.received, expected, "each message once, in order");
    assert_eq!(observed.answered.len(), 50);
    let sent = world.sent().iter().map(|sent| (sent.to.parse().unwrap(), sent.content.clone()));
    assert_eq!(sent.collect::<Vec<_>>(), observed.answered);

    let calls = |name: &str| requests(world, name);
    assert_eq!((calls("webwxgetcontact"), calls("webwxbatchgetcontact")), (3, 1));
    assert_eq!((calls("webwxsendmsg"), calls("webwxlogout")), (50, 1));
    assert!(world.log().len() >= 100, "{}", world.log().len());
    assert_eq!(world.log().last().unwrap().endpoint, "webwxlogout");
}

on_all_wires! {
    main_scenario in super::world();
}

/// With the same clock and seed, both adapters send the same bytes.
#[test]
fn both_adapters_send_identical_bytes() {
    fn log<B: Bot>() -> Vec<String> {
        let place = Place::tls(world()).without_ticks();
        script(&place.simulator);
        run_bot::<B>(&place).unwrap();
        let world = place.world();
        world.log().iter().map(Logged::render).collect()
    }
    let (blocking, asynchronous) = (log::<Ureq>(), log::<Hyper>());
    assert!(blocking.len() >= 100);
    for (index, (a, b)) in blocking.iter().zip(&asynchronous).enumerate() {
        assert_eq!(a, b, "request {index}");
    }
    assert_eq!(blocking.len(), asynchronous.len());
}
