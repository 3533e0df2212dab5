//! TLS connections.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use wechat_proto::Body;
use wechat_proto::flow::Request;

use super::opened::{Opened, body, fails, lost, reply, request, takes};
use super::{Act, Arrived, Bench, Bodies, Deviation, Options, Script, Seen, kinds, same};
use crate::server::tls::Identity;

pub(super) struct Secure {
    pub(super) server: Script,
    pub(super) ca: Vec<u8>,
}

/// Starts a server for the true host names and returns it with the certificate of its authority.
pub(super) fn secure(script: impl Fn(&Arrived) -> Vec<Act> + Send + Sync + 'static) -> Secure {
    let Identity { config, ca } = Identity::new().unwrap();
    Secure { server: Script::with(Some(Arc::new(config)), Bodies::Read, script), ca }
}

pub(super) fn ok(_: &Arrived) -> Vec<Act> {
    vec![Act::Send(reply("ok").into_bytes())]
}

pub(super) fn https(name: &str) -> Request {
    let http = http::Request::get(format!("https://{name}/path?query")).header("host", name);
    request(http, Body::empty())
}

pub(super) fn open(bench: &Bench, server: &Script, roots: Vec<Vec<u8>>) -> Seen<Opened> {
    let names = vec![("wx.qq.com", server.address()), ("wx.example", server.address())];
    bench.with(Options { names, roots, ..Options::default() })
}

pub(super) fn a_given_root_is_trusted(bench: &Bench) -> Seen {
    let Secure { server, ca } = secure(ok);
    let client = open(bench, &server, vec![ca])?;
    for _ in 0..2 {
        body(client.ask(https("wx.qq.com")), "ok")?;
    }
    same!(server.last()?.line, "GET /path?query HTTP/1.1");
    Ok(())
}

pub(super) fn unknown_root_is_refused(bench: &Bench) -> Seen {
    let Secure { server, .. } = secure(ok);
    let other = secure(ok);
    fails(open(bench, &server, vec![other.ca])?.ask(https("wx.qq.com")))?;
    same!(server.requests().len(), 0);
    Ok(())
}

pub(super) fn a_wrong_name_is_refused(bench: &Bench) -> Seen {
    let Secure { server, ca } = secure(ok);
    fails(open(bench, &server, vec![ca])?.ask(https("wx.example")))?;
    same!(server.requests().len(), 0);
    Ok(())
}

pub(super) fn silent_handshake_ends_at_the_connect_timeout(bench: &Bench) -> Seen {
    let server = Script::mute();
    let names = vec![("wx.qq.com", server.address())];
    let connect_timeout = Some(Duration::from_secs(1));
    let client = bench.with(Options { names, connect_timeout, ..Options::default() })?;
    takes(900..6000, || fails(client.ask(https("wx.qq.com"))).map(drop))
}

pub(super) fn silent_handshake_ends_at_the_deadline(bench: &Bench) -> Seen {
    takes(900..6000, || fails(kinds::to_silent_server(bench)).map(drop))
}

pub(super) fn plain_http_in_place_of_tls(bench: &Bench) -> Seen {
    fails(kinds::to_plain_server(bench)).map(drop)
}

pub(super) fn invalid_root_is_reported(bench: &Bench) -> Seen {
    let options = Options { roots: vec![b"no certificate".into()], ..Options::default() };
    match bench.open(&options) {
        Err(_) => Ok(()),
        Ok(_) => Err(Deviation::new("an error for an invalid root", "a transport")),
    }
}

/// Without a TLS `close_notify`, a body that ends with the connection is complete.
pub(super) fn end_without_close_notify(bench: &Bench) -> Seen {
    let Secure { server, ca } =
        secure(|_| vec![Act::Send(b"HTTP/1.1 200 OK\r\n\r\nall of it".into()), Act::Close]);
    body(open(bench, &server, vec![ca])?.ask(https("wx.qq.com")), "all of it")
}

pub(super) fn length_counts_without_close_notify(bench: &Bench) -> Seen {
    let Secure { server, ca } = secure(|_| {
        vec![Act::Send(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nall".into()), Act::Close]
    });
    lost(open(bench, &server, vec![ca])?.ask(https("wx.qq.com")))
}

/// Starts a listener that calls `serve` with each connection, and returns its address.
pub(super) fn listening(serve: impl Fn(TcpStream) + Send + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || listener.incoming().map_while(Result::ok).for_each(serve));
    address
}
