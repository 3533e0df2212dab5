//! Where the two clients differ when left to themselves.

use std::process::Command;
use std::time::Duration;

use wechat_proto::Body;
use wechat_proto::error::{FailureKind, Sent};
use wechat_proto::flow::Want;

use super::host::{Host, Settings};
use super::server::{Act, Server, nobody};
use super::{body, client, conform, failed, get, post, reply, request, with};

conform! {
    a_coding_is_refused,
    a_body_of_exactly_the_limit_passes,
    a_body_shorter_than_its_length_is_not_sent,
    a_body_longer_than_its_length_is_not_sent,
    a_post_without_body_says_so,
    a_get_announces_nothing,
    headers_are_those_given,
    the_environment_names_no_proxy,
    a_proxy_is_used_when_given,
    nobody_waits_for_100_continue,
}

/// Row 1: what is not `identity` is never decoded, and never read.
fn a_coding_is_refused(host: &dyn Host) {
    for (coding, refused) in
        [("gzip", true), ("deflate", true), ("identity, br", true), (" Identity ", false)]
    {
        let server = Server::replying(format!(
            "HTTP/1.1 200 OK\r\ncontent-encoding: {coding}\r\ncontent-length: 2\r\n\r\nok"
        ));
        let reply = client(host).ask(get(&server));
        if refused {
            failed(reply, FailureKind::Encoding, Sent::Maybe);
        } else {
            assert_eq!(body(reply), "ok");
        }
    }
}

/// Row 2, in each way that a body can end.
fn a_body_of_exactly_the_limit_passes(host: &dyn Host) {
    let replies = [
        reply("12345"),
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\n123\r\n2\r\n45\r\n0\r\n\r\n"
            .into(),
        "HTTP/1.1 200 OK\r\n\r\n12345".into(),
    ];
    for reply in replies {
        let server = Server::new(move |_| vec![Act::Send(reply.clone().into_bytes()), Act::Close]);
        let limited = |limit| {
            let mut request = get(&server);
            request.want = Want::Whole { limit };
            client(host).ask(request)
        };
        for limit in [5, 6, usize::MAX] {
            assert_eq!(body(limited(limit)), "12345");
        }
        for limit in [0, 1, 4] {
            failed(limited(limit), FailureKind::TooLarge, Sent::Maybe);
        }
    }
    let empty = Server::replying(reply(""));
    let mut nothing = get(&empty);
    nothing.want = Want::Whole { limit: 0 };
    assert_eq!(body(client(host).ask(nothing)), "");
}

/// Row 3.
fn a_body_shorter_than_its_length_is_not_sent(host: &dyn Host) {
    unsendable(host, "POST", &[("content-length", "6")], "hello");
}

/// Row 4.
fn a_body_longer_than_its_length_is_not_sent(host: &dyn Host) {
    unsendable(host, "POST", &[("content-length", "4")], "hello");
}

/// Row 5.
fn a_post_without_body_says_so(host: &dyn Host) {
    let server = Server::replying(reply("ok"));
    assert_eq!(body(client(host).ask(post(&server, ""))), "ok");
    let seen = server.request();
    assert_eq!(seen.header("content-length"), ["0"]);
    assert!(seen.header("transfer-encoding").is_empty());
    // A host adds no header: without the length, the request is not what it should be.
    unsendable(host, "POST", &[], "");
    unsendable(host, "POST", &[("transfer-encoding", "chunked")], "hello");
}

/// Row 6.
fn a_get_announces_nothing(host: &dyn Host) {
    let server = Server::replying(reply("ok"));
    assert_eq!(body(client(host).ask(get(&server))), "ok");
    let seen = server.request();
    assert_eq!(seen.line, "GET /path?query=1 HTTP/1.1");
    assert!(seen.header("content-length").is_empty());
    assert!(seen.header("transfer-encoding").is_empty());
    unsendable(host, "GET", &[], "hello");
}

