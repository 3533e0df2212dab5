//! The inputs, and the work on each.

use std::fmt::Write as _;
use std::hint::black_box;
use std::time::Duration;

use bytes::Bytes;
use serde_json::json;
use wechat_proto::contact::{BatchGetContacts, GetContacts};
use wechat_proto::flow::Response;
use wechat_proto::login::{
    CheckScan, Credentials, InitSession, Logout, PushHost, PushLogin, RedeemTicket,
};
use wechat_proto::message::{SendText, mention};
use wechat_proto::sync::{FetchBatch, Inbox, SyncCheck};
use wechat_proto::{
    Account, Call, Device, Endpoint, Flow, Input, Interrupt, Message, UserName, link,
};

use crate::shared::{self, now, session};

/// Work on an input of this many items; what it makes of it is built before. The smallest inputs are
/// large enough not to fit where ten times as much would not: into a cache, or what the allocator
/// keeps.
pub(crate) type Make = fn(usize) -> Box<dyn FnMut()>;

/// What is read, how many items there are at least, and how it is made.
#[rustfmt::skip]
pub(crate) const CASES: &[(&str, usize, Make)] = &[
    ("contacts of a page", 500, |n| listed("MemberList", n, &record)),
    ("contacts, names of emoji and entities", 500, |n| listed("MemberList", n, &|n| person(n, "&amp;<span class=\\\"emoji emoji1f604\\\"></span>"))),
    ("contacts, empty elements", 2_000, |n| listed("MemberList", n, &|_| "{}".into())),
    ("contacts, one and the same", 500, |n| listed("MemberList", n, &|_| record(1))),
    ("malformed: raw control characters", 500, |n| listed("MemberList", n, &|n| person(n, "a\u{1}b"))),
    ("malformed: lone surrogates", 500, |n| listed("MemberList", n, &|n| person(n, "\\ud83d!"))),
    ("malformed: a number too large in each", 500, |n| listed("MemberList", n, &|n| format!("{{\"UserName\":\"@{n}\",\"Sex\":1e400}}"))),
    ("malformed: truncated", 2_000, |n| broken(n)),
    ("malformed: only escapes", 20_000, |n| body(GetContacts::new(), format!("{{\"x\":\"{}\"}}", "\\ud83d\\u0041".repeat(n)))),
    ("nested lists", 5_000, |n| body(GetContacts::new(), format!("{{\"BaseResponse\":{{\"Ret\":0}},\"MemberList\":{}", "[".repeat(n)))),
    ("unknown fields", 5_000, |n| body(GetContacts::new(), object(n))),
    ("members of a room", 500, members),
    ("members, one and the same", 500, same_members),
    ("messages of a batch", 200, messages),
    // Several hundred bytes each, for 3 bytes of the wire: with more of them glibc gives the memory back after
    // each batch, and each page has to be faulted in again (twice the time per message at 20,000 as
    // at 10,000, and no more at 100,000; once the time with MALLOC_MMAP_MAX_=0 and no trimming).
    ("messages that say nothing", 1_000, |n| synced(n, &|_| "{}".into())),
    ("counters of a key", 500, keys),
    ("content: plain text", 20_000, |n| said(1, &"文字 ".repeat(n))),
    ("content: entities", 20_000, |n| said(1, &"&lt;&#20013;&nbsp;&nope;".repeat(n))),
    ("content: ampersands", 40_000, |n| said(1, &"&".repeat(n))),
    ("content: long entities", 4_000, |n| said(1, &format!("&{}", "x".repeat(39)).repeat(n))),
    ("content: breaks", 20_000, |n| said(1, &"<br/>".repeat(n))),
    ("content: emoji", 5_000, |n| said(1, &"<span class=\"emoji emoji1f604\"></span>".repeat(n))),
    ("content: emoji that begin only", 20_000, |n| said(1, &"<span class=\"emoji emoji".repeat(n))),
    ("content: prefixes of members", 10_000, |n| said(1, &"@a:<br/>".repeat(n))),
    ("content: quotations", 5_000, |n| said(1, &format!("「a{}", "」\n- - - x\n".repeat(n)))),
    ("content: lines of a quotation", 10_000, |n| said(1, &format!("「{}」\n{}", "a\n".repeat(n), "- ".repeat(n)))),
    ("XML: elements", 5_000, |n| said(49, &format!("<msg><appmsg>{}</appmsg></msg>", "<title>a</title>".repeat(n)))),
    ("XML: escaped twice", 2_000, |n| said(49, &format!("&amp;lt;msg&amp;gt;&amp;lt;appmsg&amp;gt;{}", "&amp;lt;title&amp;gt;a&amp;lt;/title&amp;gt;".repeat(n)))),
    ("XML: nesting", 10_000, |n| said(49, &"<msg>".repeat(n))),
    ("XML: nesting, closed", 10_000, |n| said(49, &("<msg>".repeat(n) + &"</msg>".repeat(n)))),
    ("XML: attributes of an element", 5_000, |n| said(3, &format!("<msg><img {}/></msg>", "length=\"1\" ".repeat(n)))),
    ("XML: attributes of many elements", 50, |n| said(3, &format!("<msg>{}</msg>", format!("<img {}/>", "md5=\"1\" ".repeat(200)).repeat(n)))),
    ("XML: a long attribute", 20_000, |n| said(47, &format!("<msg><emoji cdnurl=\"{}\"/></msg>", "a&amp;".repeat(n)))),
    ("XML: text in pieces", 30_000, |n| said(49, &format!("<msg><appmsg><title>{}</title></appmsg></msg>", "a&amp;<![CDATA[b]]>".repeat(n)))),
    ("XML: comments that never end", 10_000, |n| said(49, &format!("<msg>{}", "<!--".repeat(n)))),
    ("XML: brackets", 20_000, |n| said(49, &format!("<msg>{}", "<".repeat(n)))),
    ("XML: articles", 500, |n| said(49, &format!("<msg><appmsg><type>5</type><mmreader><category>{}</category></mmreader></appmsg></msg>", "<item><title>a</title><url>b</url></item>".repeat(n)))),
    ("XML: a history", 500, |n| said(49, &format!("<msg><appmsg><type>19</type><recorditem><recordinfo><datalist>{}</datalist></recordinfo></recorditem></appmsg></msg>", "<dataitem datatype=\"1\"><datadesc>a</datadesc></dataitem>".repeat(n)))),
    ("XML: recent chats", 2_000, |n| said(51, &format!("<msg><op id='4'><username>{}</username></op></msg>", "a@chatroom,".repeat(n)))),
    ("XML: unread chats", 5_000, |n| said(51, &format!("<msg><op id='4'><unreadchatlist>{}</unreadchatlist></op></msg>", "<chat><username>a</username><lastreadtime>1</lastreadtime></chat>".repeat(n)))),
    ("system: names in a notice", 5_000, |n| said(10_000, &format!("\"a\"邀请\"{}\"加入了群聊", "b、".repeat(n)))),
    ("system: words of the notices", 20_000, |n| said(10_000, &" invited you to a group chat with".repeat(n))),
    ("system: quotes", 300_000, |n| said(10_000, &"\"".repeat(n))),
    ("system: links", 2_000, |n| said(10_000, &"<a href=\"weixin://x\">y</a>".repeat(n))),
    ("system: places of a template", 80_000, |n| said(10_002, &template("$a$ ".repeat(n), "<link name=\"a\" type=\"link_plain\"><plain>b</plain></link>".into()))),
    ("system: dollars of a template", 300_000, |n| said(10_002, &template("$".repeat(n), String::new()))),
    ("system: links of a template", 4_000, |n| said(10_002, &template("$a$".into(), "<link name=\"a\" type=\"link_profile\"><memberlist><member><username>x</username><nickname>y</nickname></member></memberlist></link>".repeat(n)))),
    ("mentions in a text", 10_000, |n| mentioned("me", &"@me x@m".repeat(n))),
    ("mentions of a long name", 10_000, |n| mentioned(&"a".repeat(n), &"@a".repeat(n))),
    ("scripts: assignments", 5_000, |n| body(check_scan(), "window.code=408;".repeat(n))),
    ("scripts: different names", 5_000, |n| body(check_scan(), (0..n).fold(String::new(), |text, n| text + &format!("window.a{n}=1;")))),
    ("scripts: a long string of escapes", 20_000, |n| body(check_scan(), format!("window.code=201;window.userAvatar='{}'", "\\u4e2d\\'".repeat(n)))),
    ("scripts: strings that never end", 10_000, |n| body(check_scan(), "window.a='\\'\\".repeat(n))),
    ("scripts: a long name of many members", 10_000, |n| body(SyncCheck::new(), format!("window.{}={{{}}}", "a".repeat(n), "a:1,".repeat(n)))),
    ("scripts: braces", 10_000, |n| body(SyncCheck::new(), "window.synccheck={retcode:".repeat(n))),
    ("login page: elements", 30_000, |n| body(redeem_ticket(), format!("<error>{}</error>", "<skey>a</skey>".repeat(n)))),
    ("login page: HTML", 5_000, |n| body(redeem_ticket(), format!("<html><body>{}", "<p class=\"a\">b &nbsp; c<br>".repeat(n)))),
    ("refusals: a long notice", 10_000, |n| body(PushLogin::new(7, PushHost::Api), json!({ "BaseResponse": { "Ret": 1, "ErrMsg": "<e><Content>a&amp;</Content>".repeat(n) } }).to_string())),
    ("a first page of chats", 500, |n| body(init_session(), format!("{{\"BaseResponse\":{{\"Ret\":0}},\"User\":{{\"UserName\":\"@me\"}},\"SyncKey\":{{\"Count\":0,\"List\":[]}},\"ChatSet\":\"{}\",\"ContactList\":[{}]}}", "@a,".repeat(n), all(n, &record)))),
    ("cookies of a reply", 1_000, |n| cookies(n, &|n| format!("name{n}=value; Path=/; Domain=.qq.com; Max-Age=1000"))),
    ("cookies: attributes of one", 5_000, |n| cookies(1, &|_| "a=b".to_owned() + &"; Path=/x; Secure".repeat(n))),
    ("cookies: paths that all cover", 500, |n| cookies(n, &|n| format!("a=b{n}; Path=/{}", "x/".repeat(n % 50)))),
    ("queries: a long value", 20_000, queried),
    ("bodies: a long text", 20_000, sent),
    ("merges: a load of contacts", 2_000, |n| loaded(n, false)),
    ("merges: a second load", 2_000, |n| loaded(n, true)),
    ("merges: members of a room, again and again", 500, remembered),
    ("merges: changes of a batch", 2_000, |n| changed(n, "ModContactList")),
    ("merges: removals of a batch", 2_000, |n| changed(n, "DelContactList")),
    ("merges: messages of those removed", 500, |n| inbox(n, last_words(n), n)),
];

