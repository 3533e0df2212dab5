//! Downloads of media in messages and of contact pictures, on every wire.

use std::sync::{Arc, Mutex};

use wechat_proto::contact::Directory;
use wechat_proto::error::FailureKind;
use wechat_proto::flow::{Response, Want};
use wechat_proto::media::{
    FileName, GetContactPicture, GetFile, GetHeadImg, GetIcon, GetImage, GetMap, GetVideo,
    GetVoice, Head, ImageSize,
};
use wechat_proto::{Body, Endpoint, Error, Message, Session, Timestamp, UserName};
use wechat_simulator::{Asset, Incoming, Logged, Media, Recommend, World};

use crate::wire::{Bot, Hyper, Place, Ureq, on_all_wires};

/// A limit above the length of every download here.
const LIMIT: u64 = 100 << 20;

/// Returns a world with a friend, a room with a stranger in it, and seven messages.
pub(crate) fn world() -> World {
    let mut world = World::new(9);
    let friend = world.add_person("朋友");
    let stranger = world.add_stranger("Wang");
    let room = world.add_room("Room", &[&friend, &stranger]);
    world.announce_recent_chats(false);
    world.deliver(Incoming::new(&friend, 3, "&lt;msg&gt;&lt;img/&gt;&lt;/msg&gt;"));
    world.deliver(Incoming::new(&friend, 34, "&lt;msg&gt;&lt;voicemsg/&gt;&lt;/msg&gt;"));
    world.deliver(Incoming::new(&room, 43, &format!("{friend}:<br/>&lt;msg/&gt;")));
    world.person_sends_file(&room, "年度 报告_v2.pdf");
    world.person_sends_place(&friend, "某街59号");
    let mut card = Incoming::new(&friend, 42, "&lt;msg/&gt;");
    card.recommend = Recommend { user_name: stranger, ..Recommend::default() };
    world.deliver(card);
    // Before 2018, messages had the older name alone.
    let mut old = Incoming::new(&friend, 49, "&lt;msg/&gt;");
    (old.app_msg_type, old.media_id) = (6, "@crypt_0_old".to_owned());
    "a &amp; b/c.txt".clone_into(&mut old.file_name);
    world.deliver(old);
    world
}

/// A download with its type erased. This is an endpoint implemented outside the library.
#[derive(Clone)]
struct Download(Arc<Mutex<dyn Erased + Send>>);

trait Erased {
    fn request(&mut self, session: &mut Session, now: Timestamp) -> http::Request<Body>;
    fn parse(&self, response: &Response) -> Result<Head, Error>;
}

impl<E: Endpoint<State = Session, Output = Head>> Erased for E {
    fn request(&mut self, session: &mut Session, now: Timestamp) -> http::Request<Body> {
        Endpoint::request(self, session, now)
    }

    fn parse(&self, response: &Response) -> Result<Head, Error> {
        Endpoint::parse(self, response)
    }
}

impl Download {
    fn new(endpoint: impl Endpoint<State = Session, Output = Head> + Send + 'static) -> Self {
        Self(Arc::new(Mutex::new(endpoint)))
    }
}

impl Endpoint for Download {
    type State = Session;
    type Output = Head;

    const WANT: Want = GetImage::WANT;

    fn request(&mut self, session: &mut Session, now: Timestamp) -> http::Request<Body> {
        self.0.lock().unwrap().request(session, now)
    }

    fn parse(&self, response: &Response) -> Result<Head, Error> {
        self.0.lock().unwrap().parse(response)
    }
}

/// A bot that has logged in and received the messages.
struct Fixture<B> {
    bot: B,
    messages: Vec<Message>,
    directory: Directory,
}

/// The indices of [`world`]'s messages.
const IMAGE: usize = 0;
const VOICE: usize = 1;
const VIDEO: usize = 2;
const FILE: usize = 3;
const PLACE: usize = 4;
const CARD: usize = 5;
const OLD_FILE: usize = 6;

impl<B: Bot> Fixture<B> {
    fn new(place: &Place) -> Self {
        let mut bot = B::confirmed(place);
        let messages = (0..7).map(|_| bot.next().unwrap().unwrap()).collect();
        let directory = bot.contacts().unwrap();
        Self { bot, messages, directory }
    }

    fn friend(&self) -> UserName {
        self.messages[IMAGE].from.clone()
    }

    fn room(&self) -> UserName {
        self.messages[FILE].from.clone()
    }

    fn file(&self, message: usize) -> Download {
        Download::new(GetFile::of(&self.messages[message]).unwrap())
    }

