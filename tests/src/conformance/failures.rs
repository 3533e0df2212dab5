//! Failures after which the request may have arrived, and malformed replies.

use std::thread;
use std::time::Duration;

use wechat_proto::Body;
use wechat_proto::error::Sent;

use super::opened::{Bench, body, fails, get, lost, post, replied, reply, request};
use super::report::{Seen, holds, same};
use super::{Act, Bodies, Script, nobody};

pub(super) fn a_refused_connection(bench: &Bench) -> Seen {
    for method in ["GET", "POST"] {
        let http = http::Request::builder().method(method).uri(format!("http://{}/", nobody()));
        let request = request(http.header("content-length", "0"), Body::empty());
        fails(bench.client()?.ask(request))?;
    }
    Ok(())
}

pub(super) fn close_without_a_reply(bench: &Bench) -> Seen {
    let server = Script::new(|_| vec![Act::Close]);
    for request in [get(&server), post(&server, "hello"), post(&server, "")] {
        lost(bench.client()?.ask(request))?;
    }
    let server = Script::closing_after("HTTP/1.1 200 OK\r\ncont");
    lost(bench.client()?.ask(get(&server)))
}

pub(super) fn reset_while_sending_a_body(bench: &Bench) -> Seen {
    let server = Script::with(None, Bodies::Left, |_| vec![Act::Close]);
    lost(bench.client()?.ask(post(&server, "hello")))
}

/// Threat S9: an HTTP client that retries by itself, as many do on a kept connection, would send twice.
pub(super) fn request_is_not_repeated_after_close(bench: &Bench) -> Seen {
    let server = Script::new(|arrived| match &*arrived.body {
        b"first" => vec![Act::Send(reply("ok").into_bytes())],
        _ => vec![Act::Close],
    });
    for first in [false, true] {
        let client = bench.client()?;
        if first {
            body(client.ask(post(&server, "first")), "ok")?;
        }
        let before = server.requests().len();
        lost(client.ask(post(&server, "send")))?;
        thread::sleep(Duration::from_millis(50));
        same!(server.requests().len() - before, 1);
    }
    Ok(())
}

/// Threat B3.
pub(super) fn a_reply_cut_short(bench: &Bench) -> Seen {
    for length in 0..5 {
        let cut = format!("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n{}", &"12345"[..length]);
        let server = Script::closing_after(cut);
        lost(bench.client()?.ask(get(&server)))?;
    }
    Ok(())
}

/// Threat B3.
pub(super) fn chunks_cut_short(bench: &Bench) -> Seen {
    let whole = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2;x=y\r\nok\r\n";
    for cut in ["", "3", "3\r\n", "3\r\n12", "3\r\n123\r\n"] {
        let server = Script::closing_after(format!("{whole}{cut}"));
        lost(bench.client()?.ask(get(&server)))?;
    }
    let server = Script::replying(format!("{whole}0\r\ntrailer: x\r\n\r\n"));
    let reply = replied(bench.client()?.ask(get(&server)))?;
    holds!(!reply.headers().contains_key("trailer"), "no trailer", "{:?}", reply.headers());
    same!(&reply.body()[..], b"ok");
    Ok(())
}

/// Threat B5: bytes beyond the announced length, a second reply or the start of one, belong neither to the reply nor to
/// the next one.
pub(super) fn excess_bytes_are_discarded(bench: &Bench) -> Seen {
    for excess in ["HTTP/1.1 200 no", "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nstale"] {
        let first = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
        let server = Script::replying(format!("{first}{excess}"));
        let client = bench.client()?;
        for _ in 0..3 {
            body(client.ask(get(&server)), "ok")?;
        }
        let connections: Vec<_> =
            server.requests().iter().map(|arrived| arrived.connection).collect();
        same!(connections, [0, 1, 2]);
    }
    Ok(())
}

/// Threat B5: the rest of a failed reply is not read as the next reply.
pub(super) fn connection_is_not_reused_after_an_error(bench: &Bench) -> Seen {
    let server = Script::new(|arrived| {
        vec![Act::Send(match &*arrived.body {
            b"long" => reply(&"x".repeat(1 << 17)).into_bytes(),
            b"coded" => {
                b"HTTP/1.1 200 OK\r\ncontent-encoding: br\r\ncontent-length: 2\r\n\r\n:)".into()
            }
            b"broken" => {
                b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\nok\r\n0\r\n\r\n".into()
            }
            _ => reply("ok").into_bytes(),
        })]
    });
    let client = bench.client()?;
    for spoil in ["long", "coded", "broken"] {
        lost(client.ask(post(&server, spoil)))?;
        body(client.ask(post(&server, "good")), "ok")?;
    }
    Ok(())
}

