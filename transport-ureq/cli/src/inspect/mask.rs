//! Masks for secrets. Equal secrets get equal masks, however they are encoded.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::ops::Range;

use aho_corasick::{AhoCorasick, MatchKind};
use base64::Engine as _;
use base64::alphabet::{STANDARD, URL_SAFE};
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde_json::Value;

use super::canonical::{Canonical, fold};
use super::secrets::{Form, Kind, is_value, of_name, scan};

/// The masks of a capture.
#[derive(Default)]
pub(crate) struct Masks {
    /// The masks, by value in canonical form.
    known: BTreeMap<Vec<u8>, Mask>,
    counts: BTreeMap<Kind, usize>,
    /// Finds the values that are masked in every place; `None` if it is outdated.
    matcher: Option<(AhoCorasick, Vec<Mask>)>,
}

/// The style of masks.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Style {
    /// `<skey-1>`, for display.
    Shown,
    /// `__skey-1__`, which is valid in URLs, headers, JSON and XML: for a copy of the capture.
    Copied,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Mask {
    kind: Kind,
    number: usize,
}

/// The minimum length of a secret that is masked in every place. Shorter ones are masked only beside
/// their name.
const SHORTEST: usize = 6;
/// The maximum depth of nested Base64 that is searched for secrets.
const DEPTH: usize = 3;
/// The maximum length of a text that is decoded from Base64 at every alignment.
const ALIGNED: usize = 64 << 10;

impl Masks {
    /// Finds the secrets of a text.
    pub(crate) fn learn(&mut self, text: &[u8]) {
        self.learn_to(text, DEPTH);
    }

    fn learn_to(&mut self, text: &[u8], depth: usize) {
        if depth < DEPTH && !is_text(text) {
            return;
        }
        let canonical = Canonical::of(text);
        let folded = canonical.folded();
        let mut found = scan(&canonical.bytes);
        found.sort_by_key(|(range, _)| range.start);
        for (range, kind) in found {
            self.note(&folded[range], kind);
        }
        if depth > 0 {
            for token in tokens(&canonical.bytes) {
                if let Some(decoded) = decoded(&canonical.bytes[token], 0) {
                    self.learn_to(&decoded.0, depth - 1);
                }
            }
        }
    }

    /// Adds a value of a known kind.
    pub(crate) fn learn_value(&mut self, value: &str, kind: Kind) {
        let folded = Canonical::of(value.as_bytes()).folded();
        if is_value(&folded, kind) {
            self.note(&folded, kind);
        }
    }

    /// Returns the mask of a value of a known kind.
    pub(crate) fn value(&mut self, value: &str, kind: Kind, style: Style) -> String {
        let folded = Canonical::of(value.as_bytes()).folded();
        match is_value(&folded, kind) {
            true => self.note(&folded, kind).written(style),
            false => value.to_owned(),
        }
    }

    /// Returns a text with all secrets masked.
    pub(crate) fn text(&mut self, text: &str, style: Style) -> String {
        match self.bytes(text.as_bytes(), style) {
            Some(masked) => String::from_utf8_lossy(&masked).into_owned(),
            None => text.to_owned(),
        }
    }

    /// Returns the bytes with all secrets masked; `None` if there are none.
    pub(crate) fn bytes(&mut self, text: &[u8], style: Style) -> Option<Vec<u8>> {
        self.bytes_to(text, style, DEPTH)
    }

    /// Returns the value of a field or a parameter, masked if its name is that of a secret.
    pub(crate) fn named(&mut self, name: &str, value: &str, style: Style) -> String {
        // `aes_key` in the typed form of a message.
        match of_name(name).or_else(|| of_name(&name.replace('_', ""))) {
            Some(kind) => self.value(value, kind, style),
            None => self.text(value, style),
        }
    }

    /// Masks all texts of a JSON value, for display.
    pub(crate) fn json(&mut self, value: &mut Value) {
        match value {
            Value::String(text) => *text = self.text(text, Style::Shown),
            Value::Array(list) => list.iter_mut().for_each(|value| self.json(value)),
            Value::Object(fields) => {
                for (name, value) in fields {
                    match value {
                        Value::String(text) => *text = self.named(name, text, Style::Shown),
                        value => self.json(value),
                    }
                }
            }
            _ => {}
        }
    }

