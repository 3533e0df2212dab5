//! `POST /cgi-bin/mmwebwx-bin/webwxinit`, `POST …/webwxstatusnotify` (docs/protocol.md §4)

use crate::check::{Check, Rule};
use crate::contact::In;
use crate::message::{Incoming, Notice};
use crate::session::key_record;
use crate::wire::reply::{self, Answer, Node, Object};
use crate::wire::request::Decoded;
use crate::world::World;

pub(crate) fn check(check: &mut Check<'_>) {
    let (lang, pass_ticket) = (check.lang(), check.pass_ticket());
    check.query(&[("r", Rule::NotMillis), lang, pass_ticket], &[]);
    let body = check.body(&["BaseRequest"]);
    check.base_request(&body, true);
}

pub(crate) fn answer(world: &mut World, _: &Decoded) -> Answer {
    let now = world.now();
    let (account, handed) = (world.account.clone(), world.handed);
    let recent = world.recent();
    let find = |name: &str| world.contact(name).cloned();
    let contacts: Vec<Node> = recent
        .iter()
        .filter_map(|name| world.contact(name))
        .map(|contact| contact.record(In::Init { skey: &account.skey }, &find).into())
        .collect();
    let chat_set: String = recent.iter().map(|name| format!("{name},")).collect();
    let articles = articles(world);
    let Some(session) = &mut world.session else {
        return Answer::Reply(reply::page(now, 400, "400 Bad Request"));
    };
    // The browser may repeat the call: undelivered events stay undelivered.
    let start = session.pairs.last().map_or(session.start, |_| handed);
    let key = key_record(&session.hand_out(&mut world.rng, now, start, true).sync);
    let object = Object::answer(0, "")
        .with_list("Count", "ContactList", contacts)
        .with("SyncKey", key)
        .with("User", account.user())
        .with("ChatSet", chat_set)
        .with("SKey", &account.skey)
        .with("ClientVersion", 369_297_683_i64)
        .with("SystemTime", now / 1000)
        .with("GrayScale", 1_i64)
        .with("InviteStartCount", world.rooms.invite_start)
        .with_list("MPSubscribeMsgCount", "MPSubscribeMsgList", articles)
        .with("ClickReportInterval", 600_000_i64);
    Answer::Reply(reply::json(now, object))
}

/// Returns the newest articles of the official accounts.
fn articles(world: &World) -> Vec<Node> {
    let public = world.contacts().iter().filter(|contact| contact.verify_flag & 8 != 0);
    public
        .map(|contact| {
            let article = Object::new()
                .with("Title", "今日天气 &amp; 出行")
                .with("Digest", "多云转晴，适合散步。")
                .with("Cover", "http://mmbiz.example/cover/640?wx_fmt=jpeg")
                .with("Url", "http://mp.example/s?__biz=MzA3&amp;mid=265&amp;idx=1#rd");
            Object::new()
                .with("UserName", &contact.user_name)
                .with("MPArticleCount", 1_i64)
                .with("MPArticleList", vec![article.into()])
                .with("Time", world.now() / 1000 - 5400)
                .with("NickName", &contact.nick_name)
                .into()
        })
        .collect()
}

pub(crate) fn check_notify(check: &mut Check<'_>) {
    if check.world.entry_page.is_file_helper() {
        check.wrong("is not sent by the file-transfer page");
    }
    let (lang, pass_ticket) = (check.lang(), check.pass_ticket());
    check.query(&[lang, pass_ticket], &[]);
    check.initialised();
    let body = check.body(&["BaseRequest", "Code", "FromUserName", "ToUserName", "ClientMsgId"]);
    check.base_request(&body, false);
    let code = check.number(&body, "Code", &Rule::one_of(&["1", "2", "3", "5"]));
    let me = check.world.account.user_name.clone();
    check.text(&body, "FromUserName", &Rule::is(me.clone()));
    if code == Some(3) {
        check.text(&body, "ToUserName", &Rule::is(me));
    } else if let Some(to) = check.free(&body, "ToUserName")
        && (to == me || !check.world.is_known(&to))
    {
        check.wrong(format!(
            "JSON field `ToUserName` is `{to}`, which is invalid for code {code:?}"
        ));
    }
    check.number(&body, "ClientMsgId", &Rule::Millis);
}

