//! Redirects of a login: `docs/threats.md` N1 to N3, S1.

use alloc::format;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;

use proptest::prelude::*;

use super::*;
use crate::endpoint::Endpoint as _;
use crate::hosts::{Family, Role};
use crate::login::{CheckScan, RedeemTicket, Redeemed, Scan};
use crate::testing::{http_of, reply};
use crate::{Device, Entry, Hosts};

/// The hosts of the web and desktop entries.
const TABLE: [&str; 5] =
    ["wx.qq.com", "wx2.qq.com", "wx8.qq.com", "web.wechat.com", "web2.wechat.com"];

/// Follows an address from a `redirect_uri`. Returns the URI of the next request; `None` if the
/// address is refused.
fn follow(device: &mut Device, address: &str) -> Option<String> {
    let script = format!("window.code=200;\nwindow.redirect_uri=\"{address}\";");
    let scan = CheckScan::new("x".parse().unwrap());
    let Ok(Scan::Confirmed { redirect }) = scan.parse(&reply(&script)) else { return None };
    let ticket = device.enter(redirect).ok()?;
    Some(http_of(ticket, device).uri().to_string())
}

/// Follows a `redirecturl` in the login page, of which only the host is used.
fn move_to(device: &mut Device, address: &str) -> Option<()> {
    let page = format!(
        "<error><ret>0</ret><redirecturl>{}</redirecturl></error>",
        html_escape::encode_text(address)
    );
    let ticket = RedeemTicket { redirect: format!("https://wx.qq.com{REST}").parse().unwrap() };
    let Ok(Redeemed::Elsewhere(redirect)) = ticket.parse(&reply(&page)) else { return None };
    device.enter(redirect).ok().map(drop)
}

fn origins(device: &Device) -> Vec<String> {
    let roles = [Role::Login, Role::QrCode, Role::Api, Role::File, Role::Push];
    roles.map(|role| device.hosts().origin(role).to_string()).into()
}

/// Returns the stored form.
fn stored(device: &Device) -> String {
    serde_json::to_string(device).unwrap()
}

/// Checks that both functions refuse an address, without changing the device.
fn refused(address: &str) {
    let mut device = Device::new();
    assert_eq!(follow(&mut device, address), None, "{address}");
    assert_eq!(move_to(&mut device, address), None, "{address}");
    assert_eq!(stored(&device), stored(&Device::new()), "{address}");
}

const REST: &str = "/cgi-bin/mmwebwx-bin/webwxnewloginpage?ticket=A@qrticket_0&uuid=Y==&scan=1";

/// The hosts from which the tests below derive refused addresses are accepted themselves.
#[test]
fn all_five_hosts_are_accepted() {
    for host in TABLE {
        let address = format!("https://{host}{REST}");
        let mut device = Device::new();
        let uri = follow(&mut device, &address).unwrap();
        assert!(uri.starts_with(&address), "{uri}");
        let mut moved = Device::new();
        move_to(&mut moved, &address).unwrap();
        assert_eq!(origins(&moved), origins(&device));
        let is_own =
            |origin: &String| origin.ends_with(host) || origin == "https://login.weixin.qq.com";
        assert!(origins(&device).iter().all(is_own));
    }
}

/// Threat N1.
#[test]
fn n1_lookalike_hosts_are_refused() {
    for host in [
        "evil", "evil.example", "wx.qq.com.evil.test", "wx.qq.com.test", "wx.qq.com-evil.test",
        "wx.qq.comevil.test", "evilwx.qq.com", "evil-wx.qq.com", "evil.wx.qq.com",
        "wx.qq.com.wx.qq.com", "wx1.qq.com", "wx22.qq.com", "wxqq.com", "wx-qq.com", "wx.qq.co",
        "wx.qq.com.cn", "qq.com", "com", "login.wx.qq.com", "file.wx.qq.com", "webpush.wx.qq.com",
        "wechat.com", "web.wechat.com.evil.test", "filehelper.weixin.qq.com",
        // The host is `evil`, despite the user name before it.
        "wx.qq.com@evil.example", "wx.qq.com:443@evil.example", "wx.qq.com:x@evil.example:443",
        "wx.qq.com%40evil.example", "evil@wx.qq.com", "@wx.qq.com", ":@wx.qq.com",
        "evil.example#.wx.qq.com", "evil.example#@wx.qq.com", "evil.example?@wx.qq.com",
        "evil.example?.wx.qq.com", "evil.example/wx.qq.com", "evil.example\\@wx.qq.com",
        "evil.example\\\\@wx.qq.com", "wx.qq.com\\@evil.example", "wx.qq.com\\.evil.example",
        "wx.qq.com,evil.example", "wx.qq.com;evil.example", "wx.qq.com&evil.example", "",
    ] {
        refused(&format!("https://{host}{REST}"));
    }
}

