//! A day with every kind of request, in which each request fails once with each fault.

use std::time::Duration;

use wechat_proto::contact::{
    BatchGetContacts, Contact, PinChat, Remark, SearchContacts, SetRemark, Ticket, VerifyUser,
};
use wechat_proto::error::{FailureKind, Ret};
use wechat_proto::feedback::SendFeedback;
use wechat_proto::login::Logout;
use wechat_proto::media::{GetImage, GetVoice, ImageSize};
use wechat_proto::message::{
    ForwardMessage, NotifyPhone, RevokeMessage, SendEmoticon, SendText, SendUpload,
};
use wechat_proto::room::{AddMembers, CreateRoom, Founders, RoomMembers, UpdateRoom};
use wechat_proto::{Call, Error, UserName};
use wechat_simulator::{Asset, Incoming, World};

use super::bot::{Bot, is_open};
use super::line::{Fault, Line};

/// Four friends, a room of two of them, a stranger.
pub(crate) fn world() -> World {
    let mut world = World::new(23);
    world.add_special("filehelper", "文件传输助手");
    let friends: Vec<String> = (0..4).map(|n| world.add_person(&format!("朋友 {n}"))).collect();
    world.add_room("群", &[&friends[0], &friends[1]]);
    world.add_stranger("陌生人");
    world.contacts_per_page(4);
    world.messages_per_sync(3);
    world
}

fn find(world: &World, nick_name: &str) -> String {
    let contact = world.contacts().iter().find(|contact| contact.nick_name == nick_name);
    contact.expect(nick_name).user_name.clone()
}

fn name(world: &World, nick_name: &str) -> UserName {
    find(world, nick_name).parse().unwrap()
}

/// The length of an upload whose second piece has three bytes.
const PIECES: usize = 524_291;
const MD5: &str = "a0c4153e43c3fd2e9a2fbb9be2f4de07";

/// A completed day, and its expected effects.
#[derive(Debug)]
struct Day {
    bot: Bot,
    /// The texts that it sent.
    texts: Vec<&'static str>,
    /// The requests that the fault-free part at the end began with.
    picture: (String, bytes::Bytes),
}

/// Begins the day, with this fault.
fn morning(fault: Option<(usize, Fault)>) -> Bot {
    let mut line = Line::new(world());
    line.fault = fault.map(|(number, fault)| (number, 1, fault));
    let mut bot = Bot::new(line);
    bot.contacts();
    bot
}

/// Runs the rest of the day.
fn day(mut bot: Bot) -> Day {
    let (friends, room, stranger) = {
        let world = bot.line.simulator.world();
        let friends: Vec<UserName> = (0..4).map(|n| name(&world, &format!("朋友 {n}"))).collect();
        (friends, name(&world, "群"), name(&world, "陌生人"))
    };
    let known = |bot: &Bot, name: &UserName| -> Contact {
        bot.account.directory().find(name).expect("known").clone()
    };
    let (friend_known, room_known) = (known(&bot, &friends[1]), known(&bot, &room));

    // Two batches and a half, in several chats.
    bot.happens(|world| {
        let [friend, other, room] = ["朋友 0", "朋友 1", "群"].map(|name| find(world, name));
        vec![
            world.person_writes(&friend, "one"),
            world.member_writes(&room, &other, "two"),
            world.deliver(Incoming::image(&friend, &b"\xff\xd8\xff\xe0 a picture"[..])),
            world.person_writes(&other, "four"),
            world.deliver(Incoming::voice(&friend, Duration::from_secs(3), &b"ID3 said"[..])),
            world.deliver(Incoming::new(&friend, 49, "&lt;msg&gt;&lt;appmsg")),
            world.person_writes(&friend, "seven"),
        ]
    });
    bot.hear();
    let written = bot.written.clone();
    let (picture, voice) = (bot.message(&written[2]), bot.message(&written[4]));
    let text = bot.message(&written[0]);

    // Sends of each kind.
    let receipt = bot.send(SendText::new(friends[0].clone(), "first"));
    // Before two minutes are over.
    bot.change(RevokeMessage::new(friends[0].clone(), &receipt));
    bot.send(SendText::new(room.clone(), "@朋友 1\u{2005}second").with_mentions(&friends[1..2]));
    bot.ask(NotifyPhone::mark_read(friends[0].clone()));
    let pixels: Vec<u8> = (0..PIECES).map(|n| (n % 251) as u8).collect();
    let uploaded = bot.upload("照片.png", &pixels);
    bot.send(SendUpload::new(friends[1].clone(), &uploaded));
    bot.send(SendEmoticon::known(room.clone(), MD5.parse().unwrap()));
    bot.send(ForwardMessage::new(&text, friends[2].clone()).unwrap());

    // Contacts and rooms.
    let mark: Remark = "备注".parse().unwrap();
    bot.ask(SetRemark::new(friends[0].clone(), mark.clone()));
    bot.ask(PinChat::new(&friend_known, true));
    let me = bot.account.session().me().user_name.clone();
    let founders = Founders::new(friends[..2].iter().cloned(), &me).unwrap();
    bot.change(CreateRoom::new(founders.clone(), "新群"));
    add(&mut bot, &room_known, friends[2].clone());
    bot.change(UpdateRoom::rename(room.clone(), "改名"));
    let found = bot.ask(SearchContacts::new("陌生人"));
    assert_eq!(found, std::slice::from_ref(&stranger));
    bot.happens(|world| {
        let stranger = world.contact(stranger.as_str()).unwrap().clone();
        vec![world.deliver(Incoming::friend_request(&stranger, "我是陌生人"))]
    });
    bot.hear();
    let ticket: Ticket = {
        let id = bot.written.last().unwrap();
        let raw = bot.message(id).raw.json().into_owned();
        let raw: serde_json::Value = serde_json::from_str(&raw).unwrap();
        raw["RecommendInfo"]["Ticket"].as_str().unwrap().parse().unwrap()
    };
    bot.change(VerifyUser::accept(stranger.clone(), ticket.clone()));
    let names = [friends[3].clone()];
    bot.ask(BatchGetContacts::new(&names));
    bot.change(SendFeedback::new("谢谢"));

    // What came with the messages.
    let bytes = bot.download(GetImage::new(picture.id.clone(), ImageSize::Full));
    let sound = bot.download(GetVoice::new(voice.id.clone()));
    assert_eq!(&sound[..], b"ID3 said");

    // More messages, in one more chat; the skey changes with them.
    bot.happens(|world| {
        world.refresh_skey();
        let [friend, room] = ["朋友 3", "改名"]
            .map(|name| world.contacts().iter().find(|c| c.nick_name == name).cloned());
        let friend = friend.unwrap().user_name;
        let room = room.map_or_else(|| find(world, "群"), |room| room.user_name);
        let mut written: Vec<_> =
            (0..4).map(|n| world.person_writes(&friend, &format!("more {n}"))).collect();
        let member = find(world, "朋友 1");
        written.push(world.member_writes(&room, &member, "last"));
        written
    });
    bot.hear();
    bot.idle(6);
    bot.send(SendText::new(friends[3].clone(), "third"));

    // Out, and in again without a code.
    leave(&mut bot);
    bot.happens(|world| {
        let friend = find(world, "朋友 0");
        vec![world.person_writes(&friend, "welcome back")]
    });
    bot.back();
    bot.hear();
    bot.idle(4);
    let texts = vec!["first", "@朋友 1\u{2005}second", "one", "third"];
    let picture = (picture.id.as_str().to_owned(), bytes);
    Day { bot, texts, picture }
}

