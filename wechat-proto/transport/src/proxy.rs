//! URLs and failures of proxies.

use std::io;

use http::{StatusCode, Uri};
use wechat_proto::Error;
use wechat_proto::error::{Failure, FailureKind, Sent};

/// Returns the failure of an HTTP proxy that answers `CONNECT` with this status, which the source
/// states: [`FailureKind::ProxyAuthorization`] for 407, otherwise [`FailureKind::Proxy`].
pub fn refused_by_proxy(status: StatusCode) -> Failure {
    let kind = match status {
        StatusCode::PROXY_AUTHENTICATION_REQUIRED => FailureKind::ProxyAuthorization,
        _ => FailureKind::Proxy,
    };
    let source = format!("the proxy replied with status {}", status.as_u16());
    Failure::new(kind, Sent::No).because(io::Error::other(source))
}

/// Returns the URL of a proxy, with its scheme. The error does not quote the URL, which may contain a
/// password.
pub(crate) fn checked(url: &str) -> Result<String, Error> {
    let url = if url.contains("://") { url.to_owned() } else { format!("http://{url}") };
    if is_valid(&url) == Some(true) {
        return Ok(url);
    }
    let expected = "expected [http://|socks5://][user:password@]host[:port]";
    let failure = Failure::new(FailureKind::Proxy, Sent::No);
    Err(Error::Transport(failure.because(io::Error::other(expected))))
}

fn is_valid(url: &str) -> Option<bool> {
    let uri = url.parse::<Uri>().ok()?;
    let (authority, host) = (uri.authority()?.as_str(), uri.host()?);
    let (user, place) = authority.rsplit_once('@').unwrap_or(("", authority));
    let has_valid_port = place == host || uri.port_u16().is_some_and(|port| port > 0);
    let has_path = uri.path_and_query().is_some_and(|path| path != "/");
    let is_known = matches!(uri.scheme_str()?, "http" | "socks5");
    Some(is_known && !host.is_empty() && has_valid_port && !has_path && !user.contains('@'))
}

#[cfg(test)]
mod tests {
    use std::error::Error as _;

    use super::*;

    #[test]
    fn proxies_are_checked() {
        for (url, with_scheme) in [
            ("http://127.0.0.1:3128", "http://127.0.0.1:3128"),
            ("http://user:p%40ss@proxy.example/", "http://user:p%40ss@proxy.example/"),
            ("http://[::1]:1", "http://[::1]:1"),
            ("proxy.example:3128", "http://proxy.example:3128"),
            ("user:password@proxy.example", "http://user:password@proxy.example"),
            ("[::1]:65535", "http://[::1]:65535"),
            ("socks5://proxy.example", "socks5://proxy.example"),
        ] {
            assert_eq!(checked(url).unwrap(), with_scheme);
        }
        for url in [
            "", "a b", "::1:80", "https://a:1", "ftp://a", "http://:1", "http://a:0", "a:65536",
            "a:", "a:x", "a/path", "a?secret", "user@name:secret@a",
        ] {
            let Err(Error::Transport(failure)) = checked(url) else { panic!("{url}") };
            assert_eq!((failure.kind, failure.sent), (FailureKind::Proxy, Sent::No), "{url}");
            let text = failure.source().unwrap().to_string();
            assert_eq!(text, "expected [http://|socks5://][user:password@]host[:port]");
        }
    }
}
