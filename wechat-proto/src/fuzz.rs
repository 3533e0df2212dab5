//! Entries for fuzzers, and for the replay of their corpora. Not part of the API: anything here
//! may change at any time.
//!
//! Each entry takes any bytes and panics if a promise of `docs/threats.md` is broken. The fuzz
//! targets and `tests/it/corpus.rs` drive the same table.

use alloc::format;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;
use core::fmt::Debug;
use core::time::Duration;

use bytes::Bytes;
use serde_json::value::RawValue;

use crate::account::Account;
use crate::contact::{Contacts, batch, list};
use crate::device::Device;
use crate::error::{Error, Failure, FailureKind, Sent};
use crate::flow::{Flow, Input, Interrupt, Response};
use crate::hosts::{Hosts, Role};
use crate::ids::UserName;
use crate::jar::Jar;
use crate::login::{Credentials, Login, announce, init, logout, qrcode, redeem, scan, uuid};
use crate::message::send_text;
use crate::session::{Me, Session};
use crate::sync::{Inbox, SyncKey, check, fetch};
use crate::text::{Text, decode, undo_double_encoding};
use crate::time::Timestamp;
use crate::wire::envelope::readable;
use crate::wire::js::Script;
use crate::wire::query::Url;
use crate::wire::repair::repair;
use crate::wire::xml;

/// What takes any bytes.
pub type Entry = fn(&[u8]);

/// All of them: [`ENDPOINTS`], [`DIALECTS`], [`FLOWS`].
pub const ENTRIES: &[(&str, Entry)] = &[
    ("jslogin", |bytes| parsed(bytes, uuid::parse)),
    ("login", |bytes| parsed(bytes, scan::parse)),
    ("qrcode", |bytes| parsed(bytes, qrcode::parse)),
    ("webwxnewloginpage", newloginpage),
    ("webwxinit", |bytes| parsed(bytes, init::parse)),
    ("webwxstatusnotify", |bytes| parsed(bytes, announce::parse)),
    ("webwxlogout", |bytes| parsed(bytes, logout::parse)),
    ("webwxgetcontact", |bytes| parsed(bytes, list::parse)),
    ("webwxbatchgetcontact", |bytes| parsed(bytes, batch::parse)),
    ("synccheck", |bytes| parsed(bytes, check::parse)),
    ("webwxsync", webwxsync),
    ("webwxsendmsg", |bytes| parsed(bytes, send_text::parse)),
    ("js", js),
    ("xml", xml),
    ("cookie", cookie),
    ("query", query),
    ("repair", mended),
    ("text", text),
    ("envelope", envelope),
    ("session", session),
    ("login flow", |bytes| play(Login::new(), &mut Device::new(), bytes)),
    ("contacts flow", |bytes| play(Contacts::new(), &mut account(), bytes)),
    ("inbox flow", |bytes| play(Inbox::new(), &mut account(), bytes)),
];

const REST: &[(&str, Entry)] = ENTRIES.split_at(12).1;

/// The parser of each endpoint, under its name: the bytes are the body of a reply.
pub const ENDPOINTS: &[(&str, Entry)] = ENTRIES.split_at(12).0;

/// The server's dialects, and what is stored.
pub const DIALECTS: &[(&str, Entry)] = REST.split_at(8).0;

/// The flows: the bytes are a script of replies.
pub const FLOWS: &[(&str, Entry)] = REST.split_at(8).1;

const NOW: Timestamp = Timestamp::from_millis(1_476_606_163_580);

/// Runs an entry of [`ENDPOINTS`], chosen by the first byte, on the rest.
pub fn endpoints(bytes: &[u8]) {
    dispatch(ENDPOINTS, bytes);
}

/// Runs an entry of [`DIALECTS`], chosen by the first byte, on the rest.
pub fn dialects(bytes: &[u8]) {
    dispatch(DIALECTS, bytes);
}

/// Runs the entry of `table` that the first byte chooses on the rest.
pub fn dispatch(table: &[(&str, Entry)], bytes: &[u8]) {
    if let Some((first, rest)) = bytes.split_first()
        && let Some((_, entry)) = table.get(usize::from(*first) % table.len().max(1))
    {
        entry(rest);
    }
}

