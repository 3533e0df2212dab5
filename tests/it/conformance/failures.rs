//! How failures come back: their kind, and whether anything can have been sent.

use wechat_proto::Body;
use wechat_proto::error::{FailureKind, Sent};

use super::host::Host;
use super::server::{Act, Bodies, Server, nobody};
use super::{body, client, conform, failed, get, post, reply, request};

conform! {
    a_refused_connection,
    an_unknown_name,
    a_relative_address,
    silence_and_an_end,
    a_reset_under_a_body,
    a_reply_cut_short,
    chunks_cut_short,
    broken_chunks,
    no_http,
    an_endless_head,
    a_failure_quotes_nothing,
}

fn a_refused_connection(host: &dyn Host) {
    for method in ["GET", "POST"] {
        let http = http::Request::builder().method(method).uri(format!("http://{}/", nobody()));
        let http = http.header("content-length", "0").body(Body::empty()).unwrap();
        failed(client(host).ask(request(http)), FailureKind::Connect, Sent::No);
    }
}

fn an_unknown_name(host: &dyn Host) {
    let http = http::Request::get("http://wx.qq.com/").body(Body::empty()).unwrap();
    failed(client(host).ask(request(http)), FailureKind::Resolve, Sent::No);
}

fn a_relative_address(host: &dyn Host) {
    let http = http::Request::get("/path").body(Body::empty()).unwrap();
    failed(client(host).ask(request(http)), FailureKind::Unsendable, Sent::No);
}

fn silence_and_an_end(host: &dyn Host) {
    let server = Server::new(|_| vec![Act::Close]);
    failed(client(host).ask(get(&server)), FailureKind::Closed, Sent::Maybe);
    failed(client(host).ask(post(&server, "hello")), FailureKind::Closed, Sent::Maybe);
    failed(client(host).ask(post(&server, "")), FailureKind::Closed, Sent::Maybe);
    let server = Server::new(|_| vec![Act::Send(b"HTTP/1.1 200 OK\r\ncont".into()), Act::Close]);
    failed(client(host).ask(get(&server)), FailureKind::Closed, Sent::Maybe);
}

fn a_reset_under_a_body(host: &dyn Host) {
    let server = Server::with(None, Bodies::Left, |_| vec![Act::Close]);
    failed(client(host).ask(post(&server, "hello")), FailureKind::Closed, Sent::Maybe);
}

fn a_reply_cut_short(host: &dyn Host) {
    for length in 0..5 {
        let cut = format!("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n{}", &"12345"[..length]);
        let server = Server::new(move |_| vec![Act::Send(cut.clone().into_bytes()), Act::Close]);
        failed(client(host).ask(get(&server)), FailureKind::Truncated, Sent::Maybe);
    }
    // More than announced is not the reply's, and spoils the connection.
    let server = Server::replying("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nokHTTP/1.1 200 no");
    let client = client(host);
    assert_eq!(body(client.ask(get(&server))), "ok");
    assert_eq!(body(client.ask(get(&server))), "ok");
    let seen = server.requests();
    assert_eq!([seen[0].connection, seen[1].connection], [0, 1]);
}

fn chunks_cut_short(host: &dyn Host) {
    let whole = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2;x=y\r\nok\r\n";
    for cut in ["", "3", "3\r\n", "3\r\n12", "3\r\n123\r\n"] {
        let cut = format!("{whole}{cut}");
        let server = Server::new(move |_| vec![Act::Send(cut.clone().into_bytes()), Act::Close]);
        failed(client(host).ask(get(&server)), FailureKind::Truncated, Sent::Maybe);
    }
    let server = Server::replying(format!("{whole}0\r\ntrailer: x\r\n\r\n"));
    let reply = client(host).ask(get(&server)).unwrap();
    assert!(!reply.headers().contains_key("trailer"));
    assert_eq!(reply.body(), "ok");
}

fn broken_chunks(host: &dyn Host) {
    for chunk in ["zz\r\nok", "-2\r\nok\r\n", "fffffffffffffffff\r\nok"] {
        let text =
            format!("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n{chunk}\r\n0\r\n\r\n");
        let server = Server::replying(text);
        failed(client(host).ask(get(&server)), FailureKind::Protocol, Sent::Maybe);
    }
}

fn no_http(host: &dyn Host) {
    for text in ["SSH-2.0-OpenSSH_9.6\r\n\r\n", "<html></html>\r\n\r\n", "HTTP/1.1 x\r\n\r\n"] {
        let server = Server::new(move |_| vec![Act::Send(text.into()), Act::Silence]);
        failed(client(host).ask(get(&server)), FailureKind::Protocol, Sent::Maybe);
    }
    let lengths = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\nok!";
    failed(client(host).ask(get(&Server::replying(lengths))), FailureKind::Protocol, Sent::Maybe);
}

fn an_endless_head(host: &dyn Host) {
    let server = Server::new(|_| {
        vec![Act::Send(b"HTTP/1.1 200 OK\r\nx: ".into()), Act::Flood(&[b'x'; 1024])]
    });
    failed(client(host).ask(get(&server)), FailureKind::TooLarge, Sent::Maybe);
    // As long as any that the service sends, and longer.
    let long = "x".repeat(15 << 10);
    let server =
        Server::replying(format!("HTTP/1.1 200 OK\r\nx: {long}\r\ncontent-length: 2\r\n\r\nok"));
    assert_eq!(body(client(host).ask(get(&server))), "ok");
}

/// No text of a failure has a query, a header or a body in it.
fn a_failure_quotes_nothing(host: &dyn Host) {
    let closing = Server::new(|_| vec![Act::Close]);
    let talking = Server::replying("HTTP/1.1 2SECRET0 OK\r\n\r\n");
    let coded = Server::replying("HTTP/1.1 200 OK\r\ncontent-encoding: SECRET\r\n\r\n");
    let unclear = Server::replying("HTTP/1.1 200 OK\r\ncontent-length: SECRET\r\n\r\n");
    let mut addresses: Vec<_> =
        [&closing, &talking, &coded, &unclear].map(|server| server.address.to_string()).into();
    addresses.extend([nobody().to_string(), "unknown.example".into()]);
    for address in addresses {
        let http = http::Request::post(format!("http://{address}/?skey=SECRET"))
            .header("host", "wx.qq.com")
            .header("cookie", "SECRET")
            .header("content-length", "6")
            .body(Body::from("SECRET".to_owned()));
        let failure = client(host).ask(request(http.unwrap())).unwrap_err();
        let mut text = format!("{failure} {failure:?}");
        let mut source = std::error::Error::source(&failure);
        while let Some(error) = source {
            text += &format!(" {error} {error:?}");
            source = error.source();
        }
        assert!(!text.contains("SECRET"), "{text}");
    }
    assert_eq!(body(client(host).ask(get(&Server::replying(reply("ok"))))), "ok");
}