    /// Returns the number of masked secrets, without ids.
    pub(crate) fn secrets(&self) -> usize {
        let is_secret = |kind: &Kind| matches!(kind, Kind::Secret(_) | Kind::Private(_));
        self.counts.iter().filter(|(kind, _)| is_secret(kind)).map(|(_, count)| count).sum()
    }

    fn note(&mut self, value: &[u8], kind: Kind) -> Mask {
        if let Some(mask) = self.known.get(value) {
            return *mask;
        }
        let mask = match (own_mask(value), kind) {
            // The mask of an earlier copy.
            (Some(number), Kind::Secret(_) | Kind::Private(_)) => Mask { kind, number },
            _ => Mask { kind, number: self.counts.get(&kind).copied().unwrap_or(0) + 1 },
        };
        let count = self.counts.entry(kind).or_default();
        *count = mask.number.max(*count);
        self.known.insert(value.to_owned(), mask);
        // Ids are recognised by their form.
        if !matches!(kind, Kind::Id(_)) {
            self.matcher = None;
        }
        mask
    }

    fn bytes_to(&mut self, text: &[u8], style: Style, depth: usize) -> Option<Vec<u8>> {
        if depth < DEPTH && !is_text(text) {
            // Most words can be decoded as Base64, to arbitrary bytes.
            let (matcher, _) = self.matcher();
            matcher.find(&fold(text))?;
        }
        let canonical = Canonical::of(text);
        let folded = canonical.folded();
        let mut spans: Vec<(Range<usize>, Vec<u8>)> = Vec::new();
        for (range, kind) in scan(&canonical.bytes) {
            let mask = self.note(&folded[range.clone()], kind);
            spans.push((range, mask.written(style).into_bytes()));
        }
        let (matcher, masks) = self.matcher();
        for found in matcher.find_iter(&folded) {
            let mask = masks[found.pattern().as_usize()];
            let range = found.range();
            let is_inside = |at: Option<usize>| {
                at.and_then(|at| folded.get(at)).is_some_and(u8::is_ascii_alphanumeric)
            };
            let is_part = is_inside(range.start.checked_sub(1)) || is_inside(Some(range.end));
            if mask.kind != Kind::Uin || !is_part {
                spans.push((range, mask.written(style).into_bytes()));
            }
        }
        if depth > 0 {
            for token in tokens(&canonical.bytes) {
                let raw = canonical.original(&token);
                let is_escaped = text[raw].contains(&b'%');
                if let Some(masked) = self.token(&canonical.bytes[token.clone()], style, depth) {
                    let masked = if is_escaped { escaped(&masked) } else { masked };
                    spans.push((token, masked.into_bytes()));
                }
            }
        }
        if spans.is_empty() {
            return None;
        }
        spans.sort_by_key(|(range, _)| (range.start, Reverse(range.end)));
        let (mut masked, mut at) = (Vec::with_capacity(text.len()), 0);
        for (range, mask) in spans {
            let raw = canonical.original(&range);
            if raw.start >= at {
                masked.extend_from_slice(&text[at..raw.start]);
                masked.extend_from_slice(&mask);
            }
            // Overlapping values are replaced by the first mask.
            at = at.max(raw.end);
        }
        masked.extend_from_slice(&text[at..]);
        Some(masked)
    }

    /// Masks a text in Base64, at any alignment; `None` if it has no secrets.
    fn token(&mut self, token: &[u8], style: Style, depth: usize) -> Option<String> {
        let offsets = if token.len() <= ALIGNED { 4 } else { 1 };
        (0..offsets).find_map(|offset| {
            let (bytes, engine, rest) = decoded(token, offset)?;
            let masked = self.bytes_to(&bytes, style, depth - 1)?;
            let before = String::from_utf8_lossy(&token[..offset]);
            let padded = engine.encode(masked);
            let is_padded = (token.len() - offset).is_multiple_of(4);
            let encoded = if is_padded { &*padded } else { padded.trim_end_matches('=') };
            Some([&*before, encoded, rest].concat())
        })
    }

