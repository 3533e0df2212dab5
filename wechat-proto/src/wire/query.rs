//! Requests: URLs, headers and bodies in the form of the official page (`docs/protocol.md` §1.2,
//! §1.3).

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt::{self, Write as _};

use crate::hosts::Role;
use crate::wire::envelope::BaseRequest;
use crate::{Body, Device, Entry, Session, Timestamp};
use bytes::Bytes;
use http::header::{
    ACCEPT, ACCEPT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, COOKIE, HOST, HeaderName, HeaderValue,
    ORIGIN, RANGE, REFERER, USER_AGENT,
};
use http::uri::{self, Authority, PathAndQuery};
use http::{Method, Uri};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

const APPID: HeaderName = HeaderName::from_static("mmweb_appid");

/// The characters that `encodeURIComponent` encodes.
const COMPONENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'!')
    .remove(b'~')
    .remove(b'*')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')');

/// Encodes `text` like `encodeURIComponent`.
pub(crate) fn encode(text: &str) -> impl fmt::Display + '_ {
    utf8_percent_encode(text, COMPONENT)
}

/// Returns whether `text` could be the output of `encodeURIComponent` or of a stricter encoder.
fn is_component(text: &str) -> bool {
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        let legal = match byte {
            b'%' => [bytes.next(), bytes.next()]
                .iter()
                .all(|digit| digit.is_some_and(|digit| digit.is_ascii_hexdigit())),
            byte => byte.is_ascii_alphanumeric() || b"-_.!~*'()".contains(&byte),
        };
        if !legal {
            return false;
        }
    }
    true
}

/// A writer that encodes its input.
struct Component<'a>(&'a mut String);

impl fmt::Write for Component<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.extend(utf8_percent_encode(text, COMPONENT));
        Ok(())
    }
}

/// The `Accept` header of a request.
#[derive(Clone, Copy)]
pub(crate) enum Accept {
    /// The value for requests made by the page's code.
    Json,
    /// The value for requests made by loading a script: `jslogin`, `login`, `synccheck`. It is also
    /// the browser's default, for instance for uploads.
    Script,
    /// The value for pictures.
    Image,
    /// The value for voices and videos, which the browser of the default `User-Agent` sends for its
    /// players. (Other browsers list the types that they play: `docs/protocol.md` §8.)
    Player,
    /// The value for files, which the browser requests like a page.
    Page,
}

impl Accept {
    const fn value(self) -> &'static str {
        match self {
            Self::Json => "application/json, text/plain, */*",
            Self::Script | Self::Player => "*/*",
            Self::Image => "image/webp,image/apng,image/*,*/*;q=0.8",
            Self::Page => {
                "text/html,application/xhtml+xml,application/xml;q=0.9,image/webp,image/apng,*/*;q=0.8"
            }
        }
    }
}

/// A builder of requests, starting with the URL.
pub(crate) struct Url {
    /// Path and query; the whole URL if there is no role.
    text: String,
    role: Option<Role>,
    separator: char,
    accept: Accept,
    /// Whether to request a range of all bytes.
    ranged: bool,
}

impl Url {
    /// Starts a URL with a path on the host of a role.
    pub(crate) fn new(role: Role, path: &str) -> Self {
        // Most URLs are shorter than this, including their credentials.
        let mut text = String::with_capacity(512);
        text.push_str(path);
        Self { text, role: Some(role), separator: '?', accept: Accept::Json, ranged: false }
    }

    /// Starts the URL of an endpoint on the API host.
    pub(crate) fn api(name: &str) -> Self {
        let mut url = Self::new(Role::Api, "/cgi-bin/mmwebwx-bin/");
        url.text.push_str(name);
        url
    }

    /// Marks the path as already having a `?`.
    pub(crate) const fn continued(mut self) -> Self {
        self.separator = '&';
        self
    }

    /// Starts with a URL from the service, which is used unchanged: only additions are encoded.
    pub(crate) fn verbatim(text: &str) -> Self {
        let text = text.to_string();
        Self { text, role: None, separator: '&', accept: Accept::Json, ranged: false }
    }

    pub(crate) const fn accept(mut self, accept: Accept) -> Self {
        self.accept = accept;
        self
    }

    /// Requests a range of all bytes, as players do and `webwxgetvideo` requires
    /// (`docs/protocol.md` §8).
    pub(crate) const fn ranged(mut self) -> Self {
        self.ranged = true;
        self
    }

    /// Adds a parameter whose value from the service is percent-encoded, unchanged. A value that is
    /// not encoded is encoded.
    pub(crate) fn with_encoded(mut self, name: &str, value: &str) -> Self {
        if !is_component(value) {
            return self.with(name, value);
        }
        self = self.with(name, "");
        self.text.push_str(value);
        self
    }

    /// Adds a parameter.
    pub(crate) fn with(mut self, name: &str, value: impl fmt::Display) -> Self {
        self.text.push(self.separator);
        self.separator = '&';
        self.text.push_str(name);
        self.text.push('=');
        // Writing to a string cannot fail.
        let _ = write!(Component(&mut self.text), "{value}");
        self
    }

