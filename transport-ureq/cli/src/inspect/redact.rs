//! Copies of HAR files without secrets.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

use super::har::{Exchange, entries, from_base64, pairs, unpacked};
use super::mask::{Masks, Style};
use super::secrets::{Kind, cookies, of_cookie, of_header, of_name};

/// Learns the secrets of all entries of the protocol, in their order.
pub(crate) fn learn(document: &Value, masks: &mut Masks) {
    for entry in protocol_entries(document) {
        learn_entry(entry, masks);
    }
}

/// Learns the secrets of an entry.
pub(crate) fn learn_entry(entry: &Value, masks: &mut Masks) {
    for side in ["request", "response"] {
        let side = &entry[side];
        for (name, value) in pairs(&side["headers"]) {
            for (name, place) in cookies(&name, &value) {
                note(masks, &value[place], of_cookie(name));
            }
            note(masks, &value, of_header(&name));
        }
        for (name, value) in pairs(&side["cookies"]) {
            note(masks, &value, of_cookie(&name));
        }
        for list in [&side["queryString"], &side["postData"]["params"]] {
            for (name, value) in pairs(list) {
                note(masks, &value, of_name(&name));
            }
        }
    }
    texts(entry, &mut |text| masks.learn(text));
    if let Some(body) = packed_body(&entry["response"]) {
        masks.learn(&body);
    }
}

/// Returns a copy without secrets, without the entries of other services, and without the fields
/// that browsers add (`_initiator`, …).
pub(crate) fn copy(document: &Value, masks: &mut Masks) -> Value {
    learn(document, masks);
    let entries: Vec<_> =
        protocol_entries(document).map(|entry| copy_entry(entry, masks)).collect();
    let log = &document["log"];
    let mut copied = json!({ "version": "1.2", "creator": creator(), "entries": entries });
    for name in ["version", "browser"] {
        if let Some(value) = log.get(name) {
            copied[name] = copied_value(value, masks);
        }
    }
    json!({ "log": copied })
}

/// Returns the `creator` of files that this command writes.
pub(crate) fn creator() -> Value {
    json!({ "name": "wechat inspect", "version": env!("CARGO_PKG_VERSION") })
}

/// Returns a copy of an entry whose secrets are known.
pub(crate) fn copy_entry(entry: &Value, masks: &mut Masks) -> Value {
    let mut copied = copied_value(entry, masks);
    let lists: [(&str, Rewrite); 6] = [
        ("/request/headers", copied_header),
        ("/request/cookies", copied_cookie),
        ("/request/queryString", copied_pair),
        ("/request/postData/params", copied_pair),
        ("/response/headers", copied_header),
        ("/response/cookies", copied_cookie),
    ];
    for (path, rewrite) in lists {
        let from = entry.pointer(path).and_then(Value::as_array).into_iter().flatten();
        let to = copied.pointer_mut(path).and_then(Value::as_array_mut).into_iter().flatten();
        for (pair, copy) in from.zip(to) {
            if let (Some(name), Some(value)) = (pair["name"].as_str(), pair["value"].as_str())
                && let Some(masked) = rewrite(name, value, masks)
            {
                copy["value"] = masked.into();
            }
        }
    }
    if entry["response"]["content"]["encoding"] == "base64" {
        // A body that cannot be decoded cannot be searched either, and is left out.
        let body = packed_body(&entry["response"]).unwrap_or_default();
        let body = masks.bytes(&body, Style::Copied).unwrap_or(body);
        copied["response"]["content"]["text"] = BASE64_STANDARD.encode(body).into();
    }
    copied
}

/// Returns a masked value; `None` to search it like any text.
type Rewrite = fn(&str, &str, &mut Masks) -> Option<String>;

fn copied_cookie(name: &str, value: &str, masks: &mut Masks) -> Option<String> {
    of_cookie(name).map(|kind| masks.value(value, kind, Style::Copied))
}

fn copied_pair(name: &str, value: &str, masks: &mut Masks) -> Option<String> {
    of_name(name).map(|kind| masks.value(value, kind, Style::Copied))
}

fn copied_header(name: &str, value: &str, masks: &mut Masks) -> Option<String> {
    if let Some(kind) = of_header(name) {
        return Some(masks.value(value, kind, Style::Copied));
    }
    let found = cookies(name, value);
    if found.is_empty() {
        return None;
    }
    let (mut copied, mut at) = (String::new(), 0);
    for (name, place) in found {
        if let Some(masked) = copied_cookie(name, &value[place.clone()], masks) {
            copied.push_str(&value[at..place.start]);
            copied.push_str(&masked);
            at = place.end;
        }
    }
    copied.push_str(&masks.text(&value[at..], Style::Copied));
    Some(copied)
}

fn copied_value(value: &Value, masks: &mut Masks) -> Value {
    match value {
        Value::String(text) => masks.text(text, Style::Copied).into(),
        Value::Array(list) => list.iter().map(|value| copied_value(value, masks)).collect(),
        Value::Object(fields) => {
            let fields = fields.iter().filter(|(name, _)| is_copied(name));
            let fields = fields.map(|(name, value)| (name.clone(), copied_value(value, masks)));
            Value::Object(fields.collect())
        }
        other => other.clone(),
    }
}

/// Returns whether a field is copied: neither additions of programs, except the reason for a
/// missing response, nor references to pages.
fn is_copied(name: &str) -> bool {
    name == "_error" || !name.starts_with('_') && name != "pageref"
}

fn protocol_entries(document: &Value) -> impl Iterator<Item = &Value> {
    let entries = entries(document).map(Vec::as_slice).unwrap_or_default();
    entries
        .iter()
        .filter(|entry| Exchange::read(entry).is_ok_and(|exchange| exchange.endpoint().is_some()))
}

/// Returns the bytes of a body in Base64, unpacked.
fn packed_body(response: &Value) -> Option<Vec<u8>> {
    let content = &response["content"];
    let text = content["text"].as_str().filter(|_| content["encoding"] == "base64")?;
    unpacked(from_base64(text)?, true)
}

fn texts(value: &Value, visit: &mut impl FnMut(&[u8])) {
    match value {
        Value::String(text) => visit(text.as_bytes()),
        Value::Array(list) => list.iter().for_each(|value| texts(value, visit)),
        Value::Object(fields) => {
            let fields = fields.iter().filter(|(name, _)| is_copied(name));
            fields.for_each(|(_, value)| texts(value, visit));
        }
        _ => {}
    }
}

fn note(masks: &mut Masks, value: &str, kind: Option<Kind>) {
    if let Some(kind) = kind {
        masks.learn_value(value, kind);
    }
}
