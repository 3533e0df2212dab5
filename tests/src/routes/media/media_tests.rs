use http::Response;

use crate::client::{Client, json};
use crate::message::Recommend;
use crate::{Asset, Incoming, Media, World};
use bytes::Bytes;

/// A friend, a room with a stranger, and a message of each kind with a download.
struct Scene {
    client: Client,
    friend: String,
    stranger: String,
    room: String,
    messages: Vec<String>,
    file: String,
}

fn scene() -> Scene {
    let mut world = World::new(3);
    let friend = world.add_person("Ada");
    let stranger = world.add_stranger("Li");
    let room = world.add_room("R", &[&friend, &stranger]);
    let mut card = Incoming::new(&friend, 42, "&lt;msg/&gt;");
    card.recommend = Recommend { user_name: stranger.clone(), ..Recommend::default() };
    let mut messages = Vec::new();
    for (kind, from) in [(3, &friend), (34, &friend), (43, &room)] {
        messages.push(world.deliver(Incoming::new(from, kind, "&lt;msg/&gt;")));
    }
    messages.push(world.person_sends_place(&friend, "x"));
    messages.push(world.deliver(card));
    let (_, file) = world.person_sends_file(&room, "年 度_v2.pdf");
    Scene { client: Client::ready(world), friend, stranger, room, messages, file }
}

impl Scene {
    fn assets(&self) -> Vec<Asset> {
        let id = |n: usize| self.messages[n].clone();
        vec![
            Asset::Image(id(0), ""),
            Asset::Image(id(0), "big"),
            Asset::Image(id(2), "slave"),
            Asset::Voice(id(1)),
            Asset::Video(id(2)),
            Asset::Map(id(3)),
            Asset::File(self.file.clone()),
            Asset::Icon(self.friend.clone(), false),
            Asset::Icon(self.friend.clone(), true),
            Asset::HeadImg(self.room.clone()),
        ]
    }
}

fn header<'a>(reply: &'a Response<Bytes>, name: &str) -> &'a str {
    let value = reply.headers().get(name).map(http::HeaderValue::as_bytes).unwrap_or_default();
    std::str::from_utf8(value).expect("UTF-8")
}

#[test]
fn every_asset_is_served() {
    let mut scene = scene();
    for asset in scene.assets() {
        let reply = scene.client.fetch(&asset);
        let world = scene.client.simulator.world();
        let media = world.media(&asset);
        assert!(media.bytes.len() >= 1000 && *reply.body() == media.bytes, "{asset:?}");
        assert_eq!(header(&reply, "content-length"), media.bytes.len().to_string());
        assert_eq!(header(&reply, "content-type"), media.content_type);
        let ranged = matches!(asset, Asset::Voice(_) | Asset::Video(_));
        assert_eq!(reply.status(), if ranged { 206 } else { 200 });
        let last = media.bytes.len() - 1;
        let range = format!("bytes 0-{last}/{}", media.bytes.len());
        assert_eq!(header(&reply, "content-range"), if ranged { &range } else { "" });
        let fetched = world.fetched().last().expect("one");
        assert_eq!((&fetched.asset, fetched.bytes), (&asset, media.bytes.len()));
    }
    let file = Asset::File(scene.file.clone());
    let reply = scene.client.fetch(&file);
    assert_eq!(header(&reply, "content-disposition"), "attachment; filename=\"年 度_v2.pdf\"");
    scene.client.assert_clean();
    // Different assets have different bytes, which do not change.
    let world = scene.client.simulator.world();
    let assets = scene.assets();
    for (index, asset) in assets.iter().enumerate() {
        for other in &assets[index + 1..] {
            assert_ne!(world.media(asset).bytes, world.media(other).bytes);
        }
        assert_eq!(world.media(asset), world.clone().media(asset));
    }
}

#[test]
fn planted_media_is_served_as_set() {
    let mut scene = scene();
    let asset = Asset::Video(scene.messages[2].clone());
    let mut media = Media::new("video/mp4", &b"0123456789"[..]);
    (media.empty, media.ranged, media.torn) = (2, false, Some(4));
    scene.client.simulator.world().plant(asset.clone(), media);
    for _ in 0..2 {
        let reply = scene.client.fetch(&asset);
        assert_eq!((reply.status().as_u16(), header(&reply, "content-length")), (200, "0"));
    }
    let reply = scene.client.fetch(&asset);
    assert_eq!((reply.status().as_u16(), header(&reply, "content-length")), (200, "10"));
    assert_eq!(reply.body(), "0123");
    let world = scene.client.simulator.world();
    let given: Vec<usize> = world.fetched().iter().map(|fetched| fetched.bytes).collect();
    assert_eq!(given, [0, 0, 4]);
    drop(world);
    scene.client.assert_clean();
}

