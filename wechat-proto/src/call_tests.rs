use alloc::format;
use alloc::string::String;

use bytes::Bytes;
use core::time::Duration;
use http::header::{COOKIE, DATE, SET_COOKIE};

use super::*;
use crate::error::{FailureKind, Ret};
use crate::flow::Want;
use crate::hosts::Role;
use crate::login::{GetQrCode, Logout};
use crate::message::SendText;
use crate::sync::SyncCheck;
use crate::testing::{NOW, ok, refused, render, reply, session, status, with_cookies};
use crate::{Body, Device, Session, UserName};

const SENT: &str = r#"{"BaseResponse":{"Ret":0},"MsgID":"77"}"#;
const QUIET: &str = "window.synccheck={retcode:\"0\",selector:\"0\"}";

fn text() -> SendText {
    SendText::new(UserName::file_helper(), "x")
}

fn failure(sent: Sent) -> Input {
    Input::Reply(Err(Failure::new(FailureKind::Connect, sent)))
}

/// Polls for a request; returns it as text.
fn sends<E: Endpoint<Output: fmt::Debug>>(call: &mut Call<E>, state: &mut E::State) -> String {
    match call.poll(state, NOW) {
        Err(Interrupt::Send(request)) => render(&request.http),
        other => panic!("{other:?}"),
    }
}

fn is_unanswered<E: Endpoint<Output: fmt::Debug>>(call: &mut Call<E>, state: &mut E::State) {
    for _ in 0..3 {
        match call.poll(state, NOW) {
            Err(Interrupt::Fail(Error::Unanswered { .. })) => {}
            other => panic!("{other:?}"),
        }
        // A late response is ignored.
        call.handle(ok(SENT));
    }
}

#[test]
fn a_change_that_was_not_sent_is_sent_again() {
    let mut session = session();
    let mut call = Call::new(text());
    let first = sends(&mut call, &mut session);
    for _ in 0..3 {
        call.handle(failure(Sent::No));
        let result = call.poll(&mut session, NOW);
        assert!(matches!(result, Err(Interrupt::Fail(Error::Transport(_)))));
        // The same message is sent with the same id.
        let again = sends(&mut call, &mut session);
        assert_eq!(again.split("LocalID").nth(1), first.split("LocalID").nth(1));
    }
    call.handle(ok(SENT));
    assert_eq!(call.poll(&mut session, NOW).unwrap().msg_id, "77".into());
}

/// A send keeps its client message id until a response confirms it.
#[test]
fn a_send_keeps_its_id_until_it_is_confirmed() {
    let mut session = session();
    let mut send = text();
    let mut call = Call::new(&mut send);
    sends(&mut call, &mut session);
    call.handle(failure(Sent::Maybe));
    is_unanswered(&mut call, &mut session);
    drop(call);
    let id = send.id().unwrap();
    let mut call = Call::new(&mut send);
    assert!(sends(&mut call, &mut session).contains(&format!("{id}")));
    call.handle(ok(SENT));
    call.poll(&mut session, NOW).unwrap();
    drop(call);
    assert_eq!(send.id(), None);
    // The next use sends a new message.
    let next = sends(&mut Call::new(&mut send), &mut session);
    assert!(!next.contains(&format!("{id}")));
}

#[test]
fn a_safe_call_can_be_repeated() {
    let mut session = session();
    let mut call = Call::new(SyncCheck);
    // The exchange is dropped, fails, returns a malformed reply, and succeeds.
    sends(&mut call, &mut session);
    sends(&mut call, &mut session);
    for sent in [Sent::No, Sent::Maybe] {
        call.handle(failure(sent));
        let result = call.poll(&mut session, NOW);
        assert!(matches!(result, Err(Interrupt::Fail(Error::Transport(_)))));
        sends(&mut call, &mut session);
    }
    call.handle(ok("<html>"));
    let result = call.poll(&mut session, NOW);
    assert!(matches!(result, Err(Interrupt::Fail(Error::Malformed { .. }))));
    sends(&mut call, &mut session);
    call.handle(ok(QUIET));
    assert!(call.poll(&mut session, NOW).is_ok());
    sends(&mut call, &mut session);
}

#[test]
fn an_unexpected_input_is_ignored() {
    let mut session = session();
    let mut call = Call::new(SyncCheck);
    // A reply before the request is ignored.
    call.handle(ok(QUIET));
    sends(&mut call, &mut session);
    // A piece is not a reply.
    call.handle(Input::Piece(Ok(Bytes::from_static(b"x"))));
    call.handle(Input::Piece(Err(Failure::new(FailureKind::Source, Sent::No))));
    sends(&mut call, &mut session);
    // The first reply is used.
    call.handle(ok(QUIET));
    call.handle(ok("window.synccheck={retcode:\"1101\",selector:\"0\"}"));
    call.handle(failure(Sent::Maybe));
    assert!(call.poll(&mut session, NOW).is_ok());
    assert_eq!(session.device.closed(), None);
    // A second reply is ignored.
    call.handle(ok(QUIET));
    sends(&mut call, &mut session);
}

