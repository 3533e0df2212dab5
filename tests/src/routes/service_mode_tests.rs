//! Requests that are served and requests that are refused in [`Mode::Service`](crate::Mode::Service).

use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response};

use crate::client::{Client, json, text};
use crate::message::{Incoming, Recommend};
use crate::session::joined;
use crate::{Asset, Grade, Mode, World};

fn world() -> World {
    let mut world = World::demo();
    world.set_mode(Mode::Service);
    world
}

fn ready() -> Client {
    Client::ready(world())
}

/// Returns the request with every occurrence of a text in its address and body replaced.
fn altered(request: &Request<Bytes>, from: &str, to: &str) -> Request<Bytes> {
    let mut changed = request.clone();
    *changed.uri_mut() = request.uri().to_string().replace(from, to).parse().expect("an address");
    let body = String::from_utf8_lossy(request.body()).replace(from, to);
    if request.headers().contains_key("content-length") {
        changed.headers_mut().insert("content-length", HeaderValue::from(body.len()));
    }
    *changed.body_mut() = body.into();
    assert_ne!(
        (changed.uri(), changed.body()),
        (request.uri(), request.body()),
        "`{from}` is not in the request"
    );
    changed
}

/// Sends a request and returns its reply, and the new findings above notes as `grade difference`.
fn outcome(client: &mut Client, request: &Request<Bytes>) -> (Response<Bytes>, Vec<String>) {
    let before = client.simulator.world().violations().len();
    let reply = client.send(request);
    let world = client.simulator.world();
    let found = world.violations()[before..].iter().filter(|found| found.grade != Grade::Note);
    let found = found.map(|found| format!("{} {}", found.grade, found.difference)).collect();
    (reply, found)
}

/// Asserts the code of the reply, and one of its findings.
#[track_caller]
fn assert_ret(client: &mut Client, request: &Request<Bytes>, ret: i64, finding: &str) {
    let (reply, found) = outcome(client, request);
    assert_eq!(json(&reply)["BaseResponse"]["Ret"], ret, "{}: {found:?}", text(&reply));
    assert!(found.iter().any(|found| found == finding), "{finding}: {found:?}");
}

#[track_caller]
fn assert_text(client: &mut Client, request: &Request<Bytes>, start: &str, finding: &str) {
    let (reply, found) = outcome(client, request);
    assert!(text(&reply).starts_with(start), "{}: {found:?}", text(&reply));
    assert_eq!(found, [finding]);
}

#[test]
fn login_is_accepted_by_post_and_on_every_login_host() {
    let mut client = Client::new(world());
    let request = client.jslogin_request();
    let issued = "window.QRLogin.code = 200;";
    let mut post = request.clone();
    *post.method_mut() = Method::POST;
    assert_text(&mut client, &post, issued, "deviation method");
    let uri = request.uri().to_string();
    let (start, query) = uri.split_once('?').expect("a query");
    let mut form = post.clone();
    *form.uri_mut() = start.parse().expect("an address");
    *form.body_mut() = query.to_owned().into();
    assert_text(&mut client, &form, issued, "deviation method");
    let mut host = altered(&request, "login.wx.qq.com", "login.weixin.qq.com");
    host.headers_mut().insert("host", HeaderValue::from_static("login.weixin.qq.com"));
    assert_text(&mut client, &host, issued, "deviation login-host");
    let other = altered(&request, "wx782c26e4c19acffb", "wx0000000000000000");
    assert_text(&mut client, &other, "window.QRLogin.code = 1;", "fatal appid");
}

#[test]
fn redirect_is_accepted_if_reencoded_and_refused_if_changed() {
    for (from, to, ret, finding) in [
        ("@qrticket", "%40qrticket", 0, "deviation redirect-encoding"),
        ("@qrticket", "@qrticketx", 1203, "fatal other"),
    ] {
        let mut client = Client::new(world());
        client.jslogin();
        client.simulator.world().phone().confirm();
        client.poll();
        let request = client.get(&format!("{}&fun=new&version=v2&lang=zh_CN", client.redirect));
        let start = format!("<error><ret>{ret}</ret>");
        assert_text(&mut client, &altered(&request, from, to), &start, finding);
    }
}

