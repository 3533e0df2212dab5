//! `POST /cgi-bin/mmwebwx-bin/webwxsync` (docs/protocol.md §7.2)

use serde_json::Value;

use crate::check::differences::JSON;
use crate::check::{Check, Rule};
use crate::message::Delivered;
use crate::routes::login::page::{HALF_A_DAY, api_domain, data_ticket};
use crate::session::jar::Cookie;
use crate::session::{Key, joined, key_record};
use crate::violation::Fault;
use crate::wire::reply::{self, Answer, Node, Object};
use crate::wire::request::{Decoded, ordered};
use crate::world::{Event, World};

pub(crate) fn check(check: &mut Check<'_>) {
    check.initialised();
    let (lang, pass_ticket) = (check.lang(), check.pass_ticket());
    let (sid, skey) = (("sid", check.sid()), ("skey", check.skey()));
    check.query(&[sid, skey, lang, pass_ticket], &[]);
    let body = check.body(&["BaseRequest", "SyncKey", "rr"]);
    check.base_request(&body, false);
    check.number(&body, "rr", &Rule::NotMillis);
    let key = check.inner(&body, "SyncKey", &["Count", "List"]);
    let Some(items) = check.list(&key, "List") else { return };
    check.count(&key, items.len());
    let mut pairs: Key = Vec::new();
    for (index, item) in items.iter().enumerate() {
        let at = format!("SyncKey.List[{index}]");
        let fields = check.object(&at, item.get(), &["Key", "Val"]);
        // An item that is not an object has been reported already.
        if ordered(item.get()).is_none() {
            continue;
        }
        let number = check.number(&fields, "Key", &Rule::Integer);
        let value = check.number(&fields, "Val", &Rule::Integer);
        if let (Some(number), Some(value)) = (number, value) {
            pairs.push((number, value));
        }
    }
    let Some(session) = check.session() else { return };
    let what = format!("has in its `List` the `Key` and `Val` {pairs:?}");
    if session.by_sync_key(&pairs).is_some() {
    } else if session.by_either_key(&joined(&pairs)).is_some() {
        check.found(Fault::Name, JSON, "SyncKey", format_args!("{what}, a SyncCheckKey"));
    } else {
        check.wrong(format!("JSON field `SyncKey` {what}, which are not from a recent answer"));
    }
}

/// Returns the `SyncKey` of a body.
pub(crate) fn key_of(body: &Value) -> Key {
    let list = body.pointer("/SyncKey/List").and_then(Value::as_array);
    let number = |item: &Value, name| item.get(name).and_then(Value::as_i64).unwrap_or(-1);
    list.map(|list| list.iter().map(|item| (number(item, "Key"), number(item, "Val"))).collect())
        .unwrap_or_default()
}

pub(crate) fn answer(world: &mut World, request: &Decoded) -> Answer {
    let now = world.now();
    let end = world.timeline.len();
    let Some(session) = &mut world.session else {
        return Answer::Reply(reply::page(now, 400, "400 Bad Request"));
    };
    let key = key_of(&request.json);
    let Some(used) = session.by_sync_key(&key).or_else(|| session.by_either_key(&joined(&key)))
    else {
        return Answer::Reply(reply::page(now, 400, "400 Bad Request"));
    };
    let from = session.pairs.get(used).map_or(end, |pair| pair.position);
    let to = (from + world.batch).min(end);
    let newest = session.pairs.len().saturating_sub(1);
    let refreshed = session.refresh.take();
    // Whether this is the first answer, or a repetition before the first one is known to have arrived.
    let first = session.pairs.get(session.proven).is_none_or(|pair| pair.initial);
    // Without news, the keys stay the same, but the first answer always has more keys than that of `webwxinit`.
    let index =
        if from == to && used == newest && !session.pairs[newest].initial && refreshed.is_none() {
            // The answer after a send of a file has a newer key for checking.
            match session.file_sent.is_some_and(|sent| sent.pairs > newest) {
                true => {
                    session.hand_out_check_key();
                    newest + 1
                }
                false => newest,
            }
        } else {
            session.hand_out(&mut world.rng, now, to, false);
            newest + 1
        };
    if let Some(skey) = &refreshed {
        let before = std::mem::replace(&mut session.skey, skey.clone());
        session.skeys_before.push((before, index));
        world.account.skey.clone_from(skey);
    }
    // The new key is repeated until it is proven to have arrived.
    let unproven =
        session.skeys_before.last().is_some_and(|(_, pair)| used < *pair && session.proven < *pair);
    let skey = if unproven { session.skey.clone() } else { String::new() };
    session.first_sync.get_or_insert(now / 1000);
    session.cookies_pair = index;
    let pair = session.pairs[index].clone();
    world.handed = world.handed.max(to);
    let mut object = records(world, from, to);
    object = object
        .with("ContinueFlag", i64::from(to < end))
        .with("SyncKey", key_record(&pair.sync))
        .with("SKey", skey)
        .with("SyncCheckKey", key_record(&pair.check));
    let mut reply = reply::json(now, object);
    let cookies = cookies(world, first);
    for cookie in &cookies {
        reply::set_cookie(&mut reply, cookie.header());
    }
    world.jar.set(&cookies);
    Answer::Reply(reply)
}

