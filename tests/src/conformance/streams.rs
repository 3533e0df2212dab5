//! Replies whose body is streamed: flows with `Want::Head`.

use std::time::Duration;

use wechat_proto::error::{FailureKind, Sent};
use wechat_proto::flow::{Request, Want};

use super::opened::{Bench, body, failed, get, replied, reply, takes};
use super::report::{Seen, holds, same};
use super::{Act, Script};

fn head(server: &Script, deadline: u64, idle: u64) -> Request {
    let mut request = get(server);
    request.deadline = Duration::from_millis(deadline);
    request.want = Want::Head { idle: Duration::from_millis(idle) };
    request
}

fn slow(parts: usize, pause: u64) -> Vec<Act> {
    let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", parts * 3);
    let part = [Act::Pause(Duration::from_millis(pause)), Act::Send(b"abc".into())];
    std::iter::once(Act::Send(head.into_bytes()))
        .chain(part.into_iter().cycle().take(parts * 2))
        .collect()
}

pub(super) fn the_head_comes_first(bench: &Bench) -> Seen {
    let server = Script::replying("HTTP/1.1 206 x\r\ncontent-length: 5\r\nx-y: z\r\n\r\nhello");
    let streamed = replied(bench.client()?.stream(head(&server, 5000, 5000)))?;
    same!(streamed.head.status().as_u16(), 206);
    same!(streamed.head.headers()["x-y"], "z");
    holds!(streamed.head.body().is_empty(), "no body in the reply", "{:?}", streamed.head.body());
    same!((&*streamed.body, streamed.end), (&b"hello"[..], Ok(())));
    // With `Want::Whole`, nothing is left to stream.
    let streamed = replied(bench.client()?.stream(get(&server)))?;
    same!((&streamed.head.body()[..], &*streamed.body), (&b"hello"[..], &b""[..]));
    Ok(())
}

pub(super) fn a_stream_may_outlast_the_deadline(bench: &Bench) -> Seen {
    let server = Script::new(|_| slow(12, 200));
    let streamed = replied(bench.client()?.stream(head(&server, 1500, 4000)))?;
    same!((streamed.body.len(), streamed.end), (36, Ok(())));
    Ok(())
}

/// Threat B4.
pub(super) fn idle_stream_times_out(bench: &Bench) -> Seen {
    let server = Script::new(|_| slow(3, 4000));
    let client = bench.client()?;
    takes(250..3500, || {
        let streamed = replied(client.stream(head(&server, 5000, 300)))?;
        same!((streamed.body.len(), streamed.end), (0, Err(FailureKind::Timeout)));
        Ok(())
    })
}

/// A driver may apply the idle limit to the wait for the head, too.
pub(super) fn head_may_take_until_the_deadline(bench: &Bench) -> Seen {
    let server = Script::new(|_| {
        vec![Act::Pause(Duration::from_millis(4000)), Act::Send(reply("late").into_bytes())]
    });
    let client = bench.client()?;
    let streamed = replied(client.stream(head(&server, 15_000, 15_000)))?;
    same!((&*streamed.body, streamed.end), (&b"late"[..], Ok(())));
    takes(900..3900, || {
        failed(client.stream(head(&server, 1000, 5000)), FailureKind::Timeout, Sent::Maybe)
    })
}

/// Threat B3.
pub(super) fn a_stream_cut_short(bench: &Bench) -> Seen {
    let server = Script::closing_after("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhel");
    let streamed = replied(bench.client()?.stream(head(&server, 5000, 5000)))?;
    same!(&*streamed.body, b"hel");
    holds!(streamed.end.is_err(), "an error at the end of the body", "{:?}", streamed.end);
    Ok(())
}

/// Threat B1.
pub(super) fn encoded_stream_is_refused(bench: &Bench) -> Seen {
    let server = Script::replying("HTTP/1.1 200 OK\r\ncontent-encoding: br\r\n\r\n");
    let streamed = bench.client()?.stream(head(&server, 5000, 5000));
    failed(streamed, FailureKind::Encoding, Sent::Maybe)
}

pub(super) fn unread_body_does_not_affect_the_next_exchange(bench: &Bench) -> Seen {
    let server = Script::replying(reply("hello"));
    let client = bench.client()?;
    for _ in 0..3 {
        // The rest of the body is not read.
        body(client.ask(head(&server, 5000, 5000)), "")?;
        body(client.ask(get(&server)), "hello")?;
    }
    Ok(())
}