pub(super) fn broken_chunks(bench: &Bench) -> Seen {
    for chunk in ["zz\r\nok", "-2\r\nok\r\n", "fffffffffffffffff\r\nok"] {
        let text =
            format!("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n{chunk}\r\n0\r\n\r\n");
        let server = Script::replying(text);
        lost(bench.client()?.ask(get(&server)))?;
    }
    Ok(())
}

/// Threat B5.
pub(super) fn contradicting_lengths(bench: &Bench) -> Seen {
    let server =
        Script::replying("HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\nok!");
    lost(bench.client()?.ask(get(&server)))
}

pub(super) fn reply_that_is_not_http(bench: &Bench) -> Seen {
    for text in ["SSH-2.0-OpenSSH_9.6\r\n\r\n", "<html></html>\r\n\r\n", "HTTP/1.1 x\r\n\r\n"] {
        let server = Script::new(move |_| vec![Act::Send(text.into()), Act::Silence]);
        lost(bench.client()?.ask(get(&server)))?;
    }
    Ok(())
}

/// Threat B5: lines that end with LF only, a length besides chunks, chunk extensions. The HTTP library may accept or
/// refuse them, but an accepted body is exact, and the next exchange succeeds.
pub(super) fn odd_framing_is_read_or_refused(bench: &Bench) -> Seen {
    let chunked = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n";
    for odd in [
        "HTTP/1.1 200 OK\ncontent-length: 2\n\nok".to_owned(),
        format!("{chunked}content-length: 1\r\n\r\n2\r\nok\r\n0\r\n\r\n"),
        format!("{chunked}content-length: 99\r\n\r\n2\r\nok\r\n0\r\n\r\n"),
        format!("{chunked}\r\n2;ext=\"a;b\";c\r\nok\r\n0;x\r\n\r\n"),
        format!("{chunked}\r\n2\nok\n0\n\n"),
        "HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 2\r\n\r\nok".to_owned(),
        "HTTP/1.1 200 OK\r\ncontent-length: 2, 2\r\n\r\nok".to_owned(),
        "HTTP/1.0 200 OK\r\ncontent-length: 2\r\n\r\nok".to_owned(),
    ] {
        let server = Script::new(move |arrived| match &*arrived.body {
            b"good" => vec![Act::Send(reply("good").into_bytes())],
            _ => vec![Act::Send(odd.clone().into_bytes()), Act::Close],
        });
        let client = bench.client()?;
        match client.ask(get(&server))? {
            Ok(reply) => same!(&reply.body()[..], b"ok"),
            Err(failure) => same!(failure.sent, Sent::Maybe),
        }
        // The client cannot know that a kept connection is closed before the end arrives.
        thread::sleep(Duration::from_millis(400));
        body(client.ask(post(&server, "good")), "good")?;
    }
    Ok(())
}

/// The text of a failure contains no query, header or body.
pub(super) fn failures_contain_no_secrets(bench: &Bench) -> Seen {
    let closing = Script::new(|_| vec![Act::Close]);
    let talking = Script::replying("HTTP/1.1 2SECRET0 OK\r\n\r\n");
    let coded = Script::replying("HTTP/1.1 200 OK\r\ncontent-encoding: SECRET\r\n\r\n");
    let unclear = Script::replying("HTTP/1.1 200 OK\r\ncontent-length: SECRET\r\n\r\n");
    let mut addresses: Vec<_> =
        [&closing, &talking, &coded, &unclear].map(|server| server.address().to_string()).into();
    addresses.push(nobody().to_string());
    for address in addresses {
        let http = http::Request::post(format!("http://{address}/?skey=SECRET"))
            .header("host", "wx.qq.com")
            .header("cookie", "SECRET")
            .header("content-length", "6");
        let failure = fails(bench.client()?.ask(request(http, "SECRET".to_owned())))?;
        let mut text = format!("{failure} {failure:?}");
        let mut source = std::error::Error::source(&failure);
        while let Some(error) = source {
            text += &format!(" {error} {error:?}");
            source = error.source();
        }
        holds!(!text.contains("SECRET"), "no sent or received data in a failure", "{text}");
    }
    Ok(())
}
