//! Dropped futures of single calls. Idempotent calls are repeated; other calls are not, unless the
//! caller repeats them.

use std::collections::BTreeSet;

use wechat_proto::contact::{
    BatchGetContacts, GetContacts, PinChat, SearchContacts, SetRemark, VerifyUser,
};
use wechat_proto::feedback::SendFeedback;
use wechat_proto::link::CheckLink;
use wechat_proto::login::Logout;
use wechat_proto::media::GetPreview;
use wechat_proto::message::{EmoticonMd5, NotifyPhone, RevokeMessage, SendEmoticon, SendText};
use wechat_proto::report::{Report, ReportKind, SendReports};
use wechat_proto::room::{CreateRoom, Founders, RoomMembers, UpdateRoom};
use wechat_proto::{Account, Call, Endpoint, Error, Session, Timestamp};

use super::run::Place;
use super::{LINK, START};
use crate::wire::name_of;

/// For each number of polls, drops a call that must not be repeated and runs it again.
fn once<E: Endpoint + Clone>(endpoint: E)
where
    Account: AsMut<E::State>,
{
    let mut arrived = BTreeSet::new();
    for polls in 0.. {
        let place = START.place();
        let client = place.resume(&START.stored, polls + 1);
        let mut call = Call::new(endpoint.clone());
        let name = name_of(endpoint.clone(), client.session().into(), Timestamp::default());
        let before = place.requests(&name);
        let first = place.poll(polls, client.run(&mut call));
        let sent = place.requests(&name) - before;
        let again = place.finish(client.run(&mut call)).map(drop);
        place.assert_clean();
        let repeated = place.requests(&name) - before - sent;
        if polls == 0 {
            // The call had not started.
            assert!(again.is_ok(), "{again:?}");
            assert_eq!((sent, repeated), (0, 1));
            continue;
        }
        // If the reply had arrived before the drop, its outcome is returned.
        let is_answered = sent == 1 && first.is_none() && again.is_ok();
        let is_unanswered = matches!(again, Err(Error::Unanswered { cause: None }));
        assert!(is_answered || is_unanswered, "{polls}: {again:?}");
        assert_eq!(repeated, 0, "sent again");
        arrived.insert(sent);
        if let Some(first) = first {
            assert!(first.is_ok(), "{:?}", first.err());
            break;
        }
    }
    assert_eq!(arrived, BTreeSet::from([0, 1]), "dropped before and after it arrived");
}

/// For each number of polls, drops an idempotent call and runs it again.
fn again<E: Endpoint + Clone>(endpoint: E)
where
    Account: AsMut<E::State>,
{
    let mut arrived = BTreeSet::new();
    for polls in 0.. {
        let place = START.place();
        let client = place.resume(&START.stored, polls + 1);
        let mut call = Call::new(endpoint.clone());
        let name = name_of(endpoint.clone(), client.session().into(), Timestamp::default());
        let before = place.requests(&name);
        if let Some(first) = place.poll(polls, client.run(&mut call)) {
            assert!(first.is_ok(), "{:?}", first.err());
            break;
        }
        arrived.insert(place.requests(&name) - before);
        let again = place.finish(client.run(&mut call)).map(drop);
        assert!(again.is_ok(), "{polls}: {again:?}");
        place.assert_clean();
    }
    assert_eq!(arrived, BTreeSet::from([0, 1]), "dropped before and after it arrived");
}

/// Threat S9.
#[test]
fn sends_are_not_repeated() {
    let (to, md5) =
        (START.named("Ada"), "a0c4153e43c3fd2e9a2fbb9be2f4de07".parse::<EmoticonMd5>().unwrap());
    once(SendText::new(to.clone(), "x"));
    once(SendEmoticon::known(to.clone(), md5.clone()));
}

