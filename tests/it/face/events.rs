//! Events, and sessions that are saved by themselves, on every wire.

use std::time::Duration;

use wechat_proto::contact::Change;
use wechat_proto::error::Ret;
use wechat_proto::login::{Logout, Resume};
use wechat_proto::message::SendText;
use wechat_proto::store::SavePolicy;
use wechat_proto::{Error, Event};
use wechat_simulator::{Incoming, World};

use crate::wire::{Bot, Folder, Place, on_all_wires};

/// Returns a world with a friend, a room with another friend in it, and two strangers.
fn world() -> World {
    let mut world = World::new(17);
    world.announce_recent_chats(false);
    world.add_person("Ada");
    let bo = world.add_person("Bo");
    world.add_room("Walks", &[&bo]);
    world.add_stranger("Cy");
    world.add_stranger("Di");
    world
}

fn open<B: Bot>(place: &Place, folder: &Folder, policy: SavePolicy) -> B {
    let path = folder.file();
    B::open_saving(place, &path, Resume::Code, policy, |_| {}).unwrap()
}

fn write_texts(place: &Place, texts: &[&str]) {
    let ada = place.named("Ada");
    texts.iter().for_each(|text| drop(place.world().person_writes(ada.as_str(), text)));
}

/// Describes the next event, other than changed fields of a contact.
fn next<B: Bot>(bot: &mut B) -> String {
    match bot.next_event() {
        None => "none".into(),
        Some(Event::Message(message)) => message.to_string(),
        Some(Event::FriendRequest { request, .. }) => format!("request: {}", request.greeting()),
        Some(Event::Changed(Change::Added { contact })) => format!("added {}", contact.name()),
        Some(Event::Changed(Change::Removed { contact })) => format!("removed {}", contact.name()),
        Some(Event::Changed(Change::MembersJoined { members, .. })) => {
            format!("joined: {}", members[0].name())
        }
        Some(Event::Changed(Change::Changed { .. })) => next(bot),
        Some(Event::Closed(reason)) => format!("closed: {reason}"),
        Some(other) => format!("{other:?}"),
    }
}

/// After a restart, a bot receives the messages that its policy had not saved, and no others.
fn saved_by_policy<B: Bot>(place: &Place) {
    for (policy, again) in [
        (SavePolicy::EachMessage, &["three", "four"][..]),
        (SavePolicy::EachBatch, &["one", "two", "three", "four"]),
        (SavePolicy::Manual, &["one", "two", "three", "four"]),
    ] {
        let folder = Folder::new();
        place.confirm_login();
        let mut bot: B = open(place, &folder, policy);
        write_texts(place, &["one", "two", "three", "four"]);
        assert_eq!([next(&mut bot), next(&mut bot), next(&mut bot)], ["one", "two", "three"]);
        drop(bot);
        let mut bot: B = open(place, &folder, policy);
        for text in again {
            assert_eq!(next(&mut bot), *text, "{policy:?}");
        }
        // The whole batch is acknowledged with the request for the next.
        write_texts(place, &["five"]);
        assert_eq!(next(&mut bot), "five");
        drop(bot);
        if policy == SavePolicy::EachBatch {
            let mut bot: B = open(place, &folder, policy);
            assert_eq!(next(&mut bot), "five");
        }
    }
    place.assert_no_violations();
}

/// The end of a session is saved with its reason, so that the next start sends no request.
fn end_is_saved<B: Bot>(place: &Place) {
    let folder = Folder::new();
    place.confirm_login();
    let mut bot: B = open(place, &folder, SavePolicy::EachBatch);
    place.world().advance(Duration::from_secs(4));
    place.world().phone().kick();
    let Some(Event::Closed(Error::LoggedOut { ended: Some(ended), .. })) = bot.next_event() else {
        panic!()
    };
    assert!(ended.is_drop() && bot.next_event().is_none());
    drop(bot);
    let before = place.world().log().len();
    let path = folder.file();
    let refused = B::open_saving(place, &path, Resume::Code, SavePolicy::EachBatch, |_| {});
    assert!(matches!(refused.map(drop), Err(Error::LoggedOut { .. })));
    assert_eq!(place.world().log().len(), before);
    place.assert_no_violations();
}

/// Each change is reported once, before the message that came with it. The last event is
/// [`Event::Closed`].
fn every_event<B: Bot>(place: &Place) {
    let mut bot = B::confirmed(place);
    write_texts(place, &["before"]);
    assert_eq!(next(&mut bot), "before");
    bot.contacts().unwrap();
    let (room, cy) = (place.named("Walks"), place.named("Cy"));
    for _ in 0..2 {
        // The second record of the room has the same members.
        place.world().change_contact(room.as_str(), |room| {
            if room.members.iter().all(|member| member.user_name != cy.as_str()) {
                let mut member = room.members[0].clone();
                cy.as_str().clone_into(&mut member.user_name);
                room.members.push(member);
            }
        });
    }
    write_texts(place, &["after"]);
    assert_eq!([next(&mut bot), next(&mut bot)], ["joined: Cy", "after"]);
    // A reply from the same process does not repeat an event.
    bot.call(SendText::new(room, "welcome")).unwrap();

    let di = place.named("Di");
    let request = {
        let world = place.world();
        Incoming::friend_request(world.contact(di.as_str()).unwrap(), "hello")
    };
    place.world().deliver(request);
    assert_eq!(next(&mut bot), "request: hello");
    place.world().change_contact(di.as_str(), |di| di.contact_flag = 3);
    write_texts(place, &["friends"]);
    assert_eq!([next(&mut bot), next(&mut bot)], ["added Di", "friends"]);
    place.world().remove_contact(di.as_str());
    write_texts(place, &["no friends"]);
    assert_eq!([next(&mut bot), next(&mut bot)], ["removed Di", "no friends"]);

    bot.call(Logout::new()).unwrap();
    let Some(Event::Closed(Error::LoggedOut { ret: Ret::OK, .. })) = bot.next_event() else {
        panic!()
    };
    assert_eq!(next(&mut bot), "none");
    place.assert_no_violations();
}

on_all_wires! {
    saved_by_policy in super::world();
    end_is_saved in super::world();
    every_event in super::world();
}
