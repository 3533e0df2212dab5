//! The common parts of all sends (docs/protocol.md §6.1), and `POST /cgi-bin/mmwebwx-bin/webwxsendmsg`.

pub(crate) mod media;
pub(crate) mod revoke;

use std::fmt::Arguments;

use crate::check::differences::JSON;
use crate::check::{Check, Fields, Rule};
use crate::message::{Incoming, Sent, xml};
use crate::routes::upload::check_upload::names;
use crate::session::FileSent;
use crate::violation::{Fault, Mode};
use crate::wire::reply::{self, Answer, Object};
use crate::wire::request::{Decoded, ordered};
use crate::wire::text::on_the_wire;
use crate::world::World;

pub(crate) fn check_text(check: &mut Check<'_>) {
    check.query(&[check.lang(), check.pass_ticket()], &[]);
    let mentions = check.request.json.pointer("/Msg/MsgSource").is_some();
    let own: &[&str] =
        if mentions { &["Type", "Content", "MsgSource"] } else { &["Type", "Content"] };
    let (msg, forwarded) = envelope(check, &["BaseRequest", "Msg", "Scene"], own);
    let content = check.free(&msg, "Content");
    if !forwarded {
        check.number(&msg, "Type", &Rule::is("1"));
        check_mentions(check, &msg);
        return;
    }
    let kind = check.number(&msg, "Type", &Rule::one_of(&["1", "48"]));
    let is_source = |message: &Incoming| match kind {
        Some(48) => Some(&message.ori_content) == content.as_ref() && message.is_place(),
        _ => message.msg_type == 1 && Some(message.plain()) == content && !message.is_place(),
    };
    check_forwarded(check, is_source);
}

fn check_mentions(check: &mut Check<'_>, msg: &Fields) {
    let Some(source) = check.free(msg, "MsgSource") else { return };
    match xml::mentions(&source) {
        Ok((names, room)) => {
            if room != check.request.text("/Msg/ToUserName") {
                check.wrong(format!(
                    "JSON field `Msg.MsgSource` is for `{room}`, not for `Msg.ToUserName`"
                ));
            }
            for name in names.iter().filter(|name| !check.world.is_known(name)).collect::<Vec<_>>()
            {
                check.wrong(format!(
                    "JSON field `Msg.MsgSource` mentions `{name}`, which the service never mentioned"
                ));
            }
        }
        Err(fault) => {
            check.wrong(format!("JSON field `Msg.MsgSource` is invalid XML: {fault}"));
        }
    }
}

/// Checks the common parts of a send. `own` are the first fields in `Msg`. Returns `Msg`, and whether it is forwarded.
pub(crate) fn envelope(check: &mut Check<'_>, keys: &[&str], own: &[&str]) -> (Fields, bool) {
    check.initialised();
    let body = check.body(keys);
    check.base_request(&body, false);
    let scene = check.number(&body, "Scene", &Rule::one_of(&["0", "2"]));
    let mut keys = own.to_vec();
    keys.extend(["FromUserName", "ToUserName", "LocalID", "ClientMsgId"]);
    let msg = check.inner(&body, "Msg", &keys);
    names(check, &msg);
    let id = check.free(&msg, "ClientMsgId");
    let local = check.free(&msg, "LocalID");
    if id.is_some() && local.is_some() && id != local {
        let complaint =
            format_args!("is {local:?}, but `Msg.ClientMsgId` is {id:?}: they must be equal");
        check.found(Fault::Value, JSON, "Msg.LocalID", complaint);
    }
    if let Some(id) = id {
        check_id(check, &id);
    }
    (msg, scene == Some(2))
}

/// Checks that a forwarded message is one that arrived.
pub(crate) fn check_forwarded(check: &mut Check<'_>, is_source: impl Fn(&Incoming) -> bool) {
    if !check.world.arrived().any(|(_, message)| is_source(message)) {
        let complaint = "is not that of a received message of this `Msg.Type`, as `Scene` 2 needs";
        check.found(Fault::Unknown, JSON, "Msg.Content", complaint);
    }
}

