//! A hand-written client with the requests of the official page, for the unit tests.

mod fetch;
mod send;

use std::collections::BTreeMap;

use bytes::Bytes;
use http::{Request, Response};
use serde_json::Value;

use crate::session::joined;
use crate::wire::request::encode;
use crate::{Contact, Simulator, World};
const AGENT: &str = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/98.0.4758.102 Safari/537.36";

pub(crate) struct Client {
    pub(crate) simulator: Simulator,
    pub(crate) page: String,
    pub(crate) login: String,
    pub(crate) uuid: String,
    pub(crate) tip: u8,
    pub(crate) redirect: String,
    pub(crate) skey: String,
    pub(crate) sid: String,
    pub(crate) uin: u64,
    pub(crate) pass_ticket: String,
    pub(crate) me: String,
    pub(crate) sync_key: Vec<(i64, i64)>,
    pub(crate) check_key: Vec<(i64, i64)>,
    pub(crate) cookies: BTreeMap<String, (String, String)>,
    pub(crate) devices: u64,
    pub(crate) sends: u64,
}

pub(crate) fn between<'a>(text: &'a str, start: &str, end: &str) -> &'a str {
    let rest = text.split_once(start).map_or("", |(_, rest)| rest);
    rest.split_once(end).map_or("", |(found, _)| found)
}

pub(crate) fn text(reply: &Response<Bytes>) -> &str {
    std::str::from_utf8(reply.body()).expect("UTF-8")
}

pub(crate) fn json(reply: &Response<Bytes>) -> Value {
    serde_json::from_slice(reply.body()).expect("JSON")
}

/// Returns the code of a reply.
pub(crate) fn ret(reply: &Response<Bytes>) -> i64 {
    json(reply)["BaseResponse"]["Ret"].as_i64().expect("a Ret")
}

fn keys(value: &Value) -> Vec<(i64, i64)> {
    let list = value["List"].as_array().expect("a list");
    assert_eq!(value["Count"], list.len());
    list.iter()
        .map(|item| (item["Key"].as_i64().expect("Key"), item["Val"].as_i64().expect("Val")))
        .collect()
}

impl Client {
    pub(crate) fn new(world: World) -> Self {
        Self {
            simulator: Simulator::new(world),
            page: "https://wx.qq.com".into(),
            login: "https://login.wx.qq.com".into(),
            uuid: String::new(),
            tip: 1,
            redirect: String::new(),
            skey: String::new(),
            sid: String::new(),
            uin: 0,
            pass_ticket: String::new(),
            me: String::new(),
            sync_key: Vec::new(),
            check_key: Vec::new(),
            cookies: BTreeMap::new(),
            devices: 0,
            sends: 0,
        }
    }

    /// Creates a client and logs it in.
    pub(crate) fn ready(mut world: World) -> Self {
        world.announce_recent_chats(false);
        let mut client = Self::new(world);
        client.log_in();
        client
    }

    /// Creates a client of another account, and logs it in.
    pub(crate) fn beside(&self, mut world: World) -> Self {
        world.announce_recent_chats(false);
        let simulator = self.simulator.add_account(world);
        let mut client = Self { simulator, ..Self::new(World::new(0)) };
        client.log_in();
        client
    }

    pub(crate) fn log_in(&mut self) {
        self.jslogin();
        self.simulator.world().phone().scan();
        assert!(text(&self.poll()).starts_with("window.code=201;window.userAvatar"));
        self.simulator.world().phone().confirm();
        self.poll();
        self.login_page();
        self.init();
        self.notify();
    }

    pub(crate) fn now(&self) -> u64 {
        self.simulator.now()
    }

    pub(crate) fn not(&self) -> i32 {
        !(self.now() as i32)
    }

    /// Returns the cookies for a host, as in a header.
    pub(crate) fn cookies_for(&self, host: &str) -> String {
        let one = host.starts_with("127.");
        let due = |domain: &str| one || host.ends_with(domain);
        let due = self.cookies.iter().filter(|(_, (_, domain))| due(domain));
        due.map(|(name, (value, _))| format!("{name}={value}")).collect::<Vec<_>>().join("; ")
    }

    /// Builds a request with the headers of the official page.
    pub(crate) fn request(
        &self,
        method: &str,
        accept: &str,
        url: &str,
        body: Option<(&str, String)>,
    ) -> Request<Bytes> {
        let (_, rest) = url.split_once("//").expect("a scheme");
        let host = rest.split_once('/').expect("a path").0;
        let mut request = Request::builder()
            .method(method)
            .uri(url)
            .header("host", host)
            .header("user-agent", AGENT)
            .header("accept", accept)
            .header("accept-encoding", "gzip")
            .header("referer", format!("{}/?lang=zh_CN", self.page));
        let cookies = self.cookies_for(host);
        if !cookies.is_empty() {
            request = request.header("cookie", cookies);
        }
        let mut bytes = String::new();
        if let Some((content_type, body)) = body {
            request = request
                .header("origin", &self.page)
                .header("content-type", content_type)
                .header("content-length", body.len());
            bytes = body;
        }
        request.body(Bytes::from(bytes)).expect("a request")
    }

