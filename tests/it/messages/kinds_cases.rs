//! Messages of each kind, and the expected results.

use std::time::Duration;

use md5::{Digest as _, Md5};
use serde_json::{Value, json};
use wechat_proto::media::NotFetchable;
use wechat_proto::message::NotForwardable;
use wechat_simulator::{Contact, Hand, Incoming, Media, Part, World};

use crate::wire::named;

/// A message and the expected results.
#[derive(Clone)]
pub(super) struct Case {
    pub(super) said: Incoming,
    pub(super) by: By,
    /// Expected [`Kind`](wechat_proto::message::Kind) as JSON, without empty values.
    pub(super) kind: Value,
    pub(super) passed: Result<Passed, NotForwardable>,
    pub(super) whole: Result<&'static [u8], NotFetchable>,
    pub(super) small: Result<&'static [u8], NotFetchable>,
}

/// The author of a message.
#[derive(Clone, Copy, Eq, PartialEq)]
pub(super) enum By {
    /// A person; the message is sent directly and in a room.
    Person,
    /// The service, in the chat with a person and in a room where it is not a member.
    Service,
    /// The sender that the message names. The message is not sent in a room.
    Other,
}

/// The expected forward: the endpoint, `Type` and the source of `Content`.
pub(super) type Passed = (&'static str, i64, Content);

#[derive(Clone, Copy)]
pub(super) enum Content {
    /// The received `Content`, decoded.
    Said,
    /// The received `OriContent`.
    Original,
    /// The source is empty, because the MD5 is enough.
    Md5,
    /// Newly built XML.
    File,
}

/// The name of the file.
pub(super) const NAME: &str = "预算 & <最终>_v2.PDF";
const SAID: &str = "a <b> & \"c\"\nd 😄";
const JPEG: &[u8] = b"\xff\xd8\xff\xe0 as it was sent";
const SMALL: &[u8] = b"\xff\xd8\xff\xe0 small";
const MP3: &[u8] = b"ID3 what is said";
const MP4: &[u8] = b"\0\0\0\x18ftypmp42 what is seen";
pub(super) const GIF: &[u8] = b"GIF89a moving";
const STILL: &[u8] = b"GIF89a still";
const MAP: &[u8] = b"\x89PNG a map";
pub(super) const FILE: &[u8] = b"%PDF-1.4 a file";

pub(super) fn md5(bytes: &[u8]) -> String {
    Md5::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

pub(super) fn key(bytes: &[u8]) -> String {
    md5(bytes).chars().rev().collect()
}

pub(super) fn stored(bytes: &[u8], number: u8) -> String {
    format!("304c020100{number:02}{}", md5(bytes))
}

fn picture(content_type: &str, bytes: &'static [u8]) -> Media {
    Media::new(content_type, bytes)
}

impl Case {
    /// Creates a case without media that cannot be forwarded.
    pub(super) fn of(said: Incoming, kind: Value) -> Self {
        let (whole, small) = (Err(NotFetchable::Kind), Err(NotFetchable::Kind));
        Self { said, by: By::Person, kind, passed: Err(NotForwardable::Kind), whole, small }
    }

    pub(super) fn passed(self, endpoint: &'static str, msg_type: i64, content: Content) -> Self {
        Self { passed: Ok((endpoint, msg_type, content)), ..self }
    }

    pub(super) fn by(self, by: By) -> Self {
        Self { by, ..self }
    }

    pub(super) fn fetches(self, whole: &'static [u8]) -> Self {
        Self { whole: Ok(whole), ..self }
    }

    fn with_thumbnail(self, small: &'static [u8]) -> Self {
        Self { small: Ok(small), ..self }
    }
}

/// Returns all cases, sent by the friend.
pub(super) fn all(world: &World) -> Vec<Case> {
    let friend = named(world, "林晓");
    let permanent = world.contact(&friend).unwrap().permanent.clone();
    let mut all = media(&friend, &permanent);
    all.extend(own(world, &friend));
    all.extend(people(world, &friend));
    all.extend(places(&friend));
    all.extend(super::apps::apps(&friend, &permanent));
    all.extend(super::apps::services(world, &friend, &permanent));
    all
}

fn media(friend: &str, id: &str) -> Vec<Case> {
    let text = Case::of(Incoming::text(friend, SAID), json!({ "text": SAID }));
    let image = Incoming::image(friend, JPEG).attach(Part::Thumbnail, picture("image/jpg", SMALL));
    let image = Case::of(
        image,
        json!({ "image": {
            "width": 90, "height": 120, "length": JPEG.len(), "md5": md5(JPEG),
            "aes_key": key(JPEG), "cdn_url": stored(JPEG, 2), "cdn_thumb_url": stored(JPEG, 1),
        } }),
    );
    let voice = Case::of(
        Incoming::voice(friend, Duration::from_millis(1580), MP3),
        json!({ "voice": {
            "duration_ms": 1580, "length": MP3.len(), "format": 4, "complete": true, "from": id,
            "buffer_id": "216825389722501519",
            "client_msg_id": format!("{}filehelper174_1454602489", md5(MP3)),
        } }),
    );
    let video = |said: Incoming, short: bool| {
        let mut kind = json!({ "video": {
            "short": true, "duration_ms": 27_000, "length": MP4.len(), "width": 224,
            "height": 398, "md5": md5(MP4), "from": id, "aes_key": key(MP4),
            "cdn_url": stored(MP4, 1), "cdn_thumb_url": stored(MP4, 2),
        } });
        if !short {
            kind["video"].as_object_mut().unwrap().remove("short");
        }
        let said = said.attach(Part::Thumbnail, picture("image/jpeg", SMALL));
        Case::of(said, kind).fetches(MP4).with_thumbnail(SMALL)
    };
    let (long, endpoint) = (Duration::from_secs(27), "webwxsendvideomsg");
    let exported = Incoming { msg_type: 44, ..Incoming::video(friend, long, MP4) };
    let sticker = |md5: &str, length: usize, key: String, game: Value| {
        let mut kind = json!({ "emoticon": {
            "md5": md5, "length": length, "kind": 2, "width": 240, "height": 240, "from": id,
            "cdn_url": "http://emoji.qpic.cn/wx_emoji/a/", "aes_key": key,
            "encrypt_url": "http://emoji.qpic.cn/wx_emoji/b/", "game": game,
        } });
        if game.is_null() {
            kind["emoticon"].as_object_mut().unwrap().remove("game");
        }
        kind
    };
    let own = Incoming::emoticon(friend, GIF).attach(Part::Thumbnail, picture("image/gif", STILL));
    let mut all = vec![
        text.passed("webwxsendmsg", 1, Content::Said),
        image.passed("webwxsendmsgimg", 3, Content::Said).fetches(JPEG).with_thumbnail(SMALL),
        voice.fetches(MP3),
        video(Incoming::video(friend, long, MP4), false).passed(endpoint, 43, Content::Said),
        video(Incoming::short_video(friend, long, MP4), true).passed(endpoint, 62, Content::Said),
        video(exported, false),
        Case::of(own, sticker(&md5(GIF), GIF.len(), key(GIF), Value::Null))
            .passed("webwxsendemoticon", 47, Content::Md5)
            .fetches(GIF)
            .with_thumbnail(STILL),
        Case {
            passed: Err(NotForwardable::Sticker),
            whole: Err(NotFetchable::Sticker),
            small: Err(NotFetchable::Sticker),
            ..Case::of(Incoming::shop_sticker(friend), json!({ "emoticon": { "from_shop": true } }))
        },
    ];
    let three = "5d505febd474c3c9e21fba0f1fab33f2";
    let rock = "350a770c0ec9f353e1a5629895f374fd";
    let back = |md5: &str| md5.chars().rev().collect();
    for (said, md5, game) in [
        (Incoming::dice(friend, 3), three, json!({ "dice": 3 })),
        (Incoming::hand(friend, Hand::Rock), rock, json!({ "hand": "rock" })),
    ] {
        let said = said
            .attach(Part::BigPicture, picture("image/gif", GIF))
            .attach(Part::Thumbnail, picture("image/jpeg", SMALL));
        let case = Case::of(said, sticker(md5, 86_235, back(md5), game))
            .fetches(GIF)
            .with_thumbnail(SMALL);
        all.push(case.passed("webwxsendemoticon", 47, Content::Md5));
    }
    all
}

/// Returns messages that the account sends from its phone, to the friend and to the room.
fn own(world: &World, friend: &str) -> Vec<Case> {
    let (me, room) = (&world.account().user_name, named(world, "周末爬山"));
    let to = |to: &str, said: Incoming| Incoming { to: to.to_owned(), ..said };
    let voice = Incoming::voice(me, Duration::from_millis(1580), MP3);
    let voice_kind = json!({ "voice": {
        "duration_ms": 1580, "length": MP3.len(), "format": 4, "complete": true,
        "buffer_id": "216825389722501519",
        "client_msg_id": format!("{}filehelper174_1454602489", md5(MP3)),
    } });
    let file = Incoming::file(me, NAME, FILE);
    vec![
        Case::of(to(friend, voice), voice_kind).fetches(MP3),
        Case::of(to(&room, Incoming::text(me, SAID)), json!({ "text": SAID })).passed(
            "webwxsendmsg",
            1,
            Content::Said,
        ),
        Case::of(to(&room, file), super::apps::file(""))
            .passed("webwxsendappmsg", 6, Content::File)
            .fetches(FILE),
    ]
    .into_iter()
    .map(|case| case.by(By::Other))
    .collect()
}

fn info(of: &Contact, nick_name: &str, scene: i64) -> Value {
    json!({
        "user_name": of.user_name, "nick_name": nick_name, "scene": scene,
        "attr_status": of.attr_status, "sex": of.sex, "province": of.province, "city": of.city,
        "signature": of.signature, "alias": of.alias, "verify_flag": of.verify_flag,
    })
}

fn people(world: &World, friend: &str) -> Vec<Case> {
    let stranger = world.contact(&named(world, "阿梅")).unwrap();
    let weather = world.contact(&named(world, "天气服务")).unwrap();
    let name = "阿梅 <&> 😄";
    let (big, small) =
        ("http://wx.qlogo.cn/mmhead/ver_1/c/0", "http://wx.qlogo.cn/mmhead/ver_1/c/132");
    let request = Incoming::friend_request(stranger, "我是阿梅 & co");
    let ticket = request.recommend.ticket.clone();
    let mut asking = info(stranger, name, 30);
    asking["content"] = json!("我是阿梅 & co");
    asking["ticket"] = json!(ticket);
    asking["op_code"] = json!(2);
    vec![
        Case::of(
            Incoming::card(friend, stranger),
            json!({ "card": {
                "info": info(stranger, name, 17), "permanent_id": stranger.permanent,
                "big_head_img_url": big, "small_head_img_url": small, "image_status": 3,
            } }),
        ),
        Case::of(
            Incoming::card(friend, weather),
            json!({ "card": {
                "info": info(weather, "天气服务", 17), "permanent_id": weather.permanent,
                "big_head_img_url": big, "small_head_img_url": small, "image_status": 3,
                "cert_flag": 8,
            } }),
        ),
        Case::of(
            request,
            json!({ "friend_request": {
                "info": asking, "permanent_id": stranger.permanent, "country": "CN",
                "encrypted_id": format!("v1_{}@stranger", md5(stranger.user_name.as_bytes())),
                "big_head_img_url": "http://wx.qlogo.cn/mmhead/ver_1/a/0",
                "small_head_img_url": "http://wx.qlogo.cn/mmhead/ver_1/a/132",
                "image_status": 3, "personal_card": 1, "album_flag": 3,
                "sns_background_id": "0", "brand_version": 652_639_419,
            } }),
        )
        .by(By::Other),
        Case::of(
            Incoming::possible_friend(stranger),
            json!({ "possible_friend": { "info": info(stranger, name, 10) } }),
        )
        .by(By::Other),
    ]
}

fn places(friend: &str) -> Vec<Case> {
    let place = || {
        let said = Incoming::location(friend, "海德三道 & <8>号", "海边", (22.51359, 113.936287));
        said.attach(Part::Map, picture("image/png", MAP))
    };
    let kind = json!({ "location": {
        "label": "海德三道 & <8>号", "poi_name": "海边", "scale": 16, "map_type": "0",
        "coordinates": { "latitude": 22.51359, "longitude": 113.936287 },
        "url": "http://apis.map.qq.com/uri/v1/geocoder?coord=22.513590,113.936287",
        "image": "/cgi-bin/mmwebwx-bin/webwxgetpubliclinkimg?url=xxx&msgid=MSGID&pictype=location",
    } });
    let link = Incoming::location_link(friend);
    let kind_2016 = json!({ "location": { "url": link.content } });
    // This one has no map.
    let missing = Err(NotFetchable::Incomplete);
    vec![
        Case::of(place(), kind.clone()).fetches(MAP).passed("webwxsendmsg", 48, Content::Original),
        Case::of(Incoming { msg_type: 48, sub_msg_type: 0, ..place() }, kind).fetches(MAP).passed(
            "webwxsendmsg",
            48,
            Content::Original,
        ),
        Case { whole: missing, ..Case::of(link, kind_2016) }.passed(
            "webwxsendmsg",
            1,
            Content::Said,
        ),
    ]
}
