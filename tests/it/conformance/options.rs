//! Options of both adapters: proxies and the stages of failures.

use std::error::Error as _;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use wechat_proto::Error;
use wechat_proto::error::{Chain, FailureKind, Sent};
use wechat_proto::flow::Want;
use wechat_simulator::conformance::{Act, Script, nobody, session};

use super::host::{Client, Host, Settings, settings};
use super::{conform, request};

conform! {
    invalid_proxy_is_refused,
    user_and_password_are_sent_only_to_the_proxy,
    proxy_failures_have_kind_and_status,
    proxy_with_ipv6_address_is_used,
    extreme_limits_are_clamped,
    failed_stages_keep_their_sources,
    socks_proxy_is_used,
    completed_exchanges_are_traced,
}

fn through(host: &dyn Host, proxy: &str) -> Result<Box<dyn Client>, Error> {
    host.open(session(), Settings::default().proxy(proxy))
}

fn page(uri: &str) -> wechat_proto::flow::Request {
    let host = uri.parse::<http::Uri>().unwrap().authority().unwrap().to_string();
    let http = http::Request::get(uri).header("host", host);
    request(http.body(wechat_proto::Body::empty()).unwrap())
}

fn invalid_proxy_is_refused(host: &dyn Host) {
    for url in
        ["", "https://127.0.0.1:1", "socks4://127.0.0.1:1", "http://:1", "a b", "127.0.0.1:0"]
    {
        match through(host, url).map(drop) {
            Err(Error::Transport(failure)) => {
                assert_eq!((failure.kind, failure.sent), (FailureKind::Proxy, Sent::No));
                assert!(failure.source().unwrap().to_string().starts_with("expected [http"));
            }
            other => panic!("{url}: {other:?}"),
        }
    }
}

fn user_and_password_are_sent_only_to_the_proxy(host: &dyn Host) {
    let proxy = Script::new(|arrived| {
        let head = match arrived.line.starts_with("CONNECT ") {
            true => "HTTP/1.1 200 OK\r\n\r\n",
            false => "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n",
        };
        vec![Act::Send(head.into())]
    });
    let place = format!("us%40er:pass%3Aword@{}", proxy.address());
    for (number, url) in [place.clone(), format!("http://{place}")].into_iter().enumerate() {
        let client = through(host, &url).unwrap();
        client.ask(page("http://wx.qq.com/")).unwrap();
        let requests = proxy.requests();
        let sent: Vec<_> = requests[2 * number..]
            .iter()
            .map(|arrived| (arrived.line.as_str(), arrived.header("proxy-authorization")))
            .collect();
        let credentials = "Basic dXNAZXI6cGFzczp3b3Jk";
        assert_eq!(
            sent,
            [("CONNECT wx.qq.com:80 HTTP/1.1", vec![credentials]), ("GET / HTTP/1.1", vec![])]
        );
    }
}

