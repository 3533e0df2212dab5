//! Friend requests, names and rooms between two bots of one simulation.

use wechat_proto::UserName;
use wechat_proto::contact::{SearchContacts, SetRemark, VerifyUser};
use wechat_proto::message::{AppContent, Kind, SendText, SystemEvent};
use wechat_proto::room::{CreateRoom, Founders, RoomMembers, UpdateRoom};
use wechat_simulator::World;

use crate::wire::{Bot, Place, on_all_wires};

fn world(seed: u64, name: &str) -> World {
    let mut world = World::new(seed);
    world.announce_recent_chats(false);
    world.phone().renames_self(name);
    world.add_person("Cy");
    world
}

fn id(name: &str) -> UserName {
    name.parse().unwrap()
}

/// Returns the next message as the client shows it: its chat, and the text or the kind.
fn next<B: Bot>(bot: &mut B) -> (UserName, String) {
    let message = bot.next().unwrap().unwrap();
    let shown = match &message.kind {
        Kind::System(system) => system.text.to_string(),
        _ => message.text().unwrap_or("another kind").to_owned(),
    };
    (message.peer().clone(), shown)
}

/// Ada finds Ben, who is not a friend, and sends a request that he accepts. Then they write to each other.
fn friends_are_made<B: Bot>(place: &Place) {
    let other = place.with_account(world(2, "Ben"));
    let (there, here) = place.simulator.befriend(&other.simulator);
    for (simulator, name) in [(&place.simulator, &there), (&other.simulator, &here)] {
        simulator.world().remove_contact(name);
    }
    let (mut ada, mut ben) = (B::confirmed(place), B::confirmed(&other));
    let found = ada.call(SearchContacts::new("Ben")).unwrap();
    assert_eq!(found, [id(&there)]);
    ada.call(VerifyUser::add(id(&there), "it is <Ada>")).unwrap();
    let message = ben.next().unwrap().unwrap();
    let Kind::FriendRequest(request) = &message.kind else { panic!("{:?}", message.kind) };
    assert_eq!((request.greeting(), &request.info.user_name), ("it is <Ada>", &Some(id(&here))));
    ben.call(VerifyUser::accept(id(&here), request.info.ticket.clone().unwrap())).unwrap();
    let added = "你已添加了Ada，现在可以开始聊天了。";
    assert_eq!(next(&mut ben), (id(&here), added.to_owned()));
    let accepted = "我通过了你的朋友验证请求，现在我们可以开始聊天了";
    assert_eq!(next(&mut ada), (id(&there), accepted.to_owned()));
    for (bot, name, friend) in [(&mut ada, &there, "Ben"), (&mut ben, &here, "Ada")] {
        let contact = bot.directory().find(&id(name)).unwrap().clone();
        assert_eq!((&*contact.nick_name, contact.contact_flag.0), (friend, 3));
        bot.call(SendText::new(id(name), "hello")).unwrap();
    }
    assert_eq!(next(&mut ada), (id(&there), "hello".to_owned()));
    assert_eq!(next(&mut ben), (id(&here), "hello".to_owned()));
    place.assert_no_violations();
    other.assert_no_violations();
}

/// The other account receives a new name, but no remark.
fn names_are_seen_and_remarks_are_not<B: Bot>(place: &Place) {
    let other = place.with_account(world(2, "Ben"));
    let (there, here) = place.simulator.befriend(&other.simulator);
    let (mut ada, mut ben) = (B::confirmed(place), B::confirmed(&other));
    ada.call(SetRemark::new(id(&there), "my Ben".parse().unwrap())).unwrap();
    place.world().phone().renames_self("Ada & co");
    ada.call(SendText::new(id(&there), "see my name")).unwrap();
    assert_eq!(ben.next_text().text(), Some("see my name"));
    let directory = ben.directory();
    assert_eq!(&*directory.find(&id(&here)).unwrap().nick_name, "Ada & co");
    let me = directory.find(&ben.session().me().user_name.clone());
    assert!(me.is_none_or(|me| me.remark_name.is_empty()));
    assert_eq!(&*ben.session().me().nick_name, "Ben");
    ben.call(SendText::new(id(&here), "seen")).unwrap();
    assert_eq!(ada.next_text().text(), Some("seen"));
    let ben_there = ada.directory().find(&id(&there)).unwrap().clone();
    assert_eq!((&*ben_there.nick_name, &*ben_there.remark_name), ("Ben", "my Ben"));
    place.assert_no_violations();
    other.assert_no_violations();
}

