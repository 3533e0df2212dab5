//! The end of a session, reports, feedback, links, previews: on every wire.

use std::time::Duration;

use bytes::Bytes;
use wechat_proto::error::Ret;
use wechat_proto::link::{self, Verdict};
use wechat_proto::login::logout::{self, Reason};
use wechat_proto::login::{Progress, qrcode};
use wechat_proto::media::preview;
use wechat_proto::report::{self, Kind, Report};
use wechat_proto::{Call, Device, Error, feedback, login};
use wechat_simulator::{Judgement, World};

use crate::wire::{Bot, Memory, Place, on_all_wires};

const SOON: Duration = Duration::from_secs(1);
const LINK: &str = "http://a.example/路?b=c&d=%20e";
const BAD: &str = "http://bad.example/";

pub(crate) fn world() -> World {
    let mut world = World::new(5);
    world.add_person("朋友");
    world
}

fn logged_in<B: Bot>(place: &Place) -> B {
    place.simulator.then(SOON, |world| world.phone().scan());
    place.simulator.then(SOON, |world| world.phone().confirm());
    B::login(place, drop).unwrap()
}

fn clean(place: &Place) {
    assert_eq!(place.simulator.world().violations(), []);
}

fn reports() -> [Report; 2] {
    [
        Report::new(Kind::Timing, r#"{"type":"[session-data]","data":{"init":"35"}}"#).unwrap(),
        Report::new(Kind::SendError, "\"没有 <发>\"").unwrap(),
    ]
}

/// Each call once, with what comes of it.
pub(crate) fn done<B: Bot>(place: &Place) {
    let mut bot = logged_in::<B>(place);
    bot.call(|session, now| report::request(session, &reports(), now)).unwrap();
    bot.call(|session, now| feedback::request(session, "二维码 \"太小\" </p>", now)).unwrap();

    let mut world = place.simulator.world();
    let friend = world.contacts().last().unwrap().user_name.clone();
    world.person_writes(&friend, &format!("看 {LINK}"));
    world.judge_link(BAD, Judgement::Warns);
    let picture = b"\xff\xd8\xff\xe0a picture".as_slice();
    let id = world.keep_upload(picture).parse().unwrap();
    drop(world);
    let mut ask = |url: &str| {
        let url = url.parse().unwrap();
        bot.call(|session, now| link::request(session, &url, now)).unwrap()
    };
    // The address that came is the one that was asked about, as far as a header can carry it.
    let plain = "http://b.example/?c=d";
    place.simulator.world().judge_link(plain, Judgement::Leads);
    assert_eq!(ask(plain), Verdict::Leads { to: plain.into() });
    let Verdict::Warns { at: Some(at) } = ask(BAD) else { panic!() };
    assert!(at.starts_with("https://weixin110.qq.com/"), "{at}");
    place.simulator.world().judge_link(BAD, Judgement::Page);
    assert_eq!(ask(BAD), Verdict::Warns { at: None });
    let shown = bot.call(|session, now| preview::request(session, &id, now)).unwrap();
    assert_eq!(shown, picture);
    bot.call(logout::request).unwrap();

    let world = place.simulator.world();
    let told: Vec<_> = world.reports().iter().map(|told| (told.kind, &*told.text)).collect();
    let timing = r#"{"type":"[session-data]","data":{"init":"35"}}"#;
    assert_eq!(told, [(1, timing), (16, "\"没有 <发>\"")]);
    assert!(world.reports().iter().all(|told| !told.before_login));
    assert_eq!(world.feedback(), ["二维码 \"太小\" </p>"]);
    assert_eq!(world.checked_links(), [plain, BAD, BAD]);
    assert_eq!(world.logouts(), [0]);
    drop(world);
    clean(place);
}

/// What a page tells of itself before anybody is logged in, and while somebody logs in again: of
/// the device's alone, for which the adapters have no call.
#[test]
fn reports_before_a_login() {
    let place = Place::memory(world());
    before(&place);
    let world = place.simulator.world();
    assert_eq!(world.reports().len(), 6);
    assert!(world.reports().iter().all(|told| told.before_login));
    drop(world);
    clean(&place);
}

/// Before the first login; refused once; before the second.
pub(crate) fn before(place: &Place) {
    let mut device = place.device();
    let tell = |device: &mut Device| {
        Memory::ask(place, device, |device, now| report::before_login(device, &reports(), now))
    };
    tell(&mut device).unwrap();
    place.simulator.world().refuse("webwxstatreport", 1, "no");
    assert!(matches!(tell(&mut device), Err(Error::Refused { ret: Ret::PARAMETER, .. })));
    tell(&mut device).unwrap();
    let mut bot = logged_in::<Memory>(place);
    bot.call(logout::request).unwrap();
    let mut device = bot.session().into_device();
    Memory::ask(place, &mut device, |device, now| login::uuid::request(device, now)).unwrap();
    tell(&mut device).unwrap();
}

/// Each call refused: the typed error, and nothing done.
fn refused<B: Bot>(place: &Place) {
    let notice = "<e><ShowType>1</ShowType><Content><![CDATA[操作失败]]></Content></e>";
    let mut bot = logged_in::<B>(place);
    place.simulator.world().judge_link(LINK, Judgement::Leads);
    let id = place.simulator.world().keep_upload(Bytes::from_static(b"\xff\xd8\xff"));
    let (id, url) = (id.parse().unwrap(), LINK.parse().unwrap());

    fn fails<B: Bot, T: std::fmt::Debug>(
        place: &Place,
        bot: &mut B,
        endpoint: &str,
        notice: &str,
        build: impl Fn(&mut wechat_proto::Session, wechat_proto::Timestamp) -> Call<T>,
    ) {
        let refuse = |ret, text: &str| place.simulator.world().refuse(endpoint, ret, text);
        refuse(1, notice);
        match bot.call(&build) {
            Err(Error::Refused { endpoint: told, ret: Ret::PARAMETER, message }) => {
                assert_eq!(told, endpoint);
                // What has no `BaseResponse` has no words.
                assert!(*message == *"操作失败" || endpoint == "webwxcheckurl", "{message}");
            }
            other => panic!("{endpoint}: {other:?}"),
        }
        refuse(1205, "");
        assert!(matches!(bot.call(&build), Err(Error::Limited { .. })), "{endpoint}");
    }
    fails(place, &mut bot, "webwxstatreport", notice, |s, now| report::request(s, &reports(), now));
    fails(place, &mut bot, "webwxsendfeedback", notice, |s, now| feedback::request(s, "x", now));
    fails(place, &mut bot, "webwxcheckurl", notice, |s, now| link::request(s, &url, now));
    fails(place, &mut bot, "webwxpreview", notice, |s, now| preview::request(s, &id, now));
    let gone = http::Response::new(Bytes::new());
    place.simulator.world().reply_with("webwxpreview", gone);
    let empty = bot.call(|session, now| preview::request(session, &id, now));
    assert!(matches!(empty, Err(Error::EmptyMedia { endpoint: "webwxpreview" })));

    let world = place.simulator.world();
    assert!(world.reports().is_empty() && world.feedback().is_empty());
    assert!(world.checked_links().is_empty());
    drop(world);
    place.simulator.world().phone().kick();
    let over = bot.call(|session, now| feedback::request(session, "x", now));
    assert!(matches!(over, Err(Error::LoggedOut { ret: Ret::SESSION_INVALID, .. })));
    clean(place);
}

/// The service ended it; the client takes its leave all the same, and the reason stays.
pub(crate) fn thrown_out<B: Bot>(place: &Place) {
    let mut bot = logged_in::<B>(place);
    place.simulator.world().phone().kick();
    let ret = loop {
        match bot.next() {
            Some(Err(Error::LoggedOut { ret, .. })) => break ret,
            Some(Ok(_)) => {}
            other => panic!("{other:?}"),
        }
    };
    bot.call(|session, now| logout::because(session, Reason::after(ret), now)).unwrap();
    assert_eq!(place.simulator.world().logouts(), [1]);
    assert_eq!(bot.session().device().ended(), Some(Ret::SESSION_INVALID));
    assert!(bot.next().is_none());
    clean(place);
}

/// A logout of type 1 from a session that the service only has had enough of.
fn given_up<B: Bot>(place: &Place) {
    let mut bot = logged_in::<B>(place);
    place.simulator.world().refuse("webwxsendfeedback", 1205, "");
    let often = bot.call(|session, now| feedback::request(session, "x", now));
    assert!(matches!(often, Err(Error::Limited { .. })));
    let reason = Reason::after(Ret::TOO_FREQUENT);
    bot.call(|session, now| logout::because(session, reason, now)).unwrap();
    assert_eq!(place.simulator.world().logouts(), [1]);
    assert!(bot.next().is_none(), "the inbox ends without an error");
    clean(place);
}

/// The picture of the code, for those who cannot make one.
fn picture<B: Bot>(place: &Place) {
    place.simulator.then(SOON, |world| world.phone().scan());
    place.simulator.then(SOON, |world| world.phone().confirm());
    let mut code = None;
    let mut bot = B::login(place, |progress| {
        if let Progress::Code { uuid } = progress {
            code = Some(uuid);
        }
    })
    .unwrap();
    let session = bot.session();
    let ask = || qrcode::request(session.device(), &code.clone().unwrap());
    let picture = bot.run(&mut ask()).unwrap();
    assert!(picture.starts_with(b"\xff\xd8\xff"), "a JPEG");
    let gone = http::Response::builder().status(404).body(Bytes::new()).unwrap();
    place.simulator.world().reply_with("qrcode", gone);
    assert!(matches!(bot.run(&mut ask()), Err(Error::Malformed { endpoint: "qrcode", .. })));
    clean(place);
}

on_all_wires! {
    picture in super::world();
    done in super::world();
    refused in super::world();
    thrown_out in super::world();
    given_up in super::world();
}