fn proxy_failures_have_kind_and_status(host: &dyn Host) {
    const PAGE: &str =
        "content-type: text/html\r\ncontent-length: 27\r\n\r\n<html>Please log in.</html>";
    let (page_at_once, head) = (format!("HTTP/1.1 200 OK\r\n{PAGE}"), "HTTP/1.1 200 OK\r\n\r\n");
    let many = format!("HTTP/1.1 403 No\r\n{}\r\n", "a: b\r\n".repeat(30));
    let send = |text: &str| Act::Send(text.into());
    let pause = || Act::Pause(Duration::from_millis(100));
    for (label, acts, kind, status) in [
        (
            "authorization",
            vec![send("HTTP/1.1 407 Secret\r\ncontent-length: 0\r\n\r\n")],
            FailureKind::ProxyAuthorization,
            "status 407",
        ),
        ("unavailable", vec![send("HTTP/1.1 503 No\r\n\r\n")], FailureKind::Proxy, "status 503"),
        (
            "redirect to a captive page",
            vec![send(&format!("HTTP/1.1 302 Found\r\nlocation: http://login/\r\n{PAGE}"))],
            FailureKind::Proxy,
            "status 302",
        ),
        ("captive page", vec![send(&page_at_once)], FailureKind::Proxy, ""),
        (
            "captive page after the head",
            vec![send(head), pause(), send("<html>"), Act::Close],
            FailureKind::Proxy,
            "",
        ),
        ("closed tunnel", vec![send(head), pause(), Act::Close], FailureKind::Proxy, ""),
        ("closed", vec![Act::Close], FailureKind::Proxy, ""),
        ("closed in the head", vec![send("HTTP/1.1 20"), Act::Close], FailureKind::Proxy, ""),
        ("another protocol", vec![send("SSH-2.0-x\r\n\r\n"), Act::Silence], FailureKind::Proxy, ""),
        ("many headers", vec![send(&many)], FailureKind::Proxy, ""),
        ("silence", vec![Act::Silence], FailureKind::Timeout, ""),
    ] {
        let proxy = Script::new(move |_| acts.clone());
        let url = format!("http://user:Secret@{}", proxy.address());
        let options = Settings::default().proxy(url).connect_timeout(Duration::from_secs(2));
        assert!(!format!("{options:?}").contains("Secret"), "{options:?}");
        let client = host.open(session(), options).unwrap();
        let failure = client.ask(page("https://wx.qq.com/")).unwrap_err();
        assert_eq!((failure.kind, failure.sent), (kind, Sent::No), "{label}: {failure:?}");
        let text = format!(
            "{failure:?} {}",
            failure.source().map(ToString::to_string).unwrap_or_default()
        );
        assert!(text.contains(status) && !text.contains("Secret"), "{label}: {text}");
    }
    let failure = through(host, &nobody().to_string()).unwrap().ask(page("https://wx.qq.com/"));
    assert_eq!(failure.unwrap_err().kind, FailureKind::Proxy, "refused");
}

fn proxy_with_ipv6_address_is_used(host: &dyn Host) {
    // Not every machine has IPv6.
    let Ok(listener) = TcpListener::bind("[::1]:0") else { return };
    let address = listener.local_addr().unwrap();
    let proxy = thread::spawn(move || answered(&listener, &[b"HTTP/1.1 503 No\r\n\r\n"]));
    let failure = through(host, &address.to_string()).unwrap().ask(page("https://[::2]/"));
    assert_eq!(failure.unwrap_err().kind, FailureKind::Proxy);
    let sent = String::from_utf8(proxy.join().unwrap().concat()).unwrap();
    assert!(sent.starts_with("CONNECT [::2]:443 HTTP/1.1\r\n"), "{sent}");
}

/// Accepts a connection, and sends each answer after reading a message. Returns the messages: an
/// HTTP head up to its empty line, or the bytes that a SOCKS client writes at once.
fn answered(listener: &TcpListener, answers: &[&[u8]]) -> Vec<Vec<u8>> {
    let mut socket = listener.accept().unwrap().0;
    let answer = |answer: &&[u8]| {
        let mut bytes: Vec<u8> = Vec::new();
        while bytes.is_empty() || bytes[0].is_ascii_uppercase() && !bytes.ends_with(b"\r\n\r\n") {
            let mut piece = [0; 1024];
            let length = socket.read(&mut piece).unwrap();
            assert_ne!(length, 0, "{bytes:?}");
            bytes.extend(&piece[..length]);
        }
        socket.write_all(answer).unwrap();
        bytes
    };
    answers.iter().map(answer).collect()
}