/// Builds the lists of one answer, up to `ContinueFlag`.
fn records(world: &mut World, from: usize, to: usize) -> Object {
    let (mut added, mut changed, mut removed) = (Vec::new(), Vec::new(), Vec::new());
    let mut name = None;
    let now = world.now();
    for event in &world.timeline[from..to] {
        match event {
            Event::Message { message, msg_id, record, .. } => {
                added.push(record.clone());
                world.delivered.push(Delivered {
                    msg_id: msg_id.to_string(),
                    from: message.from.clone(),
                    to: message.to.clone(),
                    msg_type: message.msg_type,
                    content: message.content.clone(),
                    at: now,
                });
            }
            Event::Changed(record) => changed.push(record.clone()),
            Event::Removed { user_name, contact_flag } => {
                let record =
                    Object::new().with("UserName", user_name).with("ContactFlag", *contact_flag);
                removed.push(record.into());
            }
            Event::Renamed(to) => name = Some(to.clone()),
        }
    }
    lists(Object::answer(0, ""), [added, changed, removed], name)
}

/// Adds the lists of new messages, of changed and of removed contacts, and the account's new name.
pub(crate) fn lists(object: Object, lists: [Vec<Node>; 3], name: Option<String>) -> Object {
    let [added, changed, removed] = lists;
    object
        .with_list("AddMsgCount", "AddMsgList", added)
        .with_list("ModContactCount", "ModContactList", changed)
        .with_list("DelContactCount", "DelContactList", removed)
        .with_list("ModChatRoomMemberCount", "ModChatRoomMemberList", Vec::new())
        .with("Profile", profile(name))
}

/// Builds a `Profile`. A `BitFlag` of 190 means that the account itself has changed.
fn profile(name: Option<String>) -> Object {
    let buff = |text: String| Object::new().with("Buff", text);
    Object::new()
        .with("BitFlag", if name.is_some() { 190_i64 } else { 0 })
        .with("UserName", buff(String::new()))
        .with("NickName", buff(name.unwrap_or_default()))
        .with("BindUin", 0_i64)
        .with("BindEmail", buff(String::new()))
        .with("BindMobile", buff(String::new()))
        .with("Status", 0_i64)
        .with("Sex", 0_i64)
        .with("PersonalCard", 0_i64)
        .with("Alias", "")
        .with("HeadImgUpdateFlag", 0_i64)
        .with("HeadImgUrl", "")
        .with("Signature", "")
}