fn reply(body: impl Into<Bytes>) -> Response {
    Response::new(body.into())
}

/// Parses a response of an endpoint, well-formed or malformed.
fn body<E: Endpoint + 'static>(endpoint: E, text: String) -> Box<dyn FnMut()> {
    let reply = reply(text);
    Box::new(move || drop(black_box(endpoint.parse(black_box(&reply)))))
}

fn check_scan() -> CheckScan {
    CheckScan::new("4d5e_tkZEA==".parse().expect("a UUID"))
}

fn redeem_ticket() -> RedeemTicket {
    let address = "https://wx.qq.com/cgi-bin/mmwebwx-bin/webwxnewloginpage?ticket=a";
    let redirect = address.parse().expect("a redirect");
    Device::new().enter(redirect).expect("a host of the service")
}

fn init_session() -> InitSession {
    InitSession::new(Credentials::new("7", "s", "k", "p").expect("credentials"))
}

fn all(n: usize, item: &dyn Fn(usize) -> String) -> String {
    (0..n).map(item).collect::<Vec<_>>().join(",")
}

/// A reply with a list of `n`.
fn page(list: &str, n: usize, item: &dyn Fn(usize) -> String) -> String {
    format!("{{\"BaseResponse\":{{\"Ret\":0}},\"{list}\":[{}]}}", all(n, item))
}