/// Row 7: no header is added, changed, or given twice.
fn headers_are_those_given(host: &dyn Host) {
    let server = Server::replying(reply("ok"));
    let given = [
        ("accept", "application/json, text/plain, */*"),
        ("accept-encoding", "identity"),
        ("cookie", "wxuin=1; wxsid=a/b+c==; webwx_data_ticket=x"),
        ("host", "wx.qq.com"),
        ("referer", "https://wx.qq.com/?&lang=zh_CN"),
        ("user-agent", "Mozilla/5.0 (X11; Linux x86_64)"),
    ];
    let client = client(host);
    for keep in [given.len(), 4] {
        let mut http = http::Request::get(format!("http://{}/", server.address));
        for (name, value) in &given[..keep] {
            http = http.header(*name, *value);
        }
        assert_eq!(body(client.ask(request(http.body(Body::empty()).unwrap()))), "ok");
        let seen = server.requests().pop().unwrap();
        let seen: Vec<_> =
            seen.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        assert_eq!(seen, given[..keep]);
    }
    let mut posted = post(&server, "hello");
    posted.http.headers_mut().insert("content-type", "application/json".parse().unwrap());
    assert_eq!(body(client.ask(posted)), "ok");
    let seen = server.requests().pop().unwrap();
    let names: Vec<_> = seen.headers.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["content-length", "content-type", "host"]);
    assert_eq!(seen.body, b"hello");
}

/// Row 8. The environment is that of a process, so the test runs itself in another one.
fn the_environment_names_no_proxy(host: &dyn Host) {
    const MARK: &str = "CONFORMANCE_IN_A_PROXIED_ENVIRONMENT";
    if std::env::var_os(MARK).is_some() {
        let server = Server::replying(reply("ok"));
        assert_eq!(body(client(host).ask(get(&server))), "ok");
        return;
    }
    let test = format!("conformance::differences::{}::the_environment_names_no_proxy", host.name());
    let proxy = format!("http://{}", nobody());
    let mut again = Command::new(std::env::current_exe().unwrap());
    again.args(["--exact", &test]).env(MARK, "1").env_remove("NO_PROXY").env_remove("no_proxy");
    for name in ["http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "ALL_PROXY", "all_proxy"]
    {
        again.env(name, &proxy);
    }
    let output = again.output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && text.contains("1 passed"), "{text}");
}

/// Row 8: by `CONNECT`, the name left to the proxy.
fn a_proxy_is_used_when_given(host: &dyn Host) {
    let proxy = Server::new(|seen| {
        let reply = match seen.line.starts_with("CONNECT ") {
            true => "HTTP/1.1 200 OK\r\n\r\n".to_owned(),
            false => reply("tunnelled"),
        };
        vec![Act::Send(reply.into_bytes())]
    });
    let client = with(host, Settings { proxy: Some(proxy.address), ..Settings::default() });
    let http = http::Request::get("http://wx.qq.com/path").header("host", "wx.qq.com");
    assert_eq!(body(client.ask(request(http.body(Body::empty()).unwrap()))), "tunnelled");
    let seen = proxy.requests();
    assert_eq!(seen[0].line, "CONNECT wx.qq.com:80 HTTP/1.1");
    assert_eq!(seen[1].line, "GET /path HTTP/1.1");

    let refusing = Server::replying("HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n");
    let client = with(host, Settings { proxy: Some(refusing.address), ..Settings::default() });
    let http = http::Request::get("http://wx.qq.com/path").header("host", "wx.qq.com");
    let reply = client.ask(request(http.body(Body::empty()).unwrap()));
    failed(reply, FailureKind::Connect, Sent::No);
}

/// Row 9: it is never sent, and a server that says it unasked is listened to.
fn nobody_waits_for_100_continue(host: &dyn Host) {
    unsendable(host, "POST", &[("content-length", "5"), ("expect", "100-continue")], "hello");
    let server = Server::replying(format!("HTTP/1.1 100 Continue\r\n\r\n{}", reply("ok")));
    assert_eq!(body(client(host).ask(post(&server, "hello"))), "ok");
    // Row 10 is in `ends`.
}

/// Asserts that such a request is given back, and nothing of it sent.
#[track_caller]
fn unsendable(host: &dyn Host, method: &str, headers: &[(&str, &str)], body: &'static str) {
    let server = Server::replying(reply("ok"));
    let mut http = http::Request::builder()
        .method(method)
        .uri(format!("http://{}/", server.address))
        .header("host", server.authority());
    for (name, value) in headers {
        http = http.header(*name, *value);
    }
    let reply = client(host).ask(request(http.body(body.to_owned().into()).unwrap()));
    failed(reply, FailureKind::Unsendable, Sent::No);
    std::thread::sleep(Duration::from_millis(20));
    assert_eq!(server.connections(), 0);
}
