//! What a hostile service cannot make large: `docs/bounds.md`, held against the code.

extern crate std;

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;

use bytes::Bytes;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::account::Account;
use crate::call::Call;
use crate::contact::{batch, list, pin, remark, search, verify};
use crate::device::Device;
use crate::flow::{Flow, Input, Interrupt, Request, Want};
use crate::ids::{MsgId, UserName};
use crate::login::{
    Login, Progress, Redirect, announce, init, logout, push, qrcode, redeem, scan, uuid,
};
use crate::media::{
    Fetch, LocalFile, Md5Sum, MediaType, ReceivedFile, file, head_img, icon, image, map, piece,
    preview, probe, video, voice,
};
use crate::message::{
    Receipt, forward, notify, revoke, send_app, send_emoticon, send_image, send_text, send_video,
};
use crate::room::{create, update};
use crate::session::Session;
use crate::sync::{Inbox, check, fetch};
use crate::testing::{NOW, contact, credentials, reply, said, session, uploaded};
use crate::{feedback, link, report};

const PAGE: &str = include_str!("../docs/bounds.md");
const ENDPOINTS: &str = include_str!("../docs/endpoints.md");

/// A size as the table writes it.
fn size(bytes: usize) -> String {
    match bytes {
        _ if bytes.is_multiple_of(1 << 20) => format!("{} MB", bytes >> 20),
        _ => format!("{} KB", bytes >> 10),
    }
}

/// The terms of a request as the table writes them.
fn terms(request: &Request) -> [String; 2] {
    let seconds = request.deadline.as_secs();
    match request.want {
        Want::Whole { limit } => [size(limit), format!("{seconds} s")],
        Want::Head { idle } => {
            ["streamed".into(), format!("{seconds} s, {} s of silence", idle.as_secs())]
        }
    }
}

fn call<T>(call: Call<T>) -> Request {
    sent(call, &mut Device::new())
}

fn get(fetch: Fetch) -> Request {
    sent(fetch, &mut Device::new())
}

fn sent<F: Flow>(mut flow: F, state: &mut F::State) -> Request {
    match flow.poll(state, NOW) {
        Err(Interrupt::Send(request)) => *request,
        _ => panic!("it sends"),
    }
}

