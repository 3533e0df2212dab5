use alloc::borrow::ToOwned as _;
use alloc::collections::VecDeque;
use alloc::format;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;
use core::time::Duration;

use super::*;
use crate::error::{Failure, FailureKind, Ret, Sent};
use crate::flow::{Request, Response};
use crate::hosts::{Family, Hosts};
use crate::login::Redirect;
use crate::testing::{Host, reply};

pub(in crate::login) const CODE: &str =
    "window.QRLogin.code = 200; window.QRLogin.uuid = \"gf5Gk61zEA==\";";
pub(in crate::login) const PENDING: &str = "window.code=408;";
const SCANNED: &str = "window.code=201;window.userAvatar = 'data:img/jpg;base64,/9j';";
pub(in crate::login) const CANCELLED: &str = "window.code=202;";
pub(in crate::login) const EXPIRED: &str = "window.code=400;";
pub(in crate::login) const PAGE: &str = "<error><ret>0</ret><message>OK</message><skey>@crypt_1</skey><wxsid>s1d</wxsid><wxuin>752650838</wxuin><pass_ticket>t%2B</pass_ticket></error>";
pub(in crate::login) const REFUSED: &str =
    "<error><ret>1203</ret><message>为了你的帐号安全</message></error>";
pub(in crate::login) const INIT: &str = r#"{"BaseResponse":{"Ret":0},"User":{"UserName":"@me","Uin":752650838,"NickName":"Z"},"ContactList":[{"UserName":"@a","NickName":"A"}],"ChatSet":"@a,@@r,","SyncKey":{"Count":1,"List":[{"Key":1,"Val":5}]},"SKey":"@crypt_2"}"#;
const EMPTY: &str = r#"{"BaseResponse":{"Ret":0},"User":{"UserName":"@me","Uin":752650838},"SyncKey":{"Count":0,"List":[]},"SKey":""}"#;
pub(in crate::login) const DONE: &str = r#"{"BaseResponse":{"Ret":0}}"#;

pub(in crate::login) fn confirmed(host: &str) -> String {
    format!(
        "window.code=200;\nwindow.redirect_uri=\"https://{host}{}?ticket=BXegf@qrticket_0&uuid=Ye==&lang=zh_CN&scan=1\";",
        Redirect::PATH
    )
}

#[path = "flow_push_tests.rs"]
pub(in crate::login) mod pushed;
#[path = "flow_trouble_tests.rs"]
mod trouble;

/// Returns a reply with another status.
fn status(code: u16, body: &str) -> Response {
    let mut reply = reply(body);
    *reply.status_mut() = http::StatusCode::from_u16(code).unwrap();
    reply
}

fn failure(kind: FailureKind) -> Input {
    Input::Reply(Err(Failure::new(kind, Sent::Maybe)))
}

/// A login, its device, and the next replies.
struct Stage {
    host: Host,
    login: Login,
    device: Device,
    replies: VecDeque<Input>,
}

impl Stage {
    fn new<const N: usize>(replies: [&str; N]) -> Self {
        let mut stage = Self {
            host: Host::new(),
            login: Login::new(),
            device: Device::new(),
            replies: VecDeque::new(),
        };
        stage.then(replies);
        stage
    }

    fn then<const N: usize>(&mut self, replies: [&str; N]) -> &mut Self {
        self.replies.extend(replies.map(|text| Input::Reply(Ok(reply(text)))));
        self
    }

    fn then_input(&mut self, input: Input) -> &mut Self {
        self.replies.push_back(input);
        self
    }

    fn next(&mut self) -> Result<Progress, Error> {
        let replies = &mut self.replies;
        self.host.run(&mut self.login, &mut self.device, |_| {
            replies.pop_front().expect("no more requests than replies")
        })
    }

    fn code(&mut self) {
        assert!(matches!(self.next(), Ok(Progress::Code { .. })));
    }

    fn logged_in(&mut self) -> Box<Account> {
        match self.next() {
            Ok(Progress::LoggedIn(account)) => account,
            other => panic!("{other:?}"),
        }
    }

    fn last(&self) -> &Request {
        self.host.requests.last().unwrap()
    }

    fn asked(&self) -> Vec<&str> {
        let name = |path: &'_ str| path.len() - path.rsplit('/').next().unwrap_or_default().len();
        self.host.paths.iter().map(|path| path.get(name(path)..).unwrap()).collect()
    }

    /// Returns whether any request was sent to this host, or names it in a header.
    fn went_to(&self, host: &str) -> bool {
        self.host.requests.iter().any(|request| {
            request.http.uri().host() == Some(host)
                || request
                    .http
                    .headers()
                    .values()
                    .any(|value| value.to_str().is_ok_and(|value| value.contains(host)))
        })
    }
}

