//! Threats N1, N2, N4, N5, N8: a foreign host listens under every look-alike name, and the service
//! tries to send a bot there. No connection arrives.

use std::io::Read as _;
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, HOST};
use http::{HeaderValue, Response, StatusCode, Uri};
use wechat_proto::contact::BatchGetContacts;
use wechat_proto::flow::{self, Flow, Input, Interrupt, Want};
use wechat_proto::hosts::{Origin, Role};
use wechat_proto::login::Progress;
use wechat_proto::media::{GetContactPicture, GetMap};
use wechat_proto::sync::FetchBatch;
use wechat_proto::{Body, Device, Error, Hosts, Timestamp};
use wechat_simulator::World;

use super::with_hosts;
use crate::contacts::rooms;
use crate::media::downloads;
use crate::messages::sending;
use crate::sessions::{entries, misc, story};
use crate::wire::memory::Recorder;
use crate::wire::{Bot, Hyper, Memory, Place, Ureq, on_both_adapters};

/// A world and a scenario that runs in it.
type Scenario = (World, fn(&Place));

/// Names that resolve to the foreign host: look-alikes, parents, siblings, and hosts of the same
/// company with other purposes.
const NAMES: [&str; 16] = [
    "evil.example", "wx.qq.com.evil.test", "wx2.qq.com.evil.test", "evilwx.qq.com",
    "evil.wx.qq.com", "wx3.qq.com", "wxqq.com", "qq.com", "com", "www.qq.com", "wechat.com",
    "res.wx.qq.com", "weixin110.qq.com", "push.weixin.qq.com", "webpush2.weixin.qq.com",
    "localhost",
];

/// A listener that accepts every connection and records the first bytes of each.
struct ForeignHost {
    address: SocketAddr,
    received: Arc<Mutex<Vec<String>>>,
}

impl ForeignHost {
    fn listen(place: &Place) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let received = Arc::<Mutex<Vec<String>>>::default();
        let kept = Arc::clone(&received);
        thread::spawn(move || {
            for mut socket in listener.incoming().map_while(Result::ok) {
                let mut bytes = [0; 4096];
                let _ = socket.set_read_timeout(Some(Duration::from_secs(10)));
                let length = socket.read(&mut bytes).unwrap_or_default();
                kept.lock().unwrap().push(String::from_utf8_lossy(&bytes[..length]).into_owned());
            }
        });
        for name in NAMES {
            place.resolve(name, address);
        }
        Self { address, received }
    }

    /// Returns an origin that a client could reach: by name over TLS, by its loopback port over
    /// HTTP.
    fn origin(&self, place: &Place) -> String {
        match place.has_one_origin() {
            true => format!("http://{}", self.address),
            false => "https://evil.example".to_owned(),
        }
    }

    /// Returns its origins in all spellings.
    fn origins(&self, place: &Place) -> Vec<String> {
        let mut all = vec![self.origin(place), format!("http://localhost:{}", self.address.port())];
        all.extend(NAMES.map(|name| format!("https://{name}")));
        all.push(format!("https://wx.qq.com@{}", self.address));
        all.push("https://wx.qq.com:443@evil.example".to_owned());
        all.push("https://evil.example#.wx.qq.com".to_owned());
        all.push("https://evil.example\\@wx.qq.com".to_owned());
        all
    }

    fn received(&self) -> Vec<String> {
        self.received.lock().unwrap().clone()
    }
}

/// Adds redirects, links and cookies for the foreign host to every response.
fn add_foreign_addresses(place: &Place, foreign: &ForeignHost) {
    let origin = foreign.origin(place);
    let mut world = place.world();
    let mut add = |name, value: String| {
        world.add_header(name, HeaderValue::try_from(value).unwrap());
    };
    add("location", format!("{origin}/cgi-bin/mmwebwx-bin/webwxnewloginpage?ticket=planted"));
    add("content-location", format!("{origin}/"));
    add("refresh", format!("0; url={origin}/"));
    add("link", format!("<{origin}/>; rel=preload"));
    add("alt-svc", "h2=\"evil.example:443\"; ma=9999, h3=\"evil.example:443\"".to_owned());
    add("www-authenticate", "Basic realm=\"wx\"".to_owned());
    if place.has_one_origin() {
        // A single origin serves all roles here, so it may set cookies with any domain.
        return;
    }
    for domain in ["evil.example", "com", ".com", "qq.com.evil.example", "127.0.0.2"] {
        add("set-cookie", format!("planted=1; Domain={domain}; Path=/"));
    }
}

