//! Transient failures: `docs/threats.md` J5, B3, S7, S8.

use super::*;
use crate::error::{Failure, FailureKind, Sent};
use crate::flow::Response;

/// Returns all transient failures of a check or a fetch.
pub(super) fn faults() -> Vec<fn() -> Input> {
    alloc::vec![
        || ok(""),
        || ok("<html><body>gateway</body></html>"),
        || Input::Reply(Ok(status(502, "<html>502 Bad Gateway</html>"))),
        || Input::Reply(Ok(status(503, ""))),
        || ok("window.synccheck={"),
        || ok("{\"BaseResponse\":{\"Ret\":0},\"AddMsgList\":[{\"MsgId\":\"1\","),
        || refused(-1),
        || ok("window.synccheck={retcode:\"-1\",selector:\"0\"}"),
        || ok("\u{0}\u{1}garbage"),
        || Input::Reply(Ok(Response::new(bytes::Bytes::from_static(b"\xff\xfe\x80")))),
        || failed(FailureKind::Resolve),
        || failed(FailureKind::Connect),
        || failed(FailureKind::Closed),
        || failed(FailureKind::Truncated),
        || failed(FailureKind::Protocol),
    ]
}

/// Threat J5.
#[test]
fn two_failures_are_not_reported() {
    for fault in faults() {
        let mut stage =
            Stage::new([fault(), fault(), ok(batch(&["1"], 5, false)), fault(), fault(), ok(NEWS)]);
        stage.replies.extend([fault(), fault(), ok(batch(&["2"], 6, false))]);
        assert_eq!(stage.ids(), ["1", "2"]);
    }
}

/// Threats J5 and S8.
#[test]
fn the_third_failure_is_reported() {
    for fault in faults() {
        for first in [true, false] {
            let mut stage = Stage::new([]);
            if !first {
                stage.replies.push_back(ok(batch(&[], 5, false)));
            }
            stage.replies.extend((0..8).map(|_| fault()));
            let mut reported = 0;
            let mut slept = Vec::new();
            while stage.replies.front().is_some() {
                let before = stage.host.slept;
                match stage.next() {
                    Err(Error::LoggedOut { .. } | Error::Stopped) => panic!("the inbox ended"),
                    Err(_) => reported += 1,
                    Ok(_) => panic!("no message was sent"),
                }
                slept.push((stage.host.slept - before).as_secs());
            }
            assert_eq!(reported, 6);
            // The key has not advanced, so that retrying is safe.
            let key = if first { "1_643606091|2_643606203" } else { "1_5" };
            assert_eq!(stage.account.session.sync_key.joined(), key);
            if first {
                assert!(slept.iter().sum::<u64>() >= 25, "{slept:?}");
                assert!(slept[1..].is_sorted(), "{slept:?}");
            }
            stage.replies.extend([ok(batch(&["7"], 7, false)), ok(NEWS), ok(batch(&[], 8, false))]);
            if !first {
                stage.replies.push_front(ok(NEWS));
            }
            assert_eq!(stage.ids(), ["7"]);
        }
    }
}

/// A single failure between quick empty replies is not reported.
#[test]
fn empty_replies_do_not_count_as_failures() {
    let mut stage = Stage::new([]);
    for n in 0..6 {
        stage.replies.extend([ok(batch(&[], n, false)), ok(NEWS)]);
    }
    stage.replies.extend([failed(FailureKind::Closed), ok(batch(&["1"], 9, false))]);
    assert_eq!(stage.ids(), ["1"]);
}

/// A check that reaches its deadline is a round without news.
///
/// Threat B4.
#[test]
fn a_check_timeout_is_not_a_failure() {
    let mut stage = Stage::new([ok(batch(&[], 5, false))]);
    stage.replies.extend((0..20).map(|_| failed(FailureKind::Timeout)));
    assert_eq!(stage.ids(), [""; 0]);
    assert_eq!((stage.host.requests.len(), stage.host.slept), (22, Duration::ZERO));
    // A connection that is not established in time is a failure, because no poll was sent.
    let connecting = || Input::Reply(Err(Failure::new(FailureKind::Timeout, Sent::No)));
    let mut stage =
        Stage::new([ok(batch(&[], 5, false)), connecting(), connecting(), connecting()]);
    assert!(matches!(stage.next(), Err(Error::Transport(_))));
    assert_eq!(stage.host.requests.len(), 4);
    // A fetch that reaches its deadline is a failure.
    let mut stage = Stage::new((0..3).map(|_| failed(FailureKind::Timeout)));
    assert!(matches!(stage.next(), Err(Error::Transport(_))));
}