fn listed(name: &str, n: usize, item: &dyn Fn(usize) -> String) -> Box<dyn FnMut()> {
    let text = page(name, n, item);
    assert!(GetContacts::new().parse(&reply(text.clone())).is_ok());
    body(GetContacts::new(), text)
}

fn broken(n: usize) -> Box<dyn FnMut()> {
    let mut text = page("MemberList", n, &record);
    text.truncate(text.len() - 3);
    assert!(GetContacts::new().parse(&reply(text.clone())).is_err());
    body(GetContacts::new(), text)
}

fn person(n: usize, nick_name: &str) -> String {
    format!("{{\"UserName\":\"@{n}\",\"NickName\":\"{nick_name}\"}}")
}

fn record(n: usize) -> String {
    json!({
        "UserName": format!("@{:064x}", n * 0x9e37_79b9), "NickName": format!("朋友{n}"), "RemarkName": "",
        "HeadImgUrl": format!("/cgi-bin/mmwebwx-bin/webwxgeticon?seq={n}&username=@{n}&skey="),
        "Signature": "山高月小，水落石出", "PYQuanPin": format!("pengyou{n}"), "Sex": n % 3, "ContactFlag": 3,
        "MemberCount": 0, "MemberList": [], "Province": "广东", "SnsFlag": 17, "StarFriend": 0,
    })
    .to_string()
}

