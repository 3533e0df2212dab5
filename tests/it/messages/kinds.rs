//! Tests that messages of each kind, from a person and in a room, are parsed, fetched, answered and
//! forwarded.

use serde_json::Value;
use wechat_proto::media::GetMedia;
use wechat_proto::message::{ForwardMessage, Kind, SendText, mention};
use wechat_proto::{Message, UserName};
use wechat_simulator::{Asset, Incoming, World};

#[path = "kinds_apps.rs"]
mod apps;
#[path = "kinds_cases.rs"]
mod cases;

use self::cases::{By, Case, Content};
use crate::wire::{Bot, Place, named, on_all_wires};

/// Returns a world with a friend, a receiver of forwards and a room, and with pending messages of
/// each kind inside and outside the room.
pub(crate) fn world() -> World {
    let mut world = World::new(77);
    let friend = world.add_person("林晓 😄");
    let other = world.add_person("老王");
    world.add_official("天气服务");
    let stranger = world.add_stranger("阿梅 <&> 😄");
    world.set_contact(&stranger, |stranger| {
        "mei_2".clone_into(&mut stranger.alias);
        "广东".clone_into(&mut stranger.province);
        "深圳".clone_into(&mut stranger.city);
        "一 二".clone_into(&mut stranger.signature);
    });
    let room = world.add_room("周末爬山", &[&friend, &other]);
    world.set_contact(&room, |room| "晓晓 & <3".clone_into(&mut room.members[0].display_name));
    world.announce_recent_chats(false);
    world.messages_per_sync(1000);
    for case in cases::all(&world) {
        for said in everywhere(&case, &room) {
            world.deliver(said);
        }
    }
    world
}

/// Returns the message as sent by a person and in a room.
fn everywhere(case: &Case, room: &str) -> Vec<Incoming> {
    let said = case.said.clone();
    match case.by {
        By::Person => vec![said.clone(), said.in_room(room)],
        By::Service => vec![said.clone(), Incoming { from: room.to_owned(), ..said }],
        By::Other => vec![said],
    }
}

/// Returns each received message with its case.
fn received<B: Bot>(place: &Place, bot: &mut B) -> Vec<(Case, Message)> {
    let (cases, room) = {
        let world = place.world();
        (cases::all(&world), named(&world, "周末爬山"))
    };
    let mut all = Vec::new();
    for case in cases {
        for said in everywhere(&case, &room) {
            let message = bot.next().unwrap().unwrap();
            all.push((Case { said, ..case.clone() }, message));
        }
    }
    assert!(all.len() > 100, "{}", all.len());
    all
}

/// Removes empty values.
fn without_empty(value: Value) -> Option<Value> {
    match value {
        Value::Object(fields) => {
            let fields =
                fields.into_iter().filter_map(|(name, field)| Some((name, without_empty(field)?)));
            Some(Value::Object(fields.collect()))
        }
        Value::Null | Value::Bool(false) => None,
        Value::Number(number) if number.as_f64() == Some(0.0) => None,
        Value::String(text) if text.is_empty() => None,
        Value::Array(list) if list.is_empty() => None,
        Value::Array(list) => Some(list.into_iter().filter_map(without_empty).collect()),
        value => Some(value),
    }
}

fn raw(message: &Message) -> Value {
    serde_json::from_str(message.raw.json()).unwrap()
}

/// All fields are parsed, and the raw record is kept.
fn parsed<B: Bot>(place: &Place) {
    let mut bot: B = B::confirmed(place);
    let (friend, room) = {
        let world = place.world();
        (named(&world, "林晓"), named(&world, "周末爬山"))
    };
    for (case, message) in received(place, &mut bot) {
        let raw = raw(&message);
        let mut kind = serde_json::to_string(&case.kind).unwrap();
        // Values that the simulator generates.
        for (mark, field) in [("MSGID", "MsgId"), ("MEDIAID", "MediaId")] {
            kind = kind.replace(mark, raw[field].as_str().unwrap());
        }
        let kind = without_empty(serde_json::from_str(&kind).unwrap()).unwrap();
        assert_eq!(
            without_empty(serde_json::to_value(&message.kind).unwrap()),
            Some(kind),
            "{raw:#}"
        );

        let said = &case.said;
        let in_room = said.from == room;
        let speaker = (in_room && case.by == By::Person).then_some(&*friend);
        assert_eq!(message.speaker.as_ref().map(UserName::as_str), speaker, "{raw:#}");
        let (from, peer) = (message.from.as_str(), message.peer().as_str());
        assert_eq!((from, peer), (&*said.from, if said.to.is_empty() { from } else { &said.to }));
        assert_eq!(message.author().as_str(), speaker.unwrap_or(from));
        assert_eq!(message.is_outgoing(), !said.to.is_empty());
        assert_eq!(
            (&raw["MsgId"], &raw["MsgType"]),
            (&message.id.to_string().into(), &said.msg_type.into())
        );
        let world = place.world();
        let all = world.delivered().iter();
        let sent = all.rev().find(|one| one.msg_id == message.id.to_string()).unwrap();
        for (field, text) in
            [("FromUserName", &sent.from), ("ToUserName", &sent.to), ("Content", &sent.content)]
        {
            assert_eq!(raw[field], **text);
        }
    }
    place.assert_no_violations();
}

