//! `POST …/webwxcreatechatroom`, `POST …/webwxupdatechatroom` (docs/protocol.md §11.4, §11.5)

use crate::check::differences::JSON;
use crate::check::{Check, Rule};
use crate::contact::rooms::Invitation;
use crate::contact::{Contact, Member};
use crate::routes::change::{known, query};
use crate::violation::Fault;
use crate::wire::reply::{self, Answer, Node, Object};
use crate::wire::request::Decoded;
use crate::wire::text::name_on_the_wire;
use crate::world::outgoing::RoomEvent;
use crate::world::{Event, World};

pub(crate) fn check_create(check: &mut Check<'_>) {
    query(check, &[("r", Rule::Millis)]);
    let body = check.body(&["MemberCount", "MemberList", "Topic", "BaseRequest"]);
    check.base_request(&body, false);
    check.free(&body, "Topic");
    let count = check.number(&body, "MemberCount", &Rule::Integer);
    let Some(items) = check.list(&body, "MemberList") else { return };
    if count.is_some_and(|count| usize::try_from(count) != Ok(items.len())) {
        let complaint = format_args!("is {count:?}, but `MemberList` has {} items", items.len());
        check.found(Fault::Value, JSON, "MemberCount", complaint);
    }
    if items.len() < 2 {
        check.wrong("JSON field `MemberList` has fewer than two others");
    }
    for (index, item) in items.iter().enumerate() {
        let at = format!("MemberList[{index}]");
        let item = check.object(&at, item.get(), &["UserName"]);
        if let Some(name) = check.free(&item, "UserName") {
            newcomer(check, &format!("{at}.UserName"), &name);
        }
    }
}

/// Checks that a name can be a new member of a room.
fn newcomer(check: &mut Check<'_>, at: &str, name: &str) {
    known(check, at, name);
    if name.starts_with("@@") || *name == check.world.account.user_name {
        check.wrong(format!("JSON field `{at}` is `{name}`, a room or the account itself"));
    }
}

pub(crate) fn create(world: &mut World, request: &Decoded) -> Answer {
    let now = world.now();
    if let Some(notice) = world.rooms.notice.take() {
        return Answer::Reply(reply::json(now, no_room(Object::answer(0, &notice))));
    }
    let list = request.json["MemberList"].as_array().into_iter().flatten();
    let asked = list.filter_map(|item| Some(item["UserName"].as_str()?.to_owned()));
    let (left_out, taken): (Vec<_>, Vec<_>) =
        asked.partition(|name| world.rooms.blockers.contains(name));
    let topic = request.text("/Topic");
    let names: Vec<&str> = taken.iter().map(String::as_str).collect();
    let stored = stored(world, &names);
    // The room is in no list until the client writes into it.
    let owner = world.account.user_name.clone();
    let room = Contact { owner, contact_flag: 0, ..world.new_room(&topic, &stored) };
    let room = world.add(room);
    world.share_room(&room, &[]);
    world.rooms.silent.insert(room.clone());
    let joined = world.permanent_ids(&stored);
    world.share_room_event(&room, RoomEvent::Invited(joined));
    let members = members(world, &names);
    let topic = name_on_the_wire(&topic);
    let object = Object::answer(0, "Everything is OK");
    let object = room_fields(object, &topic, members, &room, &left_out.join(","));
    Answer::Reply(reply::json(now, object))
}

fn room_fields(object: Object, topic: &str, members: Vec<Node>, room: &str, out: &str) -> Object {
    object
        .with("Topic", topic)
        .with("PYInitial", "")
        .with("QuanPin", "")
        .with_list("MemberCount", "MemberList", members)
        .with("ChatRoomName", room)
        .with("BlackList", out)
}

/// Builds the answer for a room that could not be created.
pub(crate) fn no_room(object: Object) -> Object {
    room_fields(object, "", Vec::new(), "", "")
}

/// Returns the member records of these names.
fn members(world: &World, names: &[&str]) -> Vec<Node> {
    let room = Contact {
        members: names.iter().map(|name| Member::new(name)).collect(),
        ..Contact::default()
    };
    room.member_list(Some(&|name| world.person(name)))
}

