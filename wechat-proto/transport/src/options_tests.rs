//! Tests of the options.

use super::*;

#[cfg(feature = "rustls")]
fn kind<T: fmt::Debug>(result: Result<T, Error>) -> FailureKind {
    match result {
        Err(Error::Transport(failure)) => failure.kind,
        other => panic!("{other:?}"),
    }
}

#[cfg(feature = "platform-verifier")]
#[test]
fn platform_verifier_takes_no_other_roots() {
    let options = Options::default().platform_verifier();
    assert!(options.uses_platform_verifier() && options.root_certificates().unwrap().is_empty());
    let options = options.root_certificate("x");
    assert_eq!(kind(options.root_certificates()), FailureKind::Certificate);
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
    for malformed in ["", "x", &damaged, key] {
        let options = Options::default().root_certificate(malformed);
        assert_eq!(kind(options.root_certificates()), FailureKind::Certificate, "{malformed}");
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
fn addresses_are_found_in_any_case() {
    let address = SocketAddr::from(([127, 0, 0, 1], 0));
    let options = Options::default().resolve("WX.qq.com", address);
    assert_eq!(options.address("[::1]").unwrap(), Some("[::1]:0".parse().unwrap()));
    assert_eq!(options.address("wx.QQ.com").unwrap(), Some(address));
    assert_eq!(options.address("qq.com").unwrap(), None);
    let failure = options.resolve_only().address("qq.com").unwrap_err();
    assert_eq!((failure.kind, failure.sent), (FailureKind::Resolve, Sent::No));
}

#[test]
fn debug_shows_no_password() {
    let options = Options::default().proxy("http://user:secret@127.0.0.1:3128").seed([77; 32]);
    let shown = format!("{options:?}");
    assert!(shown.contains("proxy: true") && !shown.contains("secret"), "{shown}");
    assert!(!shown.contains("77"), "{shown}");
}
