//! A fast reader for the JSON that the service usually writes.
//!
//! A [`Reader`] parses plain values itself: objects, lists, integers, strings without escapes. It
//! passes any other value to `serde_json`. If the structure of the text is not plain (an escaped
//! name, a surplus comma, trailing text), it gives up, and `serde_json` parses or refuses the whole
//! text. It therefore accepts only what `serde_json` accepts, with the same result. Its recursion is
//! limited by the depth of the types: `serde_json` skips values without a field in the type, of any
//! depth (`docs/threats.md` J1).

use serde::de::{DeserializeOwned, IgnoredAny};

use super::lenient::Lenient;

/// A position in a JSON text.
pub(crate) struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Reader<'a> {
    /// Parses a whole text; `None` if `serde_json` has to parse it.
    pub(crate) fn read<T: Lenient>(text: &'a str) -> Option<T> {
        let mut reader = Self { text, at: 0 };
        let value = T::quick(&mut reader)?;
        reader.peek().is_none().then_some(value)
    }

    /// Consumes a punctuation byte and leading white space. Returns `false` if another byte is next.
    #[inline]
    pub(crate) fn take(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    /// Consumes these bytes and leading white space. Returns `false` if other bytes are next.
    #[inline]
    pub(crate) fn take_all(&mut self, bytes: &str) -> bool {
        self.peek();
        let rest = self.text.as_bytes().get(self.at..).unwrap_or_default();
        let found = rest.starts_with(bytes.as_bytes());
        if found {
            self.at += bytes.len();
        }
        found
    }

    /// Consumes the punctuation after a value in an object or a list. Returns whether another value
    /// follows, or `None` if there is neither a comma nor `end`.
    #[inline]
    pub(crate) fn more(&mut self, end: u8) -> Option<bool> {
        match self.peek()? {
            b',' => self.at += 1,
            byte if byte == end => {
                self.at += 1;
                return Some(false);
            }
            _ => return None,
        }
        Some(true)
    }

    /// Consumes the name of a field.
    #[inline]
    pub(crate) fn name(&mut self) -> Option<&'a str> {
        let name = self.string()?;
        self.take(b':').then_some(name)
    }

    /// Consumes a string without escapes. Returns `None`, without consuming, for any other value.
    #[inline]
    pub(crate) fn string(&mut self) -> Option<&'a str> {
        if self.peek() != Some(b'"') {
            return None;
        }
        let start = self.at + 1;
        let end = start + plain(self.text.as_bytes().get(start..)?)?;
        self.at = end + 1;
        self.text.get(start..end)
    }

    /// Consumes an integer of at most 18 digits. Returns `None`, without consuming, for any other
    /// value.
    #[inline]
    pub(crate) fn integer(&mut self) -> Option<i64> {
        let (number, digits, end) = self.number()?;
        // Every integer of up to 18 digits fits.
        (digits <= 18).then(|| {
            self.at = end;
            number
        })
    }

    /// Parses an integer and returns it with its number of digits and its end. The value is
    /// unspecified if it has too many digits.
    #[inline]
    fn number(&mut self) -> Option<(i64, usize, usize)> {
        self.peek()?;
        let rest = self.text.as_bytes().get(self.at..)?;
        let (negative, unsigned) = match rest {
            [b'-', unsigned @ ..] => (true, unsigned),
            _ => (false, rest),
        };
        let (mut number, mut digits) = (0_i64, 0);
        let mut after = None;
        for byte in unsigned {
            let digit = byte.wrapping_sub(b'0');
            if digit > 9 {
                after = Some(*byte);
                break;
            }
            number = number.wrapping_mul(10).wrapping_add(digit.into());
            digits += 1;
        }
        // `serde_json` parses `-0` as a float and refuses `00`.
        let plain = match unsigned {
            [b'0', ..] => digits == 1 && !negative,
            _ => digits > 0,
        };
        if !plain || matches!(after, Some(b'.' | b'e' | b'E')) {
            return None;
        }
        let number = if negative { number.wrapping_neg() } else { number };
        Some((number, digits, self.at + usize::from(negative) + digits))
    }

    /// Parses a value with `serde_json`.
    #[cold]
    pub(crate) fn other<T: DeserializeOwned>(&mut self) -> Option<T> {
        let mut values = serde_json::Deserializer::from_str(self.text.get(self.at..)?).into_iter();
        let value = values.next()?.ok()?;
        self.at += values.byte_offset();
        Some(value)
    }

    /// Skips a value.
    pub(crate) fn skip(&mut self) -> Option<()> {
        if self.string().is_some() {
            return Some(());
        }
        if let Some((_, _, end)) = self.number() {
            self.at = end;
            return Some(());
        }
        self.other::<IgnoredAny>().map(drop)
    }

    /// Consumes white space, and returns the next byte without consuming it.
    #[inline]
    fn peek(&mut self) -> Option<u8> {
        loop {
            let byte = *self.text.as_bytes().get(self.at)?;
            if !matches!(byte, b' ' | b'\n' | b'\t' | b'\r') {
                return Some(byte);
            }
            self.at += 1;
        }
    }
}