#[test]
fn entry_and_qr_code_pages_are_served() {
    let mut client = Client::new(world());
    for (path, status) in
        [("/", 200), ("/?lang=zh_CN", 200), ("/l/abc==", 200), ("/l/", 404), ("/other", 404)]
    {
        let url = format!("https://login.weixin.qq.com{path}");
        assert_eq!(client.send(&client.get(&url)).status(), status, "{path}");
    }
    assert_eq!(client.violations().len(), 2);
    client.simulator.world().set_mode(Mode::Library);
    assert_eq!(client.send(&client.get("https://wx.qq.com/")).status(), 404);
}

#[test]
fn credentials_are_accepted_in_other_spellings_and_refused_if_wrong() {
    let mut client = ready();
    let fields = format!(
        "BASE,\"Code\":1,\"FromUserName\":\"{}\",\"ToUserName\":\"filehelper\",\"ClientMsgId\":{}",
        client.me,
        client.now()
    );
    let body = client.body(&fields);
    let request = client.post(&client.call("webwxstatusnotify", ""), body);
    let uin = client.uin;
    let (number, written) = (format!("\"Uin\":{uin}"), format!("\"Uin\":\"{uin}\""));
    let (skey, sid, ticket) = (client.skey.clone(), client.sid.clone(), client.pass_ticket.clone());
    assert!(ticket.contains('%'), "the ticket needs an encoding");
    for (from, to, ret, finding) in [
        (&*number, &*written, 0, "deviation uin-kind"),
        (&*number, "\"Uin\":\"1\"", 1101, "fatal credentials"),
        (&*skey, "", 0, "deviation no-skey"),
        (&*skey, "@crypt_other", 1101, "fatal credentials"),
        (&*sid, "other", 1101, "fatal credentials"),
        (&*crate::wire::request::encode(&ticket), &*ticket, 0, "deviation pass-ticket"),
        ("\"FromUserName\":\"@", "\"FromUserName\":\"@0", 1, "fatal json-value"),
        ("filehelper", "@nobody", 1, "fatal other"),
    ] {
        let request = altered(&request, from, to);
        assert_ret(&mut client, &request, ret, finding);
    }
    // The reason has no credentials, because clients print it.
    let reply = client.send(&altered(&request, &skey, "@crypt_other"));
    let reason = "JSON field `BaseRequest.Skey` is `…`, not one of `…`";
    assert_eq!(json(&reply)["BaseResponse"]["ErrMsg"], reason);
    assert_eq!(reply.headers()["x-wechat-simulator"].as_bytes(), reason.as_bytes());
    // The cookies of the session are credentials too.
    client.cookies.remove("wxsid");
    let (reply, _) = client.check_and_findings();
    assert!(text(&reply).contains("retcode:\"1102\""));
}

impl Client {
    fn check_and_findings(&mut self) -> (Response<Bytes>, Vec<String>) {
        let request = self.check_request();
        outcome(self, &request)
    }
}

#[test]
fn either_sync_key_is_accepted_in_both_calls() {
    let mut client = ready();
    client.sync();
    client.simulator.world().person_writes("filehelper", "one");
    let (sync, check) = (client.sync_key.clone(), client.check_key.clone());
    assert_ne!(joined(&sync), joined(&check));
    client.check_key.clone_from(&sync);
    let (reply, found) = client.check_and_findings();
    assert!(text(&reply).contains("selector:\"2\""), "{}", text(&reply));
    assert_eq!(found, ["deviation sync-keys"]);
    client.check_key = vec![(1, 1)];
    let (reply, found) = client.check_and_findings();
    assert!(text(&reply).contains("retcode:\"1\""), "{}", text(&reply));
    assert_eq!(found, ["fatal ids"]);
    client.sync_key = check;
    let request = client.sync_request();
    let (reply, found) = outcome(&mut client, &request);
    assert_eq!(
        (&json(&reply)["AddMsgCount"], found),
        (&1.into(), vec!["deviation sync-keys".to_owned()])
    );
    client.sync_key = vec![(1, 1)];
    let request = client.sync_request();
    assert_ret(&mut client, &request, 1, "fatal other");
}

