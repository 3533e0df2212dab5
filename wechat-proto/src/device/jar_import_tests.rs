//! Tests of `Device::import_cookies`.

use super::*;
use crate::testing::{reply, with_cookies};
use crate::{Device, Entry};

/// The `Cookie` header of a logged-in browser.
const HEADER: &str = "wxuin=7; wxsid=s/+==; webwx_data_ticket=t";
/// The header of a request with all of these cookies.
const ALL: &str = "webwx_data_ticket=t; wxsid=s/+==; wxuin=7";

fn imported(mut device: Device) -> Device {
    assert_eq!(device.import_cookies(HEADER).unwrap(), 3);
    device
}

fn cookies_for(device: &Device, uri: &str) -> String {
    sent(&device.jar, &device.hosts, uri, NOW)
}

fn receive(device: &mut Device, uri: &str, line: &str) {
    device.receive(&uri.parse().unwrap(), &with_cookies(reply(""), &[line]), NOW);
}

/// The host of the QR codes is not a subdomain of that of the page, so it receives only the cookie of the
/// whole domain, and none of another domain. The file host of the file-transfer page belongs to
/// another family (`docs/protocol.md` §15).
#[test]
fn imported_cookies_are_sent_to_the_hosts_of_the_page() {
    let ticket = "webwx_data_ticket=t";
    let own = "wxsid=s/+==; wxuin=7; webwx_data_ticket=t";
    let web = Device::new();
    let wechat = Device::new().with_hosts(Hosts::new(Family::Web));
    let page = Device::new().with_entry(Entry::file_helper());
    for (device, rows) in [
        (
            web,
            &[
                (WX, ALL),
                ("https://login.wx.qq.com/", ALL),
                ("https://file.wx.qq.com/", ALL),
                ("https://webpush.wx.qq.com/", ALL),
                ("https://login.weixin.qq.com/", ticket),
                ("https://wx2.qq.com/", ""),
                ("http://wx.qq.com/", ""),
                ("https://evil.example/", ""),
            ][..],
        ),
        (
            wechat,
            &[
                ("https://web.wechat.com/", own),
                ("https://file.web.wechat.com/", own),
                ("https://webpush.web.wechat.com/", own),
                ("https://login.weixin.qq.com/", ""),
            ],
        ),
        (
            page,
            &[
                ("https://filehelper.weixin.qq.com/", own),
                ("https://file.wx.qq.com/", ticket),
                ("https://login.wx.qq.com/", ticket),
            ],
        ),
    ] {
        let device = imported(device);
        for (uri, cookies) in rows {
            assert_eq!(cookies_for(&device, uri), *cookies, "{uri}");
        }
    }
}

#[test]
fn single_origin_gets_all_imported_cookies() {
    for origin in ["http://127.0.0.1:99", "https://wx.qq.com"] {
        let hosts = Hosts::all(origin.parse().unwrap());
        let device = imported(Device::new().with_hosts(hosts));
        assert_eq!(cookies_for(&device, &format!("{origin}/")), ALL);
        for uri in ["https://file.wx.qq.com/", "http://127.0.0.1:98/"] {
            assert_eq!(cookies_for(&device, uri), "", "{origin}: {uri}");
        }
    }
}

/// The lines are as the service writes them (`docs/protocol.md` §1.7).
#[test]
fn renewed_cookie_replaces_the_imported_one() {
    let mut device = imported(Device::new());
    for line in [
        "wxsid=new; Domain=wx.qq.com; Path=/; Expires=Mon, 31-Dec-2035 11:12:21 GMT",
        "wxuin=8; Path=/; Secure",
        "webwx_data_ticket=u; Domain=.qq.com; Path=/; Secure",
    ] {
        receive(&mut device, WX, line);
    }
    assert_eq!(cookies_for(&device, WX), "webwx_data_ticket=u; wxsid=new; wxuin=8");
    receive(&mut device, WX, "wxsid=; Domain=wx.qq.com; Max-Age=0");
    assert_eq!(cookies_for(&device, WX), "webwx_data_ticket=u; wxuin=8");
    // Another import replaces them again.
    let device = imported(device);
    assert_eq!(cookies_for(&device, WX), ALL);
}

#[test]
fn imported_cookies_survive_storage_and_do_not_expire() {
    let device = imported(Device::new());
    let stored = serde_json::to_string(&device).unwrap();
    let device: Device = serde_json::from_str(&stored).unwrap();
    let later = NOW.after(Duration::from_secs(10 * 365 * 86_400));
    let cookies = sent(&device.jar, &device.hosts, WX, later);
    assert_eq!(cookies, ALL);
}

/// The last of several cookies with the same name wins.
#[test]
fn repeated_cookie_is_imported_once() {
    let mut device = Device::new();
    assert_eq!(device.import_cookies("wxuin=7; wxsid=a; wxuin=8").unwrap(), 2);
    assert_eq!(cookies_for(&device, WX), "wxsid=a; wxuin=8");
}

#[test]
fn name_of_the_cookie_header_is_accepted() {
    for line in ["Cookie: wxuin=7; wxsid=a", " cookie:wxuin=7; wxsid=a"] {
        let mut device = Device::new();
        assert_eq!(device.import_cookies(line).unwrap(), 2, "{line}");
        assert_eq!(cookies_for(&device, WX), "wxsid=a; wxuin=7");
    }
}

#[test]
fn malformed_import_adds_nothing() {
    let long = format!("wxuin=7; wxsid={}", "x".repeat(4096));
    for header in [
        "", " ; ;", "wxsid", "=s", "wxuin=7; wxsid", "wxuin=7; =s", "wxuin=7; wxsid=a b",
        "wxuin=7; wxsid=\u{e9}", "wxuin=7\r\nx: y", "wxuin=7; wxsid=s\r\nx: y",
        "wxuin=7; wx\0sid=s", &long,
    ] {
        let mut device = imported(Device::new());
        let error = device.import_cookies(header).unwrap_err();
        assert_eq!(error.what, "a Cookie header", "{header:?}");
        assert_eq!(device.jar.cookies.len(), 3, "{header:?}");
        assert_eq!(cookies_for(&device, WX), ALL, "{header:?}");
    }
}

#[test]
fn empty_values_and_separators_are_accepted() {
    let mut device = Device::new();
    assert_eq!(device.import_cookies(" a=;b=c ;; d==; ").unwrap(), 3);
    assert_eq!(cookies_for(&device, WX), "a=; b=c; d==");
}

proptest! {
    /// Threat N6: after any import, the next request can be built.
    #[test]
    fn n6_any_import_leaves_a_usable_jar(header in "[ -~é\u{0}\r\n;=]{0,200}") {
        let mut device = Device::new();
        let added = device.import_cookies(&header);
        prop_assert_eq!(added.is_ok(), !device.jar.cookies.is_empty());
        let http = Url::new(Role::Api, "/x").get(&mut device, NOW);
        prop_assert!(http.headers().get_all("cookie").iter().count() <= 1);
    }
}
