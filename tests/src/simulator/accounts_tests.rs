//! Tests of several accounts in memory.

use bytes::Bytes;

use crate::client::{Client, json, text};
use crate::{Asset, Incoming, Mode, Simulator, World};

/// Returns two accounts that are friends, and the `UserName` of each in the other account.
fn friends() -> (Client, Client, String, String) {
    let one = Client::ready(World::demo());
    let two = one.beside(World::demo());
    let (there, here) = one.simulator.befriend(&two.simulator);
    (one, two, there, here)
}

fn arrived(simulator: &Simulator) -> Vec<(String, Incoming)> {
    let world = simulator.world();
    world.arrived().map(|(id, message)| (id, message.clone())).collect()
}

fn last(client: &Client) -> Incoming {
    arrived(&client.simulator).pop().expect("a message").1
}

fn assert_clean(clients: &[&Client]) {
    clients.iter().for_each(|client| client.assert_clean());
}

#[test]
fn accounts_of_equal_worlds_differ() {
    let (one, two, ..) = friends();
    assert_ne!((one.uin, &one.sid, &one.skey), (two.uin, &two.sid, &two.skey));
    assert_clean(&[&one, &two]);
}

#[test]
fn sent_messages_arrive_with_their_kind_and_bytes() {
    let (mut one, two, there, here) = friends();
    let upload = |client: &Client, kind, name: &str, bytes: &'static [u8]| {
        let mut world = client.simulator.world();
        let id = world.add_upload(kind, name, bytes.len() as u64);
        world.uploads.done.last_mut().expect("it").bytes = Some(Bytes::from_static(bytes));
        id
    };
    let picture = upload(&one, "pic", "p.png", b"\x89PNG picture");
    let video = upload(&one, "video", "v.mp4", b"video");
    let gif = upload(&one, "doc", "w.gif", b"GIF89a");
    let file = upload(&one, "doc", "a & b.csv", b"a,b");
    let fields = |fields: &str| fields.to_owned();
    let of = "\"Content\":\"\"";
    let rows = [
        ("webwxsendmsg", "", fields("\"Type\":1,\"Content\":\"<a>\""), (1, 0), None),
        (
            "webwxsendmsgimg",
            "fun=async&f=json",
            format!("\"Type\":3,\"MediaId\":\"{picture}\",{of}"),
            (3, 0),
            Some("\u{89}PNG picture"),
        ),
        (
            "webwxsendvideomsg",
            "fun=async&f=json",
            format!("\"Type\":43,\"MediaId\":\"{video}\",{of}"),
            (43, 0),
            Some("video"),
        ),
        (
            "webwxsendemoticon",
            "fun=sys",
            format!("\"Type\":47,\"EmojiFlag\":2,\"MediaId\":\"{gif}\""),
            (47, 0),
            Some("GIF89a"),
        ),
        (
            "webwxsendappmsg",
            "fun=async&f=json",
            format!("\"Type\":6,\"Content\":{}", one.file_xml(&file)),
            (49, 6),
            Some("a,b"),
        ),
    ];
    let mut ids = Vec::new();
    for (call, query, own, kind, bytes) in rows {
        let request = one.send_request(call, query, &own, &there, 0);
        let reply = json(&one.send(&request));
        let (id, message) = arrived(&two.simulator).pop().expect("a message");
        assert_eq!((&reply["MsgID"], &message.from), (&id.as_str().into(), &here), "{call}");
        assert_eq!((message.msg_type, message.app_msg_type), kind, "{call}");
        let asset = match kind {
            (43, _) => Asset::Video(id.clone()),
            (49, _) => Asset::File(message.media_id),
            _ => Asset::Image(id.clone(), ""),
        };
        let found = two.simulator.world().media(&asset).bytes;
        let found: String = found.iter().map(|byte| char::from(*byte)).collect();
        assert!(bytes.is_none_or(|bytes| bytes == found), "{call}: {found}");
        ids.push(id);
    }
    let own = one.simulator.world().sent()[0].client_msg_id.clone();
    one.revoke(&ids[0], &there, &own);
    let message = last(&two);
    assert!(message.content.contains(&format!("&lt;msgid&gt;{}&lt;/msgid&gt;", ids[0])));
    assert!(message.content.contains("\"小雨 Rain\" 撤回了一条消息"), "{}", message.content);
    one.simulator.world().phone().writes(&there, "from the phone");
    assert_eq!((last(&two).content.as_str(), &last(&two).from), ("from the phone", &here));
    assert_clean(&[&one, &two]);
}

