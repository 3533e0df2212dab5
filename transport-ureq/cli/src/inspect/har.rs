//! Reading of HAR files (HTTP Archive 1.1 to 1.3), as browsers and proxies write them.
//!
//! The document remains a JSON value: writers omit fields and add their own, and a copy keeps
//! everything that is not masked.

use std::io::Read as _;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use flate2::read::{GzDecoder, ZlibDecoder};
use serde_json::Value;
use wechat_proto::bytes::Bytes;

/// A request and its response.
#[derive(Clone, Debug, Default)]
pub(crate) struct Exchange {
    /// The time of the request in ISO 8601, as the capture has it.
    pub(super) started: String,
    /// The duration in milliseconds.
    pub(super) millis: Option<f64>,
    pub(super) method: String,
    pub(super) url: String,
    pub(super) request_body: Bytes,
    /// The status of the response; 0 if there is none.
    pub(super) status: u16,
    /// The reason for a missing response, as the recording program states it.
    pub(super) failure: String,
    pub(super) response_headers: Vec<(String, String)>,
    pub(super) response_body: Body,
}

/// The body of a response.
#[derive(Clone, Debug)]
pub(crate) enum Body {
    Known(Bytes),
    /// Missing for this reason.
    Missing(&'static str),
}

impl Default for Body {
    fn default() -> Self {
        Self::Known(Bytes::new())
    }
}

/// The maximum size of an unpacked body, in bytes.
const LONGEST: u64 = 64 << 20;

/// Returns the entries of a HAR document, or the reason why it is not one.
pub(crate) fn entries(document: &Value) -> Result<&Vec<Value>, &'static str> {
    let log = document.get("log").filter(|log| log.is_object()).ok_or("it has no `log`")?;
    let entries = log.get("entries").ok_or("its `log` has no `entries`")?;
    entries.as_array().ok_or("its `log.entries` is not a list")
}

impl Exchange {
    /// Reads an entry. Fails with the name of a field that is missing or malformed.
    pub(crate) fn read(entry: &Value) -> Result<Self, &'static str> {
        let text = |path: &str| entry.pointer(path).and_then(Value::as_str).unwrap_or_default();
        let url = text("/request/url");
        if url.is_empty() {
            return Err("request.url");
        }
        let status = entry.pointer("/response/status").and_then(Value::as_u64).unwrap_or(0);
        Ok(Self {
            started: text("/startedDateTime").to_owned(),
            millis: entry.get("time").and_then(Value::as_f64).filter(|time| *time >= 0.0),
            method: text("/request/method").to_owned(),
            url: url.to_owned(),
            request_body: request_body(&entry["request"]["postData"]),
            status: u16::try_from(status).map_err(|_| "response.status")?,
            failure: text("/response/_error").to_owned(),
            response_headers: pairs(&entry["response"]["headers"]),
            response_body: response_body(&entry["response"]),
        })
    }

    /// Returns the parts of the URL: host with port, path, query.
    pub(crate) fn url_parts(&self) -> (&str, &str, &str) {
        let rest = self.url.split_once("://").map_or(&*self.url, |(_, rest)| rest);
        let rest = rest.split('#').next().unwrap_or_default();
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        (host.rsplit('@').next().unwrap_or_default(), path, query)
    }

    /// Returns the name of the endpoint if the call is of the protocol: the last segment of the
    /// path, `jslogin`, or `qrcode`.
    pub(crate) fn endpoint(&self) -> Option<&str> {
        let (_, path, _) = self.url_parts();
        match path.strip_prefix("/cgi-bin/mmwebwx-bin/") {
            Some(name) => Some(name.trim_matches('/')).filter(|name| !name.is_empty()),
            None if path == "/jslogin" => Some("jslogin"),
            None => path.starts_with("/qrcode/").then_some("qrcode"),
        }
    }
}

/// Returns the values of a list of objects with `name` and `value`.
pub(super) fn pairs(list: &Value) -> Vec<(String, String)> {
    let pair = |pair: &Value| {
        Some((pair.get("name")?.as_str()?.to_owned(), pair.get("value")?.as_str()?.to_owned()))
    };
    list.as_array().into_iter().flatten().filter_map(pair).collect()
}

