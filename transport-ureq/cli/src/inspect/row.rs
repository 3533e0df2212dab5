//! The rows of a timeline: exchanges with masked secrets.

use std::fmt;

use serde::{Serialize, Serializer};
use serde_json::Value;
use wechat_proto::http;

use super::fields;
use super::har::{Body, Exchange};
use super::mask::{Masks, Style};
use super::meaning::Meaning;
use super::replies::meaning;
use super::request::Request;
use super::state::State;
use super::summary::{known, summary};
use crate::visible::visible;

/// An exchange of the protocol, ready to be shown. As JSON, it is the line of `--json`.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct Row {
    /// The time of the request in ISO 8601; empty if it is unknown.
    pub(super) started: String,
    /// The duration in milliseconds.
    pub(super) ms: Option<f64>,
    pub(super) method: String,
    pub(super) host: String,
    pub(super) endpoint: String,
    pub(super) status: u16,
    /// Labels and values, in the order of the request.
    #[serde(serialize_with = "as_object")]
    pub(super) request: Vec<(&'static str, String)>,
    /// The meaning of the reply; `null` if there is none.
    pub(super) reply: Value,
    /// The meaning of the reply as lines of text.
    pub(super) lines: Vec<String>,
    /// The reason why the reply has no meaning.
    pub(super) error: Option<String>,
    /// Fields that the protocol does not document.
    pub(super) unknown: Vec<String>,
}

/// The maximum length of a value of a request in a line, in characters. JSON has the complete value.
const LONGEST: usize = 120;

impl Row {
    /// Decodes an exchange of the protocol, and applies it to the state.
    pub(super) fn of(exchange: &Exchange, state: &mut State, masks: &mut Masks) -> Self {
        let endpoint = exchange.endpoint().unwrap_or_default();
        let request = Request::of(exchange);
        let parts = summary(endpoint, &request, state);
        let meaning = decoded(endpoint, exchange, &request, state);
        let (host, ..) = exchange.url_parts();
        let reply = match &exchange.response_body {
            Body::Known(bytes) => serde_json::from_slice::<Value>(bytes).ok(),
            Body::Missing(_) => None,
        };
        let row = Self {
            started: exchange.started.clone(),
            ms: exchange.millis,
            method: exchange.method.clone(),
            host: host.to_owned(),
            endpoint: endpoint.to_owned(),
            status: exchange.status,
            request: parts,
            unknown: fields::unknown(&request, reply.as_ref()),
            ..Self::default()
        };
        row.with(meaning, masks)
    }

    /// Returns the row of a single record: a message or a contact.
    pub(super) fn of_record(
        kind: &str,
        json: &str,
        meaning: Result<Meaning, String>,
        masks: &mut Masks,
    ) -> Self {
        let reply = serde_json::from_str::<Value>(json).ok();
        let unknown = fields::unknown(&Request::default(), reply.as_ref());
        Self { endpoint: kind.to_owned(), unknown, ..Self::default() }.with(meaning, masks)
    }

    /// Adds the meaning, and masks all secrets.
    fn with(mut self, meaning: Result<Meaning, String>, masks: &mut Masks) -> Self {
        match meaning {
            Ok(meaning) => (self.lines, self.reply) = (meaning.lines, meaning.json),
            Err(error) => self.error = Some(error),
        }
        let texts = [&mut self.started, &mut self.method, &mut self.host, &mut self.endpoint];
        let texts = texts.into_iter().chain(&mut self.lines).chain(&mut self.unknown);
        for text in texts.chain(&mut self.error) {
            *text = masks.text(text, Style::Shown);
        }
        for (label, value) in &mut self.request {
            *value = masks.named(label, value, Style::Shown);
        }
        masks.json(&mut self.reply);
        self
    }

    /// Returns the time of day of the request; the whole text if it has another form.
    pub(super) fn time(&self) -> &str {
        let time = self.started.split_once('T').map_or(&*self.started, |(_, time)| time);
        time.get(..12)
            .filter(|time| time.bytes().all(|b| b"0123456789:.".contains(&b)))
            .unwrap_or(time)
    }

    /// Returns the request as one line, with long values truncated.
    pub(super) fn request_line(&self) -> String {
        let parts = self.request.iter().map(|(label, value)| {
            let cut = value.char_indices().nth(LONGEST).map(|(at, _)| format!("{}…", &value[..at]));
            format!("{label} {}", cut.as_ref().unwrap_or(value))
        });
        parts.collect::<Vec<_>>().join(", ")
    }
}

/// Writes the row in several lines. Control characters of the capture are escaped, so that its texts
/// cannot look like further lines.
impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let head = [self.time(), &*self.method, &*self.endpoint].map(visible);
        let head: Vec<_> = head.into_iter().filter(|part| !part.is_empty()).collect();
        f.write_str(&head.join("  "))?;
        if !self.host.is_empty() {
            write!(f, "  {}  {}", visible(&self.host), self.status)?;
        }
        if let Some(ms) = self.ms {
            write!(f, "  {ms:.0} ms")?;
        }
        let mut part = |label: &str, text: &str| {
            if text.is_empty() { Ok(()) } else { write!(f, "\n    {label:<8} {}", visible(text)) }
        };
        part("request", &self.request_line())?;
        for (index, line) in self.lines.iter().enumerate() {
            part(if index == 0 { "reply" } else { "" }, line)?;
        }
        part("failed", self.error.as_deref().unwrap_or_default())?;
        part("unknown", &self.unknown.join(", "))
    }
}

fn as_object<S: Serializer>(
    parts: &[(&'static str, String)],
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_map(parts.iter().map(|(label, value)| (label, value)))
}

fn decoded(
    endpoint: &str,
    exchange: &Exchange,
    request: &Request,
    state: &mut State,
) -> Result<Meaning, String> {
    if exchange.status == 0 {
        let failure = match &*exchange.failure {
            "" => "cancelled, blocked or failed",
            failure => failure,
        };
        return Err(format!("no response in the capture: {failure}"));
    }
    let has_media = endpoint.starts_with("webwxget") && endpoint != "webwxgetcontact";
    let body = match &exchange.response_body {
        Body::Known(bytes) => bytes.clone(),
        // Pictures and files are known by their headers.
        Body::Missing(_) if has_media => Default::default(),
        Body::Missing(reason) => return Err(format!("no body: {reason}")),
    };
    let size = body.len();
    let response = response(exchange, body).ok_or("its status is not one of HTTP")?;
    match meaning(endpoint, request, &response, state) {
        Ok(Some(meaning)) => Ok(meaning),
        Err(error) if known(endpoint).is_some() => Err(error.to_string()),
        _ => Err(format!("an undocumented endpoint; its reply has {size} bytes")),
    }
}

/// Returns the response as a client would have received it: without codings, which the capture
/// has undone.
fn response(
    exchange: &Exchange,
    body: wechat_proto::bytes::Bytes,
) -> Option<http::Response<wechat_proto::bytes::Bytes>> {
    let mut response = http::Response::new(body);
    *response.status_mut() = http::StatusCode::from_u16(exchange.status).ok()?;
    for (name, value) in &exchange.response_headers {
        // Firefox joins several headers with line breaks.
        for value in value.lines() {
            let (name, value) = (http::HeaderName::try_from(name), value.parse());
            if let (Ok(name), Ok(value)) = (name, value)
                && !["content-encoding", "transfer-encoding", "content-length"]
                    .contains(&name.as_str())
            {
                response.headers_mut().append(name, value);
            }
        }
    }
    Some(response)
}
