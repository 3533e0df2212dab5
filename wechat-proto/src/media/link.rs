//! Validation of paths in messages and records: they must lead to endpoints of the service
//! (`docs/threats.md` N8).

/// The maximum length of a path; real ones have a few hundred bytes.
const LONGEST: usize = 4096;

/// Returns the element of `paths` that is the path of `text`, if the rest is a query in visible
/// ASCII. No part of such a text can be parsed as a host, and no part is lost in a request.
pub(super) fn endpoint(text: &str, paths: &[&'static str]) -> Option<&'static str> {
    let visible = |byte: u8| byte.is_ascii_graphic() && !br##"#\"<>"##.contains(&byte);
    if text.len() > LONGEST || !text.bytes().all(visible) {
        return None;
    }
    let (path, _) = text.split_once('?')?;
    let found = paths.iter().find(|known| **known == path)?;
    // The path must be valid in a request.
    text.parse::<http::uri::PathAndQuery>().ok()?;
    Some(found)
}

#[cfg(test)]
#[path = "link_tests.rs"]
pub(super) mod tests;
