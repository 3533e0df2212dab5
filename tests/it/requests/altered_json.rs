//! JSON texts, each field altered in turn.

use std::collections::BTreeMap;

use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

/// Returns copies of a JSON object of this name with each field dropped, altered and moved in turn,
/// each with the name of the altered part.
pub(crate) fn replace_json(whole_name: &str, json: &[u8]) -> Vec<(String, String)> {
    let text = std::str::from_utf8(json).unwrap();
    let whole: Value = serde_json::from_str(text).unwrap();
    let mut all = vec![("with an unknown More".to_owned(), format!("{{\"More\":1,{}", &text[1..]))];
    let mut paths = Vec::new();
    paths_of(&whole, String::new(), &mut paths);
    for path in paths {
        let name = path.rsplit('/').find(|part| !is_index(part)).unwrap();
        let old = whole.pointer(&path).unwrap();
        // Mentions are optional in a text.
        if name != "MsgSource" {
            all.push((format!("without {name}"), replaced(text, &path, None)));
        }
        for other in others(name, old) {
            let what = format!("{path} as {other}, another {name}");
            all.push((what, replaced(text, &path, Some(&other.to_string()))));
        }
        let (parent, last) = path.rsplit_once('/').unwrap();
        let siblings = whole.pointer(parent).unwrap().as_object().map_or(0, Map::len);
        let object = parent.rsplit('/').next().unwrap();
        if siblings > 1 && !is_index(object) {
            let object = if object.is_empty() { whole_name } else { object };
            let moved = moved(text, parent, last);
            all.extend((moved != text).then(|| (format!("{path} last in {object}"), moved)));
        }
    }
    all
}

/// Returns values of other types and, unless any value of the same type is valid, a different one of
/// the same type.
fn others(name: &str, value: &Value) -> Vec<Value> {
    // The simulator accepts any value of these fields, such as the name and length of an announced
    // file.
    let free = matches!(
        name,
        "Content"
            | "FileName"
            | "FileSize"
            | "Topic"
            | "RemarkName"
            | "NewTopic"
            | "VerifyContent"
            | "KeyWord"
            | "VerifyUserTicket"
    );
    let mut all = vec![Value::Null, json!(true), json!([]), json!({}), json!(1.5)];
    all.retain(|other| other != value);
    match value {
        Value::String(text) => {
            all.push(json!(7));
            all.extend((!free).then(|| json!(format!("{text}x"))));
        }
        Value::Number(number) => {
            all.push(json!(number.to_string()));
            all.extend((!free).then(|| json!(number.as_i64().unwrap().wrapping_add(1 << 40))));
        }
        _ => all.push(json!("x")),
    }
    all
}

fn is_index(part: &str) -> bool {
    part.parse::<usize>().is_ok()
}

fn paths_of(value: &Value, path: String, all: &mut Vec<String>) {
    if !path.is_empty() {
        all.push(path.clone());
    }
    match value {
        Value::Object(fields) => {
            fields.iter().for_each(|(name, value)| paths_of(value, format!("{path}/{name}"), all));
        }
        // Only the first and the last item are altered.
        Value::Array(items) => {
            for index in [0, items.len().saturating_sub(1)] {
                if let Some(item) = items.get(index) {
                    paths_of(item, format!("{path}/{index}"), all);
                }
            }
        }
        _ => {}
    }
}

/// Returns the text of the value at `path`, a slice of the whole text.
fn value_at<'a>(text: &'a str, path: &str) -> &'a str {
    path.split('/').skip(1).fold(text, |value, name| match name.parse::<usize>() {
        Ok(index) => serde_json::from_str::<Vec<&RawValue>>(value).unwrap()[index].get(),
        Err(_) => serde_json::from_str::<BTreeMap<&str, &RawValue>>(value).unwrap()[name].get(),
    })
}

/// Returns the JSON text with the value at `path` replaced or removed, and all others unchanged.
fn replaced(text: &str, path: &str, other: Option<&str>) -> String {
    let value = value_at(text, path);
    let start = value.as_ptr().addr() - text.as_ptr().addr();
    let (before, after) = (&text[..start], &text[start + value.len()..]);
    if let Some(other) = other {
        return format!("{before}{other}{after}");
    }
    let (_, name) = path.rsplit_once('/').unwrap();
    // The items of a list have no key.
    let before = before.strip_suffix(&format!("\"{name}\":")).unwrap_or(before);
    match after.strip_prefix(',') {
        Some(after) => format!("{before}{after}"),
        None => format!("{}{after}", before.trim_end_matches(',')),
    }
}

/// Returns the JSON text with a field moved to the end of the object at `path`.
fn moved(text: &str, path: &str, name: &str) -> String {
    let object = value_at(text, path);
    let value = value_at(object, &format!("/{name}"));
    let rest = replaced(object, &format!("/{name}"), None);
    let object = format!("{},\"{name}\":{value}}}", rest.strip_suffix('}').unwrap());
    replaced(text, path, Some(&object))
}