/// Returns the cookies of an answer: every answer extends the data ticket, and the first also marks the load time as
/// used (docs/protocol.md §1.7).
fn cookies(world: &World, first: bool) -> Vec<Cookie> {
    let (now, domain) = (world.now(), api_domain(world));
    let Some(session) = &world.session else { return Vec::new() };
    let ticket = world.issued.iter().find(|cookie| cookie.name == "webwx_data_ticket");
    let cookie = |name, value: String, life| Cookie::new(name, value, &domain, now + life);
    let mut cookies = Vec::new();
    if first {
        cookies.push(cookie("wxuin", world.account.uin.to_string(), 6 * HALF_A_DAY));
        cookies.push(cookie("wxloadtime", format!("{}_expired", session.since), HALF_A_DAY));
    }
    let plugin = session.first_sync.unwrap_or_default().to_string();
    cookies.push(cookie("wxpluginkey", plugin, HALF_A_DAY));
    let ticket = ticket.map(|cookie| cookie.value.clone()).unwrap_or_default();
    cookies.push(data_ticket(world, ticket));
    cookies
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use crate::client::{Client, json};
    use crate::{Incoming, World};

    #[test]
    fn messages_are_delivered_in_batches() {
        let mut world = World::demo();
        world.messages_per_sync(2);
        let mut client = Client::ready(world);
        let friend = client.simulator.world().contacts()[1].user_name.clone();
        let mut ids = Vec::new();
        for text in ["one", "two & <three>", "four\nfive 😁"] {
            ids.push(client.simulator.world().person_writes(&friend, text));
        }
        let first = json(&client.sync());
        assert_eq!((&first["AddMsgCount"], &first["ContinueFlag"]), (&2.into(), &1.into()));
        assert_eq!(first["AddMsgList"][1]["Content"], "two &amp; &lt;three&gt;");
        assert_ne!(first["SyncKey"], first["SyncCheckKey"]);
        let second = json(&client.sync());
        assert_eq!((&second["AddMsgCount"], &second["ContinueFlag"]), (&1.into(), &0.into()));
        let message = &second["AddMsgList"][0];
        assert_eq!(message["Content"], "four<br/>five <span class=\"emoji emoji1f601\"></span>");
        assert_eq!(message["MsgId"], ids[2]);
        assert_eq!(message["NewMsgId"].as_u64().expect("a number").to_string(), ids[2]);
        assert_eq!(message.as_object().expect("an object").len(), 28);
        let empty = json(&client.sync());
        assert_eq!((&empty["AddMsgCount"], &empty["SyncKey"]), (&0.into(), &second["SyncKey"]));
        let world = client.simulator.world();
        let delivered: Vec<&str> =
            world.delivered().iter().map(|message| message.msg_id.as_str()).collect();
        assert_eq!(delivered, ids);
        drop(world);
        client.assert_clean();
    }

    #[test]
    fn old_key_repeats_messages() {
        let mut client = Client::ready(World::demo());
        client.sync();
        let key = client.sync_key.clone();
        client.simulator.world().deliver(Incoming::new("filehelper", 49, "&lt;msg/&gt;"));
        client.sync();
        client.sync_key = key;
        client.simulator.world().phone().writes("filehelper", "mine");
        assert_eq!(json(&client.sync())["AddMsgCount"], 2);
        client.assert_clean();
        client.sync_key[0].1 += 1;
        client.sync();
        assert_eq!(client.violations().len(), 1);
    }

    #[test]
    fn received_skey_must_replace_the_old_one() {
        let mut client = Client::ready(World::demo());
        client.sync();
        let old = client.skey.clone();
        // The answers are lost: the client continues with its old key.
        for _ in 0..3 {
            client.simulator.world().refresh_skey();
            let lost = client.sync_request();
            client.simulator.respond(&lost);
        }
        client.message("filehelper", "still the old key");
        client.sync();
        client.assert_clean();
        client.simulator.world().refresh_skey();
        client.sync();
        assert_ne!(client.skey, old);
        client.check();
        client.assert_clean();
        client.skey = old;
        client.message("filehelper", "too old");
        assert_eq!(client.violations().len(), 1);
    }

    /// A client that loses the first answer receives its cookies with the second.
    #[test]
    fn first_cookies_are_repeated_until_they_arrive() {
        let mut client = Client::ready(World::demo());
        for _ in 0..2 {
            let lost = client.sync_request();
            client.simulator.respond(&lost);
        }
        client.sync();
        assert!(client.cookies["wxloadtime"].0.ends_with("_expired"));
        client.check();
        client.sync();
        client.assert_clean();
    }

    #[test]
    fn changes_of_contacts_and_profile_are_delivered() {
        let mut client = Client::ready(World::demo());
        let room = client.room();
        client
            .simulator
            .world()
            .change_contact(&room.user_name, |room| room.nick_name = "New".into());
        client.simulator.world().remove_contact(&room.members[0].user_name);
        client.simulator.world().phone().renames_self("雨");
        let answer = json(&client.sync());
        let changed = &answer["ModContactList"][0];
        assert_eq!(
            (&changed["NickName"], changed.as_object().map(serde_json::Map::len)),
            (&"New".into(), Some(21))
        );
        assert_eq!(answer["DelContactList"][0]["UserName"], room.members[0].user_name);
        assert_eq!(answer["Profile"]["BitFlag"], 190);
        assert_eq!(answer["Profile"]["NickName"]["Buff"], "雨");
        client.assert_clean();
    }

    #[test]
    fn refusal_has_empty_keys() {
        let mut client = Client::ready(World::demo());
        client.simulator.world().refuse("webwxsync", 3, "");
        let answer = json(&client.sync());
        assert_eq!(
            (&answer["BaseResponse"]["Ret"], &answer["SyncKey"]["Count"]),
            (&3.into(), &Value::from(0))
        );
        assert_eq!(json(&client.sync())["BaseResponse"]["Ret"], 0);
        client.assert_clean();
    }
}
