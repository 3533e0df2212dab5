use alloc::format;
use alloc::string::ToString;

use proptest::prelude::*;

use super::*;
use crate::hosts::{Family, Role};

const NOW: Timestamp = Timestamp::from_secs(1_700_000_000);

fn stored(hosts: &Hosts, role: Role, lines: &[&str], date: Option<&str>) -> Jar {
    let mut jar = Jar::default();
    let lines: Vec<String> = lines.iter().map(ToString::to_string).collect();
    jar.store(hosts, hosts.origin(role), &lines, date, NOW);
    jar
}

fn sent(jar: &Jar, hosts: &Hosts, uri: &str, now: Timestamp) -> String {
    let uri = uri.parse().unwrap();
    jar.header(hosts, &uri, now).map_or(String::new(), |h| h.to_str().unwrap().into())
}

#[test]
fn keeps_to_host_and_domain() {
    let hosts = Hosts::new(Family::Wx2);
    let jar = stored(
        &hosts,
        Role::Api,
        &[
            "wxsid=s/+=; Path=/",
            "webwx_data_ticket=t; Domain=.qq.com; Path=/; Secure",
            "wxuin=7; Domain=wx2.qq.com",
        ],
        None,
    );
    for (uri, cookies) in [
        ("https://wx2.qq.com/", "webwx_data_ticket=t; wxsid=s/+=; wxuin=7"),
        ("https://file.wx2.qq.com/a", "webwx_data_ticket=t; wxuin=7"),
        ("https://login.weixin.qq.com/", "webwx_data_ticket=t"),
        ("https://wx.qq.com/", ""),
        ("http://wx2.qq.com/", ""),
        ("https://wx2.qq.com:444/", ""),
        ("https://evil.example/", ""),
    ] {
        assert_eq!(sent(&jar, &hosts, uri, NOW), cookies, "{uri}");
    }
}

/// `docs/protocol.md` §15: the file host of that page is of another family.
#[test]
fn keeps_to_the_hosts_of_the_file_transfer_page() {
    let hosts = Hosts::new(Family::SzFileHelper);
    let jar = stored(
        &hosts,
        Role::Api,
        &[
            "wxsid=s; Domain=szfilehelper.weixin.qq.com; Path=/; Secure",
            "webwx_data_ticket=t; Domain=.qq.com; Path=/; Secure",
            "a=b; Domain=cmfilehelper.weixin.qq.com",
            "a=b; Domain=wx2.qq.com",
        ],
        None,
    );
    for (uri, cookies) in [
        ("https://szfilehelper.weixin.qq.com/", "webwx_data_ticket=t; wxsid=s"),
        ("https://file.wx2.qq.com/a", "webwx_data_ticket=t"),
        ("https://login.wx2.qq.com/a", "webwx_data_ticket=t"),
        ("https://filehelper.weixin.qq.com/", ""),
        ("https://wx2.qq.com/", ""),
    ] {
        assert_eq!(sent(&jar, &hosts, uri, NOW), cookies, "{uri}");
    }
}

/// `docs/threats.md` N5, N6.
#[test]
fn leaves_out_what_may_not_be_set() {
    let hosts = Hosts::new(Family::Wx2);
    for line in [
        "a=b; Domain=com",
        "a=b; Domain=.com",
        "a=b; Domain=evil.example",
        "a=b; Domain=wx.qq.com",
        "a=b; Domain=qq.com.",
        "a=b; Domain=xqq.com",
        "a=b; Domain=q.com",
        "a=b; Domain=wechat.com",
        "=b",
        "a",
        "a=b\u{1}c",
        "a=b c",
        "名=值",
        &format!("a={}", "b".repeat(5000)),
    ] {
        let jar = stored(&hosts, Role::Api, &[line], None);
        assert_eq!(sent(&jar, &hosts, "https://wx2.qq.com/", NOW), "", "{line}");
    }
    for line in ["a=b; domain=QQ.com", "a=b; DOMAIN=.wx2.qq.com", "a=b; Path=x", "a=\"b\""] {
        let jar = stored(&hosts, Role::Api, &[line], None);
        assert!(!sent(&jar, &hosts, "https://wx2.qq.com/", NOW).is_empty(), "{line}");
    }
}

/// `docs/protocol.md` §1.3: the dashed dates; §1.7: twelve hours.
#[test]
fn reckons_expiry_from_the_date_of_the_reply() {
    let hosts = Hosts::default();
    let line = "wxsid=s; Expires=Mon, 31-Dec-2018 11:12:21 GMT; Path=/";
    let jar = stored(&hosts, Role::Api, &[line], Some("Sun, 30 Dec 2018 23:12:21 GMT"));
    let hour = |hours: u64| NOW.after(Duration::from_secs(hours * 3600));
    assert_eq!(sent(&jar, &hosts, "https://wx.qq.com/", hour(11)), "wxsid=s");
    assert_eq!(sent(&jar, &hosts, "https://wx.qq.com/", hour(12)), "");
    // Without a date of the reply, our clock decides: long gone.
    let jar = stored(&hosts, Role::Api, &[line], None);
    assert_eq!(sent(&jar, &hosts, "https://wx.qq.com/", NOW), "");
    // Max-Age wins.
    let jar = stored(
        &hosts,
        Role::Api,
        &["a=b; Max-Age=60; Expires=Mon, 31-Dec-2018 11:12:21 GMT"],
        None,
    );
    assert_eq!(sent(&jar, &hosts, "https://wx.qq.com/", NOW), "a=b");
    assert_eq!(sent(&jar, &hosts, "https://wx.qq.com/", hour(1)), "");
}

