//! The originals of revoked messages: `docs/protocol.md` §9.6.

use alloc::vec;

use super::*;
use crate::message::Kind;

/// Returns a revocation of the message `id` in the chat with `@a`.
fn revoke(own: &str, id: &str) -> Value {
    let content = format!(
        "&lt;sysmsg type=\"revokemsg\"&gt;&lt;revokemsg&gt;&lt;msgid&gt;{id}&lt;/msgid&gt;&lt;/revokemsg&gt;&lt;/sysmsg&gt;"
    );
    json!({ "MsgId": own, "FromUserName": "@a", "ToUserName": "@me", "MsgType": 10002, "Content": content })
}

/// Returns a stage with two messages in one batch, then revocations of the first and of an unknown
/// message.
fn stage(inbox: impl FnOnce(Inbox) -> Inbox) -> Stage {
    let revoked =
        with(batch(&[], 3, false), "AddMsgList", json!([revoke("3", "1"), revoke("4", "9")]));
    let mut stage = Stage::new([ok(batch(&["1", "2"], 2, true)), ok(revoked)]);
    stage.inbox = inbox(Inbox::new());
    stage
}

/// Returns the text of the original of each revocation.
fn originals(stage: &mut Stage) -> Vec<Option<String>> {
    let mut originals = Vec::new();
    while let Ok(message) = stage.next() {
        if let Kind::Revoked(_) = message.kind {
            originals.push(message.original().map(|original| original.text().unwrap().into()));
        } else {
            assert!(message.original().is_none());
        }
    }
    originals
}

#[test]
fn a_revocation_has_its_original() {
    assert_eq!(originals(&mut stage(|inbox| inbox)), vec![Some("1".to_string()), None]);
    assert_eq!(originals(&mut stage(|inbox| inbox.remember(2))), vec![Some("1".to_string()), None]);
    // The second message has replaced the first.
    assert_eq!(originals(&mut stage(|inbox| inbox.remember(1))), vec![None, None]);
    assert_eq!(originals(&mut stage(|inbox| inbox.remember(0))), vec![None, None]);
}
