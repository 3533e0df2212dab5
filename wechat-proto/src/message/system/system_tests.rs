use alloc::boxed::Box;
use alloc::format;
use alloc::string::{String, ToString as _};
use alloc::vec;
use alloc::vec::Vec;

use proptest::prelude::*;

use super::*;
use crate::message::system::patterns::{Lang, PATTERNS};
use crate::message::{Kind, Person};
use crate::testing::said_by;

#[path = "system_notice_tests.rs"]
mod notices;

fn read(msg_type: i64, content: &str) -> System {
    match said_by("@@r", msg_type, content).kind {
        Kind::System(system) => *system,
        other => panic!("{other:?}"),
    }
}

fn named(names: &[&str]) -> Vec<Person> {
    names.iter().map(|name| Person::Named((*name).into())).collect()
}

fn one(name: &str) -> Person {
    Person::Named(name.into())
}

/// Returns whether a list has several names.
fn several(list: &[Person]) -> bool {
    list.iter().filter(|person| person.name().is_some()).count() > 1
}

fn invited(by: Person, who: Vec<Person>, others: Vec<Person>) -> SystemEvent {
    let is_ambiguous = several(&who) || several(&others);
    SystemEvent::Invited { by, who, others, is_ambiguous }
}

fn by_code(who: Vec<Person>, of: Option<Person>, others: Vec<Person>) -> SystemEvent {
    let is_ambiguous = several(&who) || several(&others);
    SystemEvent::JoinedByCode { who, of, others, is_ambiguous }
}

fn joined(who: Vec<Person>) -> SystemEvent {
    let is_ambiguous = several(&who);
    SystemEvent::Joined { who, is_ambiguous }
}

fn some(name: &str) -> Option<Box<str>> {
    Some(name.into())
}

/// puppet-wechat#182: spans in names broke the patterns of others.
#[test]
fn names_are_decoded_before_matching() {
    let content = "\"A &amp; <span class=\"emoji emoji1f604\"></span>\"邀请\"&quot;大山&quot;、<span class=\"emoji emoji1f1e81f1f3\"></span>\"加入了群聊";
    let system = read(10_000, content);
    assert_eq!(&*system.text, "\"A & 😄\"邀请\"\"大山\"、🇨🇳\"加入了群聊");
    let who = named(&["\"大山\"", "🇨🇳"]);
    let event = invited(one("A & 😄"), who, vec![]);
    assert_eq!(system.event, Some(event));
    // A quoted pronoun is a name.
    let system = read(10_000, "\"你\"邀请\"You\"加入了群聊");
    let event = invited(one("你"), named(&["You"]), vec![]);
    assert_eq!(system.event, Some(event));
}

#[test]
fn links_are_replaced_by_their_text() {
    for (text, left) in [
        ("a <a href=\"weixin://x?y=1&z\">b</a> c", "a b c"),
        ("<a href='weixin://x'>1</a><a href=\"weixin://y\">2</a>", "12"),
        ("<a href=\"http://x\">weixin://</a>", "<a href=\"http://x\">weixin://</a>"),
        ("<a href=\"weixin://x\"", "<a href=\"weixin://x\""),
        ("< <a href=\"weixin://x\">b</a> </a> <", "< b </a> <"),
        ("weixin:// < >", "weixin:// < >"),
        ("你邀请\"甲\"加入了群聊  <a href=\"weixin://revoke/\">撤销</a>", "你邀请\"甲\"加入了群聊"),
        (
            "You invited A to the group chat.  <a href='weixin://r'> Undo</a>",
            "You invited A to the group chat.",
        ),
        (
            "对方为企业微信用户，<_wc_custom_link_ color=\"#2782D7\" href=\"https://x/?t=a\">了解更多</_wc_custom_link_>。",
            "对方为企业微信用户，了解更多。",
        ),
        (
            "<img src=\"SystemMessages_HongbaoIcon.png\"/>  Bob领取了你的<_wc_custom_link_ href=\"weixin://x\">红包</_wc_custom_link_>",
            "Bob领取了你的红包",
        ),
        ("<img src=\"x.png\"/> <_wc_custom_link_", "<img src=\"x.png\"/> <_wc_custom_link_"),
        ("plain", "plain"),
    ] {
        assert_eq!(without_links(text), left);
    }
}

#[test]
fn unknown_wording_has_no_event() {
    for text in [
        "",
        "林曉邀請大山加入群組",
        "邀请",
        "群主已启用“群聊邀请确认”，群成员需群主确认才能邀请朋友进群。",
        "<b>bold</b>",
        "a\nb",
    ] {
        let system = read(10_000, &crate::text::encode(text));
        assert_eq!(system, System { text: text.into(), event: None });
    }
}

