//! Bodies copied to a writer.

use std::error::Error as _;
use std::time::Duration;

use wechat_proto::Error;
use wechat_proto::error::FailureKind;
use wechat_proto::flow::{Request, Want};
use wechat_simulator::conformance::{Act, Script};

use super::host::{Copied, Host};
use super::{body, client, conform, get, reply, takes};

conform! {
    whole_body_is_written,
    announced_excess_writes_nothing,
    endless_body_fails_at_the_limit,
    truncated_body_fails,
    empty_body_fails,
    writer_error_is_reported,
    idle_body_times_out,
    buffers_are_small,
}

/// A limit above the length of every body here.
const LIMIT: u64 = 1 << 30;
const ROOM: usize = 1 << 30;

fn head(server: &Script, idle: Duration) -> Request {
    let mut request = get(server);
    request.want = Want::Head { idle };
    request
}

fn copy(host: &dyn Host, server: &Script, limit: u64, room: usize) -> Copied {
    client(host).copy(head(server, Duration::from_secs(20)), limit, room)
}

/// Returns responses with the same body: with a length, in chunks, and delimited by the end of the
/// connection.
fn framed(body: &[u8]) -> [Vec<u8>; 3] {
    let head = |line: String| format!("HTTP/1.1 200 OK\r\n{line}\r\n").into_bytes();
    let mut chunked = head("transfer-encoding: chunked\r\n".into());
    for chunk in body.chunks(1000) {
        chunked.extend(format!("{:x}\r\n", chunk.len()).bytes());
        chunked.extend(chunk);
        chunked.extend(b"\r\n");
    }
    chunked.extend(b"0\r\n\r\n");
    [
        [head(format!("content-length: {}\r\n", body.len())), body.to_vec()].concat(),
        chunked,
        [head("connection: close\r\n".into()), body.to_vec()].concat(),
    ]
}

fn closing(reply: Vec<u8>) -> Script {
    Script::new(move |_| vec![Act::Send(reply.clone()), Act::Close])
}

fn whole_body_is_written(host: &dyn Host) {
    let bytes: Vec<u8> = (0..300_000_u32).map(|n| n.wrapping_mul(2_654_435_761) as u8).collect();
    for reply in framed(&bytes) {
        let server = closing(reply);
        // The body has exactly the length of the limit and of the room in the writer.
        let copied = copy(host, &server, 300_000, 300_000);
        assert_eq!(copied.result.unwrap(), 300_000);
        assert!(copied.sink.bytes == bytes && copied.sink.flushed);
        let progress = copied.progress;
        assert!(progress.len() > 2 && progress.windows(2).all(|pair| pair[0] < pair[1]));
        assert_eq!(progress.last(), Some(&300_000));
    }
}

fn announced_excess_writes_nothing(host: &dyn Host) {
    let server = Script::new(|_| {
        vec![Act::Send(b"HTTP/1.1 200 OK\r\ncontent-length: 101\r\n\r\nx".into()), Act::Silence]
    });
    takes(0..10_000, || {
        let copied = copy(host, &server, 100, ROOM);
        assert!(matches!(copied.result, Err(Error::TooLarge { size: 101, limit: 100 })));
        assert!(copied.sink.bytes.is_empty() && copied.progress.is_empty());
    });
}

fn endless_body_fails_at_the_limit(host: &dyn Host) {
    for line in ["", "transfer-encoding: chunked\r\n"] {
        let head = format!("HTTP/1.1 200 OK\r\n{line}\r\n");
        let chunk: &'static [u8] = if line.is_empty() { b"1234" } else { b"4\r\n1234\r\n" };
        let server =
            Script::new(move |_| vec![Act::Send(head.clone().into_bytes()), Act::Flood(chunk)]);
        let copied = copy(host, &server, 100_001, ROOM);
        let Err(Error::TooLarge { size, limit: 100_001 }) = copied.result else {
            panic!("{:?}", copied.result)
        };
        assert!(size > 100_001 && copied.sink.bytes.len() <= 100_001);
        assert_eq!(copied.progress.last().copied().unwrap_or(0), copied.sink.bytes.len() as u64);
    }
}

fn truncated_body_fails(host: &dyn Host) {
    let [announced, chunked, _] = framed(&[7; 2500]);
    for (reply, lost) in [(announced, 1000), (chunked.clone(), 200), (chunked, 5)] {
        let server = closing(reply[..reply.len() - lost].to_vec());
        let copied = copy(host, &server, LIMIT, ROOM);
        match copied.result {
            Err(Error::Transport(failure)) => assert_eq!(failure.kind, FailureKind::Truncated),
            other => panic!("{lost}: {other:?}"),
        }
        let written = copied.sink.bytes;
        assert!(written.len() <= 2500 && written.iter().all(|byte| *byte == 7));
    }
}

/// The head does not announce that the body is empty.
fn empty_body_fails(host: &dyn Host) {
    let [_, chunked, open] = framed(&[]);
    for reply in [chunked, open] {
        let copied = copy(host, &closing(reply), LIMIT, ROOM);
        let empty = copied.result.unwrap_err();
        assert!(matches!(empty, Error::EmptyMedia { endpoint: "webwxgetmsgimg" }), "{empty}");
        assert!(copied.sink.bytes.is_empty() && copied.progress.is_empty());
    }
}

fn writer_error_is_reported(host: &dyn Host) {
    for reply in framed(&[7; 100_000]) {
        let copied = copy(host, &closing(reply), LIMIT, 30_000);
        let error = copied.result.unwrap_err();
        assert!(matches!(&error, Error::Sink(failure) if failure.kind == FailureKind::Sink));
        assert!(!error.is_transient());
        assert_eq!(error.to_string(), "the download could not be written");
        let cause = error.source().unwrap().source().unwrap();
        assert_eq!(cause.to_string(), "the disk is full");
        assert_eq!(copied.sink.bytes.len(), 30_000);
        assert!(copied.progress.last().copied().unwrap_or(0) <= 30_000);
    }
    // The client remains usable.
    let server = Script::replying(reply("hello"));
    let client = client(host);
    let copied = client.copy(head(&server, Duration::from_secs(20)), LIMIT, 3);
    assert!(matches!(copied.result, Err(Error::Sink(_))));
    assert_eq!(body(client.ask(get(&server))), "hello");
}

fn idle_body_times_out(host: &dyn Host) {
    let server = Script::new(|_| {
        vec![Act::Send(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhel".into()), Act::Silence]
    });
    takes(200..4000, || {
        let copied = client(host).copy(head(&server, Duration::from_millis(300)), LIMIT, ROOM);
        match copied.result {
            Err(Error::Transport(failure)) => assert_eq!(failure.kind, FailureKind::Timeout),
            other => panic!("{other:?}"),
        }
        assert_eq!(copied.sink.bytes, b"hel");
    });
}

/// Each progress step is a buffer held in memory.
fn buffers_are_small(host: &dyn Host) {
    let [announced, ..] = framed(&vec![7; 8 << 20]);
    let copied = copy(host, &closing(announced), LIMIT, ROOM);
    assert_eq!(copied.result.unwrap(), 8 << 20);
    let mut before = 0;
    let steps =
        copied.progress.iter().map(|so_far| so_far - std::mem::replace(&mut before, *so_far));
    assert!(steps.max() <= Some(512 << 10));
}
