use super::*;

#[test]
fn cookies_are_restricted_to_host_and_domain() {
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

/// `docs/protocol.md` §15: the file host of that page belongs to another family.
#[test]
fn cookies_are_restricted_to_the_hosts_of_the_file_transfer_page() {
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

/// The hosts of an account on `wx2.qq.com`.
const INSIDE: [&str; 5] = [
    "https://wx2.qq.com/", "https://login.wx2.qq.com/", "https://login.weixin.qq.com/",
    "https://file.wx2.qq.com/", "https://webpush.wx2.qq.com/",
];
/// Origins that must not receive any cookie.
pub(super) const OUTSIDE: [&str; 14] = [
    "https://evil.example/", "https://wx2.qq.com.evil.test/", "https://evilwx2.qq.com/",
    "https://evil.wx2.qq.com/", "https://qq.com/", "https://www.qq.com/", "https://wx.qq.com/",
    "https://web.wechat.com/", "https://wx2.qq.com./", "https://WX2.qq.com/",
    "https://wx2.qq.com:444/", "https://wx2.qq.com:443/", "https://wx2.qq.com@evil.example/",
    "http://wx2.qq.com/",
];

/// Threat N5: `Set-Cookie` lines of the API host, with the hosts that receive the cookie. Some are
/// former faults of curl (CVE-2022-27779, CVE-2023-46218, CVE-2022-27776).
#[test]
fn n5_a_domain_must_contain_the_sender() {
    let hosts = Hosts::new(Family::Wx2);
    let [own, login, qr_code, file, push] = INSIDE;
    let below = [own, login, file, push];
    let all = [own, login, qr_code, file, push];
    for (line, goes) in [
        ("a=b", &[own][..]),
        ("a=b; Domain=com.", &[]),
        ("a=b; Domain=CoM", &[]),
        ("a=b; Domain=qq.com", &all),
        ("a=b; Domain=.qq.com", &all),
        ("a=b; Domain=..qq.com", &all),
        ("a=b; domain=QQ.cOm", &all),
        ("a=b; DOMAIN=.wx2.qq.com", &below),
        ("a=b; Domain=WX2.QQ.COM", &below),
        // An empty `Domain` is ignored; the last of two wins.
        ("a=b; Domain=", &[own]),
        ("a=b; Domain=qq.com; Domain=evil.example", &[]),
        ("a=b; Domain=evil.example; Domain=wx2.qq.com", &below),
        ("a=b; Domain=.", &[]),
        ("a=b; Domain=com", &[]),
        ("a=b; Domain=.com", &[]),
        ("a=b; Domain=qq.com.", &[]),
        ("a=b; Domain=wx2.qq.com.", &[]),
        ("a=b; Domain=evil.example", &[]),
        ("a=b; Domain=qq.com.evil.example", &[]),
        ("a=b; Domain=wx.qq.com", &[]),
        ("a=b; Domain=file.wx2.qq.com", &[]),
        ("a=b; Domain=2.qq.com", &[]),
        ("a=b; Domain=xqq.com", &[]),
        ("a=b; Domain=q.com", &[]),
        ("a=b; Domain=wechat.com", &[]),
        ("a=b; Domain=web.wechat.com", &[]),
        ("a=b; Domain=127.0.0.1", &[]),
        ("a=b; Domain=*.qq.com", &[]),
        ("a=b; Domain=%71q.com", &[]),
        ("a=b; Domain=ｑｑ.com", &[]),
        ("a=b; Domain=\"qq.com\"", &[]),
        ("a=b; Domain=qq.com:443", &[]),
        ("a=b; Domain=https://qq.com", &[]),
        ("a=b; Domain=qq.com, evil.example", &[]),
    ] {
        let jar = stored(&hosts, Role::Api, &[line], None);
        for uri in INSIDE {
            let expected = if goes.contains(&uri) { "a=b" } else { "" };
            assert_eq!(sent(&jar, &hosts, uri, NOW), expected, "{line} {uri}");
        }
        for uri in OUTSIDE {
            assert_eq!(sent(&jar, &hosts, uri, NOW), "", "{line} {uri}");
        }
    }
}

/// Threat N5: no host can set a cookie for another host or for the other base domain.
#[test]
fn n5_other_hosts_cannot_set_cookies() {
    let hosts = Hosts::new(Family::Web2);
    for (role, line, goes) in [
        (Role::File, "a=b; Domain=web2.wechat.com", "a=b"),
        (Role::File, "a=b", ""),
        (Role::File, "a=b; Domain=web.wechat.com", ""),
        (Role::Push, "a=b; Domain=login.web2.wechat.com", ""),
        // The host of the QR codes is the only one of the family under `qq.com`.
        (Role::QrCode, "a=b; Domain=qq.com", ""),
        (Role::QrCode, "a=b; Domain=wechat.com", ""),
        (Role::QrCode, "a=b", ""),
    ] {
        let jar = stored(&hosts, role, &[line], None);
        assert_eq!(sent(&jar, &hosts, "https://web2.wechat.com/", NOW), goes, "{role:?} {line}");
    }
}

/// Threat N5, as in CVE-2022-27776: another port or plain http is another host, even for a host
/// configured by the caller.
#[test]
fn n5_a_port_is_part_of_a_host() {
    let api: Origin = "https://proxy.example:8443".parse().unwrap();
    let hosts = Hosts::default().with(Role::Api, api);
    let jar = stored(&hosts, Role::Api, &["a=b", "c=d; Domain=proxy.example"], None);
    assert_eq!(sent(&jar, &hosts, "https://proxy.example:8443/", NOW), "a=b");
    for uri in [
        "https://proxy.example/", "http://proxy.example:8443/", "https://proxy.example:8444/",
        "https://a.proxy.example:8443/", "https://wx.qq.com/",
    ] {
        assert_eq!(sent(&jar, &hosts, uri, NOW), "", "{uri}");
    }
}