    /// Adds the `mmweb_appid` of the file-transfer page, whose players and pictures cannot send it as
    /// a header: `docs/protocol.md` §15.
    pub(crate) fn with_appid(self, entry: &Entry) -> Self {
        self.with_some("mmweb_appid", entry.is_file_helper().then(|| entry.appid()))
    }

    /// Adds a parameter, unless it has no value.
    pub(crate) fn with_some(self, name: &str, value: Option<impl fmt::Display>) -> Self {
        match value {
            Some(value) => self.with(name, value),
            None => self,
        }
    }

    /// Finishes a GET.
    pub(crate) fn get(mut self, device: &mut Device, now: Timestamp) -> http::Request<Body> {
        // Most of these wait for a long time.
        self.text.shrink_to_fit();
        self.finish(device, now, Method::GET, None)
    }

    /// Finishes a POST of JSON in literal UTF-8: escapes would be visible in the receiver's chat.
    pub(crate) fn post_json(
        self,
        device: &mut Device,
        now: Timestamp,
        body: Vec<u8>,
    ) -> http::Request<Body> {
        let kind = HeaderValue::from_static("application/json;charset=UTF-8");
        self.finish(device, now, Method::POST, Some((kind, body.into())))
    }

    /// Finishes a POST of JSON with a `BaseRequest` and a new `DeviceID`. `lang` and `pass_ticket`
    /// are the last parameters of its URL.
    pub(crate) fn post_base(
        self,
        session: &mut Session,
        now: Timestamp,
        body: impl FnOnce(&Session, BaseRequest<'_>) -> Vec<u8>,
    ) -> http::Request<Body> {
        let device_id = session.device_id();
        let body = body(session, session.base_request(&device_id));
        self.with("lang", session.device.lang.as_str())
            .with("pass_ticket", session.auth.pass_ticket.expose())
            .post_json(&mut session.device, now, body)
    }

    /// Finishes a POST of an encoded form.
    pub(crate) fn post_form(
        self,
        device: &mut Device,
        now: Timestamp,
        form: String,
    ) -> http::Request<Body> {
        let kind = HeaderValue::from_static("application/x-www-form-urlencoded");
        self.finish(device, now, Method::POST, Some((kind, form.into())))
    }

    /// Finishes a POST of a multipart form.
    pub(crate) fn post_parts(
        self,
        device: &mut Device,
        now: Timestamp,
        boundary: &str,
        body: Body,
    ) -> http::Request<Body> {
        let kind = ["multipart/form-data; boundary=", boundary].concat();
        let kind = HeaderValue::try_from(kind).expect("a boundary is visible ASCII");
        self.finish(device, now, Method::POST, Some((kind, body)))
    }

    fn finish(
        self,
        device: &mut Device,
        now: Timestamp,
        method: Method,
        body: Option<(HeaderValue, Body)>,
    ) -> http::Request<Body> {
        let mut request = http::Request::new(Body::empty());
        let constants = device.prepare();
        let expected = "an origin and encoded parts form a valid URI";
        let (uri, host) = match self.role {
            Some(role) => {
                let (scheme, authority, host) = constants.hosts.get(role);
                let path = PathAndQuery::from_maybe_shared(Bytes::from(self.text));
                let mut parts = uri::Parts::default();
                parts.scheme = Some(scheme.clone());
                parts.authority = Some(authority.clone());
                parts.path_and_query = Some(path.expect(expected));
                (Uri::from_parts(parts).expect(expected), host.clone())
            }
            None => {
                let uri = Uri::from_maybe_shared(Bytes::from(self.text)).expect(expected);
                let host = uri.authority().map_or("", Authority::as_str);
                let host = HeaderValue::from_str(host).expect("hosts are visible ASCII");
                (uri, host)
            }
        };
        let headers = request.headers_mut();
        // Exactly the usual number of each, because HTTP clients keep the map.
        headers.reserve(if body.is_some() { 12 } else { 6 });
        headers.insert(HOST, host);
        headers.insert(USER_AGENT, constants.user_agent.clone());
        headers.insert(ACCEPT, HeaderValue::from_static(self.accept.value()));
        // A part of a stream cannot be decoded.
        let coding = if self.ranged || device.uncompressed { "identity" } else { "gzip" };
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_static(coding));
        headers.insert(REFERER, constants.referer.clone());
        if self.ranged {
            headers.insert(RANGE, HeaderValue::from_static("bytes=0-"));
        }
        if device.entry.is_file_helper() {
            // Every request of the page has this header: `docs/protocol.md` §15.
            headers.insert(APPID, HeaderValue::from_static(device.entry.appid()));
        }
        if let Some((kind, body)) = body {
            headers.insert(ORIGIN, constants.origin.clone());
            headers.insert(CONTENT_TYPE, kind);
            headers.insert(CONTENT_LENGTH, HeaderValue::from(body.len()));
            *request.body_mut() = body;
        }
        if let Some(cookies) = device.cookies(&uri, now) {
            request.headers_mut().insert(COOKIE, cookies);
        }
        *request.method_mut() = method;
        *request.uri_mut() = uri;
        request
    }
}

#[cfg(test)]
#[path = "query_tests.rs"]
mod tests;
