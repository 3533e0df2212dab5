use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use super::*;
use crate::testing::{contact, directory, name, said_by};

#[test]
fn contacts_are_merged_and_removed() {
    let mut directory = directory(&[
        r#"{"UserName":"@1","NickName":"a","RemarkName":"r"}"#,
        r#"{"UserName":"@1","NickName":"b"}"#,
        r#"{"UserName":"@@2","NickName":"room"}"#,
    ]);
    let name = name("@1");
    assert_eq!(&*directory.find(&name).unwrap().nick_name, "b");
    assert_eq!(&*directory.name_of(&name), "r");
    assert_eq!(directory.rooms().count(), 1);
    let said = |room: &str| said_by(room, 1, "@7:<br/>x");
    directory.merge(contact(
        r#"{"UserName":"@@3","MemberList":[{"UserName":"@7","NickName":"n","DisplayName":"d"},{"UserName":"@1"}]}"#,
    ));
    assert_eq!(&*directory.author_name(&said("@@3")), "d");
    assert_eq!(&*directory.author_name(&said("@@2")), "unknown");
    assert_eq!(&*directory.author_name(&said("@1")), "r");
    assert_eq!(&*directory.name_of(&"@@3".parse().unwrap()), "d、r");
    directory.merge(contact(r#"{"UserName":"@7","NickName":"n","RemarkName":"remark"}"#));
    assert_eq!(&*directory.author_name(&said("@@3")), "remark");
    assert_eq!(&*directory.author_name(&said("@@2")), "remark");
    assert_eq!(&*directory.name_of(&"@@3".parse().unwrap()), "remark、r");
    let rooms: Vec<_> = directory.rooms_with(&name).map(|room| room.user_name.as_str()).collect();
    assert_eq!(rooms, ["@@3"]);
    directory.remove(&name);
    assert_eq!((directory.len(), &*directory.name_of(&name)), (3, "unknown"));
}

#[test]
fn own_name_is_part_of_the_directory() {
    let me = name("@me");
    let mut directory = Directory::of(me.clone(), "old");
    let old = directory.clone();
    assert_eq!(directory, old);
    directory.rename_me("new");
    assert_ne!(directory, old);
    assert_eq!(&*directory.name_of(&me), "new");
}

/// A clone is independent, and shares unchanged contacts.
#[test]
fn clones_share_unchanged_contacts() {
    let mut directory =
        directory(&[r#"{"UserName":"@1","NickName":"a"}"#, r#"{"UserName":"@2","NickName":"b"}"#]);
    let copy = directory.clone();
    assert!(Arc::ptr_eq(&copy.contacts, &directory.contacts));
    // An update without a change copies nothing.
    directory.merge(contact(r#"{"UserName":"@1","NickName":"a"}"#));
    directory.remove(&name("@3"));
    assert!(Arc::ptr_eq(&copy.contacts, &directory.contacts));
    directory.merge(contact(r#"{"UserName":"@1","NickName":"c"}"#));
    assert_eq!(&*copy.name_of(&name("@1")), "a");
    let second = name("@2");
    assert!(core::ptr::eq(copy.find(&second).unwrap(), directory.find(&second).unwrap()));
    assert_ne!(copy, directory);
}

fn people() -> Directory {
    directory(&[
        r#"{"UserName":"@1","NickName":"张三","PYQuanPin":"zhangsan","Alias":"Zed_3"}"#,
        r#"{"UserName":"@2","NickName":"张三","RemarkName":"Bob","RemarkPYQuanPin":"Bob"}"#,
        r#"{"UserName":"@3","NickName":"bob","KeyWord":"gh_"}"#,
        r#"{"UserName":"@@4","NickName":"ÄRZTE zhang"}"#,
        r#"{"UserName":"@5","NickName":"","Signature":"bob","Province":"zhang"}"#,
    ])
}

/// If several contacts have the same name, all of them are returned.
#[test]
fn named_returns_every_match() {
    let directory = people();
    let named = |name: &str| {
        let names: Vec<_> = directory.named(name).map(|c| c.user_name.as_str()).collect();
        names.join(" ")
    };
    assert_eq!(named("张三"), "@1 @2");
    assert_eq!([named("Bob"), named("bob"), named("Zed_3")], ["@2 @3", "@2 @3", "@1"]);
    assert_eq!([named(""), named("zhangsan"), named("张")], ["", "", ""]);
    // Full-width letters, combining accents and blanks do not matter.
    assert_eq!([named("ＢＯＢ"), named("A\u{308}rzte  Zhang\u{fe0f}")], ["@2 @3", "@@4"]);
}

/// A typed keycap has a variation selector; the same keycap on the wire has none.
#[test]
fn variation_selectors_are_ignored() {
    let mut directory = people();
    directory.merge(contact("{\"UserName\":\"@@5\",\"NickName\":\"A1\u{20e3} room\"}"));
    for text in ["A1\u{fe0f}\u{20e3} room", "A1\u{20e3} room"] {
        let [named, found] = [directory.named(text).count(), directory.search(text).count()];
        assert_eq!((named, found), (1, 1), "{text}");
    }
}

/// `docs/protocol.md` §10.
#[test]
fn search_ignores_case() {
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
        ("Ｚ３", ""),
        ("d＿3", "@1"),
        ("a\u{308}r\u{200d}z", "@@4"),
        ("@1", ""),
        ("", "@1 @2 @3 @5 @@4"),
    ] {
        assert_eq!(search(text), found, "{text}");
    }
}

/// Threat J7: an endless list does not exhaust memory. Known contacts are still updated.
#[test]
fn number_of_contacts_is_limited() {
    let mut directory = Directory::default();
    let one = contact(r#"{"UserName":"@x","NickName":"n"}"#);
    for n in 0..CONTACTS + 10 {
        directory.merge(Contact { user_name: name(&format!("@{n}")), ..one.clone() });
    }
    assert_eq!(directory.len(), CONTACTS);
    directory.merge(contact(r#"{"UserName":"@7","NickName":"new"}"#));
    assert_eq!(&*directory.name_of(&name("@7")), "new");
}

#[test]
fn set_remark_sets_exactly_that_remark() {
    let mut directory = directory(&[
        r#"{"UserName":"@1","NickName":"n","PYQuanPin":"n","RemarkName":"r","RemarkPYInitial":"R","RemarkPYQuanPin":"r"}"#,
    ]);
    for (remark, initials, full) in [("r", "R", "r"), ("s", "", ""), ("", "", "")] {
        directory.set_remark(&name("@1"), remark);
        let contact = directory.find(&name("@1")).unwrap();
        let pinyin = &contact.remark_pinyin;
        assert_eq!((&*contact.remark_name, &*pinyin.initials), (remark, initials));
        assert_eq!((&*pinyin.full, &*contact.pinyin.full), (full, "n"), "{remark}");
    }
    assert_eq!(&*directory.name_of(&name("@1")), "n");
}

#[test]
fn set_pinned_changes_one_bit() {
    let mut directory = directory(&[r#"{"UserName":"@1","ContactFlag":32771}"#]);
    for (pinned, flag) in [(false, 32_771), (true, 34_819), (true, 34_819), (false, 32_771)] {
        directory.set_pinned(&name("@1"), pinned);
        assert_eq!(directory.find(&name("@1")).unwrap().contact_flag, ContactFlag(flag));
    }
}

#[test]
fn set_topic_clears_the_pinyin_of_the_old_topic() {
    let mut directory = directory(&[
        r#"{"UserName":"@@1","NickName":"old","PYInitial":"O","PYQuanPin":"old","RemarkPYQuanPin":"r"}"#,
    ]);
    for (topic, full) in [("old", "old"), ("new", ""), ("", "")] {
        directory.set_topic(&name("@@1"), topic);
        let room = directory.find(&name("@@1")).unwrap();
        assert_eq!((&*room.nick_name, &*room.pinyin.full), (topic, full));
        assert_eq!(
            (room.pinyin.initials.is_empty(), &*room.remark_pinyin.full),
            (full.is_empty(), "r")
        );
    }
}

/// Returns the number of members of `@@1`, and their names there.
fn members(directory: &Directory) -> String {
    let room = directory.find(&name("@@1")).unwrap();
    let names: Vec<_> = room.members.iter().map(Member::name).collect();
    format!("{}: {}", room.member_count, names.join(" "))
}

#[test]
fn add_members_keeps_the_others_and_counts_the_new() {
    let list = r#"[{"UserName":"@3","NickName":"C"},{"UserName":"@4","NickName":"d"},{"UserName":"@4","NickName":"e"}]"#;
    let added = contact(&format!(r#"{{"UserName":"@@9","MemberList":{list}}}"#)).members;
    let two =
        r#","MemberList":[{"UserName":"@2","NickName":"b"},{"UserName":"@3","NickName":"c"}]"#;
    for (label, count, list, expected) in [
        ("all known", "2", two, "3: b C d"),
        ("some known", "9", two, "10: b C d"),
        ("counted too low", "1", two, "3: b C d"),
        ("counted only", "9", "", "11: C d"),
        // A list of two would be taken for a complete one.
        ("unknown", "0", "", "0: "),
        ("limit", "9223372036854775807", "", "9223372036854775807: C d"),
    ] {
        let fields = format!("\"MemberCount\":{count}{list}");
        let mut directory = directory(&[&format!(r#"{{"UserName":"@@1",{fields}}}"#)]);
        directory.add_members(&name("@@1"), added.to_vec());
        assert_eq!(members(&directory), expected, "{label}");
        let before = directory.clone();
        directory.add_members(&name("@@1"), Vec::new());
        assert!(Arc::ptr_eq(&before.contacts, &directory.contacts), "{label}");
    }
}

#[test]
fn remove_members_lowers_the_count() {
    for (label, count, expected) in [
        ("all known", "3", "1: b"),
        ("some known", "9", "7: b"),
        ("counted too low", "1", "1: b"),
        ("counted below zero", "-9223372036854775808", "1: b"),
    ] {
        let list = r#"[{"UserName":"@2","NickName":"b"},{"UserName":"@3","NickName":"c"},{"UserName":"@4","NickName":"d"}]"#;
        let room = format!(r#"{{"UserName":"@@1","MemberCount":{count},"MemberList":{list}}}"#);
        let mut directory = directory(&[&room]);
        directory.remove_members(&name("@@1"), &["@4", "@3", "@7"].map(name));
        assert_eq!(members(&directory), expected, "{label}");
    }
}

#[test]
fn edits_of_unknown_contacts_change_nothing() {
    let mut directory = people();
    let before = directory.clone();
    let unknown = name("@@unknown");
    let member = contact(r#"{"UserName":"@@9","MemberList":[{"UserName":"@3"}]}"#).members;
    directory.set_remark(&unknown, "r");
    directory.set_pinned(&unknown, true);
    directory.set_topic(&unknown, "t");
    directory.add_members(&unknown, member.to_vec());
    directory.remove_members(&unknown, &[name("@3")]);
    assert!(Arc::ptr_eq(&before.contacts, &directory.contacts));
}

#[path = "directory_machine_tests.rs"]
mod machine;
