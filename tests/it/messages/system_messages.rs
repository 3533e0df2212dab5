//! Typed system messages, revocations with their originals, and replies.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use wechat_proto::Endpoint as _;
use wechat_proto::login::Logout;
use wechat_proto::message::{Kind, Person, SendText, StatusCode, SysMsg, SystemEvent, mention};
use wechat_proto::sync::FetchBatch;
use wechat_proto::{Device, Lang, Message, flow};
use wechat_simulator::{Incoming, World};

use crate::wire::{Bot, Memory, Place, on_all_wires};

const SOON: Duration = Duration::from_secs(1);

/// Returns a world with two friends, and a room in which one of them has a display name.
fn world() -> World {
    let mut world = World::new(2024);
    world.add_special("filehelper", "文件传输助手");
    let xiao = world.add_person("林晓 😄");
    let mei = world.add_person("阿梅");
    let room = world.add_room("周末爬山", &[&xiao, &mei]);
    world.set_contact(&room, |room| "梅 & <3".clone_into(&mut room.members[1].display_name));
    world.set_contact(&mei, |mei| "同事".clone_into(&mut mei.remark_name));
    world
}

fn named(world: &World, start: &str) -> String {
    let mut all = world.contacts().iter();
    all.find(|contact| contact.nick_name.starts_with(start)).unwrap().user_name.clone()
}

/// Escapes XML and markup as the service does in a message's content.
fn escaped(text: &str) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    text.replace('\n', "<br/>")
}

fn revocation(msg_id: &str, text: &str) -> String {
    escaped(&format!(
        "<sysmsg type=\"revokemsg\">\n<revokemsg>\n<session>x</session>\n<msgid>{msg_id}</msgid>\n<replacemsg><![CDATA[{text}]]></replacemsg>\n</revokemsg>\n</sysmsg>"
    ))
}

/// Returns the next message that is not a status notification of the phone.
fn next_message<B: Bot>(bot: &mut B) -> Message {
    loop {
        let message = bot.next().unwrap().unwrap();
        if !matches!(message.kind, Kind::Status(_)) {
            return message;
        }
    }
}

/// After the login, the phone lists its recent chats, which are the only source of permanent ids.
fn recent_chats<B: Bot>(place: &Place) {
    place.confirm_login();
    let mut bot = B::login(place, drop).unwrap();
    let Kind::Status(status) = bot.next().unwrap().unwrap().kind else { panic!() };
    assert_eq!(status.code, StatusCode::RECENT);
    let world = place.simulator.world();
    assert_eq!(status.pairs().count(), 4);
    for (name, id) in status.pairs() {
        assert_eq!(id, world.contact(name.as_str()).unwrap().permanent);
    }
    drop(world);
    place.assert_no_violations();
}

