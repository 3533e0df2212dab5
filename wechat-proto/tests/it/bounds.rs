//! Sizes that a hostile service cannot exceed: checks `docs/bounds.md` against the code.

use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};

use wechat_fuzz::NOW;
use wechat_proto::login::{Login, Progress};
use wechat_proto::sync::Inbox;
use wechat_proto::{Account, Device, Flow, Input, Interrupt, Session, flow::Request};

use crate::reply;

const PAGE: &str = include_str!("../../docs/bounds.md");

/// Parses the number in a line of the page.
fn stated(words: &str) -> usize {
    let line = PAGE.lines().find(|line| line.contains(words)).unwrap_or_else(|| panic!("{words}"));
    let number = line.split("**").nth(1).unwrap();
    let (digits, unit) = number.split_once(' ').unwrap_or((number, ""));
    let number: usize = digits.replace(',', "").parse().unwrap();
    number * if unit == "MB" { 1 << 20 } else { 1 }
}

/// The constants named by the page have the values stated there.
#[test]
fn bounds_match_the_page() {
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

/// A service that sends as much data as it is allowed to.
#[derive(Clone, Debug)]
struct Chatter {
    /// The length of its strings, and the text that they repeat.
    length: usize,
    letter: &'static str,
    /// The number of elements of its lists.
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

    /// Runs a login and some batches; asserts that the stored session stays small.
    fn play(&self) {
        let check = |session: &Session, open: usize| {
            let length = session.to_json().len();
            let most = stated("A stored session, in bytes")
                + open * stated("for each message of such a batch");
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
        let mut account: Account = account.expect("the login succeeds");
        check(account.session(), 0);
        let mut inbox = Inbox::new();
        let mut delivered = 0;
        for n in 0..2 * self.count.min(300) + 20 {
            match inbox.poll(&mut account, now) {
                Err(Interrupt::Send(request)) => {
                    inbox.handle(self.answer(&request, n));
                    check(account.session(), delivered);
                    delivered = 0;
                }
                Err(Interrupt::Sleep(time)) => now = now.after(time),
                Ok(_) => delivered += 1,
                Err(_) => {}
            }
        }
        // Twice, because the previous batch is open as well if the key does not advance.
        check(account.session(), 2 * self.count);
    }
}

/// Threats N6, S3, S4 and J7: all values at their largest.
#[test]
fn a_stored_session_stays_small() {
    Chatter { length: 4095, letter: "\"", count: 1200, cookies: 2 }.play();
    Chatter { length: 150_000, letter: "\u{1}", count: 2, cookies: 2 }.play();
    Chatter { length: 1_000, letter: "\\", count: 300, cookies: 100 }.play();
    Chatter { length: 20_000, letter: "雨", count: 300, cookies: 1 }.play();
}

/// Threats N6, S3, S4 and J7: values of any smaller sizes.
#[test]
fn a_stored_session_stays_small_for_any_replies() {
    // A case takes a long time. The macro `proptest` would run `PROPTEST_CASES` of them, regardless
    // of its configuration.
    let cases = ProptestConfig::default().cases.div_ceil(16);
    let config = ProptestConfig { cases, source_file: Some(file!()), ..ProptestConfig::default() };
    let letter = prop::sample::select(vec!["x", "\"", "\\", "\u{1}", "雨", ";", "&#34;"]);
    let chatter = (0_usize..5000, 0_usize..150, 0_usize..40, letter);
    let tested = TestRunner::new(config).run(&chatter, |(length, count, cookies, letter)| {
        Chatter { length, letter, count, cookies }.play();
        Ok(())
    });
    tested.unwrap();
}
