//! Contact records, and the directory into which they are merged.

use alloc::string::{String, ToString as _};
use alloc::vec::Vec;

use serde_json::Value;

use super::{Entry, me};
use crate::contact::record::WireContact;
use crate::contact::{Contact, Directory, Evidence};
use crate::ids::UserName;
use crate::wire::lenient::{Lenient as _, List};

/// The entries for contact records.
pub const RECORDS: &[(&str, Entry)] = &[("contact", one), ("merges", merges)];

/// Parses, finds and merges a record. Checks that merging is idempotent, and that empty fields do
/// not erase others.
fn one(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let Some(contact) = WireContact::read(&text).take() else { return };
    let name = contact.user_name.clone();
    if text.trim_start().starts_with('{') && serde_json::from_str::<Value>(&text).is_ok() {
        assert_eq!(Contact::from_json(&text), Ok(contact.clone()));
    }
    let written = serde_json::to_value(&contact).expect("plain data");
    assert_eq!(written.get("user_name").and_then(Value::as_str), Some(name.as_str()));
    assert!(!contact.name().is_empty() && !contact.sort_key().is_empty());
    for member in &contact.members {
        assert!(contact.member(&member.user_name).is_some() && contact.includes(&member.user_name));
    }
    let mut directory = Directory::of(UserName::file_helper(), "");
    let empty = directory.clone();
    directory.merge(contact.clone());
    assert_eq!(directory.find(&name), Some(&contact));
    assert!(contact.alias.is_empty() || directory.named(&contact.alias).count() == 1);
    assert!(contact.nick_name.is_empty() || directory.search(&contact.nick_name).count() == 1);
    assert_ne!(directory.identity(&name).compare(&directory.identity(&name)), Evidence::Different);
    let before = directory.clone();
    directory.merge(contact.clone());
    let bare = serde_json::json!({ "UserName": name });
    directory.merge(WireContact::read(&bare.to_string()).take().unwrap_or(contact));
    let changes = directory.changes_since(&empty);
    assert_eq!(changes.len(), 1);
    assert!(serde_json::to_string(&changes).is_ok());
    assert_eq!(directory.changes_since(&before), []);
    directory.remove(&name);
    assert_eq!(directory, empty);
}

/// Merges records, which are separated by zero bytes, one after the other; an empty record removes
/// the previous contact. Checks that changes are reported and that the order does not matter.
fn merges(bytes: &[u8]) {
    let mut directory = Directory::of(me().user_name, "me");
    let empty = directory.clone();
    let mut last: Option<Contact> = None;
    let (mut all, mut gone) = (Vec::new(), false);
    for part in bytes.split(|byte| *byte == 0).take(64) {
        let before = directory.clone();
        let text = String::from_utf8_lossy(part);
        let contacts = List::<WireContact>::read(&alloc::format!("[{text}]")).0;
        if contacts.is_empty()
            && let Some(contact) = last.take()
        {
            gone = true;
            directory.remove(&contact.user_name);
            assert!(directory.find(&contact.user_name).is_none());
        }
        for contact in contacts {
            all.push(contact.clone());
            let known = directory.find(&contact.user_name).cloned();
            directory.merge(contact.clone());
            let Some(now) = directory.find(&contact.user_name) else {
                panic!("the contact was merged")
            };
            // Empty fields do not erase others, and the members of the record are kept.
            let kept =
                known.is_none_or(|old| old.nick_name.is_empty() || !now.nick_name.is_empty());
            assert!(kept && now.members.len() >= contact.members.len());
            for member in &now.members {
                assert!(now.member(&member.user_name).is_some());
            }
            last = Some(contact);
        }
        let changes = directory.changes_since(&before);
        assert!(changes.is_empty() || directory != before);
        assert!(directory.iter().is_sorted_by(|one, other| one.user_name < other.user_name));
    }
    let changes: Vec<_> = directory.changes_since(&empty);
    assert_eq!(changes.len(), directory.len());
    assert_eq!(directory.iter().count(), directory.len());
    // Records of different contacts are independent, so that the reverse order has the same result.
    let mut names: Vec<_> = all.iter().map(|contact| &contact.user_name).collect();
    names.sort();
    names.dedup();
    if !gone && names.len() == all.len() {
        let mut other = empty;
        for contact in all.into_iter().rev() {
            other.merge(contact);
        }
        assert_eq!(other, directory);
    }
}
