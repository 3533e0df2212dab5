//! `POST …/webwxoplog`, `POST …/webwxverifyuser`, `POST …/webwxsearchcontact` (docs/protocol.md §11.1 to §11.3)

use serde_json::Value;

use crate::check::differences::JSON;
use crate::check::{Check, Rule};
use crate::contact::rooms::Verification;
use crate::violation::Fault;
use crate::wire::reply::{self, Answer, Node, Object};
use crate::wire::request::Decoded;
use crate::wire::text::name_on_the_wire;
use crate::world::World;

/// Bit of `ContactFlag`: pinned (docs/protocol.md §10).
const PINNED: i64 = 2048;

/// Checks the common parts of these calls.
pub(crate) fn query(check: &mut Check<'_>, must: &[(&str, Rule)]) {
    check.initialised();
    let common = [check.lang(), check.pass_ticket()];
    let all: Vec<_> = must.iter().cloned().chain(common).collect();
    check.query(&all, &[]);
}

/// Checks that the service has mentioned a name.
pub(crate) fn known(check: &mut Check<'_>, at: &str, name: &str) {
    if !check.world.is_known(name) {
        check.wrong(format!("JSON field `{at}` is `{name}`, which the service never mentioned"));
    }
}

pub(crate) fn check_oplog(check: &mut Check<'_>) {
    query(check, &[]);
    let pins = check.request.number("/CmdId") == 3;
    let keys: &[&str] = if pins {
        &["UserName", "CmdId", "OP", "RemarkName", "BaseRequest"]
    } else {
        &["UserName", "CmdId", "RemarkName", "BaseRequest"]
    };
    let body = check.body(keys);
    check.base_request(&body, false);
    check.number(&body, "CmdId", &Rule::one_of(&["2", "3"]));
    let Some(name) = check.free(&body, "UserName") else { return };
    known(check, "UserName", &name);
    if !pins {
        if let Some(remark) = check.free(&body, "RemarkName")
            && remark.encode_utf16().count() > 18
        {
            let complaint = format_args!("is `{remark}`, longer than 18");
            check.found(Fault::Form, JSON, "RemarkName", complaint);
        }
        return;
    }
    check.number(&body, "OP", &Rule::one_of(&["0", "1"]));
    // Without the remark, the service clears it.
    let remark = check.world.contact(&name).map(|contact| contact.remark_name.clone());
    let said = check.free(&body, "RemarkName").map(|remark| name_on_the_wire(&remark));
    if remark.is_some() && said.is_some() && remark != said {
        let complaint = format_args!("is {said:?}, but the remark is {remark:?}: it would be lost");
        check.found(Fault::Value, JSON, "RemarkName", complaint);
    }
}

pub(crate) fn oplog(world: &mut World, request: &Decoded) -> Answer {
    let name = request.text("/UserName");
    let remark = name_on_the_wire(&request.text("/RemarkName"));
    let op = (request.number("/CmdId") == 3).then(|| request.number("/OP"));
    let ignored = world.rooms.ignores_remarks;
    match op {
        None if ignored => {}
        None => world.change_contact(&name, |contact| contact.remark_name = remark),
        Some(op) => world.change_contact(&name, |contact| {
            contact.contact_flag = (contact.contact_flag & !PINNED) | (op * PINNED);
            // A pin without the remark clears it.
            contact.remark_name = remark;
        }),
    }
    Answer::Reply(reply::json(world.now(), Object::answer(0, "")))
}

pub(crate) fn check_verify(check: &mut Check<'_>) {
    query(check, &[("r", Rule::Millis)]);
    let keys = [
        "BaseRequest", "Opcode", "VerifyUserListSize", "VerifyUserList", "VerifyContent",
        "SceneListCount", "SceneList", "skey",
    ];
    let body = check.body(&keys);
    check.base_request(&body, false);
    check.number(&body, "Opcode", &Rule::OneOf((1..=6).map(|code| code.to_string()).collect()));
    check.number(&body, "VerifyUserListSize", &Rule::is("1"));
    check.free(&body, "VerifyContent");
    check.number(&body, "SceneListCount", &Rule::is("1"));
    check.text(&body, "skey", &check.skey());
    let scenes = check.request.json.pointer("/SceneList").and_then(Value::as_array);
    let scene = scenes.filter(|list| list.len() == 1).and_then(|list| list[0].as_i64());
    if !matches!(scene, Some(4..=10 | 33)) {
        check.wrong("JSON field `SceneList` is not a list of one scene");
    }
    let list = body.get("VerifyUserList").map(|raw| raw.get().to_owned()).unwrap_or_default();
    let items = serde_json::from_str::<Vec<Box<serde_json::value::RawValue>>>(&list);
    let Ok([item]) = items.as_deref() else {
        return check.wrong("JSON field `VerifyUserList` is not a list of one");
    };
    let item = check.object("VerifyUserList[0]", item.get(), &["Value", "VerifyUserTicket"]);
    if let Some(user) = check.free(&item, "Value") {
        known(check, "VerifyUserList[0].Value", &user);
    }
    let opcode = check.request.number("/Opcode");
    let ticket = check.free(&item, "VerifyUserTicket");
    if matches!(opcode, 3 | 4 | 6) && ticket.is_some_and(|ticket| ticket.is_empty()) {
        let name = "VerifyUserList[0].VerifyUserTicket";
        check.found(Fault::Empty, JSON, name, "is empty, though the request has a ticket");
    }
}

