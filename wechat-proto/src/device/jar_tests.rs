use alloc::format;

use proptest::prelude::*;

use super::*;
use crate::hosts::{Family, Role};
use crate::wire::query::Url;

#[path = "jar_host_tests.rs"]
mod hosts;
#[path = "jar_import_tests.rs"]
mod import;

const NOW: Timestamp = Timestamp::from_secs(1_700_000_000);
const WX: &str = "https://wx.qq.com/";

fn stored(hosts: &Hosts, role: Role, lines: &[&str], date: Option<&str>) -> Jar {
    let mut jar = Jar::default();
    jar.store(hosts, hosts.origin(role), lines.iter().copied(), date, NOW);
    jar
}

fn sent(jar: &Jar, hosts: &Hosts, uri: &str, now: Timestamp) -> String {
    let uri = uri.parse().unwrap();
    jar.header(hosts, &uri, now).map_or(String::new(), |h| h.to_str().unwrap().into())
}

/// Threat N6.
#[test]
fn n6_unusable_cookies_are_ignored() {
    let hosts = Hosts::new(Family::Wx2);
    for line in [
        "",
        ";",
        "=",
        "=b",
        "a",
        "; Domain=qq.com",
        "a=b\u{1}c",
        "a=b\tc",
        "a=b\u{7f}",
        "a=b\r\nset-cookie: c=d",
        "a=b c",
        "a b=c",
        "a\0=b",
        "名=值",
        "a=值",
        &format!("aa={}", "b".repeat(4095)),
        &format!("{}=b", "a".repeat(4096)),
    ] {
        let jar = stored(&hosts, Role::Api, &[line], None);
        assert_eq!(sent(&jar, &hosts, "https://wx2.qq.com/", NOW), "", "{line}");
    }
    for line in ["a=b; Path=x", "a=\"b\"", "a==", "a=", &format!("aa={}", "b".repeat(4094))] {
        let jar = stored(&hosts, Role::Api, &[line], None);
        assert!(!sent(&jar, &hosts, "https://wx2.qq.com/", NOW).is_empty(), "{line}");
    }
}

/// `docs/protocol.md` §1.3: the dashed dates; §1.7: twelve hours.
#[test]
fn expiry_is_relative_to_the_date_of_the_reply() {
    let hosts = Hosts::default();
    let line = "wxsid=s; Expires=Mon, 31-Dec-2018 11:12:21 GMT; Path=/";
    let mut jar = stored(&hosts, Role::Api, &[line], Some("Sun, 30 Dec 2018 23:12:21 GMT"));
    let hour = |hours: u64| NOW.after(Duration::from_secs(hours * 3600));
    assert_eq!(sent(&jar, &hosts, WX, hour(11)), "wxsid=s");
    // The local clock may be wrong when the jar is restored, so the cookie expires only after a
    // reply with a `Date`, or when another login begins.
    let again: Jar = serde_json::from_str(&serde_json::to_string(&jar).unwrap()).unwrap();
    assert_eq!(sent(&again, &hosts, WX, hour(12)), "wxsid=s");
    let mut another = again.clone();
    another.reopen();
    assert_eq!(sent(&another, &hosts, WX, hour(12)), "");
    let origin = hosts.origin(Role::Api);
    for (date, cookies) in
        [("Mon, 31 Dec 2018 01:12:21 GMT", "wxsid=s"), ("Mon, 31 Dec 2018 11:12:21 GMT", "")]
    {
        let mut dated = again.clone();
        dated.store(&hosts, origin, [], Some(date), hour(12));
        assert_eq!(sent(&dated, &hosts, WX, hour(12)), cookies, "{date}");
    }
    // A cookie that is expired by both clocks is removed, even from the stored jar.
    let mut both = again.clone();
    both.store(&hosts, origin, [], Some("Mon, 31 Dec 2018 11:12:21 GMT"), hour(12));
    assert!(both.cookies.is_empty());
    jar.store(&hosts, origin, [], Some("Mon, 31 Dec 2018 11:12:21 GMT"), hour(11));
    assert_eq!(sent(&jar, &hosts, WX, hour(11)), "wxsid=s");
    assert_eq!(sent(&jar, &hosts, WX, hour(12)), "");
    // Without a `Date`, the cookie expires by the local clock.
    let jar = stored(&hosts, Role::Api, &[line], None);
    assert_eq!(sent(&jar, &hosts, WX, NOW), "");
    // Max-Age takes precedence.
    let jar = stored(
        &hosts,
        Role::Api,
        &["a=b; Max-Age=60; Expires=Mon, 31-Dec-2018 11:12:21 GMT"],
        None,
    );
    assert_eq!(sent(&jar, &hosts, WX, NOW), "a=b");
    assert_eq!(sent(&jar, &hosts, WX, hour(1)), "");
}

