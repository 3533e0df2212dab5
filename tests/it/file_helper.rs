//! The file-transfer page: `docs/protocol.md` §15.

use wechat_proto::message::SendUpload;
use wechat_proto::{Entry, UserName};

use crate::entries::file_helper_world as world;
use crate::uploads::{bytes, upload_arrives};
use crate::wire::{Bot, Hyper, Memory, Place, Ureq, on_all_wires};

fn login<B: Bot>(place: &Place) -> B {
    place.confirm_login();
    B::login_on(place, &mut place.device().with_entry(Entry::file_helper()), drop).unwrap()
}

/// Uploads a file of this length and sends it to the phone.
fn send_file<B: Bot>(place: &Place, length: usize) {
    let mut bot: B = login(place);
    place.simulator.world().keep_uploads(0);
    let uploaded = upload_arrives(place, &mut bot, "大.zip", &bytes(length));
    let receipt = bot.call(SendUpload::new(UserName::file_helper(), &uploaded)).unwrap();
    let world = place.simulator.world();
    assert_eq!(world.sent().last().unwrap().msg_id, receipt.msg_id.as_str());
    assert_eq!(world.violations(), []);
}

fn file_of_two_pieces<B: Bot>(place: &Place) {
    send_file::<B>(place, 600_000);
}

on_all_wires! {
    file_of_two_pieces in super::world();
}

/// On fewer wires to save time.
#[test]
fn file_of_26_mb_arrives() {
    send_file::<Memory>(&Place::memory(world()), 26_000_000);
    send_file::<Ureq>(&Place::http(world()), 26_000_000);
    send_file::<Hyper>(&Place::http(world()), 26_000_000);
}
