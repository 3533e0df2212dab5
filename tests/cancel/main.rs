//! Futures of the async adapter, dropped after each number of polls: nothing is lost, nothing is done
//! twice, and the next call goes on as the documentation says.
//!
//! Each operation is begun as often as it has polls, each time in a world of its own, and dropped one
//! poll later than before. Between two polls the service has done one thing: it was reached, it was
//! sent the request, it has answered, some more of the reply has come. What became of it is in the
//! world's ledger.

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

use crate::run::Place;

/// A world with a login, and the session that was stored of it.
pub(crate) struct Start {
    world: World,
    pub(crate) stored: String,
    pub(crate) directory: Directory,
    /// Of the one message that it sent.
    pub(crate) receipt: Receipt,
    /// A picture that can be previewed.
    pub(crate) preview: String,
}

/// A link that the service knows.
pub(crate) const LINK: &str = "http://a.example/b";

impl Start {
    /// The same place, another time.
    pub(crate) fn place(&self) -> Place {
        Place::new(self.world.clone())
    }

    /// Whoever has this name.
    pub(crate) fn named(&self, name: &str) -> UserName {
        let found = self.world.contacts().iter().find(|contact| contact.nick_name == name);
        found.unwrap().user_name.parse().unwrap()
    }
}

/// Friends, a stranger, a room, a file that was uploaded; logged in, and nothing to hear.
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

/// A login that was dropped leaves the device to the next one.
#[test]
fn a_login_begins_again() {
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
        logs_in(place.world().clone(), &mut device, 2 * polls + 1, Client::login);
    }
    // It was dropped in each of its steps.
    assert_eq!(seen.len(), 6, "{seen:?}");
}

/// The same of a login without a code.
#[test]
fn a_login_of_a_known_device_begins_again() {
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
        logs_in(place.world().clone(), &mut device, 2 * polls + 1, Client::login_again);
    }
}

/// Logs the device in, in what became of a world, and uses the session.
fn logs_in(
    world: World,
    device: &mut Device,
    seed: usize,
    login: impl AsyncFnOnce(&Transport, &mut Device, fn(Progress)) -> Result<Client, Error>,
) {
    let place = Place::new(world);
    place.confirms();
    let client = place.finish(login(&place.transport(seed), device, |_| {})).unwrap();
    let directory = place.finish(client.contacts()).unwrap();
    assert!(directory.len() >= 7);
    place.assert_clean();
}

/// Loading contacts begins again, and ends with all of them.
#[test]
fn contacts_are_loaded_again() {
    for polls in 0.. {
        let place = START.place();
        let client = place.resume(&START.stored, polls + 1);
        let dropped = place.poll(polls, client.contacts());
        let known = client.directory().len();
        let directory = match dropped {
            Some(directory) => directory.unwrap(),
            None => place.finish(client.contacts()).unwrap(),
        };
        // What came before it was dropped is known.
        assert!(directory.len() >= known);
        let names = |directory: &Directory| -> Vec<UserName> {
            directory.iter().map(|contact| contact.user_name.clone()).collect()
        };
        assert_eq!(names(&directory), names(&START.directory));
        place.assert_clean();
        if place.asked("webwxgetcontact") == 4 && polls > 20 {
            break;
        }
    }
}
