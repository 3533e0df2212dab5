//! The heads of downloads, and the names and links that lead to them.

use http::header::{CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, HeaderValue};
use http::uri::PathAndQuery;

use super::checks::is_short;
use super::make::Make;
use super::{NOW, account, reply};
use wechat_proto::Endpoint;
use wechat_proto::error::Error;
use wechat_proto::flow::Response;
use wechat_proto::media::{FileName, GetContactPicture, GetMap, Head};

/// Builds a reply with a head from the bytes, one line each: `Content-Type`, `Content-Disposition`,
/// `Content-Length`, `Content-Range`, the status. An empty or missing line omits the header.
pub(crate) fn head(bytes: &[u8]) -> Response {
    let mut reply = reply(b"");
    let mut lines = bytes.split(|byte| *byte == b'\n');
    for name in [CONTENT_TYPE, CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_RANGE] {
        let line = lines.next().filter(|line| !line.is_empty());
        if let Some(Ok(value)) = line.map(HeaderValue::from_bytes) {
            reply.headers_mut().insert(name, value);
        }
    }
    if let Some(status) = lines.next().and_then(|line| http::StatusCode::from_bytes(line).ok()) {
        *reply.status_mut() = status;
    }
    reply
}

/// Checks that parsing a head is deterministic, and that an accepted download has content and a safe
/// name.
pub(crate) fn downloaded<E>(bytes: &[u8], make: Make<E>)
where
    E: Endpoint<Output = Head>,
{
    let endpoint = make.value(&mut account());
    let mut reply = head(bytes);
    let read = endpoint.parse(&reply);
    assert_eq!(format!("{read:?}"), format!("{:?}", endpoint.parse(&reply)));
    match read {
        Ok(head) => {
            assert!(matches!(reply.status().as_u16(), 200 | 206));
            assert!(head.length != Some(0));
            if let Some(name) = &head.file_name {
                assert_eq!(FileName::from(name.as_str()), *name);
            }
        }
        Err(error) => is_short(&error),
    }
    *reply.status_mut() = http::StatusCode::FOUND;
    assert!(matches!(endpoint.parse(&reply), Err(Error::Status { status: 302, .. })));
}

/// Checks that an accepted link leads to the API host and its own path, without loss.
pub(crate) fn link(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let mut account = account();
    let map = GetMap::new(&text).ok().map(|mut map| {
        let request = map.request(account.session_mut(), NOW);
        assert_eq!(request.uri().path_and_query().map(PathAndQuery::as_str), Some(&*text));
        request
    });
    let picture = GetContactPicture::new(&text).ok();
    let picture = picture.map(|mut picture| picture.request(account.session_mut(), NOW));
    for request in map.into_iter().chain(picture) {
        let uri = request.uri();
        assert_eq!(
            (uri.scheme_str(), uri.host(), uri.port()),
            (Some("https"), Some("wx.qq.com"), None)
        );
        assert_eq!(Some(uri.path()), text.split('?').next());
        assert!(uri.to_string().len() < 4096 + 64);
    }
}