fn cookies(request: &http::Request<Body>) -> &str {
    request.headers().get(COOKIE).map_or("", |cookies| cookies.to_str().unwrap())
}

/// The core adds and stores cookies; the transport does not handle them.
#[test]
fn cookies_are_sent_until_they_expire() {
    let mut session = session();
    let mut check = SyncCheck;
    let request = check.request(&mut session, NOW);
    assert_eq!(cookies(&request), "");
    let lines = [
        "a=1; Path=/; Domain=qq.com; Expires=Mon, 31-Dec-2018 11:12:21 GMT",
        "b=2; Path=/; Domain=qq.com; Secure",
        "c=3; Domain=evil.example",
        "d=4",
    ];
    let mut response = with_cookies(reply(QUIET), &lines);
    let headers = response.headers_mut();
    headers.insert(DATE, "Sun, 30 Dec 2018 23:12:21 GMT".parse().unwrap());
    headers.append(SET_COOKIE, http::HeaderValue::from_bytes(b"e=\xff").unwrap());
    check.receive(&mut session, request.uri(), &response, NOW).unwrap();
    assert_eq!(cookies(&check.request(&mut session, NOW)), "a=1; b=2; d=4");
    // Another host of the service receives the shared cookies.
    let picture = |device: &mut Device, now| {
        let request = GetQrCode::new("x".parse().unwrap()).request(device, now);
        String::from(cookies(&request))
    };
    assert_eq!(picture(&mut session.device, NOW), "a=1; b=2");
    // Twelve hours later the first has expired.
    let later = NOW.after(Duration::from_secs(12 * 3600));
    let mut response = reply("");
    response.headers_mut().insert(DATE, "Mon, 31 Dec 2018 11:12:21 GMT".parse().unwrap());
    session.device.receive(request.uri(), &response, later);
    assert_eq!(picture(&mut session.device, later), "b=2");
}

/// Drivers need not decode a reply.
#[test]
fn compressed_reply_is_decoded() {
    let mut session = session();
    let mut packed = reply("");
    packed.headers_mut().insert("content-encoding", "gzip".parse().unwrap());
    *packed.body_mut() = crate::flow::gzip::tests::encode(QUIET.as_bytes()).into();
    let mut call = Call::new(SyncCheck);
    sends(&mut call, &mut session);
    call.handle(Input::Reply(Ok(packed.clone())));
    assert!(call.poll(&mut session, NOW).is_ok());
    let uri = SyncCheck.request(&mut session, NOW).uri().clone();
    assert!(SyncCheck.receive(&mut session, &uri, &packed, NOW).is_ok());
    *packed.body_mut() = Bytes::from_static(b"x");
    let failed = SyncCheck.receive(&mut session, &uri, &packed, NOW);
    let Err(Error::Transport(failure)) = failed else { panic!("{failed:?}") };
    assert_eq!(failure.kind, FailureKind::Encoding);
}

#[test]
fn compression_can_be_refused() {
    let coding = |device: Device| {
        let request = GetQrCode::new("x".parse().unwrap()).request(&mut device.clone(), NOW);
        request.headers()["accept-encoding"].clone()
    };
    assert_eq!(coding(Device::new()), "gzip");
    let device = Device::new().with_compression(false);
    assert_eq!(coding(device.clone()), "identity");
    // It is stored with the session.
    let stored = serde_json::to_string(&device).unwrap();
    assert_eq!(coding(serde_json::from_str(&stored).unwrap()), "identity");
}

/// Error responses set cookies as well.
#[test]
fn a_refusal_sets_cookies() {
    let mut session = session();
    let mut call = Call::new(SyncCheck);
    sends(&mut call, &mut session);
    call.handle(Input::Reply(Ok(with_cookies(status(502, "<html>"), &["a=1"]))));
    let result = call.poll(&mut session, NOW);
    let is_status = matches!(result, Err(Interrupt::Fail(Error::Status { status: 502, .. })));
    assert!(is_status, "{result:?}");
    assert!(sends(&mut call, &mut session).ends_with("cookie: a=1"));
}