/// The listener is reachable: a bot connects to it if its caller configures that origin.
fn configured_host_is_reachable<B: Bot>(place: &Place) {
    let foreign = ForeignHost::listen(place);
    let session = B::confirmed(place).session();
    let api: Origin = foreign.origin(place).parse().unwrap();
    let hosts = session.device().hosts().clone().with(Role::Api, api);
    let session = with_hosts(&session, &hosts);
    B::resume(place, session).call(FetchBatch::new()).unwrap_err();
    let received = foreign.received();
    assert_eq!(received.len(), 1);
    assert!(!received[0].is_empty());
}

const PLACES: [fn(World) -> Place; 2] = [Place::http, Place::tls];

/// Returns scenarios that call every endpoint but the plain messages of `story`.
fn scenarios<B: Bot>() -> [Scenario; 7] {
    [
        (entries::world(), entries::pushed::<B>),
        (downloads::world(), downloads::everything::<B>),
        (rooms::world(), rooms::contacts::<B>),
        (rooms::world(), rooms::friends::<B>),
        (rooms::world(), rooms::rooms::<B>),
        (sending::world(), sending::sends::<B>),
        (misc::world(), misc::all_calls::<B>),
    ]
}

/// Threats N4, N5: scenarios of every kind, with foreign addresses in every response.
fn foreign_addresses_in_responses_are_ignored<B: Bot>(place: fn(World) -> Place) {
    let story: Scenario = (story::world(), |place| {
        story::script(&place.simulator);
        assert_eq!(story::run_bot::<B>(place).unwrap().received.len(), 225);
    });
    for (world, scenario) in scenarios::<B>().into_iter().chain([story]) {
        let place = place(world);
        let foreign = ForeignHost::listen(&place);
        add_foreign_addresses(&place, &foreign);
        scenario(&place);
        assert_eq!(foreign.received(), Vec::<String>::new());
        let world = place.world();
        assert!(world.log().len() > 5);
        for logged in world.log() {
            let cookies = logged.request.headers().get("cookie");
            assert!(cookies.is_none_or(|list| !list.to_str().unwrap().contains("planted")));
            assert!(!logged.request.headers().contains_key("authorization"));
        }
    }
}

/// A flow that sends a recorded request and returns the response unchanged.
struct Raw {
    request: Option<flow::Request>,
    reply: Option<Response<Bytes>>,
}

impl Flow for Raw {
    type State = Device;
    type Output = Response<Bytes>;

    fn poll(&mut self, _: &mut Device, _: Timestamp) -> Result<Self::Output, Interrupt> {
        match self.request.take() {
            Some(request) => Err(Interrupt::Send(Box::new(request))),
            None => Ok(self.reply.take().expect("a response")),
        }
    }

    fn handle(&mut self, input: Input) {
        if let Input::Reply(reply) = input {
            self.reply = Some(reply.expect("a response"));
        }
    }
}

/// Returns one recorded request for each route.
fn one_request_per_route() -> Vec<(String, http::Request<Bytes>)> {
    let mut all: Vec<(String, http::Request<Bytes>)> = Vec::new();
    for (world, scenario) in scenarios::<Memory>() {
        for (_, request) in Recorder::of(&Place::memory(world), scenario) {
            let name = request.uri().path().rsplit('/').next().unwrap().to_owned();
            if !all.iter().any(|(known, _)| *known == name) {
                all.push((name, request));
            }
        }
    }
    all
}

