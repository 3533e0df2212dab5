//! The list of recent chats after a login, and the originals of revoked messages.

use wechat_proto::Message;
use wechat_proto::login::Logout;
use wechat_proto::message::{Kind, StatusCode};
use wechat_simulator::{Incoming, World};

use crate::wire::{Bot, Place, named, on_all_wires};

/// Returns a world with two friends and a room.
fn world() -> World {
    let mut world = World::new(2024);
    world.add_special("filehelper", "文件传输助手");
    let xiao = world.add_person("林晓 😄");
    let mei = world.add_person("阿梅");
    world.add_room("周末爬山", &[&xiao, &mei]);
    world
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
    let mut bot = B::confirmed(place);
    let Kind::Status(status) = bot.next().unwrap().unwrap().kind else { panic!() };
    assert_eq!(status.code, StatusCode::RECENT);
    let world = place.world();
    assert_eq!(status.pairs().count(), 4);
    for (name, id) in status.pairs() {
        assert_eq!(id, world.contact(name.as_str()).unwrap().permanent);
    }
    drop(world);
    place.assert_no_violations();
}

/// Remembers as many messages as requested, and no more.
fn memory_is_bounded<B: Bot>(place: &Place) {
    for (kept, found) in
        [(0, [None, None]), (1, [None, Some("two")]), (2, [Some("one"), Some("two")])]
    {
        let mut bot = B::confirmed(place);
        bot.remember(kept);
        {
            let mut world = place.world();
            let xiao = named(&world, "林晓");
            let ids = ["one", "two"].map(|text| world.person_writes(&xiao, text));
            for id in ids {
                world.deliver(Incoming::revocation(&xiao, &id, ""));
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

on_all_wires! {
    recent_chats in super::world();
    memory_is_bounded in super::world();
}
