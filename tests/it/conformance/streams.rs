//! Replies of which the flow wants the head only.

use std::time::Duration;

use wechat_proto::error::{FailureKind, Sent};
use wechat_proto::flow::{Request, Want};

use super::host::Host;
use super::server::{Act, Server};
use super::{body, client, conform, failed, get, reply, takes};

conform! {
    the_head_comes_first,
    a_stream_may_outlast_the_deadline,
    a_silence_ends_a_stream,
    a_head_waits_for_the_deadline,
    a_stream_cut_short,
    a_stream_of_a_coding_is_refused,
    a_body_left_alone_harms_nothing,
}

fn head(server: &Server, deadline: u64, idle: u64) -> Request {
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

fn the_head_comes_first(host: &dyn Host) {
    let server = Server::replying("HTTP/1.1 206 x\r\ncontent-length: 5\r\nx-y: z\r\n\r\nhello");
    let streamed = client(host).stream(head(&server, 2000, 2000)).unwrap();
    assert_eq!(streamed.head.status(), 206);
    assert_eq!(streamed.head.headers()["x-y"], "z");
    assert!(streamed.head.body().is_empty());
    assert_eq!((streamed.body.as_slice(), streamed.end), (b"hello".as_slice(), Ok(())));
    // Whoever wants the whole of it has nothing left to stream.
    let streamed = client(host).stream(get(&server)).unwrap();
    assert_eq!(
        (streamed.head.body().as_ref(), streamed.body.as_slice()),
        (&b"hello"[..], &b""[..])
    );
}

fn a_stream_may_outlast_the_deadline(host: &dyn Host) {
    let server = Server::new(|_| slow(12, 60));
    let streamed = client(host).stream(head(&server, 400, 4000)).unwrap();
    assert_eq!((streamed.body.len(), streamed.end), (36, Ok(())));
}

fn a_silence_ends_a_stream(host: &dyn Host) {
    let server = Server::new(|_| slow(3, 4000));
    takes(250..3500, || {
        let streamed = client(host).stream(head(&server, 5000, 300)).unwrap();
        assert_eq!((streamed.body.len(), streamed.end), (0, Err(FailureKind::Timeout)));
    });
}

/// The idle time is for the body: a head may take longer.
fn a_head_waits_for_the_deadline(host: &dyn Host) {
    let server = Server::new(|_| {
        vec![Act::Pause(Duration::from_millis(2000)), Act::Send(reply("late").into_bytes())]
    });
    let streamed = client(host).stream(head(&server, 15_000, 200)).unwrap();
    assert_eq!((streamed.body.as_slice(), streamed.end), (b"late".as_slice(), Ok(())));
    takes(150..1900, || {
        failed(client(host).stream(head(&server, 200, 5000)), FailureKind::Timeout, Sent::Maybe);
    });
}

fn a_stream_cut_short(host: &dyn Host) {
    let server = Server::new(|_| {
        let text = b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhel";
        vec![Act::Send(text.into()), Act::Close]
    });
    let streamed = client(host).stream(head(&server, 2000, 2000)).unwrap();
    assert_eq!(streamed.end, Err(FailureKind::Truncated));
    assert_eq!(streamed.body, b"hel");
}

fn a_stream_of_a_coding_is_refused(host: &dyn Host) {
    let server = Server::replying("HTTP/1.1 200 OK\r\ncontent-encoding: br\r\n\r\n");
    failed(client(host).stream(head(&server, 2000, 2000)), FailureKind::Encoding, Sent::Maybe);
}

fn a_body_left_alone_harms_nothing(host: &dyn Host) {
    let server = Server::replying(reply("hello"));
    let client = client(host);
    for _ in 0..3 {
        // `ask` drops what is left of it.
        assert_eq!(body(client.ask(head(&server, 2000, 2000))), "");
        assert_eq!(body(client.ask(get(&server))), "hello");
    }
}
