//! Messages of the service itself: `docs/protocol.md` §9.7, §9.9.

use alloc::format;
use alloc::vec::Vec;

use super::*;
use crate::message::{Kind, Message, StatusCode, StatusNotify, SystemEvent};
use crate::testing::message;
use crate::time::Timestamp;

fn read(msg_type: i64, from: &str, names: &str, content: &str) -> Message {
    let content = serde_json::Value::from(content);
    message(&format!(
        r#""FromUserName":"{from}","ToUserName":"@me","MsgType":{msg_type},"StatusNotifyCode":0,"StatusNotifyUserName":"{names}","Content":{content}"#
    ))
}

/// The first notes' message at the start of a session: their comments are removed, `xxx` is filled
/// in, and it is escaped like their other sample of this type.
const BEGINNING: &str = "&lt;msg&gt;<br/>    &lt;op id='4'&gt;<br/>        &lt;username&gt;<br/>            filehelper,xxx@chatroom,wxid_b695bm4bmrv705<br/>        &lt;/username&gt;<br/>        &lt;unreadchatlist&gt;<br/>            &lt;chat&gt;<br/>                &lt;username&gt;<br/>                    MomentsUnreadMsgStatus<br/>                &lt;/username&gt;<br/>                &lt;lastreadtime&gt;<br/>                    1454502365<br/>                &lt;/lastreadtime&gt;<br/>            &lt;/chat&gt;<br/>        &lt;/unreadchatlist&gt;<br/>        &lt;unreadfunctionlist&gt;<br/>        &lt;/unreadfunctionlist&gt;<br/>    &lt;/op&gt;<br/>&lt;/msg&gt;";

#[test]
fn recent_chats_of_first_notes_are_parsed() {
    let names = format!("filehelper,{ROOM},{FRIEND}");
    let message = read(51, "@me", &names, BEGINNING);
    assert!(message.is_outgoing());
    let Kind::Status(status) = message.kind else { panic!("{:?}", message.kind) };
    let pairs: Vec<_> = status.pairs().map(|(name, id)| (name.as_str(), id)).collect();
    let expected =
        [("filehelper", "filehelper"), (ROOM, "xxx@chatroom"), (FRIEND, "wxid_b695bm4bmrv705")];
    assert_eq!(pairs, expected);
    let StatusNotify { code, unread_chats, unread_moments, unread_functions, .. } = *status;
    assert_eq!(code, StatusCode::RECENT);
    assert_eq!(unread_moments, Some(Timestamp::from_secs(1_454_502_365)));
    assert!(unread_chats.is_empty() && unread_functions.is_empty());
}

/// Their three system texts. The content of the red packet with `MsgType` 49 is unknown to them:
/// "for now, it comes as a system text, see below".
#[test]
fn system_texts_of_first_notes_are_classified() {
    for (content, event) in [
        (
            "你已添加了 xxx ，现在可以开始聊天了。",
            SystemEvent::FriendAdded { name: Some("xxx".into()) },
        ),
        (
            "如果陌生人主动添加你为朋友，请谨慎核实对方身份。",
            SystemEvent::StrangerWarning { who: Vec::new() },
        ),
        ("收到红包，请在手机上查看", SystemEvent::RedPacketReceived),
    ] {
        let message = read(10_000, FRIEND, "", content);
        assert_eq!(message.peer(), &name(FRIEND));
        let Kind::System(system) = message.kind else { panic!("{:?}", message.kind) };
        assert_eq!((&*system.text, system.event), (content, Some(event)));
    }
}
