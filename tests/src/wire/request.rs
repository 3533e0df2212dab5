//! Decoding of requests.

use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};

use bytes::Bytes;
use http::{HeaderMap, Method, Request, header};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use serde::de::{Deserializer as _, MapAccess, Visitor};
use serde_json::value::RawValue;
use serde_json::{Deserializer, Value};

use crate::wire::multipart::{self, Part};

/// The maximum size of a request body in bytes, more than that of any upload.
pub(crate) const MOST: usize = 64 << 20;

/// The characters that JavaScript's `encodeURIComponent` escapes.
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

pub(crate) fn encode(text: &str) -> String {
    utf8_percent_encode(text, COMPONENT).to_string()
}

pub(crate) fn decode(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

/// The parts of forms that describe an upload.
pub(crate) const UPLOADS: [&str; 2] = ["uploadmediarequest", "UploadMediaParallelRequest"];

/// One `name=value` of a query or of a form.
#[derive(Clone, Debug)]
pub(crate) struct Param {
    pub(crate) name: String,
    /// The value as received.
    pub(crate) raw: String,
    /// The value, decoded once.
    pub(crate) value: String,
}

pub(crate) fn params(text: &str) -> Vec<Param> {
    text.split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (name, raw) = pair.split_once('=').unwrap_or((pair, ""));
            Param { name: name.to_owned(), raw: raw.to_owned(), value: decode(raw) }
        })
        .collect()
}

/// A decoded request.
#[derive(Debug)]
pub(crate) struct Decoded {
    pub(crate) method: Method,
    pub(crate) scheme: Option<String>,
    /// The authority of an absolute URI. Over a socket, only the header exists.
    pub(crate) authority: Option<String>,
    pub(crate) path: String,
    pub(crate) raw_query: String,
    pub(crate) query: Vec<Param>,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    /// The body, if it is JSON.
    pub(crate) json: Value,
    /// The body, if it is a multipart form; else a description of the fault.
    pub(crate) form: Result<Vec<Part>, String>,
    /// A hash that is equal for identical requests.
    pub(crate) fingerprint: u64,
}

impl Decoded {
    pub(crate) fn new(request: &Request<Bytes>) -> Self {
        let uri = request.uri();
        let raw_query = uri.query().unwrap_or_default().to_owned();
        let mut hasher = DefaultHasher::new();
        let kind = request.headers().get(header::CONTENT_TYPE);
        let kind = String::from_utf8_lossy(kind.map_or(&[][..], |kind| kind.as_bytes()));
        let form = match kind.starts_with("multipart/") {
            true => multipart::parts(&kind, request.body()),
            false => Err("is none".to_owned()),
        };
        let asked = form.iter().flatten().find(|part| UPLOADS.contains(&part.name.as_str()));
        let mut query = params(&raw_query);
        // Older clients post the parameters of this call as a form: docs/protocol.md §3.1.
        if uri.path() == "/jslogin" {
            query.extend(params(&String::from_utf8_lossy(request.body())));
        }
        (request.method().as_str(), uri.path()).hash(&mut hasher);
        match asked {
            // The pieces of an upload share a fingerprint: their query has a `random` of its own.
            Some(part) => common(&part.text()).hash(&mut hasher),
            None => (&raw_query, request.body()).hash(&mut hasher),
        }
        Self {
            method: request.method().clone(),
            scheme: uri.scheme_str().map(str::to_owned),
            authority: uri.authority().map(ToString::to_string),
            path: uri.path().to_owned(),
            query,
            raw_query,
            headers: request.headers().clone(),
            body: request.body().clone(),
            json: serde_json::from_slice(request.body()).unwrap_or_default(),
            form,
            fingerprint: hasher.finish(),
        }
    }

    /// Returns a header's only value, or the number of its values.
    pub(crate) fn header(&self, name: &str) -> Result<String, usize> {
        let mut values = self.headers.get_all(name).iter();
        match (values.next(), values.next()) {
            (Some(value), None) => Ok(String::from_utf8_lossy(value.as_bytes()).into_owned()),
            (None, _) => Err(0),
            _ => Err(2 + values.count()),
        }
    }

    pub(crate) fn host(&self) -> Option<String> {
        self.header("host").ok()
    }

    /// Returns a decoded query parameter; empty if absent.
    pub(crate) fn get(&self, name: &str) -> &str {
        let found = self.query.iter().find(|param| is_same(&param.name, name));
        found.map_or("", |param| param.value.as_str())
    }