fn object(n: usize) -> String {
    let fields = (0..n).fold(String::new(), |mut text, n| {
        write!(text, "\"Field{n}\":{{\"a\":[1,2.5,\"b\"]}},").unwrap();
        text
    });
    format!("{{{fields}\"BaseResponse\":{{\"Ret\":0}}}}")
}

fn room(n: usize, member: &dyn Fn(usize) -> usize) -> String {
    let members = all(n, &|n| {
        let n = member(n);
        json!({ "UserName": format!("@{:064x}", n * 0x9e37_79b9), "NickName": format!("群员{n}") })
            .to_string()
    });
    format!(
        "{{\"UserName\":\"@@1\",\"NickName\":\"群\",\"MemberCount\":{n},\"MemberList\":[{members}]}}"
    )
}

fn members(n: usize) -> Box<dyn FnMut()> {
    body(BatchGetContacts::new(&[]), page("ContactList", 1, &|_| room(n, &|n| n)))
}

fn same_members(n: usize) -> Box<dyn FnMut()> {
    body(BatchGetContacts::new(&[]), page("ContactList", 1, &|_| room(n, &|_| 7)))
}

// Messages.

fn message(n: usize) -> String {
    json!({
        "MsgId": n.to_string(), "FromUserName": if n.is_multiple_of(3) { "@@1" } else { "@1" }, "ToUserName": "@me",
        "MsgType": if n.is_multiple_of(5) { 49 } else { 1 }, "CreateTime": 1_476_606_163,
        "Content": "@1:<br/>&lt;msg&gt;&lt;appmsg&gt;&lt;title&gt;新闻&lt;/title&gt;&lt;/appmsg&gt;&lt;/msg&gt;",
    })
    .to_string()
}

fn messages(n: usize) -> Box<dyn FnMut()> {
    synced(n, &message)
}

fn synced(n: usize, item: &dyn Fn(usize) -> String) -> Box<dyn FnMut()> {
    let (reply, session) = (reply(page("AddMsgList", n, item)), session());
    Box::new(move || {
        let messages = FetchBatch::new().parse(black_box(&reply)).unwrap();
        let messages = messages.messages(&session.me().user_name);
        assert_eq!(black_box(messages).len(), n);
    })
}

fn keys(n: usize) -> Box<dyn FnMut()> {
    let list = all(n, &|n| format!("{{\"Key\":{n},\"Val\":{n}}}"));
    body(
        FetchBatch::new(),
        format!(
            "{{\"BaseResponse\":{{\"Ret\":0}},\"SyncKey\":{{\"Count\":{n},\"List\":[{list}]}}}}"
        ),
    )
}

/// A message with this content: read, shown, and asked what one asks.
fn said(msg_type: i64, content: &str) -> Box<dyn FnMut()> {
    let record = json!({
        "MsgId": "7", "FromUserName": "@@1", "ToUserName": "@me", "MsgType": msg_type,
        "Content": content, "CreateTime": 1_476_606_163, "StatusNotifyUserName": content,
    });
    let (json, session) = (record.to_string(), session());
    Box::new(move || {
        let message = Message::from_json(black_box(&json), &session.me().user_name).unwrap();
        let text = message.text().map(mention::without_quotation);
        black_box((message.to_string(), text.map(str::len), message.mentions_everybody()));
    })
}

fn template(template: String, links: String) -> String {
    format!(
        "<sysmsg type=\"sysmsgtemplate\"><sysmsgtemplate><content_template type=\"tmpl_type_profile\"><plain></plain><template>{template}</template><link_list>{links}</link_list></content_template></sysmsgtemplate></sysmsg>"
    )
}

fn mentioned(name: &str, content: &str) -> Box<dyn FnMut()> {
    let mut account = Account::from(session());
    let members = format!("{{\"UserName\":\"@me\",\"DisplayName\":\"{name}\"}}");
    let room = format!("{{\"UserName\":\"@@1\",\"MemberCount\":1,\"MemberList\":[{members}]}}");
    load(&mut account, &page("MemberList", 1, &|_| room.clone()).into());
    let record = json!({
        "MsgId": "7", "FromUserName": "@@1", "ToUserName": "@me", "MsgType": 1, "Content": content,
    });
    let message = Message::from_json(&record.to_string(), &"@me".parse().unwrap()).unwrap();
    Box::new(move || {
        let me = account.session().me();
        black_box(black_box(&message).mentions(account.directory(), me));
        black_box(message.mentions_everybody());
    })
}

// Requests, cookies, the directory.

