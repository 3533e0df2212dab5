//! Errors that name a host or a file.

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

/// Returns an error that names the host and the port of a URL, followed by its cause.
pub fn at_host(uri: &Uri, cause: Option<io::Error>) -> io::Error {
    let (host, port) = host_and_port(uri);
    let place = format!("{host}:{port}");
    match cause {
        Some(cause) => at_place(place, cause),
        None => io::Error::other(place),
    }
}

/// Returns an error that names a place, followed by its cause, whose kind it has.
pub(crate) fn at_place(place: impl fmt::Display, cause: io::Error) -> io::Error {
    io::Error::new(cause.kind(), format!("{place}: {cause}"))
}
