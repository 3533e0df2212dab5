//! Runs flows against scripted replies.

use std::collections::BTreeSet;
use std::fmt::Debug;
use std::ops::Range;
use std::time::Duration;

use bytes::Bytes;

use wechat_proto::fuzz::upload_in_pieces;

use super::checks::is_short;
use super::json::stored;
use super::{NOW, account, downloads, hides_secrets, reply};
use wechat_proto::Device;
use wechat_proto::Session;
use wechat_proto::Timestamp;
use wechat_proto::contact::{Contact, LoadContacts};
use wechat_proto::error::{Failure, FailureKind, Sent};
use wechat_proto::flow::{Flow, Input, Interrupt};
use wechat_proto::hosts::{Family, Hosts, Role};
use wechat_proto::login::{Login, Open, Resume};
use wechat_proto::media::{GetVideo, LocalFile, RetryEmpty, Upload};
use wechat_proto::room::{AddMembers, RoomMembers};
use wechat_proto::sync::Inbox;
use wechat_proto::{MsgId, UserName};

/// Runs the same script with a new device, a device that was logged in before, and a stored session.
pub(crate) fn login(bytes: &[u8]) {
    play(Login::new, Device::new, bytes);
    play(Login::again, || session().into_device(), bytes);
    play(|| Open::new(Some(session()), Resume::Push), Device::new, bytes);
}

/// Loads contacts, and checks that each of them is in the directory once.
pub(crate) fn contacts(bytes: &[u8]) {
    let account = play(LoadContacts::new, account, bytes);
    let names = account.directory().iter().map(|contact| &contact.user_name);
    assert!(names.is_sorted_by(|one, other| one < other));
    restored(account.session());
}

/// Runs an inbox, and checks that no message is delivered twice and that the session can be stored.
pub(crate) fn inbox(bytes: &[u8]) {
    let mut seen = BTreeSet::new();
    let account = watch(Inbox::new, account, bytes, &[], |message| {
        let new = !message.id.is_usable() || seen.insert(message.id.clone());
        assert!(new, "{} again", message.id);
    });
    assert!(account.close_reason().is_none() || account.session().device().closed().is_some());
    restored(account.session());
}

pub(crate) fn fetch(bytes: &[u8]) {
    let fetch = || RetryEmpty::new(GetVideo::new(MsgId::from("1")));
    play(fetch, session, bytes);
}

pub(crate) fn room(bytes: &[u8]) {
    restored(play(joining, account, bytes).session());
}

/// Runs an upload; the first byte is the length of the file.
pub(crate) fn upload(bytes: &[u8]) {
    let (first, script) = bytes.split_first().unwrap_or((&0, &[]));
    let source = SOURCE.get(..usize::from(*first)).unwrap_or(SOURCE);
    restored(&watch(|| uploading(source), session, script, source, |_| {}));
}

/// Checks that a session survives storage.
fn restored(session: &Session) {
    let again = Session::from_json(&session.to_json()).expect("a stored session can be parsed");
    assert_ne!(again.to_json(), session.to_json(), "the same seed");
    assert_eq!(stored(&again), stored(session));
}

