use proptest::prelude::*;

use super::*;
use crate::testing::NOW;
use crate::wire::fields::{Fields as _, Object};

proptest! {
    /// Any value can be decoded unchanged.
    #[test]
    fn values_can_be_decoded(value in any::<String>()) {
        let url = Url::new(Role::Api, "/x").with("a", &value).with("b", 1);
        let request = url.get(&mut Device::new(), NOW);
        let query = request.uri().query().unwrap();
        let raw = query.strip_prefix("a=").unwrap().strip_suffix("&b=1").unwrap();
        prop_assert!(raw.bytes().all(|byte| byte.is_ascii_graphic() && !b"&=#+".contains(&byte)));
        let decoded = percent_encoding::percent_decode_str(raw).decode_utf8().unwrap();
        prop_assert_eq!(decoded, value);
    }

    /// An encoded value is kept, any other is encoded. Neither affects other parameters.
    #[test]
    fn encoded_values_are_kept(value in "(%[0-9a-fA-F]{0,2}|[a-z.&=+# 报]){0,12}") {
        let url = Url::new(Role::Api, "/x").with_encoded("a", &value).with("b", 1);
        let request = url.get(&mut Device::new(), NOW);
        let query = request.uri().query().unwrap();
        let raw = query.strip_prefix("a=").unwrap().strip_suffix("&b=1").unwrap();
        prop_assert!(raw.bytes().all(|byte| byte.is_ascii_graphic() && !b"&=#+".contains(&byte)));
        let decoded = percent_encoding::percent_decode_str(raw).decode_utf8().ok();
        prop_assert!(raw == value || decoded.as_deref() == Some(&*value));
    }

    /// JSON stays literal: `docs/protocol.md` §1.3.
    #[test]
    fn json_is_literal(text in "[^\\x00-\\x1f\"\\\\]{0,40}") {
        let url = Url::new(Role::Api, "/x");
        let body = Object.with("a", &text).json();
        let request = url.post_json(&mut Device::new(), NOW, body);
        let body = request.into_body().into_bytes();
        let json = alloc::format!("{{\"a\":\"{text}\"}}");
        prop_assert_eq!(core::str::from_utf8(&body).unwrap(), json);
    }
}

/// `docs/protocol.md` §1.2: the ticket is encoded again, and the bar of a key is `%7C`.
#[test]
fn values_are_percent_encoded() {
    assert_eq!(encode("eOlWI%2FwIBMV").to_string(), "eOlWI%252FwIBMV");
    assert_eq!(encode("1_643606091|2_643606203").to_string(), "1_643606091%7C2_643606203");
    assert_eq!(encode("@crypt_cec4ff9f").to_string(), "%40crypt_cec4ff9f");
}

#[test]
fn encoded_components_are_recognised() {
    for encoded in ["", "a%2Epdf", "%e6%8A%a5(1).pdf"] {
        assert!(is_component(encoded), "{encoded}");
    }
    for plain in ["100%", "%2", "%zz", "a b", "a&b", "a=b", "a+b", "a#b", "报", "a/b", "@a"] {
        assert!(!is_component(plain), "{plain}");
    }
}

/// The headers are in the order of Chrome.
#[test]
fn headers_are_in_order() {
    let names = |request: http::Request<Body>| -> Vec<String> {
        request.headers().keys().map(ToString::to_string).collect()
    };
    let url = || Url::new(Role::Api, "/x").ranged();
    let get = names(url().get(&mut Device::new(), NOW));
    assert_eq!(get, ["host", "user-agent", "accept", "accept-encoding", "referer", "range"]);
    let post = names(url().post_json(&mut Device::new(), NOW, Vec::new()));
    assert_eq!(post[..6], get);
    assert_eq!(post[6..], ["origin", "content-type", "content-length"]);
}
