//! `POST /cgi-bin/mmwebwx-bin/webwxrevokemsg` (docs/protocol.md §6.5)

use crate::check::{Check, Rule};
use crate::reply::{self, Object};
use crate::request::Decoded;
use crate::routes::refusal::refusal;
use crate::simulator::Answer;
use crate::world::World;

/// The time within which a message may be revoked, in milliseconds.
const WINDOW: u64 = 120_000;

pub(crate) fn check(check: &mut Check<'_>) {
    check.initialised();
    check.query(&[check.lang(), check.pass_ticket()], &[]);
    let body = check.body(&["BaseRequest", "SvrMsgId", "ToUserName", "ClientMsgId"]);
    check.base_request(&body, false);
    let Some(id) = check.free(&body, "SvrMsgId") else { return };
    match find(check.world, &id) {
        Some((to, client)) => {
            check.text(&body, "ToUserName", &Rule::is(to));
            check.text(&body, "ClientMsgId", &Rule::is(client));
        }
        None => {
            check.wrong(format!("JSON field `SvrMsgId` is `{id}`, not a message of this account"));
        }
    }
}

/// Returns the recipient and the client's id of a message of the account. For a message from another device, the id
/// is the service's.
fn find(world: &World, id: &str) -> Option<(String, String)> {
    if let Some(sent) = world.sent.iter().find(|sent| sent.msg_id == id) {
        return Some((sent.to.clone(), sent.client_msg_id.clone()));
    }
    let me = &world.account.user_name;
    let mut own = world.arrived().filter(|(_, message)| message.from == *me);
    let (number, message) = own.find(|(number, _)| number == id)?;
    Some((message.to.clone(), number))
}

pub(crate) fn answer(world: &mut World, request: &Decoded) -> Answer {
    let now = world.now();
    let id = request.text("/SvrMsgId");
    let late = Answer::Reply(refusal(
        "webwxrevokemsg",
        now,
        1,
        "<e><ShowType>1</ShowType><Content><![CDATA[不能撤回2分钟前的消息]]></Content><Url/><DispSec>30</DispSec><Title/><Action>4</Action><DelayConnSec/><Countdown/><Ok/><Cancel/></e>",
    ));
    if let Some(sent) = world.sent.iter_mut().find(|sent| sent.msg_id == id) {
        if sent.revoked || now > sent.at + WINDOW {
            return late;
        }
        sent.revoked = true;
    }
    world.share_revocation(&request.text("/ToUserName"), &id);
    // The service encodes these two twice (docs/shapes.md).
    let object = Object::answer(0, "")
        .with(
            "Introduction",
            encoded_twice("你可以撤回2分钟内发送的消息(部分旧版本微信不支持这个功能)。"),
        )
        .with("SysWording", encoded_twice("已撤回"));
    Answer::Reply(reply::json(now, object))
}

/// Decodes UTF-8 as Windows-1252, as the service does by mistake.
fn encoded_twice(text: &str) -> String {
    const HIGH: [char; 32] = [
        '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8d}', 'Ž',
        '\u{8f}', '\u{90}', '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9d}',
        'ž', 'Ÿ',
    ];
    let read = |byte: u8| match byte {
        0x80..=0x9f => HIGH[usize::from(byte - 0x80)],
        byte => char::from(byte),
    };
    text.bytes().map(read).collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::client::{Client, json};

    #[test]
    fn own_message_is_revoked() {
        let mut client = Client::ready(World::demo());
        let id =
            json(&client.message("filehelper", "x"))["MsgID"].as_str().expect("text").to_owned();
        let own = client.simulator.world().sent()[0].client_msg_id.clone();
        let answer = json(&client.revoke(&id, "filehelper", &own));
        assert_eq!(
            (&answer["BaseResponse"]["Ret"], &answer["SysWording"]),
            (&0.into(), &"å·²æ’¤å›ž".into())
        );
        assert!(client.simulator.world().sent()[0].revoked);
        // A second revocation is refused.
        assert_eq!(json(&client.revoke(&id, "filehelper", &own))["BaseResponse"]["Ret"], 1);
        let phone = client.simulator.world().phone().writes("filehelper", "y");
        assert_eq!(json(&client.revoke(&phone, "filehelper", &phone))["BaseResponse"]["Ret"], 0);
        client.assert_clean();
    }

    #[test]
    fn revocation_after_two_minutes_is_refused() {
        let mut client = Client::ready(World::demo());
        let id =
            json(&client.message("filehelper", "x"))["MsgID"].as_str().expect("text").to_owned();
        let own = client.simulator.world().sent()[0].client_msg_id.clone();
        client.simulator.world().advance(Duration::from_secs(121));
        assert_eq!(json(&client.revoke(&id, "filehelper", &own))["BaseResponse"]["Ret"], 1);
        assert!(!client.simulator.world().sent()[0].revoked);
        client.assert_clean();
    }

    #[test]
    fn messages_of_others_cannot_be_revoked() {
        let mut client = Client::ready(World::demo());
        let ada = client.simulator.world().add_person("Ada");
        let id = client.simulator.world().person_writes(&ada, "x");
        client.revoke(&id, &ada, &id);
        client.revoke("1", "filehelper", "1");
        assert_eq!(client.violations().len(), 2);
    }
}