/// Threat N4: a `Location` header is not followed with any status, on any route, with or without a
/// body.
fn redirects_are_not_followed<B: Bot>(place: &Place) {
    let foreign = ForeignHost::listen(place);
    let mut bot = B::confirmed(place);
    let routes = one_request_per_route();
    assert!(routes.len() >= 25, "{:?}", routes.iter().map(|(name, _)| name).collect::<Vec<_>>());
    let hosts = bot.session().device().hosts().clone();
    for (name, request) in &routes {
        for status in [301, 302, 303, 307, 308, 300, 305, 401] {
            let (mut head, body) = request.clone().into_parts();
            if place.has_one_origin() {
                let path = head.uri.path_and_query().unwrap();
                head.uri = format!("{}{path}", hosts.origin(Role::Api)).parse::<Uri>().unwrap();
                let host = hosts.origin(Role::Api).authority();
                head.headers.insert(HOST, HeaderValue::from_str(host).unwrap());
            }
            if !body.is_empty() {
                head.headers.insert(CONTENT_LENGTH, HeaderValue::from(body.len()));
            }
            let there = format!("{}{}", foreign.origin(place), head.uri.path());
            let reply = Response::builder().status(status).header("location", there);
            place.world().reply_with(name, reply.body(Bytes::new()).unwrap());
            let request = flow::Request {
                http: http::Request::from_parts(head, Body::from(body)),
                deadline: Duration::from_secs(10),
                want: Want::Whole { limit: 1 << 16 },
            };
            let reply = bot.run(&mut Raw { request: Some(request), reply: None }).unwrap();
            assert_eq!(reply.status(), StatusCode::from_u16(status).unwrap(), "{name}");
        }
    }
    assert_eq!(foreign.received(), Vec::<String>::new());
}

/// Threats N1, N2: a login contacts no foreign host named by `redirect_uri`, `redirecturl` or a
/// uuid.
fn login_rejects_foreign_hosts<B: Bot>(place: &Place) {
    let foreign = ForeignHost::listen(place);
    let page = "/cgi-bin/mmwebwx-bin/webwxnewloginpage?ticket=planted&uuid=x&scan=1";
    for origin in foreign.origins(place) {
        let script = format!("window.code=200;\nwindow.redirect_uri=\"{origin}{page}\";");
        place.world().reply_with("login", Response::new(script.into()));
        let error = B::login(place, |_| {}).err().expect("the login succeeded");
        assert!(matches!(error, Error::Untrusted { .. }), "{origin}: {error:?}");
        assert!(place.world().log().iter().all(|l| l.endpoint != "webwxnewloginpage"));
    }
    let mut elsewhere = 0;
    for origin in foreign.origins(place) {
        place.confirm_login();
        let page = format!(
            "<error><ret>0</ret><message/><redirecturl>{}{page}</redirecturl></error>",
            origin.replace('&', "&amp;")
        )
        .replace("&uuid", "&amp;uuid")
        .replace("&scan", "&amp;scan");
        place.world().reply_with("webwxnewloginpage", Response::new(page.into()));
        let error = B::login(place, |_| {}).err().expect("the login succeeded");
        elsewhere += usize::from(matches!(error, Error::Untrusted { .. }));
    }
    assert_eq!(elsewhere, foreign.origins(place).len());

    let session = B::confirmed(place).session();
    for uuid in [
        format!("@{}", foreign.address),
        format!("{}/l/x", foreign.origin(place)),
        format!("//{}/", foreign.address),
        "a==&redirect_uri=https://evil.example/".to_owned(),
        "a==\\r\\nHost: evil.example".to_owned(),
        "../../..//evil.example/".to_owned(),
        "a==?@evil.example".to_owned(),
        "a==#".to_owned(),
        "a\\u0000b".to_owned(),
    ] {
        for _ in 0..2 {
            let reply = format!("{{\"ret\":\"0\",\"msg\":\"all ok\",\"uuid\":\"{uuid}\"}}");
            place.world().reply_with("webwxpushloginurl", Response::new(reply.into()));
        }
        let script = format!("window.QRLogin.code = 200; window.QRLogin.uuid = \"{uuid}\";");
        place.world().reply_with("jslogin", Response::new(script.into()));
        // The next code is valid, but its redirect is foreign.
        let script =
            format!("window.code=200;window.redirect_uri=\"{}{page}\";", foreign.origin(place));
        place.world().reply_with("login", Response::new(script.into()));
        let mut codes = Vec::new();
        let again = B::login_again(place, &mut session.clone().into_device(), |step| {
            if let Progress::Code { uuid } = step {
                codes.push(uuid.url());
            }
        });
        assert!(again.is_err(), "{uuid}");
        let code = "https://login.weixin.qq.com/l/";
        let plain = |url: &String| {
            let uuid = url.strip_prefix(code).unwrap_or("?");
            uuid.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-=".contains(&byte))
        };
        assert!(codes.iter().all(plain), "{uuid} {codes:?}");
        // Discards scripted responses that were not used.
        place.world().forget_replies();
    }
    assert_eq!(foreign.received(), Vec::<String>::new());
}