/// Ada invites Ben, renames the room, removes him and invites him again; then she leaves.
fn rooms_have_notices<B: Bot>(place: &Place) {
    let other = place.with_account(world(2, "Ben"));
    let third = place.with_account(world(3, "Dee"));
    let (there, here) = place.simulator.befriend(&other.simulator);
    let (dee, _) = place.simulator.befriend(&third.simulator);
    let (mut ada, mut ben) = (B::confirmed(place), B::confirmed(&other));
    let cy = place.world().contacts()[0].user_name.clone();
    let me = ada.session().me().user_name.clone();
    let founders = Founders::new([id(&cy), id(&dee)], &me).unwrap();
    let room = ada.call(CreateRoom::new(founders, "Readers")).unwrap().room;
    ada.call(SendText::new(room.clone(), "welcome")).unwrap();

    let ben_there = || RoomMembers::from(id(&there));
    ada.call(UpdateRoom::invite(room.clone(), ben_there())).unwrap();
    let message = ben.next().unwrap().unwrap();
    let Kind::App(app) = &message.kind else { panic!("{:?}", message.kind) };
    assert!(matches!(app.content, AppContent::Link), "{:?}", app.content);
    assert_eq!((message.peer(), &*app.title), (&id(&here), "邀请你加入群聊"));
    assert_eq!(&*app.description, "\"Ada\"邀请你加入群聊\"Readers\"，进入可查看详情。");
    assert!(other.simulator.world().phone().accepts_invitation());
    assert!(!other.simulator.world().phone().accepts_invitation(), "it is used");
    assert_eq!(next(&mut ada), (room.clone(), "你邀请\"Ben\"加入了群聊".to_owned()));
    let (ben_room, notice) = next(&mut ben);
    assert_eq!(notice, "\"Ada\"邀请你加入了群聊，群聊参与人还有：Cy、Dee");
    assert_eq!(ben.directory().find(&ben_room).unwrap().members.len(), 4);

    ada.call(UpdateRoom::rename(room.clone(), "R & W")).unwrap();
    assert_eq!(next(&mut ada), (room.clone(), "你修改群名为“R & W”".to_owned()));
    assert_eq!(next(&mut ben), (ben_room.clone(), "\"Ada\"修改群名为“R & W”".to_owned()));
    assert_eq!(&*ben.directory().find(&ben_room).unwrap().nick_name, "R & W");

    ada.call(UpdateRoom::remove(room.clone(), ben_there())).unwrap();
    assert_eq!(next(&mut ada), (room.clone(), "你将\"Ben\"移出了群聊".to_owned()));
    assert_eq!(next(&mut ben), (ben_room.clone(), "你被\"Ada\"移出群聊".to_owned()));
    ada.call(UpdateRoom::add(room.clone(), ben_there())).unwrap();
    assert_eq!(next(&mut ada), (room.clone(), "你邀请\"Ben\"加入了群聊".to_owned()));
    let message = ben.next().unwrap().unwrap();
    let Kind::System(system) = &message.kind else { panic!("{:?}", message.kind) };
    assert!(matches!(system.event, Some(SystemEvent::Invited { .. })), "{:?}", system.event);
    assert_eq!(message.peer(), &ben_room);

    ada.call(UpdateRoom::quit(room.clone())).unwrap();
    ada.call(SendText::new(id(&there), "bye")).unwrap();
    assert_eq!(next(&mut ben), (id(&here), "bye".to_owned()));
    let members = ben.directory().find(&ben_room).unwrap().members.clone();
    assert!(members.iter().all(|member| &*member.nick_name != "Ada"), "{members:?}");
    assert_eq!(members.len(), 3);
    for place in [place, &other, &third] {
        place.assert_no_violations();
    }
}

on_all_wires! {
    friends_are_made in super::world(1, "Ada");
    names_are_seen_and_remarks_are_not in super::world(1, "Ada");
    rooms_have_notices in super::world(1, "Ada");
}
