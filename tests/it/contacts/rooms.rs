//! Changes of contacts and rooms, on every wire.

use wechat_proto::contact::{
    BatchGetContacts, Contact, PinChat, Remark, SearchContacts, SetRemark, Ticket, VerifyUser,
};
use wechat_proto::error::Ret;
use wechat_proto::message::SendText;
use wechat_proto::room::{AddMembers, CreateRoom, Founders, Joining, RoomMembers, UpdateRoom};
use wechat_proto::{Error, UserName};
use wechat_simulator::{Incoming, Recommend, World};

use crate::wire::{Bot, Place, on_all_wires};

/// Returns a world with six friends, a room with two of them, and a stranger who sends a friend
/// request.
pub(crate) fn world() -> World {
    let mut world = World::new(11);
    let friends: Vec<String> = (0..6).map(|n| world.add_person(&format!("朋友 {n}"))).collect();
    world.add_room("群", &[&friends[0], &friends[1]]);
    world.add_stranger("陌生人");
    world
}

fn friend(place: &Place, n: usize) -> UserName {
    place.named(&format!("朋友 {n}"))
}

/// Returns the contact as the service stores it.
fn stored_contact(place: &Place, name: &UserName) -> wechat_simulator::Contact {
    place.world().contact(name.as_str()).unwrap().clone()
}

/// Returns the contact in the client's directory after all pending messages.
fn known_contact<B: Bot>(place: &Place, bot: &mut B, name: &UserName) -> Contact {
    let friend = friend(place, 5);
    place.world().person_writes(friend.as_str(), "news");
    loop {
        if bot.next().unwrap().unwrap().text() == Some("news") {
            break;
        }
    }
    bot.contacts().unwrap().find(name).unwrap().clone()
}

/// Remarks and pins; changing one keeps the other.
pub(crate) fn contacts<B: Bot>(place: &Place) {
    let mut bot = B::confirmed(place);
    let friend = friend(place, 0);
    let remark = |text: &str| text.parse::<Remark>().unwrap();
    bot.call(SetRemark::new(friend.clone(), remark("老 \"友\" <&"))).unwrap();
    let known = known_contact(place, &mut bot, &friend);
    assert_eq!(&*known.remark_name, "老 \"友\" <&");
    bot.call(PinChat::new(&known, true)).unwrap();
    assert_eq!(stored_contact(place, &friend).contact_flag & 2048, 2048);
    let known = known_contact(place, &mut bot, &friend);
    bot.call(PinChat::new(&known, false)).unwrap();
    assert_eq!(stored_contact(place, &friend).contact_flag & 2048, 0);
    assert_eq!(stored_contact(place, &friend).remark_name, "老 \"友\" &lt;&amp;");
    // The service accepts the request and ignores it.
    place.world().ignore_remarks(true);
    bot.call(SetRemark::new(friend.clone(), remark("else"))).unwrap();
    assert_eq!(&*known_contact(place, &mut bot, &friend).remark_name, "老 \"友\" <&");
    place.assert_no_violations();
}

/// A stranger is found, receives a request, and is accepted.
pub(crate) fn friends<B: Bot>(place: &Place) {
    let mut bot = B::confirmed(place);
    let found = bot.call(SearchContacts::new("陌生人")).unwrap();
    let stranger = place.named("陌生人");
    assert_eq!(found, std::slice::from_ref(&stranger));
    bot.call(VerifyUser::add(stranger.clone(), "你好 <&\"")).unwrap();
    let (user, secret) = (stranger.to_string(), "v2_9f1e@stranger");
    let mut request = Incoming::new("fmessage", 37, "");
    request.recommend =
        Recommend { user_name: user, ticket: secret.into(), ..Recommend::default() };
    place.world().deliver(request);
    let ticket = |text: &str| text.parse::<Ticket>().unwrap();
    let wrong = ticket("v2_0000@stranger");
    let refused = bot.call(VerifyUser::accept(stranger.clone(), wrong.clone()));
    assert!(matches!(refused, Err(Error::Refused { ret: Ret::SYSTEM, .. })));
    let right = ticket(secret);
    bot.call(VerifyUser::accept(stranger.clone(), right.clone())).unwrap();
    let world = place.world();
    let [sent, accepted] = world.verifications() else { panic!() };
    assert_eq!((sent.opcode, &*sent.content, sent.scene), (2, "你好 <&\"", 33));
    assert_eq!((accepted.opcode, &*accepted.user, accepted.scene), (3, stranger.as_str(), 33));
    drop(world);
    assert_eq!(known_contact(place, &mut bot, &stranger).contact_flag.0, 3);
    place.assert_no_violations();
}