/// Threat N8: picture and map links to other hosts are rejected.
fn foreign_picture_links_are_rejected<B: Bot>(place: &Place) {
    let foreign = ForeignHost::listen(place);
    let mut bot = B::confirmed(place);
    let path = "/cgi-bin/mmwebwx-bin/webwxgeticon?seq=1&username=@x&skey=";
    for origin in foreign.origins(place) {
        let pictures = format!("{origin}{path}");
        let reply = serde_json::json!({
            "BaseResponse": {"Ret": 0, "ErrMsg": ""}, "Count": 1,
            "ContactList": [{"UserName": "@x", "NickName": "x", "HeadImgUrl": pictures}],
        });
        let reply = Response::new(reply.to_string().into());
        place.world().reply_with("webwxbatchgetcontact", reply);
        let names = ["@x".parse().unwrap()];
        let found = bot.call(BatchGetContacts::new(&names)).unwrap();
        assert!(GetContactPicture::of(&found[0]).is_err(), "{origin}");
        assert!(GetContactPicture::new(&pictures).is_err(), "{origin}");
        let map = "/cgi-bin/mmwebwx-bin/webwxgetpubliclinkimg?url=x&msgid=1&pictype=location";
        for map in [format!("{origin}{map}"), format!("@{origin}{map}"), format!("//{origin}{map}")]
        {
            assert!(GetMap::new(&map).is_err(), "{map}");
        }
    }
    assert_eq!(foreign.received(), Vec::<String>::new());
}

/// Cookies of one host are not sent to another host that the caller configures instead.
fn cookies_stay_with_their_host<B: Bot>(place: &Place) {
    let foreign = ForeignHost::listen(place);
    let session = B::confirmed(place).session();
    let before = place.world().log().len();
    let cookies = session.to_json().matches("\"wxsid\"").count();
    assert!(cookies > 0);
    let there = match place.has_one_origin() {
        true => format!("http://localhost:{}", foreign.address.port()),
        false => foreign.origin(place),
    };
    let there: Origin = there.parse().unwrap();
    let device = session.into_device().with_hosts(Hosts::all(there));
    let mut device = device;
    assert!(B::login_on(place, &mut device, |_| {}).is_err());
    let received = foreign.received();
    assert!(!received.is_empty());
    assert!(
        received.iter().all(|text| !text.to_ascii_lowercase().contains("cookie")),
        "{received:?}"
    );
    assert_eq!(place.world().log().len(), before);
}

on_both_adapters! {
    configured_host_is_reachable in entries::world();
    redirects_are_not_followed in entries::world();
    login_rejects_foreign_hosts in entries::world();
    foreign_picture_links_are_rejected in entries::world();
    cookies_stay_with_their_host in entries::world();
}

#[test]
fn foreign_addresses_in_responses_are_ignored_over_ureq() {
    PLACES.into_iter().for_each(foreign_addresses_in_responses_are_ignored::<Ureq>);
}

#[test]
fn foreign_addresses_in_responses_are_ignored_over_hyper() {
    PLACES.into_iter().for_each(foreign_addresses_in_responses_are_ignored::<Hyper>);
}