/// Returns the number of bytes before the closing quote; `None` if there is no quote, or if an
/// escape or a control character precedes it.
#[inline]
fn plain(bytes: &[u8]) -> Option<usize> {
    // Checks eight bytes at a time. A borrow affects only bytes after the first match.
    const ONES: u64 = u64::MAX / 0xff;
    let (eights, rest) = bytes.as_chunks();
    let below = |word: u64, limit: u8| word.wrapping_sub(ONES * u64::from(limit)) & !word;
    let mut passed = 0;
    for eight in eights {
        let word = u64::from_le_bytes(*eight);
        let quote = below(word ^ (ONES * u64::from(b'"')), 1);
        let escape = below(word ^ (ONES * u64::from(b'\\')), 1);
        let found = (below(word, 0x20) | quote | escape) & (ONES << 7);
        if found != 0 {
            let place = (found.trailing_zeros() / 8) as usize;
            return (eight.get(place) == Some(&b'"')).then_some(passed + place);
        }
        passed += 8;
    }
    let place = rest.iter().position(|byte| matches!(byte, b'"' | b'\\' | ..0x20))?;
    (rest.get(place) == Some(&b'"')).then_some(passed + place)
}

#[cfg(test)]
mod tests {
    use alloc::format;
    use alloc::string::{String, ToString as _};
    use alloc::vec::Vec;

    use proptest::prelude::*;

    use super::*;
    use crate::text::Text;
    use crate::wire::lenient::{ELEMENTS, Int, List};
    use crate::wire::object::object;

    object! {
        #[derive(Debug, PartialEq)]
        struct Sample {
            "Id" => id: Int,
            "Name" => name: Text,
            "Inner" => inner: Inner,
            "List" => list: List<Inner>,
        }
    }

    object! {
        #[derive(Debug, PartialEq)]
        struct Inner {
            "N" => n: Int,
            "Text" => text: Text,
        }
    }

    fn whole(json: &str) -> Option<Sample> {
        serde_json::from_str(json).ok()
    }

    #[test]
    fn json_of_the_service_is_parsed() {
        let json = "{\n\"Id\": -12\n,\n\"Else\": \"x\",\"Number\":12345678901234567890\n,\"Name\": \"a longer name, 朋友\",\n\
             \"Inner\": {\n}\n,\n\"List\": [{\n\"N\": 1\n}\n,{\"Text\":\"\"},{\"N\":0}]\n}\n ";
        let sample = Reader::read::<Sample>(json).unwrap();
        assert_eq!((sample.id.0, &*sample.name), (-12, "a longer name, 朋友"));
        assert_eq!(sample.list.0.iter().map(|inner| inner.n.0).collect::<Vec<_>>(), [1, 0, 0]);
        assert_eq!(Some(sample), whole(json));
    }

    /// Only a value that is not plain is passed to `serde_json`, not the other values.
    #[test]
    fn values_that_are_not_plain_are_passed_on() {
        for value in [
            "\"a\\n\\\"\\u4f60\\ud83d\\ude00\"",
            "1.0",
            "-0",
            "1e3",
            "true",
            "null",
            "[1,[\"]\"]]",
            "{\"a\":{\"}\":1}}",
            "12345678901234567890",
            "1234567890123456789",
            "-9223372036854775808",
            "\"\"",
            "\" 7 \"",
        ] {
            for name in ["Id", "Name", "Inner", "List", "Else"] {
                let json = format!("{{\"{name}\": {value} ,\"Inner\":{{\"N\":{value}}}}}");
                let sample = Reader::read::<Sample>(&json);
                assert!(sample.is_some(), "{json}");
                assert_eq!(sample, whole(&json), "{json}");
            }
        }
    }

    /// The reader gives up on text that `serde_json` refuses, or whose structure is not plain.
    #[test]
    fn malformed_json_is_not_parsed() {
        for json in [
            "",
            "{",
            "{}x",
            "{} {}",
            "{\"Id\":1,}",
            "{,}",
            "{\"Id\" 1}",
            "{\"Id\":}",
            "{\"Id\":01}",
            "{\"Id\":-}",
            "{\"Id\":+1}",
            "{\"Id\":1.}",
            "{\"Id\":1e400}",
            "{\"Else\":01}",
            "{\"Else\":1x}",
            "{\"List\":[{},]}",
            "{\"List\":[{}}",
            "{\"List\":[1 2]}",
            "{\"Name\":\"a\nb\"}",
            "{\"Name\":\"\\ud83d\"}",
            "{\"Name\":\"\\x\"}",
            "{\"Name\":\"a",
            "{\"Else\":\"a\u{1}\"}",
            "{\"Else\":\"\\",
            "{\"\\u0049d\":5}",
            "{\"a\nb\":5}",
            "{Id:1}",
            "{\"Else\":tru}",
            "{\"Else\":[1,]}",
        ] {
            assert_eq!(Reader::read::<Sample>(json), None, "{json}");
        }
        // Lists have the same limit and the same end as with `serde_json`.
        let json = format!("[{}0]", "0,".repeat(ELEMENTS));
        assert_eq!(Reader::read::<List<Int>>(&json).unwrap().0.len(), ELEMENTS);
        assert_eq!(Reader::read::<List<Int>>(&format!("[{}x]", "0,".repeat(ELEMENTS))), None);
    }

