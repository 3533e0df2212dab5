//! Checks of requests and limits in which HTTP clients differ by default: lengths, headers, proxies, codings.

use std::io::{self, Write as _};
use std::net::TcpStream;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;
use wechat_proto::Body;
use wechat_proto::error::{FailureKind, Sent};
use wechat_proto::flow::Want;

use super::encryption::{Secure, https, listening, ok, secure};
use super::opened::{Bench, body, failed, get, post, replied, reply, request};
use super::report::{Seen, holds, same};
use super::scripted::head;
use super::{Act, Arrived, Options, Script};

const GIVEN: [(&str, &str); 6] = [
    ("accept", "application/json, text/plain, */*"),
    ("accept-encoding", "gzip"),
    ("cookie", "wxuin=1; wxsid=a/b+c==; webwx_data_ticket=x"),
    ("host", "wx.qq.com"),
    ("referer", "https://wx.qq.com/?&lang=zh_CN"),
    ("user-agent", "Mozilla/5.0 (X11; Linux x86_64)"),
];

/// Headers that change the reply, its framing or its connection.
const EFFECTIVE: [&str; 10] = [
    "accept-encoding", "authorization", "cookie", "expect", "if-modified-since", "if-none-match",
    "origin", "range", "transfer-encoding", "upgrade",
];

/// Sends requests with all and with some of the headers; `check` gets those that were given and those that arrived.
fn with_headers(bench: &Bench, check: impl Fn(&[(&str, &str)], &[(&str, &str)]) -> Seen) -> Seen {
    let server = Script::replying(reply("ok"));
    let client = bench.client()?;
    for given in [&GIVEN[..], &GIVEN[..4], &GIVEN[3..4]] {
        let mut http = http::Request::get(format!("http://{}/", server.address()));
        for (name, value) in given {
            http = http.header(*name, *value);
        }
        body(client.ask(request(http, Body::empty())), "ok")?;
        let arrived = server.last()?;
        check(given, &pairs(&arrived))?;
    }
    let mut posted = post(&server, "hello");
    posted.http.headers_mut().insert("content-type", "application/json".parse().expect("a value"));
    body(client.ask(posted), "ok")?;
    let arrived = server.last()?;
    same!(arrived.body, b"hello");
    let host = server.authority();
    let given = [("content-length", "5"), ("content-type", "application/json"), ("host", &host)];
    check(&given, &pairs(&arrived))
}

fn pairs(arrived: &Arrived) -> Vec<(&str, &str)> {
    arrived.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
}

/// No given header is changed, repeated or omitted, and none is added that has an effect.
pub(super) fn given_headers_arrive(bench: &Bench) -> Seen {
    with_headers(bench, |given, arrived| {
        let is_given = |name: &str| given.iter().any(|(given, _)| *given == name);
        let relevant = |(name, _): &&(&str, &str)| is_given(name) || EFFECTIVE.contains(name);
        let headers: Vec<_> = arrived.iter().filter(relevant).copied().collect();
        same!(headers, given);
        Ok(())
    })
}

pub(super) fn no_header_is_added(bench: &Bench) -> Seen {
    with_headers(bench, |given, arrived| {
        let names = |headers: &[(&str, &str)]| -> Vec<String> {
            headers.iter().map(|(name, _)| (*name).to_owned()).collect()
        };
        let (headers, given) = (names(arrived), names(given));
        same!(headers, given);
        Ok(())
    })
}

pub(super) fn get_has_no_body_headers(bench: &Bench) -> Seen {
    let server = Script::replying(reply("ok"));
    body(bench.client()?.ask(get(&server)), "ok")?;
    let arrived = server.only()?;
    same!(arrived.line, "GET /path?query=1 HTTP/1.1");
    same!(arrived.header("content-length"), Vec::<&str>::new());
    Ok(())
}

pub(super) fn empty_post_has_content_length(bench: &Bench) -> Seen {
    let server = Script::replying(reply("ok"));
    body(bench.client()?.ask(post(&server, "")), "ok")?;
    let arrived = server.only()?;
    same!(arrived.header("content-length"), ["0"]);
    same!(arrived.header("transfer-encoding"), Vec::<&str>::new());
    // A driver adds no header: without `content-length`, the request is invalid.
    unsendable(bench, "POST", &[], "")
}