/// Runs the entry of this name.
///
/// # Panics
///
/// If there is none, and where the entry does.
pub fn run(name: &str, bytes: &[u8]) {
    let entry = ENTRIES.iter().find(|(entry, _)| *entry == name);
    entry.expect("an entry of the table").1(bytes);
}

fn reply(bytes: &[u8]) -> Response {
    Response::new(Bytes::copy_from_slice(bytes))
}

/// The same bytes read the same twice, under any status; an error shows a bounded excerpt.
fn parsed<T: Debug>(bytes: &[u8], parse: fn(&Response) -> Result<T, Error>) {
    let mut reply = reply(bytes);
    let read = parse(&reply);
    assert_eq!(format!("{read:?}"), format!("{:?}", parse(&reply)));
    if let Err(error) = &read {
        is_short(error);
    }
    *reply.status_mut() = http::StatusCode::BAD_GATEWAY;
    if let Err(error) = parse(&reply) {
        is_short(&error);
    }
}

fn is_short(error: &Error) {
    // 500 characters of the server's own text, and the sentence around them.
    assert!(error.to_string().chars().count() < 800, "{error}");
}

/// Credentials that are taken can be sent; none of them is shown.
fn newloginpage(bytes: &[u8]) {
    parsed(bytes, redeem::parse);
    if let Ok(redeem::Redeemed::Credentials(credentials)) = redeem::parse(&reply(bytes)) {
        let mut device = Device::new();
        let mut call = init::request(&mut device, &credentials, NOW);
        assert!(matches!(call.poll(&mut device, NOW), Err(Interrupt::Send(_))));
        let shown = format!("{credentials:?}");
        assert_eq!(shown, "Credentials { uin, sid, skey, pass_ticket: [redacted] }");
    }
}

/// Each message has the JSON it was read from, alone and in its batch.
fn webwxsync(bytes: &[u8]) {
    parsed(bytes, fetch::parse);
    let Ok(batch) = fetch::parse(&reply(bytes)) else { return };
    assert!(batch.sync_key.as_ref().is_none_or(|key| !key.is_empty()));
    let messages = batch.messages(account().session().me());
    for message in messages {
        let raw = message.raw.json().to_string();
        // Whoever reads it may decode all of its strings; numbers are their own affair.
        let read = serde_json::from_str::<serde_json::Value>(&raw);
        let numbers = serde_json::from_str::<&RawValue>(&raw);
        assert!(read.is_ok() || numbers.is_ok() && raw.contains(['e', 'E']), "{raw:?}");
        let (id, kind) = (message.id.clone(), message.kind.clone());
        let alone = message.detach();
        assert_eq!((&*alone.raw.json(), &alone.id, &alone.kind), (&*raw, &id, &kind));
        let _ = (alone.peer(), alone.author(), alone.text());
    }
}

fn js(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let script = Script::parse(&text);
    for name in ["code", "QRLogin.uuid", "synccheck.retcode", "redirect_uri"] {
        let _ = (script.text(name), script.number(name));
    }
    // A string that is written is read.
    let quoted = text.replace('\\', "\\\\").replace('"', "\\\"");
    let written = format!("window.a = \"{quoted}\";");
    assert_eq!(Script::parse(&written).text("a"), Some(&*text));
}

fn xml(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    if let Some(found) = xml::texts(&text, &["Content", "ret", "skey"]) {
        assert!(found.len() <= 3);
        // Nothing is expanded: entities are shorter than their names.
        assert!(found.iter().map(|(_, value)| value.len()).sum::<usize>() <= 2 * text.len());
    }
    assert!(xml::notice(&text).len() <= 2 * text.len());
    let written = format!("<x><ret>{}</ret></x>", html_escape::encode_text(&text));
    let visible = !text.contains('\r') && !text.is_empty();
    if let Some(found) = xml::texts(&written, &["ret"]).filter(|_| visible) {
        assert_eq!(found.first().map(|(_, value)| value.as_str()), Some(&*text));
    }
}

