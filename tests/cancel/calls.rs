//! Single calls: those that only ask are asked again, those that change something never unseen.

use std::collections::BTreeSet;

use wechat_proto::contact::{batch, list, pin, remark, search, verify};
use wechat_proto::login::logout;
use wechat_proto::media::preview;
use wechat_proto::message::{notify, revoke, send_emoticon, send_text};
use wechat_proto::report::{self, Kind, Report};
use wechat_proto::room::{Founders, Members, create, update};
use wechat_proto::{Call, Error, Session, Timestamp, feedback, link};

use crate::{LINK, START};

/// Drops a call that must not be made twice after each number of polls, and polls it again.
fn once<T>(build: impl Fn(&mut Session, Timestamp) -> Call<T>) {
    let mut arrived = BTreeSet::new();
    for polls in 0.. {
        let place = START.place();
        let client = place.resume(&START.stored, polls + 1);
        let mut call = client.build(&build);
        let endpoint = endpoint(&call);
        let before = place.asked(&endpoint);
        let first = place.poll(polls, client.run(&mut call));
        let came = place.asked(&endpoint) - before;
        let again = place.finish(client.run(&mut call)).map(drop);
        place.assert_clean();
        let came_again = place.asked(&endpoint) - before - came;
        if polls == 0 {
            // Nothing had begun.
            assert!(again.is_ok(), "{again:?}");
            assert_eq!((came, came_again), (0, 1));
            continue;
        }
        assert!(matches!(again, Err(Error::Unanswered(None))), "{polls}: {again:?}");
        assert_eq!(came_again, 0, "sent once, whatever became of it");
        arrived.insert(came);
        if let Some(first) = first {
            assert!(first.is_ok(), "{:?}", first.err());
            break;
        }
    }
    assert_eq!(arrived, BTreeSet::from([0, 1]), "dropped before and after it arrived");
}

/// Drops a call that only asks, or says the same when it is repeated, and makes it again.
fn again<T>(build: impl Fn(&mut Session, Timestamp) -> Call<T>) {
    let mut arrived = BTreeSet::new();
    for polls in 0.. {
        let place = START.place();
        let client = place.resume(&START.stored, polls + 1);
        let mut call = client.build(&build);
        let endpoint = endpoint(&call);
        let before = place.asked(&endpoint);
        if let Some(first) = place.poll(polls, client.run(&mut call)) {
            assert!(first.is_ok(), "{:?}", first.err());
            break;
        }
        arrived.insert(place.asked(&endpoint) - before);
        let again = place.finish(client.run(&mut call)).map(drop);
        assert!(again.is_ok(), "{polls}: {again:?}");
        place.assert_clean();
    }
    assert_eq!(arrived, BTreeSet::from([0, 1]), "dropped before and after it arrived");
}

fn endpoint<T>(call: &Call<T>) -> String {
    call.http().uri().path().rsplit('/').next().unwrap().to_owned()
}

/// Threat S9.
#[test]
fn sends_are_not_repeated() {
    let (to, md5) = (START.named("Ada"), "a0c4153e43c3fd2e9a2fbb9be2f4de07".parse().unwrap());
    once(|session, now| send_text::request(session, &to, "x", now));
    once(|session, now| send_emoticon::known(session, &to, &md5, now));
}

/// Threat S9.
#[test]
fn changes_are_not_repeated() {
    let (ada, guest, room) = (START.named("Ada"), START.named("Guest"), START.named("Walks"));
    once(|session, now| verify::add(session, &guest, "hello", now));
    once(|session, now| feedback::request(session, "small", now));
    once(|session, _| revoke::request(session, &ada, &START.receipt));
    let people = [ada.clone(), START.named("Bo")];
    once(|session, now| {
        let founders = Founders::new(people.clone(), &session.me().user_name).unwrap();
        create::request(session, &founders, "Books", now)
    });
    let members = |name| Members::new([START.named(name)]).unwrap();
    once(|session, _| update::add(session, &room, &members("Dee")));
    once(|session, _| update::rename(session, &room, "Hikes"));
    once(|session, _| update::quit(session, &room));
}

/// Threat S9: the caller repeats a send under its number, and it arrives once.
#[test]
fn a_send_is_repeated_by_its_number() {
    let to = START.named("Ada");
    for polls in 1.. {
        let place = START.place();
        let client = place.resume(&START.stored, polls + 1);
        let id = client.build(Session::next_client_msg_id);
        let mut call = client.build(|session, _| send_text::again(session, &to, "x", id));
        let first = place.poll(polls, client.run(&mut call));
        if first.is_none() {
            let again = client.call(|session, _| send_text::again(session, &to, "x", id));
            place.finish(again).unwrap();
        }
        let world = place.world();
        let [_, sent] = world.sent() else { panic!("{:?}", world.sent()) };
        assert!(sent.repeats <= 1);
        assert!(world.violations().is_empty(), "{:?}", world.violations());
        if first.is_some() {
            break;
        }
    }
}

/// Threat S9: what was built for a future that is gone is gone; it was made once, or not at all.
#[test]
fn a_call_that_is_dropped_was_made_once_or_not() {
    let to = START.named("Ada");
    let mut sent = BTreeSet::new();
    for polls in 0.. {
        let place = START.place();
        let client = place.resume(&START.stored, polls + 1);
        let call = client.call(|session, now| send_text::request(session, &to, "x", now));
        let done = place.poll(polls, call);
        // Another call goes on as if nothing had been.
        place.finish(client.call(|session, now| notify::enter(session, &to, now))).unwrap();
        place.assert_clean();
        sent.insert(place.world().sent().len() - 1);
        if done.is_some() {
            break;
        }
    }
    assert_eq!(sent, BTreeSet::from([0, 1]));
}

#[test]
fn what_only_asks_is_asked_again() {
    let ada = START.named("Ada");
    again(|session, now| list::request(session, 0, now));
    again(|session, now| batch::request(session, std::slice::from_ref(&ada), now));
    again(|session, _| search::request(session, "Guest"));
    again(|session, now| {
        let reports = [Report::new(Kind::SendError, "\"x\"").unwrap()];
        report::request(session, &reports, now)
    });
    again(|session, now| link::request(session, &LINK.parse().unwrap(), now));
    again(|session, now| preview::request(session, &START.preview.parse().unwrap(), now));
}

#[test]
fn what_says_the_same_twice_is_said_again() {
    let ada = START.named("Ada");
    again(|session, now| notify::mark_read(session, &ada, now));
    again(|session, now| notify::enter(session, &ada, now));
    again(|session, now| notify::leave(session, &ada, now));
    again(|session, _| remark::request(session, &ada, &"A".parse().unwrap()));
    let contact = START.directory.find(&ada).unwrap();
    again(|session, _| pin::request(session, contact, true));
    again(logout::request);
}
