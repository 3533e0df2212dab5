//! What ends an inbox, and that it sends nothing then.

use super::*;
use crate::call::Call;
use crate::ids::UserName;
use crate::login::Logout;
use crate::message::SendText;

/// Asserts that the inbox says this at every poll, and sends nothing.
fn stays(stage: &mut Stage, is: fn(&Error) -> bool) {
    let sent = stage.host.requests.len();
    for _ in 0..5 {
        stage.inbox.handle(ok(NEWS));
        assert!(is(&stage.next().unwrap_err()));
    }
    assert_eq!(stage.host.requests.len(), sent);
}

const fn over(error: &Error) -> bool {
    matches!(error, Error::LoggedOut { ret, .. } if ret.ends_session())
}

/// Threat S8.
#[test]
fn three_codes_end_it_from_any_call_of_its_own() {
    for ret in [1100, 1101, 1102] {
        let check = format!("window.synccheck={{retcode:\"{ret}\",selector:\"0\"}}");
        let fetch = json!({ "BaseResponse": { "Ret": ret } }).to_string();
        for replies in [
            [ok(batch(&["1"], 5, false)), ok(&check)].into_iter().collect::<Vec<_>>(),
            [ok(&fetch)].into(),
            [ok(batch(&["1"], 5, true)), ok(&fetch)].into(),
        ] {
            let mut stage = Stage::new(replies);
            let error = loop {
                if let Err(error) = stage.next() {
                    break error;
                }
            };
            assert!(matches!(error, Error::LoggedOut { ret: Ret(code), .. } if code == ret));
            assert_eq!(stage.account.session.device.closed(), Some(Ret(ret)));
            assert!(stage.account.close_reason().is_some() && !stage.account.has_left());
            stays(&mut stage, over);
        }
    }
}

/// The phone's word that it opened a chat comes with every login, also of accounts that are dropped
/// at once.
#[test]
fn what_the_phone_tells_is_no_message() {
    let end = json!({ "BaseResponse": { "Ret": 1101 } });
    for (msg_type, heard) in [(51, false), (1, true), (9999, true)] {
        let mut told = batch(&["1"], 5, true);
        told["AddMsgList"][0]["MsgType"] = json!(msg_type);
        let mut stage = Stage::new([ok(&told), ok(&end)]);
        stage.account.session.device.begin(stage.host.now);
        assert!(stage.next().is_ok());
        assert!(over(&stage.next().unwrap_err()));
        let ended = stage.account.session.device.session_ended().unwrap();
        assert_eq!((ended.retcode, ended.had_messages), (Ret(1101), heard), "{msg_type}");
    }
}

/// `docs/protocol.md` §6.1: a send may hear of the end before the inbox does.
fn hear(account: &mut Account, ret: i64) {
    let to = UserName::file_helper();
    let mut call = Call::new(SendText::new(to, "x"));
    let body = json!({ "BaseResponse": { "Ret": ret } });
    let result = Host::new().run(&mut call, &mut account.session, |_| ok(&body));
    assert!(matches!(result, Err(Error::LoggedOut { .. })));
}

/// Threat S8.
#[test]
fn it_ends_with_a_call_beside_it() {
    for ret in [1100, 1101, 1102] {
        let mut stage = Stage::new([ok(batch(&[], 5, false))]);
        // It waits in a check.
        assert!(matches!(stage.next(), Err(Error::Stopped)));
        hear(&mut stage.account, ret);
        assert!(stage.account.close_reason().is_some());
        stays(&mut stage, over);
    }
    // Before it was polled at all.
    let mut stage = Stage::new([]);
    hear(&mut stage.account, 1101);
    stays(&mut stage, over);
    assert!(stage.host.requests.is_empty());
}

/// What was heard before a kick is handed out: nobody will send it again.
///
/// Threats S8 and S5.
#[test]
fn messages_before_the_end_are_handed_out() {
    let mut stage = Stage::new([ok(batch(&["1", "2", "3"], 5, true))]);
    stage.next().unwrap();
    hear(&mut stage.account, 1101);
    assert_eq!(stage.next().unwrap().id.as_str(), "2");
    assert_eq!(stage.next().unwrap().id.as_str(), "3");
    stays(&mut stage, over);
    assert_eq!(stage.host.requests.len(), 1);
}

/// Those that were taken before are left out, and nothing is sent behind them.
#[test]
fn nothing_is_sent_behind_repetitions() {
    for ids in [&["1", "2", "1", "2"][..], &["1", "1"], &["1", "2", "2", "1", "1"]] {
        let mut stage = Stage::new([ok(batch(ids, 5, true))]);
        stage.next().unwrap();
        hear(&mut stage.account, 1101);
        while let Ok(message) = stage.next() {
            assert_eq!(message.id.as_str(), "2");
        }
        stays(&mut stage, over);
        assert_eq!(stage.host.requests.len(), 1, "{ids:?}");
    }
}

#[test]
fn its_own_logout_ends_it_without_a_fault() {
    let mut stage = Stage::new([ok(batch(&["1", "2"], 5, false))]);
    stage.next().unwrap();
    let mut call = Call::new(Logout::new());
    Host::new().run(&mut call, &mut stage.account.session, |_| ok("")).unwrap();
    assert!(stage.account.has_left());
    stays(&mut stage, |error| matches!(error, Error::LoggedOut { ret: Ret::OK, .. }));
    assert_eq!(stage.host.requests.len(), 1);
}

/// What a stop leaves comes again when the session is resumed.
#[test]
fn a_stop_loses_nothing() {
    let whole = batch(&["1", "2", "3"], 5, false);
    let mut stage = Stage::new([ok(&whole)]);
    stage.next().unwrap();
    stage.account.stop();
    stays(&mut stage, |error| matches!(error, Error::Stopped));
    assert!(stage.account.session.device.closed().is_none());
    let session = Session::from_json(&stage.account.session().to_json()).unwrap();
    // The message in hand was asked past: it is taken.
    let mut stage = Stage::of(session, [ok(&whole)]);
    assert_eq!(stage.ids(), ["2", "3"]);
}

#[test]
fn a_logout_is_told_before_a_stop() {
    let mut stage = Stage::new([]);
    stage.account.stop();
    hear(&mut stage.account, 1102);
    stays(&mut stage, over);
}

#[test]
fn only_the_newest_inbox_lives() {
    let mut stage = Stage::new([ok(batch(&[], 5, false)), ok(batch(&["1"], 6, false))]);
    assert!(stage.inbox.poll(&mut stage.account, stage.host.now).is_err());
    let mut old = core::mem::take(&mut stage.inbox);
    // It is retired when the newer one is polled, not when it is made.
    assert!(matches!(old.poll(&mut stage.account, stage.host.now), Err(Interrupt::Send(_))));
    assert_eq!(stage.ids(), [""; 0]);
    for _ in 0..3 {
        old.handle(ok(batch(&["9"], 9, false)));
        let retired = old.poll(&mut stage.account, stage.host.now);
        assert!(matches!(retired, Err(Interrupt::Fail(Error::InUse))));
    }
    assert_eq!(stage.account.session.sync_key.joined(), "1_5");
}
