use alloc::format;
use alloc::vec::Vec;

use serde_json::{Value, json};

use super::*;
use crate::account::Account;
use crate::endpoint::Endpoint as _;
use crate::entry::Entry;
use crate::error::Ret;
use crate::flow::{Flow as _, Interrupt};
use crate::hosts::Role;
use crate::session::tests::{filled, without_generator};
use crate::sync::{Inbox, SyncCheck};
use crate::testing::NOW;

/// One sample of each storage format, oldest first. Samples never change; a new format gets a new
/// sample.
const SAMPLES: [(&str, &str); 3] = [
    // The first version of format 1 has no account number, upload ids or start time, and its entry
    // has only an `appid`.
    ("1-first", include_str!("samples/session-1-first.json")),
    ("1", include_str!("samples/session-1.json")),
    ("2", include_str!("samples/session-2.json")),
];

/// Returns the session of the newest sample.
fn sampled() -> Session {
    let mut session = filled();
    let entry = Entry::desktop("2.0.0".parse().unwrap(), "Go8F+/==".parse().unwrap());
    session.device = session.device.with_entry(entry).with_seed([5; 32]);
    session.device.remember(566_148_615);
    session.device.begin(NOW);
    session.device.note_message();
    session.next_client_media_id(NOW);
    session.device.close(Ret::SESSION_INVALID, NOW.after(core::time::Duration::from_secs(4)));
    session
}

fn kind(read: Result<Session, Error>) -> StorageKind {
    match read {
        Err(Error::Storage(failure)) => failure.kind,
        other => panic!("{other:?}"),
    }
}

/// Returns the session in the first format: its fields, without an envelope.
fn fields(session: &Session) -> String {
    serde_json::to_string(session).unwrap()
}

/// Returns an envelope of the second format around any text.
fn around(text: &str) -> String {
    format!("{{\"format\":2,\"md5\":\"{}\",\"session\":{text}}}", sum(text))
}

/// Every format can be read without loss.
///
/// Threat S2.
#[test]
fn all_formats_are_read() {
    for (name, sample) in SAMPLES {
        let session = Session::from_json(sample.trim_end()).unwrap();
        let me = session.me();
        assert_eq!(me.user_name.as_str(), "@09ed9af3", "{name}");
        assert_eq!(&*me.nick_name, "张三 \"😄\"\u{2028}", "{name}");
        let auth = &session.auth;
        assert_eq!(auth.uin.expose(), "752650838");
        assert_eq!(auth.sid.expose(), "kByRoJSUlD7S2pif");
        assert_eq!(auth.skey.expose(), "@crypt_cec4ff9f_77fec3e104e41c7d299ac54dc801d51e");
        assert!(auth.pass_ticket.expose().starts_with("xYZ2UYgVCw0xSwWT%2F"));
        assert_eq!(session.sync_key, filled().sync_key, "{name}");
        assert_eq!(session.sync_check_key, filled().sync_check_key, "{name}");
        assert_eq!(session.chat_set(), filled().chat_set(), "{name}");
        assert_eq!(session.invite_start_count(), 40);
        for id in ["1", "8410419333108271670"] {
            assert!(session.acks.contains(&id.into()), "{name}: {id}");
        }
        assert_eq!(
            session.device.jar.value(session.device.hosts.origin(Role::Push), "wxsid", NOW),
            Some("a/+="),
            "{name}"
        );
        assert_eq!(
            session.device.jar.value(session.device.hosts.origin(Role::Api), "t", NOW),
            Some("1"),
            "{name}"
        );
        assert_eq!(session.device.hosts, filled().device.hosts);
        let mut next = session.clone();
        assert!(next.next_client_msg_id(NOW).to_string().as_str() > "14766061635800255", "{name}");
        // The account of a push login.
        let uin = if name == "1-first" { 752_650_838 } else { 566_148_615 };
        assert_eq!((me.uin, session.clone().into_device().last_uin()), (uin, Some(uin)), "{name}");
        // Storing it again preserves it.
        let again = Session::from_json(&session.to_json()).unwrap();
        assert!(without_generator(again) == without_generator(session.clone()), "{name}");
        is_usable(session);
    }
    let [first, then, now] = SAMPLES.map(|(_, sample)| Session::from_json(sample).unwrap());
    assert_eq!((first.device().last_uin(), first.device().closed()), (None, None));
    assert_eq!(then.to_json(), now.to_json());
    let ended = now.device().session_ended().unwrap();
    assert_eq!((ended.retcode, ended.after.as_secs()), (Ret::SESSION_INVALID, 4));
    assert!(ended.had_messages && ended.is_drop());
    assert!(now.device.entry.is_desktop());
    assert_eq!(without_generator(now), without_generator(sampled()));
}

/// The written text equals the newest sample. If this fails, the storage format has changed: add a
/// sample, and use a new format number if older versions would misread it.
///
/// Threat S2.
#[test]
fn the_written_format_is_the_newest_sample() {
    assert_eq!(sampled().to_json(), SAMPLES[2].1.trim_end());
    assert_eq!(fields(&sampled()), SAMPLES[1].1.trim_end());
}