/// Checks a `ClientMsgId`: 13 digits of the clock, `0`, three more digits; higher than the last one, except for a
/// repeated send.
fn check_id(check: &mut Check<'_>, id: &str) {
    if id.len() != 17 || !id.bytes().all(|b| b.is_ascii_digit()) {
        return id_found(check, Fault::Form, format_args!("is `{id}`, not 17 digits"));
    }
    if let Some(before) = check.world.sent.iter().find(|sent| sent.client_msg_id == id) {
        if !is_same_send(before, &read(check.request)) {
            let complaint = format_args!("is `{id}`, which another message has used");
            id_found(check, Fault::Earlier, complaint);
        }
        return;
    }
    if let Some((_, complaint)) = check.judge(&Rule::Millis, &id[..13]) {
        id_found(check, Fault::Form, format_args!("has other first 13 digits: {complaint}"));
    }
    if !id[13..].starts_with('0') {
        let complaint = format_args!("is `{id}`, without a 0 as its fourteenth digit");
        id_found(check, Fault::Form, complaint);
    }
    let last = check.session().map_or(0, |session| session.last_client_id);
    let ordered = check.world.punctual && !check.world.concurrent;
    if ordered && id.parse::<u64>().is_ok_and(|id| id <= last) {
        let complaint = format_args!("is `{id}`, not higher than `{last}` before it");
        id_found(check, Fault::Form, complaint);
    }
}

fn id_found(check: &mut Check<'_>, fault: Fault, complaint: Arguments<'_>) {
    check.found(fault, JSON, "Msg.ClientMsgId", complaint);
}

/// Decodes a send of any kind.
fn read(request: &Decoded) -> Sent {
    let text = |name: &str| request.text(&format!("/Msg/{name}"));
    let endpoint = request.path.rsplit('/').next().unwrap_or_default();
    let file = (endpoint == "webwxsendappmsg").then(|| xml::file(&text("Content")).ok()).flatten();
    let attached = file.as_ref().map(|file| file.media_id.clone());
    Sent {
        endpoint: endpoint.to_owned(),
        to: text("ToUserName"),
        msg_type: request.number("/Msg/Type"),
        scene: request.number("/Scene"),
        content: match endpoint {
            "webwxsendmsg" => shown(request).unwrap_or_else(|| text("Content")),
            _ => text("Content"),
        },
        media_id: attached.unwrap_or_else(|| text("MediaId")),
        file,
        emoticon_md5: text("EMoticonMd5"),
        signature: text("Signature"),
        mentions: xml::mentions(&text("MsgSource")).map_or_else(|_| Vec::new(), |(names, _)| names),
        client_msg_id: text("ClientMsgId"),
        ..Sent::default()
    }
}

/// Returns a text as the chat shows it: unnecessary escapes are not decoded (docs/protocol.md §1.3).
fn shown(request: &Decoded) -> Option<String> {
    let field = |text: &str, name: &str| {
        let found = ordered(text)?.into_iter().find(|(found, _)| found == name)?;
        Some(found.1.get().to_owned())
    };
    let raw = field(&field(std::str::from_utf8(&request.body).ok()?, "Msg")?, "Content")?;
    let (mut text, mut start) = (String::from('"'), raw.get(1..)?);
    while let Some((before, after)) = start.split_once('\\') {
        text.push_str(before);
        let control = after.starts_with("u000") || after.starts_with("u001");
        let is_needed = control || !after.starts_with(['u', '/']);
        text.push_str(if is_needed { "\\" } else { "\\\\" });
        let escaped = after.chars().next()?;
        text.push(escaped);
        start = &after[escaped.len_utf8()..];
    }
    text.push_str(start);
    serde_json::from_str(&text).ok()
}

/// Returns whether two sends differ only in their outcome.
fn is_same_send(before: &Sent, now: &Sent) -> bool {
    let Sent { msg_id, at, repeats, revoked, .. } = before.clone();
    *before == Sent { msg_id, at, repeats, revoked, ..now.clone() }
}