/// Runs a server that answers at once. Returns the number of requests in a minute.
fn in_a_minute(mut serve: impl FnMut(&Request, usize) -> Value) -> usize {
    let mut stage = Stage::new([]);
    let start = stage.host.now;
    let mut sent = 0;
    while stage.host.now.since(start) < Duration::from_secs(60) {
        match stage.inbox.poll(&mut stage.account, stage.host.now) {
            Err(Interrupt::Send(request)) => {
                sent += 1;
                let answer = serve(&request, sent);
                let text = answer.as_str().map_or_else(|| answer.to_string(), String::from);
                stage.inbox.handle(ok(text));
                stage.host.now = stage.host.now.after(Duration::from_millis(1));
            }
            Err(Interrupt::Sleep(time)) => stage.host.now = stage.host.now.after(time),
            Err(_) | Ok(_) => {}
        }
    }
    sent
}

/// Threat S7: endless news without messages.
#[test]
fn empty_news_is_slowed_down() {
    for (label, check, moves, more) in [
        ("the key advances", NEWS, true, false),
        ("the key does not advance", NEWS, false, false),
        ("checks without news", QUIET, false, false),
        ("more is announced, and empty as well", NEWS, true, true),
    ] {
        let sent = in_a_minute(|request, n| match is_check(request) {
            true => json!(check),
            false => batch(&[], if moves { i64::try_from(n).unwrap() } else { 5 }, more),
        });
        assert!(sent < 30, "{label}: {sent}");
    }
}

/// The same changes, or the same message without an id, with a key that does not advance.
///
/// Threats S6 and S7.
#[test]
fn repeated_changes_are_slowed_down() {
    let contact = json!([{ "UserName": "@a" }]);
    let profile = json!({ "BitFlag": 190, "NickName": { "Buff": "x" } });
    for again in [
        with(batch(&[], 5, false), "ModContactList", contact.clone()),
        with(batch(&[], 5, false), "DelContactList", contact),
        with(batch(&[], 5, false), "Profile", profile),
        batch(&["1"], 5, false),
        batch(&["0"], 5, false),
    ] {
        let sent = in_a_minute(|r, _| if is_check(r) { json!(NEWS) } else { again.clone() });
        assert!(sent < 30, "{sent} {again}");
    }
}

/// After one 1205, the next request is delayed by four seconds.
///
/// Threat S8.
#[test]
fn a_limit_is_reported_and_delays_requests() {
    let limited = "window.synccheck={retcode:\"1205\",selector:\"0\"}";
    let mut stage = Stage::new([refused(1205), ok(limited)]);
    assert!(matches!(stage.next(), Err(Error::Limited { .. })));
    stage.replies.pop_front();
    assert!(matches!(stage.next(), Err(Error::Stopped)));
    assert!(stage.host.slept > Duration::from_secs(3), "{:?}", stage.host.slept);
}

/// A reply that arrives while a request is delayed is ignored.
#[test]
fn a_late_reply_is_ignored() {
    let mut stage = Stage::new((0..3).map(|_| failed(FailureKind::Connect)));
    assert!(stage.next().is_err());
    for _ in 0..3 {
        let held = stage.inbox.poll(&mut stage.account, stage.host.now);
        assert!(matches!(held, Err(Interrupt::Sleep(_))));
        stage.inbox.handle(ok(batch(&["1"], 5, false)));
        stage.inbox.handle(Input::Piece(Ok(bytes::Bytes::new())));
    }
}

/// Infrequent news without messages is not delayed further, because the phone may have opened a
/// chat.
///
/// Threat S7.
#[test]
fn slow_news_without_messages_is_not_delayed() {
    let mut stage = Stage::new([ok(batch(&[], 5, false))]);
    for _ in 0..20 {
        let mut checks = 0;
        while checks == 0 {
            match stage.inbox.poll(&mut stage.account, stage.host.now) {
                Err(Interrupt::Send(request)) if is_check(&request) => {
                    checks += 1;
                    stage.host.now = stage.host.now.after(Duration::from_secs(20));
                    stage.inbox.handle(ok(NEWS));
                }
                // The key is unchanged, and there is no news.
                Err(Interrupt::Send(_)) => stage.inbox.handle(ok(batch(&[], 5, false))),
                other => panic!("{other:?}"),
            }
        }
    }
}
