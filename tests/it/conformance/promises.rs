//! What a host promises where nothing goes wrong.

use std::thread;
use std::time::Duration;

use wechat_proto::Body;
use wechat_proto::error::{FailureKind, Sent};

use super::host::{Host, Settings, Source};
use super::server::{Act, Server};
use super::{body, client, conform, failed, get, post, reply, request, with};

conform! {
    no_redirect_is_followed,
    no_cookie_is_kept,
    a_status_is_no_error,
    a_query_arrives_as_it_is,
    a_connection_is_kept,
    a_closed_connection_is_replaced,
    names_come_from_the_table,
    a_body_arrives_whole,
    a_source_is_read,
}

fn no_redirect_is_followed(host: &dyn Host) {
    for status in ["301 Moved Permanently", "302 Found", "307 Temporary Redirect"] {
        let elsewhere = Server::replying(reply("elsewhere"));
        let server = Server::replying(format!(
            "HTTP/1.1 {status}\r\nlocation: http://{}/\r\ncontent-length: 8\r\n\r\n<error/>",
            elsewhere.address
        ));
        for request in [get(&server), post(&server, "hello")] {
            let reply = client(host).ask(request).unwrap();
            assert_eq!(reply.status().as_str(), &status[..3]);
            assert!(reply.headers().contains_key("location"));
            assert_eq!(reply.body(), "<error/>");
        }
        assert_eq!(elsewhere.connections(), 0);
    }
    // The login page has no `Location` at times.
    let server = Server::replying("HTTP/1.1 301 Moved Permanently\r\ncontent-length: 2\r\n\r\nok");
    assert_eq!(body(client(host).ask(get(&server))), "ok");
}

fn no_cookie_is_kept(host: &dyn Host) {
    let server = Server::replying(
        "HTTP/1.1 200 OK\r\nset-cookie: a=1; Path=/\r\nset-cookie: b=2\r\ncontent-length: 0\r\n\r\n",
    );
    let client = client(host);
    for _ in 0..2 {
        let reply = client.ask(get(&server)).unwrap();
        assert_eq!(reply.headers().get_all("set-cookie").iter().count(), 2);
    }
    assert!(server.requests().iter().all(|seen| seen.header("cookie").is_empty()));
}

fn a_status_is_no_error(host: &dyn Host) {
    for status in [200, 204, 304, 400, 401, 404, 407, 500, 502, 599] {
        let bodiless = matches!(status, 204 | 304);
        let text = if bodiless { "" } else { "why" };
        let length = if bodiless { "" } else { "content-length: 3\r\n" };
        let server = Server::replying(format!("HTTP/1.1 {status} x\r\n{length}\r\n{text}"));
        let reply = client(host).ask(get(&server)).unwrap();
        assert_eq!(reply.status().as_u16(), status);
        assert_eq!(reply.body(), text);
        assert!(reply.extensions().is_empty(), "what a client notes is not the reply's");
    }
}

fn a_query_arrives_as_it_is(host: &dyn Host) {
    let server = Server::replying(reply("ok"));
    let query =
        "ticket=A%2FB%252F+x==&scan=1@qrticket_0|2&skey=@crypt_1_a%7C&n=%e4%BD%A0'()*~!;,:$";
    let uri = format!("http://{}/cgi-bin/mm%2Fwebwx-bin//x?{query}", server.address);
    let http = http::Request::get(uri).header("host", "wx.qq.com");
    assert_eq!(body(client(host).ask(request(http.body(Body::empty()).unwrap()))), "ok");
    let line = format!("GET /cgi-bin/mm%2Fwebwx-bin//x?{query} HTTP/1.1");
    assert_eq!(server.request().line, line);
}

fn a_connection_is_kept(host: &dyn Host) {
    let server = Server::replying(reply("ok"));
    let client = client(host);
    for _ in 0..5 {
        assert_eq!(body(client.ask(get(&server))), "ok");
        assert_eq!(body(client.ask(post(&server, "hello"))), "ok");
        // hyper gives a connection back behind the caller's back.
        thread::sleep(Duration::from_millis(10));
    }
    assert!(server.connections() <= 4, "{}", server.connections());
}

fn a_closed_connection_is_replaced(host: &dyn Host) {
    let server = Server::new(|_| vec![Act::Send(reply("ok").into_bytes()), Act::Close]);
    let client = client(host);
    for _ in 0..3 {
        assert_eq!(body(client.ask(post(&server, "hello"))), "ok");
        thread::sleep(Duration::from_millis(100));
    }
    assert_eq!(server.connections(), 3);
}

fn names_come_from_the_table(host: &dyn Host) {
    let server = Server::replying(reply("ok"));
    let names = vec![("wx.qq.com", server.address), ("WX2.qq.com", server.address)];
    let client = with(host, Settings { names, ..Settings::default() });
    for name in ["wx.qq.com", "wx2.qq.com"] {
        let http = http::Request::get(format!("http://{name}/")).header("host", name);
        assert_eq!(body(client.ask(request(http.body(Body::empty()).unwrap()))), "ok");
    }
}

fn a_body_arrives_whole(host: &dyn Host) {
    let server = Server::replying(reply("ok"));
    let part = |byte: u8, length| bytes::Bytes::from(vec![byte; length]);
    let sent = Body::framed(part(1, 300), part(2, 700_001), part(3, 20));
    let http = http::Request::post(format!("http://{}/", server.address))
        .header("host", "wx.qq.com")
        .header("content-length", sent.len())
        .body(sent);
    assert_eq!(body(client(host).ask(request(http.unwrap()))), "ok");
    let seen = server.request().body;
    let counts = [1, 2, 3].map(|byte| seen.iter().filter(|&&seen| seen == byte).count());
    assert_eq!(counts, [300, 700_001, 20]);
    assert!(seen.is_sorted());
}

fn a_source_is_read(host: &dyn Host) {
    let client = client(host);
    let source = Source::Holding(b"0123456789");
    for (range, expected) in
        [(0..10, "0123456789"), (3..5, "34"), (8..20, "89"), (10..11, ""), (40..50, ""), (5..5, "")]
    {
        assert_eq!(client.read(range, source).unwrap(), expected);
    }
    assert_eq!(client.read(0..u64::MAX, source).unwrap().len(), 10);
    failed(client.read(0..10, Source::Failing), FailureKind::Source, Sent::No);
}
