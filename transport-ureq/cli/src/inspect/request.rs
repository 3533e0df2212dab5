//! The parameters of requests, and the fields of their bodies.

use percent_encoding::percent_decode_str;
use serde_json::{Map, Value};

use super::har::Exchange;

/// The parameters and fields of a request.
#[derive(Clone, Debug, Default)]
pub(crate) struct Request {
    /// The parameters of the URL, decoded once.
    pub(super) query: Vec<(String, String)>,
    /// The fields of the body: a JSON object, or a form whose fields with JSON are objects.
    pub(super) body: Value,
}

impl Request {
    /// Reads the request of an exchange.
    pub(crate) fn of(exchange: &Exchange) -> Self {
        let (_, _, query) = exchange.url_parts();
        Self { query: form_pairs(query), body: body(&exchange.request_body) }
    }

    /// Returns a parameter of the URL (`?seq`) or a field of the body (`/Msg/ToUserName`).
    pub(crate) fn find(&self, place: &str) -> Option<Value> {
        match place.strip_prefix('?') {
            Some(name) => {
                let found = self.query.iter().find(|(found, _)| found.eq_ignore_ascii_case(name));
                found.map(|(_, value)| value.as_str().into())
            }
            None => self.body.pointer(place).cloned(),
        }
    }

    /// Returns the text of a parameter or a field; empty if there is none.
    pub(crate) fn text(&self, place: &str) -> String {
        match self.find(place) {
            Some(Value::String(text)) => text,
            Some(value @ (Value::Number(_) | Value::Bool(_))) => value.to_string(),
            _ => String::new(),
        }
    }
}

/// Returns the pairs of a query or a form, decoded.
pub(super) fn form_pairs(form: &str) -> Vec<(String, String)> {
    let decoded = |text| percent_decode_str(text).decode_utf8_lossy().into_owned();
    let pairs = form.split('&').filter(|pair| !pair.is_empty());
    let pairs = pairs.map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    pairs.map(|(name, value)| (decoded(name), decoded(value))).collect()
}

fn body(bytes: &[u8]) -> Value {
    if let Ok(value @ Value::Object(_)) = serde_json::from_slice(bytes) {
        return value;
    }
    if bytes.starts_with(b"--") {
        return multipart(bytes).into();
    }
    let text = String::from_utf8_lossy(bytes);
    match text.contains('=') {
        true => {
            let pairs = form_pairs(&text).into_iter().map(|(name, value)| (name, value.into()));
            Value::Object(pairs.collect())
        }
        false => Value::Null,
    }
}

/// Reads the fields of a form in several parts. The bytes of a file are left out.
fn multipart(bytes: &[u8]) -> Map<String, Value> {
    let end = bytes.windows(2).position(|pair| pair == b"\r\n").unwrap_or(bytes.len());
    let boundary = &bytes[..end];
    let (mut fields, mut rest) = (Map::new(), &bytes[end..]);
    while let Some(end) = rest.windows(boundary.len()).position(|window| window == boundary) {
        let (part, after) = (&rest[..end], &rest[end + boundary.len()..]);
        rest = after;
        let Some(head_end) = part.windows(4).position(|window| window == b"\r\n\r\n") else {
            continue;
        };
        let head = String::from_utf8_lossy(&part[..head_end]);
        let name = head.split_once(" name=\"").and_then(|(_, rest)| rest.split('"').next());
        if let Some(name) = name.filter(|_| !head.contains("filename=\"")) {
            let text = String::from_utf8_lossy(&part[head_end + 4..]);
            let text = text.strip_suffix("\r\n").unwrap_or(&text);
            let json = serde_json::from_str(text).ok().filter(Value::is_object);
            fields.insert(name.to_owned(), json.unwrap_or_else(|| text.into()));
        }
    }
    fields
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn request(url: &str, body: &'static str) -> Request {
        Request::of(&Exchange {
            url: url.into(),
            request_body: body.as_bytes().into(),
            ..Exchange::default()
        })
    }

    #[test]
    fn parameters_and_fields_are_read() {
        let read = request("https://a/b?seq=0&skey=%40crypt%252F&x", r#"{"Msg":{"Type":1}}"#);
        assert_eq!(read.text("?Seq"), "0");
        assert_eq!(read.text("?skey"), "@crypt%2F");
        assert_eq!(read.text("?x"), "");
        assert_eq!(read.text("/Msg/Type"), "1");
        assert_eq!(read.find("/Msg/To"), None);
        assert_eq!(request("/", "sid=a%2Bb&uin=7").body, json!({ "sid": "a+b", "uin": "7" }));
        assert_eq!(request("/", "nonsense").body, Value::Null);
    }

    #[test]
    fn form_in_parts_is_read_without_the_file() {
        let form = "--x\r\nContent-Disposition: form-data; name=\"name\"\r\n\r\na--b.pdf\r\n\
                    --x\r\nContent-Disposition: form-data; name=\"uploadmediarequest\"\r\n\r\n\
                    {\"TotalLen\":3}\r\n--x\r\nContent-Disposition: form-data; name=\"filename\"; \
                    filename=\"a.pdf\"\r\nContent-Type: application/pdf\r\n\r\nabc\r\n--x--\r\n";
        let read = request("/", form);
        let expected = json!({ "name": "a--b.pdf", "uploadmediarequest": { "TotalLen": 3 } });
        assert_eq!(read.body, expected);
        // The form is cut.
        assert_eq!(request("/", &form[..60]).body, json!({}));
    }
}