    /// Returns every download with its asset in the simulator.
    fn all(&self) -> Vec<(&'static str, Download, Asset)> {
        let id = |message: usize| self.messages[message].id.clone();
        let text = |message: usize| id(message).to_string();
        let media = |message: usize| {
            let raw = self.messages[message].raw.json().to_owned();
            let raw: serde_json::Value = serde_json::from_str(&raw).unwrap();
            raw["MediaId"].as_str().unwrap().to_owned()
        };
        let (friend, room) = (self.friend(), self.room());
        let found = self.directory.find(&room).unwrap();
        let stranger = found.members.iter().find(|member| &*member.nick_name == "Wang").unwrap();
        let stranger = stranger.user_name.clone();
        let picture = |name: &UserName| {
            let contact = self.directory.find(name).unwrap();
            Download::new(GetContactPicture::of(contact).unwrap())
        };
        let me = self.bot.session().me().user_name.clone();
        let name = |name: &UserName, big| Asset::Icon(name.as_str().to_owned(), big);
        let head_img = || Asset::HeadImg(room.as_str().to_owned());
        let map = GetMap::of(&self.messages[PLACE]).unwrap();
        vec![
            (
                "webwxgetmsgimg",
                Download::new(GetImage::new(id(IMAGE), ImageSize::Full)),
                Asset::Image(text(IMAGE), ""),
            ),
            (
                "webwxgetmsgimg",
                Download::new(GetImage::new(id(IMAGE), ImageSize::Big)),
                Asset::Image(text(IMAGE), "big"),
            ),
            (
                "webwxgetmsgimg",
                Download::new(GetImage::new(id(VIDEO), ImageSize::Thumbnail)),
                Asset::Image(text(VIDEO), "slave"),
            ),
            ("webwxgetvoice", Download::new(GetVoice::new(id(VOICE))), Asset::Voice(text(VOICE))),
            ("webwxgetvideo", Download::new(GetVideo::new(id(VIDEO))), Asset::Video(text(VIDEO))),
            ("webwxgetmedia", self.file(FILE), Asset::File(media(FILE))),
            ("webwxgetmedia", self.file(OLD_FILE), Asset::File(media(OLD_FILE))),
            ("webwxgetpubliclinkimg", Download::new(map), Asset::Map(text(PLACE))),
            (
                "webwxgeticon",
                Download::new(GetIcon::new(friend.clone()).seq(7)),
                name(&friend, false),
            ),
            ("webwxgeticon", Download::new(GetIcon::new(me.clone()).big()), name(&me, true)),
            (
                "webwxgeticon",
                Download::new(GetIcon::of_member(found, stranger.clone())),
                name(&stranger, false),
            ),
            (
                "webwxgeticon",
                Download::new(GetIcon::of_stranger(&id(CARD), stranger.clone()).big()),
                name(&stranger, true),
            ),
            ("webwxgeticon", picture(&friend), name(&friend, false)),
            ("webwxgetheadimg", Download::new(GetHeadImg::new(room.clone())), head_img()),
            ("webwxgetheadimg", picture(&room), head_img()),
        ]
    }
}

/// Each download returns the bytes of the simulator.
pub(crate) fn everything<B: Bot>(place: &Place) {
    let mut fixture = Fixture::<B>::new(place);
    let all = fixture.all();
    let mut ranged = 0;
    for (endpoint, fetch, asset) in all {
        let (head, bytes) = fixture.bot.download(fetch.clone()).unwrap();
        let world = place.world();
        let media = world.media(&asset);
        assert!(media.bytes == bytes, "{asset:?}");
        assert_eq!(head.endpoint, endpoint);
        assert_eq!(head.content_type.as_deref(), Some(&*media.content_type));
        assert_eq!(head.length, Some(bytes.len() as u64));
        let fetched = world.fetched().last().unwrap();
        assert_eq!((&fetched.asset, fetched.bytes), (&asset, bytes.len()));
        ranged += usize::from(fetched.status == 206);
        // Only files have a name.
        let name = head.file_name.as_ref().map(FileName::as_str);
        let expected = match asset {
            Asset::File(id) if id == "@crypt_0_old" => Some("a &amp; b_c.txt"),
            Asset::File(_) => Some("年度 报告_v2.pdf"),
            _ => None,
        };
        assert_eq!(name, expected);
    }
    assert_eq!(ranged, 2, "a voice and a video");
    let received = GetFile::of(&fixture.messages[OLD_FILE]).unwrap();
    assert_eq!(received.file_name().as_str(), "a & b_c.txt");
    assert_eq!(place.world().fetched().len(), 15);
    place.assert_no_violations();
}

/// Each download refused, redirected, and truncated.
fn failed_downloads<B: Bot>(place: &Place) {
    let mut fixture = Fixture::<B>::new(place);
    for (endpoint, fetch, asset) in fixture.all() {
        let world = || place.world();
        // The service refuses with text.
        world().refuse(endpoint, 1, "");
        let refused = fixture.bot.download(fetch.clone());
        let Err(Error::Malformed { endpoint: reported, found, .. }) = refused else {
            panic!("{endpoint}: {refused:?}")
        };
        assert_eq!((reported, &*found), (endpoint, "text"));
        let moved = http::Response::builder().status(302).header("location", "https://wx.qq.com/");
        world()
            .reply_with(endpoint, moved.header("content-length", 0).body([][..].into()).unwrap());
        let moved = fixture.bot.download(fetch.clone());
        let Err(Error::Status { endpoint: reported, status: 302 }) = moved else {
            panic!("{moved:?}")
        };
        assert_eq!(reported, endpoint);

        let media = world().media(&asset);
        let mut torn = media.clone();
        torn.torn = Some(media.bytes.len() / 2);
        world().plant(asset.clone(), torn);
        for saved in [
            fixture.bot.download(fetch.clone()).map(drop),
            fixture.bot.save(fetch.clone(), LIMIT).result.map(drop),
        ] {
            match saved {
                Err(Error::Transport(failure)) if failure.kind == FailureKind::Truncated => {}
                other => panic!("{endpoint}: {other:?}"),
            }
        }
        // The same download succeeds afterwards.
        world().plant(asset, media.clone());
        assert!(fixture.bot.download(fetch.clone()).unwrap().1 == media.bytes);
    }
    place.assert_no_violations();
}

