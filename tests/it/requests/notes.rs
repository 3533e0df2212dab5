//! The requests of the two descriptions of 2016 (docs/protocol.md §17) are served in [`Mode::Service`].

use std::collections::BTreeMap;

use bytes::Bytes;
use http::Request;
use serde_json::Value;
use wechat_simulator::{Grade, Mode, Simulator, World};

use crate::requests::recording::encode;

/// `BASE` in a body.
const BASE: &str =
    r#""BaseRequest":{"Uin":{uin},"Sid":"{sid}","Skey":"{skey}","DeviceID":"e098855372553243"}"#;

/// Requests with their bodies, and a part of each reply. `{name}` is a value of an earlier reply, `{name%}` the same, encoded.
const LBBNIU: &str = r#"
GET https://login.wx.qq.com/jslogin?appid=wx782c26e4c19acffb&redirect_uri=https%3A%2F%2Fwx.qq.com%2Fcgi-bin%2Fmmwebwx-bin%2Fwebwxnewloginpage&fun=new&lang=zh_CN&_=1476606163580
-> code = 200

GET https://login.weixin.qq.com/qrcode/{uuid}
-> JFIF

GET https://login.wx.qq.com/cgi-bin/mmwebwx-bin/login?loginicon=true&uuid={uuid}&tip=0&r=862560455&_=1476606163582
-> code=200

GET {redirect}&fun=new&version=v2&lang=zh_CN
-> <ret>0</ret>

POST {api}/webwxinit?r=862039733&lang=zh_CN&pass_ticket={ticket%}
{"BaseRequest":{"Uin":"{uin}","Sid":"{sid}","Skey":"{skey}","DeviceID":"e119795675188164"}}
-> "Ret": 0,

POST {api}/webwxstatusnotify?pass_ticket={ticket%}
{BASE,"Code":3,"FromUserName":"{me}","ToUserName":"{me}","ClientMsgId":1476608978123}
-> "Ret": 0,

GET {api}/webwxgetcontact?pass_ticket={ticket%}&r=1476608979549&seq=0&skey={skey}
-> "Ret": 0,

POST {api}/webwxbatchgetcontact?type=ex&r=1476608979648&pass_ticket={ticket%}
{BASE,"Count":1,"List":[{"UserName":"{me}","ChatRoomId":""}]}
-> "Ret": 0,

GET https://webpush.wx2.qq.com/cgi-bin/mmwebwx-bin/synccheck?r=1476611147442&skey={skey%}&sid={sid%}&uin={uin}&deviceid=e673682280871456&synckey={check%}&_=1476611120940
-> selector:"2"

POST {api}/webwxsync?sid={sid}&skey={skey}&lang=zh_CN&pass_ticket={ticket%}
{BASE,"SyncKey":{key},"rr":856481324}
-> "AddMsgCount": 1,

POST {api}/webwxsendmsg?lang=zh_CN&pass_ticket={ticket%}
{BASE,"Msg":{"Type":1,"Content":"hi","FromUserName":"{me}","ToUserName":"filehelper","LocalID":"14766146756340722","ClientMsgId":"14766146756340722"},"Scene":0}
-> "Ret": 0,
"#;

/// The same of the other description. Its table has `synccheck` with a JSON body, which is a copying error (§7.1).
const BIEZHI: &str = r#"
GET https://login.weixin.qq.com/jslogin?appid=wx782c26e4c19acffb&fun=new&lang=zh_CN&_=1476606163580
-> code = 200

POST https://login.weixin.qq.com/qrcode/{uuid}?t=webwx&_=1476606163581
-> JFIF

GET https://login.weixin.qq.com/cgi-bin/mmwebwx-bin/login?tip=1&uuid={uuid}&_=1476606189368
-> code=200

GET {redirect}&fun=new
-> <ret>0</ret>

POST {api}/webwxinit
{BASE}
-> "Ret": 0,

POST {api}/webwxstatusnotify
{BASE,"Code":3,"FromUserName":"{me}","ToUserName":"{me}","ClientMsgId":1476608978123}
-> "Ret": 0,

POST {api}/webwxgetcontact
{BASE}
-> "Ret": 0,

