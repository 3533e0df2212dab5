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

/// One of each form that was ever written, oldest first. What one holds never changes: a new form
/// is a new sample.
const SAMPLES: [(&str, &str); 3] = [
    // Knew one entry, no account but the session's own, no uploads, and not when it began.
    ("1-first", include_str!("samples/session-1-first.json")),
    ("1", include_str!("samples/session-1.json")),
    ("2", include_str!("samples/session-2.json")),
];

/// What the newest sample holds.
fn sampled() -> Session {
    let mut session = filled();
    let entry = Entry::desktop("2.0.0".parse().unwrap(), "Go8F+/==".parse().unwrap());
    session.device = session.device.with_entry(entry).with_seed([5; 32]);
    session.device.remember(566_148_615);
    session.device.begin(NOW);
    session.device.heard_message();
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

/// The first form: the fields alone.
fn fields(session: &Session) -> String {
    serde_json::to_string(session).unwrap()
}

/// The second form around any text.
fn around(text: &str) -> String {
    format!("{{\"format\":2,\"md5\":\"{}\",\"session\":{text}}}", sum(text))
}

/// Every form that was ever written is read, and nothing of it is lost.
///
/// Threat S2.
#[test]
fn all_forms_are_read() {
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
        assert_eq!(session.device.cookie(Role::Push, "wxsid", NOW), "a/+=", "{name}");
        assert_eq!(session.device.cookie(Role::Api, "t", NOW), "1", "{name}");
        assert_eq!(session.device.hosts, filled().device.hosts);
        let mut next = session.clone();
        assert!(next.next_client_msg_id(NOW).to_string().as_str() > "14766061635800255", "{name}");
        // Whom a push login asks.
        let uin = if name == "1-first" { 752_650_838 } else { 566_148_615 };
        assert_eq!((me.uin, session.clone().into_device().last_uin()), (uin, Some(uin)), "{name}");
        // Written anew, it is the same.
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

/// What is written today is the newest sample, to the byte. Where this fails, what is stored has
/// changed: give it a sample of its own, and the form a number of its own if older versions would
/// misread it.
///
/// Threat S2.
#[test]
fn the_newest_sample_is_what_is_written() {
    assert_eq!(sampled().to_json(), SAMPLES[2].1.trim_end());
    assert_eq!(fields(&sampled()), SAMPLES[1].1.trim_end());
}

/// Threat S2.
#[test]
fn a_newer_form_is_not_guessed_at() {
    let whole = filled().to_json();
    assert!(whole.starts_with("{\"format\":2,"));
    for (format, what) in [
        ("3", StorageKind::Newer),
        ("18446744073709551615", StorageKind::Newer),
        ("0", StorageKind::Damaged),
        // The fields alone are not there.
        ("1", StorageKind::Damaged),
        ("\"2\"", StorageKind::Damaged),
        ("-1", StorageKind::Damaged),
        ("null", StorageKind::Damaged),
    ] {
        let other = whole.replacen("\"format\":2", &format!("\"format\":{format}"), 1);
        assert_eq!(kind(Session::from_json(&other)), what, "{format}");
    }
    // Whatever else it holds.
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
        // What is around it is not what it is.
        &around("{}"),
        &around("null"),
        &around(&whole),
        &fields(&filled()).replacen("\"format\":1", "\"format\":2", 1),
    ] {
        assert_eq!(kind(Session::from_json(damaged)), StorageKind::Damaged, "{damaged}");
    }
}

/// What it says is `Storage`, and shows nothing of what was read.
///
/// Threat S1.
#[test]
fn what_is_damaged_is_not_quoted() {
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

/// A session that was read can be used: its requests can be built.
fn is_usable(session: Session) {
    let mut account = Account::from(session);
    let sent = Inbox::new().poll(&mut account, NOW);
    assert!(matches!(sent, Err(Interrupt::Send(_) | Interrupt::Fail(Error::LoggedOut { .. }))));
    let _ = SyncCheck.request(&mut account.session, NOW);
    let _ = Session::from_json(&account.session.to_json()).unwrap();
}

/// Each byte of a text, replaced in a few ways.
fn spoiled(text: &str) -> impl Iterator<Item = String> {
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

/// Damaged in any byte, or cut short anywhere, it is refused.
///
/// Threat S2.
#[test]
fn any_byte_may_be_damaged() {
    let json = filled().to_json();
    let mut newer = 0;
    for spoiled in spoiled(&json) {
        match kind(Session::from_json(&spoiled)) {
            StorageKind::Damaged => {}
            StorageKind::Newer => newer += 1,
            other => panic!("{other:?}: {spoiled}"),
        }
    }
    // The one digit of the number: 3.
    assert_eq!(newer, 1);
    for cut in (0..json.len()).filter(|at| json.is_char_boundary(*at)) {
        assert_eq!(kind(Session::from_json(&json[..cut])), StorageKind::Damaged);
    }
    for behind in ["x", "}", &json, "\0"] {
        assert_eq!(kind(Session::from_json(&format!("{json}{behind}"))), StorageKind::Damaged);
    }
    // An editor's last line.
    assert!(Session::from_json(&format!("{json}\n")).is_ok());
}

/// The first form has no checksum: what can be read is a session that can be used, or it is
/// refused.
///
/// Threat S2.
#[test]
fn any_byte_of_the_first_form_may_be_damaged() {
    let json = fields(&filled());
    let mut read = 0;
    for spoiled in spoiled(&json) {
        match Session::from_json(&spoiled) {
            Ok(session) => {
                read += 1;
                // Whoever edits the address of a host decides where requests go.
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

/// The order of fields does not matter, and unknown ones do not either: an older version's form
/// with more in it is read.
#[test]
fn more_fields_are_passed_over() {
    let mut stored: Value = serde_json::from_str(&fields(&filled())).unwrap();
    stored["later"] = json!({ "a": [1] });
    let again = Session::from_json(&format!(" {stored} ")).unwrap();
    assert_eq!(without_generator(again), without_generator(filled()));
    let again = Session::from_json(&around(&format!("{stored}"))).unwrap();
    assert_eq!(without_generator(again), without_generator(filled()));
}
