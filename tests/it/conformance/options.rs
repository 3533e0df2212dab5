//! Options of both adapters: proxies and the stages of failures.

use std::error::Error as _;

use wechat_proto::Error;
use wechat_proto::error::{FailureKind, Sent};
use wechat_simulator::conformance::{Act, Script, session};

use super::host::{Client, Host, Settings, settings};
use super::{conform, request};

conform! {
    invalid_proxy_is_refused,
    user_and_password_are_sent_only_to_the_proxy,
    failed_stages_keep_their_sources,
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
        ["", "127.0.0.1:1", "https://127.0.0.1:1", "socks5://127.0.0.1:1", "http://:1", "a b"]
    {
        match through(host, url).map(drop) {
            Err(Error::Transport(failure)) => {
                assert_eq!((failure.kind, failure.sent), (FailureKind::Proxy, Sent::No));
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
    let url = format!("http://us%40er:pass%3Aword@{}", proxy.address());
    through(host, &url).unwrap().ask(page("http://wx.qq.com/")).unwrap();
    let requests = proxy.requests();
    let sent: Vec<_> = requests
        .iter()
        .map(|arrived| (arrived.line.as_str(), arrived.header("proxy-authorization")))
        .collect();
    let credentials = "Basic dXNAZXI6cGFzczp3b3Jk";
    assert_eq!(
        sent,
        [("CONNECT wx.qq.com:80 HTTP/1.1", vec![credentials]), ("GET / HTTP/1.1", vec![])]
    );
}

fn failed_stages_keep_their_sources(host: &dyn Host) {
    let refused = "http://127.0.0.1:1/";
    let direct = host.open(session(), settings()).unwrap();
    let proxied = through(host, "http://user:secret@127.0.0.1:1").unwrap();
    for (client, uri, kind, has_source) in [
        (&direct, refused, FailureKind::Connect, true),
        (&direct, "http://wx.qq.com/", FailureKind::Resolve, false),
        (&proxied, refused, FailureKind::Proxy, true),
    ] {
        let failure = client.ask(page(uri)).unwrap_err();
        assert_eq!((failure.kind, failure.sent), (kind, Sent::No), "{failure:?}");
        assert_eq!(failure.source().is_some(), has_source, "{failure:?}");
        assert!(!format!("{failure:?}").contains("secret"), "{failure:?}");
    }
}
