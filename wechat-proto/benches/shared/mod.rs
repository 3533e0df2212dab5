//! An account and its contacts.

use bytes::Bytes;
use wechat_proto::contact::LoadContacts;
use wechat_proto::flow::{Request, Response};
use wechat_proto::{Account, Flow, Input, Interrupt, Session, Timestamp};

/// A stored session, invented.
pub(crate) fn session() -> Session {
    Session::from_json(include_str!("session.json")).unwrap()
}

pub(crate) fn now() -> Timestamp {
    Timestamp::from_millis(1_476_606_163_580)
}

/// Loads the address book from the response `listed`, and the rooms from the response `batched`.
pub(crate) fn load(account: &mut Account, listed: &Bytes, batched: &Bytes) {
    let mut flow = LoadContacts::new();
    loop {
        match flow.poll(account, now()) {
            Ok(()) => return,
            Err(Interrupt::Send(request)) => {
                let body = if is_list(&request) { listed } else { batched };
                flow.handle(Input::Reply(Ok(Response::new(body.clone()))));
            }
            Err(other) => panic!("{other:?}"),
        }
    }
}

fn is_list(request: &Request) -> bool {
    request.http.uri().path().ends_with("/webwxgetcontact")
}
