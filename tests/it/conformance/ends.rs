//! How the messages end: a stop breaks whatever they wait for.

use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use wechat_proto::{Device, Error, Hosts};
use wechat_simulator::conformance::{Act, Full, Options, Script, session_of};

use super::host::{Client, Host};
use super::{body, conform, get, reply};

conform! {
    a_stop_ends_a_wait_for_the_head,
    a_stop_ends_a_wait_in_the_head,
    a_stop_ends_a_wait_in_the_body,
    a_stop_ends_a_pause,
    a_stop_ends_connecting,
    a_stop_ends_a_handshake,
    a_stop_comes_first,
}

/// A server with nothing new: of the poll it says `begun`, and no more.
fn quiet(begun: &'static str) -> Script {
    Script::new(move |arrived| {
        if arrived.line.contains("/webwxsync") {
            let sync = r#"{"BaseResponse":{"Ret":0,"ErrMsg":""},"AddMsgCount":0,"AddMsgList":[],
                "ModContactCount":0,"ModContactList":[],"DelContactCount":0,"DelContactList":[],
                "ContinueFlag":0,"SyncKey":{"Count":1,"List":[{"Key":1,"Val":2}]},"SKey":"",
                "SyncCheckKey":{"Count":1,"List":[{"Key":1,"Val":2}]}}"#;
            vec![Act::Send(reply(sync).into_bytes())]
        } else if arrived.line.contains("/synccheck") {
            vec![Act::Send(begun.into()), Act::Silence]
        } else {
            vec![Act::Send(reply("ok").into_bytes())]
        }
    })
}

fn open(host: &dyn Host, origin: &str) -> Box<dyn Client> {
    let device = Device::new().with_hosts(Hosts::all(origin.parse().unwrap()));
    host.open(session_of(device), &Options::default()).unwrap()
}

/// Waits for messages at `origin`, and stops when `ready`: it has to end at once. A machine that is at
/// something else gets another try.
fn stop(host: &dyn Host, origin: &str, ready: impl Fn() -> bool) {
    let mut times = Vec::new();
    while times.len() < 3 && times.last().is_none_or(|time| *time >= Duration::from_millis(500)) {
        times.push(stopped(host, origin, &ready));
    }
    assert!(times.last() < Some(&Duration::from_millis(500)), "{times:?}");
}

/// How long it takes.
fn stopped(host: &dyn Host, origin: &str, ready: impl Fn() -> bool) -> Duration {
    let client = open(host, origin);
    let time = thread::scope(|scope| {
        let (ended, end) = mpsc::channel();
        let waiting = &client;
        scope.spawn(move || ended.send((waiting.hear(), Instant::now())).unwrap());
        while !ready() {
            thread::sleep(Duration::from_millis(5));
        }
        thread::sleep(Duration::from_millis(100));
        let stopped = Instant::now();
        client.stop();
        let (heard, ended) = end.recv_timeout(Duration::from_secs(20)).expect("an end");
        assert!(matches!(heard.last(), Some(Err(Error::Stopped))), "{heard:?}");
        ended - stopped
    });
    // Final for the messages; calls go on.
    assert!(matches!(client.hear()[..], [Err(Error::Stopped)]));
    assert_eq!(body(client.ask(get(&Script::replying(reply("ok"))))), "ok");
    time
}

fn origin(server: &Script) -> String {
    format!("http://{}", server.address())
}

fn polled(host: &dyn Host, begun: &'static str) {
    let server = quiet(begun);
    stop(host, &origin(&server), || {
        server.requests().iter().any(|arrived| arrived.line.contains("/synccheck"))
    });
}

/// Threat B4: the long poll, as it is most of the time.
fn a_stop_ends_a_wait_for_the_head(host: &dyn Host) {
    polled(host, "");
}

/// Threat B4.
fn a_stop_ends_a_wait_in_the_head(host: &dyn Host) {
    polled(host, "HTTP/1.1 200 OK\r\ncontent-le");
}

/// Threat B4: with a length, in chunks, and up to the end of the connection, where an end that the
/// stop itself makes is not taken for that of the body.
fn a_stop_ends_a_wait_in_the_body(host: &dyn Host) {
    polled(host, "HTTP/1.1 200 OK\r\ncontent-length: 50\r\n\r\nwindow.");
    polled(host, "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nwi\r\n");
    polled(host, "HTTP/1.1 200 OK\r\n\r\nwindow.");
}

/// After three failures the inbox pauses, for a second and longer.
fn a_stop_ends_a_pause(host: &dyn Host) {
    let server = Script::replying("HTTP/1.1 502 Bad Gateway\r\ncontent-length: 0\r\n\r\n");
    stop(host, &origin(&server), || server.requests().len() >= 3);
}

/// Threat B4: a host that does not answer at all.
fn a_stop_ends_connecting(host: &dyn Host) {
    let full = Full::new().unwrap();
    let begun = Instant::now();
    stop(host, &format!("http://{}", full.address()), || {
        begun.elapsed() > Duration::from_millis(200)
    });
}

/// Threat B4: a host that takes the connection and says nothing.
fn a_stop_ends_a_handshake(host: &dyn Host) {
    let server = Script::mute();
    stop(host, &format!("https://{}", server.address()), || server.connections() > 0);
}

fn a_stop_comes_first(host: &dyn Host) {
    let server = quiet("");
    let client = open(host, &origin(&server));
    client.stop();
    assert!(matches!(client.hear()[..], [Err(Error::Stopped)]));
    assert!(server.requests().is_empty());
}