#[test]
fn an_expired_line_removes_the_cookie() {
    let hosts = Hosts::default();
    for (line, date) in [
        ("a=; Expires=Thu, 01 Jan 1970 00:00:00 GMT", None),
        ("a=; Max-Age=0", None),
        // By a second, and by the service's clock.
        ("a=; Expires=Sun, 30 Dec 2018 23:12:20 GMT", Some("Sun, 30 Dec 2018 23:12:21 GMT")),
    ] {
        let jar = stored(&hosts, Role::Api, &["a=b", "c=d", line], date);
        assert_eq!(sent(&jar, &hosts, WX, NOW), "c=d", "{line}");
        assert_eq!(jar.cookies.len(), 1, "{line}");
    }
}

#[test]
fn secure_cookies_are_sent_to_a_loopback_origin() {
    let hosts = Hosts::all("http://127.0.0.1:99".parse().unwrap());
    let jar = stored(&hosts, Role::Api, &["a=b; Secure; Domain=.qq.com"], None);
    assert_eq!(sent(&jar, &hosts, "http://127.0.0.1:99/", NOW), "a=b");
    assert_eq!(sent(&jar, &hosts, "http://127.0.0.1:98/", NOW), "");
}

/// Cookies without `Secure` are sent over http to another machine, which the caller allowed.
#[test]
fn secure_cookies_are_not_sent_over_http() {
    let hosts = Hosts::all(Origin::insecure("http://proxy.test").unwrap());
    let jar = stored(&hosts, Role::Api, &["a=b; Secure", "c=d"], None);
    assert_eq!(sent(&jar, &hosts, "http://proxy.test/", NOW), "c=d");
}

#[test]
fn number_of_cookies_is_limited() {
    let hosts = Hosts::default();
    let lines: Vec<String> = (0..1000).map(|n| format!("c{n}=v")).collect();
    let mut jar = Jar::default();
    jar.store(&hosts, hosts.origin(Role::Api), lines.iter().map(String::as_str), None, NOW);
    assert_eq!(jar.cookies.len(), COOKIES);
    // A full jar accepts new cookies: expired cookies, then those that expire first, are removed.
    let mut jar = Jar::default();
    let short: Vec<String> = (0..64).map(|n| format!("c{n}=v; Max-Age=10")).collect();
    jar.store(&hosts, hosts.origin(Role::Api), short.iter().map(String::as_str), None, NOW);
    jar.store(&hosts, hosts.origin(Role::Api), ["wxsid=s"], None, NOW);
    assert!(sent(&jar, &hosts, WX, NOW).ends_with("; wxsid=s"));
    let later = NOW.after(Duration::from_secs(100));
    jar.store(&hosts, hosts.origin(Role::Api), ["wxuin=7"], None, later);
    assert_eq!(sent(&jar, &hosts, WX, later), "wxsid=s; wxuin=7");
    assert_eq!(jar.cookies.len(), COOKIES);
}

