use base64::prelude::{BASE64_STANDARD, BASE64_STANDARD_NO_PAD};
use proptest::prelude::*;

use super::*;

const SKEY: &str = "@crypt_cec4ff9f_77fec3e1";

fn masks() -> Masks {
    let mut masks = Masks::default();
    masks.learn(format!(r#"{{"Skey":"{SKEY}","Sid":"2qui+CC4/TiI=","Uin":752650838}}"#).as_bytes());
    masks
}

#[test]
fn one_secret_has_one_mask_in_every_encoding() {
    let mut masks = masks();
    for (text, shown) in [
        (format!("a {SKEY} b"), "a <skey-1> b"),
        ("x?skey=%40crypt_cec4ff9f_77fec3e1&y".into(), "x?skey=<skey-1>&y"),
        ("x?skey=%2540crypt%255Fcec4ff9f_77fec3e1".into(), "x?skey=<skey-1>"),
        ("2qui+CC4/TiI= 2qui CC4/TiI= 2qui%2BCC4%2fTiI%3D".into(), "<sid-1> <sid-1> <sid-1>"),
        (r#"\"Sid\":\"2qui\u002bCC4\/TiI=\""#.into(), r#"\"Sid\":\"<sid-1>\""#),
        ("wxuin=752650838; n=17526508381".into(), "wxuin=1000000001; n=17526508381"),
        ("another Skey=abcdefg.".into(), "another Skey=<skey-2>"),
    ] {
        assert_eq!(masks.text(&text, Style::Shown), shown, "{text}");
    }
}

#[test]
fn short_secrets_are_masked_only_in_named_fields() {
    let mut masks = Masks::default();
    assert_eq!(masks.text("sid=ab&x=ab", Style::Copied), "sid=__sid-1__&x=ab");
}

#[test]
fn secrets_in_base64_are_masked() {
    let mut masks = masks();
    for before in ["", "a", "ab", "abc"] {
        let text = format!("{before}{SKEY}!");
        let masked = masks.text(&BASE64_STANDARD.encode(&text), Style::Copied);
        let decoded = BASE64_STANDARD.decode(&masked).unwrap();
        assert_eq!(decoded, format!("{before}__skey-1__!").as_bytes());
        // The Base64 text follows other digits.
        let joined = format!("{before}{}", BASE64_STANDARD_NO_PAD.encode(SKEY));
        assert!(masks.text(&joined, Style::Copied).starts_with(before));
        assert_ne!(masks.text(&joined, Style::Copied), joined);
    }
    let twice = BASE64_STANDARD.encode(BASE64_STANDARD.encode(SKEY));
    assert_ne!(masks.text(&twice, Style::Copied), twice);
    let harmless = BASE64_STANDARD.encode("nothing to hide here");
    assert_eq!(masks.text(&harmless, Style::Copied), harmless);
}

#[test]
fn equal_ids_have_equal_masks() {
    let mut masks = Masks::default();
    let [a, b] = ["@0123456789abcdef", "@@0123456789abcdef"];
    let masked = masks.text(&format!("{a},{b},{a}0,{a}"), Style::Copied);
    assert_eq!(masked, "@person1,@@room1,@person2,@person1");
}

#[test]
fn masks_of_a_copy_are_kept() {
    let mut masks = Masks::default();
    let copy = "skey=__skey-3__&sid=abcdefgh&path=__skey-3__";
    assert_eq!(masks.text(copy, Style::Copied), "skey=__skey-3__&sid=__sid-1__&path=__skey-3__");
    assert_eq!(masks.text(copy, Style::Shown), "skey=<skey-3>&sid=<sid-1>&path=<skey-3>");
}

proptest! {
    /// A masked text does not contain the secret, in any encoding and context.
    #[test]
    fn no_secret_is_left(
        secret in "[A-Za-z0-9+/=@_-]{8,40}",
        before in "[ -~]{0,12}",
        after in "[ -~]{0,12}",
        notation in 0..5usize,
    ) {
        let mut masks = Masks::default();
        masks.learn_value(&secret, Kind::Secret("skey"));
        let percent = |text: &str| -> String {
            text.bytes().map(|byte| format!("%{byte:02X}")).collect()
        };
        let written = match notation {
            0 => secret.clone(),
            1 => percent(&secret),
            2 => percent(&secret).replace('%', "%25"),
            3 => secret.replace('/', "\\/").replace('+', "\\u002b").replace('=', "&#61;"),
            _ => BASE64_STANDARD.encode(format!("{before} {secret} {after}")),
        };
        let masked = masks.text(&format!("{before} {written} {after}"), Style::Copied);
        let left = |text: &[u8]| {
            let folded = Canonical::of(text).folded();
            let secret = Canonical::of(secret.as_bytes()).folded();
            folded.windows(secret.len()).any(|window| window == secret)
        };
        prop_assert!(!left(masked.as_bytes()), "{masked}");
        for token in tokens(masked.as_bytes()) {
            if let Some((bytes, ..)) = decoded(&masked.as_bytes()[token], 0) {
                prop_assert!(!left(&bytes), "{masked}");
            }
        }
    }
}