pub(crate) fn answer(world: &mut World, request: &Decoded) -> Answer {
    let now = world.now();
    let sent = read(request);
    let id = sent.client_msg_id.clone();
    if !world.may_write_to(&sent.to) {
        return Answer::Reply(reply::json(now, outcome(1204, "", &id)));
    }
    let repeated = |before: &&mut Sent| !id.is_empty() && is_same_send(before, &sent);
    if let Some(before) = world.sent.iter_mut().find(repeated) {
        before.repeats += 1;
        let msg_id = before.msg_id.clone();
        return Answer::Reply(reply::json(now, outcome(0, &msg_id, &id)));
    }
    let number = world.rng.digits(19);
    let msg_id = number.to_string();
    if let Some(session) = &mut world.session {
        session.last_client_id = id.parse().unwrap_or(session.last_client_id);
    }
    world.written_into(&sent.to);
    if world.echoes {
        let app = sent.endpoint == "webwxsendappmsg";
        world.deliver_here(Incoming {
            from: world.account.user_name.clone(),
            to: sent.to.clone(),
            msg_type: if app { 49 } else { sent.msg_type },
            app_msg_type: if app { sent.msg_type } else { 0 },
            content: on_the_wire(&sent.content),
            msg_id: Some(number),
            ..Incoming::default()
        });
    }
    let is_file = matches!(&*sent.endpoint, "webwxsendmsgimg" | "webwxsendappmsg");
    if is_file
        && world.mode == Mode::Service
        && let Some(session) = &mut world.session
    {
        let (events, pairs) = (world.timeline.len(), session.pairs.len());
        session.file_sent = Some(FileSent { events, pairs });
    }
    world.share_sent(&sent, number);
    world.sent.push(Sent { msg_id: msg_id.clone(), at: now, ..sent });
    Answer::Reply(reply::json(now, outcome(0, &msg_id, &id)))
}

fn outcome(ret: i64, msg_id: &str, local_id: &str) -> Object {
    Object::answer(ret, "").with("MsgID", msg_id).with("LocalID", local_id)
}

#[cfg(test)]
mod tests {
    use crate::World;
    use crate::client::{Client, json};

    #[test]
    fn repeated_send_is_recorded_once() {
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
    fn mentions_need_known_names_and_the_room() {
        let mut client = Client::ready(World::demo());
        let room = client.room();
        let member = room.members[0].user_name.as_str();
        let mut mention = |names: &str, at: &str| {
            let xml = format!(
                "<msgsource><atusername>{names}</atusername><atchatroomname>{at}</atchatroomname></msgsource>"
            );
            let own = format!("\"Type\":1,\"Content\":\"x\",\"MsgSource\":\"{xml}\"");
            let request = client.send_request("webwxsendmsg", "", &own, &room.user_name, 0);
            client.send(&request);
            let found = client.violations();
            client.simulator.world().violations.clear();
            found
        };
        let both = format!("{member},filehelper");
        assert_eq!(mention(&both, &room.user_name), Vec::<String>::new());
        assert!(mention(member, "filehelper")[0].contains("not for `Msg.ToUserName`"));
        let stranger = format!("{member},@nobody");
        assert!(mention(&stranger, &room.user_name)[0].contains("mentions `@nobody`"));
        assert!(mention("<x>", &room.user_name)[0].contains("`Msg.MsgSource` is invalid XML"));
        let sent = client.simulator.world().sent().to_vec();
        assert_eq!(sent.len(), 1);
        assert_eq!(sent[0].mentions, [member, "filehelper"]);
    }

    #[test]
    fn sending_to_a_stranger_is_refused() {
        let mut client = Client::ready(World::demo());
        let stranger = client.simulator.world().add_stranger("Li");
        assert_eq!(json(&client.message(&stranger, "hi"))["BaseResponse"]["Ret"], 1204);
        client.assert_clean();
        assert_eq!(json(&client.message("@nobody", "hi"))["BaseResponse"]["Ret"], 1204);
        assert_eq!(client.violations().len(), 1);
        assert!(client.simulator.world().sent().is_empty());
    }

    #[test]
    fn body_that_is_not_json_is_answered_1200() {
        let mut client = Client::ready(World::demo());
        let request = client.post(&client.call("webwxsendmsg", ""), "{".into());
        assert_eq!(json(&client.send(&request))["BaseResponse"]["Ret"], 1200);
        assert_eq!(client.violations().len(), 1);
    }

    #[test]
    fn lower_client_msg_id_is_a_violation() {
        let mut client = Client::ready(World::demo());
        let late = client.message_request("filehelper", "late");
        client.simulator.world().advance(std::time::Duration::from_secs(1));
        client.message("filehelper", "one");
        client.assert_clean();
        client.send(&late);
        assert!(client.violations()[0].contains("not higher than"));
    }

    #[test]
    fn reused_device_id_is_a_violation() {
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
        assert!(client.violations()[0].contains("which another request has used"));
    }
}