/// Checks that the proxy is used with `CONNECT` and resolves the name.
pub(super) fn plain_http_is_tunnelled(bench: &Bench) -> Seen {
    let proxy = Script::new(|arrived| {
        let reply = match arrived.line.starts_with("CONNECT ") {
            true => "HTTP/1.1 200 OK\r\n\r\n".to_owned(),
            false => reply("tunnelled"),
        };
        vec![Act::Send(reply.into_bytes())]
    });
    let client = bench.with(Options { proxy: Some(proxy.address()), ..Options::default() })?;
    let http = http::Request::get("http://wx.qq.com/path").header("host", "wx.qq.com");
    body(client.ask(request(http, Body::empty())), "tunnelled")?;
    let lines: Vec<_> = proxy.requests().into_iter().map(|arrived| arrived.line).collect();
    same!(lines, ["CONNECT wx.qq.com:80 HTTP/1.1", "GET /path HTTP/1.1"]);
    Ok(())
}

/// The TLS connection ends at the server, not at the proxy.
pub(super) fn tls_goes_through_the_given_proxy(bench: &Bench) -> Seen {
    let Secure { server, ca } = secure(ok);
    let target = server.address();
    let line = Arc::new(Mutex::new(String::new()));
    let asked = Arc::clone(&line);
    let proxy = listening(move |mut socket| {
        *asked.lock().unwrap() = head(&mut socket).unwrap();
        socket.write_all(b"HTTP/1.1 200 OK\r\n\r\n").unwrap();
        let server = TcpStream::connect(target).unwrap();
        let (mut from, mut to) = (socket.try_clone().unwrap(), server.try_clone().unwrap());
        thread::spawn(move || io::copy(&mut from, &mut to));
        let (mut from, mut to) = (server, socket);
        thread::spawn(move || io::copy(&mut from, &mut to));
    });
    let settings = Options { roots: vec![ca], proxy: Some(proxy), ..Options::default() };
    body(bench.with(settings)?.ask(https("wx.qq.com")), "ok")?;
    same!(server.requests().len(), 1);
    let seen = line.lock().unwrap().to_ascii_lowercase();
    let line = "connect wx.qq.com:443 http/1.1\r\n";
    holds!(seen.starts_with(line), format!("{line:?} at the proxy"), "{seen:?}");
    holds!(!seen.contains("query"), "no part of the request at the proxy", "{seen:?}");
    Ok(())
}

pub(super) fn a_body_of_another_length_is_not_sent(bench: &Bench) -> Seen {
    unsendable(bench, "GET", &[], "hello")?;
    unsendable(bench, "POST", &[("content-length", "6")], "hello")?;
    unsendable(bench, "POST", &[("content-length", "4")], "hello")
}

pub(super) fn invalid_request_is_not_sent(bench: &Bench) -> Seen {
    unsendable(bench, "POST", &[("transfer-encoding", "chunked")], "hello")?;
    unsendable(bench, "POST", &[("content-length", "5"), ("expect", "100-continue")], "hello")?;
    let relative = request(http::Request::get("/path"), Body::empty());
    failed(bench.client()?.ask(relative), FailureKind::Unsendable, Sent::No)
}

/// The final reply after an unsolicited `100 Continue` is returned.
pub(super) fn unsolicited_100_continue_is_ignored(bench: &Bench) -> Seen {
    let server = Script::replying(format!("HTTP/1.1 100 Continue\r\n\r\n{}", reply("ok")));
    body(bench.client()?.ask(post(&server, "hello")), "ok")
}

/// Checks each way in which a body can end.
pub(super) fn a_body_of_exactly_the_limit_passes(bench: &Bench) -> Seen {
    let replies = [
        reply("12345"),
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\n123\r\n2\r\n45\r\n0\r\n\r\n"
            .into(),
        "HTTP/1.1 200 OK\r\n\r\n12345".into(),
    ];
    for reply in replies {
        let server = Script::closing_after(reply);
        let limited = |limit| {
            let mut request = get(&server);
            request.want = Want::Whole { limit };
            bench.client()?.ask(request)
        };
        for limit in [5, 6, usize::MAX] {
            body(limited(limit), "12345")?;
        }
        for limit in [0, 1, 4] {
            failed(limited(limit), FailureKind::TooLarge, Sent::Maybe)?;
        }
    }
    let empty = Script::replying(reply(""));
    let mut nothing = get(&empty);
    nothing.want = Want::Whole { limit: 0 };
    body(bench.client()?.ask(nothing), "")
}

