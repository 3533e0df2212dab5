//! The contact directory and its sources, on every wire.

use std::time::Duration;

use wechat_proto::contact::{Change, ContactKind, Directory, Evidence, Identity};
use wechat_proto::{Message, UserName};
use wechat_simulator::{Member, World};

use crate::wire::{Bot, Place, named, on_all_wires};

const SOON: Duration = Duration::from_secs(1);

/// Returns an account with three friends and a stranger.
fn world() -> World {
    let mut world = World::new(11);
    world.add_special("filehelper", "文件传输助手");
    for name in ["阿南", "小北", "老东"] {
        world.add_person(name);
    }
    world.add_stranger("路人");
    world
}

/// Adds a room of the account and the first two friends. It is in no list until somebody writes in
/// it.
fn add_room(world: &mut World) -> String {
    let (one, two) = (named(world, "阿南"), named(world, "小北"));
    world.add_room("周末爬山", &[&one, &two])
}

/// Sends a text from a friend after the pending lookups.
fn later(place: &Place, text: &'static str) {
    place.simulator.then(SOON, move |world| {
        let friend = named(world, "老东");
        world.person_writes(&friend, text);
    });
}

fn room(directory: &Directory) -> UserName {
    let mut rooms = directory.rooms().filter(|room| &*room.nick_name == "周末爬山");
    rooms.next().expect("room not found").user_name.clone()
}

/// The inbox loads a room outside the address book that the phone lists, and stores its permanent
/// ids.
fn unsaved_rooms<B: Bot>(place: &Place) {
    place.world().announce_recent_chats(false);
    place.confirm_login();
    place.simulator.then(SOON, |world| {
        let room = add_room(world);
        let friend = named(world, "阿南");
        let id = |name: &str| world.contact(name).unwrap().permanent.clone();
        let ids = ["filehelper".to_owned(), id(&friend), id(&room)];
        let content = format!(
            "&lt;msg&gt;<br/>&lt;op id='4'&gt;<br/>&lt;username&gt;<br/>{}<br/>&lt;/username&gt;<br/>&lt;/op&gt;<br/>&lt;/msg&gt;<br/>",
            ids.join(",")
        );
        let me = world.account().user_name.clone();
        let names = format!("filehelper,{friend},{room}");
        world.deliver(wechat_simulator::Incoming {
            status_notify_code: 4,
            status_notify_user_name: names,
            ..wechat_simulator::Incoming::new(&me, 51, &content)
        });
    });
    later(place, "one");
    later(place, "two");
    let mut bot = B::login(place, |_| {}).unwrap();
    assert_eq!(bot.directory().rooms().count(), 0);
    bot.next_text();
    bot.next_text();
    let directory = bot.directory();
    let room = directory.find(&room(&directory)).unwrap();
    assert_eq!((room.kind(), room.is_saved(), room.members.len()), (ContactKind::Room, false, 3));
    assert!(room.has_all_members() && room.includes(&bot.session().me().user_name));
    assert!(room.members.iter().all(|member| !member.nick_name.is_empty()));
    assert_eq!(place.requests("webwxbatchgetcontact"), 1);

    let friend = place.named("阿南");
    let permanent = place.world().contact(friend.as_str()).unwrap().permanent.clone();
    let identity = directory.identity(&friend);
    assert_eq!(identity.id.as_ref().unwrap().as_str(), permanent);
    assert!(directory.identity(&room.user_name).id.unwrap().as_str().ends_with("@chatroom"));
    let stored = Identity::clone(&identity);
    assert_eq!(directory.candidates(&stored)[0], (&friend, Evidence::Same));
    place.assert_no_violations();
}