/// The loop of clients that use the `SyncKey` for both calls (docs/protocol.md §7.2).
#[test]
fn check_with_sync_key_repeats_news_after_a_sent_picture() {
    let checked = |client: &mut Client| {
        let request = client.check_request();
        text(&client.send(&request)).contains("selector:\"2\"")
    };
    for (sent, loops) in [("webwxsendmsg", false), ("webwxsendmsgimg", true)] {
        for uses_sync_key in [true, false] {
            let mut client = ready();
            client.sync();
            let picture = client.simulator.world().add_upload("pic", "p.png", 10);
            match sent {
                "webwxsendmsg" => client.message("filehelper", "x"),
                call => client.picture(call, 3, &picture),
            };
            let mut rounds = 0;
            for _ in 0..5 {
                if uses_sync_key {
                    client.check_key.clone_from(&client.sync_key);
                }
                if !checked(&mut client) {
                    break;
                }
                let key = client.sync_key.clone();
                assert_eq!(json(&client.sync())["AddMsgCount"], 0);
                assert_eq!(client.sync_key, key);
                rounds += 1;
            }
            let expected = match (loops, uses_sync_key) {
                (false, _) => 0,
                (true, false) => 1,
                (true, true) => 5,
            };
            assert_eq!(rounds, expected, "{sent} {uses_sync_key}");
            client.simulator.world().person_writes("filehelper", "the loop ends");
            for round in 0..2 {
                if uses_sync_key {
                    client.check_key.clone_from(&client.sync_key);
                }
                assert_eq!(checked(&mut client), round == 0, "{sent} {uses_sync_key}");
                assert_eq!(json(&client.sync())["AddMsgCount"], 1 - round);
            }
        }
    }
}

#[test]
fn sends_with_other_ids_are_delivered_once_each() {
    let mut client = ready();
    let numeric = |client: &mut Client, text: &str, id: u64| {
        let request = client.message_request("filehelper", text);
        let body = String::from_utf8_lossy(request.body()).into_owned();
        let own = crate::client::between(&body, "\"LocalID\":", ",").to_owned();
        altered(&request, &own, &id.to_string())
    };
    for (text, id) in
        [("one", 17_959_737_085_389), ("two", 17_959_737_085_390), ("three", 17_959_737_085_390)]
    {
        let request = numeric(&mut client, text, id);
        client.send(&request);
        // The identical request is a repetition.
        client.send(&request);
    }
    let world = client.simulator.world();
    let sent: Vec<_> = world.sent().iter().map(|sent| (&*sent.content, sent.repeats)).collect();
    assert_eq!(sent, [("one", 1), ("two", 1), ("three", 1)]);
}