/// Media arrives byte for byte; for a message without media, `GetMedia` fails with the reason.
fn fetched<B: Bot>(place: &Place) {
    let mut bot: B = B::confirmed(place);
    let mut count = 0;
    for (case, message) in received(place, &mut bot) {
        let whole = GetMedia::new(&message);
        for (fetch, bytes) in [(whole, case.whole), (GetMedia::thumbnail(&message), case.small)] {
            match (fetch, bytes) {
                (Ok(fetch), Ok(bytes)) => {
                    let (head, given) = bot.download(fetch).unwrap();
                    assert_eq!((&*given, head.length), (bytes, Some(bytes.len() as u64)));
                    if matches!(place.world().fetched().last().unwrap().asset, Asset::File(_)) {
                        assert_eq!(head.file_name.unwrap().as_str(), "预算 & _最终__v2.PDF");
                    }
                    count += 1;
                }
                (Err(error), Err(expected)) => assert_eq!(error, expected, "{message:?}"),
                (found, expected) => panic!("{message:?}: {found:?}, not {expected:?}"),
            }
        }
    }
    assert_eq!(place.world().fetched().len(), count);
    place.assert_no_violations();
}

/// A reply goes to the chat of the message; in a room it mentions the author.
fn answered<B: Bot>(place: &Place) {
    let mut bot: B = B::confirmed(place);
    let directory = bot.contacts().unwrap();
    let mut expected = Vec::new();
    for (case, message) in received(place, &mut bot) {
        bot.call(SendText::mention_reply(&message, &directory, "收到")).unwrap();
        let in_room = message.peer().is_room() && case.by == By::Person;
        let text =
            if in_room { mention::text("晓晓 & <3", "收到") } else { "收到".to_owned() };
        let to = if case.said.to.is_empty() { &case.said.from } else { &case.said.to };
        expected.push((to.clone(), text));
    }
    let world = place.world();
    let sent = world.sent().iter().map(|sent| (sent.to.clone(), sent.content.clone()));
    assert_eq!(sent.collect::<Vec<_>>(), expected);
    drop(world);
    place.assert_no_violations();
}

/// Decodes content as the web page displays it.
fn plain(wire: &str) -> String {
    let text =
        wire.replace("<br/>", "\n").replace("<span class=\"emoji emoji1f604\"></span>", "😄");
    text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
}

/// Each message is forwarded by the endpoint of its kind with the same content, or returns the
/// reason why it cannot be.
pub(crate) fn forwarded<B: Bot>(place: &Place) {
    let mut bot: B = B::confirmed(place);
    let to = named(&place.world(), "老王");
    let receiver: UserName = to.parse().unwrap();
    let mut count = 0;
    for (case, message) in received(place, &mut bot) {
        let (forward, passed) = (ForwardMessage::new(&message, receiver.clone()), case.passed);
        let (forward, (endpoint, msg_type, content)) = match (forward, passed) {
            (Ok(forward), Ok(passed)) => (forward, passed),
            (Err(error), Err(expected)) => {
                assert_eq!(error, expected, "{message:?}");
                continue;
            }
            (found, _) => panic!("{message:?}: {found:?}"),
        };
        bot.call(forward).unwrap();
        count += 1;
        let raw = raw(&message);
        let text = |name: &str| raw[name].as_str().unwrap().to_owned();
        let said = text("Content");
        let said = match &message.speaker {
            Some(speaker) => said.strip_prefix(&format!("{speaker}:<br/>")).unwrap(),
            None => &said,
        };
        let content = match content {
            Content::Said => plain(said),
            Content::Original => text("OriContent"),
            Content::Md5 => String::new(),
            Content::File => format!(
                "<appmsg appid='wxeb7ec651dd0aefa9' sdkver=''><title>预算 &amp; &lt;最终&gt;_v2.PDF</title><des></des><action></action><type>6</type><content></content><url></url><lowurl></lowurl><appattach><totallen>{}</totallen><attachid>{}</attachid><fileext>pdf</fileext></appattach><extinfo></extinfo></appmsg>",
                text("FileSize"),
                text("MediaId")
            ),
        };
        let world = place.world();
        assert_eq!(world.sent().len(), count);
        let sent = world.sent().last().unwrap();
        assert_eq!(
            (&*sent.endpoint, sent.msg_type, &*sent.content),
            (endpoint, msg_type, &*content)
        );
        assert_eq!((&*sent.to, sent.scene), (&*to, 2));
        let Kind::Emoticon(sticker) = &message.kind else { continue };
        assert_eq!(sent.emoticon_md5, *sticker.md5);
    }
    place.assert_no_violations();
}

on_all_wires! {
    parsed in super::world();
    fetched in super::world();
    answered in super::world();
    forwarded in super::world();
}
