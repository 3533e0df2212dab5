//! Synthetic records of every kind, with every flag, in every odd shape.

extern crate std;

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::string::{String, ToString as _};
use std::path::Path;

use serde_json::{Value, json};

use super::record::WireContact;
use crate::wire::json;
use crate::wire::object::object;

object! {
    struct Reply {
        "Record" => record: WireContact,
    }
}

/// All records, by the names of their files.
fn corpus() -> BTreeMap<String, String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus/contacts");
    std::fs::read_dir(folder)
        .unwrap()
        .map(|file| {
            let path = file.unwrap().path();
            let name = path.file_stem().unwrap().to_string_lossy().to_string();
            (name, std::fs::read_to_string(path).unwrap())
        })
        .collect()
}

/// The typed form, without the fields that are empty, and what its methods say.
fn typed(record: &str) -> Value {
    let body = format!("{{\"Record\":{record}}}");
    let Ok((_, reply)) = json::text::<Reply>(body.as_bytes()) else { return "no JSON".into() };
    let Some(contact) = reply.record.take() else { return Value::Null };
    let mut value = serde_json::to_value(&contact).unwrap();
    let empty = |value: &Value| {
        let empty =
            [json!(""), json!(0), json!(null), json!([]), json!({ "initials": "", "full": "" })];
        empty.contains(value)
    };
    let fields = value.as_object_mut().unwrap();
    fields.retain(|_, value| !empty(value));
    let says: [(&str, bool); 12] = [
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
    let says: String =
        says.iter().filter(|(_, is)| *is).map(|(what, _)| format!("{what} ")).collect();
    json!({
        "kind": contact.kind(), "name": contact.name(), "sort_key": contact.sort_key(),
        "flags": format!("{:?} {:?}", contact.contact_flag, contact.verify_flag),
        "is": says.trim_end(), "record": value,
    })
}

#[test]
fn every_record_is_read() {
    let corpus = corpus();
    assert!(corpus.len() >= 40, "{}", corpus.len());
    let mut text = String::new();
    for (name, record) in &corpus {
        text += &format!("{name}\n  {}\n", typed(record));
    }
    insta::assert_snapshot!("contacts", text);
}

/// Every line of `docs/shapes.md` about records of contacts is here: named after it.
#[test]
fn every_shape_is_there() {
    let shapes = include_str!("../../docs/shapes.md");
    let about = [
        "NickName",
        "MemberList",
        "MemberCount",
        "ContactFlag",
        "AttrStatus",
        "ContactList",
        "UserName",
        "user names",
        "members with",
        "ChatRoomId",
        "OwnerUin",
        "member lists",
        "`}\\n,",
    ];
    let elsewhere = [
        // Of a login page, of messages and of a profile.
        "S29", "S49", "S42", "S35", "S39", "S20",
    ];
    let mut lines = BTreeSet::new();
    for line in shapes.lines().filter(|line| line.starts_with("| S")) {
        let mut cells = line.split('|').skip(1).map(str::trim);
        let (id, shape) = (cells.next().unwrap(), cells.next().unwrap());
        if about.iter().any(|word| shape.contains(word)) && !elsewhere.contains(&id) {
            lines.insert(id.to_string());
        }
    }
    let there: BTreeSet<String> = corpus()
        .keys()
        .flat_map(|name| name.split('-').map(String::from).collect::<BTreeSet<_>>())
        .filter(|part| part.starts_with('S') && part[1..].parse::<u32>().is_ok())
        .collect();
    let missing: BTreeSet<_> = lines.difference(&there).collect();
    assert!(missing.is_empty() && lines.len() >= 10, "{missing:?} of {lines:?}");
}
