//! Paths that no endpoint accepts.

use proptest::prelude::*;
use proptest::test_runner::TestRunner;

use crate::body::Body;

/// Text that is not a path of an endpoint.
pub(in crate::media) const INVALID: [&str; 22] = [
    "",
    "/",
    "?",
    "https://wx.qq.com/cgi-bin/mmwebwx-bin/webwxgeticon?seq=0",
    "//evil.example/cgi-bin/mmwebwx-bin/webwxgeticon?seq=0",
    "@evil.example/cgi-bin/mmwebwx-bin/webwxgetheadimg?seq=0",
    ".evil.example/cgi-bin/mmwebwx-bin/webwxgetpubliclinkimg?url=x",
    ":80/cgi-bin/mmwebwx-bin/webwxgetpubliclinkimg?url=x",
    "cgi-bin/mmwebwx-bin/webwxgeticon?seq=0",
    "/cgi-bin/mmwebwx-bin/webwxlogout?redirect=1",
    "/cgi-bin/mmwebwx-bin/../mmwebwx-bin/webwxgeticon?seq=0",
    "/cgi-bin/mmwebwx-bin/webwxgeticon/?seq=0",
    "/cgi-bin/mmwebwx-bin/webwxgeticonx?seq=0",
    "/cgi-bin//mmwebwx-bin/webwxgeticon?seq=0",
    "/cgi-bin/mmwebwx-bin/webwxgeticon",
    "/cgi-bin/mmwebwx-bin/webwxgetheadimg#?seq=0",
    "/cgi-bin/mmwebwx-bin/webwxgetheadimg?seq=0#x",
    "/cgi-bin/mmwebwx-bin/webwxgetheadimg?seq=0\r\nx: y",
    "/cgi-bin/mmwebwx-bin/webwxgetpubliclinkimg?url=a b",
    "/cgi-bin/mmwebwx-bin/webwxgetpubliclinkimg?url=报",
    "/cgi-bin/mmwebwx-bin/webwxgetpubliclinkimg?url=\\x",
    "\u{ff0f}cgi-bin/mmwebwx-bin/webwxgeticon?seq=0",
];

/// Asserts that accepted text leads to the API host and this path, for any text after the path.
pub(in crate::media) fn leads_only_to(
    path: &str,
    request: impl Fn(&str) -> Option<http::Request<Body>>,
) {
    let text = alloc::format!("{}[?&=#/@:.%a-z\\\\ \\x00-\\x7f]{{0,40}}", path.replace('/', "[/]"));
    let text = proptest::string::string_regex(&text).unwrap();
    let mut accepted = 0;
    let result = TestRunner::deterministic().run(&(text, ".{0,30}"), |(text, other)| {
        prop_assert!(request(&other).is_none());
        let Some(http) = request(&text) else { return Ok(()) };
        let uri = http.uri();
        prop_assert_eq!((uri.scheme_str(), uri.host()), (Some("https"), Some("wx.qq.com")));
        prop_assert_eq!((uri.path(), uri.port_u16()), (path, None));
        Ok(())
    });
    result.unwrap();
    let long = alloc::format!("{path}?url={}", "x".repeat(5000));
    assert!(request(&long).is_none());
    for good in ["?url=x", "?seq=0&username=@a&skey=", "?"] {
        accepted += usize::from(request(&alloc::format!("{path}{good}")).is_some());
    }
    assert!(accepted >= 1, "no valid path is accepted");
}
