//! How the messages end.

use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use wechat_proto::{Device, Error, Hosts};

use super::host::{Host, Settings};
use super::server::{Act, Server};
use super::{body, conform, get, reply, session};

conform! {
    a_stop_ends_a_long_poll,
    a_stop_ends_a_pause,
    a_stop_comes_first,
}

/// A server with nothing new: the poll waits as long as it is let.
fn quiet() -> Server {
    Server::new(|seen| {
        if seen.line.contains("/webwxsync") {
            let sync = r#"{"BaseResponse":{"Ret":0,"ErrMsg":""},"AddMsgCount":0,"AddMsgList":[],
                "ModContactCount":0,"ModContactList":[],"DelContactCount":0,"DelContactList":[],
                "ContinueFlag":0,"SyncKey":{"Count":1,"List":[{"Key":1,"Val":2}]},"SKey":"",
                "SyncCheckKey":{"Count":1,"List":[{"Key":1,"Val":2}]}}"#;
            vec![Act::Send(reply(sync).into_bytes())]
        } else if seen.line.contains("/synccheck") {
            vec![Act::Silence]
        } else {
            vec![Act::Send(reply("ok").into_bytes())]
        }
    })
}

/// Waits for messages on `server`, and stops when `ready`: it has to end at once.
fn stop(host: &dyn Host, server: &Server, ready: impl Fn() -> bool) {
    let origin = format!("http://{}", server.address).parse().unwrap();
    let device = Device::new().with_hosts(Hosts::all(origin));
    let client = host.open(session(device), Settings::default()).unwrap();
    thread::scope(|scope| {
        let (ended, end) = mpsc::channel();
        let waiting = &client;
        scope.spawn(move || ended.send((waiting.hear(), Instant::now())).unwrap());
        while !ready() {
            thread::sleep(Duration::from_millis(5));
        }
        thread::sleep(Duration::from_millis(100));
        let stopped = Instant::now();
        client.stop();
        let (heard, ended) = end.recv_timeout(Duration::from_secs(5)).expect("an end");
        assert!(matches!(heard.last(), Some(Err(Error::Stopped))), "{heard:?}");
        assert!(ended - stopped < Duration::from_millis(500), "{:?}", ended - stopped);
    });
    // Final for the messages; calls go on.
    assert!(matches!(client.hear()[..], [Err(Error::Stopped)]));
    assert_eq!(body(client.ask(get(&Server::replying(reply("ok"))))), "ok");
}

/// Row 10 of `differences`.
fn a_stop_ends_a_long_poll(host: &dyn Host) {
    let server = quiet();
    stop(host, &server, || server.requests().iter().any(|seen| seen.line.contains("/synccheck")));
}

/// After three failures the inbox pauses, for a second and longer.
fn a_stop_ends_a_pause(host: &dyn Host) {
    let server = Server::replying("HTTP/1.1 502 Bad Gateway\r\ncontent-length: 0\r\n\r\n");
    stop(host, &server, || server.requests().len() >= 3);
}

fn a_stop_comes_first(host: &dyn Host) {
    let server = quiet();
    let origin = format!("http://{}", server.address).parse().unwrap();
    let device = Device::new().with_hosts(Hosts::all(origin));
    let client = host.open(session(device), Settings::default()).unwrap();
    client.stop();
    assert!(matches!(client.hear()[..], [Err(Error::Stopped)]));
    assert!(server.requests().is_empty());
}