/// Each line is a `Set-Cookie`: whatever they set, the next request can be built, and nothing
/// goes elsewhere.
fn cookie(bytes: &[u8]) {
    let lines: Vec<String> = bytes
        .split(|byte| *byte == b'\n')
        .map(|line| String::from_utf8_lossy(line).into())
        .collect();
    let hosts = Hosts::default();
    let mut jar = Jar::default();
    let date = lines.first().map(String::as_str);
    jar.store(&hosts, hosts.origin(Role::Api), &lines, date, NOW);
    for uri in ["https://evil.example/", "https://wx2.qq.com/", "http://wx.qq.com/"] {
        let uri = http::Uri::from_static(uri);
        assert!(jar.header(&hosts, &uri, NOW).is_none());
    }
    let uri = http::Uri::from_static("https://wx.qq.com/cgi-bin/mmwebwx-bin/webwxinit");
    if let Some(header) = jar.header(&hosts, &uri, NOW) {
        assert!(header.to_str().is_ok() && header.len() <= 64 * 4100);
    }
    let stored = serde_json::to_string(&jar).expect("a jar is plain data");
    let again: Jar = serde_json::from_str(&stored).expect("what was written is read");
    assert!(again == jar);
}

/// Any value comes back from the wire as it was, and stays in its place.
fn query(bytes: &[u8]) {
    let value = String::from_utf8_lossy(bytes);
    let device = Device::new();
    let http = Url::new(&device, Role::Api, "/x").with("a", &value).with("b", 1).get(&device);
    let query = http.uri().query().unwrap_or_default();
    let raw = query.strip_prefix("a=").and_then(|rest| rest.strip_suffix("&b=1"));
    let decoded = raw.map(|raw| percent_encoding::percent_decode_str(raw).decode_utf8_lossy());
    assert_eq!(decoded.as_deref(), Some(&*value));
    let http = Url::new(&device, Role::Api, "/x").post_json(&device, &value);
    let mut body = http.into_body();
    let length = body.len();
    let body = bytes::Buf::copy_to_bytes(&mut body, length);
    assert_eq!(serde_json::from_slice::<String>(&body).ok().as_deref(), Some(&*value));
}

/// Mending ends: what was mended is sound, and what is sound is not touched.
fn mended(bytes: &[u8]) {
    let once = repair(bytes).into_owned();
    let once = once.strip_prefix('\u{feff}').unwrap_or(&once);
    assert_eq!(once, repair(once.as_bytes()));
    if let Ok(text) = core::str::from_utf8(bytes)
        && serde_json::from_str::<serde_json::Value>(text).is_ok()
    {
        let mended = repair(bytes);
        assert!(serde_json::from_str::<serde_json::Value>(&mended).is_ok());
    }
}

fn text(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let read = decode(Text::from(&*text));
    assert!(read.len() <= 2 * text.len());
    if !text.contains(['<', '&']) {
        assert_eq!(&*read, &*text);
    }
    undo_double_encoding(&text);
    if let Ok(name) = text.parse::<UserName>() {
        assert_eq!(name.as_str(), &*text);
        let to_it = send_text::request(&mut account().session, &name, &text, NOW);
        assert!(to_it.http().body().len() > text.len());
    }
}

fn envelope(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    assert!(readable(&text).chars().count() <= 500);
    // As the text of a refusal.
    let body = serde_json::json!({ "BaseResponse": { "Ret": 1, "ErrMsg": text } });
    parsed(body.to_string().as_bytes(), announce::parse);
    parsed(bytes, announce::parse);
}

/// A stored session is read or refused; one that is read is written the same.
fn session(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    match Session::from_json(&text) {
        Ok(session) => {
            let again = Session::from_json(&session.to_json());
            assert!(again.is_ok());
            let _ = format!("{session:?}");
        }
        Err(error) => assert!(matches!(error, Error::Storage(_))),
    }
}