#[test]
fn login_completes() {
    let mut stage = Stage::new([CODE, PENDING, SCANNED, SCANNED, PENDING]);
    stage.then([&*confirmed("wx2.qq.com")]);
    let mut page = reply(PAGE);
    for line in ["wxsid=s1d; Path=/; Secure", "webwx_data_ticket=gS/+=; Domain=.qq.com; Path=/"] {
        page.headers_mut().append(http::header::SET_COOKIE, line.parse().unwrap());
    }
    stage.then_input(Input::Reply(Ok(page))).then([INIT, DONE]);
    let Ok(Progress::Code { uuid }) = stage.next() else { panic!() };
    assert_eq!(uuid.as_str(), "gf5Gk61zEA==");
    let Ok(Progress::Scanned { avatar }) = stage.next() else { panic!() };
    assert!(avatar.unwrap().starts_with("data:"));
    let account = stage.logged_in();
    assert_eq!(
        stage.asked(),
        [
            "jslogin",
            "login",
            "login",
            "login",
            "login",
            "login",
            "webwxnewloginpage",
            "webwxinit",
            "webwxstatusnotify"
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
    // As received, with three additional parameters.
    let redeem = stage.host.requests.get(6).unwrap().http.uri().to_string();
    assert_eq!(
        redeem,
        "https://wx2.qq.com/cgi-bin/mmwebwx-bin/webwxnewloginpage?ticket=BXegf@qrticket_0&uuid=Ye==&lang=zh_CN&scan=1&fun=new&version=v2&lang=zh_CN"
    );
    // Later requests carry the cookies of the login page, and the lent device keeps them.
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

#[test]
fn login_switches_to_every_family() {
    for family in Family::WEB {
        let mut stage = Stage::new([CODE]);
        stage.then([&*confirmed(family.host()), PAGE, INIT, DONE]);
        stage.code();
        stage.logged_in();
        assert_eq!(stage.device.hosts(), &Hosts::new(family));
        let hosts = stage.host.requests.iter().skip(2).map(|request| request.http.uri().host());
        assert!(hosts.into_iter().all(|host| host == Some(family.host())), "{family:?}");
    }
}

/// Threats N1, N2: no request is sent to a host outside the table.
#[test]
fn untrusted_hosts_receive_no_request() {
    for evil in [
        "evil.example",
        "wx.qq.com.evil.example",
        "wx.qq.com@evil.example",
        "evil.example:443@wx.qq.com",
        "wx.qq.com:8443",
        "wx.qq.com.",
        "login.wx.qq.com",
        "127.0.0.1",
    ] {
        let mut stage = Stage::new([CODE]);
        stage.then([&*confirmed(evil), CODE]);
        stage.code();
        assert!(matches!(stage.next(), Err(Error::Untrusted { .. })), "{evil}");
        assert_eq!(stage.device.hosts(), &Hosts::default());
        // The login starts again.
        stage.code();
        assert_eq!(stage.asked(), ["jslogin", "login", "jslogin"]);
        assert!(evil == "login.wx.qq.com" || !stage.went_to(evil), "{evil}");
        assert!(!stage.went_to("evil.example"), "{evil}");
        assert!(stage.host.requests.iter().all(|r| r.http.uri().host() == Some("login.wx.qq.com")));
    }
}

#[test]
fn a_single_origin_receives_all_requests() {
    let mut stage = Stage::new([CODE]);
    stage.device = Device::new().with_hosts(Hosts::all("http://127.0.0.1:99".parse().unwrap()));
    stage.then([&*confirmed("wx.qq.com")]);
    stage.code();
    assert!(matches!(stage.next(), Err(Error::Untrusted { .. })));
    stage.then([CODE, &confirmed("127.0.0.1:99").replace("https", "http"), PAGE, INIT, DONE]);
    stage.code();
    stage.logged_in();
    assert!(stage.host.requests.iter().all(|r| r.http.uri().host() == Some("127.0.0.1")));
}

#[test]
fn a_cancelled_login_shows_another_code() {
    let mut stage = Stage::new([CODE, SCANNED, CANCELLED, CODE, SCANNED]);
    stage.code();
    assert!(matches!(stage.next(), Ok(Progress::Scanned { .. })));
    assert!(matches!(stage.next(), Ok(Progress::Cancelled)));
    stage.code();
    assert!(stage.host.requests.len() == 4);
    // The new code has a first poll, and its scan is reported again.
    assert!(matches!(stage.next(), Ok(Progress::Scanned { .. })));
    assert!(stage.last().http.uri().query().unwrap().contains("&tip=1&"));
}

#[test]
fn a_code_is_renewed_five_times() {
    for text in [EXPIRED, "window.code=500;"] {
        let mut stage = Stage::new([CODE]);
        for _ in 0..5 {
            stage.code();
            stage.then([text, CODE]);
        }
        stage.code();
        stage.then([text]);
        assert!(matches!(stage.next(), Err(Error::Expired)));
        assert_eq!(stage.asked().iter().filter(|name| **name == "jslogin").count(), 6);
        // The login starts again, with the same number of renewals.
        stage.then([CODE]);
        for _ in 0..5 {
            stage.code();
            stage.then([text, CODE]);
        }
        stage.code();
    }
}

/// `docs/protocol.md` §3.5.
#[test]
fn a_refusal_has_the_servers_text() {
    let mut stage = Stage::new([CODE]);
    stage.then([&*confirmed("wx.qq.com"), REFUSED, CODE]);
    stage.code();
    let Err(Error::Refused { ret, message, .. }) = stage.next() else { panic!() };
    assert_eq!((ret, &*message), (Ret::ENVIRONMENT, "为了你的帐号安全"));
    stage.code();
}

/// `docs/protocol.md` §3.4: three attempts, then another code.
#[test]
fn html_login_page_is_malformed() {
    let html = "<!DOCTYPE html><html><head></head></html>";
    let mut stage = Stage::new([CODE]);
    stage.then([&*confirmed("wx.qq.com"), html, html, html, CODE]);
    stage.code();
    let Err(Error::Malformed { endpoint, found, .. }) = stage.next() else { panic!() };
    assert_eq!((endpoint, &*found), ("webwxnewloginpage", "an HTML page"));
    stage.code();
    // The third attempt succeeds.
    stage.then([&*confirmed("wx.qq.com"), html, html, PAGE, INIT, DONE]);
    stage.logged_in();
}

/// Threat N4: the older form is a redirect without a `Location`. A `Location` is ignored.
#[test]
fn login_page_with_status_301_is_parsed() {
    let mut page = status(301, PAGE);
    page.headers_mut().insert(http::header::LOCATION, "https://evil.example/".parse().unwrap());
    let mut stage = Stage::new([CODE]);
    stage.then([&*confirmed("wx.qq.com")]).then_input(Input::Reply(Ok(page))).then([INIT, DONE]);
    stage.code();
    stage.logged_in();
    assert!(!stage.went_to("evil.example"));
}

/// `docs/shapes.md` S21.
#[test]
fn login_switches_to_the_accounts_host() {
    let elsewhere = |host: &str| {
        format!("<error><ret>0</ret><redirecturl>https://{host}/?a=b</redirecturl></error>")
    };
    let mut stage = Stage::new([CODE]);
    stage.then([&*confirmed("wx.qq.com"), &elsewhere("web2.wechat.com"), CODE]);
    stage.code();
    stage.code();
    assert_eq!(stage.last().http.uri().host(), Some("login.web2.wechat.com"));
    assert_eq!(stage.device.hosts(), &Hosts::new(Family::Web2));
    // The number of switches is limited like that of renewals.
    for _ in 0..4 {
        stage.then([&*confirmed("wx.qq.com"), &elsewhere("wx2.qq.com"), CODE]);
        stage.code();
    }
    stage.then([&*confirmed("wx.qq.com"), &elsewhere("wx2.qq.com")]);
    assert!(matches!(stage.next(), Err(Error::Expired)));

    let mut stage = Stage::new([CODE]);
    stage.then([&*confirmed("wx.qq.com"), &elsewhere("evil.example"), CODE]);
    stage.code();
    assert!(matches!(stage.next(), Err(Error::Untrusted { .. })));
    stage.code();
    assert!(!stage.went_to("evil.example"));
}

/// `docs/protocol.md` §4.1.
#[test]
fn init_without_a_key_is_repeated_once() {
    let mut stage = Stage::new([CODE]);
    stage.then([&*confirmed("wx.qq.com"), PAGE, EMPTY, INIT, DONE]);
    stage.code();
    let account = stage.logged_in();
    assert!(!account.session.sync_key.is_empty());
    // Only once: the second reply is accepted without a key.
    let mut stage = Stage::new([CODE]);
    stage.then([&*confirmed("wx.qq.com"), PAGE, EMPTY, EMPTY, DONE]);
    stage.code();
    let account = stage.logged_in();
    assert!(account.session.sync_key.is_empty());
    // An empty `SKey` does not replace another.
    assert_eq!(account.session.auth.skey.expose(), "@crypt_1");
}
