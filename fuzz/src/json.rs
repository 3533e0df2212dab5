//! Plain JSON, and stored sessions.

use serde_json::Value;
use wechat_proto::sync::SyncCheck;
use wechat_proto::{Endpoint as _, Error, Message, Session, fuzz};

use super::{NOW, PLANTED, account, hides_secrets, me};

/// Checks that a message is parsed to the same fields after its JSON was formatted anew.
pub(crate) fn typed(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    // The formatting of the JSON does not matter; the last of repeated fields wins.
    let me = me();
    if let Ok(Value::Object(object)) = serde_json::from_str::<Value>(&text)
        && let Ok(message) = Message::from_json(&text, &me)
    {
        let again = Message::from_json(&format!("{:#}", Value::Object(object)), &me);
        let again = again.expect("the formatted JSON can be parsed");
        assert_eq!((&message.id, &message.kind), (&again.id, &again.kind));
        assert_eq!((message.from, message.to), (again.from, again.to));
        assert_eq!((message.speaker, message.sent), (again.speaker, again.sent));
    }
}

/// Returns a session as stored, without its checksum.
fn form(session: &Session) -> Value {
    let mut stored: Value = serde_json::from_str(&session.to_json()).expect("JSON");
    stored["session"].take()
}

/// Returns a session as stored, without the seed, which is that of the next generator.
pub(crate) fn stored(session: &Session) -> Value {
    let mut form = form(session);
    assert!(!form["device"]["rng"].take().is_null());
    form
}

/// Checks that a stored session is refused, or survives storage and is printed without credentials;
/// and the same input as lines of a journal.
pub(crate) fn session(bytes: &[u8]) {
    fuzz::journal(account().session(), bytes);
    let text = String::from_utf8_lossy(bytes);
    match Session::from_json(&text) {
        Ok(mut session) => {
            let again =
                Session::from_json(&session.to_json()).expect("a stored session can be parsed");
            assert_eq!(stored(&again), stored(&session));
            drop(SyncCheck::new().request(&mut session, NOW));
            let mut planted = form(&session);
            planted["auth"] = form(account().session())["auth"].take();
            let planted = Session::from_json(&planted.to_string()).expect("valid credentials");
            hides_secrets(&planted, bytes);
            assert!(planted.to_json().contains(PLANTED));
            // Trailing text is refused.
            assert!(Session::from_json(&format!("{text}}}")).is_err());
        }
        Err(error) => {
            assert!(matches!(error, Error::Storage(_)));
            hides_secrets(&error, bytes);
        }
    }
}