/// Returns a flow that adds two people to a room of three.
fn joining() -> AddMembers {
    let room = Contact::from_json(r#"{"UserName":"@@r","MemberCount":3}"#).expect("a record");
    let names = ["@1", "@2"].iter().filter_map(|name| name.parse().ok());
    AddMembers::new(&room, RoomMembers::new(names).expect("two names"))
}

/// The source of uploads.
const SOURCE: &[u8] = b"The quick brown fox jumps over the lazy dog. 1234567890";

/// Returns an upload in short pieces. Files above 24 bytes are announced first.
fn uploading(source: &[u8]) -> Upload {
    let file = LocalFile::new("报告 \"终稿\".pdf", source.len() as u64).expect("a good name");
    upload_in_pieces(UserName::file_helper(), file, 8, 24)
}

/// Returns bytes of the source like a driver, unless the step asks for an error: fewer, more or
/// changed bytes, or a failure. `d` drops the read.
fn piece(range: Range<u64>, source: &[u8], step: Option<&u8>) -> Option<Input> {
    let place = |at: u64| usize::try_from(at).unwrap_or(usize::MAX).min(source.len());
    let bytes = source.get(place(range.start)..place(range.end)).unwrap_or_default();
    let mut bytes = bytes.to_vec();
    match step {
        Some(b'd') => return None,
        Some(b'f') => {
            let failure = Failure::new(FailureKind::Source, Sent::No);
            return Some(Input::Piece(Err(failure)));
        }
        Some(b's') => bytes.truncate(bytes.len().saturating_sub(1)),
        Some(b'l') => bytes.push(b'!'),
        Some(b'c') => bytes.iter_mut().take(1).for_each(|byte| *byte ^= 1),
        _ => {}
    }
    Some(Input::Piece(Ok(bytes.into())))
}

/// Runs a script: steps separated by a zero byte, each starting with its kind.
///
/// - `o`: an ordinary reply with the rest as its body; `s`: the same with status 502;
///   `m`: with status 301; `c`: the rest is a `Set-Cookie` line of an empty reply.
/// - `h`: the rest is the head of a download.
/// - `f`: a failure, its kind and whether it was sent taken from the next byte.
/// - `p`: an unexpected piece; `d`: the exchange was dropped; `b`: the clock is set back;
///   `l`: the clock jumps ahead; anything else is a reply with the whole step as its body.
/// - `r`: determines the result of the next read, see [`piece`].
fn play<F, S>(flow: impl Fn() -> F, state: impl Fn() -> S, script: &[u8]) -> S
where
    F: Flow<State = S> + Debug,
    F::Output: Debug,
    S: AsMut<Device> + Debug,
{
    watch(flow, state, script, &[], |_| {})
}

/// Runs a script twice, and checks that both runs send the same requests.
fn watch<F, S>(
    flow: impl Fn() -> F,
    state: impl Fn() -> S,
    script: &[u8],
    source: &[u8],
    mut see: impl FnMut(&F::Output),
) -> S
where
    F: Flow<State = S> + Debug,
    F::Output: Debug,
    S: AsMut<Device> + Debug,
{
    let (mut one, mut other) = (state(), state());
    let requests = watch_once(flow(), &mut one, script, source, &mut see);
    assert_eq!(requests, watch_once(flow(), &mut other, script, source, &mut |_| {}));
    one
}

const ROLES: [Role; 5] = [Role::Login, Role::QrCode, Role::Api, Role::File, Role::Push];

/// Returns the origins of all families, the only allowed targets of requests.
fn table() -> Vec<String> {
    let families = Family::WEB.into_iter().chain(Family::FILE_HELPER).map(Hosts::new);
    families.flat_map(|hosts| ROLES.map(|role| hosts.origin(role).to_string())).collect()
}

fn is_ours(table: &[String], uri: &http::Uri) -> bool {
    let origin = format!(
        "{}://{}",
        uri.scheme_str().unwrap_or_default(),
        uri.authority().map_or("", |authority| authority.as_str())
    );
    table.contains(&origin)
}

fn session() -> Session {
    account().session().clone()
}

/// Runs a script, and returns the URIs of the requests and the waits between them.
fn watch_once<F, S>(
    mut flow: F,
    state: &mut S,
    script: &[u8],
    source: &[u8],
    see: &mut dyn FnMut(&F::Output),
) -> Vec<String>
where
    F: Flow<State = S> + Debug,
    F::Output: Debug,
    S: AsMut<Device> + Debug,
{
    let table = table();
    let mut now = NOW;
    let mut steps = script.split(|byte| *byte == 0).peekable();
    // Each step takes at most a few polls; more are an endless loop.
    let mut budget = 64 + 4 * script.len();
    let (mut held, mut errors, mut outputs) = (false, 0_u32, 0_u32);
    let mut requests = Vec::new();
    loop {
        budget = budget.checked_sub(1).expect("a flow that makes progress");
        match flow.poll(state, now) {
            Err(Interrupt::Send(request)) => {
                let uri = request.http.uri();
                assert!(is_ours(&table, uri), "{uri}");
                request.check().expect("a request that can be sent");
                hides_secrets(&request, script);
                requests.push(uri.to_string());
                held = false;
                outputs = 0;
                let Some(step) = steps.next() else { break };
                match step.split_first() {
                    Some((b'd', _)) => {}
                    Some((b'b', _)) => now = Timestamp::from_secs(now.as_secs() / 2),
                    Some((b'l', _)) => now = now.after(Duration::from_secs(86_400)),
                    _ => flow.handle(step_input(step)),
                }
            }
            Err(Interrupt::Sleep(time)) => {
                // A sleep is never zero and never longer than half a minute.
                assert!(!time.is_zero() && time <= Duration::from_secs(30), "{time:?}");
                assert!(!held, "two sleeps without a request in between");
                held = true;
                requests.push(format!("{time:?}"));
                // An unexpected reply is ignored.
                flow.handle(Input::Reply(Ok(reply(b"late"))));
                now = now.after(time);
            }
            Err(Interrupt::Fail(error)) => {
                is_short(&error);
                hides_secrets(&error, script);
                // A closed session fails at every poll.
                errors += 1;
                if errors > 40 {
                    break;
                }
            }
            Err(Interrupt::Read(range)) => {
                assert!(range.start < range.end && range.end - range.start <= 9, "{range:?}");
                outputs = 0;
                let step = steps.next_if(|step| step.first() == Some(&b'r'));
                let piece = piece(range, source, step.and_then(|step| step.get(1)));
                flow.handle(piece.unwrap_or(Input::Reply(Ok(reply(b"unexpected")))));
            }
            Ok(output) => {
                see(&output);
                hides_secrets(&output, script);
                // A finished flow returns an output at every poll.
                outputs += 1;
                if outputs > 20 {
                    break;
                }
            }
        }
    }
    hides_secrets(&flow, script);
    hides_secrets(state, script);
    let hosts = state.as_mut().hosts();
    for role in ROLES {
        let uri = hosts.origin(role).as_str().parse().expect("a valid URI");
        assert!(is_ours(&table, &uri), "{uri}");
    }
    requests
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
        Some((b'h', lines)) => Input::Reply(Ok(downloads::head(lines))),
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