fn request_body(data: &Value) -> Bytes {
    let text = data["text"].as_str().unwrap_or_default();
    if data["encoding"] == "base64" {
        return from_base64(text).unwrap_or_default().into();
    }
    if !text.is_empty() {
        return Bytes::copy_from_slice(text.as_bytes());
    }
    // Firefox lists the fields of a form that was not sent as text.
    let fields = pairs(&data["params"]).into_iter().map(|(name, value)| {
        format!("--\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
    });
    fields.collect::<String>().into()
}

fn response_body(response: &Value) -> Body {
    let content = &response["content"];
    let size = content["size"].as_i64().unwrap_or(0);
    let Some(text) = content["text"].as_str() else {
        let has_body = size > 0 || response["bodySize"].as_i64().unwrap_or(0) > 0;
        return match has_body {
            true => Body::Missing("the capture does not contain it"),
            false => Body::default(),
        };
    };
    let bytes = match content["encoding"].as_str() {
        Some("base64") => match from_base64(text) {
            Some(bytes) => bytes,
            None => return Body::Missing("its Base64 is malformed"),
        },
        Some(other) if !other.is_empty() => return Body::Missing("its encoding is unknown"),
        _ => text.as_bytes().to_owned(),
    };
    let codings = pairs(&response["headers"]);
    let is_packed = codings.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-encoding"));
    match unpacked(bytes, is_packed) {
        Some(bytes) => Body::Known(bytes.into()),
        None => Body::Missing("it is compressed and malformed"),
    }
}

/// Decodes Base64, which some writers break into lines.
pub(super) fn from_base64(text: &str) -> Option<Vec<u8>> {
    let text: String = text.split_ascii_whitespace().collect();
    BASE64_STANDARD.decode(text).ok()
}

/// Returns a body without gzip, or zlib, which proxies leave in place. `None` if it is malformed or
/// too long.
pub(super) fn unpacked(bytes: Vec<u8>, is_packed: bool) -> Option<Vec<u8>> {
    let mut unpacked = Vec::new();
    let read = if bytes.starts_with(&[0x1f, 0x8b]) {
        GzDecoder::new(&*bytes).take(LONGEST + 1).read_to_end(&mut unpacked)
    } else if is_packed && bytes.first() == Some(&0x78) {
        ZlibDecoder::new(&*bytes).take(LONGEST + 1).read_to_end(&mut unpacked)
    } else {
        return Some(bytes);
    };
    (read.is_ok() && unpacked.len() as u64 <= LONGEST).then_some(unpacked)
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use flate2::write::GzEncoder;
    use serde_json::json;

    use super::*;

    fn body(content: Value) -> Body {
        let entry = json!({
            "request": { "url": "https://wx.qq.com/x" },
            "response": { "status": 200, "headers": [], "content": content },
        });
        Exchange::read(&entry).unwrap().response_body
    }

    fn known(content: Value) -> Bytes {
        match body(content) {
            Body::Known(bytes) => bytes,
            Body::Missing(reason) => panic!("{reason}"),
        }
    }

    #[test]
    fn bodies_are_decoded() {
        let mut gzip = GzEncoder::new(Vec::new(), flate2::Compression::default());
        gzip.write_all("你好".as_bytes()).unwrap();
        let gzip = gzip.finish().unwrap();
        assert_eq!(known(json!({ "text": "hi", "size": 2 })), "hi");
        assert_eq!(known(json!({ "text": "aG\nk=", "encoding": "base64" })), "hi");
        let text = BASE64_STANDARD.encode(&gzip);
        assert_eq!(known(json!({ "text": text, "encoding": "base64" })), "你好");
        assert_eq!(known(json!({ "size": 0 })), "");
        let cut = BASE64_STANDARD.encode(&gzip[..gzip.len() - 9]);
        for (content, missing) in [
            (json!({ "size": 7 }), "the capture does not contain it"),
            (json!({ "text": "?", "encoding": "base64" }), "its Base64 is malformed"),
            (json!({ "text": "?", "encoding": "rot13" }), "its encoding is unknown"),
            (json!({ "text": cut, "encoding": "base64" }), "it is compressed and malformed"),
        ] {
            let Body::Missing(reason) = body(content) else { panic!("{missing}") };
            assert_eq!(reason, missing);
        }
    }

    #[test]
    fn calls_of_the_protocol_are_recognised_by_their_path() {
        for (url, endpoint) in [
            ("https://wx.qq.com/cgi-bin/mmwebwx-bin/webwxinit?r=1", Some("webwxinit")),
            ("http://127.0.0.1:7382/cgi-bin/mmwebwx-bin/login?x#y", Some("login")),
            ("https://login.wx.qq.com/jslogin?appid=x", Some("jslogin")),
            ("https://login.weixin.qq.com/qrcode/Abc==", Some("qrcode")),
            ("https://a.example/cgi-bin/mmwebwx-bin/", None),
            ("https://a.example/?next=/cgi-bin/mmwebwx-bin/webwxinit", None),
            ("https://wx.qq.com/", None),
        ] {
            let exchange = Exchange { url: url.into(), ..Exchange::default() };
            assert_eq!(exchange.endpoint(), endpoint, "{url}");
        }
        let url = "https://user:password@a.example:1/b?c?d#e".into();
        let exchange = Exchange { url, ..Exchange::default() };
        assert_eq!(exchange.url_parts(), ("a.example:1", "/b", "c?d"));
    }
}
