//! Tests of the options.

use wechat_proto::error::Chain;

use super::*;

#[cfg(feature = "rustls")]
fn refused(options: &Options) -> String {
    Chain(&options.root_certificates().unwrap_err()).to_string()
}

#[cfg(feature = "rustls")]
const UNTRUSTED: &str =
    "the exchange failed: the server's certificate is not trusted (the request was not sent): ";

#[cfg(feature = "platform-verifier")]
#[test]
fn platform_verifier_refuses_additional_roots() {
    let options = Options::default().platform_verifier();
    assert!(options.uses_platform_verifier() && options.root_certificates().unwrap().is_empty());
    let options = options.root_certificate("x");
    let cause = "`Options::platform_verifier` excludes `Options::root_certificate`";
    assert_eq!(refused(&options), format!("{UNTRUSTED}{cause}"));
}

#[cfg(feature = "rustls")]
#[test]
fn certificates_are_read_in_der_and_pem_form() {
    let made = |name: &str| rcgen::generate_simple_self_signed([name.to_owned()]).unwrap().cert;
    let (first, second) = (made("a.example"), made("b.example"));
    let both = [first.pem(), second.pem()].concat();
    let options = Options::default().root_certificate(both);
    let options = options.root_certificate(first.der().to_vec());
    let roots = options.root_certificates().unwrap();
    assert_eq!(roots, [first.der().clone(), second.der().clone(), first.der().clone()]);

    let damaged = first.pem().replace("-----END CERTIFICATE", "-----END");
    let key = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
    for (malformed, cause) in [
        ("", "invalid peer certificate: BadEncoding"),
        ("x", "invalid peer certificate: BadEncoding"),
        (&damaged, "malformed PEM"),
        (key, "invalid peer certificate: BadEncoding"),
    ] {
        let options = Options::default().root_certificate(first.der().to_vec());
        let text = refused(&options.root_certificate(malformed));
        assert_eq!(text, format!("{UNTRUSTED}root certificate 2: {cause}"));
    }
}

#[test]
fn time_limits_are_clamped() {
    for (limit, used) in [
        (Duration::ZERO, Duration::from_millis(1)),
        (Duration::from_secs(3), Duration::from_secs(3)),
        (Duration::MAX, YEAR),
    ] {
        let options = Options::default().connect_timeout(limit).deadline_cap(limit);
        assert_eq!(options.connect_limit(), used);
        assert_eq!(options.capped(Duration::MAX), used);
        assert_eq!(options.capped(Duration::ZERO), Duration::ZERO);
    }
    assert_eq!(Options::default().capped(Duration::MAX), YEAR);
}

#[test]
fn configured_addresses_are_found_in_any_case() {
    let options = Options::default()
        .resolve("wx.QQ.com", ([127, 0, 0, 1], 4433).into())
        .resolve("zero.example", ([127, 0, 0, 2], 0).into());
    let address = |options: &Options, uri: &'static str| options.address(&Uri::from_static(uri));
    for (uri, expected) in [
        ("https://wx.qq.com/a", Some("127.0.0.1:4433")),
        ("https://WX.qq.com/a", Some("127.0.0.1:4433")),
        ("https://wx.qq.com:77/a", Some("127.0.0.1:77")),
        ("https://zero.example/", Some("127.0.0.2:443")),
        ("http://zero.example/", Some("127.0.0.2:80")),
        ("socks5://zero.example", Some("127.0.0.2:1080")),
        ("socks5h://zero.example", Some("127.0.0.2:1080")),
        ("http://127.0.0.9:5/", Some("127.0.0.9:5")),
        ("https://[::1]/", Some("[::1]:443")),
        ("https://unknown.example/", None),
    ] {
        let expected = expected.map(|address| address.parse().unwrap());
        assert_eq!(address(&options, uri).unwrap(), expected, "{uri}");
    }
    let failure = address(&options.resolve_only(), "https://qq.com/").unwrap_err();
    assert_eq!((failure.kind, failure.sent), (FailureKind::Resolve, Sent::No));
    assert_eq!(
        Chain(&failure).to_string(),
        "the host name could not be resolved (the request was not sent): \
         qq.com:443: name lookups are disabled"
    );
}

#[test]
fn debug_shows_no_password() {
    let options = Options::default().proxy("http://user:secret@127.0.0.1:3128").seed([77; 32]);
    let shown = format!("{options:?}");
    assert!(shown.contains("proxy: true") && !shown.contains("secret"), "{shown}");
    assert!(!shown.contains("77"), "{shown}");
}
