//! The kind of each failure, and `Sent::No` for requests that were certainly not sent.

use std::time::Duration;

use wechat_proto::Body;
use wechat_proto::error::FailureKind;
use wechat_proto::flow::{Request, Want};

use super::encryption::{https, ok, open, secure, to_plain_server, to_silent_server};
use super::opened::{Bench, Exchanged, get, kind, post, replied, request, unsent};
use super::report::Seen;
use super::{Deviation, Full, Options, Script, nobody};

/// Returns a request without a body to this authority.
fn to(method: &str, authority: &str) -> Request {
    let http = http::Request::builder().method(method).uri(format!("http://{authority}/"));
    request(http.header("host", authority).header("content-length", "0"), Body::empty())
}

pub(super) const METHODS: [&str; 2] = ["GET", "POST"];

fn to_nobody(bench: &Bench, method: &str) -> Exchanged {
    bench.client()?.ask(to(method, &nobody().to_string()))
}

pub(super) fn refused_connection_has_its_kind(bench: &Bench) -> Seen {
    METHODS.iter().try_for_each(|method| kind(to_nobody(bench, method), FailureKind::Connect))
}

pub(super) fn refused_connection_is_unsent(bench: &Bench) -> Seen {
    METHODS.iter().try_for_each(|method| unsent(to_nobody(bench, method)))
}

fn to_unknown_name(bench: &Bench) -> Exchanged {
    bench.client()?.ask(to("GET", "wx.qq.com"))
}

pub(super) fn unknown_name_has_its_kind(bench: &Bench) -> Seen {
    kind(to_unknown_name(bench), FailureKind::Resolve)
}

pub(super) fn unknown_name_is_unsent(bench: &Bench) -> Seen {
    unsent(to_unknown_name(bench))
}

/// Connects to a host that does not respond until the deadline of one second.
pub(super) fn to_full_host(bench: &Bench, method: &str) -> Exchanged {
    let full = Full::new().map_err(|error| Deviation::new("a full queue", error.to_string()))?;
    let mut request = to(method, &full.address().to_string());
    request.deadline = Duration::from_secs(1);
    bench.client()?.ask(request)
}

pub(super) fn connect_deadline_has_its_kind(bench: &Bench) -> Seen {
    METHODS.iter().try_for_each(|method| kind(to_full_host(bench, method), FailureKind::Timeout))
}

/// Threat S9: the flow may retry.
pub(super) fn connect_deadline_is_unsent(bench: &Bench) -> Seen {
    METHODS.iter().try_for_each(|method| unsent(to_full_host(bench, method)))
}

/// Uses a proxy that answers `CONNECT` with this status.
fn through_proxy(bench: &Bench, status: &str) -> Exchanged {
    let proxy = Script::replying(format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\n\r\n"));
    bench
        .with(Options { proxy: Some(proxy.address()), ..Options::default() })?
        .ask(https("wx.qq.com"))
}

pub(super) fn proxy_refusal_has_its_kind(bench: &Bench) -> Seen {
    for status in ["403 Forbidden", "503 Service Unavailable"] {
        kind(through_proxy(bench, status), FailureKind::Proxy)?;
    }
    Ok(())
}

pub(super) fn proxy_authorization_has_its_kind(bench: &Bench) -> Seen {
    let status = "407 Proxy Authentication Required";
    kind(through_proxy(bench, status), FailureKind::ProxyAuthorization)
}

pub(super) fn proxy_refusal_is_unsent(bench: &Bench) -> Seen {
    for status in ["403 Forbidden", "407 Proxy Authentication Required"] {
        unsent(through_proxy(bench, status))?;
    }
    Ok(())
}

/// Checks a certificate of an unknown authority, and one for another name.
pub(super) fn untrusted_certificate_has_its_kind(bench: &Bench) -> Seen {
    let (known, unknown) = (secure(ok), secure(ok));
    for (root, name) in [(unknown.ca, "wx.qq.com"), (known.ca.clone(), "wx.example")] {
        let reply = open(bench, &known.server, vec![root])?.ask(https(name));
        kind(reply, FailureKind::Certificate)?;
    }
    Ok(())
}

pub(super) fn failed_handshake_has_its_kind(bench: &Bench) -> Seen {
    kind(to_plain_server(bench), FailureKind::Tls)
}

pub(super) fn failed_handshake_is_unsent(bench: &Bench) -> Seen {
    unsent(to_plain_server(bench))
}

pub(super) fn silent_handshake_has_its_kind(bench: &Bench) -> Seen {
    kind(to_silent_server(bench), FailureKind::Timeout)
}

/// Threat S9: the flow may retry.
pub(super) fn silent_handshake_is_unsent(bench: &Bench) -> Seen {
    unsent(to_silent_server(bench))
}

pub(super) fn close_has_its_kind(bench: &Bench) -> Seen {
    for begun in ["", "HTTP/1.1 200 OK\r\ncont"] {
        let server = Script::closing_after(begun);
        for request in [get(&server), post(&server, "hello")] {
            kind(bench.client()?.ask(request), FailureKind::Closed)?;
        }
    }
    Ok(())
}

pub(super) fn truncation_has_its_kind(bench: &Bench) -> Seen {
    for rest in
        ["content-length: 5\r\n\r\n1234", "transfer-encoding: chunked\r\n\r\n2\r\nok\r\n3\r\n12"]
    {
        let server = Script::closing_after(format!("HTTP/1.1 200 OK\r\n{rest}"));
        kind(bench.client()?.ask(get(&server)), FailureKind::Truncated)?;
    }
    Ok(())
}

pub(super) fn truncated_stream_has_its_kind(bench: &Bench) -> Seen {
    let server = Script::closing_after("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhel");
    let mut request = get(&server);
    request.want = Want::Head { idle: Duration::from_secs(5) };
    match replied(bench.client()?.stream(request))?.end {
        Err(FailureKind::Truncated) => Ok(()),
        end => Err(Deviation::new("an end with `Truncated`", format!("{end:?}"))),
    }
}

pub(super) fn malformed_reply_has_its_kind(bench: &Bench) -> Seen {
    let ok = "HTTP/1.1 200 OK\r\n";
    for text in [
        "SSH-2.0-OpenSSH_9.6\r\n\r\n".to_owned(),
        "HTTP/1.1 x\r\n\r\n".to_owned(),
        format!("{ok}transfer-encoding: chunked\r\n\r\nzz\r\nok\r\n0\r\n\r\n"),
        format!("{ok}content-length: 2\r\ncontent-length: 3\r\n\r\nok!"),
    ] {
        kind(bench.client()?.ask(get(&Script::replying(text))), FailureKind::Protocol)?;
    }
    Ok(())
}

/// Threat B2: the head has four times the maximum length, because clients that count in buffers exceed their limit a
/// little.
pub(super) fn a_longer_head_is_too_large(bench: &Bench) -> Seen {
    let long = "x".repeat(256 << 10);
    let server =
        Script::replying(format!("HTTP/1.1 200 OK\r\nx: {long}\r\ncontent-length: 2\r\n\r\nok"));
    kind(bench.client()?.ask(get(&server)), FailureKind::TooLarge)
}