/// A body that is compressed with gzip is left as it is, or decoded without its `Content-Encoding`.
pub(super) fn gzip_is_accepted(bench: &Bench) -> Seen {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    let packed = encoder.write_all(b"ok").and_then(|()| encoder.finish()).expect("a buffer");
    let server = Script::new({
        let head = format!(
            "HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: {}\r\n\r\n",
            packed.len()
        );
        let reply = [head.as_bytes(), &*packed].concat();
        move |_| vec![Act::Send(reply.clone())]
    });
    let reply = replied(bench.client()?.ask(get(&server)))?;
    let is_packed = reply.headers().contains_key("content-encoding");
    same!(&**reply.body(), if is_packed { &*packed } else { b"ok" });
    let mut stream = get(&server);
    stream.want = Want::Head { idle: Duration::from_secs(5) };
    failed(bench.client()?.ask(stream), FailureKind::Encoding, Sent::Maybe)
}

/// Threat B1: codings that were not requested are never decoded.
pub(super) fn content_encoding_is_refused(bench: &Bench) -> Seen {
    for (coding, refused) in
        [("gzip, gzip", true), ("deflate", true), ("identity, br", true), (" Identity ", false)]
    {
        let server = Script::replying(format!(
            "HTTP/1.1 200 OK\r\ncontent-encoding: {coding}\r\ncontent-length: 2\r\n\r\nok"
        ));
        let reply = bench.client()?.ask(get(&server));
        if refused {
            failed(reply, FailureKind::Encoding, Sent::Maybe)?;
        } else {
            body(reply, "ok")?;
        }
    }
    for codings in ["gzip, chunked", "chunked, gzip", "gzip", "chunked\r\ntransfer-encoding: gzip"]
    {
        let head = format!("HTTP/1.1 200 OK\r\ntransfer-encoding: {codings}\r\n\r\n");
        let server = Script::closing_after(head + "2\r\nok\r\n0\r\n\r\n");
        for mut request in [get(&server), post(&server, "hello")] {
            request.deadline = Duration::from_secs(5);
            let failure = super::opened::fails(bench.client()?.ask(request))?;
            let kinds = [FailureKind::Encoding, FailureKind::Protocol];
            holds!(kinds.contains(&failure.kind), format!("{kinds:?}"), "{:?}", failure.kind);
        }
    }
    Ok(())
}

/// Threat B1: a body with a coding that was not requested is refused before any of its bytes arrive.
pub(super) fn compressed_body_is_not_read(bench: &Bench) -> Seen {
    for coding in ["deflate", "br", "zstd"] {
        let head = format!("HTTP/1.1 200 OK\r\ncontent-encoding: {coding}\r\n\r\n");
        let server = Script::new(move |_| vec![Act::Send(head.clone().into_bytes()), Act::Silence]);
        let mut request = get(&server);
        request.want = Want::Whole { limit: usize::MAX };
        failed(bench.client()?.ask(request), FailureKind::Encoding, Sent::Maybe)?;
    }
    Ok(())
}

/// Returns an error unless the request is refused and no connection is made.
fn unsendable(bench: &Bench, method: &str, headers: &[(&str, &str)], body: &'static str) -> Seen {
    let server = Script::replying(reply("ok"));
    let mut http = http::Request::builder()
        .method(method)
        .uri(format!("http://{}/", server.address()))
        .header("host", server.authority());
    for (name, value) in headers {
        http = http.header(*name, *value);
    }
    let reply = bench.client()?.ask(request(http, body.to_owned()));
    failed(reply, FailureKind::Unsendable, Sent::No)?;
    thread::sleep(Duration::from_millis(20));
    let expected = format!("no connection for {method} {headers:?}");
    holds!(server.connections() == 0, expected, "a connection");
    Ok(())
}
