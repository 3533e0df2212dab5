use alloc::vec::Vec;

use super::*;
use crate::error::{FailureKind, Ret};
use crate::flow::Response;
use crate::media::{GetImage, ImageSize};
use crate::testing::{Host, NOW, failed, reply, session, status, with_cookies};
use crate::{MsgId, Session};

fn download() -> (RetryEmpty<GetImage>, Session) {
    let image = GetImage::new(MsgId::from("6314805927140286395"), ImageSize::Full);
    (RetryEmpty::new(image), session())
}

/// Returns a response that announces this many bytes.
fn announcing(length: u64) -> Input {
    let mut reply = Response::default();
    reply.headers_mut().insert(http::header::CONTENT_LENGTH, length.into());
    Input::Reply(Ok(reply))
}

#[test]
fn only_the_head_is_requested() {
    let (mut download, mut session) = download();
    let Err(Interrupt::Send(request)) = download.poll(&mut session, NOW) else { panic!() };
    assert_eq!(request.want, GetImage::WANT);
    download.handle(announcing(7));
    assert_eq!(download.poll(&mut session, NOW).unwrap().length, Some(7));
    // If the flow is polled again, it sends a new request.
    assert!(matches!(download.poll(&mut session, NOW), Err(Interrupt::Send(_))));
}

#[test]
fn empty_responses_are_retried() {
    let (mut download, mut session) = download();
    let mut host = Host::new();
    let mut lengths = [0, 0, 9].into_iter();
    let head =
        host.run(&mut download, &mut session, |_| announcing(lengths.next().unwrap())).unwrap();
    assert_eq!((head.length, host.paths.len()), (Some(9), 3));
    assert_eq!(host.slept, Duration::from_millis(2500));
    // All requests are the same.
    let uris: Vec<_> = host.requests.iter().map(|request| request.http.uri()).collect();
    assert!(uris.windows(2).all(|pair| pair[0] == pair[1]));
}

#[test]
fn download_fails_after_three_empty_responses() {
    let (mut download, mut session) = download();
    for _ in 0..2 {
        let mut host = Host::new();
        let error = host.run(&mut download, &mut session, |_| announcing(0)).unwrap_err();
        assert!(matches!(error, Error::EmptyMedia { endpoint: "webwxgetmsgimg" }), "{error}");
        assert!(error.is_transient());
        assert_eq!((host.paths.len(), host.slept.as_millis()), (3, 2500));
    }
}

#[test]
fn other_errors_are_not_retried() {
    let (mut download, mut session) = download();
    let mut host = Host::new();
    let result = host.run(&mut download, &mut session, |_| failed(FailureKind::Closed));
    assert!(matches!(result, Err(Error::Transport(_))));
    let redirect = status(302, "");
    let gone = host.run(&mut download, &mut session, |_| Input::Reply(Ok(redirect.clone())));
    assert!(matches!(gone, Err(Error::Status { status: 302, .. })));
    assert_eq!((host.paths.len(), host.slept), (2, Duration::ZERO));
    assert_eq!(session.device.closed(), None);
    // Any other failure resets the count of empty responses.
    let mut inputs = [announcing(0), failed(FailureKind::Closed)].into_iter();
    let result = host.run(&mut download, &mut session, |_| inputs.next().unwrap());
    assert!(matches!(result, Err(Error::Transport(_))));
    let mut host = Host::new();
    assert!(host.run(&mut download, &mut session, |_| announcing(0)).is_err());
    assert_eq!(host.paths.len(), 3);
}

/// The contract of a sleep: polled early, it returns the rest of the pause; a clock set back does not
/// extend it.
#[test]
fn pause_ends_when_polled_early_or_clock_is_set_back() {
    let (mut download, mut session) = download();
    assert!(matches!(download.poll(&mut session, NOW), Err(Interrupt::Send(_))));
    download.handle(announcing(0));
    let slept = |result: Result<Head, Interrupt>| match result {
        Err(Interrupt::Sleep(time)) => Some(time.as_millis()),
        _ => None,
    };
    assert_eq!(slept(download.poll(&mut session, NOW)), Some(500));
    // An unexpected reply during a pause is ignored.
    download.handle(announcing(7));
    let later = NOW.after(Duration::from_millis(200));
    assert_eq!(slept(download.poll(&mut session, later)), Some(300));
    // Threat C1: a clock that is set back does not extend the pause.
    let yesterday = Timestamp::from_secs(NOW.as_secs() - 86_400);
    assert!(matches!(download.poll(&mut session, yesterday), Err(Interrupt::Send(_))));
}

/// The cookies of a response head are stored; a closed session stays closed.
#[test]
fn cookies_are_stored_on_a_closed_session() {
    let (mut download, mut session) = download();
    session.device.close(Ret::SESSION_INVALID, NOW);
    let mut host = Host::new();
    let head = host.run(&mut download, &mut session, |_| {
        let line = "wxpluginkey=1; Domain=wx.qq.com; Path=/; Max-Age=1000";
        Input::Reply(Ok(with_cookies(reply(""), &[line])))
    });
    assert!(head.is_ok());
    let Err(Interrupt::Send(request)) = download.poll(&mut session, host.now) else { panic!() };
    assert_eq!(request.http.headers()["cookie"], "wxpluginkey=1");
}
