use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use proptest::prelude::*;

use super::*;
use crate::testing::message;

fn text(id: &str, from: &str, to: &str, content: &str) -> Message {
    message(&format!(
        r#""MsgId":"{id}","FromUserName":"{from}","ToUserName":"{to}","MsgType":1,"Content":"{content}""#
    ))
}

fn revoke(from: &str, to: &str, inner: &str) -> Message {
    let inner = inner.replace('<', "&lt;").replace('>', "&gt;");
    message(&format!(
        r#""MsgId":"99","FromUserName":"{from}","ToUserName":"{to}","MsgType":10002,"Content":"&lt;sysmsg type='revokemsg'&gt;&lt;revokemsg&gt;{inner}&lt;/revokemsg&gt;&lt;/sysmsg&gt;""#
    ))
}

/// Returns the state after these messages.
fn recent_with(messages: impl IntoIterator<Item = Message>) -> Recent {
    let mut recent = Recent::default();
    messages.into_iter().for_each(|message| receive(&mut recent, message));
    recent
}

/// Passes a revocation and returns the text of its original.
fn original(recent: &mut Recent, from: &str, to: &str, inner: &str) -> Option<String> {
    let mut message = revoke(from, to, inner);
    recent.pass(&mut message);
    message.original().map(|original| original.text().unwrap().into())
}

fn receive(recent: &mut Recent, mut message: Message) {
    recent.pass(&mut message);
    assert!(message.original().is_none());
}

#[test]
fn original_is_found_by_id() {
    let mut recent = recent_with([
        text("1", "@a", "@me", "one"),
        text("2", "@@r", "@me", "@b:<br/>two"),
        text("3", "@me", "@a", "three"),
    ]);
    let mut found = |from, inner| original(&mut recent, from, "@me", inner);
    assert_eq!(found("@a", "<msgid>1</msgid>").as_deref(), Some("one"));
    assert_eq!(found("@@r", "<msgid>2</msgid>").as_deref(), Some("two"));
    // The message remains known, because the service may repeat the revocation.
    assert_eq!(found("@a", "<msgid>1</msgid>").as_deref(), Some("one"));
    // Any of the ids may match: `docs/protocol.md` §9.6.
    assert_eq!(found("@a", "<msgid>7</msgid><newmsgid>1</newmsgid>").as_deref(), Some("one"));
    assert_eq!(found("@a", "<oldmsgid>1</oldmsgid><msgid>7</msgid>").as_deref(), Some("one"));
    // An unknown id, and an id of another chat: `docs/threats.md` M5.
    assert_eq!(found("@a", "<msgid>7</msgid>"), None);
    assert_eq!(found("@b", "<msgid>1</msgid>"), None);
}

/// The raw JSON is not kept.
#[test]
fn original_has_the_fields_of_its_message() {
    for (from, to, content) in
        [("@a", "@me", "one"), ("@me", "@a", "two"), ("@@r", "@me", "@b:<br/>three")]
    {
        let received = text("1", from, to, content);
        let mut recent = recent_with([received.clone()]);
        // The phone revokes the messages of this account, and the service reports either.
        for (from, to) in [(from, to), (to, from)] {
            let mut revocation = revoke(from, to, "<msgid>1</msgid>");
            recent.pass(&mut revocation);
            let original = revocation.original().unwrap();
            let fields = |message: &Message| serde_json::to_value(message).unwrap();
            assert_eq!(fields(original), fields(&received));
            assert_eq!(original.raw.json(), "");
        }
    }
}

#[test]
fn revocation_without_id_refers_to_own_latest_message() {
    let mut recent = recent_with([
        text("1", "@me", "@a", "one"),
        text("2", "@me", "@a", "two"),
        text("3", "@me", "@b", "three"),
        text("4", "@a", "@me", "four"),
    ]);
    let zero = "<msgid>0</msgid>";
    // The revoked message was not received, for example because this client sent it.
    assert_eq!(original(&mut recent, "@me", "@a", "<msgid>0</msgid><newmsgid>9</newmsgid>"), None);
    assert_eq!(original(&mut recent, "@me", "@a", zero).as_deref(), Some("two"));
    // Earlier messages are not considered.
    assert_eq!(original(&mut recent, "@me", "@a", zero), None);
    assert_eq!(original(&mut recent, "@b", "@me", zero).as_deref(), Some("three"));
    assert_eq!(original(&mut recent, "@c", "@me", zero), None);
}

