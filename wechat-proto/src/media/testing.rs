//! Helpers for the tests of downloads.

use alloc::string::String;
use alloc::vec::Vec;

use http::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderValue};

use super::Head;
use crate::flow::Response;
use crate::testing::http_of;
use crate::{Endpoint, Error, Session};

fn reply(status: u16, kind: &'static str, length: u64) -> Response {
    let mut reply = Response::default();
    *reply.status_mut() = http::StatusCode::from_u16(status).unwrap();
    reply.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    reply.headers_mut().insert(CONTENT_LENGTH, length.into());
    reply
}

/// Asserts that a download accepts a response of this type, whole and as a range.
pub(super) fn accepts(download: &impl Endpoint<Output = Head>, endpoint: &str, kind: &'static str) {
    for status in [200, 206] {
        let head = download.parse(&reply(status, kind, 7)).unwrap();
        assert_eq!((head.endpoint, head.length), (endpoint, Some(7)));
        assert_eq!(head.content_type.as_deref(), Some(kind));
    }
}

/// Asserts that a download rejects text, other statuses and empty responses, with errors that name
/// the endpoint.
pub(super) fn rejects_errors(download: &impl Endpoint<Output = Head>, name: &str) {
    for kind in ["text/plain", "text/html; charset=utf-8", "application/json"] {
        let read = download.parse(&reply(200, kind, 7));
        assert!(matches!(read, Err(Error::Malformed { endpoint, .. }) if endpoint == name));
    }
    for status in [301, 302, 404, 502] {
        let read = download.parse(&reply(status, "image/jpeg", 7));
        let Err(Error::Status { endpoint, status: found }) = read else { panic!("{read:?}") };
        assert_eq!((endpoint, found), (name, status));
    }
    for status in [200, 206] {
        let read = download.parse(&reply(status, "image/jpeg", 0));
        assert!(matches!(read, Err(Error::EmptyMedia { endpoint }) if endpoint == name));
    }
}

/// Returns the query of a download, decoded by an independent library.
pub(super) fn pairs(
    download: impl Endpoint<State = Session>,
    session: &mut Session,
) -> Vec<(String, String)> {
    let http = http_of(download, session);
    let query = http.uri().query().unwrap();
    url::form_urlencoded::parse(query.as_bytes()).into_owned().collect()
}
