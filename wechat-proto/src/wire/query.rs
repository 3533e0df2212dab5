//! Requests: URLs, headers and bodies as the official page sends them (`docs/protocol.md` §1.2,
//! §1.3).

use alloc::string::{String, ToString};
use core::fmt::{self, Write as _};

use bytes::Bytes;
use http::header::{
    ACCEPT, ACCEPT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HOST, HeaderName, HeaderValue, ORIGIN,
    RANGE, REFERER, USER_AGENT,
};
use http::{Method, Uri};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;

use crate::body::Body;
use crate::device::Device;
use crate::hosts::Role;

const APPID: HeaderName = HeaderName::from_static("mmweb_appid");

/// What `encodeURIComponent` leaves alone.
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

/// `text` as `encodeURIComponent` writes it.
pub(crate) fn encode(text: &str) -> impl fmt::Display + '_ {
    utf8_percent_encode(text, COMPONENT)
}

/// Whether `text` is what `encodeURIComponent` could have written, or a stricter encoder.
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

/// Encodes what is written to it.
struct Component<'a>(&'a mut String);

impl fmt::Write for Component<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.extend(utf8_percent_encode(text, COMPONENT));
        Ok(())
    }
}

/// What a page says it takes.
#[derive(Clone, Copy)]
pub(crate) enum Accept {
    /// For calls of the page's code.
    Json,
    /// For calls made by loading a script: `jslogin`, `login`, `synccheck`; also what a
    /// browser says where the page's code says nothing, as that of uploads does.
    Script,
    /// For pictures.
    Image,
    /// For voices and videos: what the browser of our `User-Agent` says for its players. (Others
    /// list the types that they play, which some have tried: `docs/protocol.md` §8.)
    Player,
    /// For files: a link that is followed as one to a page.
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

/// The address of a request in the making.
pub(crate) struct Url {
    text: String,
    separator: char,
    accept: Accept,
    /// Whether to ask for a range, of all bytes.
    ranged: bool,
}

impl Url {
    pub(crate) fn new(device: &Device, role: Role, path: &str) -> Self {
        // Most addresses are below this: credentials are long.
        let mut text = String::with_capacity(512);
        text.push_str(device.hosts.origin(role).as_str());
        text.push_str(path);
        Self { text, separator: '?', accept: Accept::Json, ranged: false }
    }

    /// The same address on a path that has its `?` already.
    pub(crate) const fn continued(mut self) -> Self {
        self.separator = '&';
        self
    }

    /// An address that the server gave and that is used to the letter: only additions are
    /// encoded.
    pub(crate) fn verbatim(text: &str) -> Self {
        Self { text: text.to_string(), separator: '&', accept: Accept::Json, ranged: false }
    }

    pub(crate) fn accept(mut self, accept: Accept) -> Self {
        self.accept = accept;
        self
    }

    /// Asks for a range, of all bytes: what a player does, and what `webwxgetvideo` has to have
    /// (`docs/protocol.md` §8).
    pub(crate) const fn ranged(mut self) -> Self {
        self.ranged = true;
        self
    }

    /// Adds a parameter whose value the service gave percent-encoded, to the letter. One that is
    /// not is encoded.
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
        // Cannot fail: a string grows.
        let _ = write!(Component(&mut self.text), "{value}");
        self
    }

    pub(crate) fn get(self, device: &Device) -> http::Request<Body> {
        self.finish(device, Method::GET, None)
    }

    /// A POST of JSON, in literal UTF-8: escapes would show in the receiver's chat.
    pub(crate) fn post_json(self, device: &Device, body: &impl Serialize) -> http::Request<Body> {
        let body = serde_json::to_vec(body).expect("our own bodies have no maps with odd keys");
        let kind = HeaderValue::from_static("application/json;charset=UTF-8");
        self.finish(device, Method::POST, Some((kind, body.into())))
    }

    /// A POST of a form whose text is already encoded.
    pub(crate) fn post_form(self, device: &Device, form: String) -> http::Request<Body> {
        let kind = HeaderValue::from_static("application/x-www-form-urlencoded");
        self.finish(device, Method::POST, Some((kind, form.into())))
    }

    /// A POST of a form in parts.
    pub(crate) fn post_parts(
        self,
        device: &Device,
        boundary: &str,
        body: Body,
    ) -> http::Request<Body> {
        let mut kind = String::from("multipart/form-data; boundary=");
        kind.push_str(boundary);
        let kind = HeaderValue::from_str(&kind).expect("a boundary is visible ASCII");
        self.finish(device, Method::POST, Some((kind, body)))
    }

