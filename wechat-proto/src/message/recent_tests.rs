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

/// The text that a message takes back.
fn original(recent: &mut Recent, from: &str, to: &str, inner: &str) -> Option<String> {
    let mut message = revoke(from, to, inner);
    recent.pass(&mut message);
    message.original().map(|original| original.text().unwrap().into())
}

fn heard(recent: &mut Recent, mut message: Message) {
    recent.pass(&mut message);
    assert!(message.original().is_none());
}

#[test]
fn finds_what_is_taken_back() {
    let mut recent = Recent::default();
    heard(&mut recent, text("1", "@a", "@me", "one"));
    heard(&mut recent, text("2", "@@r", "@me", "@b:<br/>two"));
    heard(&mut recent, text("3", "@me", "@a", "three"));
    let mut found = |from, inner| original(&mut recent, from, "@me", inner);
    assert_eq!(found("@a", "<msgid>1</msgid>").as_deref(), Some("one"));
    assert_eq!(found("@@r", "<msgid>2</msgid>").as_deref(), Some("two"));
    // It stays known: the service repeats itself.
    assert_eq!(found("@a", "<msgid>1</msgid>").as_deref(), Some("one"));
    // Either number may be the one: `docs/protocol.md` §9.6.
    assert_eq!(found("@a", "<msgid>7</msgid><newmsgid>1</newmsgid>").as_deref(), Some("one"));
    assert_eq!(found("@a", "<oldmsgid>1</oldmsgid><msgid>7</msgid>").as_deref(), Some("one"));
    // Not known, and of another chat: `docs/threats.md` M5.
    assert_eq!(found("@a", "<msgid>7</msgid>"), None);
    assert_eq!(found("@b", "<msgid>1</msgid>"), None);
}

#[test]
fn without_a_number_it_is_the_own_latest() {
    let mut recent = Recent::default();
    heard(&mut recent, text("1", "@me", "@a", "one"));
    heard(&mut recent, text("2", "@me", "@a", "two"));
    heard(&mut recent, text("3", "@me", "@b", "three"));
    heard(&mut recent, text("4", "@a", "@me", "four"));
    let zero = "<msgid>0</msgid>";
    // Of what this client sent itself, say.
    assert_eq!(original(&mut recent, "@me", "@a", "<msgid>0</msgid><newmsgid>9</newmsgid>"), None);
    assert_eq!(original(&mut recent, "@me", "@a", zero).as_deref(), Some("two"));
    // What came before is not guessed at.
    assert_eq!(original(&mut recent, "@me", "@a", zero), None);
    assert_eq!(original(&mut recent, "@b", "@me", zero).as_deref(), Some("three"));
    assert_eq!(original(&mut recent, "@c", "@me", zero), None);
}

/// Threat M5. A wrong message would be worse than none.
#[test]
fn without_a_number_no_other_is_taken() {
    let zero = "<msgid>0</msgid>";
    // One that was taken back by its number is gone.
    let mut recent = Recent::default();
    heard(&mut recent, text("1", "@me", "@a", "one"));
    heard(&mut recent, text("2", "@me", "@a", "two"));
    assert_eq!(original(&mut recent, "@me", "@a", "<msgid>2</msgid>").as_deref(), Some("two"));
    assert_eq!(original(&mut recent, "@me", "@a", zero), None);

    // The latest is one that could not be kept: too large, or without a number.
    for latest in
        [text("2", "@me", "@a", &"x".repeat(USUAL * AVERAGE)), text("0", "@me", "@a", "two")]
    {
        let mut recent = Recent::default();
        heard(&mut recent, text("1", "@me", "@a", "one"));
        heard(&mut recent, latest);
        assert_eq!(original(&mut recent, "@me", "@a", zero), None);
    }

    // What the service notes of this account's doings is nothing that it said.
    let mut recent = Recent::default();
    heard(&mut recent, text("1", "@me", "@a", "one"));
    heard(
        &mut recent,
        message(
            r#""MsgId":"2","FromUserName":"@me","ToUserName":"@a","MsgType":10000,"Content":"发出红包，请在手机上查看""#,
        ),
    );
    assert_eq!(original(&mut recent, "@me", "@a", zero).as_deref(), Some("one"));

    // Nor is it this account's if somebody else is said to have done it.
    heard(&mut recent, text("3", "@me", "@a", "three"));
    let tom = "<msgid>0</msgid><replacemsg>\\\"Tom\\\" 撤回了一条消息</replacemsg>";
    assert_eq!(original(&mut recent, "@a", "@me", tom), None);
    let me = "<msgid>0</msgid><replacemsg>你撤回了一条消息</replacemsg>";
    assert_eq!(original(&mut recent, "@a", "@me", me).as_deref(), Some("three"));
}

/// Threat M4.
#[test]
fn forgets_the_oldest() {
    let mut recent = Recent::of(3);
    for n in 1..=5 {
        heard(&mut recent, text(&format!("{n}"), "@me", "@a", "x"));
    }
    let known =
        |n: u32, recent: &Recent| recent.messages.contains_key(&MsgId::from(&*format!("{n}")));
    let all: Vec<bool> = (1..=5).map(|n| known(n, &recent)).collect();
    assert_eq!(all, [false, false, true, true, true]);
    assert_eq!((recent.messages.len(), recent.order.len(), recent.own.len()), (3, 3, 1));
    assert_eq!(original(&mut recent, "@a", "@me", "<msgid>2</msgid>"), None);

    // In bytes, too; what is larger than all of them together is not kept, and drives out nobody.
    let large = "x".repeat(3 * AVERAGE - 300);
    heard(&mut recent, text("6", "@a", "@me", &large));
    assert!(known(6, &recent) && recent.messages.len() < 4);
    heard(&mut recent, text("7", "@a", "@me", &"x".repeat(3 * AVERAGE)));
    assert!(known(6, &recent) && !known(7, &recent));
    heard(&mut recent, text("8", "@a", "@me", &large));
    assert!(!known(6, &recent) && known(8, &recent));
    assert!(recent.own.is_empty() && recent.bytes <= 3 * AVERAGE);
}

#[test]
fn keeps_nothing_that_it_need_not() {
    let mut off = Recent::of(0);
    heard(&mut off, text("1", "@a", "@me", "one"));
    assert_eq!(original(&mut off, "@a", "@me", "<msgid>1</msgid>"), None);

    let mut recent = Recent::default();
    heard(&mut recent, text("", "@a", "@me", "one"));
    heard(&mut recent, text("0", "@a", "@me", "one"));
    heard(
        &mut recent,
        message(r#""MsgId":"5","FromUserName":"@a","ToUserName":"@me","MsgType":51"#),
    );
    assert!(recent.messages.is_empty());
    heard(&mut recent, text("1", "@a", "@me", "one"));
    let kept = &recent.messages[&MsgId::from("1")];
    assert_eq!(recent.bytes, kept.raw.json().len());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    /// Whatever comes, the bounds hold and the books agree.
    #[test]
    fn stays_within_its_bounds(most in 0_usize..5, steps in prop::collection::vec((0_u8..9, 0_u8..3, any::<bool>(), 0_usize..40_000), 0..40)) {
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
            prop_assert!(recent.order.len() <= most && recent.bytes <= most * AVERAGE);
            prop_assert_eq!(recent.order.len(), recent.messages.len());
            prop_assert!(recent.own.len() <= recent.messages.len());
            let bytes: usize = recent.messages.values().map(|message| message.raw.json().len()).sum();
            prop_assert_eq!(recent.bytes, bytes);
            prop_assert!(recent.own.values().all(|id| recent.messages.contains_key(id)));
        }
    }
}
