//! Tests of synthetic records: all kinds, all flags, malformed shapes.

use alloc::format;
use alloc::string::String;

use serde_json::{Value, json};

use super::Contact;
use crate::testing::corpus;

/// Returns the typed form without empty fields, and the results of its methods.
fn typed(record: &str) -> Value {
    let Ok(contact) = Contact::from_json(record) else { return Value::Null };
    let mut value = serde_json::to_value(&contact).unwrap();
    let empty = |value: &Value| {
        let empty =
            [json!(""), json!(0), json!(null), json!([]), json!({ "initials": "", "full": "" })];
        empty.contains(value)
    };
    let fields = value.as_object_mut().unwrap();
    fields.retain(|_, value| !empty(value));
    let flags: [(&str, bool); 12] = [
        ("saved", contact.is_saved()),
        ("muted", contact.is_muted()),
        ("pinned", contact.is_pinned()),
        ("blocked", contact.is_blocked()),
        ("starred", contact.is_starred()),
        ("hidden", contact.is_hidden()),
        ("read_only", contact.is_read_only()),
        ("hides_input_bar", contact.hides_input_bar()),
        ("has_moments", contact.has_moments()),
        ("hides_moments", contact.hides_moments()),
        ("ignores_moments", contact.ignores_moments()),
        ("all_members", contact.has_all_members()),
    ];
    let flags: String =
        flags.iter().filter(|(_, is)| *is).map(|(name, _)| format!("{name} ")).collect();
    json!({
        "kind": contact.kind(), "name": contact.name(), "sort_key": contact.sort_key(),
        "flags": format!("{:?} {:?}", contact.contact_flag, contact.verify_flag),
        "is": flags.trim_end(), "record": value,
    })
}

#[test]
fn every_record_matches_its_snapshot() {
    let corpus = corpus("contacts");
    assert!(corpus.len() >= 40, "{}", corpus.len());
    let mut text = String::new();
    for (name, record) in &corpus {
        text += &format!("{name}\n  {}\n", typed(record));
    }
    insta::assert_snapshot!("contacts", text);
}
