//! Malformed JSON, plain JSON, and stored sessions.

use alloc::format;
use alloc::string::String;

use serde::de::IgnoredAny;
use serde_json::Value;

use super::{PLANTED, hides_secrets};
use crate::contact::record::WireContact;
use crate::error::Error;
use crate::message::Message;
use crate::session::Session;
use crate::sync::SyncKey;
use crate::wire::json;
use crate::wire::mend::mend;
use crate::wire::repair::decode;

/// Checks that repaired text is valid and is not repaired again, that valid JSON is unchanged, and
/// that the bytes of a string do not affect other fields.
pub(super) fn repaired(bytes: &[u8]) {
    let text = decode(bytes);
    let repaired = mend(&text);
    if serde_json::from_str::<Value>(&text).is_ok() {
        assert_eq!(repaired.as_deref(), Some(text.trim()));
    } else if let Some(repaired) = repaired {
        assert!(serde_json::from_str::<IgnoredAny>(&repaired).is_ok(), "{repaired}");
        assert!(crate::wire::lenient::from_str::<WireContact>(&repaired).is_ok(), "{repaired}");
        assert_eq!(mend(&repaired).as_ref(), Some(&repaired));
    }
    // In a string of an object, the bytes are kept and do not affect the next field.
    if !bytes.contains(&b'"') && !bytes.contains(&b'\\') {
        let body =
            [b"\xef\xbb\xbf{\"UserName\":\"@a\",\"NickName\":\"", bytes, b"\"}\r\n"].concat();
        let read = json::parse::<WireContact>(&body).map(WireContact::take);
        let Ok(Some(contact)) = read else { panic!("{body:?}") };
        let plain = String::from_utf8_lossy(bytes);
        if !plain.contains(['&', '<']) {
            assert_eq!(&*contact.nick_name, &*plain);
        }
    }
}

/// Checks that the typed parse agrees with an untyped one.
pub(super) fn typed(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    // The formatting of the JSON does not matter; the last of repeated fields counts.
    let me = super::me().user_name;
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

/// Checks that a stored session is refused, or survives storage and is printed without credentials.
pub(super) fn session(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    match Session::from_json(&text) {
        Ok(mut session) => {
            let written = session.to_json();
            let mut again = Session::from_json(&written).expect("the stored form can be parsed");
            // The stored seed is that of the next generator.
            again.device.rng = session.device.rng.clone();
            assert_eq!(again.to_json(), written);
            let auth = super::account().session.auth;
            session.auth = auth;
            hides_secrets(&session, bytes);
            assert!(session.to_json().contains(PLANTED));
            let _: &SyncKey = session.next_check_key();
            // Trailing text is refused.
            assert!(Session::from_json(&format!("{text}}}")).is_err());
        }
        Err(error) => {
            assert!(matches!(error, Error::Storage(_)));
            hides_secrets(&error, bytes);
        }
    }
}
