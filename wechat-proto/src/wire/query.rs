//! Requests: URLs, headers and bodies as the official page sends them (`docs/protocol.md` §1.2,
//! §1.3).

use alloc::string::{String, ToString};
use core::fmt::{self, Write as _};

use bytes::Bytes;
use http::header::{
    ACCEPT, ACCEPT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HOST, HeaderName, HeaderValue, ORIGIN,
    REFERER, USER_AGENT,
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
    /// For calls made by loading a script: `jslogin`, `login`, `synccheck`.
    Script,
    /// For pictures.
    Image,
}

impl Accept {
    const fn value(self) -> &'static str {
        match self {
            Self::Json => "application/json, text/plain, */*",
            Self::Script => "*/*",
            Self::Image => "image/webp,image/apng,image/*,*/*;q=0.8",
        }
    }
}

/// The address of a request in the making.
pub(crate) struct Url {
    text: String,
    separator: char,
    accept: Accept,
}

impl Url {
    pub(crate) fn new(device: &Device, role: Role, path: &str) -> Self {
        // Most addresses are below this: credentials are long.
        let mut text = String::with_capacity(512);
        text.push_str(device.hosts.origin(role).as_str());
        text.push_str(path);
        Self { text, separator: '?', accept: Accept::Json }
    }

    /// An address that the server gave and that is used to the letter: only additions are
    /// encoded.
    pub(crate) fn verbatim(text: &str) -> Self {
        Self { text: text.to_string(), separator: '&', accept: Accept::Json }
    }

    pub(crate) fn accept(mut self, accept: Accept) -> Self {
        self.accept = accept;
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
        self.finish(device, Method::POST, Some(("application/json;charset=UTF-8", body.into())))
    }

    /// A POST of a form whose text is already encoded.
    pub(crate) fn post_form(self, device: &Device, form: String) -> http::Request<Body> {
        let form = ("application/x-www-form-urlencoded", form.into());
        self.finish(device, Method::POST, Some(form))
    }

    fn finish(
        self,
        device: &Device,
        method: Method,
        body: Option<(&'static str, Bytes)>,
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
        if device.entry.is_file_helper() {
            // Of every call: `docs/protocol.md` §15.
            set(APPID, HeaderValue::from_static(device.entry.appid()));
        }
        if let Some((kind, body)) = body {
            set(ORIGIN, visible(page));
            set(CONTENT_TYPE, HeaderValue::from_static(kind));
            set(CONTENT_LENGTH, HeaderValue::from(body.len()));
            *request.body_mut() = body.into();
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
}
