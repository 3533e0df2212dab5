//! JSON nested as deep as the limits of a body allow, on a small stack.

extern crate std;

use alloc::format;
use alloc::string::String;

use crate::contact::{BatchGetContacts, GetContacts};
use crate::endpoint::Endpoint as _;
use crate::login::InitSession;
use crate::sync::FetchBatch;
use crate::testing::{credentials, reply};
use crate::{Message, Session};

/// What the parsers have to do with: a quarter of what the threads of musl have, an eighth of
/// those of the JVM.
const STACK: usize = 256 << 10;
/// Deeper than such a stack is, by whatever function: 13 bytes a level.
const DEEP: usize = 20_000;

/// Values within values, closed again or not.
fn nested(depth: usize) -> [String; 5] {
    let lists = "[".repeat(depth);
    let objects = "{\"a\":".repeat(depth);
    // Of the names that the parsers look for.
    let known = "{\"MemberList\":[".repeat(depth);
    [
        format!("{lists}{}", "]".repeat(depth)),
        format!("{objects}1{}", "}".repeat(depth)),
        format!("{known}{}", "]}".repeat(depth)),
        lists,
        known,
    ]
}

/// In a thread that small, which aborts the process if it overflows.
fn on_a_small_stack(run: impl FnOnce() + Send + 'static) {
    let thread = std::thread::Builder::new().stack_size(STACK).spawn(run);
    thread.expect("a thread").join().expect("no panic");
}

/// Threat J1: at the top, in a field that nobody knows, where a list, a text or a number is
/// expected, within an element of a list.
#[test]
fn no_depth_exhausts_the_stack() {
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
                    let _ = FetchBatch.parse(&reply);
                    let _ = GetContacts::new().parse(&reply);
                    let _ = BatchGetContacts::new(&[]).parse(&reply);
                    let _ = InitSession::new(credentials()).parse(&reply);
                    let _ = Session::from_json(&body);
                }
            }
        }
    });
}

/// Threat J1: what is beside such a value is read.
#[test]
fn what_is_beside_it_is_read() {
    on_a_small_stack(|| {
        for depth in [127, 128, DEEP] {
            for deep in nested(depth).into_iter().take(3) {
                let body = format!(
                    r#"{{"BaseResponse":{{"Ret":0}},"X":{deep},"MemberList":[{{"UserName":"@a","NickName":"one"}},{{"UserName":"@b","Sex":{deep},"NickName":"two"}},{deep},{{"UserName":"@c","NickName":"three"}}],"Seq":0}}"#
                );
                let page = GetContacts::new().parse(&reply(&body)).expect("a page");
                let names = page.contacts.iter().map(|contact| &*contact.nick_name);
                let names = names.filter(|name| *name != "two").collect::<alloc::vec::Vec<_>>();
                assert_eq!(names, ["one", "three"], "{depth}");
                let record = format!(
                    r#"{{"MsgId":"7","MsgType":1,"FromUserName":"@a","ToUserName":"@b","Content":"hi","X":{deep}}}"#
                );
                let message = Message::from_json(&record, &"@b".parse().unwrap());
                assert_eq!(message.expect("a message").id.as_str(), "7", "{depth}");
            }
        }
    });
}
