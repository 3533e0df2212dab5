//! A scenario with many kinds of requests. In each run, one request fails with one fault: a sample of the pairs,
//! or all of them in a complete sweep.

use std::time::Duration;

use wechat_proto::contact::{
    BatchGetContacts, Contact, PinChat, Remark, SearchContacts, SetRemark, VerifyUser,
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
use crate::sweep;
use crate::wire::named;

/// Returns a world with four friends, a room with two of them, and a stranger.
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

pub(super) fn name(world: &World, nick_name: &str) -> UserName {
    named(world, nick_name).parse().unwrap()
}

/// The length of an upload whose second piece has three bytes.
const PIECES: usize = 524_291;
const MD5: &str = "a0c4153e43c3fd2e9a2fbb9be2f4de07";

/// A completed run and its expected effects.
#[derive(Debug)]
struct Run {
    bot: Bot,
    /// The texts that the bot sent.
    texts: Vec<&'static str>,
    /// The message id and the downloaded bytes of the picture.
    picture: (String, bytes::Bytes),
}

/// Starts a run with this fault.
fn begin(fault: Option<(usize, Fault)>) -> Bot {
    let mut line = Line::new(world());
    line.fault = fault.map(|(number, fault)| (number, 1, fault));
    let mut bot = Bot::new(line);
    bot.contacts();
    bot
}

/// Completes a run.
fn finish(mut bot: Bot) -> Run {
    let (friends, room, stranger) = {
        let world = bot.line.simulator.world();
        let friends: Vec<UserName> = (0..4).map(|n| name(&world, &format!("朋友 {n}"))).collect();
        (friends, name(&world, "群"), name(&world, "陌生人"))
    };
    let known = |bot: &Bot, name: &UserName| -> Contact {
        bot.account.directory().find(name).expect("contact not known").clone()
    };
    let (friend_known, room_known) = (known(&bot, &friends[1]), known(&bot, &room));

    // The friends write two and a half batches of messages in several chats.
    bot.change_world(|world| {
        let [friend, other, room] = ["朋友 0", "朋友 1", "群"].map(|name| named(world, name));
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
    bot.receive_all();
    let written = bot.written.clone();
    let (picture, voice) = (bot.message(&written[2]), bot.message(&written[4]));
    let text = bot.message(&written[0]);

    // Sends of each kind.
    let receipt = bot.send(SendText::new(friends[0].clone(), "first"));
    // The message was sent less than two minutes ago.
    bot.call_once(RevokeMessage::new(&receipt));
    bot.send(SendText::new(room.clone(), "@朋友 1\u{2005}second").with_mentions(&friends[1..2]));
    bot.call(NotifyPhone::mark_read(friends[0].clone()));
    let mut pixels = Vec::from_iter(0..251).repeat(PIECES.div_ceil(251));
    pixels.truncate(PIECES);
    let uploaded = bot.upload("照片.png", &pixels);
    bot.send(SendUpload::new(friends[1].clone(), &uploaded));
    bot.send(SendEmoticon::known(room.clone(), MD5.parse().unwrap()));
    bot.send(ForwardMessage::new(&text, friends[2].clone()).unwrap());

    // Contacts and rooms.
    let mark: Remark = "备注".parse().unwrap();
    bot.call(SetRemark::new(friends[0].clone(), mark.clone()));
    bot.call(PinChat::new(&friend_known, true));
    let me = bot.account.session().me().user_name.clone();
    let founders = Founders::new(friends[..2].iter().cloned(), &me).unwrap();
    bot.call_once(CreateRoom::new(founders.clone(), "新群"));
    add(&mut bot, &room_known, friends[2].clone());
    bot.call_once(UpdateRoom::rename(room.clone(), "改名"));
    let found = bot.call(SearchContacts::new("陌生人"));
    assert_eq!(found, std::slice::from_ref(&stranger));
    bot.change_world(|world| {
        let stranger = world.contact(stranger.as_str()).unwrap().clone();
        vec![world.deliver(Incoming::friend_request(&stranger, "我是陌生人"))]
    });
    bot.receive_all();
    let ticket = bot.ticket(bot.written.last().unwrap());
    bot.call_once(VerifyUser::accept(stranger.clone(), ticket));
    let names = [friends[3].clone()];
    bot.call(BatchGetContacts::new(&names));
    bot.call_once(SendFeedback::new("谢谢"));

    // Media of the messages.
    let bytes = bot.download(GetImage::new(picture.id.clone(), ImageSize::Full));
    let sound = bot.download(GetVoice::new(voice.id.clone()));
    assert_eq!(&sound[..], b"ID3 said");

    // More messages arrive, also in another chat, together with a new skey.
    bot.change_world(|world| {
        world.refresh_skey();
        let [friend, room] = ["朋友 3", "改名"]
            .map(|name| world.contacts().iter().find(|c| c.nick_name == name).cloned());
        let friend = friend.unwrap().user_name;
        let room = room.map_or_else(|| named(world, "群"), |room| room.user_name);
        let mut written: Vec<_> =
            (0..4).map(|n| world.person_writes(&friend, &format!("more {n}"))).collect();
        let member = named(world, "朋友 1");
        written.push(world.member_writes(&room, &member, "last"));
        written
    });
    bot.receive_all();
    bot.idle(6);
    bot.send(SendText::new(friends[3].clone(), "third"));

    // Logs out, and in again without a QR code.
    leave(&mut bot);
    bot.change_world(|world| {
        let friend = named(world, "朋友 0");
        vec![world.person_writes(&friend, "welcome back")]
    });
    bot.log_in_again();
    bot.receive_all();
    bot.idle(4);
    let texts = vec!["first", "@朋友 1\u{2005}second", "one", "third"];
    let picture = (picture.id.to_string(), bytes);
    Run { bot, texts, picture }
}

/// Adds a member to a room; checks the members before each retry.
fn add(bot: &mut Bot, room: &Contact, member: UserName) {
    for _ in 0..4 {
        let is_in = {
            let world = bot.line.simulator.world();
            let room = world.contact(room.user_name.as_str()).unwrap();
            room.members.iter().any(|present| present.user_name == member.as_str())
        };
        if is_in {
            return;
        }
        let mut adding = AddMembers::new(room, RoomMembers::from(member.clone()));
        *bot.calls.entry("webwxupdatechatroom".into()).or_default() += 1;
        match bot.run(&mut adding) {
            Ok(_) => return,
            Err(error) => drop(bot.recover(error)),
        }
    }
    panic!("the member was not added");
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

/// Asserts the effects of a run, whatever failed in it.
fn check(run: &Run, baseline: &Run, at: &str, fault: Option<Fault>) {
    let sends = baseline.bot.line.simulator.world().sent().len();
    let Run { bot, texts, picture } = run;
    let world = bot.line.simulator.world();
    assert_eq!(world.violations(), [], "{at}");

    // Each message arrives once, in the order of writing across all chats.
    let received: Vec<String> = bot
        .received
        .iter()
        .map(|message| message.id.to_string())
        .filter(|id| bot.written.iter().any(|written| written == id))
        .collect();
    assert_eq!(received, bot.written, "{at}");

    // Each send arrives once.
    let sent: Vec<&str> =
        world.sent().iter().filter(|sent| sent.msg_type == 1).map(|sent| &*sent.content).collect();
    assert_eq!(sent, *texts, "{at}");
    assert_eq!(world.sent().len(), sends, "{at}");
    // Endpoints that change something receive no more requests than the program made calls.
    for (endpoint, calls) in &bot.calls {
        let seen = world.log().iter().filter(|logged| logged.endpoint == *endpoint).count();
        assert!(seen <= *calls, "{at}: {endpoint} seen {seen} times, called {calls} times");
    }
    assert!(world.verifications().len() <= 1, "{at}");
    let rooms = world.contacts().iter().filter(|contact| contact.nick_name == "新群").count();
    assert!(rooms <= 1, "{at}: {rooms} rooms");
    assert_eq!(world.uploads().len(), 1, "{at}: uploaded twice");
    assert_eq!(picture.1, world.media(&Asset::Image(picture.0.clone(), "")).bytes, "{at}");

    // One fault causes at most a login and its follow-up requests.
    let more = bot.line.requests.saturating_sub(baseline.bot.line.requests);
    assert!(more <= 20, "{at}: {more} requests more");
    let Some(fault) = fault else { return };
    for error in &bot.errors {
        assert!(is_caused_by(error, fault), "{at}: {error:?}");
    }
    if fault.ret() != Some(1101) {
        assert_eq!(bot.logins, 2, "{at}: unnecessary login: {:?}", bot.errors);
    }
}

/// Returns whether a fault may cause an error.
fn is_caused_by(error: &Error, fault: Fault) -> bool {
    match (error, fault.failure(), fault.ret()) {
        (Error::Transport(failure), Some((kind, sent)), _) => {
            (failure.kind, failure.sent) == (kind, sent)
        }
        (Error::Unanswered { cause: Some(cause) }, ..) => is_caused_by(cause, fault),
        // The fault ended a download early.
        (Error::Transport(failure), None, None) => {
            fault == Fault::Half && failure.kind == FailureKind::Truncated
        }
        (Error::LoggedOut { ret: Ret::SESSION_INVALID, .. }, _, Some(1101)) => true,
        (Error::Limited { .. }, _, Some(1205)) => true,
        (Error::Refused { ret, .. } | Error::ServiceFailed { ret, .. }, _, Some(said)) => {
            ret.0 == said
        }
        // The reply is a script with other content, for example, or JSON instead of a picture.
        (Error::Malformed { .. } | Error::Status { .. } | Error::EmptyMedia { .. }, None, _) => {
            true
        }
        _ => false,
    }
}

/// Runs scenarios in which one request fails with one of these faults; each has the effects of a
/// run without faults.
///
/// The first request to each endpoint fails, with one in four faults; in a complete sweep, every
/// request fails with every fault.
fn each_request_fails(is_tested: fn(Fault) -> bool) {
    let faults: Vec<Fault> = Fault::ALL.into_iter().filter(|fault| is_tested(*fault)).collect();
    let begun = begin(None);
    let early = begun.line.requests;
    let baseline = finish(begun.fork());
    check(&baseline, &baseline, "without faults", None);
    assert!(baseline.bot.errors.is_empty(), "{:?}", baseline.bot.errors);
    let requests = baseline.bot.line.requests;
    assert!(requests >= 50, "{requests}");
    let log: Vec<String> = {
        let world = baseline.bot.line.simulator.world();
        world.log().iter().map(|logged| logged.endpoint.clone()).collect()
    };
    let stride = sweep::stride(4);
    let (mut open, mut unnoticed, mut reported) = (0, 0, 0);
    for number in 0..requests {
        if log[..number].contains(&log[number]) && !sweep::is_complete() {
            continue;
        }
        for &fault in faults.iter().skip(number % stride).step_by(stride) {
            let at = format!("{fault:?} at request {number}, {}", log[number]);
            let bot = if number < early {
                begin(Some((number, fault)))
            } else {
                let mut bot = begun.fork();
                bot.line.fault = Some((number, 1, fault));
                bot
            };
            let run = finish(bot);
            check(&run, &baseline, &at, Some(fault));
            let errors = &run.bot.errors;
            if errors.is_empty() {
                unnoticed += 1;
            } else if errors.iter().any(is_open) {
                open += 1;
            } else {
                reported += 1;
            }
        }
    }
    // The faults must have occurred.
    println!("{faults:?}: {unnoticed} unnoticed, {reported} reported, {open} open");
    assert!(reported + open >= 3 * faults.len() - 3, "{unnoticed} {reported} {open}");
}

/// Threat S9.
#[test]
fn lost_requests_are_recovered() {
    each_request_fails(|fault| fault.failure().is_some() && !fault.is_done());
}

/// Threat B3. Threat S9.
#[test]
fn lost_responses_are_recovered() {
    each_request_fails(Fault::is_done);
}

/// Threat J5.
#[test]
fn foreign_responses_are_recovered() {
    each_request_fails(Fault::is_foreign);
}

/// Threat S8.
#[test]
fn refusals_are_recovered() {
    each_request_fails(|fault| fault.ret().is_some());
}
