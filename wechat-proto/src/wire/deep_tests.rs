//! Tests of JSON nested as deep as the limits of a body allow, on a small stack.

extern crate std;

use alloc::format;
use alloc::string::String;

use crate::contact::{BatchGetContacts, GetContacts};
use crate::endpoint::Endpoint as _;
use crate::login::InitSession;
use crate::sync::FetchBatch;
use crate::testing::{credentials, reply};
use crate::{Message, Session};

/// The stack size of the tests: a quarter of the default of a JVM thread.
const STACK: usize = 256 << 10;
/// A depth that exceeds such a stack for any recursive function: 13 bytes a level.
const DEEP: usize = 20_000;

/// Returns nested values, with and without the closing brackets.
fn nested(depth: usize) -> [String; 5] {
    let lists = "[".repeat(depth);
    let objects = "{\"a\":".repeat(depth);
    // The parsers read the field of this name.
    let known = "{\"MemberList\":[".repeat(depth);
    [
        format!("{lists}{}", "]".repeat(depth)),
        format!("{objects}1{}", "}".repeat(depth)),
        format!("{known}{}", "]}".repeat(depth)),
        lists,
        known,
    ]
}

/// Runs a function in a thread with a small stack; an overflow aborts the process.
fn on_a_small_stack(run: impl FnOnce() + Send + 'static) {
    let thread = std::thread::Builder::new().stack_size(STACK).spawn(run);
    thread.expect("a thread").join().expect("no panic");
}

/// Threat J1: at the top level, in an unknown field, in place of a list, a text or a number, and
/// within an element of a list.
#[test]
fn deep_nesting_does_not_exhaust_the_stack() {
    on_a_small_stack(|| {
        for depth in [128, DEEP] {
            for deep in nested(depth) {
                let ok = r#""BaseResponse":{"Ret":0}"#;
                for body in [
                    deep.clone(),
                    format!("{{{ok},\"X\":{deep}}}"),
                    format!(
                        "{{{ok},\"AddMsgList\":{deep},\"MemberList\":{deep},\"ContactList\":{deep}}}"
                    ),
                    format!(
                        "{{{ok},\"AddMsgList\":[{{\"MsgId\":\"1\",\"Content\":{deep}}}],\"User\":{deep},\"SyncKey\":{deep}}}"
                    ),
                    format!(
                        "{{{ok},\"MemberList\":[{{\"UserName\":\"@@a\",\"MemberList\":{deep},\"Sex\":{deep}}}]}}"
                    ),
                    format!("{{\"BaseResponse\":{deep}}}"),
                ] {
                    let reply = reply(&body);
                    let _ = FetchBatch::new().parse(&reply);
                    let _ = GetContacts::new().parse(&reply);
                    let _ = BatchGetContacts::new(&[]).parse(&reply);
                    let _ = InitSession::new(credentials()).parse(&reply);
                    let _ = Session::from_json(&body);
                }
            }
        }
    });
}

/// Threat J1: the values beside a deeply nested value are parsed.
#[test]
fn values_beside_deep_nesting_are_parsed() {
    on_a_small_stack(|| {
        for depth in [127, 128, DEEP] {
            for deep in nested(depth).into_iter().take(3) {
                let body = format!(
                    r#"{{"BaseResponse":{{"Ret":0}},"X":{deep},"MemberList":[{{"UserName":"@a","NickName":"one"}},{{"UserName":"@b","Sex":{deep},"NickName":"two"}},{deep},{{"UserName":"@c","NickName":"three"}}],"Seq":0}}"#
                );
                let page = GetContacts::new().parse(&reply(&body)).expect("a page");
                let names = page.contacts.iter().map(|contact| &*contact.nick_name);
                // The record that contains the deep value may be dropped.
                let names = names.filter(|name| *name != "two").collect::<alloc::vec::Vec<_>>();
                assert_eq!(names, ["one", "three"], "{depth}");
                let record = format!(
                    r#"{{"MsgId":"7","MsgType":1,"FromUserName":"@a","ToUserName":"@b","Content":"hi","X":{deep}}}"#
                );
                let message = Message::from_json(&record, &"@b".parse().unwrap());
                assert_eq!(message.expect("a message").id, "7".into(), "{depth}");
            }
        }
    });
}
