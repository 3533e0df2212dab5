//! Requests and limits, in which HTTP clients differ by default: lengths, headers, proxies, codings.

use std::thread;
use std::time::Duration;

use wechat_proto::Body;
use wechat_proto::error::{FailureKind, Sent};
use wechat_proto::flow::Want;

use super::opened::{body, failed, get, post, reply, request};
use super::{Act, Bench, Options, Script, Seen, checks, holds, same};

checks! {
    AsItIs: headers_are_those_given;
    AsItIs: get_has_no_body_headers;
    AsItIs: empty_post_has_content_length;
    AsItIs: a_proxy_is_used_when_given [Proxy];
    Sendable: a_body_of_another_length_is_not_sent;
    Sendable: invalid_request_is_not_sent;
    AsItIs: unsolicited_100_continue_is_ignored;
    Limits: a_body_of_exactly_the_limit_passes;
    Codings: content_encoding_is_refused;
    Codings: compressed_body_is_not_read;
}

/// No header is added, changed or repeated.
fn headers_are_those_given(bench: &Bench) -> Seen {
    let server = Script::replying(reply("ok"));
    let given = [
        ("accept", "application/json, text/plain, */*"),
        ("accept-encoding", "identity"),
        ("cookie", "wxuin=1; wxsid=a/b+c==; webwx_data_ticket=x"),
        ("host", "wx.qq.com"),
        ("referer", "https://wx.qq.com/?&lang=zh_CN"),
        ("user-agent", "Mozilla/5.0 (X11; Linux x86_64)"),
    ];
    let client = bench.client()?;
    for keep in [given.len(), 4] {
        let mut http = http::Request::get(format!("http://{}/", server.address()));
        for (name, value) in &given[..keep] {
            http = http.header(*name, *value);
        }
        body(client.ask(request(http.body(Body::empty()).expect("a request"))), "ok")?;
        let arrived = server.last()?;
        let headers: Vec<_> =
            arrived.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        same!(headers, given[..keep]);
    }
    let mut posted = post(&server, "hello");
    posted.http.headers_mut().insert("content-type", "application/json".parse().expect("a value"));
    body(client.ask(posted), "ok")?;
    let arrived = server.last()?;
    let headers: Vec<_> = arrived.headers.iter().map(|(name, _)| name.as_str()).collect();
    same!(headers, ["content-length", "content-type", "host"]);
    same!(arrived.body, b"hello");
    Ok(())
}

fn get_has_no_body_headers(bench: &Bench) -> Seen {
    let server = Script::replying(reply("ok"));
    body(bench.client()?.ask(get(&server)), "ok")?;
    let arrived = server.only()?;
    same!(arrived.line, "GET /path?query=1 HTTP/1.1");
    same!(arrived.header("content-length"), Vec::<&str>::new());
    same!(arrived.header("transfer-encoding"), Vec::<&str>::new());
    unsendable(bench, "GET", &[], "hello")
}

fn empty_post_has_content_length(bench: &Bench) -> Seen {
    let server = Script::replying(reply("ok"));
    body(bench.client()?.ask(post(&server, "")), "ok")?;
    let arrived = server.only()?;
    same!(arrived.header("content-length"), ["0"]);
    same!(arrived.header("transfer-encoding"), Vec::<&str>::new());
    // A driver adds no header: without `content-length`, the request is invalid.
    unsendable(bench, "POST", &[], "")
}

/// With `CONNECT`; the proxy resolves the name.
fn a_proxy_is_used_when_given(bench: &Bench) -> Seen {
    let proxy = Script::new(|arrived| {
        let reply = match arrived.line.starts_with("CONNECT ") {
            true => "HTTP/1.1 200 OK\r\n\r\n".to_owned(),
            false => reply("tunnelled"),
        };
        vec![Act::Send(reply.into_bytes())]
    });
    let ask = |proxy: &Script| {
        let client = bench.with(Options { proxy: Some(proxy.address()), ..Options::default() })?;
        let http = http::Request::get("http://wx.qq.com/path").header("host", "wx.qq.com");
        client.ask(request(http.body(Body::empty()).expect("a request")))
    };
    body(ask(&proxy), "tunnelled")?;
    let lines: Vec<_> = proxy.requests().into_iter().map(|arrived| arrived.line).collect();
    same!(lines, ["CONNECT wx.qq.com:80 HTTP/1.1", "GET /path HTTP/1.1"]);

    for (status, kind) in [
        ("403 Forbidden", FailureKind::Proxy),
        ("503 Service Unavailable", FailureKind::Proxy),
        ("407 Proxy Authentication Required", FailureKind::ProxyAuthorization),
    ] {
        let reply = format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\n\r\n");
        failed(ask(&Script::replying(reply)), kind, Sent::No)?;
    }
    Ok(())
}

fn a_body_of_another_length_is_not_sent(bench: &Bench) -> Seen {
    unsendable(bench, "POST", &[("content-length", "6")], "hello")?;
    unsendable(bench, "POST", &[("content-length", "4")], "hello")
}

fn invalid_request_is_not_sent(bench: &Bench) -> Seen {
    unsendable(bench, "POST", &[("transfer-encoding", "chunked")], "hello")?;
    unsendable(bench, "POST", &[("content-length", "5"), ("expect", "100-continue")], "hello")?;
    let http = http::Request::get("/path").body(Body::empty()).expect("a request");
    failed(bench.client()?.ask(request(http)), FailureKind::Unsendable, Sent::No)
}

/// The final reply after an unsolicited `100 Continue` is returned.
fn unsolicited_100_continue_is_ignored(bench: &Bench) -> Seen {
    let server = Script::replying(format!("HTTP/1.1 100 Continue\r\n\r\n{}", reply("ok")));
    body(bench.client()?.ask(post(&server, "hello")), "ok")
}

/// Checks each way in which a body can end.
fn a_body_of_exactly_the_limit_passes(bench: &Bench) -> Seen {
    let replies = [
        reply("12345"),
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\n123\r\n2\r\n45\r\n0\r\n\r\n"
            .into(),
        "HTTP/1.1 200 OK\r\n\r\n12345".into(),
    ];
    for reply in replies {
        let server = Script::new(move |_| vec![Act::Send(reply.clone().into_bytes()), Act::Close]);
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

/// Threat B1: a coding other than `identity` is never decoded.
fn content_encoding_is_refused(bench: &Bench) -> Seen {
    for (coding, refused) in
        [("gzip", true), ("deflate", true), ("identity, br", true), (" Identity ", false)]
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
    Ok(())
}

/// Threat B1: a compressed body is refused before any of its bytes arrive.
fn compressed_body_is_not_read(bench: &Bench) -> Seen {
    for coding in ["gzip", "deflate", "br", "zstd"] {
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
    let http = http.body(body.to_owned().into()).expect("a request");
    let reply = bench.client()?.ask(request(http));
    failed(reply, FailureKind::Unsendable, Sent::No)?;
    thread::sleep(Duration::from_millis(20));
    holds!(server.connections() == 0, "a connection was made for {method} {headers:?}");
    Ok(())
}
