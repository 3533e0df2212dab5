//! `GET /cgi-bin/mmwebwx-bin/webwxgetcontact`, `POST …/webwxbatchgetcontact` (docs/protocol.md §5.1, §5.2)

use crate::check::differences::JSON;
use crate::check::{Check, Rule};
use crate::contact::{Contact, In};
use crate::routes::change::known;
use crate::violation::Fault;
use crate::wire::reply::{self, Answer, Node, Object};
use crate::wire::request::{Decoded, ordered};
use crate::world::World;

pub(crate) fn check_book(check: &mut Check<'_>) {
    check.initialised();
    let (lang, pass_ticket, skey) = (check.lang(), check.pass_ticket(), ("skey", check.skey()));
    let pages = check
        .session()
        .map(|session| session.pages.keys().copied().collect::<Vec<_>>())
        .unwrap_or_default();
    let seqs = std::iter::once(0).chain(pages).map(|seq: u64| seq.to_string()).collect();
    let seq = ("seq", Rule::OneOf(seqs));
    check.query(&[lang, pass_ticket, ("r", Rule::Millis), seq, skey], &[]);
}

pub(crate) fn book(world: &mut World, request: &Decoded) -> Answer {
    let now = world.now();
    let skey = world.account.skey.clone();
    let seq = request.get("seq").parse().unwrap_or(0);
    let Some(session) = &world.session else {
        return Answer::Reply(reply::page(now, 400, "400 Bad Request"));
    };
    let start = session.pages.get(&seq).copied().unwrap_or(0);
    let book: Vec<&Contact> =
        world.contacts().iter().filter(|contact| world.in_book(contact)).collect();
    let find = |_: &str| None;
    let end = (start + world.page).min(book.len());
    let page: Vec<Node> = book[start.min(end)..end]
        .iter()
        .map(|contact| contact.record(In::Book { skey: &skey }, &find).into())
        .collect();
    // `MemberCount` is the length of the whole list, not of this page.
    let count = book.len();
    let mut next = 0;
    if end < count {
        next = 638_112_000 + end as u64 * 17;
        if let Some(session) = &mut world.session {
            session.pages.insert(next, end);
        }
    }
    let object =
        Object::answer(0, "").with("MemberCount", count).with("MemberList", page).with("Seq", next);
    Answer::Reply(reply::json(now, object))
}

pub(crate) fn check_batch(check: &mut Check<'_>) {
    check.initialised();
    let (lang, pass_ticket) = (check.lang(), check.pass_ticket());
    check.query(&[("type", Rule::is("ex")), ("r", Rule::Millis), lang, pass_ticket], &[]);
    let body = check.body(&["BaseRequest", "Count", "List"]);
    check.base_request(&body, false);
    let Some(items) = check.list(&body, "List") else { return };
    check.count(&body, items.len());
    if items.is_empty() || items.len() > 50 {
        check.wrong(format!("JSON field `List` has {} items, not 1 to 50", items.len()));
    }
    for (index, item) in items.iter().enumerate() {
        check_item(check, &format!("List[{index}]"), item.get());
    }
}

fn check_item(check: &mut Check<'_>, at: &str, item: &str) {
    let fields = ordered(item).unwrap_or_default();
    let has = |key: &str| fields.iter().any(|(name, _)| name == key);
    let detail = has("EncryChatRoomId");
    if !detail && !has("ChatRoomId") {
        let complaint = "has neither `ChatRoomId` nor `EncryChatRoomId`";
        check.found(Fault::Missing, JSON, &format!("{at}.ChatRoomId"), complaint);
    }
    let second = if detail { "EncryChatRoomId" } else { "ChatRoomId" };
    let fields = check.object(at, item, &["UserName", second]);
    let name = check.free(&fields, "UserName");
    let room = check.free(&fields, second);
    let (Some(name), Some(room)) = (name, room) else { return };
    known(check, &format!("{at}.UserName"), &name);
    if !detail && !room.is_empty() {
        let complaint = format_args!("is `{room}`, not empty");
        check.found(Fault::Form, JSON, &format!("{at}.ChatRoomId"), complaint);
    }
    if detail && !check.world.room(&room).is_some_and(|room| room.has_member(&name)) {
        let fault = if room.is_empty() { Fault::Empty } else { Fault::Value };
        let complaint = format_args!("is `{room}`, of which `{name}` is no member");
        check.found(fault, JSON, &format!("{at}.EncryChatRoomId"), complaint);
    }
}

