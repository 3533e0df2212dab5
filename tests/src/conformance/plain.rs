//! Promises about successful exchanges.

use std::thread;
use std::time::Duration;

use wechat_proto::Body;

use super::opened::{Bench, body, get, post, replied, reply, request};
use super::report::{Seen, holds, same};
use super::{Options, Script};

/// Threat N4.
pub(super) fn no_redirect_is_followed(bench: &Bench) -> Seen {
    for status in ["301 Moved Permanently", "302 Found", "307 Temporary Redirect"] {
        let elsewhere = Script::replying(reply("elsewhere"));
        let server = Script::replying(format!(
            "HTTP/1.1 {status}\r\nlocation: http://{}/\r\ncontent-length: 8\r\n\r\n<error/>",
            elsewhere.address()
        ));
        for request in [get(&server), post(&server, "hello")] {
            let reply = bench.client()?.ask(request);
            same!(elsewhere.connections(), 0);
            let reply = replied(reply)?;
            same!(reply.status().as_str(), &status[..3]);
            holds!(reply.headers().contains_key("location"), "a Location", "{:?}", reply.headers());
            same!(&reply.body()[..], b"<error/>");
        }
    }
    // The login page sometimes has no `Location`.
    let server = Script::replying("HTTP/1.1 301 Moved Permanently\r\ncontent-length: 2\r\n\r\nok");
    body(bench.client()?.ask(get(&server)), "ok")
}

pub(super) fn no_cookie_is_kept(bench: &Bench) -> Seen {
    let server = Script::replying(
        "HTTP/1.1 200 OK\r\nset-cookie: a=1; Path=/\r\nset-cookie: b=2\r\ncontent-length: 0\r\n\r\n",
    );
    let client = bench.client()?;
    for _ in 0..2 {
        let reply = replied(client.ask(get(&server)))?;
        same!(reply.headers().get_all("set-cookie").iter().count(), 2);
    }
    for request in server.requests() {
        same!(request.header("cookie"), Vec::<&str>::new());
    }
    Ok(())
}

/// Threat N7: cookies of a 1xx reply or of the trailers are ignored.
pub(super) fn cookies_come_only_from_the_final_head(bench: &Bench) -> Seen {
    let server = Script::replying(
        "HTTP/1.1 103 Early Hints\r\nset-cookie: early=1\r\n\r\n\
         HTTP/1.1 200 OK\r\nset-cookie: a=1\r\ntrailer: set-cookie\r\ntransfer-encoding: chunked\r\n\r\n\
         2\r\nok\r\n0\r\nset-cookie: late=1\r\n\r\n",
    );
    let client = bench.client()?;
    for _ in 0..2 {
        let reply = replied(client.ask(get(&server)))?;
        let cookies: Vec<_> = reply.headers().get_all("set-cookie").iter().collect();
        same!(cookies, ["a=1"]);
        same!(&reply.body()[..], b"ok");
    }
    Ok(())
}

pub(super) fn error_status_is_a_reply(bench: &Bench) -> Seen {
    for status in [200, 204, 304, 400, 401, 404, 407, 500, 502, 599] {
        let bodiless = matches!(status, 204 | 304);
        let text = if bodiless { "" } else { "why" };
        let length = if bodiless { "" } else { "content-length: 3\r\n" };
        let server = Script::replying(format!("HTTP/1.1 {status} x\r\n{length}\r\n{text}"));
        let reply = replied(bench.client()?.ask(get(&server)))?;
        same!(reply.status().as_u16(), status);
        same!(&reply.body()[..], text.as_bytes());
    }
    Ok(())
}

pub(super) fn reply_has_no_extensions(bench: &Bench) -> Seen {
    let reply = replied(bench.client()?.ask(get(&Script::replying(reply("ok")))))?;
    same!(reply.extensions().len(), 0);
    Ok(())
}

pub(super) fn query_is_sent_verbatim(bench: &Bench) -> Seen {
    let query = "ticket=A%2FB%252F+x==&scan=1@qrticket_0|2&skey=@crypt_1_a%7C&n=%e4%BD%A0()*~!;,:$";
    sent_verbatim(bench, query)
}

/// `encodeURIComponent`, which the web page uses, does not encode it.
pub(super) fn apostrophe_is_sent_verbatim(bench: &Bench) -> Seen {
    sent_verbatim(bench, "name='x'")
}

fn sent_verbatim(bench: &Bench, query: &str) -> Seen {
    let server = Script::replying(reply("ok"));
    let uri = format!("http://{}/cgi-bin/mm%2Fwebwx-bin//x?{query}", server.address());
    let http = http::Request::get(uri).header("host", "wx.qq.com");
    body(bench.client()?.ask(request(http, Body::empty())), "ok")?;
    let line = format!("GET /cgi-bin/mm%2Fwebwx-bin//x?{query} HTTP/1.1");
    same!(server.only()?.line, line);
    Ok(())
}

pub(super) fn a_body_arrives_whole(bench: &Bench) -> Seen {
    let server = Script::replying(reply("ok"));
    let part = |byte: u8, length| bytes::Bytes::from(vec![byte; length]);
    let sent = Body::framed(part(1, 300), part(2, 700_001), part(3, 20));
    let http = http::Request::post(format!("http://{}/", server.address()))
        .header("host", "wx.qq.com")
        .header("content-length", sent.len());
    body(bench.client()?.ask(request(http, sent)), "ok")?;
    let seen = server.only()?.body;
    let counts = [1, 2, 3].map(|byte| seen.iter().filter(|&&seen| seen == byte).count());
    same!(counts, [300, 700_001, 20]);
    holds!(seen.is_sorted(), "the parts of the body in order", "another order");
    Ok(())
}

pub(super) fn names_resolve_from_the_table(bench: &Bench) -> Seen {
    let server = Script::replying(reply("ok"));
    let names = vec![("wx.qq.com", server.address()), ("WX2.qq.com", server.address())];
    let client = bench.with(Options { names, ..Options::default() })?;
    for name in ["wx.qq.com", "wx2.qq.com"] {
        let http = http::Request::get(format!("http://{name}/")).header("host", name);
        body(client.ask(request(http, Body::empty())), "ok")?;
    }
    Ok(())
}

pub(super) fn a_connection_is_kept(bench: &Bench) -> Seen {
    let server = Script::replying(reply("ok"));
    let client = bench.client()?;
    for _ in 0..5 {
        body(client.ask(get(&server)), "ok")?;
        body(client.ask(post(&server, "hello")), "ok")?;
        // Some clients return a connection to the pool in the background.
        thread::sleep(Duration::from_millis(10));
    }
    let connections = server.connections();
    holds!(connections <= 4, "at most 4 connections for 10 exchanges", "{connections}");
    Ok(())
}

pub(super) fn a_closed_connection_is_replaced(bench: &Bench) -> Seen {
    let server = Script::closing_after(reply("ok"));
    let client = bench.client()?;
    for _ in 0..3 {
        body(client.ask(post(&server, "hello")), "ok")?;
        thread::sleep(Duration::from_millis(400));
    }
    same!(server.connections(), 3);
    Ok(())
}
