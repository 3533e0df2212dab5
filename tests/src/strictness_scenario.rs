//! A scenario that contains every request.

use bytes::Bytes;
use http::Request;
use serde_json::Value;

use crate::client::{Client, json, text};
use crate::{Asset, Incoming, World};

/// Builds the world of the scenario with uploaded files (a picture, a video, a GIF, a document, a large file), and
/// returns it with the assets to download.
fn beginning() -> (World, Vec<Asset>) {
    let mut world = World::demo();
    world.contacts_per_page(6);
    for (kind, name, size) in [
        ("pic", "p.png", 10),
        ("video", "v.mp4", 20),
        ("doc", "g.gif", 30),
        ("doc", "a & b.csv", 40),
        ("doc", "big.zip", 30 << 20),
    ] {
        world.add_upload(kind, name, size);
    }
    let named = |room| {
        let mut all =
            world.contacts().iter().filter(|contact| contact.contact_flag & 1 != 0 || room);
        all.find(|contact| contact.is_room() == room).expect("one").user_name.clone()
    };
    let (friend, room) = (named(false), named(true));
    let mut deliver = |kind| world.deliver(Incoming::new(&friend, kind, "&lt;msg/&gt;"));
    let (image, voice, video) = (deliver(3), deliver(34), deliver(43));
    let place = world.person_sends_place(&friend, "x");
    let (_, file) = world.person_sends_file(&room, "年度.pdf");
    let assets = vec![
        Asset::Image(image, "slave"),
        Asset::Voice(voice),
        Asset::Video(video),
        Asset::Map(place),
        Asset::File(file),
        Asset::Icon(friend, true),
        Asset::HeadImg(room),
    ];
    (world, assets)
}

/// Delivers one message of each kind that can be forwarded.
fn arrive(world: &mut World, member: &str) {
    world.person_writes(member, "hello");
    let xml = "&lt;msg&gt;&lt;img/&gt;&lt;/msg&gt;";
    let sticker = "&lt;msg&gt;&lt;emoji md5=\"a0c4153e43c3fd2e9a2fbb9be2f4de07\"/&gt;&lt;/msg&gt;";
    for (msg_type, app_msg_type, content) in
        [(3, 0, xml), (62, 0, xml), (47, 0, sticker), (49, 5, xml), (49, 6, xml)]
    {
        world.deliver(Incoming {
            app_msg_type,
            file_name: "c.txt".into(),
            file_size: "50".into(),
            media_id: "@crypt_arrived".into(),
            ..Incoming::new(member, msg_type, content)
        });
    }
    world.deliver(Incoming {
        sub_msg_type: 48,
        ori_content: "<msg><location/></msg>".into(),
        ..Incoming::new(member, 1, "here:<br/>/x")
    });
}

/// Makes every kind of send, and the other calls about messages.
fn send_everything(client: &mut Client, room: &str, member: &str) {
    client.message("filehelper", "a/b \"c\" <d> 你好");
    client.message(room, "second");
    let source = format!(
        "<msgsource><atusername>{member}</atusername><atchatroomname>{room}</atchatroomname></msgsource>"
    );
    let own = format!("\"Type\":1,\"Content\":\"x\",\"MsgSource\":{}", Value::from(source));
    let mention = client.send_request("webwxsendmsg", "", &own, room, 0);
    client.send(&mention);
    let uploads: Vec<String> =
        client.simulator.world().uploads().iter().map(|upload| upload.media_id.clone()).collect();
    client.picture("webwxsendmsgimg", 3, &uploads[0]);
    client.picture("webwxsendvideomsg", 43, &uploads[1]);
    client.emoticon("MediaId", &uploads[2]);
    client.emoticon("EMoticonMd5", "b0c4153e43c3fd2e9a2fbb9be2f4de07");
    client.file(&uploads[3]);
    client.file(&uploads[4]);
    let xml = Value::from("<msg><img/></msg>");
    let file = Value::from(
        "<appmsg appid='wxeb7ec651dd0aefa9' sdkver=''><title>c.txt</title><des></des><action></action><type>6</type><content></content><url></url><lowurl></lowurl><appattach><totallen>50</totallen><attachid>@crypt_arrived</attachid><fileext>txt</fileext></appattach><extinfo></extinfo></appmsg>",
    );
    for (call, query, own) in [
        ("webwxsendmsg", "", "\"Type\":1,\"Content\":\"hello\"".to_owned()),
        ("webwxsendmsg", "", "\"Type\":48,\"Content\":\"<msg><location/></msg>\"".to_owned()),
        (
            "webwxsendmsgimg",
            "fun=async&f=json",
            format!("\"Type\":3,\"MediaId\":\"\",\"Content\":{xml}"),
        ),
        (
            "webwxsendvideomsg",
            "fun=async&f=json",
            format!("\"Type\":62,\"MediaId\":\"\",\"Content\":{xml}"),
        ),
        (
            "webwxsendemoticon",
            "fun=sys",
            "\"Type\":47,\"EmojiFlag\":2,\"EMoticonMd5\":\"a0c4153e43c3fd2e9a2fbb9be2f4de07\""
                .to_owned(),
        ),
        ("webwxsendappmsg", "fun=async&f=json", format!("\"Type\":5,\"Content\":{xml}")),
        ("webwxsendappmsg", "fun=async&f=json", format!("\"Type\":6,\"Content\":{file}")),
    ] {
        client.app(call, query, &own, 2);
    }
    for code in [1, 2, 5] {
        client.notify_of(code, member);
    }
    let sent = client.simulator.world().sent()[0].clone();
    client.revoke(&sent.msg_id, &sent.to, &sent.client_msg_id);
}

/// Runs the scenario and returns each request with the world before it.
pub(crate) fn scenario() -> Vec<(World, Request<Bytes>)> {
    let (world, assets) = beginning();
    let mut client = Client::new(world);
    let mut steps = Vec::new();
    client.jslogin();
    client.qrcode();
    client.simulator.world().phone().scan();
    client.poll();
    client.simulator.world().phone().confirm();
    client.poll();
    client.login_page();
    client.init();
    client.notify();
    let mut seq = 0;
    loop {
        let reply = client.book(&format!("{seq}"));
        seq = json(&reply)["Seq"].as_u64().expect("a number");
        if seq == 0 {
            break;
        }
    }
    let room = client.room();
    let (id, member) = (room.encry_chat_room_id.clone(), room.members[0].user_name.clone());
    client.batch(&[(&room.user_name, "ChatRoomId", ""), (&member, "EncryChatRoomId", &id)]);
    client.sync();
    assert!(text(&client.check()).contains("selector:\"0\""));
    arrive(&mut client.simulator.world(), &member);
    assert!(text(&client.check()).contains("selector:\"2\""));
    client.sync();
    send_everything(&mut client, &room.user_name, &member);
    for asset in &assets {
        client.fetch(asset);
    }
    client.log_out();
    client.assert_clean();
    // Runs the requests again, keeping the world before each.
    let log: Vec<_> = client.simulator.world().log().to_vec();
    let (mut again, _) = beginning();
    for logged in log {
        again.set_now(logged.at);
        match logged.endpoint.as_str() {
            "login" if again.log().len() == 2 => again.phone().scan(),
            "login" => again.phone().confirm(),
            "synccheck" if again.log().iter().any(|logged| logged.endpoint == "synccheck") => {
                arrive(&mut again, &member);
            }
            _ => {}
        }
        steps.push((again.clone(), logged.request.clone()));
        again.handle(&logged.request);
    }
    assert_eq!(again.violations(), []);
    assert_eq!(steps.len(), client.simulator.world().log().len());
    steps
}
