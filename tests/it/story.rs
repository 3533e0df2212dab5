//! A login, the contacts, a day of messages, a logout: the main job, on every wire.

use std::time::Duration;

use wechat_proto::contact::Directory;
use wechat_proto::login::{Logout, Progress};
use wechat_proto::message::SendText;
use wechat_proto::{Error, UserName};
use wechat_simulator::{Logged, Simulator, World};

use crate::wire::{Bot, Hyper, Place, Ureq, on_all_wires};

/// 37 people on three pages, five rooms that stand in no address book.
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

/// What happens: the phone scans and confirms; 200 messages in four batches; then 25, one by one.
pub(crate) fn script(simulator: &Simulator) {
    let second = Duration::from_secs(1);
    simulator.then(second, |world| world.phone().scan());
    simulator.then(second, |world| world.phone().confirm());
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

/// Message number `n`: from a room every third time, else from a person.
fn write(world: &mut World, n: usize) {
    let named = |start: &str, world: &World| {
        let mut all = world.contacts().iter();
        all.find(|contact| contact.nick_name.starts_with(start)).unwrap().user_name.clone()
    };
    let text = format!("消息 {n} <&\"'> 😄\nline two");
    if n.is_multiple_of(3) {
        let room = named(&format!("Room {}", n % 5), world);
        let member = named(&format!("朋友 {} ", n % 5 * 5), world);
        world.member_writes(&room, &member, &text);
    } else {
        let person = named(&format!("朋友 {} ", n % 36), world);
        world.person_writes(&person, &text);
    }
}

/// What a bot saw.
pub(crate) struct Day {
    pub(crate) progress: Vec<String>,
    pub(crate) directory: Directory,
    pub(crate) heard: Vec<String>,
    pub(crate) answered: Vec<(UserName, String)>,
}

/// The bot: loads its contacts, answers the first 200 messages every fourth time, then leaves.
pub(crate) fn day<B: Bot>(place: &Place) -> Result<Day, Error> {
    let mut progress = Vec::new();
    let mut bot = B::login(place, |step| {
        progress.push(match step {
            Progress::Code { uuid } => format!("code {}", uuid.url()),
            Progress::Scanned { avatar } => format!("scanned, picture: {}", avatar.is_some()),
            other => format!("{other:?}"),
        });
    })?;
    let directory = bot.contacts()?;
    let (mut heard, mut answered) = (Vec::new(), Vec::new());
    while let Some(message) = bot.next() {
        let message = message?;
        let Some(text) = message.text() else { continue };
        heard.push(text.to_owned());
        if heard.len() <= 200 && heard.len().is_multiple_of(4) {
            let (to, answer) = (message.peer().clone(), format!("回答 {text}"));
            bot.call(SendText::new(to.clone(), &*answer))?;
            answered.push((to, answer));
        }
        if heard.len() == 225 {
            bot.call(Logout::new())?;
        }
    }
    Ok(Day { progress, directory, heard, answered })
}

/// The main job, from the QR code to the logout.
fn main_job<B: Bot>(place: &Place) {
    script(&place.simulator);
    let day = day::<B>(place).unwrap();
    check(&day, &place.simulator.world());
}

/// Asserts that the main job was done.
pub(crate) fn check(day: &Day, world: &World) {
    assert_eq!(world.violations(), [], "the simulator would have refused");

    assert_eq!(day.progress.len(), 2);
    assert!(day.progress[0].starts_with("code https://login.weixin.qq.com/l/"));
    assert_eq!(day.progress[1], "scanned, picture: true");

    assert_eq!(
        day.directory.iter().filter(|contact| contact.nick_name.starts_with("朋友")).count(),
        36
    );
    assert_eq!(day.directory.rooms().count(), 5);
    for room in day.directory.rooms() {
        assert_eq!(room.members.len(), 5, "four friends and the account itself");
        assert!(room.members.iter().all(|member| !member.nick_name.is_empty()));
    }
    assert!(day.directory.iter().any(|contact| &*contact.nick_name == "朋友 7 😄 & co"));

    let expected: Vec<String> = (0..225).map(|n| format!("消息 {n} <&\"'> 😄\nline two")).collect();
    assert_eq!(day.heard, expected, "each message once, in order");
    assert_eq!(day.answered.len(), 50);
    let sent = world.sent().iter().map(|sent| (sent.to.parse().unwrap(), sent.content.clone()));
    assert_eq!(sent.collect::<Vec<_>>(), day.answered);

    let calls = |name: &str| world.log().iter().filter(|logged| logged.endpoint == name).count();
    assert_eq!((calls("webwxgetcontact"), calls("webwxbatchgetcontact")), (3, 1));
    assert_eq!((calls("webwxsendmsg"), calls("webwxlogout")), (50, 1));
    assert!(world.log().len() >= 100, "{}", world.log().len());
    assert_eq!(world.log().last().unwrap().endpoint, "webwxlogout");
}

on_all_wires! {
    main_job in super::world();
}

/// With the same clock and seed, both adapters send the same bytes.
#[test]
fn both_adapters_send_the_same() {
    fn log<B: Bot>() -> Vec<String> {
        let place = Place::tls(world()).without_ticks();
        script(&place.simulator);
        day::<B>(&place).unwrap();
        let world = place.simulator.world();
        world.log().iter().map(Logged::render).collect()
    }
    let (blocking, asynchronous) = (log::<Ureq>(), log::<Hyper>());
    assert!(blocking.len() >= 100);
    for (index, (a, b)) in blocking.iter().zip(&asynchronous).enumerate() {
        assert_eq!(a, b, "request {index}");
    }
    assert_eq!(blocking.len(), asynchronous.len());
}