/// A forwarded message has the bytes of the original.
#[test]
fn forwarded_messages_keep_their_bytes() {
    let (mut one, two, there, _) = friends();
    let ada = one.simulator.world().add_person("Ada");
    one.simulator.world().deliver(Incoming::image(&ada, &b"GIF89a original"[..]));
    let content = serde_json::Value::from(last(&one).plain());
    let own = format!("\"Type\":3,\"MediaId\":\"\",\"Content\":{content}");
    let request = one.send_request("webwxsendmsgimg", "fun=async&f=json", &own, &there, 2);
    one.send(&request);
    let (id, _) = arrived(&two.simulator).pop().expect("a message");
    let found = two.simulator.world().media(&Asset::Image(id, "")).bytes;
    assert_eq!(found, &b"GIF89a original"[..]);
    assert_clean(&[&one, &two]);
}

#[test]
fn rooms_are_shared_with_their_members() {
    let (one, two, there, here) = friends();
    let three = one.beside(World::new(3));
    let (third, _) = one.simulator.befriend(&three.simulator);
    let ada = one.simulator.world().add_person("Ada");
    let room = one.simulator.world().add_room("Readers", &[&ada, &there]);
    let rooms = |client: &Client| {
        let world = client.simulator.world();
        let found = world.contacts().iter().find(|contact| contact.nick_name.ends_with("ers"));
        found.cloned().unwrap_or_default()
    };
    assert_eq!(rooms(&three).user_name, "", "no member");
    let found = rooms(&two);
    let nick = |name: &str| two.simulator.world().person(name).expect("a person").nick_name;
    let members: Vec<String> = found.members.iter().map(|member| nick(&member.user_name)).collect();
    assert_eq!(members, ["Ada", "小雨 Rain", "小雨 Rain"]);
    assert_eq!((&found.members[1].user_name, &found.members[2].user_name), (&two.me, &here));
    assert_eq!(nick(&found.owner), "Ada");
    // Ada is a simulated person: her messages arrive at both accounts.
    let id = one.simulator.world().member_writes(&room, &ada, "hi");
    let (there_id, message) = arrived(&two.simulator).pop().expect("a message");
    assert_eq!((id, message.from.as_str()), (there_id, found.user_name.as_str()));
    assert_eq!(message.content, format!("{}:<br/>hi", found.members[0].user_name));
    one.simulator.world().change_contact(&room, |room| {
        room.members.push(crate::Member::new(&third));
        room.nick_name = "Writers".to_owned();
    });
    assert_eq!((rooms(&two).nick_name.as_str(), rooms(&three).members.len()), ("Writers", 4));
    let events = |client: &Client| client.simulator.world().timeline.len();
    let before = (events(&two), events(&three));
    // A remark concerns this account only.
    one.simulator.world().change_contact(&room, |room| room.remark_name = "books".to_owned());
    assert_eq!((events(&two), events(&three)), before);
    one.simulator
        .world()
        .change_contact(&room, |room| room.members.retain(|member| member.user_name != there));
    assert!(!rooms(&two).is_reachable());
    assert_eq!((rooms(&three).members.len(), events(&two)), (3, before.0 + 1));
    one.simulator.world().member_writes(&room, &ada, "without two");
    assert_eq!((events(&two), last(&three).content.ends_with("without two")), (before.0 + 1, true));
    assert_clean(&[&one, &two, &three]);
}

