//! Paths that the service writes into messages and records: they lead to its own endpoints or
//! nowhere (`docs/threats.md` N8).

/// The longest such path; real ones have a few hundred bytes.
const LONGEST: usize = 4096;

/// The one of `paths` that `text` leads to, if it is one of them with a query, in visible ASCII:
/// nothing in it can be taken for a host, and nothing of it is lost on the way.
pub(super) fn endpoint(text: &str, paths: &[&'static str]) -> Option<&'static str> {
    let visible = |byte: u8| byte.is_ascii_graphic() && !br##"#\"<>"##.contains(&byte);
    if text.len() > LONGEST || !text.bytes().all(visible) {
        return None;
    }
    let (path, _) = text.split_once('?')?;
    let found = paths.iter().find(|known| **known == path)?;
    // Whether a request can be made of it.
    text.parse::<http::uri::PathAndQuery>().ok()?;
    Some(found)
}

#[cfg(test)]
pub(super) mod tests {
    use proptest::prelude::*;
    use proptest::test_runner::TestRunner;

    use crate::body::Body;

    /// Nobody's endpoint.
    pub(in crate::media) const NOWHERE: [&str; 22] = [
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

    /// Whatever follows the path: what is taken can be asked for, at the api host and this path.
    pub(in crate::media) fn leads_nowhere_else(
        path: &str,
        request: impl Fn(&str) -> Option<http::Request<Body>>,
    ) {
        let text =
            alloc::format!("{}[?&=#/@:.%a-z\\\\ \\x00-\\x7f]{{0,40}}", path.replace('/', "[/]"));
        let text = proptest::string::string_regex(&text).unwrap();
        let mut taken = 0;
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
            taken += usize::from(request(&alloc::format!("{path}{good}")).is_some());
        }
        assert!(taken >= 1, "nothing is taken");
    }
}
