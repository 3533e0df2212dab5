use alloc::format;

use bytes::Bytes;
use http::header::{COOKIE, DATE, SET_COOKIE};

use super::*;
use crate::error::FailureKind;
use crate::hosts::Role;
use crate::login::{logout, qrcode};
use crate::message::{Receipt, send_text};
use crate::session::Session;
use crate::sync::check;
use crate::testing::{NOW, reply, session};

const SENT: &str = r#"{"BaseResponse":{"Ret":0},"MsgID":"77"}"#;
const QUIET: &str = "window.synccheck={retcode:\"0\",selector:\"0\"}";

/// A call that changes something.
fn send(session: &mut Session) -> Call<Receipt> {
    let to = "filehelper".parse().unwrap();
    send_text::request(session, &to, "x", NOW)
}

fn failure(sent: Sent) -> Input {
    Input::Reply(Err(Failure::new(FailureKind::Connect, sent)))
}

fn ok(body: &str) -> Input {
    Input::Reply(Ok(reply(body)))
}

/// Polls for a request; gives it as text.
fn sends<T: fmt::Debug>(call: &mut Call<T>, session: &mut Session) -> String {
    match call.poll(&mut session.device, NOW) {
        Err(Interrupt::Send(request)) => crate::testing::render(&request),
        other => panic!("{other:?}"),
    }
}

fn unanswered<T: fmt::Debug>(call: &mut Call<T>, session: &mut Session) {
    for _ in 0..3 {
        match call.poll(&mut session.device, NOW) {
            Err(Interrupt::Fail(Error::Unanswered(_))) => {}
            other => panic!("{other:?}"),
        }
        // An answer that comes after all is too late.
        call.handle(ok(SENT));
    }
}

/// Threat S9: what may have been sent is not sent again.
#[test]
fn a_change_is_made_once() {
    let mut session = session();
    // Its exchange was dropped.
    let mut call = send(&mut session);
    sends(&mut call, &mut session);
    unanswered(&mut call, &mut session);
    // It failed, possibly sent.
    let mut call = send(&mut session);
    sends(&mut call, &mut session);
    call.handle(failure(Sent::Maybe));
    let told = call.poll(&mut session.device, NOW);
    assert!(matches!(told, Err(Interrupt::Fail(Error::Unanswered(Some(_))))));
    unanswered(&mut call, &mut session);
    // It was answered, well or not.
    for body in [SENT, r#"{"BaseResponse":{"Ret":1204}}"#, "<html>", ""] {
        let mut call = send(&mut session);
        sends(&mut call, &mut session);
        call.handle(ok(body));
        let answer = call.poll(&mut session.device, NOW);
        assert!(!matches!(answer, Err(Interrupt::Fail(Error::Unanswered(_)) | Interrupt::Send(_))));
        unanswered(&mut call, &mut session);
    }
}

#[test]
fn a_change_that_was_not_sent_may_be() {
    let mut session = session();
    let mut call = send(&mut session);
    let first = sends(&mut call, &mut session);
    for _ in 0..3 {
        call.handle(failure(Sent::No));
        let told = call.poll(&mut session.device, NOW);
        assert!(matches!(told, Err(Interrupt::Fail(Error::Transport(_)))));
        // The same request, to the byte: the same `ClientMsgId`.
        assert_eq!(sends(&mut call, &mut session), first);
    }
    call.handle(ok(SENT));
    assert_eq!(call.poll(&mut session.device, NOW).unwrap().msg_id.as_str(), "77");
}

#[test]
fn a_question_is_asked_again() {
    let mut session = session();
    let mut call = check::request(&mut session, NOW);
    let first = sends(&mut call, &mut session);
    // Dropped, failed, answered badly, answered.
    assert_eq!(sends(&mut call, &mut session), first);
    for sent in [Sent::No, Sent::Maybe] {
        call.handle(failure(sent));
        let told = call.poll(&mut session.device, NOW);
        assert!(matches!(told, Err(Interrupt::Fail(Error::Transport(_)))));
        assert_eq!(sends(&mut call, &mut session), first);
    }
    call.handle(ok("<html>"));
    let told = call.poll(&mut session.device, NOW);
    assert!(matches!(told, Err(Interrupt::Fail(Error::Malformed { .. }))));
    assert_eq!(sends(&mut call, &mut session), first);
    call.handle(ok(QUIET));
    assert!(call.poll(&mut session.device, NOW).is_ok());
    assert_eq!(sends(&mut call, &mut session), first);
}