/// Adds a member to a room; checks the members before it tries again.
fn add(bot: &mut Bot, room: &Contact, who: UserName) {
    for _ in 0..4 {
        let is_in = {
            let world = bot.line.simulator.world();
            let room = world.contact(room.user_name.as_str()).unwrap();
            room.members.iter().any(|member| member.user_name == who.as_str())
        };
        if is_in {
            return;
        }
        let mut adding = AddMembers::new(room, RoomMembers::from(who.clone()));
        *bot.asked.entry("webwxupdatechatroom".into()).or_default() += 1;
        match bot.run(&mut adding) {
            Ok(_) => return,
            Err(error) => bot.recover(error),
        }
    }
    panic!("nobody comes into the room");
}

/// Logs out.
fn leave(bot: &mut Bot) {
    for _ in 0..4 {
        match bot.run(&mut Call::new(Logout::new())) {
            Ok(()) => break,
            // A closed session needs no logout.
            Err(error) => bot.errors.push(error),
        }
        if bot.account.session().device().closed().is_some() {
            break;
        }
    }
}

/// Asserts the effects of a day, whatever failed in it.
fn check(day: &Day, calm: &Day, at: &str, fault: Option<Fault>) {
    let sends = calm.bot.line.simulator.world().sent().len();
    let Day { bot, texts, picture } = day;
    let world = bot.line.simulator.world();
    assert_eq!(world.violations(), [], "{at}");

    // Each message once, in the order in which they were written, in all chats together.
    let heard: Vec<&str> = bot
        .heard
        .iter()
        .map(|message| message.id.as_str())
        .filter(|id| bot.written.iter().any(|written| written == id))
        .collect();
    assert_eq!(heard, bot.written, "{at}");

    // Each send once, under a number of its own, whatever was repeated.
    let sent: Vec<&str> =
        world.sent().iter().filter(|sent| sent.msg_type == 1).map(|sent| &*sent.content).collect();
    assert_eq!(sent, *texts, "{at}");
    assert_eq!(world.sent().len(), sends, "{at}");
    // Nothing that changes something was asked more often than the program asked.
    for (endpoint, asked) in &bot.asked {
        let seen = world.log().iter().filter(|logged| logged.endpoint == *endpoint).count();
        assert!(seen <= *asked, "{at}: {endpoint} seen {seen} times, asked {asked} times");
    }
    assert!(world.verifications().len() <= 1, "{at}");
    let rooms = world.contacts().iter().filter(|contact| contact.nick_name == "新群").count();
    assert!(rooms <= 1, "{at}: {rooms} rooms");
    assert_eq!(world.uploads().len(), 1, "{at}: uploaded twice");
    assert_eq!(picture.1, world.media(&Asset::Image(picture.0.clone(), "")).bytes, "{at}");

    // No flow spins: one fault costs a login and what goes with it at the most.
    let more = bot.line.asked.saturating_sub(calm.bot.line.asked);
    assert!(more <= 20, "{at}: {more} requests more");
    let Some(fault) = fault else { return };
    for error in &bot.errors {
        assert!(fits(error, fault), "{at}: {error:?}");
    }
    if fault.ret() != Some(1101) {
        assert_eq!(bot.logins, 2, "{at}: logged in again without need: {:?}", bot.errors);
    }
}