/// Threat C1: replies received while the clock was ahead remove no cookie permanently.
#[test]
fn a_clock_that_was_ahead_loses_no_cookie() {
    let hosts = Hosts::default();
    let lines = ["wxsid=s; Max-Age=43200", "webwx_data_ticket=old; Max-Age=43200"];
    let mut jar = stored(&hosts, Role::Api, &lines, None);
    let tomorrow = NOW.after(Duration::from_secs(86_400));
    assert_eq!(sent(&jar, &hosts, WX, tomorrow), "");
    let line = ["webwx_data_ticket=new; Max-Age=43200"];
    jar.store(&hosts, hosts.origin(Role::Api), line, None, tomorrow);
    assert_eq!(sent(&jar, &hosts, WX, tomorrow), "webwx_data_ticket=new");
    let back = sent(&jar, &hosts, WX, NOW);
    assert_eq!(back, "webwx_data_ticket=new; wxsid=s");
}

/// Threat C1: the same for lines with `Expires` instead of `Max-Age`, as the service sends them.
#[test]
fn a_clock_that_is_ahead_removes_no_cookie() {
    let hosts = Hosts::default();
    let mut jar = stored(&hosts, Role::Api, &["wxsid=old"], None);
    // The cookie expires in twelve hours by the service's clock, but has expired by a clock that is
    // a day ahead.
    let line = ["wxsid=s; Expires=Wed, 15-Nov-2023 10:13:20 GMT"];
    let tomorrow = NOW.after(Duration::from_secs(86_400));
    jar.store(&hosts, hosts.origin(Role::Api), line, None, tomorrow);
    assert_eq!(sent(&jar, &hosts, WX, tomorrow), "");
    assert_eq!(sent(&jar, &hosts, WX, NOW), "wxsid=s");
    let line = ["wxsid=; Expires=Thu, 01-Jan-1970 00:00:00 GMT"];
    jar.store(&hosts, hosts.origin(Role::Api), line, None, tomorrow);
    assert_eq!(sent(&jar, &hosts, WX, NOW), "");
}

/// At the start of a login, only the local clock is known.
#[test]
fn another_login_uses_the_local_clock() {
    let hosts = Hosts::default();
    let date = Some("Tue, 14 Nov 2023 22:13:20 GMT");
    let mut jar = stored(&hosts, Role::Api, &["a=b; Max-Age=10"], date);
    let later = NOW.after(Duration::from_secs(100));
    assert_eq!(sent(&jar, &hosts, WX, later), "a=b");
    jar.reopen();
    assert_eq!(sent(&jar, &hosts, WX, later), "");
}

/// Threat N6: a path that is too long is ignored.
#[test]
fn overlong_paths_are_ignored() {
    let hosts = Hosts::default();
    for (length, reached) in [(PATH, ""), (PATH + 1, "a=b")] {
        let path = format!("/{}", "x".repeat(length - 1));
        let jar = stored(&hosts, Role::Api, &[&format!("a=b; Path={path}")], None);
        assert_eq!(sent(&jar, &hosts, WX, NOW), reached);
        assert_eq!(sent(&jar, &hosts, &format!("https://wx.qq.com{path}"), NOW), "a=b");
    }
}

#[test]
fn debug_shows_names_only() {
    let jar = stored(&Hosts::default(), Role::Api, &["wxsid=planted"], None);
    let shown = format!("{jar:?}");
    assert!(shown.contains("wxsid") && !shown.contains("planted"), "{shown}");
}

/// Generates lines, many of them almost valid, with almost valid domains.
fn line() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop::sample::select(
        &[
            "a", "wxsid", "=", "=", ";", "; ", "; Domain=", "; Path=/", "; Secure", "; Max-Age=",
            "; Expires=", "9", "-1", "99999999999999999999", ".", "qq.com", "wx.qq.com", "com",
            "wechat.com", "evil.example", "wx2.qq.com", ",", "\"", "\t", " ", "\u{1}", "报", "%00",
            "Mon, 31-Dec-2018 11:12:21 GMT", "Thu, 01 Jan 1970 00:00:00 GMT", "=b; Domain=qq.com",
        ][..],
    );
    prop_oneof![
        prop::collection::vec(piece, 0..8).prop_map(|pieces| pieces.concat().into_bytes()),
        prop::collection::vec(any::<u8>(), 0..80),
        (0usize..6000).prop_map(|length| format!("c{length}={}", "x".repeat(length)).into_bytes()),
    ]
}