#[test]
fn icon_of_a_stranger_needs_a_context() {
    let mut scene = scene();
    let (stranger, room, card) =
        (scene.stranger.clone(), scene.room.clone(), scene.messages[4].clone());
    let id = scene.client.simulator.world().contact(&room).expect("it").encry_chat_room_id.clone();
    for more in [
        format!("chatroomid={id}"),
        format!("chatroomid={room}"),
        format!("msgid={card}"),
        format!("msgid={card}&type=big"),
    ] {
        assert_eq!(scene.client.icon_from(&stranger, &more).status(), 200, "{more}");
    }
    let me = scene.client.me.clone();
    scene.client.fetch(&Asset::Icon(me, false));
    scene.client.assert_clean();
    for (more, part) in [
        (String::new(), "a stranger"),
        (format!("msgid={}", scene.messages[0]), "`msgid`"),
        ("chatroomid=@x".to_owned(), "`chatroomid`"),
        (format!("type=big&msgid={card}"), "order"),
    ] {
        let before = scene.client.violations().len();
        assert_eq!(scene.client.icon_from(&stranger, &more).status(), 400, "{more}");
        assert!(
            scene.client.violations()[before].contains(part),
            "{:?}",
            scene.client.violations()
        );
    }
}

#[test]
fn video_without_a_range_is_empty() {
    let mut scene = scene();
    let video = Asset::Video(scene.messages[2].clone());
    let mut request = scene.client.fetch_request(&video);
    request.headers_mut().remove("range");
    let reply = scene.client.send(&request);
    assert_eq!((reply.status().as_u16(), header(&reply, "content-length")), (200, "0"));
    assert_eq!(scene.client.violations(), ["webwxgetvideo: header `range` is missing"]);
    assert!(scene.client.simulator.world().fetched().is_empty());
}

#[test]
fn assets_of_another_kind_are_refused() {
    let mut scene = scene();
    let id = |n: usize| scene.messages[n].clone();
    for wrong in [
        Asset::Image(id(1), ""),
        Asset::Voice(id(0)),
        Asset::Video(id(1)),
        Asset::Map(id(0)),
        Asset::Image("17".into(), ""),
        Asset::HeadImg(scene.friend.clone()),
        Asset::Icon(scene.room.clone(), false),
        Asset::Icon("@nobody".into(), false),
    ] {
        let before = scene.client.violations().len();
        assert_eq!(scene.client.fetch(&wrong).status(), 400, "{wrong:?}");
        assert!(scene.client.violations().len() > before, "{wrong:?}");
    }
    let mut shop = Incoming::new(&scene.friend, 47, "");
    shop.has_product_id = 1;
    let shop = scene.client.simulator.world().deliver(shop);
    assert_eq!(scene.client.fetch(&Asset::Image(shop, "")).status(), 400);
}

#[test]
fn address_of_a_file_is_exact() {
    let mut scene = scene();
    let file = Asset::File(scene.file.clone());
    let right = scene.client.fetch_request(&file);
    for (from, to, part) in [
        ("%2Epdf", ".pdf", "`encryfilename` is written"),
        ("encryfilename=", "filename=", "`encryfilename` is missing"),
        ("&fromuser=", "&x=1&fromuser=", "`x`"),
        ("sender=", "sender=@", "`sender`"),
    ] {
        let mut wrong = right.clone();
        let uri = right.uri().to_string().replacen(from, to, 1);
        *wrong.uri_mut() = uri.parse().expect("an address");
        let before = scene.client.violations().len();
        scene.client.send(&wrong);
        let found = scene.client.violations().split_off(before);
        assert!(found.iter().any(|found| found.contains(part)), "{part}: {found:?}");
    }
    // Only the file host serves the file.
    let mut elsewhere = right.clone();
    *elsewhere.uri_mut() = right.uri().to_string().replace("//file.", "//").parse().expect("one");
    elsewhere.headers_mut().insert("host", "wx2.qq.com".parse().expect("a value"));
    let before = scene.client.violations().len();
    scene.client.send(&elsewhere);
    assert!(scene.client.violations()[before].contains("`host`"));
}

#[test]
fn refusal_is_json() {
    let mut scene = scene();
    scene.client.simulator.world().refuse("webwxgetmsgimg", 1205, "");
    let reply = scene.client.fetch(&Asset::Image(scene.messages[0].clone(), ""));
    assert_eq!(json(&reply)["BaseResponse"]["Ret"], 1205);
    assert_eq!(header(&reply, "content-type"), "text/plain");
    scene.client.simulator.world().phone().kick();
    let reply = scene.client.fetch(&Asset::Image(scene.messages[0].clone(), ""));
    assert_eq!(json(&reply)["BaseResponse"]["Ret"], 1101);
    scene.client.assert_clean();
}

/// The message may have the address escaped, and may have the message type of a location.
#[test]
fn map_is_served_at_the_address_of_its_message() {
    let mut world = World::new(3);
    let friend = world.add_person("Ada");
    let at = "/cgi-bin/mmwebwx-bin/webwxgetpubliclinkimg?url=xxx";
    let mut all = Vec::new();
    for (msg_type, sub_msg_type, and) in [(1, 48, "&"), (1, 48, "&amp;"), (48, 0, "&amp;")] {
        let msg_id = 17 + all.len() as u64;
        let content = format!("x:<br/>{at}{and}msgid={msg_id}{and}pictype=location");
        let said = Incoming::new(&friend, msg_type, &content);
        all.push(world.deliver(Incoming { sub_msg_type, msg_id: Some(msg_id), ..said }));
    }
    let text = Incoming::new(&friend, 1, &format!("x:<br/>{at}&msgid=9&pictype=location"));
    let text = world.deliver(Incoming { msg_id: Some(9), ..text });
    let mut client = Client::ready(world);
    for place in all {
        assert_eq!(client.fetch(&Asset::Map(place)).status(), 200);
    }
    client.assert_clean();
    assert_eq!(client.fetch(&Asset::Map(text)).status(), 400);
}
