//! Futures of the async adapter, dropped after each possible number of polls: no message is lost,
//! no operation runs twice, and the next call continues as documented.
//!
//! Each operation is started once for each number of polls it needs, each time in its own world,
//! and dropped one poll later than before. Between two polls the service makes one step: it accepts
//! the connection, receives the request, answers, or sends a part of the response. The world's
//! records show the effects.

mod calls;
mod run;
mod streams;

use std::collections::BTreeSet;
use std::sync::LazyLock;

use wechat_proto::contact::Directory;
use wechat_proto::login::Progress;
use wechat_proto::message::{Receipt, SendText};
use wechat_proto::{Device, Error, UserName};
use wechat_simulator::{Judgement, World};
use wechat_transport_hyper::{Client, Transport};

use self::run::Place;
use crate::wire::named;

/// A world with a login, and the stored session.
pub(crate) struct Start {
    world: World,
    pub(crate) stored: String,
    pub(crate) directory: Directory,
    /// The receipt of the one message that was sent.
    pub(crate) receipt: Receipt,
    /// The id of a picture that can be previewed.
    pub(crate) preview: String,
}

/// A link that the service can check.
pub(crate) const LINK: &str = "http://a.example/b";

impl Start {
    /// Returns a new place with a copy of the world.
    pub(crate) fn place(&self) -> Place {
        Place::new(self.world.clone())
    }

    /// Returns the user name of the contact with this nickname.
    pub(crate) fn named(&self, name: &str) -> UserName {
        named(&self.world, name).parse().unwrap()
    }
}

/// A logged-in account with friends, a stranger, a room and an uploaded picture, without pending
/// messages.
pub(crate) static START: LazyLock<Start> = LazyLock::new(|| {
    let place = Place::new(people());
    place.confirms();
    let mut device = Device::new();
    let client = place.finish(Client::login(&place.transport(0), &mut device, |_| {})).unwrap();
    let directory = place.finish(client.contacts()).unwrap();
    let ada: UserName = place.world().contacts()[0].user_name.parse().unwrap();
    let send = client.call(SendText::new(ada.clone(), "before"));
    let receipt = place.finish(send).unwrap();
    place.assert_clean();
    let mut world = place.world().clone();
    world.judge_link(LINK, Judgement::Leads);
    let preview = world.keep_upload(b"\xff\xd8\xff\xe0a picture".as_slice());
    Start { world, stored: client.session().to_json(), directory, receipt, preview }
});

fn people() -> World {
    let mut world = World::new(23);
    world.announce_recent_chats(false);
    world.contacts_per_page(4);
    let friends: Vec<String> =
        ["Ada", "Bo", "Cai", "Dee", "Eli", "Fay"].map(|name| world.add_person(name)).into();
    world.add_stranger("Guest");
    let members: Vec<&str> = friends[..3].iter().map(String::as_str).collect();
    world.add_room("Walks", &members);
    world
}

/// After a dropped login, the device can log in again.
#[test]
fn login_restarts_after_drop() {
    let mut seen = BTreeSet::new();
    for polls in 0.. {
        let place = Place::new(people());
        place.confirms();
        let mut device = Device::new();
        let transport = place.transport(2 * polls);
        let dropped = place.poll(polls, Client::login(&transport, &mut device, |_| {}));
        if let Some(client) = dropped {
            drop(client.unwrap());
            assert!(polls > 30, "{polls}");
            break;
        }
        seen.insert(place.world().log().last().map(|logged| logged.endpoint.clone()));
        log_in(place.world().clone(), &mut device, 2 * polls + 1, Client::login);
    }
    // The login was dropped in each of its steps.
    assert_eq!(seen.len(), 6, "{seen:?}");
}

/// After a dropped login without a QR code, the device can log in again.
#[test]
fn login_of_known_device_restarts_after_drop() {
    for polls in 0.. {
        let place = START.place();
        place.confirms();
        let mut device = wechat_proto::Session::from_json(&START.stored).unwrap().into_device();
        let transport = place.transport(2 * polls);
        let login = Client::login_again(&transport, &mut device, |_| {});
        if let Some(client) = place.poll(polls, login) {
            drop(client.unwrap());
            assert!(polls > 20, "{polls}");
            break;
        }
        log_in(place.world().clone(), &mut device, 2 * polls + 1, Client::login_again);
    }
}

/// Logs in the device in a copy of the world and uses the session.
fn log_in(
    world: World,
    device: &mut Device,
    seed: usize,
    login: impl AsyncFnOnce(&Transport, &mut Device, fn(&Progress)) -> Result<Client, Error>,
) {
    let place = Place::new(world);
    place.confirms();
    let client = place.finish(login(&place.transport(seed), device, |_| {})).unwrap();
    let directory = place.finish(client.contacts()).unwrap();
    assert!(directory.len() >= 7);
    place.assert_clean();
}

/// After a dropped load, a new one returns all contacts.
#[test]
fn contacts_reload_after_drop() {
    for polls in 0.. {
        let place = START.place();
        let client = place.resume(&START.stored, polls + 1);
        let dropped = place.poll(polls, client.contacts());
        let known = client.directory().len();
        let directory = match dropped {
            Some(directory) => directory.unwrap(),
            None => place.finish(client.contacts()).unwrap(),
        };
        // Contacts loaded before the drop remain known.
        assert!(directory.len() >= known);
        let names = |directory: &Directory| -> Vec<UserName> {
            directory.iter().map(|contact| contact.user_name.clone()).collect()
        };
        assert_eq!(names(&directory), names(&START.directory));
        place.assert_clean();
        if place.requests("webwxgetcontact") == 4 && polls > 20 {
            break;
        }
    }
}
