use alloc::format;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;
use core::time::Duration;

use super::*;
use crate::error::Ret;
use crate::hosts::{Family, Hosts};
use crate::login::testing::*;
use crate::testing::{failed, ok, reply, status, with_cookies};

#[path = "flow_push_tests.rs"]
mod pushed;
#[path = "flow_trouble_tests.rs"]
mod trouble;

impl Stage<Login> {
    fn new(replies: &[&str]) -> Self {
        Self::of(Login::new(), replies)
    }

    fn code(&mut self) {
        assert_eq!(self.output(), "code");
    }

    fn logged_in(&mut self) -> Box<Account> {
        match self.next() {
            Ok(Progress::LoggedIn(account)) => account,
            other => panic!("{other:?}"),
        }
    }

    /// Returns whether any request was sent to this host, or names it in a header.
    fn went_to(&self, host: &str) -> bool {
        let names =
            |value: &http::HeaderValue| value.to_str().is_ok_and(|value| value.contains(host));
        self.hosts().contains(&host)
            || self.host.requests.iter().any(|request| request.http.headers().values().any(names))
    }
}

#[test]
fn login_completes() {
    let mut stage = Stage::new(&[CODE, PENDING, SCANNED, SCANNED, PENDING]);
    stage.then(&[&*confirmed("wx2.qq.com")]);
    let lines = ["wxsid=s1d; Path=/; Secure", "webwx_data_ticket=gS/+=; Domain=.qq.com; Path=/"];
    let page = with_cookies(reply(PAGE), &lines);
    stage.then_input(Input::Reply(Ok(page))).then(&[INIT, DONE]);
    let Ok(Progress::Code { uuid }) = stage.next() else { panic!() };
    assert_eq!(uuid.as_str(), "gf5Gk61zEA==");
    let Ok(Progress::Scanned { avatar }) = stage.next() else { panic!() };
    assert!(avatar.unwrap().starts_with("data:"));
    let account = stage.logged_in();
    assert_eq!(
        stage.requested(),
        [
            "jslogin", "login", "login", "login", "login", "login", "webwxnewloginpage",
            "webwxinit", "webwxstatusnotify"
        ]
    );
    // `tip` is 1 in the first poll and 0 thereafter: `docs/protocol.md` §3.3.
    let tips: Vec<bool> = stage
        .host
        .requests
        .iter()
        .skip(1)
        .take(5)
        .map(|request| request.http.uri().query().unwrap().contains("&tip=1&"))
        .collect();
    assert_eq!(tips, [true, false, false, false, false]);
    // The redirect is requested as received, with three additional parameters.
    let redeem = stage.host.requests.get(6).unwrap().http.uri().to_string();
    assert_eq!(
        redeem,
        "https://wx2.qq.com/cgi-bin/mmwebwx-bin/webwxnewloginpage?ticket=BXegf@qrticket_0&uuid=Ye==&lang=zh_CN&scan=1&fun=new&version=v2&lang=zh_CN"
    );
    // Later requests carry the cookies of the login page, and the caller's device keeps them.
    let init = &stage.host.requests.get(7).unwrap().http;
    assert_eq!(init.headers()[http::header::COOKIE], "webwx_data_ticket=gS/+=; wxsid=s1d");
    assert_eq!(init.uri().host(), Some("wx2.qq.com"));
    let stored = |device: &Device| serde_json::to_string(&device.jar).unwrap();
    assert_eq!(stored(&stage.device), stored(&account.session.device));
    assert_eq!(account.session.auth.skey.expose(), "@crypt_2");
    assert_eq!(account.directory.len(), 1);
    assert_eq!(account.session.chat_set().len(), 2);
    assert_eq!(account.close_reason().map(|error| error.to_string()), None);
}

