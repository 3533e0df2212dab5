//! TLS connections.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use wechat_proto::Body;
use wechat_proto::flow::Request;

use super::opened::{Bench, Exchanged, Opened, body, fails, lost, reply, request, takes};
use super::report::{Seen, same};
use super::{Act, Arrived, Bodies, Deviation, Options, Script};
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
    takes(900..6000, || fails(to_silent_server(bench)).map(drop))
}

pub(super) fn plain_http_in_place_of_tls(bench: &Bench) -> Seen {
    fails(to_plain_server(bench)).map(drop)
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

pub(super) fn to_plain_server(bench: &Bench) -> Exchanged {
    // A TLS ClientHello has no end of a request head, so the server answers after reading some bytes.
    let address = listening(|mut socket| {
        let _ = socket.read(&mut [0; 512]);
        let _ = socket.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n");
    });
    bench
        .with(Options { names: vec![("wx.qq.com", address)], ..Options::default() })?
        .ask(https("wx.qq.com"))
}

/// Waits for the handshake of a silent server until the deadline of one second.
pub(super) fn to_silent_server(bench: &Bench) -> Exchanged {
    let server = Script::mute();
    let names = vec![("wx.qq.com", server.address())];
    let mut request = https("wx.qq.com");
    request.deadline = Duration::from_secs(1);
    bench.with(Options { names, ..Options::default() })?.ask(request)
}
