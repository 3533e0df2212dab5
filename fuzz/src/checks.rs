//! Checks of the parsers of endpoints.

use std::fmt::Debug;

use serde_json::Value;
use serde_json::value::RawValue;
use wechat_proto::endpoint::{Endpoint, Repeat};
use wechat_proto::error::Error;
use wechat_proto::link::CheckLink;
use wechat_proto::login::{InitSession, RedeemTicket, Redeemed};
use wechat_proto::message::{ForwardMessage, Kind, Message};
use wechat_proto::room::CreateRoom;
use wechat_proto::sync::FetchBatch;
use wechat_proto::{Account, UserName};

use super::make::Make;
use super::{NOW, account, me, reply};

/// Checks nothing, because another row parses the same replies.
pub(crate) fn other<E>(_: &[u8], _: Make<E>) {}

/// Checks that parsing is deterministic, that unusual statuses are errors, and that errors have a
/// bounded length. For a request that must not be repeated, everything except its own reply must be
/// [`Error::Unanswered`].
pub(crate) fn parsed<E>(bytes: &[u8], make: Make<E>)
where
    E: Endpoint,
    E::Output: Debug,
    Account: AsMut<E::State>,
{
    let mut account = account();
    let mut endpoint = make.value(&mut account);
    let mut reply = reply(bytes);
    let read = endpoint.parse(&reply);
    assert_eq!(format!("{read:?}"), format!("{:?}", endpoint.parse(&reply)));
    if let Err(error) = &read {
        is_short(error);
    }
    let uri = endpoint.request(account.as_mut(), NOW).uri().clone();
    if E::REPEAT == Repeat::Once {
        let received = endpoint.receive(account.as_mut(), &uri, &reply, NOW);
        let is_reply = matches!(
            read,
            Ok(_)
                | Err(Error::Refused { .. }
                    | Error::ServiceFailed { .. }
                    | Error::Limited { .. }
                    | Error::LoggedOut { .. })
        );
        assert_eq!(matches!(received, Err(Error::Unanswered { .. })), !is_reply);
    }
    for status in [204, 302, 403, 502] {
        *reply.status_mut() = http::StatusCode::from_u16(status).unwrap_or_default();
        match endpoint.parse(&reply) {
            // A logout accepts any status below 400.
            Ok(_) => assert!(status < 400, "{status}"),
            Err(error) => is_short(&error),
        }
    }
}

/// Checks the same as [`parsed`] for a JSON reply. Its formatting, a byte-order mark and
/// surrounding white space must not change the result; the last of repeated fields wins.
pub(crate) fn json<E>(bytes: &[u8], make: Make<E>)
where
    E: Endpoint,
    E::Output: Debug,
    Account: AsMut<E::State>,
{
    parsed(bytes, make);
    let endpoint = make.value(&mut account());
    if let Ok(Value::Object(object)) = serde_json::from_slice::<Value>(bytes) {
        let read = format!("{:?}", endpoint.parse(&reply(bytes)));
        let again = format!("\u{feff}{:#}\n \r\n", Value::Object(object));
        assert_eq!(format!("{:?}", endpoint.parse(&reply(again.as_bytes()))), read);
        // Trailing text makes a reply malformed.
        let trailing = format!("{again}x");
        let trailing = endpoint.parse(&reply(trailing.as_bytes()));
        assert!(matches!(trailing, Err(Error::Malformed { .. })), "{trailing:?} of {again}x");
    }
}

pub(crate) fn is_short(error: &Error) {
    // At most 500 characters of the server's text, plus the sentence around them.
    assert!(error.to_string().chars().count() < 800, "{error}");
    assert!(format!("{error:?}").chars().count() < 10_000, "{error:?}");
}

/// Checks that accepted credentials can be sent and are never shown.
pub(crate) fn newloginpage(bytes: &[u8], make: Make<RedeemTicket>) {
    parsed(bytes, make);
    let mut account = account();
    match make.value(&mut account).parse(&reply(bytes)) {
        // A malformed page is not quoted: it may contain credentials.
        Err(Error::Malformed { found, .. }) => assert!(found.len() < 100, "{found}"),
        Ok(Redeemed::Credentials(credentials)) => {
            let shown = format!("{credentials:?}");
            assert_eq!(shown, "Credentials { uin, sid, skey, pass_ticket: [redacted] }");
            let mut init = InitSession::new(credentials);
            drop(init.request(account.as_mut(), NOW));
        }
        _ => {}
    }
}

/// Parses the bytes as a body, and as the target of a redirect.
pub(crate) fn webwxcheckurl(bytes: &[u8], make: Make<CheckLink>) {
    parsed(bytes, make);
    let mut moved = reply(b"");
    *moved.status_mut() = http::StatusCode::FOUND;
    if let Ok(to) = http::HeaderValue::from_bytes(bytes) {
        moved.headers_mut().insert(http::header::LOCATION, to);
    }
    if let Err(error) = make.value(&mut account()).parse(&moved) {
        is_short(&error);
    }
}

/// Checks that each message has its raw JSON, alone and in its batch, and that each can be forwarded
/// or is refused.
pub(crate) fn webwxsync(bytes: &[u8], make: Make<FetchBatch>) {
    parsed(bytes, make);
    let me = me();
    let Ok(batch) = make.value(&mut account()).parse(&reply(bytes)) else { return };
    assert!(batch.sync_key.as_ref().is_none_or(|key| !key.is_empty()));
    for message in batch.messages(&me) {
        let raw = message.raw.json().to_string();
        // All strings of the raw JSON can be decoded, but numbers may be out of range. A message
        // that cannot be repaired has the received text.
        let read = serde_json::from_str::<Value>(&raw);
        let numbers = serde_json::from_str::<&RawValue>(&raw);
        let is_malformed =
            matches!(message.kind, Kind::Unreadable { reason, .. } if reason.contains("JSON"));
        let is_json = read.is_ok() || numbers.is_ok() && raw.contains(['e', 'E']);
        assert!(is_json || is_malformed, "{raw:?}");
        if let Ok(mut forward) = ForwardMessage::new(&message, UserName::file_helper()) {
            assert!(!forward.request(account().session_mut(), NOW).body().is_empty());
        }
        let (id, kind) = (message.id.clone(), message.kind.clone());
        let _ = (message.peer(), message.author(), message.text());
        // The message is the same if it is parsed alone.
        if let Ok(again) = Message::from_json(&raw, &me) {
            assert_eq!((&again.id, &again.kind, &again.speaker), (&id, &kind, &message.speaker));
        }
    }
}

/// Checks that a created room has a name.
pub(crate) fn webwxcreatechatroom(bytes: &[u8], make: Make<CreateRoom>) {
    json(bytes, make);
    if let Ok(created) = make.value(&mut account()).parse(&reply(bytes)) {
        assert!(!created.room.as_str().is_empty());
    }
}