#[test]
fn an_input_that_nobody_waits_for_is_ignored() {
    let mut session = session();
    let mut call = check::request(&mut session, NOW);
    // Before anything was sent.
    call.handle(ok(QUIET));
    sends(&mut call, &mut session);
    // A piece is no reply.
    call.handle(Input::Piece(Ok(Bytes::from_static(b"x"))));
    call.handle(Input::Piece(Err(Failure::new(FailureKind::Source, Sent::No))));
    sends(&mut call, &mut session);
    // The first reply counts.
    call.handle(ok(QUIET));
    call.handle(ok("window.synccheck={retcode:\"1101\",selector:\"0\"}"));
    call.handle(failure(Sent::Maybe));
    assert!(call.poll(&mut session.device, NOW).is_ok());
    assert_eq!(session.device.ended(), None);
    // After the answer.
    call.handle(ok(QUIET));
    sends(&mut call, &mut session);
}

#[test]
fn cookies_come_and_go() {
    let mut session = session();
    let mut call = check::request(&mut session, NOW);
    assert!(!sends(&mut call, &mut session).contains("cookie:"));
    let mut answer = reply(QUIET);
    let headers = answer.headers_mut();
    headers.insert(DATE, "Sun, 30 Dec 2018 23:12:21 GMT".parse().unwrap());
    for line in [
        "a=1; Path=/; Domain=qq.com; Expires=Mon, 31-Dec-2018 11:12:21 GMT",
        "b=2; Path=/; Domain=qq.com; Secure",
        "c=3; Domain=evil.example",
        "d=4",
    ] {
        headers.append(SET_COOKIE, line.parse().unwrap());
    }
    headers.append(SET_COOKIE, http::HeaderValue::from_bytes(b"e=\xff").unwrap());
    call.handle(Input::Reply(Ok(answer)));
    // Stored when it is polled: `handle` touches no shared state.
    assert!(session.device.cookies(call.http().uri(), NOW).is_none());
    call.poll(&mut session.device, NOW).unwrap();
    assert!(sends(&mut call, &mut session).ends_with("cookie: a=1; b=2; d=4"));
    // Another host of the service gets what is shared; what was built before gets it too.
    let picture = qrcode::request(&session.device, &crate::Uuid::parse("x").unwrap());
    let request = picture.ready(&session.device, NOW);
    assert_eq!(request.http.headers()[COOKIE], "a=1; b=2");
    // Twelve hours later the first is gone.
    let later = NOW.after(Duration::from_secs(12 * 3600));
    let date = Some("Mon, 31 Dec 2018 11:12:21 GMT");
    session.device.receive(call.http().uri(), &[""; 0], date, later);
    assert_eq!(picture.ready(&session.device, later).http.headers()[COOKIE], "b=2");
}

/// Replies that are errors bring cookies, too.
#[test]
fn a_refusal_sets_cookies() {
    let mut session = session();
    let mut call = check::request(&mut session, NOW);
    sends(&mut call, &mut session);
    let mut answer = reply("<html>");
    *answer.status_mut() = http::StatusCode::BAD_GATEWAY;
    answer.headers_mut().append(SET_COOKIE, "a=1".parse().unwrap());
    call.handle(Input::Reply(Ok(answer)));
    assert!(call.poll(&mut session.device, NOW).is_err());
    assert!(sends(&mut call, &mut session).ends_with("cookie: a=1"));
}

#[test]
fn whoever_hears_of_the_end_makes_it_known() {
    for ret in [1100, 1101, 1102] {
        let mut session = session();
        let mut call = send(&mut session);
        sends(&mut call, &mut session);
        call.handle(ok(&format!("{{\"BaseResponse\":{{\"Ret\":\"{ret}\"}}}}")));
        let told = call.poll(&mut session.device, NOW);
        assert!(
            matches!(told, Err(Interrupt::Fail(Error::LoggedOut { ret: Ret(code), .. })) if code == ret)
        );
        assert_eq!(session.device.ended(), Some(Ret(ret)));
        // A logout afterwards does not change why.
        let mut call = logout::request(&mut session, NOW);
        sends(&mut call, &mut session);
        call.handle(ok(""));
        call.poll(&mut session.device, NOW).unwrap();
        assert_eq!(session.device.ended(), Some(Ret(ret)));
        assert_eq!(session.into_device().ended(), None);
    }
    // No other code does.
    for ret in [-1, 1, 1200, 1203, 1204, 1205, 1103] {
        let mut session = session();
        let mut call = send(&mut session);
        sends(&mut call, &mut session);
        call.handle(ok(&format!("{{\"BaseResponse\":{{\"Ret\":{ret}}}}}")));
        assert!(call.poll(&mut session.device, NOW).is_err());
        assert_eq!(session.device.ended(), None);
    }
}

#[test]
fn its_terms_go_with_the_request() {
    let mut session = session();
    let call = check::request(&mut session, NOW);
    let request = call.ready(&session.device, NOW);
    assert_eq!(request.deadline, Duration::from_secs(35));
    assert_eq!(request.want, Want::Whole { limit: 64 << 10 });
    assert_eq!(session.device.hosts.origin(Role::Push).host(), request.http.uri().host().unwrap());
}