    fn finish(
        self,
        device: &Device,
        method: Method,
        body: Option<(HeaderValue, Body)>,
    ) -> http::Request<Body> {
        let uri = Uri::from_maybe_shared(Bytes::from(self.text));
        let uri = uri.expect("made of an origin and encoded parts");
        let visible = |text: &str| HeaderValue::from_str(text).expect("hosts are visible ASCII");
        let page = device.hosts.origin(Role::Api).as_str();
        let mut referer = page.to_string();
        referer.push_str("/?lang=");
        referer.push_str(device.lang.as_str());

        let mut request = http::Request::new(Body::empty());
        let headers = request.headers_mut();
        let mut set = |name: HeaderName, value| headers.insert(name, value);
        set(HOST, visible(uri.authority().map_or("", http::uri::Authority::as_str)));
        set(USER_AGENT, device.user_agent());
        set(ACCEPT, HeaderValue::from_static(self.accept.value()));
        // Compressed replies defeat limits on their length, and some servers send what was not
        // asked for: `docs/threats.md` B1.
        set(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        set(REFERER, visible(&referer));
        if self.ranged {
            set(RANGE, HeaderValue::from_static("bytes=0-"));
        }
        if device.entry.is_file_helper() {
            // Of every call: `docs/protocol.md` §15.
            set(APPID, HeaderValue::from_static(device.entry.appid()));
        }
        if let Some((kind, body)) = body {
            set(ORIGIN, visible(page));
            set(CONTENT_TYPE, kind);
            set(CONTENT_LENGTH, HeaderValue::from(body.len()));
            *request.body_mut() = body;
        }
        *request.method_mut() = method;
        *request.uri_mut() = uri;
        request
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Any value comes back from the wire as it was, whatever it holds.
        #[test]
        fn values_decode_back(value in any::<String>()) {
            let device = Device::new();
            let request = Url::new(&device, Role::Api, "/x").with("a", &value).with("b", 1).get(&device);
            let query = request.uri().query().unwrap();
            let raw = query.strip_prefix("a=").unwrap().strip_suffix("&b=1").unwrap();
            prop_assert!(raw.bytes().all(|byte| byte.is_ascii_graphic() && !b"&=#+".contains(&byte)));
            let decoded = percent_encoding::percent_decode_str(raw).decode_utf8().unwrap();
            prop_assert_eq!(decoded, value);
        }

        /// A value that is encoded stays so; any other is encoded. Both stay in their place.
        #[test]
        fn encoded_values_stay(value in "(%[0-9a-fA-F]{0,2}|[a-z.&=+# 报]){0,12}") {
            let device = Device::new();
            let url = Url::new(&device, Role::Api, "/x").with_encoded("a", &value).with("b", 1);
            let request = url.get(&device);
            let query = request.uri().query().unwrap();
            let raw = query.strip_prefix("a=").unwrap().strip_suffix("&b=1").unwrap();
            prop_assert!(raw.bytes().all(|byte| byte.is_ascii_graphic() && !b"&=#+".contains(&byte)));
            let decoded = percent_encoding::percent_decode_str(raw).decode_utf8().ok();
            prop_assert!(raw == value || decoded.as_deref() == Some(&*value));
        }

        /// JSON stays literal: `docs/protocol.md` §1.3.
        #[test]
        fn json_is_literal(text in "[^\\x00-\\x1f\"\\\\]{0,40}") {
            let device = Device::new();
            let request = Url::new(&device, Role::Api, "/x").post_json(&device, &[&text]);
            let mut body = request.into_body();
            let length = body.len();
            let body = bytes::Buf::copy_to_bytes(&mut body, length);
            prop_assert_eq!(core::str::from_utf8(&body).unwrap(), alloc::format!("[\"{text}\"]"));
        }
    }

    /// `docs/protocol.md` §1.2: the ticket is encoded once more, the key's bar is `%7C`.
    #[test]
    fn encodes_once_more() {
        assert_eq!(encode("eOlWI%2FwIBMV").to_string(), "eOlWI%252FwIBMV");
        assert_eq!(encode("1_643606091|2_643606203").to_string(), "1_643606091%7C2_643606203");
        assert_eq!(encode("@crypt_cec4ff9f").to_string(), "%40crypt_cec4ff9f");
    }

    #[test]
    fn knows_what_is_encoded() {
        for encoded in ["", "a%2Epdf", "%e6%8A%a5(1).pdf"] {
            assert!(is_component(encoded), "{encoded}");
        }
        for plain in ["100%", "%2", "%zz", "a b", "a&b", "a=b", "a+b", "a#b", "报", "a/b", "@a"] {
            assert!(!is_component(plain), "{plain}");
        }
    }
}