/// Whether an error is one that a fault may cause.
fn fits(error: &Error, fault: Fault) -> bool {
    match (error, fault.failure(), fault.ret()) {
        (Error::Transport(failure), Some((kind, sent)), _) => {
            (failure.kind, failure.sent) == (kind, sent)
        }
        (Error::Unanswered { cause: Some(cause) }, ..) => fits(cause, fault),
        // A download that ends early.
        (Error::Transport(failure), None, None) => {
            fault == Fault::Half && failure.kind == FailureKind::Truncated
        }
        (Error::LoggedOut { ret: Ret::SESSION_INVALID, .. }, _, Some(1101)) => true,
        (Error::Limited { .. }, _, Some(1205)) => true,
        (Error::Refused { ret, .. } | Error::ServiceFailed { ret, .. }, _, Some(said)) => {
            ret.0 == said
        }
        // For example a script with other content, or JSON instead of a picture.
        (Error::Malformed { .. } | Error::Status { .. } | Error::EmptyMedia { .. }, None, _) => {
            true
        }
        _ => false,
    }
}

/// How many requests to each endpoint fail, unless all do.
const OFTEN: usize = 1;

/// Runs days in which one request fails with one of the faults; each has the effects of a day
/// without faults.
///
/// The first request to each endpoint fails, with every other fault; with `WECHAT_CASES=all`, every
/// request fails with every fault.
fn each_request_fails(faults: &[Fault]) {
    let begun = morning(None);
    let early = begun.line.asked;
    let calm = day(begun.twin());
    check(&calm, &calm, "a calm day", None);
    assert!(calm.bot.errors.is_empty(), "{:?}", calm.bot.errors);
    let requests = calm.bot.line.asked;
    assert!(requests >= 50, "{requests}");
    let log: Vec<String> = {
        let world = calm.bot.line.simulator.world();
        world.log().iter().map(|logged| logged.endpoint.clone()).collect()
    };
    let all = std::env::var("WECHAT_CASES").is_ok_and(|cases| cases == "all");
    let (mut open, mut unnoticed, mut told) = (0, 0, 0);
    for number in 0..requests {
        let before = log[..number].iter().filter(|endpoint| **endpoint == log[number]).count();
        if before >= OFTEN && !all {
            continue;
        }
        for (index, &fault) in faults.iter().enumerate() {
            if (index + number) % 2 == 1 && !all {
                continue;
            }
            let at = format!("{fault:?} at request {number}, {}", log[number]);
            let bot = if number < early {
                morning(Some((number, fault)))
            } else {
                let mut bot = begun.twin();
                bot.line.fault = Some((number, 1, fault));
                bot
            };
            let day = day(bot);
            check(&day, &calm, &at, Some(fault));
            let errors = &day.bot.errors;
            if errors.is_empty() {
                unnoticed += 1;
            } else if errors.iter().any(is_open) {
                open += 1;
            } else {
                told += 1;
            }
        }
    }
    // The faults did happen.
    println!("{faults:?}: {unnoticed} unnoticed, {told} told, {open} open");
    assert!(told + open > 5 * faults.len(), "{unnoticed} {told} {open}");
}

/// Threat S9.
#[test]
fn each_request_fails_on_its_way() {
    each_request_fails(&[
        Fault::Connect,
        Fault::TimeoutUnsent,
        Fault::TimeoutLost,
        Fault::ResetLost,
        Fault::BadGateway,
    ]);
}

/// Threat B3. Threat S9.
#[test]
fn each_reply_fails_on_its_way() {
    each_request_fails(&[
        Fault::TimeoutAnswered,
        Fault::ResetAnswered,
        Fault::Truncated,
        Fault::Half,
        Fault::BadGatewayAnswered,
        Fault::NoStatus,
        Fault::Encoding,
        Fault::TooLarge,
    ]);
}

/// Threat J5.
#[test]
fn each_reply_is_another_once() {
    each_request_fails(&[
        Fault::Html,
        Fault::OtherJson,
        Fault::Nothing,
        Fault::Empty,
        Fault::Garbage,
        Fault::NotFound,
    ]);
}

/// Threat S8.
#[test]
fn each_request_is_refused_once() {
    each_request_fails(&[Fault::Kicked, Fault::Limited, Fault::Failed, Fault::Strange]);
}
