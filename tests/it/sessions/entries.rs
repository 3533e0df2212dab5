//! The other kinds of login: without a QR code, as a desktop client, and on the file-transfer page;
//! on every wire.

use std::time::Duration;

use bytes::Bytes;
use wechat_proto::error::Ret;
use wechat_proto::login::Logout;
use wechat_proto::media::{LocalFile, Upload};
use wechat_proto::message::{SendText, SendUpload};
use wechat_proto::{Entry, Error, Hosts, Session, UserName};
use wechat_simulator::{EntryPage, World};

use super::{assert_usable, word};
use crate::wire::{Bot, Place, on_all_wires};

const SOON: Duration = Duration::from_secs(1);
const EXTSPAM: &str = "Go8FCIkFinvented+for/tests==";

pub(crate) fn world() -> World {
    let mut world = World::new(9);
    world.add_special("filehelper", "文件传输助手");
    world.add_person("朋友");
    world
}

/// Stores a session, logs out and parses the stored session.
fn stored<B: Bot>(place: &Place) -> Session {
    let mut bot = B::confirmed(place);
    let json = bot.session().to_json();
    bot.call(Logout::new()).unwrap();
    Session::from_json(&json).unwrap()
}

/// Logs in again; returns the bot and its progress.
fn again<B: Bot>(place: &Place, session: Session) -> (B, Vec<String>) {
    let mut seen = Vec::new();
    let mut device = session.into_device();
    let uin = device.last_uin();
    let bot = B::login_again(place, &mut device, |step| seen.push(word(step))).unwrap();
    assert_eq!(device.last_uin(), uin);
    (bot, seen)
}

/// The phone confirms; no QR code is shown.
pub(crate) fn pushed<B: Bot>(place: &Place) {
    let session = stored::<B>(place);
    let me = session.me().user_name.clone();
    place.simulator.then(SOON, |world| {
        assert!(world.phone().is_asking());
        world.phone().confirm();
    });
    let (mut bot, seen) = again::<B>(place, session);
    assert_eq!(seen, ["on phone", "logged in"]);
    assert_eq!(bot.session().me().user_name, me);
    assert_usable(place, &mut bot);
    assert_eq!((place.requests("jslogin"), place.requests("webwxpushloginurl")), (1, 1));
    place.assert_no_violations();
}

/// The API host refuses the push login and the login host accepts it. If both share one origin, the
/// login falls back to a QR code.
fn refused_by_the_api_host<B: Bot>(place: &Place) {
    let session = stored::<B>(place);
    let words = "device authinfo invalid";
    place.world().refuse("webwxpushloginurl", 1, words);
    if place.has_one_origin() {
        place.confirm_login();
        let (_, seen) = again::<B>(place, session);
        assert_eq!(seen, ["code", "scanned", "logged in"]);
    } else {
        place.simulator.then(SOON, |world| world.phone().confirm());
        let (_, seen) = again::<B>(place, session);
        assert_eq!(seen, ["on phone", "logged in"]);
        let world = place.world();
        let pushes = world.log().iter().filter(|logged| logged.endpoint == "webwxpushloginurl");
        let hosts: Vec<_> = pushes.map(|logged| logged.request.headers()["host"].clone()).collect();
        assert_eq!(hosts, ["wx2.qq.com", "login.wx2.qq.com"]);
    }
    place.assert_no_violations();
}

/// A session was unused for days: of the cookies that identify a device, `wxuin` has expired, and
/// the others are still sent.
fn unused_for_days<B: Bot>(place: &Place) {
    let session = stored::<B>(place);
    place.world().advance(Duration::from_secs(4 * 86_400));
    place.confirm_login();
    let (mut bot, seen) = again::<B>(place, session);
    assert_eq!(seen, ["code", "scanned", "logged in"]);
    assert_usable(place, &mut bot);
    let world = place.world();
    let pushes: Vec<_> =
        world.log().iter().filter(|logged| logged.endpoint == "webwxpushloginurl").collect();
    assert_eq!(pushes.len(), if place.has_one_origin() { 1 } else { 2 });
    for logged in pushes {
        let cookies = logged.request.headers()["cookie"].to_str().unwrap();
        let mut names: Vec<_> =
            cookies.split("; ").map(|pair| pair.split('=').next().unwrap()).collect();
        names.sort_unstable();
        assert_eq!(names, ["webwx_auth_ticket", "webwxuvid"]);
    }
    drop(world);
    place.assert_no_violations();
}

/// Five minutes pass in the simulator without a confirmation.
fn confirmation_times_out<B: Bot>(place: &Place) {
    let session = stored::<B>(place);
    // The owner opens the request without confirming it; the poll that reports this is the last.
    place.simulator.then(Duration::from_secs(300), |world| world.phone().scan());
    place.simulator.then(SOON, |world| {
        assert!(!world.phone().is_asking(), "the code replaced the confirmation request");
        world.phone().scan();
    });
    place.simulator.then(SOON, |world| world.phone().confirm());
    let (_, seen) = again::<B>(place, session);
    assert_eq!(seen, ["on phone", "scanned", "code", "scanned", "logged in"]);
    place.assert_no_violations();
}

