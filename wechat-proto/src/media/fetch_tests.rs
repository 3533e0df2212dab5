use alloc::vec::Vec;

use super::*;
use crate::error::{Failure, FailureKind, Ret, Sent};
use crate::flow::Want;
use crate::ids::MsgId;
use crate::media::image::{self, Size};
use crate::testing::{Host, NOW, session};

fn fetch() -> (Fetch, Device) {
    let session = session();
    (image::request(&session, &MsgId::from("6314805927140286395"), Size::Full), session.device)
}

/// A reply that announces so many bytes.
fn announcing(length: u64) -> Input {
    let mut reply = Response::default();
    reply.headers_mut().insert(http::header::CONTENT_LENGTH, length.into());
    Input::Reply(Ok(reply))
}

fn failure(kind: FailureKind) -> Input {
    Input::Reply(Err(Failure::new(kind, Sent::Maybe)))
}

#[test]
fn wants_the_head_alone() {
    let (mut fetch, mut device) = fetch();
    let Err(Interrupt::Send(request)) = fetch.poll(&mut device, NOW) else { panic!() };
    assert_eq!(request.want, Want::Head { idle: SILENCE });
    fetch.handle(announcing(7));
    assert_eq!(fetch.poll(&mut device, NOW).unwrap().length, Some(7));
    // It asks anew.
    assert!(matches!(fetch.poll(&mut device, NOW), Err(Interrupt::Send(_))));
}

#[test]
fn nothing_is_asked_for_again() {
    let (mut fetch, mut device) = fetch();
    let mut host = Host::new();
    let mut lengths = [0, 0, 9].into_iter();
    let head = host.run(&mut fetch, &mut device, |_| announcing(lengths.next().unwrap())).unwrap();
    assert_eq!((head.length, host.paths.len()), (Some(9), 3));
    assert_eq!(host.slept, Duration::from_millis(2500));
    // The same request each time.
    let uris: Vec<_> = host.requests.iter().map(|request| request.http.uri()).collect();
    assert!(uris.windows(2).all(|pair| pair[0] == pair[1]));
}

#[test]
fn nothing_three_times_is_an_error() {
    let (mut fetch, mut device) = fetch();
    for _ in 0..2 {
        let mut host = Host::new();
        let error = host.run(&mut fetch, &mut device, |_| announcing(0)).unwrap_err();
        assert!(matches!(error, Error::EmptyMedia { endpoint: "webwxgetmsgimg" }), "{error}");
        assert!(error.is_transient());
        assert_eq!((host.paths.len(), host.slept.as_millis()), (3, 2500));
    }
}

#[test]
fn what_fails_is_told_at_once() {
    let (mut fetch, mut device) = fetch();
    let mut host = Host::new();
    let failed = host.run(&mut fetch, &mut device, |_| failure(FailureKind::Closed));
    assert!(matches!(failed, Err(Error::Transport(_))));
    let mut redirect = Response::default();
    *redirect.status_mut() = http::StatusCode::FOUND;
    let gone = host.run(&mut fetch, &mut device, |_| Input::Reply(Ok(redirect.clone())));
    assert!(matches!(gone, Err(Error::Status { status: 302, .. })));
    assert_eq!((host.paths.len(), host.slept), (2, Duration::ZERO));
    assert_eq!(device.ended(), None);
    // A failure between two empty replies starts the count again.
    let mut inputs = [announcing(0), failure(FailureKind::Closed)].into_iter();
    let failed = host.run(&mut fetch, &mut device, |_| inputs.next().unwrap());
    assert!(matches!(failed, Err(Error::Transport(_))));
    let mut host = Host::new();
    assert!(host.run(&mut fetch, &mut device, |_| announcing(0)).is_err());
    assert_eq!(host.paths.len(), 3);
}

/// The contract of a sleep: polled early, it goes on for what is left; a clock that falls does not
/// make it last.
#[test]
fn a_pause_ends() {
    let (mut fetch, mut device) = fetch();
    assert!(matches!(fetch.poll(&mut device, NOW), Err(Interrupt::Send(_))));
    fetch.handle(announcing(0));
    let slept = |result: Result<Head, Interrupt>| match result {
        Err(Interrupt::Sleep(time)) => Some(time.as_millis()),
        _ => None,
    };
    assert_eq!(slept(fetch.poll(&mut device, NOW)), Some(500));
    // Nobody waits for this.
    fetch.handle(announcing(7));
    let later = NOW.after(Duration::from_millis(200));
    assert_eq!(slept(fetch.poll(&mut device, later)), Some(300));
    // Threat C1: a clock set back makes no pause longer.
    let yesterday = Timestamp::from_secs(NOW.as_secs() - 86_400);
    assert!(matches!(fetch.poll(&mut device, yesterday), Err(Interrupt::Send(_))));
}

/// Its cookies are kept, as those of any reply; a session that is over stays over.
#[test]
fn its_head_is_a_reply() {
    let (mut fetch, mut device) = fetch();
    device.end(Ret::SESSION_INVALID, NOW);
    let mut host = Host::new();
    let head = host.run(&mut fetch, &mut device, |_| {
        let mut reply = Response::default();
        let line = "wxpluginkey=1; Domain=wx.qq.com; Path=/; Max-Age=1000".parse().unwrap();
        reply.headers_mut().insert(http::header::SET_COOKIE, line);
        Input::Reply(Ok(reply))
    });
    assert!(head.is_ok());
    let Err(Interrupt::Send(request)) = fetch.poll(&mut device, host.now) else { panic!() };
    assert_eq!(request.http.headers()["cookie"], "wxpluginkey=1");
}
