//! The flows, played from scripts of replies.

use core::time::Duration;

use bytes::Bytes;

use super::{Entry, NOW, account, reply};
use crate::contact::Contacts;
use crate::device::Device;
use crate::error::{Failure, FailureKind, Sent};
use crate::flow::{Flow, Input, Interrupt};
use crate::login::Login;
use crate::sync::Inbox;
use crate::time::Timestamp;

/// The flows: the bytes are a script of replies.
pub const FLOWS: &[(&str, Entry)] = &[
    ("login flow", |bytes| {
        play(Login::new(), &mut Device::new(), bytes);
        // The same answers to a device that was logged in before.
        play(Login::again(), &mut account().session().clone().into_device(), bytes);
    }),
    ("contacts flow", |bytes| play(Contacts::new(), &mut account(), bytes)),
    ("inbox flow", |bytes| play(Inbox::new(), &mut account(), bytes)),
];

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
