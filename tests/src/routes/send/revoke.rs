//! `POST /cgi-bin/mmwebwx-bin/webwxrevokemsg` (docs/protocol.md §6.5)

use crate::check::{Check, Rule};
use crate::routes::refusal::refusal;
use crate::wire::reply::{self, Answer, Object};
use crate::wire::request::Decoded;
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
    use super::*;
    use crate::client::{Client, ret};

    #[test]
    fn second_revocation_is_refused() {
        let mut client = Client::ready(World::demo());
        client.message("filehelper", "x");
        let sent = client.simulator.world().sent()[0].clone();
        for expected in [0, 1] {
            let reply = client.revoke(&sent.msg_id, "filehelper", &sent.client_msg_id);
            assert_eq!(ret(&reply), expected);
        }
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