pub(crate) fn desktop_world() -> World {
    let mut world = world();
    let entry_page = EntryPage::Desktop { client_version: "2.0.0".into(), extspam: EXTSPAM.into() };
    world.entry_page(entry_page);
    world
}

fn desktop_entry(extspam: &str) -> Entry {
    Entry::desktop("2.0.0".parse().unwrap(), extspam.parse().unwrap())
}

/// Logs in as a desktop client, then again without a QR code.
pub(crate) fn desktop<B: Bot>(place: &Place) {
    place.confirm_login();
    let mut device = place.device().with_entry(desktop_entry(EXTSPAM));
    let mut bot = B::login_on(place, &mut device, |_| {}).unwrap();
    assert_usable(place, &mut bot);
    let json = bot.session().to_json();
    bot.call(Logout::new()).unwrap();
    place.simulator.then(SOON, |world| world.phone().confirm());
    let (mut bot, seen) = again::<B>(place, Session::from_json(&json).unwrap());
    assert_eq!(seen, ["on phone", "logged in"]);
    assert_usable(place, &mut bot);
    send_file(place, &mut bot);
    let shown = format!("{:?}", bot.session());
    assert!(!shown.contains(EXTSPAM), "{shown}");
    place.assert_no_violations();
}

/// A login with another `extspam` is refused.
fn other_extspam_is_refused<B: Bot>(place: &Place) {
    place.confirm_login();
    let mut device = place.device().with_entry(desktop_entry("another"));
    let login = B::login_on(place, &mut device, |_| {}).map(drop);
    assert!(matches!(login, Err(Error::Malformed { endpoint: "webwxnewloginpage", .. })));
    let world = place.world();
    assert!(world.violations().iter().all(|violation| violation.what.contains("`extspam`")));
}

pub(crate) fn file_helper_world() -> World {
    let mut world = world();
    world.entry_page(EntryPage::FileHelper);
    world
}

/// Uploads a file and sends it to the phone, as this entry requires.
fn send_file<B: Bot>(place: &Place, bot: &mut B) {
    let (to, bytes) = (UserName::file_helper(), Bytes::from_static(b"the file"));
    let file = LocalFile::new("a & b.txt", bytes.len() as u64).unwrap();
    let uploaded = bot.upload(&mut Upload::new(to.clone(), file), &bytes, |_| {}).unwrap();
    bot.call(SendUpload::new(to.clone(), &uploaded)).unwrap();
    let world = place.world();
    let sent = world.sent().last().unwrap();
    assert_eq!(sent.file.as_ref().unwrap().name, "a & b.txt");
    assert_eq!(world.uploads().last().unwrap().bytes.as_deref(), Some(&bytes[..]));
}

/// One message to the phone and one back; other contacts cannot be written to.
pub(crate) fn file_helper<B: Bot>(place: &Place) {
    place.confirm_login();
    place.world().announce_recent_chats(false);
    place.simulator.then(SOON, |world| drop(world.phone().writes("filehelper", "回电脑")));
    let mut device = place.device().with_entry(Entry::file_helper());
    let mut bot = B::login_on(place, &mut device, |_| {}).unwrap();
    let helper = UserName::file_helper();
    bot.call(SendText::new(helper.clone(), "到手机")).unwrap();
    let message = bot.next_text();
    assert_eq!((message.peer(), message.text()), (&helper, Some("回电脑")));
    let friend: UserName = place.world().contacts().last().unwrap().user_name.parse().unwrap();
    let sent = bot.call(SendText::new(friend, "x"));
    assert!(matches!(sent, Err(Error::Refused { ret: Ret::NOT_A_CONTACT, .. })), "{sent:?}");
    send_file(place, &mut bot);
    bot.call(Logout::new()).unwrap();
    assert_eq!(place.world().sent().len(), 2);
    place.assert_no_violations();
}

/// A web login is not redirected to the file-transfer page.
fn web_login_rejects_file_helper_page<B: Bot>(place: &Place) {
    place.confirm_login();
    let mut device = place.device();
    let login = B::login_on(place, &mut device, |_| {}).map(drop);
    assert!(login.is_err());
    assert!(!place.world().violations().is_empty());
    if !place.has_one_origin() {
        assert_eq!(device.hosts(), &Hosts::default());
    }
}

on_all_wires! {
    pushed in super::world();
    refused_by_the_api_host in super::world();
    unused_for_days in super::world();
    confirmation_times_out in super::world();
    desktop in super::desktop_world();
    other_extspam_is_refused in super::desktop_world();
    file_helper in super::file_helper_world();
    web_login_rejects_file_helper_page in super::file_helper_world();
}