/// Texts of each kind in both languages.
fn system_texts<B: Bot>(place: &Place) {
    let by = || Person::Named("林晓 😄".into());
    let mei = || vec![Person::Named("阿梅".into())];
    let name = "林晓 <span class=\"emoji emoji1f604\"></span>";
    let invited = SystemEvent::Invited { by: by(), who: mei(), others: vec![], ambiguous: false };
    let cases: Vec<(String, Option<SystemEvent>)> = vec![
        (format!("\"{name}\"邀请\"阿梅\"加入了群聊"), Some(invited.clone())),
        (format!("{name} invited 阿梅 to the group chat"), Some(invited)),
        (
            format!("你被\"{name}\"移出群聊"),
            Some(SystemEvent::Removed { by: by(), who: vec![Person::Me] }),
        ),
        (
            format!("You were removed from the group chat by \"{name}\""),
            Some(SystemEvent::Removed { by: by(), who: vec![Person::Me] }),
        ),
        (
            format!("\"{name}\"修改群名为“A &amp; B”"),
            Some(SystemEvent::Renamed { by: by(), topic: "A & B".into() }),
        ),
        (
            "\"阿梅\" joined group chat via the QR code you shared.  ".into(),
            Some(SystemEvent::JoinedByCode {
                who: mei(),
                of: Some(Person::Me),
                others: vec![],
                ambiguous: false,
            }),
        ),
        ("消息已发出，但被对方拒收了。".into(), Some(SystemEvent::Blocked)),
        (
            escaped(
                "阿梅开启了朋友验证，你还不是他（她）朋友。<a href=\"weixin://findfriend/verifycontact\">发送朋友验证</a>",
            ),
            Some(SystemEvent::VerificationNeeded { name: Some("阿梅".into()) }),
        ),
        ("收到红包，请在手机上查看".into(), Some(SystemEvent::RedPacketReceived)),
        ("Real-time Location session ended.".into(), Some(SystemEvent::LiveLocationEnded)),
        (format!("\"{name}\"已成为新群主"), Some(SystemEvent::NewOwner { owner: by() })),
        (
            "You became the new group owner".into(),
            Some(SystemEvent::NewOwner { owner: Person::Me }),
        ),
        (format!("群主\"{name}\"已解散该群聊"), Some(SystemEvent::Dissolved { by: by() })),
        (
            escaped("你邀请\"阿梅\"加入了群聊  <a href=\"weixin://revoke/\">撤销</a>"),
            Some(SystemEvent::Invited {
                by: Person::Me,
                who: mei(),
                others: vec![],
                ambiguous: false,
            }),
        ),
        (
            escaped(
                "<img src=\"SystemMessages_HongbaoIcon.png\"/>  阿梅领取了你的<_wc_custom_link_ href=\"weixin://x\">红包</_wc_custom_link_>",
            ),
            None,
        ),
        ("something else".into(), None),
    ];
    place.confirm_login();
    let contents: Vec<String> = cases.iter().map(|(content, _)| content.clone()).collect();
    place.simulator.then(SOON, move |world| {
        let room = named(world, "周末");
        for content in contents {
            world.deliver(Incoming { status: 4, ..Incoming::new(&room, 10_000, &content) });
        }
        world.deliver(Incoming::new(&room, 9999, "位置共享已经结束"));
    });
    let mut bot = B::login(place, drop).unwrap();
    for (content, event) in cases {
        let message = next_message(&mut bot);
        assert_eq!(
            (&message.speaker, message.text()),
            (&None, None),
            "a system text has no speaker"
        );
        let Kind::System(system) = message.kind else { panic!("{:?}", message.kind) };
        assert_eq!(system.event, event, "{content}");
        assert!(!system.text.contains(['<', '>']) && !system.text.contains("weixin:"));
    }
    let Kind::System(system) = next_message(&mut bot).kind else { panic!() };
    assert_eq!(system.event, Some(SystemEvent::LiveLocationEnded));
    place.assert_no_violations();
}

/// XML system messages of each kind.
fn sysmsgs<B: Bot>(place: &Place) {
    place.confirm_login();
    place.simulator.then(SOON, |world| {
        let room = named(world, "周末");
        let tickle = "<sysmsg type=\"pat\">\n<pat>\n<fromusername>wxid_a</fromusername>\n<pattedusername>wxid_b</pattedusername>\n<template><![CDATA[\"${wxid_a}\" 拍了拍 \"${wxid_b}\"]]></template>\n</pat>\n</sysmsg>";
        let template = "<sysmsg type=\"sysmsgtemplate\">\n<sysmsgtemplate>\n<content_template>\n<template><![CDATA[\"$username$\"邀请\"$names$\"加入了群聊]]></template>\n<link_list>\n<link name=\"username\" type=\"link_profile\">\n<memberlist>\n<member>\n<username>wxid_a</username>\n<nickname><![CDATA[林晓]]></nickname>\n</member>\n</memberlist>\n</link>\n<link name=\"names\" type=\"link_profile\">\n<memberlist>\n<member>\n<username>wxid_b</username>\n<nickname><![CDATA[阿\"梅\"]]></nickname>\n</member>\n</memberlist>\n</link>\n</link_list>\n</content_template>\n</sysmsgtemplate>\n</sysmsg>";
        let tip = "<sysmsg type=\"roomtoolstips\">\n<todo>\n<title><![CDATA[带水]]></title>\n</todo>\n</sysmsg>";
        let other = "<sysmsg type=\"new\">\n<new>\n<text>words</text>\n</new>\n</sysmsg>";
        for (xml, msg_type) in [(tickle, 10_002), (tickle, 10_000), (template, 10_002), (tip, 10_002), (other, 10_002)] {
            let content = format!("1234@chatroom:<br/>{}", escaped(xml));
            world.deliver(Incoming { status: 4, ..Incoming::new(&room, msg_type, &content) });
        }
    });
    let mut bot = B::login(place, drop).unwrap();
    let mut next = || {
        let message = next_message(&mut bot);
        let shown = message.preview(&Lang::ZH_CN).into_owned();
        let Kind::SysMsg(sysmsg) = message.kind else { panic!("{:?}", message.kind) };
        (*sysmsg, shown)
    };
    for _ in 0..2 {
        let (SysMsg::Tickle(tickle), shown) = next() else { panic!() };
        assert_eq!((&*tickle.from, &*tickle.whom), ("wxid_a", "wxid_b"));
        assert_eq!(shown, "\"wxid_a\" 拍了拍 \"wxid_b\"");
    }
    let (SysMsg::Template(template), shown) = next() else { panic!() };
    let (by, who) = (Person::Named("林晓".into()), vec![Person::Named("阿\"梅\"".into())]);
    assert_eq!(
        template.event,
        Some(SystemEvent::Invited { by, who, others: vec![], ambiguous: false })
    );
    assert_eq!(shown, "\"林晓\"邀请\"阿\"梅\"\"加入了群聊");
    assert!(matches!(next(), (SysMsg::RoomTip(tip), _) if &*tip.title == "带水"));
    let (SysMsg::Other { kind, text, .. }, _) = next() else { panic!() };
    assert_eq!((&*kind, &*text), ("new", "words"));
    place.assert_no_violations();
}

