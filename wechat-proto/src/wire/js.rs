//! Script replies: `window.code=201;window.userAvatar = '…';` (`docs/shapes.md`).
//!
//! Scans for assignments to properties of `window`, without evaluating anything.

use alloc::borrow::Cow;
use alloc::collections::BTreeMap;

use super::mend::unescape;

/// The assignments of a script: `QRLogin.uuid` → `gf5Gk61zEA==`, `synccheck.retcode` → `0`.
#[derive(Debug, Default, Eq, PartialEq)]
pub(crate) struct Script<'a>(BTreeMap<Cow<'a, str>, Cow<'a, str>>);

/// The maximum number of assignments, more than any reply has.
const ASSIGNMENTS: usize = 32;
/// The maximum length of a name, which limits the copies of an object's name for its members.
const NAME: usize = 64;

impl<'a> Script<'a> {
    /// Parses all assignments of `text` and skips everything else.
    pub(crate) fn parse(text: &'a str) -> Self {
        let mut script = Self::default();
        let mut rest = text;
        while let Some(start) = rest.find("window.")
            && script.0.len() < ASSIGNMENTS
        {
            let mut scanner = Scanner { rest: rest.get(start + 7..).unwrap_or_default() };
            let target = scanner.name();
            if scanner.sign('=') && (1..=NAME).contains(&target.len()) {
                if scanner.sign('{') {
                    script.members(target, &mut scanner);
                } else if let Some(value) = scanner.value() {
                    script.0.insert(Cow::Borrowed(target), value);
                }
            }
            rest = scanner.rest;
        }
        script
    }

    /// Parses the members of an object: `{retcode:"0",selector:"2"}`.
    fn members(&mut self, target: &str, scanner: &mut Scanner<'a>) {
        while self.0.len() < ASSIGNMENTS {
            let name = match scanner.quoted() {
                Some(name) => name,
                None => Cow::Borrowed(scanner.name()),
            };
            if !scanner.sign(':') {
                return;
            }
            let Some(value) = scanner.value() else { return };
            self.0.insert([target, ".", &name].concat().into(), value);
            if !scanner.sign(',') {
                return;
            }
        }
    }

    /// Returns the text assigned to `window.<name>`.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(AsRef::as_ref)
    }

    /// Returns the integer assigned to `window.<name>`, written as a number or as text.
    pub(crate) fn number(&self, name: &str) -> Option<i64> {
        self.text(name)?.trim().parse().ok()
    }
}

struct Scanner<'a> {
    rest: &'a str,
}

