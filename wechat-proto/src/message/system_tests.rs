use alloc::boxed::Box;
use alloc::format;
use alloc::string::{String, ToString as _};
use alloc::vec;
use alloc::vec::Vec;

use proptest::prelude::*;

use super::*;
use crate::message::Kind;
use crate::message::patterns::{Lang, PATTERNS};
use crate::testing::message;

fn read(msg_type: i64, content: &str) -> System {
    let content = serde_json::Value::from(content);
    let fields = format!(
        r#""FromUserName":"@@r","ToUserName":"@me","MsgType":{msg_type},"Content":{content}"#
    );
    match message(&fields).kind {
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

fn some(name: &str) -> Option<Box<str>> {
    Some(name.into())
}

/// `docs/protocol.md` §9.9: each kind in both languages.
#[test]
fn rooms() {
    use SystemEvent::{Invited, Joined, JoinedByCode, Removed, Renamed};
    let none = Vec::new;
    for (text, event) in [
        (
            "\"林晓\"邀请\"大山\"加入了群聊",
            Invited { by: one("林晓"), who: named(&["大山"]), others: none() },
        ),
        (
            "林晓 invited 大山 to the group chat",
            Invited { by: one("林晓"), who: named(&["大山"]), others: none() },
        ),
        (
            "\"林晓\"邀请\"大山、Nadia、阿梅\"加入了群聊",
            Invited {
                by: one("林晓"), who: named(&["大山", "Nadia", "阿梅"]), others: none()
            },
        ),
        (
            "林晓 invited 大山, Nadia to the group chat",
            Invited { by: one("林晓"), who: named(&["大山", "Nadia"]), others: none() },
        ),
        (
            "你邀请\"大山、阿梅\"加入了群聊  ",
            Invited { by: Person::Me, who: named(&["大山", "阿梅"]), others: none() },
        ),
        (
            "You invited 大山、阿梅 to the group chat.   ",
            Invited { by: Person::Me, who: named(&["大山", "阿梅"]), others: none() },
        ),
        (
            "You've invited \"大山\" to the group chat",
            Invited { by: Person::Me, who: named(&["大山"]), others: none() },
        ),
        (
            "\"林晓\"邀请你加入了群聊，群聊参与人还有：大山、阿梅",
            Invited {
                by: one("林晓"), who: vec![Person::Me], others: named(&["大山", "阿梅"])
            },
        ),
        (
            "林晓 invited you to a group chat with 大山, 阿梅",
            Invited {
                by: one("林晓"), who: vec![Person::Me], others: named(&["大山", "阿梅"])
            },
        ),
        (
            "林晓 invited you to a group chat with ",
            Invited { by: one("林晓"), who: vec![Person::Me], others: none() },
        ),
        (
            "\"林晓\"邀请你加入了群聊",
            Invited { by: one("林晓"), who: vec![Person::Me], others: none() },
        ),
        (
            "\"林晓\"邀请你和\"大山\"加入了群聊",
            Invited { by: one("林晓"), who: vec![Person::Me, one("大山")], others: none() },
        ),
        (
            "\"林晓\"邀请你和\"大山\"加入了群聊，群聊参与人还有：阿梅",
            Invited {
                by: one("林晓"),
                who: vec![Person::Me, one("大山")],
                others: named(&["阿梅"]),
            },
        ),
        (
            "林晓 invited you and 大山 to the group chat",
            Invited { by: one("林晓"), who: vec![Person::Me, one("大山")], others: none() },
        ),
        (
            "\" 苏轼\"通过扫描\"林晓\"分享的二维码加入群聊",
            JoinedByCode { who: named(&["苏轼"]), of: Some(one("林晓")), others: none() },
        ),
        (
            "\" 苏轼\" joined the group chat via the QR Code shared by \"林晓\".",
            JoinedByCode { who: named(&["苏轼"]), of: Some(one("林晓")), others: none() },
        ),
        (
            "\"苏轼\"通过扫描你分享的二维码加入群聊  ",
            JoinedByCode { who: named(&["苏轼"]), of: Some(Person::Me), others: none() },
        ),
        (
            "\"苏轼\" joined group chat via the QR code you shared.  ",
            JoinedByCode { who: named(&["苏轼"]), of: Some(Person::Me), others: none() },
        ),
        (
            "\"苏轼\" joined the group chat via your shared QR Code.",
            JoinedByCode { who: named(&["苏轼"]), of: Some(Person::Me), others: none() },
        ),
        (
            "你通过扫描二维码加入群聊，群聊参与人还有：大山、阿梅",
            JoinedByCode { who: vec![Person::Me], of: None, others: named(&["大山", "阿梅"]) },
        ),
        (
            "You've joined the group chat via QR Code. Group chat members: 大山, 阿梅",
            JoinedByCode { who: vec![Person::Me], of: None, others: named(&["大山", "阿梅"]) },
        ),
        ("\"苏轼\"加入了群聊", Joined { who: named(&["苏轼"]) }),
        ("\"苏轼\" joined the group chat.", Joined { who: named(&["苏轼"]) }),
        ("You've joined this group chat.", Joined { who: vec![Person::Me] }),
        ("你将\"大山\"移出了群聊", Removed { by: Person::Me, who: named(&["大山"]) }),
        (
            "You removed \"大山\" from the group chat",
            Removed { by: Person::Me, who: named(&["大山"]) },
        ),
        ("你被\"林晓\"移出群聊", Removed { by: one("林晓"), who: vec![Person::Me] }),
        (
            "You were removed from the group chat by \"林晓\"",
            Removed { by: one("林晓"), who: vec![Person::Me] },
        ),
        (
            "\"林晓\"修改群名为“爬山 & 烧烤”",
            Renamed { by: one("林晓"), topic: "爬山 & 烧烤".into() },
        ),
        ("你修改群名为““引号””", Renamed { by: Person::Me, topic: "“引号”".into() }),
        (
            "\"林晓\" changed the group name to \"Hikers\"",
            Renamed { by: one("林晓"), topic: "Hikers".into() },
        ),
        (
            "You changed the group name to \"a \"b\"\"",
            Renamed { by: Person::Me, topic: "a \"b\"".into() },
        ),
    ] {
        for msg_type in [10_000, 9999] {
            let system = read(msg_type, &crate::text::encode(text));
            assert_eq!((system.event.as_ref(), &*system.text), (Some(&event), text));
        }
    }
}

#[test]
fn friends_and_the_rest() {
    use SystemEvent::*;
    let verification = VerificationNeeded { name: some("大山") };
    for (text, event) in [
        ("你已添加了 大山 ，现在可以开始聊天了。", FriendAdded { name: some("大山") }),
        ("你已添加了大山，现在可以开始聊天了", FriendAdded { name: some("大山") }),
        (
            "You have added 大山 as your WeChat contact. Start chatting!",
            FriendAdded { name: some("大山") },
        ),
        ("大山刚刚把你添加到通讯录，现在可以开始聊天了。", FriendAdded { name: some("大山") }),
        (
            "大山 just added you to his/her contacts list. Send a message to him/her now!",
            FriendAdded { name: some("大山") },
        ),
        ("我通过了你的朋友验证请求，现在我们可以开始聊天了", FriendAdded { name: None }),
        ("I've accepted your friend request. Now let's chat!", FriendAdded { name: None }),
        (
            "大山开启了朋友验证，你还不是他（她）朋友。请先发送朋友验证请求，对方验证通过后，才能聊天。<a href=\"weixin://findfriend/verifycontact\">发送朋友验证</a>",
            verification.clone(),
        ),
        (
            "大山 has enabled Friend Confirmation. You need to send a friend request first.",
            verification.clone(),
        ),
        (
            "大山 has requested friend verification. Please send a friend request to chat",
            verification,
        ),
        ("消息已发出，但被对方拒收了。", Blocked),
        ("The message is successfully sent but rejected by the receiver.", Blocked),
        ("收到红包，请在手机上查看", RedPacketReceived),
        ("Red packet received. View on phone.", RedPacketReceived),
        ("发出红包，请在手机上查看", RedPacketSent),
        ("Red packet sent. View on phone.", RedPacketSent),
        ("操作太频繁，请稍后再试。", TooFrequent),
        ("操作过于频繁，可稍后再试。", TooFrequent),
        ("发送消息过于频繁，可稍后再试。", TooFrequent),
        ("Too many attempts. Try again later.", TooFrequent),
        ("我发起了位置共享，请在手机上查看", LiveLocationStarted { by: Person::Me }),
        ("大山发起了位置共享，请在手机上查看", LiveLocationStarted { by: one("大山") }),
        (
            "大山 started a real-time location session. View on phone.",
            LiveLocationStarted { by: one("大山") },
        ),
        ("位置共享已经结束", LiveLocationEnded),
        ("Real-time Location session ended.", LiveLocationEnded),
        ("如果陌生人主动添加你为朋友，请谨慎核实对方身份。", StrangerWarning { who: vec![] }),
        (
            "\"大山\"与群里其他人都不是微信朋友关系，请注意隐私安全",
            StrangerWarning { who: named(&["大山"]) },
        ),
        (
            "Note: \"大山\" is not friends with anyone else in this group chat.",
            StrangerWarning { who: named(&["大山"]) },
        ),
        ("\"大山\" 撤回了一条消息", Recalled { by: one("大山") }),
        ("你撤回了一条消息", Recalled { by: Person::Me }),
        ("\"大山\" has recalled a message.", Recalled { by: one("大山") }),
        ("You recalled a message", Recalled { by: Person::Me }),
        (
            "\"大山\" 拍了拍我的肩膀",
            Tickled { by: one("大山"), whom: Person::Me, suffix: "的肩膀".into() },
        ),
        (
            "\"大山\" 拍了拍 \"阿梅\"",
            Tickled { by: one("大山"), whom: one("阿梅"), suffix: "".into() },
        ),
        ("\"大山\" 拍了拍自己", Tickled { by: one("大山"), whom: one("大山"), suffix: "".into() }),
        (
            "我拍了拍 \"阿梅\" 的头",
            Tickled { by: Person::Me, whom: one("阿梅"), suffix: "的头".into() },
        ),
        ("我拍了拍自己", Tickled { by: Person::Me, whom: Person::Me, suffix: "".into() }),
        (
            "\"大山\" tickled \"阿梅\"",
            Tickled { by: one("大山"), whom: one("阿梅"), suffix: "".into() },
        ),
        ("大山 tickled me", Tickled { by: one("大山"), whom: Person::Me, suffix: "".into() }),
        ("I tickled \"阿梅\"", Tickled { by: Person::Me, whom: one("阿梅"), suffix: "".into() }),
    ] {
        let system = read(10_000, &crate::text::encode(text));
        assert_eq!(system.event, Some(event), "{text}");
    }
}

/// puppet-wechat#182: spans in names broke the patterns of others.
#[test]
fn names_are_decoded_first() {
    let content = "\"A &amp; <span class=\"emoji emoji1f604\"></span>\"邀请\"&quot;大山&quot;、<span class=\"emoji emoji1f1e81f1f3\"></span>\"加入了群聊";
    let system = read(10_000, content);
    assert_eq!(&*system.text, "\"A & 😄\"邀请\"\"大山\"、🇨🇳\"加入了群聊");
    let who = named(&["\"大山\"", "🇨🇳"]);
    let event = SystemEvent::Invited { by: one("A & 😄"), who, others: vec![] };
    assert_eq!(system.event, Some(event));
    // A name that is a pronoun is a name: it is quoted.
    let system = read(10_000, "\"你\"邀请\"You\"加入了群聊");
    let event = SystemEvent::Invited { by: one("你"), who: named(&["You"]), others: vec![] };
    assert_eq!(system.event, Some(event));
}

#[test]
fn links_leave_their_words() {
    for (text, left) in [
        ("a <a href=\"weixin://x?y=1&z\">b</a> c", "a b c"),
        ("<a href='weixin://x'>1</a><a href=\"weixin://y\">2</a>", "12"),
        ("<a href=\"http://x\">weixin://</a>", "<a href=\"http://x\">weixin://</a>"),
        ("<a href=\"weixin://x\"", "<a href=\"weixin://x\""),
        ("< <a href=\"weixin://x\">b</a> </a> <", "< b </a> <"),
        ("weixin:// < >", "weixin:// < >"),
        ("plain", "plain"),
    ] {
        assert_eq!(without_links(text), left);
    }
}

#[test]
fn the_rest_stays_a_text() {
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
fn the_table_is_sound() {
    let both: Vec<Lang> = PATTERNS.iter().map(|pattern| pattern.lang).collect();
    assert!(both.contains(&Lang::Zh) && both.contains(&Lang::En));
    let mut words: Vec<&str> = PATTERNS.iter().map(|pattern| pattern.words).collect();
    words.sort_unstable();
    words.dedup();
    assert_eq!(words.len(), PATTERNS.len(), "no wording is there twice");
    for pattern in PATTERNS {
        assert!(!pattern.source.is_empty());
        let chinese = pattern.words.chars().any(|c| ('\u{4e00}'..='\u{9fff}').contains(&c));
        assert_eq!(chinese, pattern.lang == Lang::Zh, "{}", pattern.words);
        // Every pattern can be met: none is hidden by one before it.
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

#[test]
fn is_written_for_bridges() {
    let system = read(10_000, "你邀请\"大山\"加入了群聊");
    let expected = serde_json::json!({
        "text": "你邀请\"大山\"加入了群聊",
        "event": { "invited": { "by": "me", "who": [{ "named": "大山" }], "others": [] } },
    });
    assert_eq!(serde_json::to_value(system).unwrap(), expected);
    let blocked = read(10_000, "消息已发出，但被对方拒收了。").event;
    assert_eq!(serde_json::to_value(blocked).unwrap(), "blocked");
}

/// Threats M3, R2: what grows tenfold takes some ten times as long, not a hundred times.
#[test]
fn long_texts_take_no_longer_than_they_are() {
    for part in ["\"邀请\"", " invited ", "你", "<", "<a ", "weixin://<a ", "\"、\""] {
        let text = part.repeat(300_000);
        let system = System::told(text.as_str().into());
        assert_eq!(system.text.len(), text.len());
    }
}

proptest! {
    #[test]
    fn any_text_stays_reachable(text in "([\"“”你我、：，<>&]|邀请|加入了群聊|invited|to the group chat|拍了拍|修改群名为|\\PC){0,30}", msg_type in prop::sample::select(&[9999, 10_000][..])) {
        let encoded = crate::text::encode(&text);
        prop_assert_eq!(&*read(msg_type, &encoded).text, text.as_str());
    }

    /// Whatever people are called, as long as the words around it are not in the name.
    #[test]
    fn any_names_are_found(by in "[^\"、， \\s邀][^\"、，\\n邀\\s]{0,12}", who in prop::collection::vec("[a-z😄é北 ]{0,5}[a-z😄é北]", 1..4)) {
        let persons: Vec<Person> = who.iter().map(|name| one(name.trim())).collect();
        let text = format!("\"{by}\"邀请\"{}\"加入了群聊", who.join("、"));
        let expected = SystemEvent::Invited { by: one(by.trim()), who: persons.clone(), others: vec![] };
        prop_assert_eq!(read(10_000, &crate::text::encode(&text)).event, Some(expected));
        let text = format!("You invited {} to the group chat", who.join(", "));
        let expected = SystemEvent::Invited { by: Person::Me, who: persons, others: vec![] };
        prop_assert_eq!(read(10_000, &crate::text::encode(&text)).event, Some(expected));
    }
}

/// The names of a template stand for people, wherever an event has a person; a person's place takes
/// the first of them, and nobody comes twice.
#[test]
fn places_stand_for_people_in_every_event() {
    use SystemEvent::{
        FriendAdded, Invited, Joined, JoinedByCode, LiveLocationStarted, Recalled, Removed,
        Renamed, StrangerWarning, Tickled, TooFrequent, VerificationNeeded,
    };
    let people = |name: &str| (name == "$who").then(|| named(&["Ann", "Bob"]));
    let words = |name: &str| (name == "$topic").then(|| "Hikers".into());
    let place = || one("$who");
    let places = || vec![place(), one("Eve"), place(), Person::Me];
    let (ann, all) = (one("Ann"), || vec![one("Ann"), one("Bob"), one("Eve"), Person::Me]);
    for (event, expanded) in [
        (
            Invited { by: place(), who: places(), others: places() },
            Invited { by: ann.clone(), who: all(), others: all() },
        ),
        (
            JoinedByCode { who: places(), of: Some(place()), others: places() },
            JoinedByCode { who: all(), of: Some(ann.clone()), others: all() },
        ),
        (Joined { who: places() }, Joined { who: all() }),
        (Removed { by: place(), who: places() }, Removed { by: ann.clone(), who: all() }),
        (
            Renamed { by: Person::Me, topic: "$topic".into() },
            Renamed { by: Person::Me, topic: "Hikers".into() },
        ),
        (FriendAdded { name: some("$topic") }, FriendAdded { name: some("Hikers") }),
        (VerificationNeeded { name: some("other") }, VerificationNeeded { name: some("other") }),
        (LiveLocationStarted { by: place() }, LiveLocationStarted { by: ann.clone() }),
        (StrangerWarning { who: places() }, StrangerWarning { who: all() }),
        (Recalled { by: place() }, Recalled { by: ann.clone() }),
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
fn a_person_has_a_name_or_is_me() {
    assert_eq!(one("x").name(), Some("x"));
    assert_eq!(Person::Me.name(), None);
    assert_eq!(format!("{:?}", Person::Me).to_string(), "Me");
}