pub(crate) fn notify(world: &mut World, request: &Decoded) -> Answer {
    let id = world.rng.digits(19).to_string();
    let code = request.json.pointer("/Code").and_then(serde_json::Value::as_i64).unwrap_or(0);
    let (inited, to) = (code == 3, request.text("/ToUserName"));
    if code == 1 {
        world.read.insert(to.clone(), world.timeline.len());
    }
    world.notices.push(Notice { code, to, at: world.now() });
    if let Some(session) = &mut world.session
        && inited
        && !std::mem::replace(&mut session.announced, true)
        && world.announces
    {
        announce(world);
    }
    let object = Object::answer(0, "").with("MsgID", id);
    Answer::Reply(reply::json(world.now(), object))
}

/// Delivers the phone's list of recent chats, which answers the first notification (docs/protocol.md §9.7).
fn announce(world: &mut World) {
    let recent = world.recent();
    let xml = format!(
        "<msg>\n<op id='4'>\n<username>\n{}\n</username>\n<unreadchatlist>\n</unreadchatlist>\n<unreadfunctionlist>\n</unreadfunctionlist>\n</op>\n</msg>",
        world.permanent_ids(&recent).join(",")
    );
    let me = world.account.user_name.clone();
    let message = Incoming {
        status_notify_code: 4,
        status_notify_user_name: recent.join(","),
        ..Incoming::of_xml(&me, 51, &xml)
    };
    world.deliver(message);
}

#[cfg(test)]
mod tests {
    use crate::World;
    use crate::client::{Client, json, text};

    #[test]
    fn answer_has_every_field() {
        let mut client = Client::ready(World::demo());
        let reply = client.init();
        let answer = json(&reply);
        for field in [
            "Count", "ContactList", "SyncKey", "User", "ChatSet", "SKey", "ClientVersion",
            "SystemTime", "GrayScale", "InviteStartCount", "MPSubscribeMsgCount",
            "MPSubscribeMsgList", "ClickReportInterval",
        ] {
            assert!(!answer[field].is_null(), "{field}");
        }
        assert!(answer["ChatSet"].as_str().expect("text").ends_with(','));
        assert_eq!(answer["SyncKey"]["Count"], 4);
        assert_eq!(
            answer["MPSubscribeMsgList"][0]["MPArticleList"][0]["Title"],
            "今日天气 &amp; 出行"
        );
        let rooms = answer["ContactList"].as_array().expect("a list").iter();
        let room = rooms.clone().find(|contact| contact["MemberCount"] == 8).expect("a room");
        assert_eq!(room["MemberList"].as_array().expect("a list").len(), 7);
        assert_eq!(room["MemberList"][0]["NickName"], "");
        assert!(text(&reply).starts_with("{\n\"BaseResponse\": {\n\"Ret\": 0,\n\"ErrMsg\": \"\"\n}\n,\n\"Count\": 11,\n\"ContactList\": [{\n\"Uin\": 0,\n"));
        client.assert_clean();
    }

    #[test]
    fn first_notification_is_answered_with_recent_chats() {
        let mut client = Client::new(World::demo());
        client.log_in();
        let message = json(&client.sync())["AddMsgList"][0].clone();
        assert_eq!((&message["MsgType"], &message["StatusNotifyCode"]), (&51.into(), &4.into()));
        let names = message["StatusNotifyUserName"].as_str().expect("text").split(',').count();
        let content = message["Content"].as_str().expect("text");
        assert!(content.starts_with(
            "&lt;msg&gt;<br/>&lt;op id='4'&gt;<br/>&lt;username&gt;<br/>filehelper,wxid_"
        ));
        assert_eq!(content.split("<br/>").nth(3).expect("a line").split(',').count(), names);
        client.assert_clean();
    }

    #[test]
    fn call_before_init_is_a_violation() {
        let mut client = Client::new(World::demo());
        client.jslogin();
        client.simulator.world().phone().confirm();
        client.poll();
        client.login_page();
        client.book("0");
        assert_eq!(client.violations(), ["webwxgetcontact: precedes webwxinit"]);
    }
}
