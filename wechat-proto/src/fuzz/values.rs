//! Cookies, URLs, and their values.

use alloc::string::{String, ToString as _};
use alloc::vec::Vec;

use super::{NOW, PLANTED};
use crate::device::Device;
use crate::hosts::{Family, Hosts, Origin, Role};
use crate::jar::Jar;
use crate::wire::query::{Accept, Url, json};

/// Parses each line as a `Set-Cookie`, the first also as a `Date`. Checks that the next request can
/// be built, and that no cookie is sent to another host.
pub(super) fn cookie(bytes: &[u8]) {
    let lines: Vec<String> = bytes
        .split(|byte| *byte == b'\n')
        .map(|line| String::from_utf8_lossy(line).into())
        .collect();
    let hosts = Hosts::default();
    let own = hosts.origin(Role::Api);
    let date = lines.first().map(String::as_str);
    let mut jar = Jar::default();
    jar.store(&hosts, own, lines.iter().map(String::as_str), date, NOW);
    // Storing lines together or one by one has the same result.
    let mut one_by_one = Jar::default();
    for line in &lines {
        one_by_one.store(&hosts, own, [line.as_str()], date, NOW);
    }
    let stored = |jar: &Jar| serde_json::to_string(jar).expect("a jar is plain data");
    assert_eq!(stored(&one_by_one), stored(&jar));
    for uri in [
        "https://evil.example/",
        "https://wx2.qq.com/",
        "http://wx.qq.com/",
        "https://wx.qq.com:444/",
        "https://qq.com/",
        "https://x@wx.qq.com/",
    ] {
        let uri = http::Uri::from_static(uri);
        assert!(jar.header(&hosts, &uri, NOW).is_none());
    }
    // Another host of the service receives shared cookies only.
    let file = http::Uri::from_static("https://file.wx.qq.com/cgi-bin/mmwebwx-bin/webwxgetmedia");
    let shared = jar.header(&hosts, &file, NOW).is_some();
    assert!(!shared || lines.iter().any(|line| line.to_ascii_lowercase().contains("domain")));
    let uri = http::Uri::from_static("https://wx.qq.com/cgi-bin/mmwebwx-bin/webwxinit");
    if let Some(header) = jar.header(&hosts, &uri, NOW) {
        let header = header.to_str().expect("visible ASCII");
        assert!(header.len() <= 64 * 4100);
        // Each cookie was set, unchanged, by one of the lines.
        for pair in header.split("; ") {
            let (name, value) = pair.split_once('=').expect("a name and a value");
            let set = |line: &String| line.contains(name) && line.contains(value);
            assert!(!name.is_empty() && lines.iter().any(set), "{pair}");
        }
    }
    let again: Jar = serde_json::from_str(&stored(&jar)).expect("the stored form can be parsed");
    assert_eq!(stored(&again), stored(&jar));

    // Another cookie can be added, is sent, is not printed, and can be removed.
    let set = |life: &str| alloc::format!("~~={PLANTED}; Path=/{life}");
    jar.store(&hosts, own, [set("").as_str()], None, NOW);
    assert!(jar.value(own, "~~", NOW) == Some(PLANTED));
    super::hides_secrets(&jar, bytes);
    jar.store(&hosts, own, [set("; Max-Age=0").as_str()], None, NOW);
    assert!(jar.value(own, "~~", NOW).is_none());

    // A single origin serves all roles.
    let origin: Origin = "http://127.0.0.1:8080".parse().expect("an origin");
    let single = Hosts::all(origin);
    let mut jar = Jar::default();
    let own = single.origin(Role::Push);
    jar.store(&single, own, lines.iter().map(String::as_str), date, NOW);
    assert!(jar.header(&single, &uri, NOW).is_none());
}

/// Checks that any value can be decoded unchanged and does not affect other parameters.
pub(super) fn query(bytes: &[u8]) {
    let value = String::from_utf8_lossy(bytes);
    let mut device = Device::new();
    let decoded = |http: &http::Request<_>| -> Option<String> {
        let query = http.uri().query()?.to_string();
        let raw = query.strip_prefix("a=")?.strip_suffix("&b=1")?;
        Some(percent_encoding::percent_decode_str(raw).decode_utf8_lossy().into_owned())
    };
    let url = || Url::new(Role::Api, "/x").accept(Accept::Page).ranged();
    let http = url().with("a", &value).with("b", 1).get(&mut device, NOW);
    assert_eq!(decoded(&http).as_deref(), Some(&*value));
    assert_eq!((http.uri().host(), http.uri().path()), (Some("wx.qq.com"), "/x"));
    // An encoded value is kept unchanged; any other is encoded.
    let http = url().with_encoded("a", &value).with("b", 1).get(&mut device, NOW);
    let raw = http.uri().query().and_then(|query| query.strip_prefix("a=")?.strip_suffix("&b=1"));
    assert!(raw == Some(&*value) || decoded(&http).as_deref() == Some(&*value));
    assert_eq!(http.uri().query().map(|query| query.matches('&').count()), Some(1));

    let http = Url::new(Role::Api, "/x").post_json(&mut device, NOW, json(&value));
    let mut body = http.into_body();
    let length = body.len();
    let body = bytes::Buf::copy_to_bytes(&mut body, length);
    assert_eq!(serde_json::from_slice::<String>(&body).ok().as_deref(), Some(&*value));
}

/// Checks that a login leads to a host of the table over `https`, or is refused:
/// `docs/threats.md` N1, N2.
pub(super) fn redirect(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let Ok(uri) = text.parse::<http::Uri>() else { return };
    for families in [&Family::WEB[..], &Family::FILE_HELPER] {
        let before = families.first().map_or_else(Hosts::default, |family| Hosts::new(*family));
        let mut hosts = before.clone();
        // Parsed by another library, like a browser.
        let read = url::Url::parse(&text).ok();
        let host = read.as_ref().and_then(url::Url::host_str);
        let family = families.iter().find(|family| Some(family.host()) == host);
        match hosts.redirect(&uri, families) {
            Ok(()) => {
                let family = family.expect("a host of the table");
                let read = read.expect("a valid URL");
                assert_eq!((read.scheme(), read.port()), ("https", None));
                assert!(read.username().is_empty() && read.password().is_none());
                assert!(hosts == Hosts::new(*family));
            }
            Err(error) => {
                super::endpoints::is_short(&error);
                assert!(hosts == before);
            }
        }
    }
}
