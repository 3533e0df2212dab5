//! Servers and proxies that send without end: an exchange ends at its deadline, also on a runtime
//! with a single thread, which it does not block.

use std::pin::pin;
use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};
use tokio::runtime::Builder;
use tokio::time::{MissedTickBehavior, interval};
use wechat_proto::error::Failure;
use wechat_proto::flow::{Request, Response, Want};
use wechat_proto::message::Kind;
use wechat_proto::{Body, Device, Hosts};
use wechat_simulator::conformance::{Act, Script, session, session_of};

use super::host::{Exchange, Host as _, Settings, Ureq};

const CHUNKED: &str = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
const EXTENSION: &str = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1;";
const TRAILERS: &str = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n";
const DEADLINE: Duration = Duration::from_secs(1);

/// Runs each case; the options may contain the server as a proxy.
fn floods(exchange: impl Fn(Settings, Request) -> Result<Response, Failure>) {
    let cases: [(&str, bool, &str, &[u8]); 8] = [
        ("informational replies", false, "", b"HTTP/1.1 100 Continue\r\n\r\n"),
        ("header lines", false, "HTTP/1.1 200 OK\r\n", b"a: b\r\n"),
        ("small chunks", false, CHUNKED, b"1\r\nx\r\n"),
        ("chunk extension", false, EXTENSION, b"xxxx"),
        ("trailers", false, TRAILERS, b"a: b\r\n"),
        ("informational replies of a proxy", true, "", b"HTTP/1.1 100 Continue\r\n\r\n"),
        ("header lines of a proxy", true, "HTTP/1.1 200 OK\r\n", b"a: b\r\n"),
        ("a tunnel", true, "HTTP/1.1 200 OK\r\n\r\n", b"HTTP/1.1 100 Continue\r\n\r\n"),
    ];
    for (label, proxied, begun, repeated) in cases {
        let server = Script::new(move |_| vec![Act::Send(begun.into()), Act::Flood(repeated)]);
        let (options, place) = match proxied {
            true => {
                let url = format!("http://{}", server.address());
                (Settings::default().proxy(url), "wx.qq.com".to_owned())
            }
            false => (Settings::default(), server.authority()),
        };
        let http = http::Request::get(format!("http://{place}/")).header("host", place);
        let want = Want::Whole { limit: usize::MAX };
        let http = http.body(Body::empty()).unwrap();
        let start = Instant::now();
        let result = exchange(options, Request { http, deadline: DEADLINE, want });
        assert!(result.is_err(), "{label}");
        assert!(start.elapsed() < Duration::from_secs(3), "{label}: {:?}", start.elapsed());
    }
}

/// Threat B4.
#[test]
fn floods_end_at_the_deadline_on_ureq() {
    floods(|options, request| Ureq.open(session(), options).unwrap().ask(request));
}

/// Threat B4.
#[test]
fn floods_end_at_the_deadline_on_hyper_with_one_thread() {
    floods(|options, request| {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let transport = wechat_transport_hyper::Transport::new(options).unwrap();
            let (mut flow, mut device) = (Exchange::new(request), Device::new());
            let (result, blocked) = blocking(transport.run(&mut flow, &mut device)).await;
            assert!(blocked < Duration::from_millis(500), "{blocked:?}");
            result.unwrap()
        })
    });
}

/// Returns the result of a future, and the longest time for which it occupied its thread. Other
/// processes do not count.
async fn blocking<T>(work: impl Future<Output = T>) -> (T, Duration) {
    let (mut last, mut longest) = (cpu(), Duration::ZERO);
    let mut ticks = interval(Duration::from_millis(5));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut work = pin!(work);
    loop {
        tokio::select! {
            result = &mut work => return (result, longest.max(cpu() - last)),
            _ = ticks.tick() => {
                longest = longest.max(cpu() - last);
                last = cpu();
            }
        }
    }
}

/// Returns the CPU time of this thread.
fn cpu() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

/// Threat B4: a malformed batch of four megabytes takes more than a second to parse in a debug build.
#[test]
fn large_batch_does_not_block_the_runtime() {
    let server = Script::new(|_| vec![Act::Send(super::stop::large_batch(4 << 20).into_bytes())]);
    let origin = format!("http://{}", server.address()).parse().unwrap();
    let session = session_of(Device::new().with_hosts(Hosts::all(origin)));
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let transport = wechat_transport_hyper::Transport::new(Settings::default()).unwrap();
        let client = wechat_transport_hyper::Client::resume(&transport, session).unwrap();
        let (message, blocked) = blocking(client.messages().next()).await;
        let message = message.unwrap().unwrap();
        assert!(matches!(message.kind, Kind::Unreadable { .. }), "{message:?}");
        assert!(blocked < Duration::from_secs(1), "{blocked:?}");
    });
}