/// Checks the outputs and the requests for each list of replies. A push login is of an account on
/// `wx2.qq.com`; its second host is the login host (`docs/protocol.md` §1.1, §3.4, §3.5, §3.7).
#[test]
fn each_list_of_replies_has_its_outputs() {
    let (confirmed, html) = (&*confirmed("wx.qq.com"), "<!DOCTYPE html><html><head></head></html>");
    let no_init =
        r#"{"BaseResponse":{"Ret":-14},"User":{"UserName":""},"SyncKey":{"Count":0,"List":[]}}"#;
    let code = || Stage::new(&[]);
    let push = || pushed::again(&[]);
    let unknown = || Stage::of(Login::again(), &[]);
    type Row<'a> = (&'a str, &'a dyn Fn() -> Stage<Login>, &'a [&'a str]);
    let rows: &[Row<'_>] = &[
        ("cancelled", &code, &[CODE, SCANNED, CANCELLED, CODE, SCANNED]),
        ("refused", &code, &[CODE, confirmed, REFUSED, CODE]),
        ("three HTML pages", &code, &[CODE, confirmed, html, html, html, CODE]),
        ("two HTML pages", &code, &[CODE, confirmed, html, html, PAGE, INIT, DONE]),
        (
            "init refused three times",
            &code,
            &[CODE, confirmed, PAGE, no_init, no_init, no_init, CODE],
        ),
        ("init refused twice", &code, &[CODE, confirmed, PAGE, no_init, no_init, INIT, DONE]),
        // The announcement is sent once, and the session is open even if it fails.
        ("malformed announcement", &code, &[CODE, confirmed, PAGE, INIT, html]),
        ("refused announcement", &code, &[CODE, confirmed, PAGE, INIT, no_init]),
        ("failed announcement", &code, &[CODE, confirmed, PAGE, INIT, "!"]),
        // The next login uses a code as well, although the account is known by then.
        ("push of an unknown account", &unknown, &[CODE, confirmed, PAGE, INIT, DONE, CODE]),
        ("push refused", &push, &[UNKNOWN, PUSHED]),
        ("push refused twice", &push, &[UNKNOWN, UNKNOWN, CODE]),
        ("push malformed", &push, &["", r#"{"ret":0,"uuid":"/"}"#, CODE]),
        ("push answered like a closed session", &push, &[r#"{"ret":1101}"#, "<html></html>", CODE]),
        ("push expired", &push, &[PUSHED, SCANNED, EXPIRED, CODE]),
        ("push ended", &push, &[PUSHED, SCANNED, "window.code=500;", CODE]),
        ("push confirmed and refused", &push, &[PUSHED, confirmed, REFUSED, CODE]),
        ("push fails twice", &push, &["!", "!", PUSHED]),
        ("push fails three times on each host", &push, &["!", "!", "!", "!", "!", "!", CODE]),
        // A refusal is a response, so that earlier failures do not count against the other host.
        ("failures per host", &push, &["!", "!", UNKNOWN, "!", "!", PUSHED]),
    ];
    let mut text = String::new();
    for (label, start, replies) in rows {
        let mut stage = start();
        let outputs = stage.then(replies).outputs();
        text += &format!("{label}: {outputs} ({})\n", stage.requests());
        assert_eq!(stage.device.closed(), None, "{label}");
        // The code after a refused push is not delayed.
        assert!(!label.starts_with("push refused") || stage.host.slept.is_zero(), "{label}");
    }
    insta::assert_snapshot!(text, @r"
    cancelled: code, scanned, cancelled, code, scanned (login.wx.qq.com/jslogin login.wx.qq.com/login*2 login.wx.qq.com/jslogin login.wx.qq.com/login)
    refused: code, webwxnewloginpage was refused with 1203 (login not allowed on the web): 为了你的帐号安全, code (login.wx.qq.com/jslogin login.wx.qq.com/login wx.qq.com/webwxnewloginpage login.wx.qq.com/jslogin)
    three HTML pages: code, webwxnewloginpage did not return the login page's XML: an HTML page, code (login.wx.qq.com/jslogin login.wx.qq.com/login wx.qq.com/webwxnewloginpage*3 login.wx.qq.com/jslogin)
    two HTML pages: code, logged in (login.wx.qq.com/jslogin login.wx.qq.com/login wx.qq.com/webwxnewloginpage*3 wx.qq.com/webwxinit wx.qq.com/webwxstatusnotify)
    init refused three times: code, webwxinit was refused with -14 (invalid ticket), code (login.wx.qq.com/jslogin login.wx.qq.com/login wx.qq.com/webwxnewloginpage wx.qq.com/webwxinit*3 login.wx.qq.com/jslogin)
    init refused twice: code, logged in (login.wx.qq.com/jslogin login.wx.qq.com/login wx.qq.com/webwxnewloginpage wx.qq.com/webwxinit*3 wx.qq.com/webwxstatusnotify)
    malformed announcement: code, logged in (login.wx.qq.com/jslogin login.wx.qq.com/login wx.qq.com/webwxnewloginpage wx.qq.com/webwxinit wx.qq.com/webwxstatusnotify)
    refused announcement: code, logged in (login.wx.qq.com/jslogin login.wx.qq.com/login wx.qq.com/webwxnewloginpage wx.qq.com/webwxinit wx.qq.com/webwxstatusnotify)
    failed announcement: code, logged in (login.wx.qq.com/jslogin login.wx.qq.com/login wx.qq.com/webwxnewloginpage wx.qq.com/webwxinit wx.qq.com/webwxstatusnotify)
    push of an unknown account: code, logged in, code (login.wx.qq.com/jslogin login.wx.qq.com/login wx.qq.com/webwxnewloginpage wx.qq.com/webwxinit wx.qq.com/webwxstatusnotify login.wx.qq.com/jslogin)
    push refused: on phone (wx2.qq.com/webwxpushloginurl login.wx2.qq.com/webwxpushloginurl)
    push refused twice: code (wx2.qq.com/webwxpushloginurl login.wx2.qq.com/webwxpushloginurl login.wx2.qq.com/jslogin)
    push malformed: code (wx2.qq.com/webwxpushloginurl login.wx2.qq.com/webwxpushloginurl login.wx2.qq.com/jslogin)
    push answered like a closed session: code (wx2.qq.com/webwxpushloginurl login.wx2.qq.com/webwxpushloginurl login.wx2.qq.com/jslogin)
    push expired: on phone, scanned, code (wx2.qq.com/webwxpushloginurl login.wx2.qq.com/login*2 login.wx2.qq.com/jslogin)
    push ended: on phone, scanned, code (wx2.qq.com/webwxpushloginurl login.wx2.qq.com/login*2 login.wx2.qq.com/jslogin)
    push confirmed and refused: on phone, webwxnewloginpage was refused with 1203 (login not allowed on the web): 为了你的帐号安全, code (wx2.qq.com/webwxpushloginurl login.wx2.qq.com/login wx.qq.com/webwxnewloginpage login.wx.qq.com/jslogin)
    push fails twice: on phone (wx2.qq.com/webwxpushloginurl*3)
    push fails three times on each host: code (wx2.qq.com/webwxpushloginurl*3 login.wx2.qq.com/webwxpushloginurl*3 login.wx2.qq.com/jslogin)
    failures per host: on phone (wx2.qq.com/webwxpushloginurl*3 login.wx2.qq.com/webwxpushloginurl*3)
    ");
}

#[test]
fn login_switches_to_every_family() {
    for family in Family::WEB {
        let mut stage = Stage::new(&[CODE, &confirmed(family.host()), PAGE, INIT, DONE]);
        assert_eq!(stage.outputs(), "code, logged in");
        assert_eq!(stage.device.hosts(), &Hosts::new(family));
        let hosts = stage.host.requests.iter().skip(2).map(|request| request.http.uri().host());
        assert!(hosts.into_iter().all(|host| host == Some(family.host())), "{family:?}");
    }
}

/// Threats N1, N2: no request is sent to a host outside the table.
#[test]
fn untrusted_hosts_receive_no_request() {
    for evil in [
        "evil.example", "wx.qq.com.evil.example", "wx.qq.com@evil.example",
        "evil.example:443@wx.qq.com", "wx.qq.com:8443", "wx.qq.com.", "login.wx.qq.com",
        "127.0.0.1",
    ] {
        let mut stage = Stage::new(&[CODE, &confirmed(evil), CODE]);
        stage.code();
        assert!(matches!(stage.next(), Err(Error::Untrusted { .. })), "{evil}");
        assert_eq!(stage.device.hosts(), &Hosts::default());
        // The login starts again.
        stage.code();
        assert_eq!(stage.requested(), ["jslogin", "login", "jslogin"]);
        assert!(evil == "login.wx.qq.com" || !stage.went_to(evil), "{evil}");
        assert!(!stage.went_to("evil.example"), "{evil}");
        assert!(stage.host.requests.iter().all(|r| r.http.uri().host() == Some("login.wx.qq.com")));
    }
}

#[test]
fn a_single_origin_receives_all_requests() {
    let mut stage = Stage::new(&[CODE, &confirmed("wx.qq.com")]);
    stage.device = Device::new().with_hosts(Hosts::all("http://127.0.0.1:99".parse().unwrap()));
    stage.code();
    assert!(matches!(stage.next(), Err(Error::Untrusted { .. })));
    stage.then(&[CODE, &confirmed("127.0.0.1:99").replace("https", "http"), PAGE, INIT, DONE]);
    assert_eq!(stage.outputs(), "code, logged in");
    assert!(stage.host.requests.iter().all(|r| r.http.uri().host() == Some("127.0.0.1")));
}

#[test]
fn a_code_is_renewed_five_times() {
    for text in [EXPIRED, "window.code=500;"] {
        let mut stage = Stage::new(&[]);
        // The login starts again, with the same number of renewals.
        for _ in 0..2 {
            stage.then(&[CODE]).code();
            for _ in 0..5 {
                stage.then(&[text, CODE]).code();
            }
            stage.then(&[text]);
            assert!(matches!(stage.next(), Err(Error::NotConfirmed)));
        }
        assert_eq!(stage.requested().iter().filter(|name| **name == "jslogin").count(), 12);
    }
}

/// Threat N4: the older form is a redirect without a `Location`. A `Location` is ignored.
#[test]
fn login_page_with_status_301_is_parsed() {
    let mut page = status(301, PAGE);
    page.headers_mut().insert(http::header::LOCATION, "https://evil.example/".parse().unwrap());
    let mut stage = Stage::new(&[CODE, &confirmed("wx.qq.com")]);
    stage.then_input(Input::Reply(Ok(page))).then(&[INIT, DONE]);
    assert_eq!(stage.outputs(), "code, logged in");
    assert!(!stage.went_to("evil.example"));
}

/// `docs/shapes.md` S21.
#[test]
fn login_switches_to_the_accounts_host() {
    let elsewhere = |host: &str| {
        format!("<error><ret>0</ret><redirecturl>https://{host}/?a=b</redirecturl></error>")
    };
    let mut stage = Stage::new(&[CODE]);
    stage.then(&[&*confirmed("wx.qq.com"), &elsewhere("web2.wechat.com"), CODE]);
    assert_eq!(stage.outputs(), "code, code");
    assert_eq!(stage.last().http.uri().host(), Some("login.web2.wechat.com"));
    assert_eq!(stage.device.hosts(), &Hosts::new(Family::Web2));
    // The number of switches is limited like that of renewals.
    for _ in 0..4 {
        stage.then(&[&*confirmed("wx.qq.com"), &elsewhere("wx2.qq.com"), CODE]).code();
    }
    stage.then(&[&*confirmed("wx.qq.com"), &elsewhere("wx2.qq.com")]);
    assert!(matches!(stage.next(), Err(Error::NotConfirmed)));

    let mut stage = Stage::new(&[CODE]);
    stage.then(&[&*confirmed("wx.qq.com"), &elsewhere("evil.example"), CODE]).code();
    assert!(matches!(stage.next(), Err(Error::Untrusted { .. })));
    stage.code();
    assert!(!stage.went_to("evil.example"));
}

/// `docs/protocol.md` §4.1.
#[test]
fn init_without_a_key_is_repeated_once() {
    let mut stage = Stage::new(&[CODE, &confirmed("wx.qq.com"), PAGE, EMPTY, INIT, DONE]);
    stage.code();
    let account = stage.logged_in();
    assert!(!account.session.sync_key.is_empty());
    // The request is repeated only once. The second reply is accepted without a key.
    let mut stage = Stage::new(&[CODE, &confirmed("wx.qq.com"), PAGE, EMPTY, EMPTY, DONE]);
    stage.code();
    let account = stage.logged_in();
    assert!(account.session.sync_key.is_empty());
    // An empty `SKey` does not replace another.
    assert_eq!(account.session.auth.skey.expose(), "@crypt_1");
}
