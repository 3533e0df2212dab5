//! The end of an inbox, after which it sends no requests.

use super::*;
use crate::call::Call;
use crate::ids::UserName;
use crate::login::Logout;
use crate::message::SendText;

/// Asserts that the inbox fails like this at every poll, and sends no requests.
fn stays_ended(stage: &mut Stage, is: fn(&Error) -> bool) {
    let sent = stage.host.requests.len();
    for _ in 0..5 {
        stage.inbox.handle(ok(NEWS));
        assert!(is(&stage.next().unwrap_err()));
    }
    assert_eq!(stage.host.requests.len(), sent);
}

const fn is_closed(error: &Error) -> bool {
    matches!(error, Error::LoggedOut { ret, .. } if ret.ends_session())
}

/// Threat S8.
#[test]
fn three_codes_end_the_inbox() {
    for ret in [1100, 1101, 1102] {
        let check = format!("window.synccheck={{retcode:\"{ret}\",selector:\"0\"}}");
        for replies in [
            Vec::from([ok(batch(&["1"], 5, false)), ok(&check)]),
            [refused(ret)].into(),
            [ok(batch(&["1"], 5, true)), refused(ret)].into(),
        ] {
            let mut stage = Stage::new(replies);
            let error = loop {
                if let Err(error) = stage.next() {
                    break error;
                }
            };
            assert!(matches!(error, Error::LoggedOut { ret: Ret(code), .. } if code == ret));
            assert_eq!(stage.account.session.device.closed(), Some(Ret(ret)));
            assert!(stage.account.close_reason().is_some() && !stage.account.has_logged_out());
            stays_ended(&mut stage, is_closed);
        }
    }
}

/// Status messages of the phone arrive with every login, even of accounts that are dropped at once.
#[test]
fn status_messages_do_not_count_as_messages() {
    for (msg_type, counts) in [(51, false), (1, true), (9999, true)] {
        let mut batch = batch(&["1"], 5, true);
        batch["AddMsgList"][0]["MsgType"] = json!(msg_type);
        let mut stage = Stage::new([ok(&batch), refused(1101)]);
        stage.account.session.device.begin(stage.host.now);
        assert!(stage.next().is_ok());
        assert!(is_closed(&stage.next().unwrap_err()));
        let ended = stage.account.session.device.session_ended().unwrap();
        assert_eq!((ended.retcode, ended.had_messages), (Ret(1101), counts), "{msg_type}");
    }
}

/// Closes the session with a send, as in `docs/protocol.md` §6.1.
pub(super) fn close_by_send(account: &mut Account, ret: i64) {
    let mut call = Call::new(SendText::new(UserName::file_helper(), "x"));
    let result = Host::new().run(&mut call, &mut account.session, |_| refused(ret));
    assert!(matches!(result, Err(Error::LoggedOut { .. })));
}

/// Threat S8.
#[test]
fn another_call_can_end_the_inbox() {
    for ret in [1100, 1101, 1102] {
        let mut stage = Stage::new([ok(batch(&[], 5, false))]);
        // The inbox waits for a check.
        assert!(matches!(stage.next(), Err(Error::Stopped)));
        close_by_send(&mut stage.account, ret);
        assert!(stage.account.close_reason().is_some());
        stays_ended(&mut stage, is_closed);
    }
    // The session is closed before the inbox is polled.
    let mut stage = Stage::new([]);
    close_by_send(&mut stage.account, 1101);
    stays_ended(&mut stage, is_closed);
    assert!(stage.host.requests.is_empty());
}

/// Messages received before the session was closed are delivered, because they are not sent again.
///
/// Threats S8 and S5.
#[test]
fn messages_before_the_end_are_delivered() {
    let mut stage = Stage::new([ok(batch(&["1", "2", "3"], 5, true))]);
    stage.next().unwrap();
    close_by_send(&mut stage.account, 1101);
    assert_eq!(stage.next().unwrap().id.to_string(), "2");
    assert_eq!(stage.next().unwrap().id.to_string(), "3");
    stays_ended(&mut stage, is_closed);
    assert_eq!(stage.host.requests.len(), 1);
}

/// Acknowledged messages are dropped, and no request follows them.
#[test]
fn no_request_follows_repetitions() {
    for ids in [&["1", "2", "1", "2"][..], &["1", "1"], &["1", "2", "2", "1", "1"]] {
        let mut stage = Stage::new([ok(batch(ids, 5, true))]);
        stage.next().unwrap();
        close_by_send(&mut stage.account, 1101);
        while let Ok(message) = stage.next() {
            assert_eq!(message.id.to_string(), "2");
        }
        stays_ended(&mut stage, is_closed);
        assert_eq!(stage.host.requests.len(), 1, "{ids:?}");
    }
}

#[test]
fn logout_ends_the_inbox() {
    let mut stage = Stage::new([ok(batch(&["1", "2"], 5, false))]);
    stage.next().unwrap();
    let mut call = Call::new(Logout::new());
    Host::new().run(&mut call, &mut stage.account.session, |_| ok("")).unwrap();
    assert!(stage.account.has_logged_out());
    stays_ended(&mut stage, |error| matches!(error, Error::LoggedOut { ret: Ret::OK, .. }));
    assert_eq!(stage.host.requests.len(), 1);
}

/// Messages left by a stop are received again when the session is resumed.
#[test]
fn messages_left_by_a_stop_are_received_again() {
    let whole = batch(&["1", "2", "3"], 5, false);
    let mut stage = Stage::new([ok(&whole)]);
    stage.next().unwrap();
    stage.account.stop();
    stays_ended(&mut stage, |error| matches!(error, Error::Stopped));
    assert!(stage.account.session.device.closed().is_none());
    let session = Session::from_json(&stage.account.session().to_json()).unwrap();
    // The delivered message was acknowledged by the next poll.
    let mut stage = Stage::of(session, [ok(&whole)]);
    assert_eq!(stage.ids(), ["2", "3"]);
}

#[test]
fn a_closed_session_takes_precedence_over_a_stop() {
    let mut stage = Stage::new([]);
    stage.account.stop();
    close_by_send(&mut stage.account, 1102);
    stays_ended(&mut stage, is_closed);
}

#[test]
fn only_the_newest_inbox_continues() {
    let mut stage = Stage::new([ok(batch(&[], 5, false)), ok(batch(&["1"], 6, false))]);
    assert!(stage.inbox.poll(&mut stage.account, stage.host.now).is_err());
    let mut old = core::mem::take(&mut stage.inbox);
    // The old inbox ends when the newer one is polled, not when it is created.
    assert!(matches!(old.poll(&mut stage.account, stage.host.now), Err(Interrupt::Send(_))));
    assert_eq!(stage.ids(), [""; 0]);
    for _ in 0..3 {
        old.handle(ok(batch(&["9"], 9, false)));
        let retired = old.poll(&mut stage.account, stage.host.now);
        assert!(matches!(retired, Err(Interrupt::Fail(Error::InUse))));
    }
    assert_eq!(stage.account.session.sync_key.joined(), "1_5");
}
