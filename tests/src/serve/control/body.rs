//! The JSON body of a request.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{FromRequest, Request};
use http::{StatusCode, header};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::answer::Failure;
use crate::serve::simulation::Simulation;

/// The maximum size of a request body in bytes: a file of 35 MB in Base64.
pub(super) const MOST: usize = 48 << 20;

/// A JSON object. Its errors name the field and the expected value.
#[derive(Debug)]
pub(crate) struct Body<T>(pub(crate) T);

impl<T: DeserializeOwned> FromRequest<Arc<Simulation>> for Body<T> {
    type Rejection = Failure;

    async fn from_request(request: Request, simulation: &Arc<Simulation>) -> Result<Self, Failure> {
        let kind = request.headers().get(header::CONTENT_TYPE);
        let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        let kind = kind.split(';').next().unwrap_or_default().trim();
        if !kind.eq_ignore_ascii_case("application/json") {
            let reason = format!("the header `Content-Type` is `{kind}`, not `application/json`");
            return Err(Failure::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, reason));
        }
        let bytes =
            Bytes::from_request(request, simulation).await.map_err(|error| match error {
                BytesRejection::FailedToBufferBody(error) if error.status() == 413 => Failure::new(
                    error.status(),
                    format!("the body has more than {} MiB", MOST >> 20),
                ),
                error => Failure::new(error.status(), error.body_text()),
            })?;
        parse(&bytes).map(Self)
    }
}

fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Failure> {
    let value: Value = serde_json::from_slice(bytes).map_err(|error| {
        Failure::new(StatusCode::BAD_REQUEST, format!("the body is not JSON: {error}"))
    })?;
    if !value.is_object() {
        let reason = "the body is not an object";
        return Err(Failure::new(StatusCode::UNPROCESSABLE_ENTITY, reason));
    }
    serde_path_to_error::deserialize(value).map_err(|error| {
        let path = error.path().to_string();
        let path = if path == "." { String::new() } else { path };
        let reason = plain(&error.inner().to_string());
        Failure { path, ..Failure::new(StatusCode::UNPROCESSABLE_ENTITY, reason) }
    })
}

/// Replaces the name of a Rust type in a reason.
pub(super) fn plain(reason: &str) -> String {
    let Some((found, expected)) = reason.rsplit_once(", expected ") else {
        return reason.to_owned();
    };
    let kind = match expected {
        "usize" | "u64" | "u32" => "a whole number that is not negative",
        "u16" => "a whole number from 0 to 65535",
        "u8" => "a whole number from 0 to 255",
        "i64" => "a whole number",
        "f64" => "a number",
        "a boolean" => "true or false",
        "a sequence" => "a list",
        "string or map" => "a text or an object",
        expected if expected.starts_with("struct ") => "an object",
        expected => expected,
    };
    format!("{found}, expected {kind}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::serve::content::NewMessage;
    use crate::serve::control::wait::Wait;

    #[test]
    fn error_names_the_field_and_what_was_expected() {
        type Parse = fn(&[u8]) -> Option<Failure>;
        let wait: Parse = |body| parse::<Wait>(body).err();
        let message: Parse = |body| parse::<NewMessage>(body).err();
        for (parse, body, path, error) in [
            (
                wait,
                r#"{"list": "sent", "field": 1}"#,
                "field",
                "unknown field `field`, expected one of `list`, `cursor`, `where`, `timeout_ms`",
            ),
            (wait, "{}", "", "missing field `list`"),
            (
                wait,
                r#"{"list": "sent", "cursor": "x"}"#,
                "cursor",
                "invalid type: string \"x\", expected a whole number that is not negative",
            ),
            (
                wait,
                r#"{"list": "sent", "cursor": -1}"#,
                "cursor",
                "invalid value: integer `-1`, expected a whole number that is not negative",
            ),
            (wait, r#"["sent"]"#, "", "the body is not an object"),
            (
                wait,
                "{\"list\":",
                "",
                "the body is not JSON: EOF while parsing a value at line 1 column 8",
            ),
            (
                message,
                r#"{"from": "a", "message": {"text": 1}}"#,
                "message.text",
                "invalid type: integer `1`, expected a string",
            ),
            (
                message,
                r#"{"from": "a", "message": {"image": 1}}"#,
                "message.image",
                "invalid type: integer `1`, expected an object",
            ),
            (
                message,
                r#"{"from": "a", "message": 1}"#,
                "message",
                "invalid type: integer `1`, expected a text or an object",
            ),
        ] {
            let failure = parse(body.as_bytes()).expect("an error");
            assert_eq!((&*failure.path, &*failure.error), (path, error), "{body}");
        }
    }
}