#[test]
fn unnecessary_escapes_are_displayed_literally() {
    let mut client = ready();
    for (raw, shown) in [
        (r#""a\/b""#, r"a\/b"),
        (r#""\u4f60""#, r"\u4f60"),
        (r#""\\u4f60 \"\n\u0001""#, "\\u4f60 \"\n\u{1}"),
    ] {
        let own = format!("\"Type\":1,\"Content\":{raw}");
        let request = client.send_request("webwxsendmsg", "", &own, "filehelper", 0);
        assert_eq!(json(&client.send(&request))["BaseResponse"]["Ret"], 0);
        assert_eq!(client.simulator.world().sent().last().expect("a send").content, shown);
    }
}

#[test]
fn misspelt_content_type_is_accepted_and_malformed_body_refused() {
    let mut client = ready();
    let mut request = client.message_request("filehelper", "x");
    let kind = request.headers_mut().remove("content-type").expect("a type");
    request.headers_mut().insert("contenttype", kind);
    let (reply, found) = outcome(&mut client, &request);
    assert_eq!(json(&reply)["BaseResponse"]["Ret"], 0);
    assert_eq!(found, ["deviation content-type", "deviation content-type"]);
    let request = client.post(&client.call("webwxsendmsg", ""), "Msg=x".into());
    let (reply, _) = outcome(&mut client, &request);
    assert_eq!(json(&reply)["BaseResponse"]["Ret"], 1200);
}

#[test]
fn friend_request_is_accepted_without_ticket_if_pending() {
    for (pending, ticket, ret) in
        [(true, "", 0), (true, "v2_1@stranger", 0), (true, "v2_2@stranger", -1), (false, "", -1)]
    {
        let mut client = ready();
        let stranger = client.simulator.world().add_stranger("Li");
        if pending {
            let recommend = Recommend {
                user_name: stranger.clone(),
                ticket: "v2_1@stranger".into(),
                ..Recommend::default()
            };
            client
                .simulator
                .world()
                .deliver(Incoming { recommend, ..Incoming::new("fmessage", 37, "") });
        }
        let skey = &client.skey;
        let fields = format!(
            "BASE,\"Opcode\":3,\"VerifyUserListSize\":1,\"VerifyUserList\":[{{\"Value\":\"{stranger}\",\"VerifyUserTicket\":\"{ticket}\"}}],\"VerifyContent\":\"\",\"SceneListCount\":1,\"SceneList\":[33],\"skey\":\"{skey}\""
        );
        let reply = client.ask("webwxverifyuser", &format!("r={}", client.now()), &fields);
        assert_eq!(json(&reply)["BaseResponse"]["Ret"], ret, "{pending} {ticket}");
        let is_friend =
            client.simulator.world().contact(&stranger).expect("one").contact_flag & 1 == 1;
        assert_eq!(is_friend, ret == 0, "{pending} {ticket}");
    }
}

#[test]
fn unknown_change_of_a_room_is_refused() {
    let mut client = ready();
    let room = client.room();
    for (fun, ret, members) in
        [("other", 1, room.members.len()), ("quitchatroom", 0, room.members.len() - 1)]
    {
        let fields = format!("\"ChatRoomName\":\"{}\",BASE", room.user_name);
        let reply = client.ask("webwxupdatechatroom", &format!("fun={fun}"), &fields);
        assert_eq!(json(&reply)["BaseResponse"]["Ret"], ret, "{fun}");
        let now =
            client.simulator.world().contact(&room.user_name).expect("the room").members.len();
        assert_eq!(now, members, "{fun}");
    }
}

#[test]
fn downloads_accept_either_spelling_and_no_key() {
    let mut client = ready();
    let ada = client.simulator.world().add_person("Ada");
    let deliver =
        |kind| client.simulator.world().deliver(Incoming::new(&ada, kind, "&lt;msg/&gt;"));
    let (image, voice) = (deliver(3), deliver(34));
    let skey = format!("skey={}", crate::wire::request::encode(&client.skey));
    for (asset, from, to, findings) in [
        (Asset::Image(image.clone(), ""), "MsgID", "msgid", &["deviation msgid"][..]),
        (Asset::Voice(voice), "msgid", "MsgID", &["deviation msgid"]),
        (Asset::Image(image, ""), "MsgID=", "MsgID=9", &["fatal other"]),
        (Asset::Icon(ada.clone(), false), &*skey, "skey=", &["deviation no-skey"]),
        (Asset::Icon(ada.clone(), false), "username=", "userName=", &[]),
        (Asset::Icon(ada, false), &*skey, "skey=x", &["fatal credentials"]),
    ] {
        let request = altered(&client.fetch_request(&asset), from, to);
        let (reply, found) = outcome(&mut client, &request);
        assert_eq!(found, findings);
        let is_refused =
            reply.headers().get("content-type").is_some_and(|kind| kind == "text/plain");
        assert_eq!(
            is_refused,
            findings.iter().any(|found| found.starts_with("fatal")),
            "{asset:?}"
        );
    }
}