#[test]
fn an_expired_line_takes_the_cookie_back() {
    let hosts = Hosts::default();
    let lines = ["a=b", "c=d", "a=; Expires=Thu, 01 Jan 1970 00:00:00 GMT"];
    let jar = stored(&hosts, Role::Api, &lines, None);
    assert_eq!(sent(&jar, &hosts, "https://wx.qq.com/", NOW), "c=d");
}

#[test]
fn a_configured_origin_gets_its_secure_cookies() {
    let hosts = Hosts::all("http://127.0.0.1:99".parse().unwrap());
    let jar = stored(&hosts, Role::Api, &["a=b; Secure; Domain=.qq.com"], None);
    assert_eq!(sent(&jar, &hosts, "http://127.0.0.1:99/", NOW), "a=b");
    assert_eq!(sent(&jar, &hosts, "http://127.0.0.1:98/", NOW), "");
}

#[test]
fn stays_small() {
    let hosts = Hosts::default();
    let lines: Vec<String> = (0..1000).map(|n| format!("c{n}=v")).collect();
    let mut jar = Jar::default();
    jar.store(&hosts, hosts.origin(Role::Api), &lines, None, NOW);
    assert_eq!(jar.cookies.len(), COOKIES);
    // A full jar is no trap: what is over makes room, and so does what ends first.
    let mut jar = Jar::default();
    let short: Vec<String> = (0..64).map(|n| format!("c{n}=v; Max-Age=10")).collect();
    let line = |text: &str| [String::from(text)];
    jar.store(&hosts, hosts.origin(Role::Api), &short, None, NOW);
    jar.store(&hosts, hosts.origin(Role::Api), &line("wxsid=s"), None, NOW);
    assert!(sent(&jar, &hosts, "https://wx.qq.com/", NOW).ends_with("; wxsid=s"));
    let later = NOW.after(Duration::from_secs(100));
    jar.store(&hosts, hosts.origin(Role::Api), &line("wxuin=7"), None, later);
    assert_eq!(sent(&jar, &hosts, "https://wx.qq.com/", later), "wxsid=s; wxuin=7");
    assert_eq!(jar.cookies.len(), COOKIES);
}

/// Threat C1. The replies of a day that never was end no cookie for good.
#[test]
fn a_clock_that_ran_ahead_costs_no_cookie() {
    let hosts = Hosts::default();
    let lines = ["wxsid=s; Max-Age=43200", "webwx_data_ticket=old; Max-Age=43200"];
    let mut jar = stored(&hosts, Role::Api, &lines, None);
    let tomorrow = NOW.after(Duration::from_secs(86_400));
    assert_eq!(sent(&jar, &hosts, "https://wx.qq.com/", tomorrow), "");
    let line = String::from("webwx_data_ticket=new; Max-Age=43200");
    jar.store(&hosts, hosts.origin(Role::Api), &[line], None, tomorrow);
    assert_eq!(sent(&jar, &hosts, "https://wx.qq.com/", tomorrow), "webwx_data_ticket=new");
    let back = sent(&jar, &hosts, "https://wx.qq.com/", NOW);
    assert_eq!(back, "webwx_data_ticket=new; wxsid=s");
}

#[test]
fn shows_names_only() {
    let jar = stored(&Hosts::default(), Role::Api, &["wxsid=planted"], None);
    let shown = format!("{jar:?}");
    assert!(shown.contains("wxsid") && !shown.contains("planted"), "{shown}");
}

proptest! {
    /// Whatever was set, the next request can be built and no other host gets anything.
    #[test]
    fn any_lines_leave_a_usable_jar(lines in prop::collection::vec(".{0,80}", 0..20)) {
        let hosts = Hosts::default();
        let mut jar = Jar::default();
        jar.store(&hosts, hosts.origin(Role::Api), &lines, None, NOW);
        for uri in ["https://evil.example/", "https://qq.com/", "https://wx8.qq.com/"] {
            prop_assert_eq!(sent(&jar, &hosts, uri, NOW), "");
        }
        jar.header(&hosts, &"https://wx.qq.com/".parse().unwrap(), NOW);
        let stored = serde_json::to_string(&jar).unwrap();
        prop_assert_eq!(serde_json::from_str::<Jar>(&stored).unwrap(), jar);
    }
}

#[test]
fn a_path_covers_what_is_below_it() {
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
