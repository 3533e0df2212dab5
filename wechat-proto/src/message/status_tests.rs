use alloc::format;
use alloc::string::{String, ToString as _};
use alloc::vec;
use alloc::vec::Vec;

use proptest::prelude::*;

use super::*;
use crate::message::Kind;
use crate::testing::message;

fn read(code: i64, names: &str, content: &str) -> StatusNotify {
    let content = serde_json::Value::from(content);
    let fields = format!(
        r#""FromUserName":"@me","ToUserName":"@a","MsgType":51,"StatusNotifyCode":{code},"StatusNotifyUserName":"{names}","Content":{content}"#
    );
    match message(&fields).kind {
        Kind::Status(status) => *status,
        other => panic!("{other:?}"),
    }
}

fn pairs(status: &StatusNotify) -> Vec<(&str, &str)> {
    status.pairs().map(|(name, id)| (name.as_str(), id)).collect()
}

fn op(id: &str, inner: &str) -> String {
    let document = format!("<msg>\n<op id='{id}'>\n{inner}\n</op>\n</msg>");
    document.replace('<', "&lt;").replace('>', "&gt;").replace('\n', "<br/>\t")
}

#[test]
fn codes_are_parsed() {
    for (code, name) in [
        (1, StatusCode::READ),
        (2, StatusCode::ENTERED),
        (4, StatusCode::RECENT),
        (5, StatusCode::LEFT),
        (9, StatusCode(9)),
    ] {
        let content = op(&code.to_string(), "<username>wxid_a</username>");
        let status = read(code, "@a", &content);
        assert_eq!((status.code, pairs(&status)), (name, vec![("@a", "wxid_a")]));
        // The list may be only in the XML, or only in the record. The content has been empty since
        // 2017.
        assert_eq!(read(0, "", &content).code, name);
        let bare = read(code, "@a", "");
        assert_eq!((bare.code, bare.user_names.len(), bare.permanent_ids.len()), (name, 1, 0));
        assert_eq!(bare.pairs().count(), 0);
    }
}

#[test]
fn lists_of_equal_length_are_paired() {
    let ids = |ids: &str| op("4", &format!("<username>{ids}</username>"));
    let status = read(4, "filehelper,@@r,@a", &ids("\n filehelper,1@chatroom,wxid_a\n"));
    let expected = [("filehelper", "filehelper"), ("@@r", "1@chatroom"), ("@a", "wxid_a")];
    assert_eq!(pairs(&status), expected);
    // A trailing comma does not add an element.
    assert_eq!(pairs(&read(4, "@a,@b,", &ids("x,y"))), [("@a", "x"), ("@b", "y")]);
    for (names, permanent) in [
        ("@a,@b", "x"),
        ("@a", "x,y"),
        ("", "x"),
        ("@a", ""),
        // The lists have equal lengths only after invalid elements are dropped.
        ("@a,,@b", "x,y,"),
        ("@a,b c,@d", "x,y,"),
        ("@a,@b", ",x"),
    ] {
        let status = read(4, names, &ids(permanent));
        assert_eq!(status.pairs().count(), 0, "{names} and {permanent}");
    }
    let odd = read(4, "@a,,b c,@d", &ids("x,,y"));
    assert_eq!((odd.user_names.len(), odd.permanent_ids.len()), (2, 2));
}

#[test]
fn unread_lists_are_parsed() {
    let content = op(
        "4",
        "<username>wxid_a</username>\
         <unreadchatlist>\
         <chat><username> MomentsUnreadMsgStatus </username><lastreadtime>1454502365</lastreadtime></chat>\
         <chat><username>1@chatroom</username><lastreadtime>1454502366</lastreadtime></chat>\
         <chat><username>wxid_b</username></chat><chat/>\
         </unreadchatlist>\
         <unreadfunctionlist><function><username>masssendapp</username><lastreadtime>7</lastreadtime></function>floatbottle</unreadfunctionlist>",
    );
    let status = read(4, "@a", &content);
    assert_eq!(status.unread_moments, Some(Timestamp::from_secs(1_454_502_365)));
    let chats: Vec<_> =
        status.unread_chats.iter().map(|chat| (&*chat.permanent_id, chat.last_read)).collect();
    let read_at = Timestamp::from_secs(1_454_502_366);
    assert_eq!(chats, [("1@chatroom", read_at), ("wxid_b", Timestamp::default())]);
    let functions: Vec<_> = status.unread_functions.iter().map(AsRef::as_ref).collect();
    assert_eq!(functions, ["masssendapp", "floatbottle"]);
}

/// Threats X1, X3.
#[test]
fn malformed_xml_is_tolerated() {
    for content in ["junk", "&lt;msg&gt;&lt;op id='4'", "&lt;!DOCTYPE x&gt;&lt;msg/&gt;", "<br/>"] {
        let status = read(4, "@a", content);
        assert_eq!((status.code, status.user_names.len()), (StatusCode::RECENT, 1), "{content}");
        assert!(status.permanent_ids.is_empty());
    }
}

proptest! {
    #[test]
    fn any_pairs_are_complete(names in "[@a-z, ]{0,40}", ids in "[@a-z,_ &<;]{0,40}", code in any::<i64>()) {
        let status = StatusNotify::read(code, &names, &op("4", &format!("<username>{ids}</username>")));
        let count = status.pairs().count();
        prop_assert!(count == 0 || count == status.user_names.len() && count == status.permanent_ids.len());
    }

    #[test]
    fn matching_lists_are_paired(list in prop::collection::vec("[a-z0-9]{1,8}", 1..20)) {
        let names: Vec<String> = list.iter().map(|id| format!("@{id}")).collect();
        let content = op("4", &format!("<username>{}</username>", list.join(",")));
        let status = read(4, &names.join(","), &content);
        let expected: Vec<_> = names.iter().map(String::as_str).zip(list.iter().map(String::as_str)).collect();
        prop_assert_eq!(pairs(&status), expected);
    }
}