/// Threat S2.
#[test]
fn newer_and_malformed_formats_are_refused() {
    let whole = filled().to_json();
    assert!(whole.starts_with("{\"format\":2,"));
    for (format, what) in [
        ("4", StorageKind::Newer),
        ("18446744073709551615", StorageKind::Newer),
        ("0", StorageKind::Damaged),
        // The fields are not at the top level.
        ("1", StorageKind::Damaged),
        ("\"2\"", StorageKind::Damaged),
        ("-1", StorageKind::Damaged),
        ("null", StorageKind::Damaged),
    ] {
        let other = whole.replacen("\"format\":2", &format!("\"format\":{format}"), 1);
        assert_eq!(kind(Session::from_json(&other)), what, "{format}");
    }
    // A newer format may have any other content.
    assert_eq!(kind(Session::from_json("{\"format\":7,\"else\":[]}")), StorageKind::Newer);
    for damaged in [
        "",
        " ",
        "{}",
        "[]",
        "null",
        "1",
        "{\"format\":1}",
        "{\"format\":2}",
        "{\"format\":2",
        "{\"format\":2,\"md5\":\"\",\"session\":{}}",
        "\u{feff}{}",
        // The envelope is valid, its content is not.
        &around("{}"),
        &around("null"),
        &around(&whole),
        &fields(&filled()).replacen("\"format\":1", "\"format\":2", 1),
    ] {
        assert_eq!(kind(Session::from_json(damaged)), StorageKind::Damaged, "{damaged}");
    }
}

/// The error is `Storage`, and does not show the stored text.
///
/// Threat S1.
#[test]
fn errors_do_not_quote_a_damaged_session() {
    let skey = "@crypt_cec4ff9f_77fec3e104e41c7d299ac54dc801d51e";
    let fields = fields(&filled()).replacen(skey, "@crypt_\u{7}", 1);
    for damaged in [fields.as_str(), &around(&fields), &fields.replacen("\"me\"", "\"@crypt\"", 1)]
    {
        let error = Session::from_json(damaged).unwrap_err();
        let text = format!("{error} {error:?}");
        assert!(!text.contains("crypt") && !text.contains("kByR"), "{text}");
        assert!(core::error::Error::source(&error).is_none());
    }
}

/// Checks that a restored session is usable: its requests can be built.
fn is_usable(session: Session) {
    let mut account = Account::from(session);
    let sent = Inbox::new().poll(&mut account, NOW);
    assert!(matches!(sent, Err(Interrupt::Send(_) | Interrupt::Fail(Error::LoggedOut { .. }))));
    let _ = SyncCheck.request(&mut account.session, NOW);
    let _ = Session::from_json(&account.session.to_json()).unwrap();
}

/// Returns copies of a text with each byte replaced in a few ways.
fn damaged_copies(text: &str) -> impl Iterator<Item = String> {
    (0..text.len()).flat_map(move |at| {
        let with = [b'0', b'"', b'{', b'\n', text.as_bytes()[at] ^ 1];
        let other = with.into_iter().filter(move |with| *with != text.as_bytes()[at]);
        other.filter_map(move |with| {
            let mut bytes = Vec::from(text);
            bytes[at] = with;
            String::from_utf8(bytes).ok()
        })
    })
}

/// A text with any damaged byte, or truncated anywhere, is refused.
///
/// Threat S2.
#[test]
fn a_session_with_any_damaged_byte_is_refused() {
    let json = filled().to_json();
    for damaged in damaged_copies(&json) {
        // The format number, changed to that of a journal's base, which has the same fields.
        if !damaged.starts_with("{\"format\":3,") {
            assert_eq!(kind(Session::from_json(&damaged)), StorageKind::Damaged, "{damaged}");
        }
    }
    for cut in (0..json.len()).filter(|at| json.is_char_boundary(*at)) {
        assert_eq!(kind(Session::from_json(&json[..cut])), StorageKind::Damaged);
    }
    for behind in ["x", "}", &json, "\0"] {
        assert_eq!(kind(Session::from_json(&format!("{json}{behind}"))), StorageKind::Damaged);
    }
    // A line break added by an editor.
    assert!(Session::from_json(&format!("{json}\n")).is_ok());
}

/// The first format has no checksum: a damaged text is refused or yields a usable session.
///
/// Threat S2.
#[test]
fn a_damaged_session_of_the_first_format_is_usable_or_refused() {
    let json = fields(&filled());
    let mut read = 0;
    for damaged in damaged_copies(&json) {
        match Session::from_json(&damaged) {
            Ok(session) => {
                read += 1;
                // Changed hosts may be unusable.
                if session.device.hosts == filled().device.hosts {
                    is_usable(session);
                }
            }
            Err(Error::Storage(_)) => {}
            Err(other) => panic!("{other:?}"),
        }
    }
    assert!(read > 100);
    for cut in (0..json.len()).filter(|at| json.is_char_boundary(*at)) {
        assert_eq!(kind(Session::from_json(&json[..cut])), StorageKind::Damaged);
    }
}

/// The order of fields does not matter, and unknown fields are ignored.
#[test]
fn unknown_fields_are_ignored() {
    let mut stored: Value = serde_json::from_str(&fields(&filled())).unwrap();
    stored["later"] = json!({ "a": [1] });
    let again = Session::from_json(&format!(" {stored} ")).unwrap();
    assert_eq!(without_generator(again), without_generator(filled()));
    let again = Session::from_json(&around(&format!("{stored}"))).unwrap();
    assert_eq!(without_generator(again), without_generator(filled()));
}
