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
fn keeps_what_is_harmless() {
    for name in [
        "report.pdf",
        "报告 (最终版).docx",
        "a.tar.gz",
        "no extension",
        "😀👩‍👩‍👧.png",
        "it's #1 & 100%.txt",
        "console.log",
        "COM10",
        "_CON",
        "com.txt",
        "-rf",
    ] {
        assert_eq!(safe(name), name);
    }
}

#[test]
fn mends_what_is_not() {
    for (name, mended) in [
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
        // Shows as `xexe.jpg` where the override is obeyed.
        ("x\u{202e}gpj.exe", "x_gpj.exe"),
        ("\u{feff}a\u{200f}b\u{2066}c\u{2029}", "_a_b_c_"),
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
        assert_eq!(safe(name), mended, "{name:?}");
    }
}

#[test]
fn cuts_and_keeps_the_extension() {
    let long = safe(&format!("{}.pdf", "报".repeat(200)));
    assert!(long.len() <= 255 && long.len() > 250 && long.ends_with("报.pdf"), "{long}");
    let bare = safe(&"x".repeat(4096));
    assert_eq!(bare, "x".repeat(254));
    // That is no extension.
    let odd = safe(&format!("{}.{}", "x".repeat(100), "y".repeat(300)));
    assert!(odd.len() == 254 && odd.starts_with("xxx"), "{odd}");
    assert_eq!(safe(&"x".repeat(255)).len(), 255);
    // A device that the cut lays bare, and one that has no room for what frees it.
    assert_eq!(safe(&format!("CON{}x", " ".repeat(300))), "_CON");
    let full = safe(&format!("con.{}", "x".repeat(251)));
    assert!(full.starts_with("_con.x") && full.len() <= 255, "{full}");
}

#[test]
fn reads_what_the_service_encodes() {
    assert_eq!(FileName::of_encoded("%E6%8A%A5%2Epdf").as_str(), "报.pdf");
    assert_eq!(FileName::of_encoded("%2E%2E%2Fx").as_str(), "_x");
    let name = FileName::of_disposition(b"attachment; filename=\"..%2f..%5cx\"").unwrap();
    assert_eq!(name.as_str(), "_.._x");
    assert_eq!(FileName::of_disposition(b"inline"), None);
}

/// What every name has to be, whatever it was made of.
fn is_safe(name: &FileName) {
    let text = name.as_str();
    assert!((1..=FileName::MAX).contains(&text.len()), "{text:?}");
    assert!(!text.contains(['/', '\\', ':', '\0']), "{text:?}");
    assert!(!text.chars().any(is_harmful), "{text:?}");
    assert_eq!(trimmed(text), text);
    let dir = Path::new("some/dir");
    let path = dir.join(text);
    assert_eq!(path.parent(), Some(dir));
    assert_eq!(path.file_name().and_then(|name| name.to_str()), Some(text));
    let mut components = Path::new(text).components();
    assert!(matches!(components.next(), Some(Component::Normal(_))), "{text:?}");
    assert!(components.next().is_none(), "{text:?}");
    // Safe is safe.
    assert_eq!(FileName::from(text), *name);
}

proptest! {
    /// Threat U4.
    #[test]
    fn any_text_is_made_safe(text in any::<String>()) {
        is_safe(&FileName::from(&*text));
        is_safe(&FileName::of_encoded(&text));
    }

    /// Threat U4: made of what harms.
    #[test]
    fn harmful_text_is_made_safe(
        text in "([./\\\\: ]|%2[eEfF]|%5c|CON|nul|COM1|LPT³|\u{202e}|\u{0}|报|[a-z]{1,80}){0,30}",
    ) {
        is_safe(&FileName::from(&*text));
        is_safe(&FileName::of_encoded(&text));
        if let Some(name) = FileName::of_disposition(format!("a; filename=\"{text}\"").as_bytes()) {
            is_safe(&name);
        }
    }

    /// Threat U4.
    #[test]
    fn any_disposition_is_read(value in any::<Vec<u8>>()) {
        if let Some(name) = FileName::of_disposition(&value) {
            is_safe(&name);
        }
    }

    /// An ordinary name comes out of the header as it went in, however it is written.
    #[test]
    fn a_name_comes_back(name in "[\\p{Han}a-zA-Z0-9_;,=' -]{1,40}\\.[a-z]{1,4}") {
        prop_assume!(trimmed(&name) == name && !name.starts_with("CON") && freed(name.clone()) == name);
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