fn account() -> Account {
    let me = Me {
        user_name: UserName::file_helper(),
        nick_name: "me".into(),
        head_img_url: "".into(),
        uin: 1,
        signature: "".into(),
        sex: 0,
    };
    let secret = || "secret".parse().unwrap_or_default();
    let auth = Credentials { uin: secret(), sid: secret(), skey: secret(), pass_ticket: secret() };
    let mut account = Account::from(Session::new(Device::new(), auth, me, SyncKey::default()));
    account.session.chat_set = ["@@1", "@2"].iter().filter_map(|name| name.parse().ok()).collect();
    account
}

/// Plays a script: steps separated by a zero byte, the first byte of each its kind.
///
/// - `o`: an ordinary reply with the rest as its body; `s`: the same with status 502;
///   `m`: with status 301; `c`: the rest is a `Set-Cookie` line of an empty reply.
/// - `f`: a failure, its kind and whether it was sent taken from the next byte.
/// - `p`: a piece, that nobody waits for; `d`: the exchange was dropped; `b`: the clock goes back;
///   `l`: it leaps ahead; anything else is a reply with the whole step as its body.
fn play<F: Flow>(mut flow: F, state: &mut F::State, script: &[u8]) {
    let mut now = NOW;
    let mut steps = script.split(|byte| *byte == 0);
    // A poll answers; a step is at most a few polls. What goes beyond is a loop.
    let mut budget = 64 + 4 * script.len();
    let (mut held, mut errors) = (false, 0_u32);
    loop {
        budget = budget.checked_sub(1).expect("a flow that stands still");
        match flow.poll(state, now) {
            Err(Interrupt::Send(request)) => {
                let host = request.http.uri().host().unwrap_or_default();
                let ours = host.ends_with(".qq.com") || host.ends_with(".wechat.com");
                assert!(ours && !host.contains('@'), "{host}");
                held = false;
                let Some(step) = steps.next() else { return };
                match step.split_first() {
                    Some((b'd', _)) => {}
                    Some((b'b', _)) => now = Timestamp::from_secs(now.as_secs() / 2),
                    Some((b'l', _)) => now = now.after(Duration::from_secs(86_400)),
                    _ => flow.handle(step_input(step)),
                }
            }
            Err(Interrupt::Sleep(time)) => {
                // Never for nothing, and never for longer than half a minute.
                assert!(!time.is_zero() && time <= Duration::from_secs(30), "{time:?}");
                // What was slept is slept.
                assert!(!held, "slept, and sent nothing");
                held = true;
                // Nobody waits for this.
                flow.handle(Input::Reply(Ok(reply(b"late"))));
                now = now.after(time);
            }
            Err(Interrupt::Fail(_)) => {
                // A session that is over says so at every poll.
                errors += 1;
                if errors > 40 {
                    return;
                }
            }
            Err(Interrupt::Read(_)) => unreachable!("only uploads read"),
            Ok(_) => {}
        }
    }
}

fn step_input(step: &[u8]) -> Input {
    let ok = |body: &[u8], status| {
        let mut reply = reply(body);
        *reply.status_mut() = status;
        Input::Reply(Ok(reply))
    };
    match step.split_first() {
        Some((b'o', body)) => ok(body, http::StatusCode::OK),
        Some((b's', body)) => ok(body, http::StatusCode::BAD_GATEWAY),
        Some((b'm', body)) => ok(body, http::StatusCode::MOVED_PERMANENTLY),
        Some((b'c', line)) => {
            let mut reply = reply(b"");
            if let Ok(value) = http::HeaderValue::from_bytes(line) {
                reply.headers_mut().append(http::header::SET_COOKIE, value);
            }
            Input::Reply(Ok(reply))
        }
        Some((b'f', rest)) => {
            let byte = rest.first().copied().unwrap_or_default();
            let kind = match byte >> 1 & 3 {
                0 => FailureKind::Connect,
                1 => FailureKind::Timeout,
                2 => FailureKind::Closed,
                _ => FailureKind::Truncated,
            };
            let sent = if byte & 1 == 0 { Sent::No } else { Sent::Maybe };
            Input::Reply(Err(Failure::new(kind, sent)))
        }
        Some((b'p', rest)) => Input::Piece(Ok(Bytes::copy_from_slice(rest))),
        _ => ok(step, http::StatusCode::OK),
    }
}