#[test]
fn logged_out_code_closes_the_session() {
    for ret in [1100, 1101, 1102] {
        let mut session = session();
        let mut call = Call::new(text());
        sends(&mut call, &mut session);
        call.handle(ok(format!("{{\"BaseResponse\":{{\"Ret\":\"{ret}\"}}}}")));
        let Err(Interrupt::Fail(Error::LoggedOut { ret: code, .. })) = call.poll(&mut session, NOW)
        else {
            panic!("{ret}")
        };
        assert_eq!(code, Ret(ret));
        assert_eq!(session.device.closed(), Some(Ret(ret)));
        // A logout afterwards does not change the reason.
        let mut call = Call::new(Logout::new());
        sends(&mut call, &mut session);
        call.handle(ok(""));
        call.poll(&mut session, NOW).unwrap();
        assert_eq!(session.device.closed(), Some(Ret(ret)));
        assert_eq!(session.into_device().closed(), None);
    }
    // No other code closes the session.
    for ret in [-1, 1, 1200, 1203, 1204, 1205, 1103] {
        let mut session = session();
        let mut call = Call::new(text());
        sends(&mut call, &mut session);
        call.handle(refused(ret));
        assert!(call.poll(&mut session, NOW).is_err());
        assert_eq!(session.device.closed(), None);
    }
}

fn closes(session: &mut Session, seconds: u64) -> Ret {
    let mut check = SyncCheck;
    let now = NOW.after(Duration::from_secs(seconds));
    let uri = check.request(session, now).uri().clone();
    let closed = reply("window.synccheck={retcode:\"1101\",selector:\"0\"}");
    match check.receive(session, &uri, &closed, now) {
        Err(Error::LoggedOut { ret, .. }) => ret,
        other => panic!("{other:?}"),
    }
}

/// During a logout, a pending long poll may report the close before the logout is answered.
#[test]
fn a_close_during_logout_counts_as_the_logout() {
    let logging_out = || {
        let mut session = session();
        let mut call = Call::new(Logout::new());
        sends(&mut call, &mut session);
        (session, call)
    };
    let (mut session, _call) = logging_out();
    assert_eq!(closes(&mut session, 59), Ret::OK);
    assert_eq!(session.device.closed(), Some(Ret::OK));
    // After 60 seconds, the close is not a result of the logout.
    let (mut session, _call) = logging_out();
    assert_eq!(closes(&mut session, 60), Ret::SESSION_INVALID);
    // A close is not a result of a logout that was not sent.
    let (mut session, mut call) = logging_out();
    call.handle(failure(Sent::No));
    assert!(call.poll(&mut session, NOW).is_err());
    assert_eq!(closes(&mut session, 1), Ret::SESSION_INVALID);
    // If the logout may have been sent, the close counts as its result.
    let (mut session, mut call) = logging_out();
    call.handle(failure(Sent::Maybe));
    assert!(call.poll(&mut session, NOW).is_err());
    assert_eq!(closes(&mut session, 1), Ret::OK);
    // A stored session does not contain the logout in progress.
    let (session, _call) = logging_out();
    let mut stored = Session::from_json(&session.to_json()).unwrap();
    assert_eq!(closes(&mut stored, 1), Ret::SESSION_INVALID);
}

/// An endpoint used alone reports failures as a call does.
#[test]
fn a_failure_without_a_call_depends_on_what_was_sent() {
    let mut session = session();
    let mut send = SendText::new(UserName::file_helper(), "x");
    let mut check = SyncCheck;
    for (sent, unanswered) in [(Sent::No, false), (Sent::Maybe, true)] {
        let failure = || Failure::new(FailureKind::Closed, sent);
        let error = send.fail(&mut session, failure());
        assert_eq!(matches!(error, Error::Unanswered { cause: Some(_) }), unanswered, "{error}");
        let error = check.fail(&mut session, failure());
        assert!(matches!(error, Error::Transport(_)), "{error}");
    }
    // A logout that was not sent is withdrawn.
    let mut logout = Logout::new();
    for (sent, ret) in [(Sent::No, Ret::SESSION_INVALID), (Sent::Maybe, Ret::OK)] {
        let mut session = crate::testing::session();
        logout.request(&mut session, NOW);
        logout.fail(&mut session, Failure::new(FailureKind::Closed, sent));
        assert_eq!(closes(&mut session, 1), ret);
    }
}

#[test]
fn a_request_has_the_limits_of_its_endpoint() {
    let mut session = session();
    let Err(Interrupt::Send(request)) = Call::new(SyncCheck).poll(&mut session, NOW) else {
        panic!()
    };
    assert_eq!(request.deadline, Duration::from_secs(35));
    assert_eq!(request.want, Want::Whole { limit: 64 << 10 });
    assert_eq!(session.device.hosts.origin(Role::Push).host(), request.http.uri().host().unwrap());
}
