use alloc::format;
use alloc::string::String;

use super::*;
use crate::testing::contact;

fn directory(records: &[&str]) -> Directory {
    let mut directory = Directory::of("@me".parse().unwrap(), "me");
    records.iter().for_each(|json| directory.merge(contact(json)));
    directory
}

/// Returns the changes that records make, as JSON, one per line.
fn changes(before: &[&str], after: &[&str]) -> String {
    let old = directory(before);
    let mut new = old.clone();
    after.iter().for_each(|json| new.merge(contact(json)));
    lines(&new.changes_since(&old))
}

fn lines(changes: &[Change]) -> String {
    changes.iter().map(|change| serde_json::to_string(change).unwrap() + "\n").collect()
}

const ROOM: &str = r#"{"UserName":"@@r","NickName":"room","ChatRoomOwner":"@1","MemberCount":2,
    "MemberList":[{"UserName":"@1","NickName":"one"},{"UserName":"@2","NickName":"two","DisplayName":"zwei"}]}"#;

#[test]
fn each_kind_of_change_is_reported() {
    let after = [
        r#"{"UserName":"@@r","NickName":"new","ChatRoomOwner":"@2","Statues":1,"MemberCount":2,
            "MemberList":[{"UserName":"@2","NickName":"two","DisplayName":"deux"},{"UserName":"@3","NickName":"three"}]}"#,
        r#"{"UserName":"@1","NickName":"one","RemarkName":"r","City":"c"}"#,
        r#"{"UserName":"@2","NickName":"two"}"#,
    ];
    insta::assert_snapshot!(changes(&[ROOM, r#"{"UserName":"@1"}"#], &after), @r#"
    {"change":"changed","user_name":"@1","fields":["nick_name","remark_name","city"]}
    {"change":"added","contact":{"user_name":"@2","nick_name":"two","remark_name":"","alias":"","head_img_url":"","signature":"","province":"","city":"","pinyin":{"initials":"","full":""},"remark_pinyin":{"initials":"","full":""},"key_word":"","contact_flag":0,"verify_flag":0,"sns_flag":0,"attr_status":0,"statues":0,"sex":0,"star_friend":0,"hide_input_bar_flag":0,"uin":0,"owner_uin":0,"is_owner":0,"chat_room_owner":null,"encry_chat_room_id":"","member_count":0,"members":[]}}
    {"change":"renamed","user_name":"@@r","old":"room","new":"new"}
    {"change":"owner_changed","user_name":"@@r","old":"@1","new":"@2"}
    {"change":"members_joined","user_name":"@@r","members":[{"user_name":"@3","nick_name":"three","display_name":"","attr_status":0,"member_status":0}]}
    {"change":"members_left","user_name":"@@r","members":[{"user_name":"@1","nick_name":"one","display_name":"","attr_status":0,"member_status":0}]}
    {"change":"members_renamed","user_name":"@@r","members":[{"user_name":"@2","nick_name":"two","display_name":"deux","attr_status":0,"member_status":0}]}
    {"change":"changed","user_name":"@@r","fields":["statues"]}
    "#);
}

#[test]
fn added_and_removed_contacts_are_reported() {
    let old = directory(&[r#"{"UserName":"@1","NickName":"n"}"#, r#"{"UserName":"@2"}"#]);
    let mut new = old.clone();
    new.remove(&"@1".parse().unwrap());
    new.merge(contact(r#"{"UserName":"@3"}"#));
    let changes = new.changes_since(&old);
    let kinds: Vec<_> = changes
        .iter()
        .map(|change| match change {
            Change::Added { contact } => format!("+{}", contact.user_name),
            Change::Removed { contact } => format!("-{}", contact.name()),
            other => format!("{other:?}"),
        })
        .collect();
    assert_eq!(kinds, ["-n", "+@3"]);
    let names: Vec<_> = changes.iter().map(|change| change.user_name().as_str()).collect();
    assert_eq!(names, ["@1", "@3"]);
    assert_eq!(old.changes_since(&new).len(), 2);
}

/// The members of the first complete list were unknown before, so they are not reported as new.
#[test]
fn first_complete_list_reports_no_joins() {
    let partial =
        r#"{"UserName":"@@r","NickName":"room","MemberCount":2,"MemberList":[{"UserName":"@1"}]}"#;
    for before in [partial, r#"{"UserName":"@@r"}"#] {
        let change = changes(&[before], &[ROOM]);
        assert!(
            change.contains(r#""change":"changed""#) && change.contains(r#""members""#),
            "{change}"
        );
        assert!(!change.contains("joined") && !change.contains("owner_changed"), "{change}");
    }
    // An incomplete list does not mean that members left.
    assert_eq!(changes(&[ROOM], &[partial]), "");
}

/// A small room in `webwxinit` has all of its members, without their names, so a first name is not
/// reported as a renaming. Other differences of remaining members are reported as changed
/// `members`.
#[test]
fn other_differences_of_members_are_reported() {
    let nameless = r#"{"UserName":"@@r","NickName":"room","MemberCount":2,"MemberList":[{"UserName":"@1"},{"UserName":"@2"}]}"#;
    let status = ROOM.replace("\"two\",", "\"two\",\"MemberStatus\":7,");
    for (before, after) in [(nameless, ROOM), (ROOM, &status)] {
        let change = changes(&[before], &[after]);
        assert!(!change.contains("members_renamed"), "{change}");
        assert!(change.contains("\"fields\":[") && change.contains("\"members\""), "{change}");
    }
}

/// The service marks the account's own room in two ways.
#[test]
fn same_owner_in_other_form_is_no_change() {
    let mine = r#"{"UserName":"@@r","IsOwner":1}"#;
    assert_eq!(changes(&[mine], &[r#"{"UserName":"@@r","ChatRoomOwner":"@me"}"#]), "");
    let given = changes(&[mine], &[r#"{"UserName":"@@r","ChatRoomOwner":"@2"}"#]);
    assert_eq!(
        given,
        "{\"change\":\"owner_changed\",\"user_name\":\"@@r\",\"old\":\"@me\",\"new\":\"@2\"}\n"
    );
}

/// A changed list of members also changes `member_count`.
#[test]
fn changed_fields_are_reported_by_name() {
    for (wire, name) in [
        (r#""NickName":"x""#, "nick_name"),
        (r#""RemarkName":"x""#, "remark_name"),
        (r#""Alias":"x""#, "alias"),
        (r#""HeadImgUrl":"x""#, "head_img_url"),
        (r#""Signature":"x""#, "signature"),
        (r#""Province":"x""#, "province"),
        (r#""City":"x""#, "city"),
        (r#""PYInitial":"x""#, "pinyin"),
        (r#""RemarkPYQuanPin":"x""#, "remark_pinyin"),
        (r#""KeyWord":"x""#, "key_word"),
        (r#""ContactFlag":7"#, "contact_flag"),
        (r#""VerifyFlag":7"#, "verify_flag"),
        (r#""SnsFlag":7"#, "sns_flag"),
        (r#""AttrStatus":7"#, "attr_status"),
        (r#""Statues":7"#, "statues"),
        (r#""Sex":7"#, "sex"),
        (r#""StarFriend":7"#, "star_friend"),
        (r#""HideInputBarFlag":7"#, "hide_input_bar_flag"),
        (r#""Uin":7"#, "uin"),
        (r#""IsOwner":1"#, "owner"),
        (r#""EncryChatRoomId":"x""#, "encry_chat_room_id"),
        (r#""MemberCount":7"#, "member_count"),
        (r#""MemberCount":7,"MemberList":[{"UserName":"@7"}]"#, "member_count\",\"members"),
    ] {
        let change =
            changes(&[r#"{"UserName":"@@1"}"#], &[&format!("{{\"UserName\":\"@@1\",{wire}}}")]);
        let expected =
            format!("{{\"change\":\"changed\",\"user_name\":\"@@1\",\"fields\":[\"{name}\"]}}\n");
        assert_eq!(change, expected);
    }
    let both = Fields::ALIAS | Fields::CITY;
    assert!(both.has(Fields::CITY) && !both.has(Fields::SEX) && !both.is_empty());
    assert_eq!(both | Fields::ALIAS, both);
    assert_eq!(format!("{both:?}"), "{\"alias\", \"city\"}");
}
