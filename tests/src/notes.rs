//! Requests in the dialects of the notes of lbbniu/WebWechat and biezhi/wechat-robot: accepted only if their dialect is
//! enabled.

use bytes::Bytes;
use http::Request;

use crate::client::{Client, between, json, text};
use crate::request::encode;
use crate::{Dialect, World};

fn bare(method: &str, url: &str, body: &str) -> Request<Bytes> {
    let host = between(url, "//", "/");
    let mut request = Request::builder().method(method).uri(url).header("host", host);
    if !body.is_empty() {
        request = request.header("content-type", "application/json; charset=UTF-8");
    }
    request.body(Bytes::from(body.to_owned())).expect("a request")
}

fn client(dialect: Dialect) -> Client {
    let mut world = World::demo();
    world.accept(dialect);
    Client::new(world)
}

fn login_page(client: &mut Client, end: &str) {
    client.log_in_with(&bare("GET", &format!("{}{end}", client.redirect), ""));
}

fn with_cookies(client: &Client, mut request: Request<Bytes>) -> Request<Bytes> {
    let cookies = client.cookies_for(request.uri().host().expect("a host"));
    request.headers_mut().insert("cookie", cookies.parse().expect("a value"));
    request
}

#[test]
fn biezhi_dialect_is_accepted_end_to_end() {
    let mut client = client(Dialect::Biezhi);
    let login = "https://login.weixin.qq.com";
    let reply = client.send(&bare(
        "GET",
        &format!("{login}/jslogin?appid=wx782c26e4c19acffb&fun=new&lang=zh_CN&_=1"),
        "",
    ));
    client.uuid = between(text(&reply), "uuid = \"", "\"").to_owned();
    client.send(&bare("POST", &format!("{login}/qrcode/{}?t=webwx&_=1", client.uuid), ""));
    client.simulator.world().phone().confirm();
    let poll = format!("{login}/cgi-bin/mmwebwx-bin/login?tip=1&uuid={}&_=1", client.uuid);
    let reply = client.send(&bare("GET", &poll, ""));
    client.redirect = between(text(&reply), "redirect_uri=\"", "\"").to_owned();
    login_page(&mut client, "&fun=new");
    let api = "https://wx2.qq.com/cgi-bin/mmwebwx-bin";
    let body = client.body("BASE");
    let answer = json(&client.send(&bare("POST", &format!("{api}/webwxinit"), &body)));
    let me = answer["User"]["UserName"].as_str().expect("a name").to_owned();
    let key = answer["SyncKey"].to_string();
    let body = client.body(&format!(
        "BASE,\"Code\":3,\"FromUserName\":\"{me}\",\"ToUserName\":\"{me}\",\"ClientMsgId\":1"
    ));
    client.send(&bare("POST", &format!("{api}/webwxstatusnotify"), &body));
    let body = client.body("BASE");
    client.send(&bare("POST", &format!("{api}/webwxgetcontact"), &body));
    let body = client.body("BASE");
    let push = "https://webpush2.weixin.qq.com/cgi-bin/mmwebwx-bin/synccheck";
    assert!(text(&client.send(&bare("GET", push, &body))).contains("selector:\"2\""));
    let body = client.body(&format!("BASE,\"SyncKey\":{key},\"rr\":-1"));
    let (sid, skey, ticket) =
        (encode(&client.sid), encode(&client.skey), encode(&client.pass_ticket));
    let url = format!("{api}/webwxsync?sid={sid}&skey={skey}&pass_ticket={ticket}");
    assert_eq!(json(&client.send(&bare("POST", &url, &body)))["AddMsgCount"], 1);
    let id = "17000000000000001";
    let body = client.body(&format!(
        "BASE,\"Msg\":{{\"Type\":1,\"Content\":\"hi\",\"FromUserName\":\"{me}\",\"ToUserName\":\"filehelper\",\"LocalID\":\"{id}\",\"ClientMsgId\":\"{id}\"}}"
    ));
    client.send(&bare("POST", &format!("{api}/webwxsendmsg?pass_ticket={ticket}"), &body));
    assert_eq!(client.simulator.world().sent().len(), 1);
    client.assert_clean();
}