/// An empty body is requested again, three times in all, and is then an error.
fn empty_body<B: Bot>(place: &Place) {
    let mut fixture = Fixture::<B>::new(place);
    let (_, fetch, asset) = fixture.all().swap_remove(4);
    let plant = |empty| {
        let mut media = Media::new("video/mp4", &b"at last"[..]);
        media.empty = empty;
        place.world().plant(asset.clone(), media);
    };
    let fetches = || place.world().fetched().len();
    plant(2);
    let saved = fixture.bot.save(fetch.clone(), LIMIT);
    assert_eq!((saved.bytes.as_slice(), fetches()), (&b"at last"[..], 3));
    plant(3);
    let saved = fixture.bot.save(fetch.clone(), LIMIT);
    assert!(matches!(saved.result, Err(Error::EmptyMedia { endpoint: "webwxgetvideo" })));
    assert_eq!((saved.bytes.len(), fetches()), (0, 6));
    place.assert_no_violations();
}

/// A file of 5 MB with its progress; above the limit, none of it is written.
fn streamed<B: Bot>(place: &Place) {
    let mut fixture = Fixture::<B>::new(place);
    let bytes: Vec<u8> =
        (0..5_000_003_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let (_, fetch, asset) = fixture.all().swap_remove(5);
    let mut media = Media::new("application/octet-stream", bytes.clone());
    "attachment; filename*=UTF-8''..%2F%E6%8A%A5.bin".clone_into(&mut media.disposition);
    place.world().plant(asset, media);

    let saved = fixture.bot.save(fetch.clone(), bytes.len() as u64);
    let (head, size): (Head, u64) = saved.result.unwrap();
    assert_eq!((size, head.length), (5_000_003, Some(5_000_003)));
    assert_eq!(head.file_name.unwrap().as_str(), "_报.bin");
    assert!(saved.bytes == bytes);
    assert!(saved.progress.len() > 10 && saved.progress.is_sorted(), "{:?}", saved.progress);
    assert_eq!(saved.progress.last(), Some(&5_000_003));

    let saved = fixture.bot.save(fetch.clone(), 5_000_002);
    let too_large = Error::TooLarge { size: 5_000_003, limit: 5_000_002 };
    assert_eq!(saved.result.unwrap_err().to_string(), too_large.to_string());
    assert!(saved.bytes.is_empty() && saved.progress.is_empty());
    // The client remains usable.
    assert!(fixture.bot.save(fetch.clone(), LIMIT).bytes == bytes);
    place.assert_no_violations();
}

/// Responses without ranges, type and name.
fn heads_without_metadata<B: Bot>(place: &Place) {
    let mut fixture = Fixture::<B>::new(place);
    for (_, fetch, asset) in fixture.all() {
        let mut media = Media::new("", &b"bytes"[..]);
        media.ranged = false;
        place.world().plant(asset, media);
        let (head, bytes) = fixture.bot.download(fetch.clone()).unwrap();
        assert_eq!((head.content_type, head.file_name), (None, None));
        assert_eq!(bytes, b"bytes");
    }
    assert!(place.world().fetched().iter().all(|fetched| fetched.status == 200));
    place.assert_no_violations();
}

/// Downloads of a closed session fail.
fn closed_session<B: Bot>(place: &Place) {
    let mut fixture = Fixture::<B>::new(place);
    place.world().phone().kick();
    for (endpoint, fetch, _) in fixture.all() {
        let gone = fixture.bot.download(fetch.clone());
        assert!(
            matches!(gone, Err(Error::Malformed { endpoint: reported, .. }) if reported == endpoint)
        );
    }
    assert_eq!(place.world().fetched(), []);
    place.assert_no_violations();
}

on_all_wires! {
    everything in super::world();
    failed_downloads in super::world();
    empty_body in super::world();
    streamed in super::world();
    heads_without_metadata in super::world();
    closed_session in super::world();
}

/// With the same clock and seed, both adapters send the same requests, byte by byte.
#[test]
fn both_adapters_send_identical_requests() {
    fn log<B: Bot>() -> Vec<String> {
        let place = Place::tls(world()).without_ticks();
        everything::<B>(&place);
        let world = place.world();
        world.log().iter().map(Logged::render).collect()
    }
    let (blocking, asynchronous) = (log::<Ureq>(), log::<Hyper>());
    assert!(blocking.len() >= 20);
    assert_eq!(blocking, asynchronous);
}
