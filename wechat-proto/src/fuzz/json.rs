//! Spoiled JSON, plain JSON, and what is stored.

use alloc::format;
use alloc::string::String;

use serde_json::Value;

use super::{PLANTED, hides_secrets};
use crate::contact::record::WireContact;
use crate::error::Error;
use crate::message::Message;
use crate::session::Session;
use crate::sync::SyncKey;
use crate::wire::json;
use crate::wire::lenient::{Int, List};
use crate::wire::reader::Reader;
use crate::wire::repair::repair;

/// Mending ends: what was mended is sound, and what is sound is not touched.
pub(super) fn mended(bytes: &[u8]) {
    let once = repair(bytes);
    assert_eq!(once, repair(once.as_bytes()));
    if let Ok(text) = core::str::from_utf8(bytes)
        && serde_json::from_str::<Value>(text).is_ok()
    {
        assert_eq!(repair(bytes), text);
    }
    // As a string in an object, unless it ends that: it is there, and so is its neighbour.
    if !bytes.contains(&b'"') && !bytes.contains(&b'\\') {
        let body =
            [b"\xef\xbb\xbf{\"UserName\":\"@a\",\"NickName\":\"", bytes, b"\"}\r\n"].concat();
        let read = json::text::<WireContact>(&body).map(|(_, contact)| contact.take());
        let Ok(Some(contact)) = read else { panic!("{body:?}") };
        let plain = String::from_utf8_lossy(bytes);
        if !plain.contains(['&', '<']) {
            assert_eq!(&*contact.nick_name, &*plain);
        }
    }
}

/// What the reader of plain JSON takes, `serde_json` takes, and reads the same.
pub(super) fn quickly(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    if let Some(read) = Reader::read::<WireContact>(&text) {
        let whole: Option<WireContact> = serde_json::from_str(&text).ok();
        assert_eq!(Some(read.take()), whole.map(WireContact::take));
    }
    if let Some(read) = Reader::read::<List<WireContact>>(&text) {
        let whole: Option<List<WireContact>> = serde_json::from_str(&text).ok();
        assert_eq!(Some(WireContact::take_all(read)), whole.map(WireContact::take_all));
    }
    if let Some(Int(read)) = Reader::read::<Int>(&text) {
        assert_eq!(Some(read), serde_json::from_str::<Int>(&text).ok().map(|Int(read)| read));
    }
    // The same message, whoever wrote its JSON: of a key that is there twice, the last counts.
    let me = super::me().user_name;
    if let Ok(Value::Object(object)) = serde_json::from_str::<Value>(&text)
        && let Ok(message) = Message::from_json(&text, &me)
    {
        let again = Message::from_json(&format!("{:#}", Value::Object(object)), &me);
        let again = again.expect("what was written is read");
        assert_eq!((&message.id, &message.kind), (&again.id, &again.kind));
        assert_eq!((message.from, message.to), (again.from, again.to));
        assert_eq!((message.speaker, message.sent), (again.speaker, again.sent));
    }
}

/// A stored session is read or refused; one that is read is written the same, and printed without
/// its credentials.
pub(super) fn session(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    match Session::from_json(&text) {
        Ok(mut session) => {
            let written = session.to_json();
            let mut again = Session::from_json(&written).expect("what was written is read");
            // Of a generator, the seed of the next is stored.
            again.device.rng = session.device.rng.clone();
            assert_eq!(again.to_json(), written);
            let auth = super::account().session.auth;
            session.auth = auth;
            hides_secrets(&session, bytes);
            assert!(session.to_json().contains(PLANTED));
            let _: &SyncKey = session.next_check_key();
            // A text with something behind it is damaged.
            assert!(Session::from_json(&format!("{text}}}")).is_err());
        }
        Err(error) => {
            assert!(matches!(error, Error::Storage(_)));
            hides_secrets(&error, bytes);
        }
    }
}