    /// The end of a string is found at every position of a word of eight bytes, and after it.
    #[test]
    fn the_end_of_a_string_is_found() {
        for length in 0..40 {
            let text = format!(
                "{}\"\\\u{1}",
                "é\u{7f}!".repeat(9).chars().take(length).collect::<String>()
            );
            let end = text.find('"');
            assert_eq!(plain(text.as_bytes()), end);
            assert_eq!(plain(&text.as_bytes()[..end.unwrap()]), None);
            for other in ["\\", "\u{1f}", "\0"] {
                assert_eq!(plain(text.replace('"', other).as_bytes()), None);
            }
        }
    }

    /// Generates valid and almost valid JSON: fields in any order, repeated or unknown, unusual
    /// values, and misplaced punctuation.
    fn almost_json() -> impl Strategy<Value = String> {
        let name = "Id|Name|Inner|List|Else|N|Text|\\\\u0049d|";
        let leaf = prop_oneof![
            any::<i64>().prop_map(|n| n.to_string()),
            any::<f64>().prop_map(|n| n.to_string()),
            ".{0,20}".prop_map(|text| serde_json::Value::from(text).to_string()),
            "\"(\\\\[\"\\\\/bfnrtux]|[ -~]|\\\\u[0-9a-f]{4}|\\PC){0,12}\"",
            "-?0?[0-9]{1,25}(\\.[0-9]{1,3})?([eE][+-]?[0-9]{1,3})?",
            "true|false|null|nul|",
        ];
        let space = "[ \n\t\r]{0,2}";
        let value = leaf.prop_recursive(4, 24, 4, move |value| {
            let field =
                (space, name, space, value.clone()).prop_map(|(before, name, after, value)| {
                    format!("{before}\"{name}\"{after}:{value}")
                });
            let object = (prop::collection::vec(field, 0..5), ",|,|,|,|,| , |;|,,", space)
                .prop_map(|(fields, comma, end)| format!("{{{}{end}}}", fields.join(&comma)));
            let list = (prop::collection::vec(value, 0..5), ",|,|,|,|\n,\n|:", space)
                .prop_map(|(values, comma, end)| format!("[{}{end}]", values.join(&comma)));
            prop_oneof![3 => object, 1 => list]
        });
        (value, "[ \n]{0,2}|[ \n]{0,2}|[}\\],x\u{b}]")
            .prop_map(|(value, behind)| format!("{value}{behind}"))
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        /// The reader agrees with `serde_json`.
        #[test]
        fn reader_agrees_with_serde_json(json in almost_json()) {
            if let Some(sample) = Reader::read::<Sample>(&json) {
                prop_assert_eq!(Some(sample), whole(&json));
            }
            if let Some(list) = Reader::read::<List<Sample>>(&json) {
                prop_assert_eq!(Some(list), serde_json::from_str(&json).ok());
            }
        }

        /// The same for valid text with bytes inserted or replaced anywhere.
        #[test]
        fn reader_agrees_on_damaged_text(at in 0_usize..120, piece in "[\\x00-\\x7f]{0,2}", cut in 0_usize..3) {
            let json = "{\"Id\": 12, \"Name\":\"a name of some length\",\"List\":[{\"N\":-3},{}],\"Inner\":{\"Text\":\"t\\n\"}, \"Else\": null}";
            let at = at.min(json.len());
            let end = (at + cut).min(json.len());
            let json = [&json[..at], &piece, &json[end..]].concat();
            if let Some(sample) = Reader::read::<Sample>(&json) {
                prop_assert_eq!(Some(sample), whole(&json));
            }
        }

        /// The reader parses valid text with plain names, also if values are not plain.
        #[test]
        fn valid_text_is_parsed(id in any::<i64>(), name in any::<String>(), n in any::<f64>(), more in prop::collection::vec(any::<u64>(), 0..5)) {
            let json = serde_json::json!({ "Id": id, "Name": name, "Inner": { "N": n }, "List": more, "Else": more }).to_string();
            let sample = Reader::read::<Sample>(&json);
            prop_assert!(sample.is_some());
            prop_assert_eq!(sample, whole(&json));
        }
    }
}
