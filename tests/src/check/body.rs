//! Checks of JSON bodies.

use serde_json::Value;
use serde_json::value::RawValue;

use super::{Check, Rule};
use crate::check::differences::{JSON, REQUEST};
use crate::violation::Fault;
use crate::wire::request::ordered;

impl Check<'_> {
    /// Checks that the body is an object with exactly these keys in this order.
    pub(crate) fn body(&mut self, keys: &[&str]) -> Fields {
        let text = String::from_utf8_lossy(&self.request.body).into_owned();
        if serde_json::from_str::<Value>(&text).is_err() {
            self.wrong_as(
                1200,
                format!("the body is not JSON: `{}`", text.chars().take(60).collect::<String>()),
            );
            return Fields::default();
        }
        self.object("", &text, keys)
    }

    /// Checks that `text` is an object with exactly these keys in this order.
    pub(crate) fn object(&mut self, at: &str, text: &str, keys: &[&str]) -> Fields {
        let shown =
            if at.is_empty() { "the body".to_owned() } else { format!("JSON field `{at}`") };
        let Some(fields) = ordered(text) else {
            self.wrong(format!("{shown} is not an object"));
            return Fields::default();
        };
        let names: Vec<&str> = fields.iter().map(|(name, _)| name.as_str()).collect();
        let path =
            |name: &str| if at.is_empty() { name.to_owned() } else { format!("{at}.{name}") };
        for key in keys {
            match names.iter().filter(|name| *name == key).count() {
                0 => self.found(Fault::Missing, JSON, &path(key), "is missing"),
                1 => {}
                _ => self.found(Fault::Repeated, JSON, &path(key), "is repeated"),
            }
        }
        for name in &names {
            if !keys.contains(name) {
                self.found(Fault::Unknown, JSON, &path(name), "is unknown");
            }
        }
        let known: Vec<&&str> = names.iter().filter(|name| keys.contains(*name)).collect();
        let expected: Vec<&&str> = keys.iter().filter(|key| names.contains(*key)).collect();
        if known.len() == expected.len() && known != expected {
            let complaint =
                format_args!("{shown} has its keys in the order {names:?}, not {keys:?}");
            self.found(Fault::Order, REQUEST, at, complaint);
        }
        Fields { at: at.to_owned(), fields }
    }

    /// Checks an object within another.
    pub(crate) fn inner(&mut self, fields: &Fields, key: &str, keys: &[&str]) -> Fields {
        match fields.get(key) {
            Some(raw) => self.object(&fields.path(key), raw.get(), keys),
            // A missing field has been reported already.
            None => Fields::default(),
        }
    }

    /// Checks a JSON string by a rule.
    pub(crate) fn text(&mut self, fields: &Fields, key: &str, rule: &Rule) -> Option<String> {
        let text = self.free(fields, key)?;
        if let Some((fault, complaint)) = self.judge(rule, &text) {
            self.found(fault, JSON, &fields.path(key), complaint);
        }
        if matches!(rule, Rule::Device) {
            self.device = Some(text.clone());
        }
        Some(text)
    }

    /// Checks a JSON string with any content. Returns the text of a number too.
    pub(crate) fn free(&mut self, fields: &Fields, key: &str) -> Option<String> {
        let raw = fields.get(key)?.get();
        let path = fields.path(key);
        let Ok(text) = serde_json::from_str::<String>(raw) else {
            let is_number = serde_json::from_str::<serde_json::Number>(raw).is_ok();
            let fault = if is_number { Fault::Kind } else { Fault::Other };
            self.found(fault, JSON, &path, format_args!("is {raw}, not a string"));
            return is_number.then(|| raw.to_owned());
        };
        self.escapes(&path, raw, &text);
        Some(text)
    }

    /// Checks that nothing is escaped unnecessarily: the chat shows such escapes literally (docs/protocol.md §1.3).
    fn escapes(&mut self, path: &str, raw: &str, text: &str) {
        if serde_json::to_string(text).is_ok_and(|plain| plain != raw) {
            self.found(Fault::Escape, JSON, path, format_args!("is escaped unnecessarily: {raw}"));
        }
    }

    /// Checks a whole JSON number by a rule.
    pub(crate) fn number(&mut self, fields: &Fields, key: &str, rule: &Rule) -> Option<i64> {
        let raw = fields.get(key)?.get();
        let path = fields.path(key);
        let number = serde_json::from_str::<i64>(raw).ok();
        let written = serde_json::from_str::<String>(raw).ok();
        let Some(number) = number.or_else(|| written.as_ref()?.parse().ok()) else {
            self.found(Fault::Other, JSON, &path, format_args!("is {raw}, not a whole number"));
            return None;
        };
        if written.is_some() {
            self.found(Fault::Kind, JSON, &path, format_args!("is {raw}, not a whole number"));
        }
        if let Some((fault, complaint)) = self.judge(rule, &number.to_string()) {
            self.found(fault, JSON, &path, complaint);
        }
        Some(number)
    }

    /// Checks that a field is a list. Returns its items.
    pub(crate) fn list(&mut self, fields: &Fields, key: &str) -> Option<Vec<Box<RawValue>>> {
        // A missing field has been reported already.
        let raw = fields.get(key)?.get();
        let items = serde_json::from_str(raw).ok();
        if items.is_none() {
            self.wrong(format!("JSON field `{}` is {raw}, not a list", fields.path(key)));
        }
        items
    }

    /// Checks that `Count` is the length of the `List` beside it.
    pub(crate) fn count(&mut self, fields: &Fields, length: usize) {
        let path = fields.path("Count");
        if let Some(count) = self.number(fields, "Count", &Rule::Integer)
            && usize::try_from(count) != Ok(length)
        {
            let complaint = format_args!("is {count}, but the `List` has {length} items");
            self.found(Fault::Value, JSON, &path, complaint);
        }
    }

    /// Checks `BaseRequest`: `Uin` is a string in the first call and a number in all others (docs/protocol.md §1.4).
    pub(crate) fn base_request(&mut self, body: &Fields, first: bool) {
        let base = self.inner(body, "BaseRequest", &["Uin", "Sid", "Skey", "DeviceID"]);
        let uin = self.uin();
        if first {
            self.text(&base, "Uin", &uin);
        } else {
            self.number(&base, "Uin", &uin);
        }
        let (sid, skey) = (self.sid(), self.skey());
        self.text(&base, "Sid", &sid);
        self.text(&base, "Skey", &skey);
        self.text(&base, "DeviceID", &Rule::Device);
    }
}

/// The fields of a JSON object, in their order.
#[derive(Debug, Default)]
pub(crate) struct Fields {
    at: String,
    fields: Vec<(String, Box<RawValue>)>,
}

impl Fields {
    pub(crate) fn get(&self, key: &str) -> Option<&RawValue> {
        self.fields.iter().find(|(name, _)| name == key).map(|(_, raw)| &**raw)
    }

    pub(crate) fn path(&self, key: &str) -> String {
        if self.at.is_empty() { key.to_owned() } else { format!("{}.{key}", self.at) }
    }
}
