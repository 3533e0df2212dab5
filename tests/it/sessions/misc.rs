//! Logout, reports, feedback, link checks, previews and the QR code picture, on every wire.

use bytes::Bytes;
use wechat_proto::error::Ret;
use wechat_proto::feedback::SendFeedback;
use wechat_proto::link::{CheckLink, Verdict};
use wechat_proto::login::{GetQrCode, GetUuid, Logout, LogoutReason, Progress};
use wechat_proto::media::GetPreview;
use wechat_proto::report::{Report, ReportKind, SendLoginReports, SendReports};
use wechat_proto::{Device, Error};
use wechat_simulator::{Judgement, World};

use crate::wire::{Bot, Memory, Place, on_all_wires};

const BAD: &str = "http://bad.example/";

pub(crate) fn world() -> World {
    let mut world = World::new(5);
    world.add_person("朋友");
    world
}

fn reports() -> [Report; 2] {
    [
        Report::new(ReportKind::Timing, r#"{"type":"[session-data]","data":{"init":"35"}}"#)
            .unwrap(),
        Report::new(ReportKind::SendError, "\"没有 <发>\"").unwrap(),
    ]
}

/// Makes each call and checks its effect; refused calls have none.
pub(crate) fn all_calls<B: Bot>(place: &Place) {
    let mut bot = B::confirmed(place);
    bot.call(SendReports::new(reports().into())).unwrap();
    bot.call(SendFeedback::new("二维码 \"太小\" </p>")).unwrap();

    let mut world = place.world();
    world.judge_link(BAD, Judgement::Warns);
    let picture = b"\xff\xd8\xff\xe0a picture".as_slice();
    let preview = GetPreview::new(&world.keep_upload(picture)).unwrap();
    drop(world);
    let mut ask = |url: &str| bot.call(CheckLink::new(url).unwrap()).unwrap();
    // A plain address is returned unchanged.
    let plain = "http://b.example/?c=d";
    place.world().judge_link(plain, Judgement::Leads);
    assert_eq!(ask(plain), Verdict::Leads { to: plain.into() });
    let Verdict::Warns { at: Some(at) } = ask(BAD) else { panic!() };
    assert!(at.starts_with("https://weixin110.qq.com/"), "{at}");
    place.world().judge_link(BAD, Judgement::Page);
    assert_eq!(ask(BAD), Verdict::Warns { at: None });
    assert_eq!(bot.call(preview.clone()).unwrap(), picture);
    for endpoint in ["webwxcheckurl", "webwxpreview"] {
        place.world().refuse(endpoint, 1, "");
    }
    let check = bot.call(CheckLink::new(BAD).unwrap()).map(drop);
    for refused in [check, bot.call(preview).map(drop)] {
        assert!(matches!(refused, Err(Error::Refused { ret: Ret::PARAMETER, .. })), "{refused:?}");
    }
    bot.call(Logout::new()).unwrap();

    let world = place.world();
    let received: Vec<_> =
        world.reports().iter().map(|report| (report.kind, &*report.text)).collect();
    let timing = r#"{"type":"[session-data]","data":{"init":"35"}}"#;
    assert_eq!(received, [(1, timing), (16, "\"没有 <发>\"")]);
    assert!(world.reports().iter().all(|report| !report.before_login));
    assert_eq!(world.feedback(), ["二维码 \"太小\" </p>"]);
    assert_eq!(world.checked_links(), [plain, BAD, BAD]);
    assert_eq!(world.logouts(), [0]);
    drop(world);
    place.assert_no_violations();
}

/// Endpoints whose state is the `Device`: reports before a login and during a second one.
#[test]
fn device_reports_before_and_during_login() {
    let place = Place::memory(world());
    login_reports(&place);
    let world = place.world();
    assert_eq!(world.reports().len(), 6);
    assert!(world.reports().iter().all(|report| report.before_login));
    drop(world);
    place.assert_no_violations();
}

/// Sends reports before the first login, one of them refused, and before the second.
pub(crate) fn login_reports(place: &Place) {
    let mut device = place.device();
    let send =
        |device: &mut Device| Memory::ask(place, device, SendLoginReports::new(reports().into()));
    send(&mut device).unwrap();
    place.world().refuse("webwxstatreport", 1, "no");
    assert!(matches!(send(&mut device), Err(Error::Refused { ret: Ret::PARAMETER, .. })));
    send(&mut device).unwrap();
    let mut bot = Memory::confirmed(place);
    bot.call(Logout::new()).unwrap();
    let mut device = bot.session().into_device();
    Memory::ask(place, &mut device, GetUuid::new()).unwrap();
    send(&mut device).unwrap();
}

/// A logout after the service closed the session does not change the close reason.
pub(crate) fn logout_after_kick<B: Bot>(place: &Place) {
    let mut bot = B::confirmed(place);
    place.world().phone().kick();
    let ret = loop {
        match bot.next() {
            Some(Err(Error::LoggedOut { ret, .. })) => break ret,
            Some(Ok(_)) => {}
            other => panic!("{other:?}"),
        }
    };
    bot.call(Logout::because(LogoutReason::after(ret))).unwrap();
    assert_eq!(place.world().logouts(), [1]);
    assert_eq!(bot.session().device().closed(), Some(Ret::SESSION_INVALID));
    assert!(bot.next().is_none());
    place.assert_no_violations();
}

/// A logout of type 1 from an open session that was limited.
fn logout_after_limit<B: Bot>(place: &Place) {
    let mut bot = B::confirmed(place);
    place.world().refuse("webwxsendfeedback", 1205, "");
    let limited = bot.call(SendFeedback::new("x"));
    assert!(matches!(limited, Err(Error::Limited { .. })));
    let reason = LogoutReason::after(Ret::TOO_FREQUENT);
    bot.call(Logout::because(reason)).unwrap();
    assert_eq!(place.world().logouts(), [1]);
    assert!(bot.next().is_none(), "the inbox ends without an error");
    place.assert_no_violations();
}

/// The QR code is a JPEG; a 404 response is malformed.
pub(crate) fn qr_code_picture<B: Bot>(place: &Place) {
    place.confirm_login();
    let mut code = None;
    let mut bot = B::login(place, |progress| {
        if let Progress::Code { uuid } = progress {
            code = Some(uuid.clone());
        }
    })
    .unwrap();
    let ask = || GetQrCode::new(code.clone().unwrap());
    let picture = bot.call(ask()).unwrap();
    assert!(picture.starts_with(b"\xff\xd8\xff"), "a JPEG");
    let gone = http::Response::builder().status(404).body(Bytes::new()).unwrap();
    place.world().reply_with("qrcode", gone);
    assert!(matches!(bot.call(ask()), Err(Error::Malformed { endpoint: "qrcode", .. })));
    place.assert_no_violations();
}

/// A device can ask for replies that are not compressed.
pub(crate) fn uncompressed_replies<B: Bot>(place: &Place) {
    place.confirm_login();
    let mut device = place.device().with_compression(false);
    let mut bot = B::login_on(place, &mut device, |_| {}).unwrap();
    bot.contacts().unwrap();
    let friend = place.world().contacts().last().unwrap().user_name.clone();
    place.world().person_writes(&friend, "你好");
    assert_eq!(bot.next_text().text(), Some("你好"));
    place.assert_no_violations();
    let world = place.world();
    let coding = |at: usize| world.log()[at].request.headers()["accept-encoding"].clone();
    assert!((0..world.log().len()).all(|at| coding(at) == "identity"));
}

on_all_wires! {
    uncompressed_replies in super::world();
    qr_code_picture in super::world();
    all_calls in super::world();
    logout_after_kick in super::world();
    logout_after_limit in super::world();
}