/// Revocations by a person, in a room and on the account's own phone, and of unknown messages.
fn revoked<B: Bot>(place: &Place) {
    place.confirm_login();
    place.simulator.then(SOON, |world| {
        let (xiao, room) = (named(world, "林晓"), named(world, "周末"));
        let one = world.person_writes(&xiao, "one <&> 😄");
        let two = world.member_writes(&room, &xiao, "two");
        world.phone().writes(&xiao, "three");
        let me = world.account().user_name.clone();
        let shown = "\"林晓\" 撤回了一条消息";
        world.deliver(Incoming::new(&xiao, 10_002, &revocation(&one, shown)));
        let content = format!("{xiao}:<br/>{}", revocation(&two, shown));
        world.deliver(Incoming::new(&room, 10_002, &content));
        let content = revocation("0", "你撤回了一条消息");
        world.deliver(Incoming { to: xiao.clone(), ..Incoming::new(&me, 10_002, &content) });
        world.deliver(Incoming::new(&xiao, 10_002, &revocation("1", shown)));
        // A message id of a room does not match in a chat with a person.
        world.deliver(Incoming::new(&xiao, 10_002, &revocation(&two, shown)));
    });
    let mut bot = B::login(place, drop).unwrap();
    for text in ["one <&> 😄", "two", "three"] {
        assert_eq!(next_message(&mut bot).text(), Some(text));
    }
    for (text, by) in [
        (Some("one <&> 😄"), Person::Named("林晓".into())),
        (Some("two"), Person::Named("林晓".into())),
        (Some("three"), Person::Me),
        (None, Person::Named("林晓".into())),
        (None, Person::Named("林晓".into())),
    ] {
        let message = next_message(&mut bot);
        assert_eq!(message.original().and_then(Message::text), text);
        if let Some(original) = message.original() {
            assert_eq!(original.peer(), message.peer());
        }
        let Kind::Revoked(revoked) = message.kind else { panic!("{:?}", message.kind) };
        assert_eq!(revoked.by, Some(by));
    }
    place.assert_no_violations();
}

/// Remembers as many messages as requested, and no more.
fn memory_is_bounded<B: Bot>(place: &Place) {
    for (kept, found) in
        [(0, [None, None]), (1, [None, Some("two")]), (2, [Some("one"), Some("two")])]
    {
        place.confirm_login();
        let mut bot = B::login(place, drop).unwrap();
        bot.remember(kept);
        {
            let mut world = place.simulator.world();
            let xiao = named(&world, "林晓");
            let ids = ["one", "two"].map(|text| world.person_writes(&xiao, text));
            for id in ids {
                world.deliver(Incoming::new(&xiao, 10_002, &revocation(&id, "")));
            }
        }
        assert_eq!(
            [(); 2].map(|()| next_message(&mut bot).text().map(str::to_owned).unwrap()),
            ["one", "two"]
        );
        let originals = [(); 2].map(|()| next_message(&mut bot));
        let originals =
            originals.each_ref().map(|message| message.original().and_then(Message::text));
        assert_eq!(originals, found, "{kept}");
        bot.call(Logout::new()).unwrap();
    }
    place.assert_no_violations();
}

