//! Tests that a stop interrupts every kind of wait.

use std::sync::{Mutex, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use wechat_proto::{Device, Error, Hosts};
use wechat_simulator::conformance::{Act, Full, Script, session_of};

use super::host::{Client, Host, settings};
use super::{body, conform, get, reply};

conform! {
    stop_interrupts_wait_for_head,
    stop_interrupts_partial_head,
    stop_interrupts_partial_body,
    stop_interrupts_pause,
    stop_interrupts_handshake,
    stop_interrupts_large_batches,
    stop_before_messages,
}

/// Returns a server without new messages that answers the long poll with `begun` and then stays
/// silent.
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
    host.open(session_of(device), settings().connect_timeout(CONNECT)).unwrap()
}

/// The connect timeout, which is longer than a stop may take.
const CONNECT: Duration = Duration::from_secs(4);

/// Waits for messages at `origin` and stops once `ready` returns true: the messages must end within
/// half a second. A busy machine gets two retries.
fn stop(host: &dyn Host, origin: &str, ready: impl Fn() -> bool) {
    let mut times = Vec::new();
    while times.len() < 3 && times.last().is_none_or(|time| *time >= Duration::from_millis(500)) {
        times.push(stopped(host, origin, &ready));
    }
    assert!(times.last() < Some(&Duration::from_millis(500)), "{times:?}");
}

/// Returns the time from the stop to the end.
fn stopped(host: &dyn Host, origin: &str, ready: impl Fn() -> bool) -> Duration {
    let client = open(host, origin);
    let time = thread::scope(|scope| {
        let (ended, end) = mpsc::channel();
        let waiting = &client;
        scope.spawn(move || ended.send((waiting.messages_until_end(), Instant::now())).unwrap());
        while !ready() {
            thread::sleep(Duration::from_millis(5));
        }
        thread::sleep(Duration::from_millis(100));
        let stopped = Instant::now();
        client.stop();
        let (received, ended) =
            end.recv_timeout(Duration::from_secs(20)).expect("the messages did not end");
        assert!(matches!(received.last(), Some(Err(Error::Stopped))), "{received:?}");
        ended - stopped
    });
    // The messages do not continue after a stop, but calls still work.
    assert!(matches!(client.messages_until_end()[..], [Err(Error::Stopped)]));
    assert_eq!(body(client.ask(get(&Script::replying(reply("ok"))))), "ok");
    time
}

fn origin(server: &Script) -> String {
    format!("http://{}", server.address())
}

fn stop_during_poll(host: &dyn Host, begun: &'static str) {
    let server = quiet(begun);
    stop(host, &origin(&server), || {
        server.requests().iter().any(|arrived| arrived.line.contains("/synccheck"))
    });
}

/// Threat B4: the usual state of the long poll.
fn stop_interrupts_wait_for_head(host: &dyn Host) {
    stop_during_poll(host, "");
}

/// Threat B4.
fn stop_interrupts_partial_head(host: &dyn Host) {
    stop_during_poll(host, "HTTP/1.1 200 OK\r\ncontent-le");
}

/// Threat B4: with a length, in chunks, and delimited by the end of the connection, where the end
/// caused by the stop must not count as the end of the body.
fn stop_interrupts_partial_body(host: &dyn Host) {
    stop_during_poll(host, "HTTP/1.1 200 OK\r\ncontent-length: 50\r\n\r\nwindow.");
    stop_during_poll(host, "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nwi\r\n");
    stop_during_poll(host, "HTTP/1.1 200 OK\r\n\r\nwindow.");
}

/// After three failures, the inbox pauses for a second or longer.
fn stop_interrupts_pause(host: &dyn Host) {
    let server = Script::replying("HTTP/1.1 502 Bad Gateway\r\ncontent-length: 0\r\n\r\n");
    stop(host, &origin(&server), || server.requests().len() >= 3);
}

/// Threat B4: a host that does not respond.
#[test]
fn stop_interrupts_connecting_on_hyper() {
    let full = Full::new().unwrap();
    let begun = Instant::now();
    stop(&super::host::Hyper, &format!("http://{}", full.address()), || {
        begun.elapsed() > Duration::from_millis(200)
    });
}

/// Threat B4: ureq cannot cancel a connection attempt, so the messages end at its time limit.
#[test]
fn stop_ends_connecting_at_its_limit_on_ureq() {
    let full = Full::new().unwrap();
    let time = stopped(&super::host::Ureq, &format!("http://{}", full.address()), || true);
    assert!(time > Duration::from_secs(2) && time < CONNECT + Duration::from_secs(1), "{time:?}");
}

/// Threat B4: a host that accepts the connection and sends nothing.
fn stop_interrupts_handshake(host: &dyn Host) {
    let server = Script::mute();
    stop(host, &format!("https://{}", server.address()), || server.connections() > 0);
}

/// Threats B4, W1: a malformed batch, which takes more than half a second to parse in a debug build, and
/// one that would take longer to apply if the cost of a record depended on the size of its room.
fn stop_interrupts_large_batches(host: &dyn Host) {
    for body in [large_batch(4 << 20), room_with_records(10_000)] {
        let server = Script::new(move |arrived| match arrived.line.contains("/webwxsync") {
            true => vec![Act::Send(body.clone().into_bytes())],
            false => vec![Act::Silence],
        });
        // The number of requests so far, and the time at which the request of this attempt arrived.
        let seen = Mutex::new((0, None::<Instant>));
        stop(host, &origin(&server), || {
            let (earlier, arrived) = &mut *seen.lock().unwrap();
            let requests = server.requests().len();
            if requests > *earlier {
                (*earlier, *arrived) = (requests, Some(Instant::now()));
            }
            // The reply has arrived, and is being parsed or applied.
            let is_busy = arrived.is_some_and(|time| time.elapsed() > Duration::from_millis(300));
            if is_busy {
                *arrived = None;
            }
            is_busy
        });
    }
}

/// Returns a batch with a room of this many members, and one more record for each of them.
fn room_with_records(members: usize) -> String {
    let member = |n: usize| format!(r#"{{"UserName":"@{n:032x}","NickName":"{n}"}}"#);
    let list: Vec<_> = (0..members).map(member).collect();
    let room =
        |list: &str| format!(r#"{{"UserName":"@@1","MemberCount":99999,"MemberList":[{list}]}}"#);
    let records: Vec<_> = list
        .iter()
        .map(|member| room(&member.replace(r#""NickName":""#, r#""NickName":"x"#)))
        .collect();
    let (whole, records) = (room(&list.join(",")), records.join(","));
    reply(&format!(
        r#"{{"BaseResponse":{{"Ret":0}},"ModContactList":[{whole},{records}],"SyncKey":{{"Count":1,"List":[{{"Key":1,"Val":2}}]}}}}"#
    ))
}

/// Returns a reply with a malformed list of messages of this length.
pub(super) fn large_batch(length: usize) -> String {
    let list = "\"".repeat(length);
    reply(&format!(r#"{{"BaseResponse":{{"Ret":0}},"AddMsgList":[{list}],"ModContactList":[]}}"#))
}

fn stop_before_messages(host: &dyn Host) {
    let server = quiet("");
    let client = open(host, &origin(&server));
    client.stop();
    assert!(matches!(client.messages_until_end()[..], [Err(Error::Stopped)]));
    assert!(server.requests().is_empty());
}