#[test]
fn lbbniu_dialect_is_accepted_end_to_end() {
    let mut client = client(Dialect::Lbbniu);
    client.jslogin();
    let login = "https://login.wx.qq.com/cgi-bin/mmwebwx-bin/login";
    client.simulator.world().phone().confirm();
    let poll =
        format!("{login}?loginicon=true&uuid={}&tip=0&r=862560455&_=1476606163582", client.uuid);
    let reply = client.send(&bare("GET", &poll, ""));
    client.redirect = between(text(&reply), "redirect_uri=\"", "\"").to_owned();
    client.page = "https://wx2.qq.com".into();
    login_page(&mut client, "&fun=new&version=v2&lang=zh_CN");
    client.init();
    let api = "https://wx2.qq.com/cgi-bin/mmwebwx-bin";
    let (skey, ticket) = (encode(&client.skey), encode(&client.pass_ticket));
    let me = client.me.clone();
    let body = client.body(&format!(
        "BASE,\"Code\":3,\"FromUserName\":\"{me}\",\"ToUserName\":\"{me}\",\"ClientMsgId\":1476608979549"
    ));
    let notify = bare("POST", &format!("{api}/webwxstatusnotify?pass_ticket={ticket}"), &body);
    client.send(&with_cookies(&client, notify));
    let book = bare(
        "GET",
        &format!("{api}/webwxgetcontact?pass_ticket={ticket}&r=1476608979549&seq=0&skey={skey}"),
        "",
    );
    client.send(&with_cookies(&client, book.clone()));
    // These notes write some values without encoding them.
    let (sid, skey) = (client.sid.clone(), client.skey.clone());
    let body = client.sync_body(856_481_324);
    let sync = bare(
        "POST",
        &format!("{api}/webwxsync?sid={sid}&skey={skey}&lang=zh_CN&pass_ticket={ticket}"),
        &body,
    );
    client.send(&with_cookies(&client, sync));
    // In these notes, pictures, emoticons and files are sent without a ticket, and files without a language.
    let picture = client.simulator.world().add_upload("pic", "p.png", 10);
    let picture = format!("\"Type\":3,\"MediaId\":\"{picture}\"");
    let md5 = "\"Type\":47,\"EmojiFlag\":2,\"EMoticonMd5\":\"a0c4153e43c3fd2e9a2fbb9be2f4de07\"";
    let file = client.simulator.world().add_upload("doc", "f.csv", 10);
    let xml = client.file_xml(&file);
    for (call, own) in [
        ("webwxsendmsgimg?fun=async&f=json&lang=zh_CN", picture.as_str()),
        ("webwxsendemoticon?fun=sys&lang=zh_CN", md5),
        ("webwxsendappmsg?fun=async&f=json", &format!("\"Type\":6,\"Content\":{xml}")),
    ] {
        let official = client.app_request("", "", own, 0);
        let body = String::from_utf8_lossy(official.body()).into_owned();
        client.send(&with_cookies(&client, bare("POST", &format!("{api}/{call}"), &body)));
    }
    assert_eq!(client.simulator.world().sent().len(), 3);
    // In these notes, downloads of pictures and files have no headers except the cookies, and the older name of a file.
    let (friend, room, file) = {
        let mut world = client.simulator.world();
        let friend = world.add_person("Ada");
        let room = world.add_room("R", &[&friend]);
        (friend.clone(), room, world.person_sends_file(&friend, "年度.pdf").1)
    };
    let (image, voice, video) = {
        let mut world = client.simulator.world();
        let mut deliver = |kind| world.deliver(crate::Incoming::new(&friend, kind, ""));
        (deliver(3), deliver(34), deliver(43))
    };
    let (uin, data) = (client.uin, encode(&client.cookies["webwx_data_ticket"].0));
    for url in [
        format!("{api}/webwxgetmsgimg?&MsgID={image}&skey={}&type=slave", encode(&skey)),
        format!("{api}/webwxgeticon?seq=637&username={friend}&skey={skey}"),
        format!("{api}/webwxgetheadimg?seq=0&username={room}&skey={skey}"),
        format!("{api}/webwxgetvoice?msgid={voice}&skey={skey}"),
        format!("{api}/webwxgetvideo?msgid={video}&skey={}", encode(&skey)),
        format!(
            "{}/webwxgetmedia?sender={friend}&mediaid={file}&filename={}&fromuser={uin}&pass_ticket={ticket}&webwx_data_ticket={data}",
            api.replace("//", "//file."),
            encode("年度.pdf")
        ),
    ] {
        let reply = client.send(&with_cookies(&client, bare("GET", &url, "")));
        assert!(reply.status() == 200 && reply.body().len() >= 1000, "{url}");
    }
    client.assert_clean();
    // This dialect needs the cookies too.
    client.send(&book);
    assert!(!client.violations().is_empty());
}

#[test]
fn dialects_are_refused_unless_accepted() {
    let mut client = Client::new(World::demo());
    let url = "https://login.weixin.qq.com/jslogin?appid=wx782c26e4c19acffb&fun=new&lang=zh_CN&_=1";
    assert_eq!(client.send(&bare("GET", url, "")).status(), 400);
    let found = client.violations();
    for part in
        ["`host`", "`user-agent`", "`accept`", "`referer`", "`redirect_uri` is missing", "`_`"]
    {
        assert!(found.iter().any(|what| what.contains(part)), "{part}: {found:#?}");
    }
}