/// Threat N2.
#[test]
fn n2_other_schemes_ports_and_spellings_are_refused() {
    for address in [
        "http://wx.qq.com",
        "HTTP://wx.qq.com",
        "ftp://wx.qq.com",
        "httpss://wx.qq.com",
        "javascript://wx.qq.com",
        "//wx.qq.com",
        "https:wx.qq.com",
        "https:/wx.qq.com",
        "https:///wx.qq.com",
        "https:\\\\wx.qq.com",
        "wx.qq.com",
        "https://wx.qq.com:8443",
        "https://wx.qq.com:80",
        "https://wx.qq.com:443",
        "https://wx.qq.com:0443",
        "https://wx.qq.com:",
        "https://wx.qq.com:99999",
        "https://wx.qq.com.",
        "https://.wx.qq.com",
        "https://wx..qq.com",
        "https://WX.qq.com",
        "https://wx.QQ.COM",
        "https://wx%2eqq.com",
        "https://wx%2Eqq%2Ecom",
        "https://127.0.0.1",
        "https://[::1]",
        "https://[::ffff:127.0.0.1]",
        "https://203.0.113.7",
        "https://2130706433",
        "https://0x7f000001",
        "https://0177.0.0.1",
        "https://127.1",
        "https://xn--wx-qq-com.test",
        "https://xn--w-3fd.qq.com",
        "https://wx.xn--qq-0ia.com",
        "https://wх.qq.com",
        "https://wⅹ.qq.com",
        "https://ｗｘ.qq.com",
        "https://wx.qq。com",
        "https://wx．qq．com",
        "https://wx.qq.com\u{200b}",
        "https://wx.qq.com\u{ad}",
        "https://wx\t.qq.com",
        "https://wx.qq.com\r\nhost: evil.example",
        " https://wx.qq.com",
        "https://wx.qq.com ",
        "https://wx.qq.com\u{0}.evil.example",
    ] {
        // The page may have white space around an address.
        let spaced = address.starts_with(' ');
        if !spaced {
            refused(&format!("{address}{REST}"));
        }
        let mut device = Device::new();
        assert_eq!(follow(&mut device, &format!("{address}{REST}")), None, "{address}");
        assert_eq!(stored(&device), stored(&Device::new()), "{address}");
    }
}

/// Threat N2: only the exact origin that the caller set may be http.
#[test]
fn n2_only_the_callers_origin_may_be_http() {
    let local: crate::hosts::Origin = "http://127.0.0.1:8080".parse().unwrap();
    let device = || Device::new().with_hosts(Hosts::all(local.clone()));
    let address = format!("{local}{REST}");
    assert!(follow(&mut device(), &address).unwrap().starts_with(&address));
    // It is refused unless the caller set it.
    refused(&address);
    for other in [
        "http://127.0.0.1", "http://127.0.0.1:8081", "https://127.0.0.1:8080",
        "http://localhost:8080", "http://[::1]:8080", "http://127.1:8080",
        "http://2130706433:8080", "http://a@127.0.0.1:8080", "http://127.0.0.1:8080@evil.example",
        "https://wx.qq.com",
    ] {
        let mut here = device();
        assert_eq!(follow(&mut here, &format!("{other}{REST}")), None, "{other}");
        assert_eq!(move_to(&mut here, &format!("{other}{REST}")), None, "{other}");
        assert_eq!(stored(&here), stored(&device()), "{other}");
    }
}

/// Threat N3.
#[test]
fn n3_other_paths_and_overlong_queries_are_refused() {
    let long = format!("{}?{}", Redirect::PATH, "a".repeat(4096));
    for rest in [
        "",
        "/",
        "?ticket=1",
        "/cgi-bin/mmwebwx-bin/webwxnewloginpage",
        "/cgi-bin/mmwebwx-bin/webwxnewloginpage/?ticket=1",
        "//cgi-bin/mmwebwx-bin/webwxnewloginpage?ticket=1",
        "/cgi-bin//mmwebwx-bin/webwxnewloginpage?ticket=1",
        "/cgi-bin/mmwebwx-bin/./webwxnewloginpage?ticket=1",
        "/cgi-bin/mmwebwx-bin/x/../webwxnewloginpage?ticket=1",
        "/x/../cgi-bin/mmwebwx-bin/webwxnewloginpage?ticket=1",
        "/cgi-bin/mmwebwx-bin/webwxnewloginpage;x?ticket=1",
        "/cgi-bin/mmwebwx-bin/webwxnewloginpage%3Fticket=1",
        "/cgi-bin/mmwebwx-bin/webwxlogout?ticket=1",
        "/cgi-bin/mmwebwx-bin/webwxnewloginpage?ticket=1#x",
        "/cgi-bin/mmwebwx-bin/webwxnewloginpage?ticket=1 2",
        "/cgi-bin/mmwebwx-bin/webwxnewloginpage?ticket=1\r\nx: y",
        "/cgi-bin/mmwebwx-bin/webwxnewloginpage?ticket=报",
        "/cgi-bin/mmwebwx-bin/webwxnewloginpage?ticket=\\",
        &long,
    ] {
        let mut device = Device::new();
        assert_eq!(follow(&mut device, &format!("https://wx.qq.com{rest}")), None, "{rest}");
        assert_eq!(stored(&device), stored(&Device::new()), "{rest}");
    }
    // The query is sent unchanged: encoding it again leads to 1203.
    let odd = "/cgi-bin/mmwebwx-bin/webwxnewloginpage?ticket=A%2b+@=/==&x=%e4&&y=a|b";
    let uri = follow(&mut Device::new(), &format!("https://wx.qq.com{odd}")).unwrap();
    assert!(uri.starts_with(&format!("https://wx.qq.com{odd}&fun=new")), "{uri}");
}