impl<'a> Scanner<'a> {
    /// Consumes `sign` if it is next, ignoring white space.
    fn sign(&mut self, sign: char) -> bool {
        match self.rest.trim_start().strip_prefix(sign) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    /// Consumes a dotted name, which may be empty.
    fn name(&mut self) -> &'a str {
        let text = self.rest.trim_start();
        let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '$' | '.');
        let (name, rest) = text.split_at(text.find(|c| !legal(c)).unwrap_or(text.len()));
        self.rest = rest;
        name
    }

    /// Consumes a string or a bare word.
    fn value(&mut self) -> Option<Cow<'a, str>> {
        if let Some(text) = self.quoted() {
            return Some(text);
        }
        let text = self.rest.trim_start();
        let ends = |c: char| c.is_whitespace() || matches!(c, ';' | ',' | '}' | '"' | '\'');
        let (word, rest) = text.split_at(text.find(ends).unwrap_or(text.len()));
        self.rest = rest;
        (!word.is_empty()).then_some(Cow::Borrowed(word))
    }

    /// Consumes a string in single or double quotes. Returns `None` if there is none, or if it is
    /// unterminated.
    fn quoted(&mut self) -> Option<Cow<'a, str>> {
        let text = self.rest.trim_start();
        let quote = text.chars().next().filter(|c| matches!(c, '"' | '\''))?;
        let body = text.get(1..)?;
        let mut escaped = false;
        let mut plain = true;
        for (at, c) in body.char_indices() {
            if escaped {
                escaped = false;
            } else if c == '\\' {
                escaped = true;
                plain = false;
            } else if c == quote {
                let (inside, rest) = body.split_at(at);
                self.rest = rest.get(1..)?;
                return Some(if plain {
                    Cow::Borrowed(inside)
                } else {
                    unescape(inside, true).into()
                });
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn scripts_of_the_service_are_parsed() {
        let code = "window.QRLogin.code = 200; window.QRLogin.uuid = \"gf5Gk61zEA==\";";
        let avatar = "window.code=201;window.userAvatar = 'data:img/jpg;base64,/9j/4A==';";
        let redirect = "window.code=200;\nwindow.redirect_uri=\"https://a/b?c=d&e=@f==\";";
        let closed = "window.synccheck = { retcode : '1101' , selector : 0 } ;";
        for (text, name, value) in [
            (code, "QRLogin.uuid", "gf5Gk61zEA=="),
            (code, "QRLogin.code", "200"),
            ("window.code=408;", "code", "408"),
            ("window.code=408", "code", "408"),
            (avatar, "userAvatar", "data:img/jpg;base64,/9j/4A=="),
            (redirect, "redirect_uri", "https://a/b?c=d&e=@f=="),
            ("window.synccheck={retcode:\"0\",selector:\"2\"}", "synccheck.selector", "2"),
            (closed, "synccheck.retcode", "1101"),
            ("window.synccheck={\"retcode\":\"0\",\"selector\":\"7\"}", "synccheck.selector", "7"),
            (" \u{feff}window . x=1; window.code = 7", "code", "7"),
            (r"window.a='\x41\u4e2d\/\'\n'", "a", "A中/'\n"),
            (r"window.a='\b\f\v\t\r\q'", "a", "\u{8}\u{c}\u{b}\t\rq"),
        ] {
            assert_eq!(Script::parse(text).text(name), Some(value), "{text}");
        }
        assert_eq!(Script::parse("window.code=\"12\"").number("code"), Some(12));
    }

    /// A character above U+FFFF is written as a surrogate pair; a lone surrogate is invalid.
    #[test]
    fn surrogate_pairs_are_decoded() {
        for (text, value) in [
            (r"\ud83d\ude04!", "😄!"),
            (r"\ud83d!", "\u{fffd}!"),
            (r"\ude04\ud83d", "\u{fffd}\u{fffd}"),
            (r"\ud83d\ud83d\ude04", "\u{fffd}😄"),
            (r"\ud83d\u12", "\u{fffd}\u{fffd}12"),
            (r"\u+123\x+1", "\u{fffd}+123\u{fffd}+1"),
        ] {
            let script = alloc::format!("window.a='{text}';");
            assert_eq!(Script::parse(&script).text("a"), Some(value), "{text}");
        }
    }

    /// `docs/threats.md` R2: a long name is not copied for each of its many members.
    #[test]
    fn overlong_names_are_ignored() {
        let members = "a:1,".repeat(100_000);
        let name = "n".repeat(NAME);
        for (name, number) in [(name.clone() + "n", None), (name, Some(1))] {
            let script = alloc::format!("window.{name}={{{members}}};window.code=200");
            let script = Script::parse(&script);
            assert_eq!(script.number(&(name + ".a")), number);
            assert_eq!(script.number("code"), Some(200));
        }
    }

    #[test]
    fn malformed_scripts_have_no_values() {
        for text in [
            "", "window", "window.", "window.=1", "window.code", "window.code=", "code=200",
            "window.code=\"20", "<html>window.</html>", "window.synccheck={retcode", "{}",
        ] {
            let script = Script::parse(text);
            assert_eq!(script.number("code"), None, "{text}");
            assert_eq!(script.number("synccheck.retcode"), None, "{text}");
        }
        assert_eq!(Script::parse("window.code=999999999999999999999").number("code"), None);
    }

    proptest! {
        #[test]
        fn any_string_is_parsed(value in "[^\"\\\\]{0,40}") {
            let text = alloc::format!("window.a=\"{value}\";window.b=1");
            let script = Script::parse(&text);
            prop_assert_eq!(script.text("a"), Some(value.as_str()));
            if !value.contains("window.") {
                prop_assert_eq!(script.number("b"), Some(1));
            }
        }
    }
}