/// Threat M5. No original is better than a wrong one.
#[test]
fn revocation_without_id_refers_to_no_other_message() {
    let zero = "<msgid>0</msgid>";
    let one = || text("1", "@me", "@a", "one");
    // A message that was revoked by its id is not the latest any more.
    let mut recent = recent_with([one(), text("2", "@me", "@a", "two")]);
    assert_eq!(original(&mut recent, "@me", "@a", "<msgid>2</msgid>").as_deref(), Some("two"));
    assert_eq!(original(&mut recent, "@me", "@a", zero), None);

    // The latest message could not be kept: it is too large, or has no id.
    for latest in [
        text("2", "@me", "@a", &"x".repeat(DEFAULT_COUNT * AVERAGE_SIZE)),
        text("0", "@me", "@a", "two"),
    ] {
        let mut recent = recent_with([one(), latest]);
        assert_eq!(original(&mut recent, "@me", "@a", zero), None);
    }

    // System notices about this account's actions are not its messages.
    let notice = message(
        r#""MsgId":"2","FromUserName":"@me","ToUserName":"@a","MsgType":10000,"Content":"发出红包，请在手机上查看""#,
    );
    let mut recent = recent_with([one(), notice]);
    assert_eq!(original(&mut recent, "@me", "@a", zero).as_deref(), Some("one"));

    // If the text names somebody else, no message of this account was revoked.
    receive(&mut recent, text("3", "@me", "@a", "three"));
    let tom = "<msgid>0</msgid><replacemsg>\\\"Tom\\\" 撤回了一条消息</replacemsg>";
    assert_eq!(original(&mut recent, "@a", "@me", tom), None);
    let me = "<msgid>0</msgid><replacemsg>你撤回了一条消息</replacemsg>";
    assert_eq!(original(&mut recent, "@a", "@me", me).as_deref(), Some("three"));
}

/// Threat M4.
#[test]
fn oldest_messages_are_evicted() {
    let mut recent = Recent::of(3);
    for n in 1..=5 {
        receive(&mut recent, text(&format!("{n}"), "@me", "@a", "x"));
    }
    let known = |n: u32, recent: &Recent| {
        recent.messages.iter().any(|message| message.id == MsgId::from(&*format!("{n}")))
    };
    let all: Vec<bool> = (1..=5).map(|n| known(n, &recent)).collect();
    assert_eq!(all, [false, false, true, true, true]);
    assert_eq!((recent.messages.len(), recent.chats.len()), (3, 1));
    assert_eq!(original(&mut recent, "@a", "@me", "<msgid>2</msgid>"), None);

    // The bytes are limited, too. A message above the total limit is not kept and evicts nothing.
    let large = "x".repeat(3 * AVERAGE_SIZE - 300);
    receive(&mut recent, text("6", "@a", "@me", &large));
    assert!(known(6, &recent) && recent.messages.len() < 4);
    receive(&mut recent, text("7", "@a", "@me", &"x".repeat(3 * AVERAGE_SIZE)));
    assert!(known(6, &recent) && !known(7, &recent));
    receive(&mut recent, text("8", "@a", "@me", &large));
    assert!(!known(6, &recent) && known(8, &recent));
    assert!(recent.chats.values().all(Option::is_none) && recent.bytes <= 3 * AVERAGE_SIZE);
}

#[test]
fn unneeded_messages_are_not_kept() {
    let mut off = Recent::of(0);
    receive(&mut off, text("1", "@a", "@me", "one"));
    assert_eq!(original(&mut off, "@a", "@me", "<msgid>1</msgid>"), None);

    let mut recent = recent_with([
        text("", "@a", "@me", "one"),
        text("0", "@a", "@me", "one"),
        message(r#""MsgId":"5","FromUserName":"@a","ToUserName":"@me","MsgType":51"#),
    ]);
    assert!(recent.messages.is_empty());
    receive(&mut recent, text("1", "@a", "@me", "one"));
    assert_eq!(recent.bytes, text("1", "@a", "@me", "one").raw.json().len());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    /// For any messages, the bounds hold and the fields are consistent.
    #[test]
    fn bounds_hold_for_any_messages(most in 0_usize..5, steps in prop::collection::vec((0_u8..9, 0_u8..3, any::<bool>(), 0_usize..40_000), 0..40)) {
        let mut recent = Recent::of(most);
        for (id, chat, own, size) in steps {
            let chat = format!("@{chat}");
            let (from, to) = if own { ("@me", &*chat) } else { (&*chat, "@me") };
            let mut message = if size % 5 == 0 {
                revoke(from, to, &format!("<msgid>{id}</msgid>"))
            } else {
                text(&format!("{id}"), from, to, &"x".repeat(size))
            };
            recent.pass(&mut message);
            if let Some(original) = message.original() {
                prop_assert_eq!(original.peer(), message.peer());
            }
            let Recent { messages, chats, bytes, .. } = &recent;
            prop_assert!(messages.len() <= most && *bytes <= most * AVERAGE_SIZE);
            prop_assert_eq!(*bytes, messages.iter().map(|message| message.size as usize).sum::<usize>());
            let has = |chat: &UserName, id: Option<&MsgId>| messages.iter().any(|message| {
                *message.chat == *chat && id.is_none_or(|id| message.id == *id)
            });
            prop_assert!(chats.iter().all(|(chat, own)| has(chat, own.as_ref())));
            prop_assert!(messages.iter().all(|message| chats.contains_key(&message.chat)));
        }
    }
}
