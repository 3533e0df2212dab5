//! Replies in the layout of the service: a line break at every comma, one space after every colon.

use bytes::Bytes;
use http::{HeaderValue, Response, header};
use serde_json::Value;

use crate::wire::date;

/// The result of handling a request.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_enums, reason = "a request is either answered or held")]
pub enum Answer {
    /// An immediate reply.
    Reply(Response<Bytes>),
    /// A pending long poll: it is held, and answered with this reply when it times out.
    Hold(Response<Bytes>),
}

/// A JSON value of a reply.
#[derive(Clone, Debug)]
pub(crate) enum Node {
    Number(i128),
    Text(String),
    Object(Vec<(&'static str, Node)>),
    List(Vec<Node>),
}

impl From<&str> for Node {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<&String> for Node {
    fn from(text: &String) -> Self {
        Self::Text(text.clone())
    }
}

impl From<String> for Node {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<i64> for Node {
    fn from(number: i64) -> Self {
        Self::Number(number.into())
    }
}

impl From<u64> for Node {
    fn from(number: u64) -> Self {
        Self::Number(number.into())
    }
}

impl From<usize> for Node {
    fn from(number: usize) -> Self {
        Self::Number(number as i128)
    }
}

impl From<Vec<Node>> for Node {
    fn from(items: Vec<Node>) -> Self {
        Self::List(items)
    }
}

/// A JSON object that keeps the order of its keys.
#[derive(Clone, Debug, Default)]
pub(crate) struct Object(Vec<(&'static str, Node)>);

impl Object {
    pub(crate) const fn new() -> Self {
        Self(Vec::new())
    }

    /// Builds a reply that starts with its `BaseResponse`.
    pub(crate) fn answer(ret: i64, err_msg: &str) -> Self {
        Self::new().with("BaseResponse", Self::new().with("Ret", ret).with("ErrMsg", err_msg))
    }

    pub(crate) fn with(mut self, key: &'static str, value: impl Into<Node>) -> Self {
        self.0.push((key, value.into()));
        self
    }

    /// Adds the length of a list, and the list.
    pub(crate) fn with_list(
        self,
        count: &'static str,
        key: &'static str,
        items: Vec<Node>,
    ) -> Self {
        self.with(count, items.len()).with(key, items)
    }
}

impl From<Object> for Node {
    fn from(object: Object) -> Self {
        Self::Object(object.0)
    }
}

impl Node {
    pub(crate) fn write(&self, out: &mut String) {
        match self {
            Self::Number(number) => out.push_str(&number.to_string()),
            Self::Text(text) => out.push_str(&Value::from(&**text).to_string()),
            Self::List(items) => {
                out.push('[');
                for (index, item) in items.iter().enumerate() {
                    if index > 0 {
                        out.push_str("\n,");
                    }
                    item.write(out);
                }
                if !items.is_empty() {
                    out.push('\n');
                }
                out.push(']');
            }
            Self::Object(fields) => {
                out.push_str("{\n");
                for (index, (key, value)) in fields.iter().enumerate() {
                    if index > 0 {
                        // The service has a line break before a comma only after a bracket.
                        if out.ends_with(['}', ']']) {
                            out.push('\n');
                        }
                        out.push_str(",\n");
                    }
                    out.push('"');
                    out.push_str(key);
                    out.push_str("\": ");
                    value.write(out);
                }
                out.push_str("\n}");
            }
        }
    }
}

pub(crate) type Reply = Response<Bytes>;

/// Builds a reply of a status, content type and body, with `Date` and `Content-Length`.
pub(crate) fn plain(
    now: u64,
    status: u16,
    content_type: &'static str,
    body: impl Into<Bytes>,
) -> Reply {
    let body = body.into();
    let length = body.len();
    let mut reply = Response::new(body);
    *reply.status_mut() =
        http::StatusCode::from_u16(status).unwrap_or(http::StatusCode::BAD_REQUEST);
    let headers = reply.headers_mut();
    if let Ok(date) = HeaderValue::try_from(date::header(now)) {
        headers.insert(header::DATE, date);
    }
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache, must-revalidate"));
    reply
}

/// Builds a JSON reply: `text/plain` without a charset, and a space after the last bracket.
pub(crate) fn json(now: u64, object: Object) -> Reply {
    let mut text = String::new();
    Node::from(object).write(&mut text);
    text.push(' ');
    plain(now, 200, "text/plain", text)
}

/// Builds a login script.
pub(crate) fn script(now: u64, text: impl Into<Bytes>) -> Reply {
    plain(now, 200, "text/javascript", text)
}

/// Builds a page of the web server itself.
pub(crate) fn page(now: u64, status: u16, title: &str) -> Reply {
    page_with(now, status, title, "")
}

/// Builds the page for an invalid request, in the server's layout. The faults are listed below the title, so that the
/// reply alone explains the refusal.
pub(crate) fn complaint<'a>(now: u64, faults: impl Iterator<Item = &'a str>) -> Reply {
    let mut list = String::new();
    for fault in faults {
        let fault = fault.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        list.push_str(&format!("<p>{fault}</p>\r\n"));
    }
    page_with(now, 400, "400 Bad Request", &list)
}

fn page_with(now: u64, status: u16, title: &str, below: &str) -> Reply {
    let text = format!(
        "<html>\r\n<head><title>{title}</title></head>\r\n<body>\r\n<center><h1>{title}</h1></center>\r\n{below}</body>\r\n</html>\r\n"
    );
    plain(now, status, "text/html", text)
}

/// Adds a `Set-Cookie` header.
pub(crate) fn set_cookie(reply: &mut Reply, value: String) {
    if let Ok(value) = HeaderValue::try_from(value) {
        reply.headers_mut().append(header::SET_COOKIE, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_has_the_layout_of_the_service() {
        let reply = json(
            0,
            Object::answer(0, "")
                .with("Count", 2_i64)
                .with(
                    "List",
                    vec![
                        Object::new().with("Key", 1_i64).into(),
                        Object::new().with("Key", 2_i64).into(),
                    ],
                )
                .with("SKey", "a\"b"),
        );
        assert_eq!(
            reply.body(),
            "{\n\"BaseResponse\": {\n\"Ret\": 0,\n\"ErrMsg\": \"\"\n}\n,\n\"Count\": 2,\n\"List\": [{\n\"Key\": 1\n}\n,{\n\"Key\": 2\n}\n]\n,\n\"SKey\": \"a\\\"b\"\n} "
        );
        assert_eq!(reply.headers()[header::CONTENT_TYPE], "text/plain");
    }

    #[test]
    fn refusal_page_lists_the_faults() {
        let reply = complaint(0, ["header `accept` is missing", "`r` is `<1&2>`"].into_iter());
        assert_eq!(reply.status(), 400);
        assert_eq!(reply.headers()[header::CONTENT_TYPE], "text/html");
        assert_eq!(
            reply.body(),
            "<html>\r\n<head><title>400 Bad Request</title></head>\r\n<body>\r\n<center><h1>400 Bad Request</h1></center>\r\n<p>header `accept` is missing</p>\r\n<p>`r` is `&lt;1&amp;2&gt;`</p>\r\n</body>\r\n</html>\r\n"
        );
    }
}