pub(crate) fn check_update(check: &mut Check<'_>) {
    let fun = check.request.get("fun").to_owned();
    let field = match fun.as_str() {
        "addmember" => Some("AddMemberList"),
        "invitemember" => Some("InviteMemberList"),
        "delmember" => Some("DelMemberList"),
        "modtopic" => Some("NewTopic"),
        _ => None,
    };
    let all = ["addmember", "invitemember", "delmember", "modtopic", "quitchatroom"];
    query(check, &[("fun", Rule::one_of(&all))]);
    let keys: Vec<&str> = field.into_iter().chain(["ChatRoomName", "BaseRequest"]).collect();
    let body = check.body(&keys);
    check.base_request(&body, false);
    let room = check.free(&body, "ChatRoomName").unwrap_or_default();
    let Some(contact) = check.world.contact(&room).filter(|contact| contact.is_room()).cloned()
    else {
        return check.wrong(format!("JSON field `ChatRoomName` is `{room}`, not a room"));
    };
    let Some(field) = field else { return };
    let Some(value) = check.free(&body, field) else { return };
    if field == "NewTopic" {
        return;
    }
    for name in value.split(',') {
        newcomer(check, field, name);
        let is_member = contact.has_member(name);
        if is_member != (field == "DelMemberList") {
            let word = if is_member { "already" } else { "not" };
            check.wrong(format!("JSON field `{field}` names `{name}`, {word} a member"));
        }
    }
}

pub(crate) fn update(world: &mut World, request: &Decoded) -> Answer {
    let now = world.now();
    let fun = request.get("fun").to_owned();
    let room = request.text("/ChatRoomName");
    let listed = |field: &str| -> Vec<String> {
        let text = request.text(&format!("/{field}"));
        text.split(',').filter(|name| !name.is_empty()).map(str::to_owned).collect()
    };
    let me = world.account.user_name.clone();
    let contact = world.contact(&room).cloned().unwrap_or_default();
    let refused = Answer::Reply(reply::json(now, changed(Object::answer(1, ""), Vec::new())));
    let names = match fun.as_str() {
        "addmember" => {
            let names = listed("AddMemberList");
            // A room of this size needs an invitation (`invitemember`).
            if contact.members.len() + names.len() >= world.rooms.invite_start {
                return refused;
            }
            let new = stored(world, &names);
            world.change_room(&room, |contact| {
                contact.members.extend(new.iter().map(|name| Member::new(name)));
            });
            let joined = world.permanent_ids(&new);
            world.share_room_event(&room, RoomEvent::Invited(joined));
            names
        }
        "invitemember" => {
            let names = listed("InviteMemberList");
            for user in &names {
                let invitation = Invitation { room: room.clone(), user: user.clone() };
                world.rooms.invitations.push(invitation);
            }
            world.share_invitations(&room, &names);
            names
        }
        "delmember" => {
            if contact.owner != me {
                return refused;
            }
            let names = listed("DelMemberList");
            let gone = stored(world, &names);
            let removed = world.permanent_ids(&gone);
            world.share_room_event(&room, RoomEvent::Removed(removed));
            world.change_room(&room, |contact| {
                contact.members.retain(|member| !gone.contains(&member.user_name));
            });
            names
        }
        "modtopic" => {
            let topic = name_on_the_wire(&request.text("/NewTopic"));
            world.change_room(&room, |contact| contact.nick_name.clone_from(&topic));
            world.share_room_event(&room, RoomEvent::Renamed(topic));
            Vec::new()
        }
        "quitchatroom" => {
            world.set_contact(&room, |contact| {
                contact.members.retain(|member| member.user_name != me);
                contact.contact_flag = 0;
                contact.saved = false;
            });
            world.rooms.silent.remove(&room);
            world.share_room(&room, &contact.members);
            world.timeline.push(Event::Removed { user_name: room, contact_flag: 0 });
            Vec::new()
        }
        _ => return refused,
    };
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let members = members(world, &names);
    Answer::Reply(reply::json(now, changed(Object::answer(0, ""), members)))
}

