//! Cases that apply replies to an account.

use std::hint::black_box;
use std::time::Duration;

use bytes::Bytes;
use serde_json::json;
use wechat_proto::contact::GetContacts;
use wechat_proto::sync::{FetchBatch, Inbox};
use wechat_proto::{Account, Endpoint as _, Flow as _, Input, Interrupt};

use crate::cases::{join_items, message, page, record, response, room};
use crate::shared::{self, now, session};

/// Loads a page of contacts.
pub(crate) fn load(account: &mut Account, page: &Bytes) {
    shared::load(account, page, &Bytes::from_static(b"{\"BaseResponse\":{\"Ret\":0}}"));
}

/// Loads `n` contacts, `again` into an account that already contains them.
pub(crate) fn load_contacts(n: usize, again: bool) -> Box<dyn FnMut()> {
    let body: Bytes = page("MemberList", n, &record).into();
    let mut account = Account::from(session());
    load(&mut account, &body);
    Box::new(move || {
        if !again {
            account = Account::from(session());
        }
        load(&mut account, &body);
    })
}

/// Loads a room of `n` members, alternating between two lists that differ in one member.
pub(crate) fn load_members(n: usize) -> Box<dyn FnMut()> {
    let bodies: [Bytes; 2] =
        [0, 1].map(|by| page("MemberList", 1, &|_| room(0, n, &|n| n + by)).into());
    let mut account = Account::from(session());
    let mut run = 0;
    Box::new(move || {
        run += 1;
        load(&mut account, &bodies[run % 2]);
    })
}

/// Receives a batch that changes or removes `n` contacts.
pub(crate) fn change_contacts(n: usize, list: &str) -> Box<dyn FnMut()> {
    receive(n, batch(list, &join_items(n, &record), r#"{"MsgId":"NUMBER","FromUserName":"@1"}"#), 1)
}

/// Returns a batch with `n` removed contacts and a message of each of them.
pub(crate) fn messages_of_removed(n: usize) -> String {
    let messages = join_items(n, &|n| {
        let from = format!("@{:064x}", n * 0x9e37_79b9);
        json!({ "MsgId": format!("NUMBER{n}"), "FromUserName": from }).to_string()
    });
    batch("DelContactList", &join_items(n, &record), &messages)
}

fn batch(list: &str, changes: &str, messages: &str) -> String {
    format!(
        "{{\"BaseResponse\":{{\"Ret\":0}},\"{list}\":[{changes}],\"AddMsgList\":[{messages}],\"SyncKey\":{{\"Count\":1,\"List\":[{{\"Key\":1,\"Val\":1}}]}}}}"
    )
}

/// Returns a list with the member of number `n`.
pub(crate) fn members_of_room(n: usize, nick_name: &str) -> String {
    let name = n * 0x9e37_79b9;
    format!("\"MemberList\":[{{\"UserName\":\"@{name:064x}\",\"NickName\":\"{nick_name}\"}}]")
}

/// The number of rooms. Together, even the smallest exceed the caches of a core, so that their
/// effect is not measured.
const ROOMS: usize = 32;

/// Receives a batch with `n` records of rooms of `n` members.
pub(crate) fn change_room(
    n: usize,
    list: &str,
    fields: &dyn Fn(usize) -> String,
) -> Box<dyn FnMut()> {
    let records = join_items(n, &|n| format!("{{\"UserName\":\"@@{}\",{}}}", n % ROOMS, fields(n)));
    receive_in(
        account_in_rooms(n),
        batch(list, &records, r#"{"MsgId":"NUMBER","FromUserName":"@1"}"#),
        1,
    )
}

/// Receives a batch with `n` messages of rooms of `n` members.
pub(crate) fn messages_of_a_room(n: usize) -> Box<dyn FnMut()> {
    let messages = join_items(n, &|n| {
        let content = format!("@{:064x}:<br/>a", n * 0x9e37_79b9);
        json!({ "MsgId": format!("NUMBER{n}"), "FromUserName": format!("@@{}", n % ROOMS), "Content": content })
            .to_string()
    });
    receive_in(account_in_rooms(n), batch("ModContactList", "", &messages), n)
}

/// Loads the same contacts, in `n` pages of 20 each.
pub(crate) fn load_pages(n: usize) -> Box<dyn FnMut()> {
    let pages: Vec<Bytes> = (0..n)
        .map(|page| {
            let records = join_items(20, &|n| record(page * 20 + n));
            format!("{{\"BaseResponse\":{{\"Ret\":0}},\"MemberList\":[{records}],\"Seq\":{page}}}")
                .into()
        })
        .collect();
    Box::new(move || {
        let mut account = Account::from(session());
        for page in &pages {
            let contacts = GetContacts::new().parse(&response(page.clone())).unwrap().contacts;
            account.learn(black_box(contacts));
        }
    })
}

/// Acknowledges `n` messages of one batch, and stores the session after each.
pub(crate) fn stores(n: usize) -> Box<dyn FnMut()> {
    let (mut session, mut fetch) = (session(), FetchBatch::new());
    let uri = fetch.request(&mut session, now()).uri().clone();
    let response = response(page("AddMsgList", STORED + n, &|n| message(n + 1)));
    let batch = fetch.receive(&mut session, &uri, &response, now()).expect("a batch");
    let mut messages = session.apply(batch);
    // The maximum number of stored ids.
    messages.drain(..STORED).for_each(|message| session.acknowledge(&message));
    Box::new(move || {
        let mut session = session.clone();
        for message in &messages {
            session.acknowledge(message);
            black_box(session.to_json());
        }
    })
}

/// The maximum number of stored ids of a batch.
const STORED: usize = 512;

/// Returns an account with rooms of `n` members.
fn account_in_rooms(n: usize) -> Account {
    let mut account = Account::from(session());
    load(&mut account, &page("MemberList", ROOMS, &|name| room(name, n, &|n| n)).into());
    account
}

/// Receives a batch of new messages with `n` contacts loaded.
pub(crate) fn receive(n: usize, batch: String, messages: usize) -> Box<dyn FnMut()> {
    let contacts: Bytes = page("MemberList", n, &record).into();
    let mut account = Account::from(session());
    load(&mut account, &contacts);
    receive_in(account, batch, messages)
}

/// Receives a batch of new messages. Each run replaces `NUMBER` in the batch with a new message ID.
fn receive_in(mut account: Account, batch: String, messages: usize) -> Box<dyn FnMut()> {
    let mut inbox = Inbox::new();
    let (mut clock, mut id) = (now(), 0);
    Box::new(move || {
        id += 1;
        let body: Bytes = batch.replace("NUMBER", &id.to_string()).into();
        let mut received = 0;
        while received < messages {
            match inbox.poll(&mut account, clock) {
                Ok(_) => received += 1,
                Err(Interrupt::Send(request)) => {
                    clock = clock.after(Duration::from_secs(3));
                    let path = request.http.uri().path();
                    let body = if path.ends_with("/synccheck") {
                        Bytes::from_static(b"window.synccheck={retcode:\"0\",selector:\"2\"}")
                    } else if path.ends_with("/webwxsync") {
                        body.clone()
                    } else {
                        Bytes::from_static(b"{\"BaseResponse\":{\"Ret\":0}}")
                    };
                    inbox.handle(Input::Reply(Ok(response(body))));
                }
                Err(Interrupt::Sleep(time)) => clock = clock.after(time),
                Err(other) => panic!("{other:?}"),
            }
        }
    })
}
