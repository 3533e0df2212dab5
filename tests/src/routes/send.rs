//! `POST /cgi-bin/mmwebwx-bin/webwxsendmsg` (docs/protocol.md §6.1, §6.2)

use crate::check::{Check, Rule};
use crate::form::Form;
use crate::message::Sent;
use crate::reply::{self, Object};
use crate::request::Decoded;
use crate::routes::init::initialised;
use crate::simulator::Answer;
use crate::world::World;

pub(crate) fn check(check: &mut Check<'_>) {
    initialised(check);
    let (lang, pass_ticket) = (("lang", check.lang()), ("pass_ticket", check.pass_ticket()));
    let notes_b = check.form == Form::NotesB;
    if notes_b {
        check.query(&[pass_ticket], &[]);
    } else {
        check.query(&[lang, pass_ticket], &[]);
    }
    let keys: &[&str] =
        if notes_b { &["BaseRequest", "Msg"] } else { &["BaseRequest", "Msg", "Scene"] };
    let body = check.body(keys);
    check.base_request(&body, false);
    if !notes_b {
        check.number(&body, "Scene", &Rule::is("0"));
    }
    let keys = ["Type", "Content", "FromUserName", "ToUserName", "LocalID", "ClientMsgId"];
    let msg = check.inner(&body, "Msg", &keys);
    check.number(&msg, "Type", &Rule::is("1"));
    let content = check.free(&msg, "Content");
    let me = check.world.account.user_name.clone();
    check.text(&msg, "FromUserName", &Rule::is(me));
    let to = check.free(&msg, "ToUserName");
    if let Some(to) = &to
        && !check.world.is_known(to)
    {
        check.wrong_as(
            1204,
            format!("JSON field `Msg.ToUserName` is `{to}`, whom nobody has named"),
        );
    }
    let id = check.free(&msg, "ClientMsgId");
    let local = check.free(&msg, "LocalID");
    if id.is_some() && local.is_some() && id != local {
        check.wrong(format!(
            "JSON field `Msg.LocalID` is {local:?}, `Msg.ClientMsgId` is {id:?}: they are the same"
        ));
    }
    if let (Some(to), Some(content), Some(id)) = (to, content, id) {
        check_id(check, &to, &content, &id);
    }
}

/// 13 digits of the clock, `0`, three more digits; each higher than the last, unless it is the same send once more.
fn check_id(check: &mut Check<'_>, to: &str, content: &str, id: &str) {
    if id.len() != 17 || !id.bytes().all(|b| b.is_ascii_digit()) {
        return check.wrong(format!("JSON field `Msg.ClientMsgId` is `{id}`, not 17 digits"));
    }
    if let Some(before) = check.world.sent.iter().find(|sent| sent.client_msg_id == id) {
        if before.to != to || before.content != content {
            check.wrong(format!(
                "JSON field `Msg.ClientMsgId` is `{id}`, which another message had already"
            ));
        }
        return;
    }
    if !check.is_official() {
        return;
    }
    if let Some(complaint) = check.judge(&Rule::Millis, &id[..13]) {
        check.wrong(format!("JSON field `Msg.ClientMsgId`, the first 13 digits: {complaint}"));
    }
    if !id[13..].starts_with('0') {
        check.wrong(format!(
            "JSON field `Msg.ClientMsgId` is `{id}`, without a 0 as its fourteenth digit"
        ));
    }
    let last = check.session().map_or(0, |session| session.last_client_id);
    if !check.world.concurrent && id.parse::<u64>().is_ok_and(|id| id <= last) {
        check.wrong(format!(
            "JSON field `Msg.ClientMsgId` is `{id}`, not higher than `{last}` before it"
        ));
    }
}

pub(crate) fn answer(world: &mut World, request: &Decoded) -> Answer {
    let now = world.now();
    let (to, content) = (request.text("/Msg/ToUserName"), request.text("/Msg/Content"));
    let id = request.text("/Msg/ClientMsgId");
    if !world.may_write_to(to) {
        return Answer::Reply(reply::json(now, outcome(1204, "", id)));
    }
    if let Some(before) = world.sent.iter_mut().find(|sent| sent.client_msg_id == id) {
        before.repeats += 1;
        let msg_id = before.msg_id.clone();
        return Answer::Reply(reply::json(now, outcome(0, &msg_id, id)));
    }
    let msg_id = world.rng.digits(19).to_string();
    if let Some(session) = &mut world.session {
        session.last_client_id = id.parse().unwrap_or(session.last_client_id);
    }
    world.sent.push(Sent {
        to: to.to_owned(),
        content: content.to_owned(),
        client_msg_id: id.to_owned(),
        msg_id: msg_id.clone(),
        at: now,
        repeats: 0,
    });
    Answer::Reply(reply::json(now, outcome(0, &msg_id, id)))
}

fn outcome(ret: i64, msg_id: &str, local_id: &str) -> Object {
    Object::answer(ret, "").with("MsgID", msg_id).with("LocalID", local_id)
}

#[cfg(test)]
mod tests {
    use crate::World;
    use crate::client::{Client, json};

    #[test]
    fn a_message_gets_an_id_and_is_kept() {
        let mut client = Client::ready(World::demo());
        let request = client.message_request("filehelper", "你好 \"a/b\" <c>");
        let first = json(&client.send(&request));
        assert_eq!(first["BaseResponse"]["Ret"], 0);
        let again = json(&client.send(&request));
        assert_eq!(first, again);
        let world = client.simulator.world();
        let sent = world.sent();
        assert_eq!(
            (sent.len(), sent[0].repeats, sent[0].content.as_str()),
            (1, 1, "你好 \"a/b\" <c>")
        );
        assert_eq!(first["MsgID"], sent[0].msg_id);
        drop(world);
        client.assert_clean();
    }

    #[test]
    fn only_contacts_can_be_written_to() {
        let mut client = Client::ready(World::demo());
        let stranger = client.simulator.world().add_stranger("Li");
        assert_eq!(json(&client.message(&stranger, "hi"))["BaseResponse"]["Ret"], 1204);
        client.assert_clean();
        assert_eq!(json(&client.message("@nobody", "hi"))["BaseResponse"]["Ret"], 1204);
        assert_eq!(client.violations().len(), 1);
        assert!(client.simulator.world().sent().is_empty());
    }

    #[test]
    fn a_body_that_is_not_json_is_1200() {
        let mut client = Client::ready(World::demo());
        let request = client.post(&client.call("webwxsendmsg", ""), "{".into());
        assert_eq!(json(&client.send(&request))["BaseResponse"]["Ret"], 1200);
        assert_eq!(client.violations().len(), 1);
    }

    #[test]
    fn ids_rise_and_are_not_used_twice() {
        let mut client = Client::ready(World::demo());
        let late = client.message_request("filehelper", "late");
        client.simulator.world().advance(std::time::Duration::from_secs(1));
        client.message("filehelper", "one");
        client.assert_clean();
        client.send(&late);
        assert!(client.violations()[0].contains("not higher than"));
    }

    #[test]
    fn a_device_id_is_used_once() {
        let mut client = Client::ready(World::demo());
        client.message("filehelper", "one");
        let used = client.simulator.world().log().last().expect("a request").request.clone();
        let mut next = client.message_request("filehelper", "two");
        let id = |body: &[u8]| {
            crate::client::between(&String::from_utf8_lossy(body), "DeviceID\":\"", "\"").to_owned()
        };
        let body = String::from_utf8_lossy(next.body()).replace(&id(next.body()), &id(used.body()));
        *next.body_mut() = body.into();
        client.send(&next);
        assert!(client.violations()[0].contains("which another request had already"));
    }
}