/// Returns the names that are stored: all, unless an injected fault drops the last one.
fn stored<T: Clone>(world: &World, names: &[T]) -> Vec<T> {
    names[..names.len().saturating_sub(usize::from(world.alters))].to_vec()
}

/// Builds the answer to a change of a room.
pub(crate) fn changed(object: Object, members: Vec<Node>) -> Object {
    object.with_list("MemberCount", "MemberList", members)
}

impl World {
    /// Changes a room and reports the change, unless the room is not listed yet.
    fn change_room(&mut self, room: &str, change: impl FnOnce(&mut Contact)) {
        let before = self.contact(room).map(|room| room.members.clone()).unwrap_or_default();
        self.set_contact(room, change);
        self.share_room(room, &before);
        if !self.rooms.silent.contains(room) {
            self.report_change(room);
        }
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http::Response;
    use serde_json::Value;

    use crate::World;
    use crate::client::{Client, json};

    fn update(client: &mut Client, fun: &str, fields: &str) -> Value {
        json(&client.ask("webwxupdatechatroom", &format!("fun={fun}"), fields))
    }

    fn friends(client: &Client, count: usize) -> Vec<String> {
        let world = client.simulator.world();
        let all = world.contacts().iter().filter(|contact| contact.user_name.starts_with('@'));
        let people = all.filter(|contact| !contact.is_room() && contact.contact_flag & 1 != 0);
        people.take(count).map(|contact| contact.user_name.clone()).collect()
    }

    fn create(client: &mut Client, names: &[String]) -> Value {
        json(&creation(client, names))
    }

    fn creation(client: &mut Client, names: &[String]) -> Response<Bytes> {
        let list: Vec<String> =
            names.iter().map(|name| format!("{{\"UserName\":\"{name}\"}}")).collect();
        let (count, list) = (list.len(), list.join(","));
        let fields =
            format!("\"MemberCount\":{count},\"MemberList\":[{list}],\"Topic\":\"R&D\",BASE");
        client.ask("webwxcreatechatroom", &format!("r={}", client.now()), &fields)
    }

    #[test]
    fn new_room_is_listed_after_its_first_message() {
        let mut client = Client::ready(World::demo());
        let names = friends(&client, 3);
        client.simulator.world().is_blocked_by(&names[2]);
        let made = create(&mut client, &names);
        let room = made["ChatRoomName"].as_str().expect("a name").to_owned();
        assert_eq!(
            (&made["BlackList"], &made["Topic"]),
            (&names[2].as_str().into(), &"R&amp;D".into())
        );
        assert_eq!(made["MemberList"][1]["UserName"], names[1]);
        assert!(!client.simulator.world().recent().contains(&room));
        client.message(&room, "hello");
        assert!(client.simulator.world().recent().contains(&room));
        client.assert_clean();
        client.simulator.world().make_no_room("<e/>");
        let none = create(&mut client, &names);
        assert_eq!((&none["ChatRoomName"], &none["BaseResponse"]["Ret"]), (&"".into(), &0.into()));
        client.assert_clean();
        creation(&mut client, &names[..1]);
        assert_eq!(client.violations().len(), 1);
    }

    #[test]
    fn altered_room_change_omits_the_last_member() {
        let mut client = Client::ready(World::demo());
        let names = friends(&client, 4);
        let alter = |client: &Client| client.simulator.world().alters = true;
        let members = |client: &Client, room: &str| {
            client.simulator.world().alters = false;
            client.simulator.world().contact(room).expect("one").members.len()
        };
        alter(&client);
        let made = create(&mut client, &names[..3]);
        let room = made["ChatRoomName"].as_str().expect("one").to_owned();
        assert_eq!((&made["MemberCount"], members(&client, &room)), (&3.into(), 3));
        for (fun, field, name, expected) in [
            ("addmember", "AddMemberList", &names[3], 3),
            ("delmember", "DelMemberList", &names[0], 3),
        ] {
            alter(&client);
            let body = format!("\"{field}\":\"{name}\",\"ChatRoomName\":\"{room}\",BASE");
            let reply = update(&mut client, fun, &body);
            assert_eq!(reply["MemberCount"], 1);
            assert_eq!(members(&client, &room), expected, "{fun}");
        }
        client.assert_clean();
    }
}