/// A request with the credentials of one account and the cookies of another is refused.
#[test]
fn mixed_credentials_are_refused() {
    for mode in [Mode::Library, Mode::Service] {
        let (mut one, mut two, there, here) = friends();
        for client in [&one, &two] {
            client.simulator.world().set_mode(mode);
        }
        let before = arrived(&one.simulator).len() + arrived(&two.simulator).len();
        let cookies = one.cookies.clone();
        one.cookies.clone_from(&two.cookies);
        let foreign_cookies = one.message_request(&there, "x");
        let foreign_check = one.check_request();
        one.cookies = cookies;
        std::mem::swap(&mut one.skey, &mut two.skey);
        let foreign_key = two.message_request(&here, "x");
        std::mem::swap(&mut one.skey, &mut two.skey);
        std::mem::swap(&mut one.sid, &mut two.sid);
        let foreign_sid = one.message_request(&there, "x");
        std::mem::swap(&mut one.sid, &mut two.sid);
        for (label, request) in [
            ("cookies", foreign_cookies),
            ("cookies of a check", foreign_check),
            ("skey", foreign_key),
            ("sid", foreign_sid),
        ] {
            let violations = one.violations().len() + two.violations().len();
            let reply = one.simulator.respond(&request);
            assert!(
                one.violations().len() + two.violations().len() > violations,
                "{mode:?} {label}"
            );
            let is_served = reply.status() == 200
                && (text(&reply).contains("\"Ret\": 0,") || text(&reply).contains("retcode:\"0\""));
            assert!(!is_served, "{mode:?} {label}: {}", text(&reply));
        }
        assert_eq!(arrived(&one.simulator).len() + arrived(&two.simulator).len(), before);
    }
}

#[test]
fn code_belongs_to_the_phone_that_scans_it() {
    let one = Client::new(World::demo());
    let another = one.simulator.add_account(World::demo());
    let client = || {
        let simulator = one.simulator.clone();
        Client { simulator, ..Client::new(World::new(0)) }
    };
    let (mut first, mut second, mut wrong) = (client(), client(), client());
    first.jslogin();
    second.jslogin();
    wrong.login = "https://login.wx8.qq.com".into();
    wrong.jslogin();
    assert_eq!(one.simulator.unscanned_codes(), [&*first.uuid, &*second.uuid]);
    assert!(!one.violations().is_empty(), "of the request without a code");
    one.simulator.world().violations.clear();
    assert_eq!(text(&second.poll()), "window.code=408;");
    assert!(another.world().phone().scan_code(&first.uuid));
    assert!(!one.simulator.world().phone().scan_code(&first.uuid), "it is taken");
    one.simulator.world().phone().scan();
    for (client, simulator) in [(&mut first, &another), (&mut second, &one.simulator)] {
        assert!(text(&client.poll()).starts_with("window.code=201;"));
        simulator.world().phone().confirm();
        client.poll();
        client.login_page();
        client.init();
        assert_eq!(client.uin, simulator.world().account().uin);
        client.simulator = simulator.clone();
        assert_eq!(simulator.world().log().first().expect("a request").endpoint, "jslogin");
    }
    assert_clean(&[&first, &second]);
}

/// The login of another browser leaves a session untouched.
#[test]
fn new_code_leaves_other_sessions_intact() {
    let (mut one, mut two, there, _) = friends();
    let mut browser = Client { simulator: one.simulator.clone(), ..Client::new(World::new(0)) };
    browser.jslogin();
    one.message(&there, "hi");
    two.sync();
    // The account's own browser logs in again, with its cookies.
    one.log_out();
    one.page = "https://wx.qq.com".into();
    one.log_in();
    one.message(&there, "back");
    assert_eq!(last(&two).content, "back");
    assert_clean(&[&one, &two]);
}
