//! The heads of downloads, and the names and links that lead to them.

use alloc::string::{String, ToString as _};

use http::header::{CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, HeaderValue};

use super::endpoints::is_short;
use super::{NOW, account, reply};
use crate::account::Account;
use crate::endpoint::Endpoint;
use crate::error::Error;
use crate::flow::Response;
use crate::media::{FileName, GetContactPicture, GetMap, Head, HeadImgUrl, MapLink};

/// Builds a reply with a head from the bytes, one line each: `Content-Type`, `Content-Disposition`,
/// `Content-Length`, `Content-Range`, the status. An empty or missing line omits the header.
pub(super) fn head(bytes: &[u8]) -> Response {
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
pub(super) fn downloaded<E>(bytes: &[u8], make: fn(&mut Account) -> E)
where
    E: Endpoint<Output = Head>,
{
    let endpoint = make(&mut account());
    let mut reply = head(bytes);
    let read = endpoint.parse(&reply);
    assert_eq!(alloc::format!("{read:?}"), alloc::format!("{:?}", endpoint.parse(&reply)));
    match read {
        Ok(head) => {
            assert!(matches!(reply.status().as_u16(), 200 | 206));
            assert!(head.length != Some(0));
            if let Some(name) = &head.file_name {
                is_safe(name);
            }
        }
        Err(error) => is_short(&error),
    }
    *reply.status_mut() = http::StatusCode::FOUND;
    assert!(matches!(endpoint.parse(&reply), Err(Error::Status { status: 302, .. })));
}

/// Checks that a file name is safe.
///
/// Threat U4.
fn is_safe(name: &FileName) {
    let text = name.as_str();
    assert!((1..=FileName::MAX).contains(&text.len()), "{text:?}");
    assert!(!text.contains(['/', '\\', ':']) && !text.contains(char::is_control), "{text:?}");
    assert!(!text.starts_with(['.', ' ']) && !text.ends_with(['.', ' ']), "{text:?}");
    assert_eq!(FileName::from(text), *name);
}

/// Parses a file name from a message, plain and encoded, and from a header.
pub(super) fn file_name(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    is_safe(&FileName::from(&*text));
    is_safe(&FileName::of_encoded(&text));
    let header = [b"attachment; ", bytes].concat();
    let quoted = [b"attachment; filename=\"", bytes, b"\""].concat();
    for value in [bytes, &header, &quoted] {
        if let Some(name) = FileName::of_disposition(value) {
            is_safe(&name);
        }
    }
}

/// Checks that an accepted link leads to the API host and its own path, without loss.
pub(super) fn link(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let mut session = account().session;
    let map = text.parse::<MapLink>().ok().map(|link| {
        assert_eq!(link.as_str(), text);
        GetMap::new(link).request(&mut session, NOW)
    });
    let picture = text.parse::<HeadImgUrl>().ok().map(|link| {
        // The value of `skey` is dropped, and parsing again changes nothing.
        assert_eq!(link.as_str().parse().as_ref(), Ok(&link));
        GetContactPicture::new(link).request(&mut session, NOW)
    });
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