#[test]
fn patterns_are_unique_and_reachable() {
    let both: Vec<Lang> = PATTERNS.iter().map(|pattern| pattern.lang).collect();
    assert!(both.contains(&Lang::Zh) && both.contains(&Lang::En));
    let mut words: Vec<&str> = PATTERNS.iter().map(|pattern| pattern.words).collect();
    words.sort_unstable();
    words.dedup();
    assert_eq!(words.len(), PATTERNS.len(), "duplicate wording");
    for pattern in PATTERNS {
        assert!(!pattern.source.is_empty());
        let chinese = pattern.words.chars().any(|c| ('\u{4e00}'..='\u{9fff}').contains(&c));
        assert_eq!(chinese, pattern.lang == Lang::Zh, "{}", pattern.words);
        // Every filled pattern is recognized.
        let filled = |name: &str| match name {
            "suffix" | "rest" => "",
            _ => "X",
        };
        let mut text = String::new();
        for part in pattern.words.split_inclusive('}') {
            let (before, name) = part.split_once('{').unwrap_or((part, ""));
            text.push_str(before);
            if let Some(name) = name.strip_suffix('}') {
                text.push_str(filled(name));
            }
        }
        assert!(recognise(&text).is_some(), "{text}");
    }
}

/// Threats M3, R2: the time is linear in the length.
#[test]
fn long_texts_take_linear_time() {
    for part in [
        "\"邀请\"", " invited ", "你", "<", "<a ", "weixin://<a ", "<_wc_custom_link_ ",
        "<img \"SystemMessages_ <a ", "\"、\"",
    ] {
        let text = part.repeat(300_000);
        let system = System::from_text(text.as_str().into());
        assert_eq!(system.text.len(), text.len());
    }
}

proptest! {
    #[test]
    fn any_text_is_preserved(text in "([\"“”你我、：，<>&]|邀请|加入了群聊|invited|to the group chat|拍了拍|修改群名为|\\PC){0,30}", msg_type in prop::sample::select(&[9999, 10_000][..])) {
        let encoded = crate::text::encode(&text);
        prop_assert_eq!(&*read(msg_type, &encoded).text, text.as_str());
    }

    /// Any names are found that do not contain the words around them.
    #[test]
    fn any_names_are_found(by in "[^\"、， \\s邀][^\"、，\\n邀\\s]{0,12}", who in prop::collection::vec("[a-z😄é北 ]{0,5}[a-z😄é北]", 1..4)) {
        let persons: Vec<Person> = who.iter().map(|name| one(name.trim())).collect();
        let text = format!("\"{by}\"邀请\"{}\"加入了群聊", who.join("、"));
        let expected = invited(one(by.trim()), persons.clone(), vec![]);
        prop_assert_eq!(read(10_000, &crate::text::encode(&text)).event, Some(expected));
        let text = format!("You invited {} to the group chat", who.join(", "));
        let expected = invited(Person::Me, persons, vec![]);
        prop_assert_eq!(read(10_000, &crate::text::encode(&text)).event, Some(expected));
    }
}

/// Placeholders are expanded to people in every event. A single person takes the first of them, and
/// nobody is listed twice.
#[test]
fn placeholders_expand_in_every_event() {
    use SystemEvent::{
        Dissolved, FriendAdded, Invited, Joined, JoinedByCode, LiveLocationStarted, MessageRevoked,
        NewOwner, Removed, Renamed, StrangerWarning, Tickled, TooFrequent, VerificationNeeded,
    };
    let people = |name: &str| (name == "$who").then(|| (named(&["Ann", "Bob"]), true));
    let words = |name: &str| (name == "$topic").then(|| "Hikers".into());
    let place = || one("$who");
    let places = || vec![place(), one("Eve"), place(), Person::Me];
    let (ann, all) = (one("Ann"), || vec![one("Ann"), one("Bob"), one("Eve"), Person::Me]);
    for (event, expanded) in [
        (
            Invited { by: place(), who: places(), others: vec![], is_ambiguous: false },
            Invited { by: ann.clone(), who: all(), others: vec![], is_ambiguous: true },
        ),
        (
            JoinedByCode { who: vec![], of: Some(place()), others: places(), is_ambiguous: false },
            JoinedByCode { who: vec![], of: Some(ann.clone()), others: all(), is_ambiguous: true },
        ),
        (
            Joined { who: vec![one("Eve"), one("Ann")], is_ambiguous: true },
            Joined { who: vec![one("Eve"), one("Ann")], is_ambiguous: false },
        ),
        (NewOwner { owner: place() }, NewOwner { owner: ann.clone() }),
        (Dissolved { by: place() }, Dissolved { by: ann.clone() }),
        (Removed { by: place(), who: places() }, Removed { by: ann.clone(), who: all() }),
        (
            Renamed { by: Person::Me, topic: "$topic".into() },
            Renamed { by: Person::Me, topic: "Hikers".into() },
        ),
        (FriendAdded { name: some("$topic") }, FriendAdded { name: some("Hikers") }),
        (VerificationNeeded { name: some("other") }, VerificationNeeded { name: some("other") }),
        (LiveLocationStarted { by: place() }, LiveLocationStarted { by: ann.clone() }),
        (StrangerWarning { who: places() }, StrangerWarning { who: all() }),
        (MessageRevoked { by: place() }, MessageRevoked { by: ann.clone() }),
        (
            Tickled { by: one("Eve"), whom: place(), suffix: "$who".into() },
            Tickled { by: one("Eve"), whom: ann, suffix: "$who".into() },
        ),
        (TooFrequent, TooFrequent),
    ] {
        assert_eq!(event.expand(people, words), expanded);
    }
}

#[test]
fn name_is_none_for_this_account() {
    assert_eq!(one("x").name(), Some("x"));
    assert_eq!(Person::Me.name(), None);
    assert_eq!(format!("{:?}", Person::Me).to_string(), "Me");
}