/// A room is created, becomes visible, gains members, is renamed, loses members and is left.
pub(crate) fn rooms<B: Bot>(place: &Place) {
    place.world().invite_start_count(6);
    let mut bot = B::confirmed(place);
    let people: Vec<UserName> = (0..6).map(|n| friend(place, n)).collect();
    place.world().is_blocked_by(people[2].as_str());
    let me = bot.session().me().user_name.clone();
    let founders = Founders::new(people[..3].iter().cloned(), &me).unwrap();
    let made = bot.call(CreateRoom::new(founders.clone(), "周末 <&")).unwrap();
    assert_eq!((&*made.topic, &made.black_list[..]), ("周末 <&", &people[2..3]));
    let names: Vec<_> = made.members.iter().map(|member| &*member.nick_name).collect();
    assert_eq!(names, ["朋友 0", "朋友 1"]);
    let room = made.room;
    bot.call(SendText::new(room.clone(), "hello")).unwrap();
    let known = known_contact(place, &mut bot, &room);
    assert_eq!((&*known.nick_name, known.members.len()), ("周末 <&", 3));

    let join = |n: usize| RoomMembers::from(people[n].clone());
    let joined = bot.run(&mut AddMembers::new(&known, join(3))).unwrap();
    assert!(matches!(joined, Joining::Added(_)));
    let known = known_contact(place, &mut bot, &room);
    assert_eq!(known.members.len(), 4);
    // The sixth member must be invited.
    bot.run(&mut AddMembers::new(&known, join(4))).unwrap();
    let known = known_contact(place, &mut bot, &room);
    let joined = bot.run(&mut AddMembers::new(&known, join(5))).unwrap();
    assert!(matches!(joined, Joining::Invited(_)));
    // The room is larger than its record says: adding fails, and the second request invites.
    let stale = { bot.contacts().unwrap().find(&room).unwrap().clone() };
    place.world().invite_start_count(3);
    let joined = bot.run(&mut AddMembers::new(&stale, join(2)));
    assert!(matches!(joined, Ok(Joining::Invited(_))), "{joined:?}");
    let invited: Vec<_> = place.world().invitations().iter().map(|one| one.user.clone()).collect();
    assert_eq!(invited, [people[5].to_string(), people[2].to_string()]);

    bot.call(UpdateRoom::remove(room.clone(), join(3))).unwrap();
    bot.call(UpdateRoom::rename(room.clone(), "新名 \"<")).unwrap();
    let known = known_contact(place, &mut bot, &room);
    assert_eq!((&*known.nick_name, known.members.len()), ("新名 \"<", 4));
    let details = bot.call(BatchGetContacts::members(&known, &people[..2])).unwrap();
    assert_eq!(details.len(), 2);
    bot.call(UpdateRoom::quit(room.clone())).unwrap();
    assert!(
        stored_contact(place, &room).members.iter().all(|member| member.user_name != me.as_str())
    );
    place.assert_no_violations();
}

/// Refused changes of rooms have no effect.
fn refused_changes<B: Bot>(place: &Place) {
    let mut bot = B::confirmed(place);
    let (friend, other, room) = (friend(place, 2), friend(place, 3), place.named("群"));
    let known = known_contact(place, &mut bot, &room);
    let me = bot.session().me().user_name.clone();
    let founders = Founders::new([friend.clone(), other], &me).unwrap();

    // The service answers `Ret` 0 without a room.
    let notice = "<e><Content><![CDATA[创建群聊失败]]></Content></e>";
    place.world().make_no_room(notice);
    match bot.call(CreateRoom::new(founders, "x")) {
        Err(Error::Refused { ret: Ret::OK, message, .. }) => assert_eq!(&*message, "创建群聊失败"),
        other => panic!("{other:?}"),
    }
    // Only owners may remove members.
    let member = RoomMembers::from(self::friend(place, 0));
    let refused = bot.call(UpdateRoom::remove(room.clone(), member));
    assert!(matches!(refused, Err(Error::Refused { ret: Ret::PARAMETER, .. })));
    // Adding and inviting both fail.
    for _ in 0..2 {
        place.world().refuse("webwxupdatechatroom", 1, "");
    }
    let neither = bot.run(&mut AddMembers::new(&known, RoomMembers::from(friend)));
    assert!(matches!(neither, Err(Error::Refused { ret: Ret::PARAMETER, .. })));

    assert_eq!(stored_contact(place, &room).members.len(), 3);
    assert_eq!(place.world().invitations(), []);
    place.assert_no_violations();
}

on_all_wires! {
    contacts in super::world();
    friends in super::world();
    rooms in super::world();
    refused_changes in super::world();
}