/// Threat S9.
#[test]
fn changes_are_not_repeated() {
    let (ada, guest, room) = (START.named("Ada"), START.named("Guest"), START.named("Walks"));
    once(VerifyUser::add(guest.clone(), "hello"));
    once(SendFeedback::new("small"));
    once(RevokeMessage::new(&START.receipt));
    let people = [ada.clone(), START.named("Bo")];
    let me = Session::from_json(&START.stored).unwrap().me().user_name.clone();
    once(CreateRoom::new(Founders::new(people, &me).unwrap(), "Books"));
    let members = |name| RoomMembers::new([START.named(name)]).unwrap();
    once(UpdateRoom::add(room.clone(), members("Dee")));
    once(UpdateRoom::rename(room.clone(), "Hikes"));
    once(UpdateRoom::quit(room.clone()));
}

/// Asserts that one message arrived and was sent at most twice.
fn assert_one_message(place: &Place) {
    let world = place.world();
    let [_, sent] = world.sent() else { panic!("{:?}", world.sent()) };
    assert!(sent.repeats <= 1);
    assert!(world.violations().is_empty(), "{:?}", world.violations());
}

/// Threat S9: the value of a send outlives the dropped future; if it is used again, it repeats the
/// send with its id, and one message arrives.
#[test]
fn reused_send_is_one_message() {
    let to = START.named("Ada");
    for polls in 0.. {
        let place = START.place();
        let client = place.resume(&START.stored, polls + 1);
        let mut send = SendText::new(to.clone(), "x");
        let first = place.poll(polls, client.call(&mut send));
        assert_eq!(send.id().is_none(), first.is_some() || polls == 0);
        if first.is_none() {
            place.finish(client.call(&mut send)).unwrap();
        }
        assert_one_message(&place);
        if first.is_some() {
            break;
        }
    }
}

/// Threat S9: two values with the same id are one message.
#[test]
fn sends_with_one_id_are_one_message() {
    let to = START.named("Ada");
    for polls in 1.. {
        let place = START.place();
        let client = place.resume(&START.stored, polls + 1);
        let id = client.next_client_msg_id();
        let send = || SendText::new(to.clone(), "x").with_id(id);
        let first = place.poll(polls, client.call(send()));
        if first.is_none() {
            place.finish(client.call(send())).unwrap();
        }
        assert_one_message(&place);
        if first.is_some() {
            break;
        }
    }
}

/// Threat S9: a dropped call whose value is lost was sent at most once.
#[test]
fn dropped_call_is_sent_at_most_once() {
    let to = START.named("Ada");
    let mut sent = BTreeSet::new();
    for polls in 0.. {
        let place = START.place();
        let client = place.resume(&START.stored, polls + 1);
        let call = client.call(SendText::new(to.clone(), "x"));
        let done = place.poll(polls, call);
        // Another call is unaffected.
        place.finish(client.call(NotifyPhone::enter_chat(to.clone()))).unwrap();
        place.assert_clean();
        sent.insert(place.world().sent().len() - 1);
        if done.is_some() {
            break;
        }
    }
    assert_eq!(sent, BTreeSet::from([0, 1]));
}

#[test]
fn repeatable_calls_are_repeated() {
    let ada = START.named("Ada");
    again(GetContacts::new());
    again(BatchGetContacts::new(std::slice::from_ref(&ada)));
    again(SearchContacts::new("Guest"));
    again(SendReports::new(vec![Report::new(ReportKind::SendError, "\"x\"").unwrap()]));
    again(CheckLink::new(LINK).unwrap());
    again(GetPreview::new(&START.preview).unwrap());
}

#[test]
fn idempotent_changes_are_repeated() {
    let ada = START.named("Ada");
    again(NotifyPhone::mark_read(ada.clone()));
    again(NotifyPhone::enter_chat(ada.clone()));
    again(NotifyPhone::leave_chat(ada.clone()));
    again(SetRemark::new(ada.clone(), "A".parse().unwrap()));
    let contact = START.directory.find(&ada).unwrap();
    again(PinChat::new(contact, true));
    again(Logout::new());
}