/// Members join, leave and are renamed; the room is renamed and changes its owner.
fn changes_in_a_room<B: Bot>(place: &Place) {
    {
        let mut world = place.world();
        let room = add_room(&mut world);
        let me = world.account().user_name.clone();
        world.set_contact(&room, |room| room.owner = me);
    }
    place.confirm_login();
    later(place, "one");
    place.simulator.then(SOON, |world| {
        let room = named(world, "周末爬山");
        let (two, three) = (named(world, "小北"), named(world, "老东"));
        world.change_contact(&room, |room| {
            room.members.remove(0);
            room.members[0].display_name = "领队".to_owned();
            room.members.push(Member::new(&three));
            room.nick_name = "周日爬山".to_owned();
            room.owner = two.clone();
        });
        world.remove_contact(&named(world, "阿南"));
        world.person_writes(&three, "two");
    });
    let mut bot = B::login(place, |_| {}).unwrap();
    let before = bot.contacts().unwrap();
    assert_eq!(bot.next_text().text(), Some("one"));
    let changes = bot.directory().changes_since(&before);
    assert!(
        !changes.iter().any(|change| matches!(change, Change::MembersJoined { .. })),
        "{changes:?}"
    );
    let before = bot.directory();
    assert_eq!(bot.next_text().text(), Some("two"));
    let after = bot.directory();
    let mut described = Vec::new();
    for change in after.changes_since(&before) {
        let names = |members: &[wechat_proto::contact::Member]| {
            members.iter().map(|member| member.name().to_owned()).collect::<Vec<_>>().join(" ")
        };
        described.push(match &change {
            Change::Removed { contact } => format!("removed {}", contact.nick_name),
            Change::Renamed { old, new, .. } => format!("{old} is {new}"),
            Change::OwnerChanged { old, new, .. } => {
                assert_eq!(*old, bot.session().me().user_name);
                format!("given to {}", after.name_of(new))
            }
            Change::MembersJoined { members, .. } => format!("joined: {}", names(members)),
            Change::MembersLeft { members, .. } => format!("left: {}", names(members)),
            Change::MembersRenamed { members, .. } => format!("renamed: {}", names(members)),
            Change::Changed { .. } => continue,
            other => format!("{other:?}"),
        });
    }
    described.sort();
    assert_eq!(
        described,
        [
            "given to 小北", "joined: 老东", "left: 阿南", "removed 阿南", "renamed: 领队",
            "周末爬山 is 周日爬山",
        ]
    );
    assert_eq!(after.changes_since(&after.clone()), []);
    place.assert_no_violations();
}

/// A stranger and the unknown room of a member are each loaded once when they write.
fn unseen_senders<B: Bot>(place: &Place) {
    place.confirm_login();
    place.simulator.then(SOON, |world| {
        let (stranger, friend) = (named(world, "路人"), named(world, "阿南"));
        let room = add_room(world);
        world.person_writes(&stranger, "who is this");
        world.member_writes(&room, &friend, "hello");
        world.person_writes(&stranger, "again");
    });
    later(place, "later");
    later(place, "latest");
    let mut bot = B::login(place, |_| {}).unwrap();
    let messages: Vec<Message> = (0..5).map(|_| bot.next_text()).collect();
    let directory = bot.directory();
    let texts: Vec<_> = messages.iter().map(|message| message.text().unwrap()).collect();
    assert_eq!(texts, ["who is this", "hello", "again", "later", "latest"]);
    let names: Vec<_> = messages.iter().map(|message| directory.author_name(message)).collect();
    assert_eq!(
        names.iter().map(|name| &**name).collect::<Vec<_>>(),
        ["路人", "阿南", "路人", "老东", "老东"]
    );
    assert_eq!(&*directory.name_of(messages[1].peer()), "周末爬山");
    let stranger = directory.find(messages[0].peer()).unwrap();
    assert!(stranger.is_person() && !stranger.is_saved());
    assert_eq!(place.requests("webwxbatchgetcontact"), 1);
    place.assert_no_violations();
}

/// A contact missing from the response is not fetched again.
fn missing_contact_is_not_retried<B: Bot>(place: &Place) {
    place.confirm_login();
    let stranger = named(&place.world(), "路人");
    place.world().batch_leaves_out(&stranger);
    for text in ["one", "two", "three"] {
        place.simulator.then(SOON, move |world| {
            let stranger = named(world, "路人");
            world.person_writes(&stranger, text);
        });
    }
    let mut bot = B::login(place, |_| {}).unwrap();
    for text in ["one", "two", "three"] {
        assert_eq!(bot.next_text().text(), Some(text));
    }
    assert_eq!(place.requests("webwxbatchgetcontact"), 1);
    place.assert_no_violations();
}

on_all_wires! {
    unsaved_rooms in super::world();
    changes_in_a_room in super::world();
    unseen_senders in super::world();
    missing_contact_is_not_retried in super::world();
}
