extern crate std;

use std::path::{Component, Path};

use alloc::format;

use alloc::vec::Vec;
use proptest::prelude::*;

use super::*;

fn safe(text: &str) -> String {
    FileName::from(text).0.into()
}

#[test]
fn harmless_names_are_kept() {
    for name in [
        "report.pdf", "报告 (最终版).docx", "a.tar.gz", "no extension", "😀👩‍👩‍👧.png",
        "❤\u{fe0f}.png", "it's #1 & 100%.txt", "console.log", "COM10", "_CON", "com.txt", "-rf",
    ] {
        assert_eq!(safe(name), name);
    }
}

#[test]
fn harmful_names_are_made_safe() {
    for (name, expected) in [
        ("", "file"),
        (".", "file"),
        ("..", "file"),
        (" . . ", "file"),
        ("/", "_"),
        ("../../etc/passwd", "_.._etc_passwd"),
        ("..\\..\\boot.ini", "_.._boot.ini"),
        ("/etc/passwd", "_etc_passwd"),
        ("C:\\Windows\\x.dll", "C__Windows_x.dll"),
        ("C:x", "C_x"),
        ("x.txt:stream", "x.txt_stream"),
        ("\\\\server\\share", "__server_share"),
        (".bashrc", "bashrc"),
        ("...hidden", "hidden"),
        ("x.txt. . ", "x.txt"),
        (" x.txt\u{3000}", "x.txt"),
        ("a\0b\nc\r\td\u{7f}\u{85}.txt", "a_b_c__d__.txt"),
        // The name is displayed as `xexe.jpg` where the override is applied.
        ("x\u{202e}gpj.exe", "xgpj.exe"),
        ("\u{feff}a\u{200f}b\u{2066}c\u{2029}", "abc_"),
        ("\u{200b}\u{3164}\u{fe0f}.\u{200d}", "file"),
        ("\u{ad}\u{2060}.txt", "txt"),
        ("\u{200d}C\u{200b}ON\u{e0041}", "_CON"),
        ("a*b?c\"d<e>f|g", "a_b_c_d_e_f_g"),
        ("CON", "_CON"),
        ("con", "_con"),
        ("Aux.txt", "_Aux.txt"),
        ("NUL .tar.gz", "_NUL .tar.gz"),
        ("com1", "_com1"),
        ("LPT9.x", "_LPT9.x"),
        ("COM².txt", "_COM².txt"),
        ("CONIN$", "_CONIN$"),
        (".prn", "_prn"),
    ] {
        assert_eq!(safe(name), expected, "{name:?}");
    }
}

#[test]
fn long_names_are_truncated_before_the_extension() {
    let long = safe(&format!("{}.pdf", "报".repeat(200)));
    assert!(long.len() <= 255 && long.len() > 250 && long.ends_with("报.pdf"), "{long}");
    let bare = safe(&"x".repeat(4096));
    assert_eq!(bare, "x".repeat(254));
    // Too long for an extension.
    let name = safe(&format!("{}.{}", "x".repeat(100), "y".repeat(300)));
    assert!(name.len() == 254 && name.starts_with("xxx"), "{name}");
    assert_eq!(safe(&"x".repeat(255)).len(), 255);
    // Truncation can leave a device name, and the prefix of a device name can make the name too
    // long.
    assert_eq!(safe(&format!("CON{}x", " ".repeat(300))), "_CON");
    let full = safe(&format!("con.{}", "x".repeat(251)));
    assert!(full.starts_with("_con.x") && full.len() <= 255, "{full}");
}

#[test]
fn encoded_names_are_decoded() {
    assert_eq!(FileName::of_encoded("%E6%8A%A5%2Epdf").as_str(), "报.pdf");
    assert_eq!(FileName::of_encoded("%2E%2E%2Fx").as_str(), "_x");
    let name = FileName::of_disposition(b"attachment; filename=\"..%2f..%5cx\"").unwrap();
    assert_eq!(name.as_str(), "_.._x");
    assert_eq!(FileName::of_disposition(b"inline"), None);
}

/// Asserts that a name is safe.
fn assert_safe(name: &FileName) {
    let text = name.as_str();
    assert!((1..=FileName::MAX).contains(&text.len()), "{text:?}");
    assert!(!text.contains(['/', '\\', ':', '\0']), "{text:?}");
    assert!(!text.chars().any(|c| is_harmful(c) || is_invisible(c) && !joins(c)), "{text:?}");
    assert_eq!(trimmed(text), text);
    let dir = Path::new("some/dir");
    let path = dir.join(text);
    assert_eq!(path.parent(), Some(dir));
    assert_eq!(path.file_name().and_then(|name| name.to_str()), Some(text));
    let mut components = Path::new(text).components();
    assert!(matches!(components.next(), Some(Component::Normal(_))), "{text:?}");
    assert!(components.next().is_none(), "{text:?}");
    // A safe name is unchanged.
    assert_eq!(FileName::from(text), *name);
}

proptest! {
    /// Threat U4.
    #[test]
    fn any_text_is_made_safe(text in any::<String>()) {
        assert_safe(&FileName::from(&*text));
        assert_safe(&FileName::of_encoded(&text));
    }

    /// Threat U4: text composed of harmful parts.
    #[test]
    fn harmful_text_is_made_safe(
        text in "([./\\\\: ]|%2[eEfF]|%5c|CON|nul|COM1|LPT³|\u{202e}|\u{0}|报|[a-z]{1,80}){0,30}",
    ) {
        assert_safe(&FileName::from(&*text));
        assert_safe(&FileName::of_encoded(&text));
        if let Some(name) = FileName::of_disposition(format!("a; filename=\"{text}\"").as_bytes()) {
            assert_safe(&name);
        }
    }

    /// Threat U4.
    #[test]
    fn any_disposition_is_made_safe(value in any::<Vec<u8>>()) {
        if let Some(name) = FileName::of_disposition(&value) {
            assert_safe(&name);
        }
    }

    /// An ordinary name round-trips through the header in each notation.
    #[test]
    fn names_round_trip(name in "[\\p{Han}a-zA-Z0-9_;,=' -]{1,40}\\.[a-z]{1,4}") {
        prop_assume!(trimmed(&name) == name && !name.starts_with("CON") && without_device_name(name.clone()) == name);
        let encoded = percent_encoding::utf8_percent_encode(&name, percent_encoding::NON_ALPHANUMERIC);
        for value in [
            format!("attachment; filename=\"{name}\""),
            format!("attachment; filename=\"{encoded}\""),
            format!("attachment; filename={encoded}; x=y"),
            format!("attachment; filename=x; filename*=UTF-8''{encoded}"),
        ] {
            let read = FileName::of_disposition(value.as_bytes()).unwrap();
            prop_assert_eq!(read.as_str(), &*name, "{}", value);
        }
    }
}
