//! Script replies.

use alloc::format;
use alloc::string::String;

use crate::wire::js::Script;

/// Checks that written values are parsed by the rules of JavaScript, which include JSON strings.
pub(super) fn script(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let script = Script::parse(&text);
    let mut whole = 0;
    for name in ["code", "QRLogin.uuid", "QRLogin.code", "synccheck.retcode", "redirect_uri"] {
        whole += script.text(name).map_or(0, str::len);
        assert!(script.number(name).is_none() || script.text(name).is_some());
    }
    // No value is longer than its source, and each has its own source.
    assert!(whole <= 3 * text.len());

    // Neither the kind of quotes nor the context matters.
    let escaped = text.replace('\\', "\\\\");
    for quote in ['"', '\''] {
        let value = escaped.replace(quote, &format!("\\{quote}"));
        let written = format!("window.a = {quote}{value}{quote};");
        assert_eq!(Script::parse(&written).text("a"), Some(&*text));
        let written = format!("window.o={{x:{quote}{value}{quote} , \"y\":7}}; window.z=8");
        let script = Script::parse(&written);
        let found = (script.text("o.x"), script.number("o.y"), script.number("z"));
        assert_eq!(found, (Some(&*text), Some(7), Some(8)));
    }
    // The same for strings written or accepted by `serde_json`.
    let written = serde_json::to_string(&text).expect("a string");
    assert_eq!(Script::parse(&format!("window.a={written};")).text("a"), Some(&*text));
    let quoted = format!("\"{text}\"");
    if let Ok(read) = serde_json::from_str::<String>(&quoted) {
        assert_eq!(Script::parse(&format!("window.a={quoted};")).text("a"), Some(&*read));
    }
    // Numbers are parsed in every notation.
    let digits = text.trim();
    if let Ok(number) = digits.parse::<i64>()
        && !digits.starts_with('+')
    {
        for written in [format!("window.code={digits};"), format!("window.code = '{digits}'")] {
            assert_eq!(Script::parse(&written).number("code"), Some(number));
        }
    }
}
