//! The events of all system notices.

use super::*;

/// `docs/protocol.md` §9.9: each kind in both languages.
#[test]
fn room_notices_have_events() {
    use SystemEvent::{Dissolved, NewOwner, Removed, Renamed};
    let none = Vec::new;
    for (text, event) in [
        ("\"林晓\"邀请\"大山\"加入了群聊", invited(one("林晓"), named(&["大山"]), none())),
        ("林晓 invited 大山 to the group chat", invited(one("林晓"), named(&["大山"]), none())),
        (
            "\"林晓\"邀请\"大山、Nadia、阿梅\"加入了群聊",
            invited(one("林晓"), named(&["大山", "Nadia", "阿梅"]), none()),
        ),
        (
            "林晓 invited 大山, Nadia to the group chat",
            invited(one("林晓"), named(&["大山", "Nadia"]), none()),
        ),
        ("你邀请\"大山、阿梅\"加入了群聊  ", invited(Person::Me, named(&["大山", "阿梅"]), none())),
        (
            "You invited 大山、阿梅 to the group chat.   ",
            invited(Person::Me, named(&["大山", "阿梅"]), none()),
        ),
        (
            "You've invited \"大山\" to the group chat",
            invited(Person::Me, named(&["大山"]), none()),
        ),
        (
            "\"林晓\"邀请你加入了群聊，群聊参与人还有：大山、阿梅",
            invited(one("林晓"), vec![Person::Me], named(&["大山", "阿梅"])),
        ),
        (
            "林晓 invited you to a group chat with 大山, 阿梅",
            invited(one("林晓"), vec![Person::Me], named(&["大山", "阿梅"])),
        ),
        ("林晓 invited you to a group chat with ", invited(one("林晓"), vec![Person::Me], none())),
        ("\"林晓\"邀请你加入了群聊", invited(one("林晓"), vec![Person::Me], none())),
        (
            "\"林晓\"邀请你和\"大山\"加入了群聊",
            invited(one("林晓"), vec![Person::Me, one("大山")], none()),
        ),
        (
            "\"林晓\"邀请你和\"大山\"加入了群聊，群聊参与人还有：阿梅",
            invited(one("林晓"), vec![Person::Me, one("大山")], named(&["阿梅"])),
        ),
        (
            "林晓 invited you and 大山 to the group chat",
            invited(one("林晓"), vec![Person::Me, one("大山")], none()),
        ),
        (
            "\" 苏轼\"通过扫描\"林晓\"分享的二维码加入群聊",
            by_code(named(&["苏轼"]), Some(one("林晓")), none()),
        ),
        (
            "\" 苏轼\" joined the group chat via the QR Code shared by \"林晓\".",
            by_code(named(&["苏轼"]), Some(one("林晓")), none()),
        ),
        (
            "\"苏轼\"通过扫描你分享的二维码加入群聊  ",
            by_code(named(&["苏轼"]), Some(Person::Me), none()),
        ),
        (
            "\"苏轼\" joined group chat via the QR code you shared.  ",
            by_code(named(&["苏轼"]), Some(Person::Me), none()),
        ),
        (
            "\"苏轼\" joined the group chat via your shared QR Code.",
            by_code(named(&["苏轼"]), Some(Person::Me), none()),
        ),
        (
            "你通过扫描二维码加入群聊，群聊参与人还有：大山、阿梅",
            by_code(vec![Person::Me], None, named(&["大山", "阿梅"])),
        ),
        (
            "You've joined the group chat via QR Code. Group chat members: 大山, 阿梅",
            by_code(vec![Person::Me], None, named(&["大山", "阿梅"])),
        ),
        ("\"苏轼\"加入了群聊", joined(named(&["苏轼"]))),
        ("\"苏轼\" joined the group chat.", joined(named(&["苏轼"]))),
        ("You've joined this group chat.", joined(vec![Person::Me])),
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
        ("\"Ann🍺\"已成为新群主", NewOwner { owner: one("Ann🍺") }),
        ("\"你\"已成为新群主", NewOwner { owner: one("你") }),
        ("你已成为新群主", NewOwner { owner: Person::Me }),
        ("\"Ann\" became the new group owner.", NewOwner { owner: one("Ann") }),
        ("You became the new group owner", NewOwner { owner: Person::Me }),
        ("群主\"Ann\"已解散该群聊", Dissolved { by: one("Ann") }),
        ("你已解散该群聊", Dissolved { by: Person::Me }),
        ("Group owner \"Ann\" dissolved the group chat.", Dissolved { by: one("Ann") }),
        ("You dissolved the group chat", Dissolved { by: Person::Me }),
    ] {
        for msg_type in [10_000, 9999] {
            let system = read(msg_type, &crate::text::encode(text));
            assert_eq!((system.event.as_ref(), &*system.text), (Some(&event), text));
        }
    }
}

/// A name may contain the separator of names: `docs/protocol.md` §9.9.
#[test]
fn split_lists_are_ambiguous() {
    for (text, expected) in [
        ("\"甲、乙\"通过扫描\"丙\"分享的二维码加入群聊", true),
        ("\"甲\"通过扫描\"丙、丁\"分享的二维码加入群聊", false),
        ("你通过扫描二维码加入群聊，群聊参与人还有：甲、乙", true),
        ("你通过扫描二维码加入群聊，群聊参与人还有：甲", false),
        ("\"A, B\" joined the group chat via your shared QR Code.", true),
        ("\"A\" joined the group chat via your shared QR Code.", false),
        ("\"丙\"邀请\"甲、乙\"加入了群聊", true),
        ("\"丙\"邀请你和\"甲\"加入了群聊", false),
        ("\"丙\"邀请你加入了群聊，群聊参与人还有：甲、乙", true),
        ("You've joined this group chat.", false),
        ("\"甲、乙\"加入了群聊", true),
        ("\"甲\"加入了群聊", false),
    ] {
        let event = read(10_000, text).event;
        let Some(
            SystemEvent::Invited { ambiguous, .. }
            | SystemEvent::JoinedByCode { ambiguous, .. }
            | SystemEvent::Joined { ambiguous, .. },
        ) = event
        else {
            panic!("{text}: {event:?}")
        };
        assert_eq!(ambiguous, expected, "{text}");
    }
}

#[test]
fn other_notices_have_events() {
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
