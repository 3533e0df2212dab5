//! TLS connections.

use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::PrivateKeyDer;
use wechat_proto::error::{FailureKind, Sent};
use wechat_proto::flow::Request;
use wechat_proto::{Body, Error};

use super::opened::{Opened, body, failed, reply, request, takes};
use super::{Act, Arrived, Bench, Bodies, Options, Script, Seen, checks, holds, same};

checks! {
    Encryption: a_given_root_is_trusted [Names Roots];
    Encryption: unknown_root_is_refused [Names Roots];
    Encryption: a_wrong_name_is_refused [Names Roots];
    Deadlines: silent_handshake_ends_at_the_connect_timeout [Names Roots ConnectTimeout];
    Deadlines: silent_handshake_ends_at_the_deadline [Names Roots];
    Encryption: plain_http_in_place_of_tls [Names Roots];
    Encryption: invalid_root_is_reported [Roots];
    Lengths: end_without_close_notify [Names Roots];
    Encryption: tls_is_tunnelled_through_a_proxy [Names Roots Proxy];
}

struct Secure {
    server: Script,
    ca: Vec<u8>,
}

/// Starts a server for `wx.qq.com` and returns it with the certificate of its authority.
fn secure(script: impl Fn(&Arrived) -> Vec<Act> + Send + Sync + 'static) -> Secure {
    let ca_key = KeyPair::generate().unwrap();
    let mut ca = CertificateParams::new(Vec::new()).unwrap();
    ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let ca_der = ca.self_signed(&ca_key).unwrap().der().to_vec();
    let key = KeyPair::generate().unwrap();
    let leaf = CertificateParams::new(vec!["wx.qq.com".into()]).unwrap();
    let leaf = leaf.signed_by(&key, &Issuer::new(ca, ca_key)).unwrap();
    let secret = PrivateKeyDer::Pkcs8(key.serialize_der().into());
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![leaf.der().clone()], secret)
        .unwrap();
    Secure { server: Script::with(Some(Arc::new(config)), Bodies::Read, script), ca: ca_der }
}

fn ok(_: &Arrived) -> Vec<Act> {
    vec![Act::Send(reply("ok").into_bytes())]
}

fn https(name: &str) -> Request {
    let http = http::Request::get(format!("https://{name}/path?query")).header("host", name);
    request(http.body(Body::empty()).unwrap())
}

fn open(bench: &Bench, server: &Script, roots: Vec<Vec<u8>>) -> Seen<Opened> {
    let names = vec![("wx.qq.com", server.address()), ("wx.example", server.address())];
    bench.with(Options { names, roots, ..Options::default() })
}

fn a_given_root_is_trusted(bench: &Bench) -> Seen {
    let Secure { server, ca } = secure(ok);
    let client = open(bench, &server, vec![ca])?;
    for _ in 0..2 {
        body(client.ask(https("wx.qq.com")), "ok")?;
    }
    same!(server.last()?.line, "GET /path?query HTTP/1.1");
    Ok(())
}

fn unknown_root_is_refused(bench: &Bench) -> Seen {
    let Secure { server, .. } = secure(ok);
    let other = secure(ok);
    let client = open(bench, &server, vec![other.ca])?;
    failed(client.ask(https("wx.qq.com")), FailureKind::Certificate, Sent::No)?;
    same!(server.requests().len(), 0);
    Ok(())
}

fn a_wrong_name_is_refused(bench: &Bench) -> Seen {
    let Secure { server, ca } = secure(ok);
    failed(
        open(bench, &server, vec![ca])?.ask(https("wx.example")),
        FailureKind::Certificate,
        Sent::No,
    )
}

fn silent_handshake_ends_at_the_connect_timeout(bench: &Bench) -> Seen {
    let server = Script::mute();
    let names = vec![("wx.qq.com", server.address())];
    let connect_timeout = Some(Duration::from_secs(1));
    let client = bench.with(Options { names, connect_timeout, ..Options::default() })?;
    takes(900..6000, || failed(client.ask(https("wx.qq.com")), FailureKind::Timeout, Sent::No))
}

/// Threat S9: reported as not sent, also for a request without a body.
fn silent_handshake_ends_at_the_deadline(bench: &Bench) -> Seen {
    let server = Script::mute();
    let names = vec![("wx.qq.com", server.address())];
    let client = bench.with(Options { names, ..Options::default() })?;
    let mut request = https("wx.qq.com");
    request.deadline = Duration::from_secs(1);
    takes(900..6000, || failed(client.ask(request), FailureKind::Timeout, Sent::No))
}

fn plain_http_in_place_of_tls(bench: &Bench) -> Seen {
    // A TLS ClientHello has no end of a request head, so the server answers after reading some bytes.
    let address = listening(|mut socket| {
        let _ = socket.read(&mut [0; 512]);
        let _ = socket.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n");
    });
    let names = vec![("wx.qq.com", address)];
    let client = bench.with(Options { names, ..Options::default() })?;
    failed(client.ask(https("wx.qq.com")), FailureKind::Tls, Sent::No)
}

fn invalid_root_is_reported(bench: &Bench) -> Seen {
    let options = Options { roots: vec![b"no certificate".into()], ..Options::default() };
    match bench.open(&options) {
        Err(Error::Transport(failure)) => {
            failed::<()>(Ok(Err(failure)), FailureKind::Certificate, Sent::No)
        }
        Err(error) => Err(format!("the error is {error:?}")),
        Ok(_) => Err("the transport was created nevertheless".to_owned()),
    }
}

/// Without a TLS `close_notify`, a body framed by the end of the connection is complete; one with a length is
/// truncated.
fn end_without_close_notify(bench: &Bench) -> Seen {
    let Secure { server, ca } =
        secure(|_| vec![Act::Send(b"HTTP/1.1 200 OK\r\n\r\nall of it".into()), Act::Close]);
    body(open(bench, &server, vec![ca])?.ask(https("wx.qq.com")), "all of it")?;
    let Secure { server, ca } = secure(|_| {
        vec![Act::Send(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nall".into()), Act::Close]
    });
    let client = open(bench, &server, vec![ca])?;
    failed(client.ask(https("wx.qq.com")), FailureKind::Truncated, Sent::Maybe)
}

/// Starts a listener that calls `serve` with each connection, and returns its address.
fn listening(serve: impl Fn(TcpStream) + Send + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || listener.incoming().map_while(Result::ok).for_each(serve));
    address
}

/// The TLS connection ends at the server, not at the proxy.
fn tls_is_tunnelled_through_a_proxy(bench: &Bench) -> Seen {
    let Secure { server, ca } = secure(ok);
    let target = server.address();
    let line = Arc::new(Mutex::new(String::new()));
    let asked = Arc::clone(&line);
    let proxy = listening(move |mut socket| {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            socket.read_exact(&mut byte).unwrap();
            head.push(byte[0]);
        }
        *asked.lock().unwrap() = String::from_utf8(head).unwrap();
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
    holds!(seen.starts_with("connect wx.qq.com:443 http/1.1\r\n"), "the proxy received {seen}");
    holds!(!seen.contains("query") && !seen.contains("user-agent"), "the proxy received {seen}");
    Ok(())
}
