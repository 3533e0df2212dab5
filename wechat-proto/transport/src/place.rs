//! Errors that name a host or a file.

use std::error::Error;
use std::{fmt, io};

use http::Uri;

/// Returns the host of a URL, and its port or the default one of its scheme.
pub fn host_and_port(uri: &Uri) -> (&str, u16) {
    let default = match uri.scheme_str() {
        Some("https") => 443,
        // ureq's scheme of a proxy that resolves names ends with `h`.
        Some("socks5" | "socks5h") => 1080,
        _ => 80,
    };
    (uri.host().unwrap_or_default(), uri.port_u16().unwrap_or(default))
}

/// Returns an error that names the host and the port of a URL. The cause is its source.
pub fn at_host(uri: &Uri, cause: Option<io::Error>) -> io::Error {
    let (host, port) = host_and_port(uri);
    let place = format!("{host}:{port}");
    match cause {
        Some(cause) => at_place(place, cause),
        None => io::Error::other(place),
    }
}

/// Returns an error of the kind of its cause that names a place. The cause is its source.
pub(crate) fn at_place(place: impl fmt::Display, cause: io::Error) -> io::Error {
    io::Error::new(cause.kind(), Place { name: place.to_string(), cause })
}

/// An error at a place, such as a host or a file.
#[derive(Debug)]
struct Place {
    name: String,
    cause: io::Error,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

impl Error for Place {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.cause)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cause_is_the_source() {
        let cause = || io::Error::from_raw_os_error(111);
        let error = at_host(&Uri::from_static("https://wx.qq.com/"), Some(cause()));
        assert_eq!(error.to_string(), "wx.qq.com:443");
        assert_eq!(error.kind(), cause().kind());
        let source: Option<&io::Error> = error.source().and_then(|error| error.downcast_ref());
        assert_eq!(source.unwrap().raw_os_error(), Some(111));
    }
}
