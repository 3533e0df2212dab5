//! Limits in space and time.

use std::thread;
use std::time::Duration;

use wechat_proto::error::{FailureKind, Sent};
use wechat_proto::flow::Want;

use super::host::{Host, Settings};
use super::server::{Act, Server};
use super::{body, client, conform, failed, get, post, reply, takes, with};

conform! {
    an_endless_body_is_stopped,
    an_announced_excess_is_not_read,
    a_slow_head_ends_at_the_deadline,
    a_slow_body_ends_at_the_deadline,
    endless_informing_ends_at_the_deadline,
    a_deadline_is_for_one_exchange,
    deadlines_can_be_cut,
}

const SHORT: Duration = Duration::from_millis(400);

fn an_endless_body_is_stopped(host: &dyn Host) {
    for head in ["", "content-length: 99999999999\r\n", "transfer-encoding: chunked\r\n"] {
        let head = format!("HTTP/1.1 200 OK\r\n{head}\r\n");
        let chunk: &'static [u8] =
            if head.contains("chunked") { b"4\r\n1234\r\n" } else { b"1234" };
        let server =
            Server::new(move |_| vec![Act::Send(head.clone().into_bytes()), Act::Flood(chunk)]);
        failed(client(host).ask(get(&server)), FailureKind::TooLarge, Sent::Maybe);
    }
}

/// What is too long by its own account is refused at once, and no room made for it.
fn an_announced_excess_is_not_read(host: &dyn Host) {
    let server = Server::new(|_| {
        let head = b"HTTP/1.1 200 OK\r\ncontent-length: 4611686018427387904\r\n\r\n";
        vec![Act::Send(head.into()), Act::Silence]
    });
    takes(0..10_000, || {
        failed(client(host).ask(get(&server)), FailureKind::TooLarge, Sent::Maybe);
    });
    // Nor is it where it would be allowed.
    let mut request = get(&server);
    request.want = Want::Whole { limit: usize::MAX };
    request.deadline = SHORT;
    failed(client(host).ask(request), FailureKind::Timeout, Sent::Maybe);
}

fn a_slow_head_ends_at_the_deadline(host: &dyn Host) {
    let server = Server::new(|_| vec![Act::Silence]);
    for mut request in [get(&server), post(&server, "hello")] {
        request.deadline = SHORT;
        takes(350..4000, || {
            failed(client(host).ask(request), FailureKind::Timeout, Sent::Maybe);
        });
    }
}

/// Each drip comes soon enough; together they do not.
fn drips() -> Vec<Act> {
    let head = Act::Send(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n".into());
    let drip = [Act::Pause(Duration::from_millis(50)), Act::Send(b".".into())];
    std::iter::once(head).chain(drip.into_iter().cycle().take(200)).collect()
}

fn a_slow_body_ends_at_the_deadline(host: &dyn Host) {
    let server = Server::new(|_| drips());
    let mut request = get(&server);
    request.deadline = SHORT;
    takes(350..4000, || {
        failed(client(host).ask(request), FailureKind::Timeout, Sent::Maybe);
    });
}

fn endless_informing_ends_at_the_deadline(host: &dyn Host) {
    let server = Server::new(|_| {
        let inform = [
            Act::Send(b"HTTP/1.1 102 Processing\r\n\r\n".into()),
            Act::Pause(Duration::from_millis(20)),
        ];
        inform.into_iter().cycle().take(400).collect()
    });
    let mut request = get(&server);
    request.deadline = SHORT;
    takes(350..4000, || {
        failed(client(host).ask(request), FailureKind::Timeout, Sent::Maybe);
    });
}

/// The time limit of an exchange is over with it: the next one on its connection has its own.
fn a_deadline_is_for_one_exchange(host: &dyn Host) {
    let server = Server::new(|seen| {
        let pause = if seen.body.is_empty() { 0 } else { 600 };
        vec![Act::Pause(Duration::from_millis(pause)), Act::Send(reply("ok").into_bytes())]
    });
    let client = client(host);
    let mut quick = get(&server);
    quick.deadline = SHORT;
    assert_eq!(body(client.ask(quick)), "ok");
    thread::sleep(Duration::from_millis(30));
    assert_eq!(body(client.ask(post(&server, "hello"))), "ok");
}

fn deadlines_can_be_cut(host: &dyn Host) {
    let server = Server::new(|_| vec![Act::Silence]);
    let client = with(host, Settings { deadline_cap: Some(SHORT), ..Settings::default() });
    takes(350..4000, || failed(client.ask(get(&server)), FailureKind::Timeout, Sent::Maybe));
}