/// Replies go to the chat and mention the author by the display name of the room; messages that
/// mention the account are recognized.
fn replies<B: Bot>(place: &Place) {
    place.confirm_login();
    place.simulator.then(SOON, |world| {
        let (xiao, mei, room) = (named(world, "林晓"), named(world, "阿梅"), named(world, "周末"));
        let me = world.account().nick_name.clone();
        world.member_writes(&room, &mei, &mention::text(&me, "hi"));
        world.member_writes(&room, &xiao, &format!("「阿梅：@{me} hi」\n- - - - - - -\nyes"));
        world.member_writes(&room, &xiao, "@所有人\u{2005}hi");
        world.person_writes(&xiao, &format!("@{me} hi"));
        world.phone().writes(&mei, "note");
    });
    let mut bot = B::login(place, drop).unwrap();
    let directory = bot.contacts().unwrap();
    let me = bot.session().me().clone();
    for (called, all) in
        [(true, false), (false, false), (false, true), (false, false), (false, false)]
    {
        let message = next_message(&mut bot);
        assert_eq!(message.mentions(&directory, &me), Some(called), "{message:?}");
        assert_eq!(message.mentions_everybody(), all);
        bot.call(SendText::reply(&message, "plain")).unwrap();
        bot.call(SendText::mention_reply(&message, &directory, "yes")).unwrap();
    }
    let world = place.simulator.world();
    let (xiao, mei, room) = (named(&world, "林晓"), named(&world, "阿梅"), named(&world, "周末"));
    let sent: Vec<_> = world.sent().iter().map(|sent| (&sent.to, &*sent.content)).collect();
    let expected = [
        (&room, "plain"),
        (&room, "@梅 & <3\u{2005}yes"),
        (&room, "plain"),
        (&room, "@林晓 😄\u{2005}yes"),
        (&room, "plain"),
        (&room, "@林晓 😄\u{2005}yes"),
        (&xiao, "plain"),
        (&xiao, "yes"),
        (&mei, "plain"),
        (&mei, "yes"),
    ];
    assert_eq!(sent, expected);
    drop(world);
    place.assert_no_violations();
}

on_all_wires! {
    recent_chats in super::world();
    system_texts in super::world();
    sysmsgs in super::world();
    revoked in super::world();
    memory_is_bounded in super::world();
    replies in super::world();
}

/// Returns the kind that a message was parsed as.
fn parsed_kind(message: &Message) -> &'static str {
    match &message.kind {
        Kind::Status(_) => "status",
        Kind::System(_) => "text",
        Kind::Revoked(_) => "revoked",
        Kind::SysMsg(sysmsg) => match **sysmsg {
            SysMsg::Tickle(_) => "tickle",
            SysMsg::Template(_) => "template",
            SysMsg::RoomTip(_) => "tip",
            _ => "other",
        },
        Kind::Unreadable { .. } => "unreadable",
        _ => "else",
    }
}

/// Returns the kind that a corpus file's name states, or `None` if the file is of another type.
fn named_kind(name: &str) -> Option<&'static str> {
    Some(match name.split_once('-')? {
        ("51", _) => "status",
        ("10000", "tickle-as-text-type") => "tickle",
        ("9999" | "10000", _) | ("10002", "no-xml") => "text",
        ("10002", rest) if rest.ends_with("unreadable") => "unreadable",
        ("10002", "cut-off") => "revoked",
        ("10002", rest) => match rest.split('-').next() {
            Some("revoke") => "revoked",
            Some("tickle") => "tickle",
            Some("template") => "template",
            Some("tips") => "tip",
            _ => "other",
        },
        _ => return None,
    })
}

/// Each corpus message of these types parses as the kind that its name states.
#[test]
fn corpus_messages_parse_as_named() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../wechat-proto/corpus/messages");
    let mut files = BTreeMap::new();
    for file in std::fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        if let Some(named) = named_kind(&name) {
            let text = std::fs::read_to_string(path).unwrap();
            let json: serde_json::Value = serde_json::from_str(&text).unwrap();
            assert!(name.starts_with(&format!("{}-", json["MsgType"])), "{name}");
            files.insert(name, (named, json));
        }
    }
    assert!(files.len() >= 100);
    let list: Vec<_> = files.values().map(|(_, json)| json).collect();
    let body = serde_json::json!({ "BaseResponse": { "Ret": 0 }, "AddMsgList": list });
    let batch =
        FetchBatch::new().parse(&flow::Response::new(Bytes::from(body.to_string()))).unwrap();
    let place = Place::memory(world());
    place.confirm_login();
    let me = Memory::login(&place, drop).unwrap().session().me().clone();
    let messages = batch.messages(&me.user_name);
    assert_eq!(messages.len(), files.len());
    for ((name, (named, _)), message) in files.iter().zip(messages) {
        assert_eq!(parsed_kind(&message), *named, "{name}");
        // Tickets must not be shown.
        let shown = message.preview(Device::new().lang());
        assert!(!format!("{message:?} {shown}").contains("planted"), "{name}");
        if let Kind::System(system) = &message.kind {
            let untyped = ["unknown", "empty", "traditional", "notice", "no-xml", "custom-link"];
            let known = !untyped.iter().any(|part| name.contains(part));
            assert_eq!(system.event.is_some(), known, "{name}: {system:?}");
        }
    }
}