fn cookies(n: usize, line: &dyn Fn(usize) -> String) -> Box<dyn FnMut()> {
    let mut lines: Vec<http::HeaderValue> =
        (0..n).map(|n| line(n).parse().expect("a header")).collect();
    let mut session = session();
    Box::new(move || {
        let mut call = Call::new(Logout::new());
        assert!(matches!(call.poll(&mut session, now()), Err(Interrupt::Send(_))));
        let mut reply = reply("");
        for line in &mut lines {
            reply.headers_mut().append(http::header::SET_COOKIE, line.clone());
        }
        call.handle(Input::Reply(Ok(reply)));
        assert!(call.poll(&mut session, now()).is_ok());
    })
}

fn queried(n: usize) -> Box<dyn FnMut()> {
    let mut session = session();
    let address: link::Link =
        format!("https://example.test/?q={}", "%20a".repeat(n / 100).as_str())
            .parse()
            .expect("a link");
    let mut check = link::CheckLink::new(address);
    let times = 100;
    Box::new(move || {
        for _ in 0..times {
            let _ = black_box(black_box(&mut check).request(&mut session, now()));
        }
    })
}

fn sent(n: usize) -> Box<dyn FnMut()> {
    let mut session = session();
    let text = "a\n<&>\"\\😄#\u{20e3}".repeat(n);
    let mut send = SendText::new(UserName::file_helper(), text);
    Box::new(move || {
        let _ = black_box(black_box(&mut send).request(&mut session, now()));
    })
}

/// Loads a page of contacts.
fn load(account: &mut Account, page: &Bytes) {
    shared::load(account, page, &Bytes::from_static(b"{\"BaseResponse\":{\"Ret\":0}}"));
}

fn loaded(n: usize, again: bool) -> Box<dyn FnMut()> {
    let body: Bytes = page("MemberList", n, &record).into();
    let mut account = Account::from(session());
    load(&mut account, &body);
    Box::new(move || {
        if !again {
            account = Account::from(session());
        }
        load(&mut account, &body);
    })
}

fn remembered(n: usize) -> Box<dyn FnMut()> {
    let bodies: [Bytes; 2] =
        [0, 1].map(|by| page("MemberList", 1, &|_| room(n, &|n| n + by)).into());
    let mut account = Account::from(session());
    let mut turn = 0;
    Box::new(move || {
        turn += 1;
        load(&mut account, &bodies[turn % 2]);
    })
}

/// A batch that changes many contacts.
fn changed(n: usize, list: &str) -> Box<dyn FnMut()> {
    inbox(n, batch(list, &all(n, &record), r#"{"MsgId":"NUMBER","FromUserName":"@1"}"#), 1)
}

/// A message of each who is removed with it.
fn last_words(n: usize) -> String {
    let words = all(n, &|n| {
        let from = format!("@{:064x}", n * 0x9e37_79b9);
        json!({ "MsgId": format!("NUMBER{n}"), "FromUserName": from }).to_string()
    });
    batch("DelContactList", &all(n, &record), &words)
}

fn batch(list: &str, changes: &str, messages: &str) -> String {
    format!(
        "{{\"BaseResponse\":{{\"Ret\":0}},\"{list}\":[{changes}],\"AddMsgList\":[{messages}],\"SyncKey\":{{\"Count\":1,\"List\":[{{\"Key\":1,\"Val\":1}}]}}}}"
    )
}

/// An inbox with `n` contacts that receives a batch of new messages each time: NUMBER is replaced.
fn inbox(n: usize, batch: String, messages: usize) -> Box<dyn FnMut()> {
    let page_of_all: Bytes = page("MemberList", n, &record).into();
    let mut account = Account::from(session());
    load(&mut account, &page_of_all);
    let mut inbox = Inbox::new();
    let (mut clock, mut id) = (now(), 0);
    Box::new(move || {
        id += 1;
        let body: Bytes = batch.replace("NUMBER", &id.to_string()).into();
        let mut heard = 0;
        while heard < messages {
            match inbox.poll(&mut account, clock) {
                Ok(_) => heard += 1,
                Err(Interrupt::Send(request)) => {
                    clock = clock.after(Duration::from_secs(3));
                    let path = request.http.uri().path();
                    let body = if path.ends_with("/synccheck") {
                        Bytes::from_static(b"window.synccheck={retcode:\"0\",selector:\"2\"}")
                    } else if path.ends_with("/webwxsync") {
                        body.clone()
                    } else {
                        Bytes::from_static(b"{\"BaseResponse\":{\"Ret\":0}}")
                    };
                    inbox.handle(Input::Reply(Ok(reply(body))));
                }
                Err(Interrupt::Sleep(time)) => clock = clock.after(time),
                Err(other) => panic!("{other:?}"),
            }
        }
    })
}
