//! Test data and contact loading, shared by the benchmarks.

use bytes::Bytes;
use wechat_proto::contact::LoadContacts;
use wechat_proto::flow::{Request, Response};
use wechat_proto::{Account, Flow, Input, Interrupt, Session, Timestamp};

/// Returns a stored session with invented values.
pub(crate) fn session() -> Session {
    Session::from_json(include_str!("session.json")).unwrap()
}

/// Returns a fixed time.
pub(crate) fn now() -> Timestamp {
    Timestamp::from_millis(1_476_606_163_580)
}

/// Loads the address book from the response `contacts` and the rooms from the response `rooms`.
pub(crate) fn load(account: &mut Account, contacts: &Bytes, rooms: &Bytes) {
    let mut flow = LoadContacts::new();
    loop {
        match flow.poll(account, now()) {
            Ok(()) => return,
            Err(Interrupt::Send(request)) => {
                let body = if is_contact_list(&request) { contacts } else { rooms };
                flow.handle(Input::Reply(Ok(Response::new(body.clone()))));
            }
            Err(Interrupt::Sleep(_)) => {}
            Err(other) => panic!("{other:?}"),
        }
    }
}

fn is_contact_list(request: &Request) -> bool {
    request.http.uri().path().ends_with("/webwxgetcontact")
}