/// Generates addresses, many of them almost valid.
fn address() -> impl Strategy<Value = String> {
    let scheme = prop::sample::select(
        &["https://", "https://", "https://", "http://", "https:/", "https:", "//", "HTTPS://", ""]
            [..],
    );
    let piece = prop_oneof![
        4 => prop::sample::select(&TABLE[..]),
        3 => prop::sample::select(&[
            "evil.example", "filehelper.weixin.qq.com", "login.wx.qq.com", "127.0.0.1", "[::1]", "1",
            "wx", "qq", "com", "xn--", "WX.QQ.COM",
        ][..]),
        3 => prop::sample::select(&[
            "@", ":", "443", ".", "\\", "/", "#", "?", "%2e", "%40", "。", "ｗ", "-", "&", ";", "\t",
            "\u{200b}",
        ][..]),
    ];
    let host = prop::collection::vec(piece, 1..4).prop_map(|pieces| pieces.concat());
    let rest = prop_oneof![4 => Just(String::from(REST)), 1 => "[/?#@:.%a-z\\\\]{0,20}"];
    (scheme, host, rest).prop_map(|(scheme, host, rest)| format!("{scheme}{host}{rest}"))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1024))]

    /// Threats N1, N2: every followed address has one of the five hosts for every URL parser, with
    /// TLS on the default port, and all later requests go to that family.
    #[test]
    fn n1_followed_addresses_are_in_the_table(address in address()) {
        let mut device = Device::new();
        if let Some(uri) = follow(&mut device, &address) {
            // The address is parsed as browsers and the adapters do.
            let browser = url::Url::parse(&uri).unwrap();
            prop_assert_eq!(browser.scheme(), "https");
            prop_assert_eq!((browser.username(), browser.password()), ("", None));
            prop_assert_eq!(browser.port(), None);
            prop_assert!(TABLE.contains(&browser.host_str().unwrap()), "{}", uri);
            let ours: http::Uri = uri.parse().unwrap();
            prop_assert_eq!(ours.host(), browser.host_str());
            prop_assert_eq!(ours.path(), Redirect::PATH);
        } else {
            prop_assert_eq!(stored(&device), stored(&Device::new()));
        }
        let mut moved = Device::new();
        if move_to(&mut moved, &address).is_none() {
            prop_assert_eq!(stored(&moved), stored(&Device::new()));
        }
        for device in [device, moved] {
            let families = Family::WEB.map(|family| Device::new().with_hosts(Hosts::new(family)));
            prop_assert!(families.iter().any(|family| origins(family) == origins(&device)));
        }
    }
}

/// Threat N1: the file-transfer page has its own table.
#[test]
fn n1_each_entry_has_its_own_table() {
    for family in Family::FILE_HELPER {
        let address = format!("https://{}{REST}", family.host());
        refused(&address);
        let mut device = Device::new().with_entry(Entry::file_helper());
        assert!(follow(&mut device, &address).is_some());
        for host in TABLE {
            assert_eq!(follow(&mut device, &format!("https://{host}{REST}")), None);
        }
    }
}

/// Threat S1.
#[test]
fn untrusted_error_shows_only_the_host() {
    for text in [
        "https://evil.example#ticket=secret",
        "https://secret:secret@evil.example/x?ticket=secret",
        "https://evil.example\\secret",
        "https://evil.example?secret",
        "evil.example/secret",
    ] {
        let Err(Error::Untrusted { host }) = text.parse::<Redirect>() else { panic!("{text}") };
        assert_eq!(&*host, "evil.example", "{text}");
    }
    // A valid address of another host.
    for user in ["", "secret@", "secret:secret@", "wx.qq.com:secret@"] {
        let path = "cgi-bin/mmwebwx-bin/webwxnewloginpage?ticket=secret";
        let redirect = format!("https://{user}evil.example/{path}").parse::<Redirect>();
        let refused = redirect.and_then(|redirect| Device::new().enter(redirect));
        let Err(Error::Untrusted { host }) = refused else { panic!("{user}") };
        assert_eq!(&*host, "evil.example", "{user}");
    }
    let shown = format!("{:?}", Redirect::elsewhere("https://wx.qq.com/?ticket=secret").unwrap());
    assert_eq!(shown, "Redirect { host: \"wx.qq.com\", .. }");
}