GET https://webpush2.weixin.qq.com/cgi-bin/mmwebwx-bin/synccheck?r=1476611147442&skey={skey%}&sid={sid%}&uin={uin}&deviceid=e673682280871456&synckey={check%}
-> selector:"2"

POST {api}/webwxsync?sid={sid%}&skey={skey%}&pass_ticket={ticket%}
{BASE,"SyncKey":{key},"rr":-1}
-> "AddMsgCount": 1,

POST {api}/webwxsendmsg?pass_ticket={ticket%}
{BASE,"Msg":{"Type":1,"Content":"hi","FromUserName":"{me}","ToUserName":"filehelper","LocalID":"14766146756340722","ClientMsgId":"14766146756340722"}}
-> "Ret": 0,
"#;

/// The values that later requests repeat, and the texts around them.
const VALUES: [(&str, &str, &str); 6] = [
    ("uuid", "uuid = \"", "\""),
    ("redirect", "redirect_uri=\"", "\""),
    ("skey", "<skey>", "<"),
    ("sid", "<wxsid>", "<"),
    ("uin", "<wxuin>", "<"),
    ("ticket", "<pass_ticket>", "<"),
];

/// Sends the requests, and returns the worst grade of a difference.
fn worst(steps: &str, content_type: &str) -> Option<Grade> {
    let mut world = World::demo();
    world.set_mode(Mode::Service);
    let simulator = Simulator::new(world);
    let mut cookies = BTreeMap::new();
    let mut known = BTreeMap::from([("api", "https://wx2.qq.com/cgi-bin/mmwebwx-bin".to_owned())]);
    for step in steps.trim().split("\n\n") {
        let (sent, part) = step.split_once("\n-> ").unwrap();
        let (call, body) = sent.split_once('\n').unwrap_or((sent, ""));
        let (mut call, mut body) = (call.to_owned(), body.replace("BASE", BASE));
        for (name, value) in &known {
            body = body.replace(&format!("{{{name}}}"), value);
            call = call.replace(&format!("{{{name}}}"), value);
            call = call.replace(&format!("{{{name}%}}"), &encode(value));
        }
        let (method, url) = call.split_once(' ').unwrap();
        let mut request = Request::builder().method(method).uri(url);
        request = request.header("host", url.split('/').nth(2).unwrap());
        if !body.is_empty() {
            request = request.header(content_type, "application/json; charset=UTF-8");
        }
        let all: Vec<String> =
            cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        if !all.is_empty() {
            request = request.header("cookie", all.join("; "));
        }
        let reply = simulator.respond(&request.body(Bytes::from(body)).unwrap());
        let text = String::from_utf8_lossy(reply.body());
        // Without `version=v2`, the login page has the status 301 (§3.4).
        let status = if call.ends_with("&fun=new") { 301 } else { 200 };
        assert!(text.contains(part) && reply.status() == status, "{call}: {reply:?}");
        for cookie in reply.headers().get_all("set-cookie") {
            let pair = cookie.to_str().unwrap().split(';').next().unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            cookies.insert(name.to_owned(), value.to_owned());
        }
        for (name, start, end) in VALUES {
            if let Some((_, rest)) = text.split_once(start) {
                known.insert(name, rest.split(end).next().unwrap().to_owned());
            }
        }
        if call.contains("/webwxinit") {
            let reply: Value = serde_json::from_str(&text).unwrap();
            let pairs = reply["SyncKey"]["List"].as_array().unwrap().iter();
            let pairs: Vec<String> =
                pairs.map(|pair| format!("{}_{}", pair["Key"], pair["Val"])).collect();
            known.insert("check", pairs.join("|"));
            known.insert("key", reply["SyncKey"].to_string());
            known.insert("me", reply["User"]["UserName"].as_str().unwrap().to_owned());
        }
        if call.contains("/qrcode/") {
            simulator.world().phone().confirm();
        }
    }
    let world = simulator.world();
    assert_eq!(world.sent()[0].content, "hi");
    world.violations().iter().map(|found| found.grade).max()
}

#[test]
fn requests_of_the_notes_are_served_with_a_deviation() {
    assert_eq!(worst(LBBNIU, "content-type"), Some(Grade::Deviation));
    assert_eq!(worst(BIEZHI, "contenttype"), Some(Grade::Deviation));
}