fn socks_proxy_is_used(host: &dyn Host) {
    const HTTP: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
    const OPEN: &[u8] = &[5, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    let target = b"\x05\x01\0\x03\x09wx.qq.com\0\x50".as_slice();
    let login = b"\x01\x05us@er\x09pass:word".as_slice();
    type Row = (&'static str, &'static str, &'static [&'static [u8]], Result<(), FailureKind>);
    let rows: [Row; 6] = [
        ("no user", "", &[&[5, 0], OPEN, HTTP], Ok(())),
        ("a user", "us%40er:pass%3Aword@", &[&[5, 2], &[1, 0], OPEN, HTTP], Ok(())),
        ("wrong password", "a:b@", &[&[5, 2], &[1, 1]], Err(FailureKind::ProxyAuthorization)),
        ("no password", "", &[&[5, 255]], Err(FailureKind::ProxyAuthorization)),
        ("unreachable", "", &[&[5, 0], &[5, 4, 0, 1, 0, 0, 0, 0, 0, 0]], Err(FailureKind::Proxy)),
        ("another protocol", "", &[b"HTTP/1.1 400 No\r\n\r\n"], Err(FailureKind::Proxy)),
    ];
    for (label, user, answers, expected) in rows {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("socks5://{user}{}", listener.local_addr().unwrap());
        let proxy = thread::spawn(move || answered(&listener, answers));
        let client = through(host, &url).unwrap();
        let result = client.ask(page("http://wx.qq.com/"));
        let failed = result.map(drop).map_err(|failure| (failure.kind, failure.sent));
        assert_eq!(failed, expected.map_err(|kind| (kind, Sent::No)), "{label}");
        let sent = proxy.join().unwrap();
        assert!(expected.is_err() || sent.iter().any(|sent| sent == target), "{label}: {sent:?}");
        assert!(label != "a user" || sent[1] == login, "{label}: {sent:?}");
    }
}

fn completed_exchanges_are_traced(host: &dyn Host) {
    let server =
        Script::new(|_| vec![Act::Send("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok".into())]);
    let seen: Arc<Mutex<Vec<String>>> = Arc::default();
    let seen_by_trace = Arc::clone(&seen);
    let options = settings().trace(move |exchange| {
        let result = exchange.result.map(|reply| reply.body().clone());
        let line =
            format!("{} {:?}", exchange.request.uri(), result.map_err(|failure| failure.kind));
        seen_by_trace.lock().unwrap().push(line);
    });
    let client = host.open(session(), options).unwrap();
    let answered = format!("http://{}/a?b=c", server.address());
    client.ask(page(&answered)).unwrap();
    client.ask(page("http://wx.qq.com/")).unwrap_err();
    let expected = [format!("{answered} Ok(b\"ok\")"), "http://wx.qq.com/ Err(Resolve)".into()];
    assert_eq!(*seen.lock().unwrap(), expected);
}

fn failed_stages_keep_their_sources(host: &dyn Host) {
    let refused = "http://127.0.0.1:1/";
    let direct = host.open(session(), settings()).unwrap();
    let proxied = through(host, "http://user:secret@127.0.0.1:1").unwrap();
    for (client, uri, kind, cause) in [
        (&direct, refused, FailureKind::Connect, "127.0.0.1:1: Connection refused"),
        (
            &direct,
            "http://wx.qq.com/",
            FailureKind::Resolve,
            "wx.qq.com:80: name lookups are disabled",
        ),
        (&proxied, refused, FailureKind::Proxy, "127.0.0.1:1: Connection refused"),
    ] {
        let failure = client.ask(page(uri)).unwrap_err();
        assert_eq!((failure.kind, failure.sent), (kind, Sent::No), "{failure:?}");
        let text = Chain(&failure).to_string();
        assert!(text.contains(&format!(": {cause}")), "{text}");
        assert!(!format!("{failure:?}").contains("secret"), "{failure:?}");
    }
}

fn extreme_limits_are_clamped(host: &dyn Host) {
    let server = Script::replying("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
    for limit in [Duration::MAX, Duration::from_secs(u64::MAX / 1000)] {
        let options = settings().connect_timeout(limit).deadline_cap(limit);
        let client = host.open(session(), options).unwrap();
        let mut request = super::get(&server);
        (request.deadline, request.want) = (limit, Want::Whole { limit: usize::MAX });
        assert_eq!(client.ask(request.clone()).unwrap().body(), "ok", "{limit:?}");
        request.want = Want::Head { idle: limit };
        let copied = client.copy(request, u64::MAX, usize::MAX);
        assert_eq!(copied.result.unwrap(), 2, "{limit:?}");
    }
    let client = host
        .open(session(), settings().connect_timeout(Duration::ZERO).deadline_cap(Duration::ZERO));
    let failure = client.unwrap().ask(super::get(&Script::mute())).unwrap_err();
    assert_eq!(failure.kind, FailureKind::Timeout);
}