/// A request of each public builder, by its name in `docs/endpoints.md`.
fn requests() -> Vec<(&'static str, Request)> {
    let s = &mut session();
    let mut device = Device::new();
    let uuid: crate::Uuid = "gf5Gk61zEA==".parse().unwrap();
    let page = "https://wx.qq.com/cgi-bin/mmwebwx-bin/webwxnewloginpage?ticket=t";
    let page = Redirect::parse(page).unwrap();
    let to: UserName = UserName::file_helper();
    let room: UserName = "@@9e1c".parse().unwrap();
    let [a, b]: [UserName; 2] = ["@a", "@b"].map(|name| name.parse().unwrap());
    let members = crate::room::Members::new([a.clone(), b.clone()]).unwrap();
    let founders =
        crate::room::Founders::new([a.clone(), b.clone()], &s.me.user_name.clone()).unwrap();
    let id = MsgId::from("7");
    let picture = uploaded(MediaType::Picture, "p.png");
    let clip = uploaded(MediaType::Video, "v.mp4");
    let document = uploaded(MediaType::Document, "d.gif");
    let md5 = "0123456789abcdef0123456789abcdef".parse().unwrap();
    let local = LocalFile::new("a.zip", 3).unwrap();
    let plan = piece::Plan::new(s, &to, &local, Md5Sum::of(b"abc"), None, NOW);
    let heard = said(1, "\"MsgId\":\"7\"", "hi");
    let ticket = "v2_ticket@stranger".parse().unwrap();
    let step = verify::Verification {
        opcode: verify::Opcode::SEND_REQUEST,
        user: &a,
        ticket: None,
        greeting: "hi",
        scene: verify::Scene::WEB,
    };
    let received = ReceivedFile::new(a.clone(), "@crypt_1").unwrap();
    let place = "/cgi-bin/mmwebwx-bin/webwxgetpubliclinkimg?url=x&msgid=1&pictype=location";
    let reports = [report::Report::new(report::Kind::Timing, "{}").unwrap()];
    let link = "http://a.example/".parse().unwrap();
    alloc::vec![
        ("uuid::request", call(uuid::request(&device, NOW))),
        ("qrcode::request", call(qrcode::request(&device, &uuid))),
        ("scan::request", call(scan::request(&device, &uuid, true, NOW))),
        ("push::request", call(push::request(&device, 7, push::Host::Api))),
        ("redeem::request", call(redeem::request(&mut device, &page, NOW).unwrap())),
        ("init::request", call(init::request(&mut device, &credentials(), NOW))),
        ("announce::request", call(announce::request(s, NOW))),
        ("notify::mark_read", call(notify::mark_read(s, &a, NOW))),
        ("notify::enter", call(notify::enter(s, &a, NOW))),
        ("notify::leave", call(notify::leave(s, &a, NOW))),
        ("logout::request", call(logout::request(s, NOW))),
        ("report::request", call(report::request(s, &reports, NOW))),
        ("feedback::request", call(feedback::request(s, "x", NOW))),
        ("link::request", call(link::request(s, &link, NOW))),
        ("check::request", call(check::request(s, NOW))),
        ("fetch::request", call(fetch::request(s, NOW))),
        ("list::request", call(list::request(s, 0, NOW))),
        ("batch::request", call(batch::request(s, core::slice::from_ref(&a), NOW))),
        (
            "batch::members",
            call(batch::members(
                s,
                &contact(r#"{"UserName":"@@9e1c"}"#),
                core::slice::from_ref(&a),
                NOW
            ))
        ),
        ("remark::request", call(remark::request(s, &a, &"r".parse().unwrap()))),
        ("pin::request", call(pin::request(s, &contact(r#"{"UserName":"@a"}"#), true))),
        ("verify::add", call(verify::add(s, &a, "hi", NOW))),
        ("verify::accept", call(verify::accept(s, &a, &ticket, NOW))),
        ("verify::request", call(verify::request(s, &step, NOW))),
        ("search::request", call(search::request(s, "x"))),
        ("create::request", call(create::request(s, &founders, "x", NOW))),
        ("update::add", call(update::add(s, &room, &members))),
        ("update::invite", call(update::invite(s, &room, &members))),
        ("update::remove", call(update::remove(s, &room, &members))),
        ("update::rename", call(update::rename(s, &room, "x"))),
        ("update::quit", call(update::quit(s, &room))),
        ("send_text::request", call(send_text::request(s, &to, "x", NOW))),
        (
            "send_text::mention",
            call(send_text::mention(s, &room, "x", core::slice::from_ref(&a), NOW))
        ),
        ("forward::request", call(forward::request(s, &heard, &to, NOW).unwrap())),
        ("send_image::request", call(send_image::request(s, &to, &picture, NOW))),
        ("send_video::request", call(send_video::request(s, &to, &clip, NOW))),
        ("send_emoticon::request", call(send_emoticon::request(s, &to, &document, NOW))),
        ("send_emoticon::known", call(send_emoticon::known(s, &to, &md5, NOW))),
        ("send_app::request", call(send_app::request(s, &to, &document, NOW))),
        ("revoke::request", call(revoke::request(s, &to, &Receipt::of(id.clone())))),
        ("probe::request", call(probe::request(s, &to, &local, Md5Sum::of(b"abc")))),
        ("piece::request", call(piece::request(s, &plan, 0, Bytes::from_static(b"abc"), NOW))),
        ("preview::request", call(preview::request(s, &"@crypt_1".parse().unwrap(), NOW))),
        ("image::request", get(image::request(s, &id, image::Size::Full))),
        ("voice::request", get(voice::request(s, &id))),
        ("video::request", get(video::request(s, &id))),
        ("file::request", get(file::request(s, &received, NOW))),
        ("map::request", get(map::request(s, &place.parse().unwrap()))),
        ("icon::request", get(icon::request(s, &icon::Icon::of(a.clone())))),
        ("head_img::request", get(head_img::request(s, &room))),
    ]
}

/// Threats B2 and B4: the longest reply and the deadline of every builder are those of the table.
#[test]
fn every_reply_has_its_limit() {
    let rows = PAGE.lines().filter_map(|line| {
        let mut cells = line.trim_matches('|').split('|').map(str::trim);
        let name = cells.next()?.strip_prefix('`')?.split('`').next()?;
        let [limit, deadline] = [cells.next()?, cells.next()?].map(String::from);
        Some((name, [limit, deadline]))
    });
    let table: BTreeMap<&str, [String; 2]> = rows.collect();
    let mut asked = BTreeSet::new();
    for (name, request) in requests() {
        assert_eq!(table.get(name), Some(&terms(&request)), "{name}");
        asked.insert(name);
    }
    assert_eq!(asked, table.keys().copied().collect(), "in one of them only");
    // And there is no other builder.
    let rows = ENDPOINTS.lines().filter(|line| line.starts_with("| `"));
    let builders = rows.filter_map(|row| row.split('|').nth(2));
    let names = builders
        .flat_map(|cell| cell.split("[`").skip(1))
        .filter_map(|link| link.split('`').next());
    assert_eq!(asked, names.collect());
}

/// The number that a line of the page gives, with its commas.
fn stated(words: &str) -> usize {
    let line = PAGE.lines().find(|line| line.contains(words)).unwrap_or_else(|| panic!("{words}"));
    let number = line.split("**").nth(1).unwrap();
    let (digits, unit) = number.split_once(' ').unwrap_or((number, ""));
    let number: usize = digits.replace(',', "").parse().unwrap();
    number * if unit == "MB" { 1 << 20 } else { 1 }
}

/// The constants that the page names have its values.
#[test]
fn every_bound_is_the_one_stated() {
    let source = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut seen = 0;
    for row in PAGE.lines().filter(|line| line.contains("**")) {
        let place = row.trim_matches('|').rsplit('|').next().unwrap().trim().trim_matches('`');
        let Some((file, name)) = place.split_once(".rs ") else { continue };
        let text = std::fs::read_to_string(source.join(format!("{file}.rs"))).unwrap();
        let line = format!("const {name}: usize = ");
        let value = text.split(&line).nth(1).unwrap_or_else(|| panic!("{place}"));
        let value = value.split(';').next().unwrap().replace('_', "");
        assert_eq!(value.parse(), Ok(stated(row)), "{place}");
        seen += 1;
    }
    assert!(seen >= 18, "{seen}");
}

/// A service that says as much as it may.
#[derive(Clone, Debug)]
struct Chatter {
    /// How long its strings are, and of what they are made.
    length: usize,
    letter: &'static str,
    /// How many elements its lists have.
    count: usize,
    cookies: usize,
}

impl Chatter {
    fn answer(&self, request: &Request, n: usize) -> Input {
        let Self { length, letter, count, cookies } = self;
        let text = letter.repeat(*length);
        let short = |n: usize| format!("{n}{}", letter.repeat(length % 256));
        let list = |item: &dyn Fn(usize) -> Value| Value::from_iter((0..*count).map(item));
        let counters =
            list(&|n| json!({ "Key": i64::MIN, "Val": i64::MIN + i64::try_from(n).unwrap() }));
        let key = json!({ "Count": 1, "List": counters });
        let path = request.http.uri().path().rsplit('/').next().unwrap();
        let body = match path {
            "jslogin" => "window.QRLogin.code = 200; window.QRLogin.uuid = \"abc==\";".into(),
            "login" => "window.code=200;window.redirect_uri=\"https://wx.qq.com/cgi-bin/mmwebwx-bin/webwxnewloginpage?ticket=t\";".into(),
            "webwxnewloginpage" => {
                let secret = "=".repeat((*length).min(4096));
                format!("<error><ret>0</ret><skey>{secret}</skey><wxsid>s{secret}</wxsid><wxuin>7</wxuin><pass_ticket>{secret}</pass_ticket></error>").replace("s====", "====")
            }
            "synccheck" => "window.synccheck={retcode:\"0\",selector:\"2\"}".into(),
            "webwxinit" => json!({
                "BaseResponse": { "Ret": 0 }, "SKey": text, "SyncKey": key, "ChatSet": (0..*count).map(short).collect::<Vec<_>>().join(","),
                "User": { "UserName": "@me", "NickName": text, "HeadImgUrl": text, "Signature": text, "Uin": i64::MAX, "Sex": i64::MIN },
            }).to_string(),
            _ => json!({
                "BaseResponse": { "Ret": 0 }, "SKey": text, "SyncKey": key, "SyncCheckKey": key, "ContinueFlag": 1,
                "Profile": { "BitFlag": 190, "NickName": { "Buff": text }, "HeadImgUpdateFlag": 1, "HeadImgUrl": text },
                "AddMsgList": list(&|m| json!({ "MsgId": format!("{n}{m}{}", letter.repeat(20)), "FromUserName": short(m) })),
            }).to_string(),
        };
        let mut reply = reply(&body);
        for m in 0..*cookies {
            let line = format!(
                "{n}x{m}={}; Path=/{}; Domain=qq.com",
                "\"".repeat(*length),
                "\\".repeat(*length)
            );
            reply.headers_mut().append("set-cookie", line.parse().unwrap());
        }
        Input::Reply(Ok(reply))
    }

    /// Plays a login and some batches; asserts that what is stored stays small.
    fn play(&self) {
        let check = |session: &Session, open: usize| {
            let length = session.to_json().len();
            let most = stated("A stored session, in bytes") + open * stated("for each message of");
            assert!(length <= most, "{length} of {most}: {self:?}");
        };
        let (mut device, mut login, mut now) = (Device::new(), Login::new(), NOW);
        let mut account = None;
        for n in 0..60 {
            match login.poll(&mut device, now) {
                Err(Interrupt::Send(request)) => login.handle(self.answer(&request, n)),
                Err(Interrupt::Sleep(time)) => now = now.after(time),
                Ok(Progress::LoggedIn(opened)) => {
                    account = Some(*opened);
                    break;
                }
                Ok(_) => {}
                Err(other) => panic!("{other:?}"),
            }
        }
        let mut account: Account = account.expect("it logs in");
        check(account.session(), 0);
        let mut inbox = Inbox::new();
        let mut heard = 0;
        for n in 0..2 * self.count.min(300) + 20 {
            match inbox.poll(&mut account, now) {
                Err(Interrupt::Send(request)) => {
                    inbox.handle(self.answer(&request, n));
                    check(account.session(), heard);
                    heard = 0;
                }
                Err(Interrupt::Sleep(time)) => now = now.after(time),
                Ok(_) => heard += 1,
                Err(_) => {}
            }
        }
        // Twice: where the key stands still, the batch before is open, too.
        check(account.session(), 2 * self.count);
    }
}

/// Threats N6, S3, S4 and J7: the largest of everything.
#[test]
fn a_stored_session_stays_small() {
    Chatter { length: 4095, letter: "\"", count: 1200, cookies: 2 }.play();
    Chatter { length: 150_000, letter: "\u{1}", count: 2, cookies: 2 }.play();
    Chatter { length: 1_000, letter: "\\", count: 300, cookies: 100 }.play();
    Chatter { length: 20_000, letter: "雨", count: 300, cookies: 1 }.play();
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))]

    /// The same for anything in between.
    #[test]
    fn a_stored_session_stays_small_whatever_is_said(
        length in 0_usize..5000,
        count in 0_usize..150,
        cookies in 0_usize..40,
        letter in prop::sample::select(alloc::vec!["x", "\"", "\\", "\u{1}", "雨", ";", "&#34;"]),
    ) {
        Chatter { length, letter, count, cookies }.play();
    }
}