pub(crate) fn verify(world: &mut World, request: &Decoded) -> Answer {
    let user = request.text("/VerifyUserList/0/Value");
    let ticket = request.text("/VerifyUserList/0/VerifyUserTicket");
    let (opcode, scene) = (request.number("/Opcode"), request.number("/SceneList/0"));
    // Answers need a friend request and its ticket; requests have no ticket.
    let was_asked = world.arrived().any(|(_, message)| {
        let who = &message.recommend;
        let fits = ticket.is_empty() || who.ticket == ticket;
        message.msg_type == 37 && who.user_name == user && fits
    });
    if matches!(opcode, 3 | 4 | 6) && !was_asked {
        return Answer::Reply(reply::json(world.now(), Object::answer(-1, "")));
    }
    let content = request.text("/VerifyContent");
    if opcode == 2 {
        world.share_request(&user, &content);
    }
    world.rooms.verifications.push(Verification { opcode, user: user.clone(), content, scene });
    if opcode == 3 {
        world.change_contact(&user, |contact| contact.contact_flag |= 3);
        world.share_acceptance(&user);
    }
    Answer::Reply(reply::json(world.now(), Object::answer(0, "")))
}

pub(crate) fn check_search(check: &mut Check<'_>) {
    query(check, &[]);
    let body = check.body(&["BaseRequest", "KeyWord"]);
    check.base_request(&body, false);
    if check.free(&body, "KeyWord").is_some_and(|word| word.is_empty()) {
        check.wrong("JSON field `KeyWord` is empty");
    }
}

/// Finds strangers by their whole name or id.
pub(crate) fn search(world: &mut World, request: &Decoded) -> Answer {
    let word = name_on_the_wire(&request.text("/KeyWord"));
    let found: Vec<String> = world
        .contacts()
        .iter()
        .filter(|contact| contact.contact_flag == 0 && !contact.is_room())
        .filter(|contact| contact.nick_name == word || contact.alias == word)
        .map(|contact| contact.user_name.clone())
        .collect();
    let list: Vec<Node> = found
        .iter()
        .map(|name| {
            world.mention(name);
            Object::new().with("EncryUserName", name).into()
        })
        .collect();
    Answer::Reply(reply::json(world.now(), Object::answer(0, "").with("List", list)))
}

#[cfg(test)]
mod tests {
    use crate::World;
    use crate::client::{Client, json};

    fn friend(client: &Client) -> String {
        let world = client.simulator.world();
        let mut all = world.contacts().iter().filter(|contact| !contact.is_room());
        all.find(|contact| contact.user_name.starts_with('@')).expect("one").user_name.clone()
    }

    #[test]
    fn pins_repeat_the_remark_and_remarks_are_short() {
        let mut client = Client::ready(World::demo());
        let name = friend(&client);
        client.simulator.world().set_contact(&name, |contact| contact.remark_name = "a".to_owned());
        for change in [
            r#""CmdId":3,"OP":1,"RemarkName":"""#,
            r#""CmdId":2,"RemarkName":"a remark that is too long""#,
        ] {
            client.ask("webwxoplog", "", &format!("\"UserName\":\"{name}\",{change},BASE"));
        }
        assert_eq!(client.violations().len(), 2);
    }

    #[test]
    fn strangers_are_found_by_their_whole_name() {
        let mut client = Client::ready(World::demo());
        let stranger = client.simulator.world().add_stranger("R&D");
        let found = json(&client.ask("webwxsearchcontact", "", "BASE,\"KeyWord\":\"R&D\""));
        assert_eq!(found["List"][0]["EncryUserName"], stranger);
        client.assert_clean();
    }
}