    /// Returns a string of the JSON body by its pointer, or a number as text; empty if absent.
    pub(crate) fn text(&self, pointer: &str) -> String {
        match self.json.pointer(pointer) {
            Some(Value::String(text)) => text.clone(),
            Some(Value::Number(number)) => number.to_string(),
            _ => String::new(),
        }
    }

    /// Returns a whole number of the JSON body by its pointer, also one that is written as text; 0 if absent.
    pub(crate) fn number(&self, pointer: &str) -> i64 {
        self.text(pointer).parse().unwrap_or_default()
    }

    /// Returns the cookies of all `cookie` headers, as received.
    pub(crate) fn cookies(&self) -> Vec<(String, String)> {
        let mut cookies = Vec::new();
        for header in self.headers.get_all(header::COOKIE) {
            for pair in String::from_utf8_lossy(header.as_bytes()).split("; ") {
                let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
                cookies.push((name.to_owned(), value.to_owned()));
            }
        }
        cookies
    }
}

/// Returns whether two names are spellings of one parameter (docs/protocol.md §8).
pub(crate) fn is_same(name: &str, other: &str) -> bool {
    let is_spelt_variously =
        ["msgid", "username"].iter().any(|known| name.eq_ignore_ascii_case(known));
    name == other || is_spelt_variously && name.eq_ignore_ascii_case(other)
}

/// Returns the description of an upload without the fields that differ between its pieces, or may change.
pub(crate) fn common(text: &str) -> String {
    let mut request: Value = serde_json::from_str(text).unwrap_or_default();
    for name in ["Chunk", "UploadID", "Skey"] {
        let base = request.get_mut("BaseRequest").and_then(Value::as_object_mut);
        base.and_then(|base| base.remove(name));
        request.as_object_mut().and_then(|request| request.remove(name));
    }
    request.to_string()
}

/// Returns the keys and values of a JSON object in their written order, which `serde_json::Map` does not keep.
pub(crate) fn ordered(text: &str) -> Option<Vec<(String, Box<RawValue>)>> {
    struct InOrder;

    impl<'de> Visitor<'de> for InOrder {
        type Value = Vec<(String, Box<RawValue>)>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut fields = Vec::new();
            while let Some(field) = map.next_entry()? {
                fields.push(field);
            }
            Ok(fields)
        }
    }

    let mut reader = Deserializer::from_str(text);
    let fields = reader.deserialize_map(InOrder).ok()?;
    reader.end().ok()?;
    Some(fields)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn object_keeps_its_order() {
        let fields = ordered(r#" {"b":1,"a":{"z":[],"y":"x"},"b":2} "#).expect("an object");
        let names: Vec<_> = fields.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["b", "a", "b"]);
        assert_eq!(fields[1].1.get(), r#"{"z":[],"y":"x"}"#);
        assert!(ordered("[]").is_none());
        assert!(ordered("{} {}").is_none());
    }

    /// Otherwise, the `DeviceID` of an upload would count as reused after a change of the Skey or of `random`.
    #[test]
    fn pieces_of_an_upload_share_a_fingerprint() {
        let fingerprint = |random: &str, skey: &str, id: &str| {
            let asked = format!(
                r#"{{"BaseRequest":{{"Skey":"{skey}","DeviceID":"e1"}},"ClientMediaId":{id}}}"#
            );
            let part = "content-disposition: form-data; name=\"uploadmediarequest\"";
            let body = format!("--b\r\n{part}\r\n\r\n{asked}\r\n--b--\r\n");
            let request = Request::post(format!("https://file.wx.qq.com/x?random={random}"))
                .header("content-type", "multipart/form-data; boundary=b")
                .body(Bytes::from(body));
            Decoded::new(&request.unwrap()).fingerprint
        };
        assert_eq!(fingerprint("a", "@crypt_1", "1"), fingerprint("b", "@crypt_2", "1"));
        assert_ne!(fingerprint("a", "@crypt_1", "1"), fingerprint("a", "@crypt_1", "2"));
    }

    #[test]
    fn query_is_decoded_once() {
        let params = params("a=%252F&b&c=1=2&d=x+y");
        let values: Vec<_> = params.iter().map(|param| param.value.as_str()).collect();
        assert_eq!(values, ["%2F", "", "1=2", "x+y"]);
        assert_eq!(encode("a b+c/=@!'()*~%2F"), "a%20b%2Bc%2F%3D%40!'()*~%252F");
    }
}