    fn matcher(&mut self) -> &(AhoCorasick, Vec<Mask>) {
        self.matcher.get_or_insert_with(|| {
            let is_everywhere = |value: &[u8], mask: &Mask| match mask.kind {
                Kind::Secret(_) => value.len() >= SHORTEST,
                Kind::Private(_) => own_mask(value).is_some(),
                Kind::Uin => true,
                Kind::Id(_) => false,
            };
            let known = self.known.iter().filter(|(value, mask)| is_everywhere(value, mask));
            let (values, masks): (Vec<_>, Vec<_>) =
                known.map(|(value, mask)| (value, *mask)).unzip();
            let matcher =
                AhoCorasick::builder().match_kind(MatchKind::LeftmostLongest).build(values);
            (matcher.expect("fewer bytes than its limit of 2 GB"), masks)
        })
    }
}

impl Mask {
    fn written(self, style: Style) -> String {
        let Self { kind, number } = self;
        match (kind, style) {
            (Kind::Secret(name) | Kind::Private(name), Style::Shown) => {
                format!("<{name}-{number}>")
            }
            (Kind::Secret(name) | Kind::Private(name), Style::Copied) => {
                format!("__{name}-{number}__")
            }
            (Kind::Uin, _) => (1_000_000_000 + number).to_string(),
            (Kind::Id(Form::Person), _) => format!("@person{number}"),
            (Kind::Id(Form::Room), _) => format!("@@room{number}"),
            (Kind::Id(Form::PermanentPerson), _) => format!("wxid_person{number}"),
            (Kind::Id(Form::PermanentRoom), _) => format!("{number:05}@chatroom"),
        }
    }
}

/// Returns whether decoded bytes are a text.
fn is_text(bytes: &[u8]) -> bool {
    let is_control = |byte: &u8| byte.is_ascii_control() && !byte.is_ascii_whitespace();
    !bytes.iter().any(is_control) && str::from_utf8(bytes).is_ok()
}

/// Returns the number of a mask in the style of a copy.
pub(super) fn own_mask(value: &[u8]) -> Option<usize> {
    let value = str::from_utf8(value).ok()?;
    let (name, number) = value.strip_prefix("__")?.strip_suffix("__")?.rsplit_once('-')?;
    let is_name = !name.is_empty() && name.bytes().all(|b| b.is_ascii_lowercase() || b == b'-');
    number.parse().ok().filter(|_| is_name)
}

/// Returns the parts of a text that may be Base64.
fn tokens(text: &[u8]) -> Vec<Range<usize>> {
    let is_digit = |byte: &u8| byte.is_ascii_alphanumeric() || b"+/-_".contains(byte);
    let (mut tokens, mut at) = (Vec::new(), 0);
    while at < text.len() {
        let digits = text[at..].iter().take_while(|byte| is_digit(byte)).count();
        let end = at + digits;
        let padding = text[end..].iter().take(2).take_while(|byte| **byte == b'=').count();
        if digits >= 8 {
            tokens.push(at..end + padding);
        }
        at = end + padding.max(1);
    }
    tokens
}

/// Decodes Base64 from an offset: the bytes, the engine to encode them again, and the digits at the
/// end that do not belong to a byte.
fn decoded(token: &[u8], offset: usize) -> Option<(Vec<u8>, GeneralPurpose, &str)> {
    let config = GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true);
    let is_url = token.iter().any(|byte| b"-_".contains(byte));
    let engine = GeneralPurpose::new(if is_url { &URL_SAFE } else { &STANDARD }, config);
    let digits = str::from_utf8(token.get(offset..)?).ok()?.trim_end_matches('=');
    let (digits, rest) = digits.split_at(digits.len() - usize::from(digits.len() % 4 == 1));
    Some((engine.decode(digits).ok()?, engine, rest))
}

/// Percent-encodes the characters of Base64 that have a meaning in a URL.
fn escaped(text: &str) -> String {
    text.replace('+', "%2B").replace('/', "%2F").replace('=', "%3D")
}

#[cfg(test)]
#[path = "mask_tests.rs"]
mod tests;