    pub(crate) fn get(&self, url: &str) -> Request<Bytes> {
        self.request("GET", "application/json, text/plain, */*", url, None)
    }

    pub(crate) fn script(&self, url: &str) -> Request<Bytes> {
        self.request("GET", "*/*", url, None)
    }

    pub(crate) fn post(&self, url: &str, body: String) -> Request<Bytes> {
        let body = Some(("application/json;charset=UTF-8", body));
        self.request("POST", "application/json, text/plain, */*", url, body)
    }

    pub(crate) fn send(&mut self, request: &Request<Bytes>) -> Response<Bytes> {
        let reply = self.simulator.respond(request);
        for cookie in reply.headers().get_all("set-cookie") {
            let cookie = cookie.to_str().expect("text");
            let (name, value) =
                cookie.split_once(';').expect("attributes").0.split_once('=').expect("a value");
            let domain = between(cookie, "Domain=", ";").trim_start_matches('.').to_owned();
            self.cookies.insert(name.into(), (value.into(), domain));
        }
        reply
    }

    /// Returns the origin of a role: this one, unless all roles have the same.
    fn origin<'a>(&'a self, origin: &'a str) -> &'a str {
        if self.page.starts_with("http://") { &self.page } else { origin }
    }

    pub(crate) fn jslogin_request(&self) -> Request<Bytes> {
        let login = self.origin(&self.login);
        let redirect = encode(&format!("{}/cgi-bin/mmwebwx-bin/webwxnewloginpage", self.page));
        self.script(&format!(
            "{login}/jslogin?appid=wx782c26e4c19acffb&redirect_uri={redirect}&fun=new&lang=zh_CN&_={}",
            self.now()
        ))
    }

    pub(crate) fn jslogin(&mut self) -> Response<Bytes> {
        let reply = self.send(&self.jslogin_request());
        self.uuid = between(text(&reply), "uuid = \"", "\"").to_owned();
        self.tip = 1;
        reply
    }

    pub(crate) fn qrcode(&mut self) -> Response<Bytes> {
        let url = format!("https://login.weixin.qq.com/qrcode/{}", self.uuid);
        self.send(&self.request("GET", "image/webp,image/apng,image/*,*/*;q=0.8", &url, None))
    }

    pub(crate) fn poll_request(&self) -> Request<Bytes> {
        let login = self.origin(&self.login);
        self.script(&format!(
            "{login}/cgi-bin/mmwebwx-bin/login?loginicon=true&uuid={}&tip={}&r={}&_={}",
            encode(&self.uuid),
            self.tip,
            self.not(),
            self.now()
        ))
    }

    pub(crate) fn poll(&mut self) -> Response<Bytes> {
        let reply = self.send(&self.poll_request());
        self.tip = 0;
        if text(&reply).starts_with("window.code=200;") {
            self.redirect = between(text(&reply), "redirect_uri=\"", "\"").to_owned();
            self.page = self.redirect.split("/cgi-bin").next().expect("an origin").to_owned();
        }
        reply
    }

    pub(crate) fn login_page(&mut self) -> Response<Bytes> {
        self.log_in_with(&self.get(&format!("{}&fun=new&version=v2&lang=zh_CN", self.redirect)))
    }

    /// Sends a request for the login page, and stores the credentials of its reply.
    pub(crate) fn log_in_with(&mut self, request: &Request<Bytes>) -> Response<Bytes> {
        let reply = self.send(request);
        let xml = text(&reply);
        self.skey = between(xml, "<skey>", "</skey>").to_owned();
        self.sid = between(xml, "<wxsid>", "</wxsid>").to_owned();
        self.uin = between(xml, "<wxuin>", "</wxuin>").parse().unwrap_or_default();
        self.pass_ticket = between(xml, "<pass_ticket>", "</pass_ticket>").to_owned();
        reply
    }

    pub(crate) fn device(&mut self) -> String {
        self.devices += 1;
        format!("e{:015}", self.devices)
    }

    pub(crate) fn base(&mut self) -> String {
        let device = self.device();
        format!(
            "\"BaseRequest\":{{\"Uin\":{},\"Sid\":\"{}\",\"Skey\":\"{}\",\"DeviceID\":\"{device}\"}}",
            self.uin, self.sid, self.skey
        )
    }

    /// Returns the body with these fields, in which `BASE` stands for the `BaseRequest`.
    pub(crate) fn body(&mut self, fields: &str) -> String {
        format!("{{{}}}", fields.replace("BASE", &self.base()))
    }

    /// Posts a [`body`](Self::body).
    pub(crate) fn ask(&mut self, name: &str, query: &str, fields: &str) -> Response<Bytes> {
        let body = self.body(fields);
        self.send(&self.post(&self.call(name, query), body))
    }

