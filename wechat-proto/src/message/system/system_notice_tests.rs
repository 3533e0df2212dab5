//! The events of system notices: `docs/protocol.md` §9.9.

use super::*;

/// The wordings, and the lists of names, that `corpus/messages` does not have.
#[test]
fn notices_have_events() {
    use SystemEvent::*;
    let none = Vec::new;
    for (text, event) in [
        ("你邀请\"大山、阿梅\"加入了群聊  ", invited(Person::Me, named(&["大山", "阿梅"]), none())),
        (
            "You invited 大山、阿梅 to the group chat.   ",
            invited(Person::Me, named(&["大山", "阿梅"]), none()),
        ),
        (
            "You've invited \"大山\" to the group chat",
            invited(Person::Me, named(&["大山"]), none()),
        ),
        ("\"林晓\"邀请你加入了群聊", invited(one("林晓"), vec![Person::Me], none())),
        (
            "\"林晓\"邀请你和\"大山\"加入了群聊，群聊参与人还有：阿梅",
            invited(one("林晓"), vec![Person::Me, one("大山")], named(&["阿梅"])),
        ),
        (
            "\"苏轼\" joined the group chat via your shared QR Code.",
            by_code(named(&["苏轼"]), Some(Person::Me), none()),
        ),
        // A name may contain the separator of names, so that lists are ambiguous. A single person
        // is not a list.
        (
            "\"A, B\" joined the group chat via your shared QR Code.",
            by_code(named(&["A", "B"]), Some(Person::Me), none()),
        ),
        (
            "\"甲\"通过扫描\"丙、丁\"分享的二维码加入群聊",
            by_code(named(&["甲"]), Some(one("丙、丁")), none()),
        ),
        (
            "你通过扫描二维码加入群聊，群聊参与人还有：甲",
            by_code(vec![Person::Me], None, named(&["甲"])),
        ),
        ("\"苏轼\" joined the group chat.", joined(named(&["苏轼"]))),
        ("\"甲、乙\"加入了群聊", joined(named(&["甲", "乙"]))),
        ("你修改群名为““引号””", Renamed { by: Person::Me, topic: "“引号”".into() }),
        (
            "You changed the group name to \"a \"b\"\"",
            Renamed { by: Person::Me, topic: "a \"b\"".into() },
        ),
        ("You became the new group owner", NewOwner { owner: Person::Me }),
        ("你已解散该群聊", Dissolved { by: Person::Me }),
        ("You dissolved the group chat", Dissolved { by: Person::Me }),
        ("I've accepted your friend request. Now let's chat!", FriendAdded { name: None }),
        (
            "大山 has requested friend verification. Please send a friend request to chat",
            VerificationNeeded { name: some("大山") },
        ),
        ("操作太频繁，请稍后再试。", TooFrequent),
        ("操作过于频繁，可稍后再试。", TooFrequent),
        ("我发起了位置共享，请在手机上查看", LiveLocationStarted { by: Person::Me }),
        ("你撤回了一条消息", MessageRevoked { by: Person::Me }),
        ("\"大山\" has recalled a message.", MessageRevoked { by: one("大山") }),
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
        ("I tickled \"阿梅\"", Tickled { by: Person::Me, whom: one("阿梅"), suffix: "".into() }),
    ] {
        for msg_type in [10_000, 9999] {
            let system = read(msg_type, &crate::text::encode(text));
            assert_eq!((system.event.as_ref(), &*system.text), (Some(&event), text));
        }
    }
}
