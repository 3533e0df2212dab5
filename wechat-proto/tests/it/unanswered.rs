//! Calls of endpoints that must not be repeated.

use std::fmt;

use wechat_fuzz::{Make, NOW, Row, Visitor, account, endpoints};
use wechat_proto::endpoint::Repeat;
use wechat_proto::error::{Failure, FailureKind, Sent};
use wechat_proto::{Account, Call, Endpoint, Error, Flow as _, Input, Interrupt};

use crate::reply;

fn ok(body: &str) -> Input {
    Input::Reply(Ok(reply(body)))
}

fn sends<E: Endpoint<Output: fmt::Debug>>(call: &mut Call<E>, state: &mut E::State) {
    let polled = call.poll(state, NOW);
    assert!(matches!(polled, Err(Interrupt::Send(_))), "{polled:?}");
}

fn is_unanswered<E: Endpoint<Output: fmt::Debug>>(call: &mut Call<E>, state: &mut E::State) {
    for _ in 0..3 {
        match call.poll(state, NOW) {
            Err(Interrupt::Fail(Error::Unanswered { .. })) => {}
            other => panic!("{other:?}"),
        }
        // A late response is ignored.
        call.handle(ok(r#"{"BaseResponse":{"Ret":0},"MsgID":"77"}"#));
    }
}

/// Returns every fault in place of a valid reply.
fn faults() -> [(&'static str, Input); 12] {
    let status = |status: u16, body: &str| {
        let mut page = reply(body);
        *page.status_mut() = http::StatusCode::from_u16(status).unwrap();
        Input::Reply(Ok(page))
    };
    let failed = |kind| Input::Reply(Err(Failure::new(kind, Sent::Maybe)));
    [
        ("no response", failed(FailureKind::Closed)),
        ("timeout", failed(FailureKind::Timeout)),
        ("truncated", failed(FailureKind::Truncated)),
        ("wrong encoding", failed(FailureKind::Encoding)),
        ("too large", failed(FailureKind::TooLarge)),
        ("404", status(404, "")),
        ("502", status(502, "<html>Bad Gateway</html>")),
        ("a refusal with status 502", status(502, r#"{"BaseResponse":{"Ret":1}}"#)),
        ("HTML", ok("<html>captive portal</html>")),
        ("empty", ok("")),
        ("{}", ok("{}")),
        ("cut", ok(r#"{"BaseResponse":{"Re"#)),
    ]
}

/// Threat S9: each endpoint that must not be repeated, with each fault.
#[test]
fn a_change_without_its_reply_is_unanswered() {
    struct Table(usize);

    impl Visitor for Table {
        fn visit<E>(&mut self, Row { title, .. }: Row, make: Make<E>)
        where
            E: Endpoint + 'static,
            E::Output: fmt::Debug,
            Account: AsMut<E::State>,
        {
            if E::REPEAT != Repeat::Once {
                return;
            }
            self.0 += 1;
            for (fault, input) in faults() {
                let mut account = account();
                let mut call = Call::new(make.value(&mut account));
                sends(&mut call, account.as_mut());
                call.handle(input);
                match call.poll(account.as_mut(), NOW) {
                    Err(Interrupt::Fail(error @ Error::Unanswered { cause: Some(_) })) => {
                        assert!(!error.is_transient(), "{title}, {fault}");
                    }
                    other => panic!("{title}, {fault}: {other:?}"),
                }
                is_unanswered(&mut call, account.as_mut());
            }
            // Its exchange was cancelled.
            let mut account = account();
            let mut call = Call::new(make.value(&mut account));
            sends(&mut call, account.as_mut());
            is_unanswered(&mut call, account.as_mut());
            // A valid refusal is a reply, and the endpoint is not sent again.
            for ret in [1, -1, 1205, 1101] {
                let mut account = wechat_fuzz::account();
                let mut call = Call::new(make.value(&mut account));
                sends(&mut call, account.as_mut());
                call.handle(ok(&format!(r#"{{"BaseResponse":{{"Ret":{ret}}}}}"#)));
                match (ret, call.poll(account.as_mut(), NOW)) {
                    (1 | -1, Err(Interrupt::Fail(error @ Error::Refused { .. }))) => {
                        assert!(!error.is_transient(), "{title}");
                    }
                    (1205, Err(Interrupt::Fail(Error::Limited { .. })))
                    | (1101, Err(Interrupt::Fail(Error::LoggedOut { .. }))) => {}
                    (_, other) => panic!("{title} {ret}: {other:?}"),
                }
                is_unanswered(&mut call, account.as_mut());
            }
        }
    }

    let mut table = Table(0);
    endpoints(&mut table);
    assert!(table.0 >= 18, "{}", table.0);
}
