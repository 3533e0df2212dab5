//! Where HTTP clients differ when left to themselves: lengths, limits, headers, proxies.

use std::thread;
use std::time::Duration;

use wechat_proto::Body;
use wechat_proto::error::{FailureKind, Sent};
use wechat_proto::flow::Want;

use super::opened::{body, failed, get, post, reply, request};
use super::{Act, Bench, Options, Script, Seen, checks, holds, same};

checks! {
    AsItIs: headers_are_those_given;
    AsItIs: a_get_announces_nothing;
    AsItIs: a_post_without_body_says_so;
    AsItIs: a_proxy_is_used_when_given [Proxy];
    Sendable: a_body_of_another_length_is_not_sent;
    Sendable: what_is_no_plain_request_is_not_sent;
    AsItIs: nobody_waits_for_100_continue;
    Limits: a_body_of_exactly_the_limit_passes;
    Codings: a_coding_is_refused;
    Codings: a_bomb_is_not_unpacked;
}

/// No header is added, changed, or given twice.
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

fn a_get_announces_nothing(bench: &Bench) -> Seen {
    let server = Script::replying(reply("ok"));
    body(bench.client()?.ask(get(&server)), "ok")?;
    let arrived = server.only()?;
    same!(arrived.line, "GET /path?query=1 HTTP/1.1");
    same!(arrived.header("content-length"), Vec::<&str>::new());
    same!(arrived.header("transfer-encoding"), Vec::<&str>::new());
    unsendable(bench, "GET", &[], "hello")
}

fn a_post_without_body_says_so(bench: &Bench) -> Seen {
    let server = Script::replying(reply("ok"));
    body(bench.client()?.ask(post(&server, "")), "ok")?;
    let arrived = server.only()?;
    same!(arrived.header("content-length"), ["0"]);
    same!(arrived.header("transfer-encoding"), Vec::<&str>::new());
    // A driver adds no header: without the length, the request is not what it should be.
    unsendable(bench, "POST", &[], "")
}

/// By `CONNECT`, the name left to the proxy.
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

fn what_is_no_plain_request_is_not_sent(bench: &Bench) -> Seen {
    unsendable(bench, "POST", &[("transfer-encoding", "chunked")], "hello")?;
    unsendable(bench, "POST", &[("content-length", "5"), ("expect", "100-continue")], "hello")?;
    let http = http::Request::get("/path").body(Body::empty()).expect("a request");
    failed(bench.client()?.ask(request(http)), FailureKind::Unsendable, Sent::No)
}

/// A server that says it unasked is listened to.
fn nobody_waits_for_100_continue(bench: &Bench) -> Seen {
    let server = Script::replying(format!("HTTP/1.1 100 Continue\r\n\r\n{}", reply("ok")));
    body(bench.client()?.ask(post(&server, "hello")), "ok")
}

/// In each way that a body can end.
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

/// Threat B1: what is not `identity` is never decoded.
fn a_coding_is_refused(bench: &Bench) -> Seen {
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

/// Threat B1: of a bomb, not even the packed bytes are read: it is refused before any came.
fn a_bomb_is_not_unpacked(bench: &Bench) -> Seen {
    for coding in ["gzip", "deflate", "br", "zstd"] {
        let head = format!("HTTP/1.1 200 OK\r\ncontent-encoding: {coding}\r\n\r\n");
        let server = Script::new(move |_| vec![Act::Send(head.clone().into_bytes()), Act::Silence]);
        let mut request = get(&server);
        request.want = Want::Whole { limit: usize::MAX };
        failed(bench.client()?.ask(request), FailureKind::Encoding, Sent::Maybe)?;
    }
    Ok(())
}

/// Goes on if such a request is given back, and nothing of it sent.
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
    holds!(server.connections() == 0, "something of {method} {headers:?} was sent");
    Ok(())
}
