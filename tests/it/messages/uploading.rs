//! Files that their sender is still uploading, and the messages that complete them.

use wechat_proto::media::{GetMedia, NotFetchable};
use wechat_proto::message::app::{AppContent, File};
use wechat_proto::message::{ForwardMessage, Kind};
use wechat_proto::{Lang, Message};
use wechat_simulator::{Incoming, World};

use crate::wire::{Bot, Place, named, on_all_wires};

const NAME: &str = "预算 & <最终>.pdf";
const BYTES: &[u8] = b"%PDF-1.4 final";

/// Returns a world with a friend and a room, in each of which a file is being uploaded.
fn world() -> World {
    let mut world = World::new(74);
    let friend = world.add_person("林晓");
    let room = world.add_room("周末爬山", &[&friend]);
    world.announce_recent_chats(false);
    let placeholder = || Incoming::uploading_file(&friend, NAME, BYTES.len() as u64);
    world.deliver(placeholder());
    world.deliver(placeholder().in_room(&room));
    world
}

fn file(message: &Message) -> &File {
    let Kind::App(app) = &message.kind else { panic!("{message:?}") };
    let AppContent::File(file) = &app.content else { panic!("{app:?}") };
    file
}

/// The placeholder cannot be downloaded or forwarded. The complete file refers to it, has the same
/// name and length, and can be downloaded.
fn completed<B: Bot>(place: &Place) {
    let mut bot: B = B::confirmed(place);
    let placeholders = [(); 2].map(|()| bot.next().unwrap().unwrap());
    {
        let mut world = place.world();
        let complete = Incoming::file(&named(&world, "林晓"), NAME, BYTES);
        let [alone, in_room] = &placeholders;
        world.deliver(complete.clone().replacing(&alone.id.to_string()));
        let room = in_room.peer().as_str();
        world.deliver(complete.replacing(&in_room.id.to_string()).in_room(room));
    }
    for placeholder in placeholders {
        let complete = bot.next().unwrap().unwrap();
        assert_eq!(
            (complete.peer(), complete.author()),
            (placeholder.peer(), placeholder.author())
        );
        let (before, after) = (file(&placeholder), file(&complete));
        assert!(before.is_uploading && !before.replaces.is_usable());
        assert!(!after.is_uploading);
        assert_eq!(after.replaces, placeholder.id);
        assert_eq!((&before.name, before.length), (&after.name, after.length));
        assert_eq!((&*after.name, after.length), (NAME, BYTES.len() as u64));
        for message in [&placeholder, &complete] {
            assert_eq!(message.preview(&Lang::ZH_CN), format!("[文件] {NAME}"));
        }
        assert_eq!(GetMedia::new(&placeholder).unwrap_err(), NotFetchable::Incomplete);
        assert!(ForwardMessage::new(&placeholder, placeholder.peer().clone()).is_err());
        let (_, bytes) = bot.download(GetMedia::new(&complete).unwrap()).unwrap();
        assert_eq!(bytes, BYTES);
    }
    place.assert_no_violations();
}

on_all_wires! {
    completed in super::world();
}