    pub(crate) fn call(&self, name: &str, query: &str) -> String {
        let more = if query.is_empty() { String::new() } else { format!("{query}&") };
        format!(
            "{}/cgi-bin/mmwebwx-bin/{name}?{more}lang=zh_CN&pass_ticket={}",
            self.page,
            encode(&self.pass_ticket)
        )
    }

    pub(crate) fn init(&mut self) -> Response<Bytes> {
        let url = self.call("webwxinit", &format!("r={}", self.not()));
        let body = self.body("BASE");
        let body = body.replacen(&self.uin.to_string(), &format!("\"{}\"", self.uin), 1);
        let reply = self.send(&self.post(&url, body));
        if reply.status() == 200 && ret(&reply) == 0 {
            self.me = json(&reply)["User"]["UserName"].as_str().expect("a name").to_owned();
            self.sync_key = keys(&json(&reply)["SyncKey"]);
            self.check_key.clone_from(&self.sync_key);
        }
        reply
    }

    pub(crate) fn notify(&mut self) -> Response<Bytes> {
        let (me, now) = (&self.me, self.now());
        let fields = format!(
            "BASE,\"Code\":3,\"FromUserName\":\"{me}\",\"ToUserName\":\"{me}\",\"ClientMsgId\":{now}"
        );
        self.ask("webwxstatusnotify", "", &fields)
    }

    pub(crate) fn book(&mut self, seq: &str) -> Response<Bytes> {
        let url = self.call(
            "webwxgetcontact",
            &format!("r={}&seq={seq}&skey={}", self.now(), encode(&self.skey)),
        );
        self.send(&self.get(&url))
    }

    pub(crate) fn batch(&mut self, items: &[(&str, &str, &str)]) -> Response<Bytes> {
        let list: Vec<String> = items
            .iter()
            .map(|(name, key, room)| format!("{{\"UserName\":\"{name}\",\"{key}\":\"{room}\"}}"))
            .collect();
        let fields = format!("BASE,\"Count\":{},\"List\":[{}]", list.len(), list.join(","));
        self.ask("webwxbatchgetcontact", &format!("type=ex&r={}", self.now()), &fields)
    }

    pub(crate) fn check_request(&mut self) -> Request<Bytes> {
        let device = self.device();
        let push = self.origin("https://webpush.wx2.qq.com");
        self.script(&format!(
            "{push}/cgi-bin/mmwebwx-bin/synccheck?r={now}&skey={}&sid={}&uin={}&deviceid={device}&synckey={}&_={now}",
            encode(&self.skey),
            encode(&self.sid),
            self.uin,
            encode(&joined(&self.check_key)),
            now = self.now()
        ))
    }

    pub(crate) fn check(&mut self) -> Response<Bytes> {
        let request = self.check_request();
        self.send(&request)
    }

    /// Returns the body of a request for news.
    pub(crate) fn sync_body(&mut self, rr: i32) -> String {
        let item = |(key, val): &(i64, i64)| format!("{{\"Key\":{key},\"Val\":{val}}}");
        let list: Vec<String> = self.sync_key.iter().map(item).collect();
        let (count, list) = (list.len(), list.join(","));
        self.body(&format!("BASE,\"SyncKey\":{{\"Count\":{count},\"List\":[{list}]}},\"rr\":{rr}"))
    }

    pub(crate) fn sync_request(&mut self) -> Request<Bytes> {
        let body = self.sync_body(self.not());
        let url = self
            .call("webwxsync", &format!("sid={}&skey={}", encode(&self.sid), encode(&self.skey)));
        self.post(&url, body)
    }

    pub(crate) fn sync(&mut self) -> Response<Bytes> {
        let request = self.sync_request();
        let reply = self.send(&request);
        if reply.status() == 200 && ret(&reply) == 0 {
            self.sync_key = keys(&json(&reply)["SyncKey"]);
            self.check_key = keys(&json(&reply)["SyncCheckKey"]);
            if let Some(skey) = json(&reply)["SKey"].as_str().filter(|skey| !skey.is_empty()) {
                self.skey = skey.to_owned();
            }
        }
        reply
    }

    pub(crate) fn log_out(&mut self) -> Response<Bytes> {
        let url = format!(
            "{}/cgi-bin/mmwebwx-bin/webwxlogout?redirect=1&type=0&skey={}",
            self.page,
            encode(&self.skey)
        );
        let body = format!("sid={}&uin={}", encode(&self.sid), self.uin);
        let body = Some(("application/x-www-form-urlencoded", body));
        self.send(&self.request("POST", "application/json, text/plain, */*", &url, body))
    }

    /// Returns the first room.
    pub(crate) fn room(&self) -> Contact {
        let world = self.simulator.world();
        world.contacts().iter().find(|contact| contact.is_room()).expect("a room").clone()
    }

    /// Panics if there are violations.
    pub(crate) fn assert_clean(&self) {
        let found = self.violations();
        assert!(found.is_empty(), "{found:#?}");
    }

    pub(crate) fn violations(&self) -> Vec<String> {
        self.simulator.world().violations().iter().map(ToString::to_string).collect()
    }
}
