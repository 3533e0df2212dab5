use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use super::*;
use crate::testing::{contact, message};

#[test]
fn merges_and_removes() {
    let mut directory = Directory::default();
    directory.merge(contact(r#"{"UserName":"@1","NickName":"a","RemarkName":"r"}"#));
    directory.merge(contact(r#"{"UserName":"@1","NickName":"b"}"#));
    directory.merge(contact(r#"{"UserName":"@@2","NickName":"room"}"#));
    let name: UserName = "@1".parse().unwrap();
    assert_eq!(&*directory.find(&name).unwrap().nick_name, "b");
    assert_eq!(&*directory.name_of(&name), "r");
    assert_eq!(directory.rooms().count(), 1);
    let said = |room: &str| {
        message(&format!(r#""FromUserName":"{room}","Content":"@7:<br/>x","MsgType":1"#))
    };
    directory.merge(contact(
        r#"{"UserName":"@@3","MemberList":[{"UserName":"@7","NickName":"n","DisplayName":"d"},{"UserName":"@1"}]}"#,
    ));
    assert_eq!(&*directory.author_name(&said("@@3")), "d");
    assert_eq!(&*directory.author_name(&said("@@2")), "@7");
    assert_eq!(&*directory.author_name(&said("@1")), "r");
    assert_eq!(&*directory.name_of(&"@@3".parse().unwrap()), "d、r");
    directory.merge(contact(r#"{"UserName":"@7","NickName":"n","RemarkName":"remark"}"#));
    assert_eq!(&*directory.author_name(&said("@@3")), "remark");
    assert_eq!(&*directory.author_name(&said("@@2")), "remark");
    assert_eq!(&*directory.name_of(&"@@3".parse().unwrap()), "remark、r");
    let rooms: Vec<_> = directory.rooms_with(&name).map(|room| room.user_name.as_str()).collect();
    assert_eq!(rooms, ["@@3"]);
    directory.remove(&name);
    assert_eq!((directory.len(), &*directory.name_of(&name)), (3, "@1"));
}

/// A copy is a value of its own, and shares what did not change.
#[test]
fn copies_share() {
    let mut directory = Directory::default();
    directory.merge(contact(r#"{"UserName":"@1","NickName":"a"}"#));
    directory.merge(contact(r#"{"UserName":"@2","NickName":"b"}"#));
    let copy = directory.clone();
    assert!(Arc::ptr_eq(&copy.contacts, &directory.contacts));
    // Nothing new: nothing is copied.
    directory.merge(contact(r#"{"UserName":"@1","NickName":"a"}"#));
    directory.remove(&"@3".parse().unwrap());
    assert!(Arc::ptr_eq(&copy.contacts, &directory.contacts));
    directory.merge(contact(r#"{"UserName":"@1","NickName":"c"}"#));
    assert_eq!(&*copy.name_of(&"@1".parse().unwrap()), "a");
    let second: UserName = "@2".parse().unwrap();
    assert!(core::ptr::eq(copy.find(&second).unwrap(), directory.find(&second).unwrap()));
    assert_ne!(copy, directory);
}

fn people() -> Directory {
    let mut directory = Directory::default();
    for json in [
        r#"{"UserName":"@1","NickName":"张三","PYQuanPin":"zhangsan","Alias":"Zed_3"}"#,
        r#"{"UserName":"@2","NickName":"张三","RemarkName":"Bob","RemarkPYQuanPin":"Bob"}"#,
        r#"{"UserName":"@3","NickName":"bob","KeyWord":"gh_"}"#,
        r#"{"UserName":"@@4","NickName":"ÄRZTE zhang"}"#,
        r#"{"UserName":"@5","NickName":"","Signature":"bob","Province":"zhang"}"#,
    ] {
        directory.merge(contact(json));
    }
    directory
}

/// Every match, never "the first": a shared name is no error.
#[test]
fn finds_by_name() {
    let directory = people();
    let named = |name: &str| {
        let names: Vec<_> = directory.named(name).map(|c| c.user_name.as_str()).collect();
        names.join(" ")
    };
    assert_eq!(named("张三"), "@1 @2");
    assert_eq!([named("Bob"), named("bob"), named("Zed_3")], ["@2", "@3", "@1"]);
    assert_eq!([named(""), named("zhangsan"), named("张")], ["", "", ""]);
}

/// `docs/protocol.md` §10.
#[test]
fn searches_without_regard_to_case() {
    let directory = people();
    let search = |text: &str| -> String {
        let names: Vec<_> = directory.search(text).map(|c| c.user_name.as_str()).collect();
        names.join(" ")
    };
    for (text, found) in [
        ("zhang", "@1 @@4"),
        ("ZHANG", "@1 @@4"),
        ("张", "@1 @2"),
        ("BOB", "@2 @3"),
        ("ärzte", "@@4"),
        ("GH_", "@3"),
        ("zed", "@1"),
        ("@1", ""),
        ("", "@1 @2 @3 @5 @@4"),
    ] {
        assert_eq!(search(text), found, "{text}");
    }
}

/// Threat J7: a service that lists without end fills no memory. Who is known is still corrected.
#[test]
fn there_is_a_most() {
    let mut directory = Directory::default();
    let one = contact(r#"{"UserName":"@x","NickName":"n"}"#);
    for n in 0..CONTACTS + 10 {
        directory
            .merge(Contact { user_name: alloc::format!("@{n}").parse().unwrap(), ..one.clone() });
    }
    assert_eq!(directory.len(), CONTACTS);
    directory.merge(contact(r#"{"UserName":"@7","NickName":"new"}"#));
    assert_eq!(&*directory.name_of(&"@7".parse().unwrap()), "new");
}

#[path = "directory_machine.rs"]
mod machine;
