//! Limits in space and time.

use std::thread;
use std::time::Duration;

use wechat_proto::error::{FailureKind, Sent};
use wechat_proto::flow::{Request, Want};

use super::kinds::{METHODS, to_full_host};
use super::opened::{Bench, body, failed, fails, get, lost, post, reply, request, takes};
use super::report::Seen;
use super::{Act, Options, Script};

/// A deadline long enough for a slow machine to connect and send.
const SHORT: Duration = Duration::from_secs(1);

fn soon(mut request: Request) -> Request {
    request.deadline = SHORT;
    request
}

/// Threat B2.
pub(super) fn an_endless_body_is_stopped(bench: &Bench) -> Seen {
    for head in ["", "content-length: 99999999999\r\n", "transfer-encoding: chunked\r\n"] {
        let head = format!("HTTP/1.1 200 OK\r\n{head}\r\n");
        let chunk: &'static [u8] =
            if head.contains("chunked") { b"4\r\n1234\r\n" } else { b"1234" };
        let server =
            Script::new(move |_| vec![Act::Send(head.clone().into_bytes()), Act::Flood(chunk)]);
        failed(bench.client()?.ask(get(&server)), FailureKind::TooLarge, Sent::Maybe)?;
    }
    Ok(())
}

/// Starts a server that announces a body of an absurd length and sends none of it.
fn announcing() -> Script {
    Script::new(|_| {
        let head = b"HTTP/1.1 200 OK\r\ncontent-length: 4611686018427387904\r\n\r\n";
        vec![Act::Send(head.into()), Act::Silence]
    })
}

/// Threat B2.
pub(super) fn an_announced_excess_is_refused_at_once(bench: &Bench) -> Seen {
    let server = announcing();
    takes(0..10_000, || {
        failed(bench.client()?.ask(get(&server)), FailureKind::TooLarge, Sent::Maybe)
    })
}

/// Threat B2: also without a limit.
pub(super) fn an_announced_length_is_not_allocated(bench: &Bench) -> Seen {
    let server = announcing();
    let mut request = soon(get(&server));
    request.want = Want::Whole { limit: usize::MAX };
    failed(bench.client()?.ask(request), FailureKind::Timeout, Sent::Maybe)
}

/// Checks a head in one line, and in as many lines as the login sets cookies.
pub(super) fn a_head_of_64_kb_is_accepted(bench: &Bench) -> Seen {
    let cookie = format!("set-cookie: a={}; Path=/\r\n", "x".repeat(1000));
    for lines in [format!("x: {}\r\n", "x".repeat(63_900)), cookie.repeat(62)] {
        let server =
            Script::replying(format!("HTTP/1.1 200 OK\r\n{lines}content-length: 2\r\n\r\nok"));
        body(bench.client()?.ask(get(&server)), "ok")?;
    }
    Ok(())
}

/// Threat B2: in one line, and in many.
pub(super) fn an_endless_head_is_stopped(bench: &Bench) -> Seen {
    let parts: [&[u8]; 2] = [&[b'x'; 1024], b"y\r\nset-cookie: a=1; Path=/\r\nx: "];
    for part in parts {
        let server = Script::new(move |_| {
            vec![Act::Send(b"HTTP/1.1 200 OK\r\nx: ".into()), Act::Flood(part)]
        });
        takes(0..15_000, || lost(bench.client()?.ask(get(&server))))?;
    }
    Ok(())
}

/// Threat B4.
pub(super) fn a_slow_head_ends_at_the_deadline(bench: &Bench) -> Seen {
    let server = Script::new(|_| vec![Act::Silence]);
    for request in [get(&server), post(&server, "hello")] {
        late(bench, soon(request))?;
    }
    Ok(())
}

/// Returns an error unless the exchange ends at its deadline.
fn late(bench: &Bench, request: Request) -> Seen {
    let client = bench.client()?;
    takes(900..4500, || failed(client.ask(request), FailureKind::Timeout, Sent::Maybe))
}

/// Starts a server that sends `head` and then a byte every 50 ms, for ten seconds.
fn drips(head: &[u8]) -> Script {
    let head = head.to_vec();
    Script::new(move |_| {
        let drip = [Act::Pause(Duration::from_millis(50)), Act::Send(b".".into())];
        let begin = std::iter::once(Act::Send(head.clone()));
        begin.chain(drip.into_iter().cycle().take(200)).collect()
    })
}

/// Threat B4.
pub(super) fn a_dripping_head_ends_at_the_deadline(bench: &Bench) -> Seen {
    late(bench, soon(get(&drips(b"HTTP/1.1 200 OK\r\nx: "))))
}

/// Threat B4.
pub(super) fn a_slow_body_ends_at_the_deadline(bench: &Bench) -> Seen {
    late(bench, soon(get(&drips(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n"))))
}

/// Threat B4.
pub(super) fn endless_1xx_replies_end_at_the_deadline(bench: &Bench) -> Seen {
    let server = Script::new(|_| {
        let inform = [
            Act::Send(b"HTTP/1.1 102 Processing\r\n\r\n".into()),
            Act::Pause(Duration::from_millis(20)),
        ];
        inform.into_iter().cycle().take(400).collect()
    });
    late(bench, soon(get(&server)))
}

/// Threat B4.
pub(super) fn connecting_ends_at_the_deadline(bench: &Bench) -> Seen {
    METHODS
        .iter()
        .try_for_each(|method| takes(900..4500, || fails(to_full_host(bench, method)).map(drop)))
}

/// Threat B4: a server that stops reading in the middle of an upload.
pub(super) fn unread_upload_ends_at_the_deadline(bench: &Bench) -> Seen {
    let server = Script::head_only();
    let size = 64 << 20;
    let http = http::Request::post(format!("http://{}/", server.address()))
        .header("host", server.authority())
        .header("content-length", size);
    late(bench, soon(request(http, vec![0; size])))
}

/// A deadline does not apply to the next exchange on the same connection.
pub(super) fn a_deadline_is_for_one_exchange(bench: &Bench) -> Seen {
    let server = Script::new(|arrived| {
        let pause = if arrived.body.is_empty() { 0 } else { 2500 };
        vec![Act::Pause(Duration::from_millis(pause)), Act::Send(reply("ok").into_bytes())]
    });
    let client = bench.client()?;
    let mut quick = get(&server);
    quick.deadline = Duration::from_secs(2);
    body(client.ask(quick), "ok")?;
    thread::sleep(Duration::from_millis(30));
    body(client.ask(post(&server, "hello")), "ok")
}

pub(super) fn deadline_cap_is_applied(bench: &Bench) -> Seen {
    let server = Script::new(|_| vec![Act::Silence]);
    let client = bench.with(Options { deadline_cap: Some(SHORT), ..Options::default() })?;
    takes(900..4500, || failed(client.ask(get(&server)), FailureKind::Timeout, Sent::Maybe))
}