proptest! {
    /// Threats N5, N6: after any lines from any host, the next request of every role can be built,
    /// its cookies fit a header, and no other host receives a cookie.
    #[test]
    fn n6_any_lines_leave_a_usable_jar(
        lines in prop::collection::vec(line(), 0..90),
        role in prop::sample::select(
            &[Role::Login, Role::QrCode, Role::Api, Role::File, Role::Push][..],
        ),
        date in prop::option::of("[ -~]{0,30}"),
    ) {
        let mut session = crate::testing::session();
        session.device.hosts = Hosts::new(Family::Wx2);
        let hosts = session.device.hosts.clone();
        // Headers of a reply are text here.
        let lines: Vec<String> =
            lines.iter().map(|line| String::from_utf8_lossy(line).into_owned()).collect();
        session.device.jar = Jar::default();
        session.device.jar.store(&hosts, hosts.origin(role), lines.iter().map(String::as_str), date.as_deref(), NOW);
        for uri in hosts::OUTSIDE {
            let uri = uri.parse().unwrap();
            prop_assert_eq!(session.device.jar.header(&hosts, &uri, NOW), None);
        }
        let jar = session.device.jar.clone();
        prop_assert!(jar.cookies.len() <= COOKIES);
        for role in [Role::Login, Role::QrCode, Role::Api, Role::File, Role::Push] {
            // A request that cannot be built is a bug and panics.
            let http = Url::new(role, "/x").get(&mut session.device, NOW);
            let carried = http.headers().get_all("cookie");
            prop_assert!(carried.iter().count() <= 1);
            for header in carried {
                let text = header.to_str().unwrap();
                prop_assert!(text.len() <= COOKIES * (LENGTH + 3) && header.is_sensitive());
                prop_assert!(text.split("; ").all(|pair| pair.find('=').is_some_and(|at| at > 0)));
            }
        }
        let stored = serde_json::to_string(&jar).unwrap();
        let again: Jar = serde_json::from_str(&stored).unwrap();
        prop_assert_eq!(serde_json::to_string(&again).unwrap(), stored);
    }
}

#[test]
fn a_path_covers_the_paths_below_it() {
    for (of_cookie, of_request, covers) in [
        ("/", "/a/b", true),
        ("/a", "/a", true),
        ("/a", "/a/b", true),
        ("/a/", "/a/b", true),
        ("/a", "/ab", false),
        ("/a/b", "/a", false),
    ] {
        assert_eq!(path_covers(of_cookie, of_request), covers, "{of_cookie} {of_request}");
    }
}

/// Threat C1: neither a local clock that jumps by a day, in either direction, nor a gateway with a
/// wrong clock expires a cookie.
#[test]
fn a_clock_that_jumps_expires_no_cookie() {
    let hosts = Hosts::default();
    let origin = hosts.origin(Role::Api);
    let mut jar = Jar::default();
    let today = Some("Mon, 21 Nov 2016 10:00:00 GMT");
    let line = "wxsid=s; Expires=Mon, 21-Nov-2016 22:00:00 GMT";
    jar.store(&hosts, origin, [line], today, NOW);
    let day = Duration::from_secs(86_400);
    for now in [NOW, NOW.after(day), Timestamp::from_secs(NOW.as_secs() - 86_400)] {
        assert_eq!(sent(&jar, &hosts, WX, now), "wxsid=s");
        jar.store(&hosts, origin, [], today, now);
    }
    jar.store(&hosts, origin, [], Some("Fri, 01 Jan 2038 00:00:00 GMT"), NOW);
    assert_eq!(sent(&jar, &hosts, WX, NOW), "wxsid=s");
}