pub(crate) fn batch(world: &mut World, request: &Decoded) -> Answer {
    let me = world.account.user_name.clone();
    let find = |name: &str| world.person(name);
    let mut records: Vec<Node> = Vec::new();
    for item in request.json["List"].as_array().into_iter().flatten() {
        let name = item["UserName"].as_str().unwrap_or_default();
        if world.left_out.contains(name) {
            continue;
        }
        if let Some(contact) = world.person(name) {
            records.push(contact.record(In::Batch { me: &me }, &find).into());
        }
    }
    if world.reversed {
        records.reverse();
    }
    let object = Object::answer(0, "").with_list("Count", "ContactList", records);
    Answer::Reply(reply::json(world.now(), object))
}

#[cfg(test)]
mod tests {
    use serde_json::Map;

    use crate::World;
    use crate::client::{Client, json};

    #[test]
    fn address_book_is_paged() {
        let mut world = World::demo();
        world.contacts_per_page(6);
        let mut client = Client::ready(world);
        let (mut seq, mut names) = (0, Vec::new());
        for _ in 0..3 {
            let page = json(&client.book(&seq.to_string()));
            assert_eq!(page["MemberCount"], 16);
            assert_eq!(page["MemberList"][0].as_object().map(Map::len), Some(31));
            let page_names = page["MemberList"].as_array().expect("a list").iter();
            names.extend(
                page_names.map(|contact| contact["NickName"].as_str().expect("text").to_owned()),
            );
            seq = page["Seq"].as_u64().expect("a number");
        }
        assert_eq!((seq, names.len()), (0, 16));
        assert!(names.contains(&"Tom &amp; Jerry".to_owned()));
        assert!(names.contains(&"Mia <span class=\"emoji emoji1f338\"></span>".to_owned()));
        client.assert_clean();
        client.book("7");
        assert_eq!(client.violations().len(), 1);
    }

    #[test]
    fn batch_has_rooms_with_their_members() {
        let mut client = Client::ready(World::demo());
        let room = client.room();
        let (name, member) = (room.user_name.as_str(), room.members[0].user_name.as_str());
        let answer =
            json(&client.batch(&[(name, "ChatRoomId", ""), (member, "EncryChatRoomId", name)]));
        assert_eq!(answer["Count"], 2);
        let record = &answer["ContactList"][0];
        assert_eq!(record["EncryChatRoomId"], room.encry_chat_room_id);
        assert!(record["HeadImgUrl"].as_str().expect("text").ends_with("&skey="));
        assert!(!record["MemberList"][0]["NickName"].as_str().expect("text").is_empty());
        client.simulator.world().batch_leaves_out(member);
        client.simulator.world().batch_reorders(true);
        let other = client.simulator.world().contacts()[1].user_name.clone();
        let asked = [
            (name, "ChatRoomId", ""),
            (member, "ChatRoomId", ""),
            (other.as_str(), "ChatRoomId", ""),
        ];
        let answer = json(&client.batch(&asked));
        assert_eq!(
            (&answer["Count"], &answer["ContactList"][0]["UserName"]),
            (&2.into(), &other.as_str().into())
        );
        client.assert_clean();
        client.batch(&[("@nobody", "ChatRoomId", "")]);
        client.batch(&[]);
        client.batch(&vec![(name, "ChatRoomId", ""); 51]);
        client.batch(&[(member, "EncryChatRoomId", "other")]);
        assert_eq!(client.violations().len(), 4);
    }
}
