//! Contact records, and the directory into which they are merged.

use serde_json::Value;
use wechat_proto::contact::{Contact, Evidence, GetContacts};
use wechat_proto::sync::FetchBatch;
use wechat_proto::{Account, Endpoint as _};

use super::{account, reply};

/// Parses the records of a list.
fn contacts(list: &str) -> Vec<Contact> {
    let body = format!("{{\"BaseResponse\":{{\"Ret\":0}},\"MemberList\":[{list}]}}");
    GetContacts::new()
        .parse(&reply(body.as_bytes()))
        .map_or_else(|_| Vec::new(), |page| page.contacts)
}

/// Removes a contact by the name of its record.
fn remove(account: &mut Account, contact: &Contact) {
    let removed = serde_json::json!({
        "BaseResponse": { "Ret": 0 }, "DelContactList": [{ "UserName": contact.user_name }],
    });
    let batch = FetchBatch::new().parse(&reply(removed.to_string().as_bytes())).expect("a batch");
    drop(account.apply(batch));
}

/// Parses, finds and merges a record. Checks that merging is idempotent, and that empty fields do
/// not erase others.
pub(crate) fn one(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let Some(contact) = contacts(&text).pop() else { return };
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
    let mut account = account();
    let empty = account.directory().clone();
    account.learn([contact.clone()]);
    let directory = account.directory();
    assert_eq!(directory.find(&name), Some(&contact));
    assert!(contact.alias.is_empty() || directory.named(&contact.alias).count() == 1);
    assert!(contact.nick_name.is_empty() || directory.search(&contact.nick_name).count() == 1);
    assert_ne!(directory.identity(&name).compare(&directory.identity(&name)), Evidence::Different);
    let before = directory.clone();
    let bare = contacts(&serde_json::json!({ "UserName": name }).to_string());
    account.learn([contact.clone()].into_iter().chain(bare));
    let directory = account.directory();
    let changes = directory.changes_since(&empty);
    assert_eq!(changes.len(), 1);
    assert!(serde_json::to_string(&changes).is_ok());
    assert_eq!(directory.changes_since(&before), []);
    remove(&mut account, &contact);
    assert_eq!(*account.directory(), empty);
}

/// Merges records, which are separated by zero bytes, one after the other; an empty record removes
/// the previous contact. Checks that changes are reported and that the order does not matter.
pub(crate) fn merges(bytes: &[u8]) {
    let mut account = account();
    let empty = account.clone();
    let mut last: Option<Contact> = None;
    let (mut all, mut gone) = (Vec::new(), false);
    for part in bytes.split(|byte| *byte == 0).take(64) {
        let before = account.directory().clone();
        let contacts = contacts(&String::from_utf8_lossy(part));
        if contacts.is_empty()
            && let Some(contact) = last.take()
        {
            gone = true;
            remove(&mut account, &contact);
            assert!(account.directory().find(&contact.user_name).is_none());
        }
        for contact in contacts {
            all.push(contact.clone());
            let known = account.directory().find(&contact.user_name).cloned();
            account.learn([contact.clone()]);
            let Some(now) = account.directory().find(&contact.user_name) else {
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
        let directory = account.directory();
        let changes = directory.changes_since(&before);
        assert!(changes.is_empty() || *directory != before);
        assert!(directory.iter().is_sorted_by(|one, other| one.user_name < other.user_name));
    }
    let directory = account.directory();
    let changes = directory.changes_since(empty.directory());
    assert_eq!(changes.len(), directory.len());
    assert_eq!(directory.iter().count(), directory.len());
    // Records of different contacts are independent, so that the reverse order has the same result.
    let mut names: Vec<_> = all.iter().map(|contact| &contact.user_name).collect();
    names.sort();
    names.dedup();
    if !gone && names.len() == all.len() {
        let mut other = empty;
        other.learn(all.into_iter().rev());
        assert_eq!(other.directory(), directory);
    }
}
