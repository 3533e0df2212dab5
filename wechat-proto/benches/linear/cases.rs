//! The inputs and the workload that processes each of them.

use std::fmt::Write as _;
use std::hint::black_box;

use bytes::Bytes;
use serde_json::json;
use wechat_proto::contact::{BatchGetContacts, GetContacts};
use wechat_proto::flow::Response;
use wechat_proto::login::{
    CheckScan, Credentials, InitSession, Logout, PushHost, PushLogin, RedeemTicket,
};
use wechat_proto::message::{SendText, mention};
use wechat_proto::sync::{FetchBatch, SyncCheck};
use wechat_proto::{
    Account, Call, Device, Endpoint, Flow, Input, Interrupt, Message, UserName, link,
};

use crate::accounts::{
    change_contacts, change_room, load, load_contacts, load_members, load_pages, members_of_room,
    messages_of_a_room, messages_of_removed, receive, stores,
};
use crate::shared::{now, session};

/// Builds an input of the given number of items and returns the workload that processes it.
///
/// Even the smallest inputs exceed the CPU caches and the memory that the allocator retains, so
/// that larger inputs do not appear more expensive for that reason.
pub(crate) type Setup = fn(usize) -> Box<dyn FnMut()>;

/// The label, the number of items of the smallest input, and the setup of each case.
#[rustfmt::skip]
pub(crate) const CASES: &[(&str, usize, Setup)] = &[
    ("contacts: a page", 500, |n| contacts("MemberList", n, &record)),
    ("contacts: emoji and entities in names", 500, |n| contacts("MemberList", n, &|n| contact(n, "&amp;<span class=\\\"emoji emoji1f604\\\"></span>"))),
    ("contacts: empty elements", 2_000, |n| contacts("MemberList", n, &|_| "{}".into())),
    ("contacts: duplicates", 500, |n| contacts("MemberList", n, &|_| record(1))),
    ("malformed: raw control characters", 500, |n| contacts("MemberList", n, &|n| contact(n, "a\u{1}b"))),
    ("malformed: lone surrogates", 500, |n| contacts("MemberList", n, &|n| contact(n, "\\ud83d!"))),
    ("malformed: numbers out of range", 500, |n| contacts("MemberList", n, &|n| format!("{{\"UserName\":\"@{n}\",\"Sex\":1e400}}"))),
    ("malformed: unescaped quotes", 500, |n| contacts("MemberList", n, &|n| contact(n, "a\"},{\"b"))),
    ("malformed: elements", 500, |n| parse_body(FetchBatch::new(), page("AddMsgList", n, &|_| "{\"MsgId\" @}".into()))),
    ("malformed: names in a string", 5_000, |n| parse_body(FetchBatch::new(), page("AddMsgList", 1, &|_| format!("{{\"MsgId\":\"{}\"}}", "\",\"a\":[{\"b\":\"".repeat(n))))),
    ("malformed: brackets in a string", 20_000, |n| parse_body(FetchBatch::new(), page("AddMsgList", 1, &|_| format!("{{\"MsgId\":\"{}\"}}", "\"}],{[,".repeat(n))))),
    ("malformed: nested elements", 5_000, |n| parse_body(FetchBatch::new(), page("AddMsgList", 1, &|_| format!("{}\\x{}", "{\"MsgId\":[".repeat(n), "]}".repeat(n))))),
    ("malformed: truncated", 2_000, |n| truncated(n)),
    ("malformed: escapes only", 20_000, |n| parse_body(GetContacts::new(), format!("{{\"x\":\"{}\"}}", "\\ud83d\\u0041".repeat(n)))),
    ("nested lists", 5_000, |n| parse_body(GetContacts::new(), format!("{{\"BaseResponse\":{{\"Ret\":0}},\"MemberList\":{}", "[".repeat(n)))),
    ("unknown fields", 5_000, |n| parse_body(GetContacts::new(), unknown_fields(n))),
    ("members: a room", 500, members),
    ("members: duplicates", 500, same_members),
    ("messages: a batch", 200, messages),
    // Each message occupies several hundred bytes for 3 bytes on the wire. For larger batches,
    // glibc returns the memory after each batch and every page is faulted in again: twice the time
    // per message from 20,000 messages on, but not with MALLOC_MMAP_MAX_=0 and trimming disabled.
    ("messages: empty elements", 300, |n| parse_batch(n, &|_| "{}".into())),
    ("sync key entries", 500, sync_keys),
    ("content: plain text", 20_000, |n| content(1, &"文字 ".repeat(n))),
    ("content: entities", 20_000, |n| content(1, &"&lt;&#20013;&nbsp;&nope;".repeat(n))),
    ("content: ampersands", 40_000, |n| content(1, &"&".repeat(n))),
    ("content: long entities", 4_000, |n| content(1, &format!("&{}", "x".repeat(39)).repeat(n))),
    ("content: line breaks", 20_000, |n| content(1, &"<br/>".repeat(n))),
    ("content: emoji", 5_000, |n| content(1, &"<span class=\"emoji emoji1f604\"></span>".repeat(n))),
    ("content: truncated emoji", 20_000, |n| content(1, &"<span class=\"emoji emoji".repeat(n))),
    ("content: sender prefixes", 10_000, |n| content(1, &"@a:<br/>".repeat(n))),
    ("content: quotations", 5_000, |n| content(1, &format!("「a{}", "」\n- - - x\n".repeat(n)))),
    ("content: lines of one quotation", 10_000, |n| content(1, &format!("「{}」\n{}", "a\n".repeat(n), "- ".repeat(n)))),
    ("XML: elements", 5_000, |n| content(49, &format!("<msg><appmsg>{}</appmsg></msg>", "<title>a</title>".repeat(n)))),
    ("XML: escaped twice", 2_000, |n| content(49, &format!("&amp;lt;msg&amp;gt;&amp;lt;appmsg&amp;gt;{}", "&amp;lt;title&amp;gt;a&amp;lt;/title&amp;gt;".repeat(n)))),
    ("XML: unclosed nesting", 10_000, |n| content(49, &"<msg>".repeat(n))),
    ("XML: closed nesting", 10_000, |n| content(49, &("<msg>".repeat(n) + &"</msg>".repeat(n)))),
    ("XML: attributes of one element", 5_000, |n| content(3, &format!("<msg><img {}/></msg>", "length=\"1\" ".repeat(n)))),
    ("XML: attributes of many elements", 50, |n| content(3, &format!("<msg>{}</msg>", format!("<img {}/>", "md5=\"1\" ".repeat(200)).repeat(n)))),
    ("XML: a long attribute", 20_000, |n| content(47, &format!("<msg><emoji cdnurl=\"{}\"/></msg>", "a&amp;".repeat(n)))),
    ("XML: fragmented text", 30_000, |n| content(49, &format!("<msg><appmsg><title>{}</title></appmsg></msg>", "a&amp;<![CDATA[b]]>".repeat(n)))),
    ("XML: unterminated comments", 10_000, |n| content(49, &format!("<msg>{}", "<!--".repeat(n)))),
    ("XML: opening brackets", 20_000, |n| content(49, &format!("<msg>{}", "<".repeat(n)))),
    ("XML: articles", 500, |n| content(49, &format!("<msg><appmsg><type>5</type><mmreader><category>{}</category></mmreader></appmsg></msg>", "<item><title>a</title><url>b</url></item>".repeat(n)))),
    ("XML: chat history", 500, |n| content(49, &format!("<msg><appmsg><type>19</type><recorditem><recordinfo><datalist>{}</datalist></recordinfo></recorditem></appmsg></msg>", "<dataitem datatype=\"1\"><datadesc>a</datadesc></dataitem>".repeat(n)))),
    ("XML: recent chats", 2_000, |n| content(51, &format!("<msg><op id='4'><username>{}</username></op></msg>", "a@chatroom,".repeat(n)))),
    ("XML: unread chats", 5_000, |n| content(51, &format!("<msg><op id='4'><unreadchatlist>{}</unreadchatlist></op></msg>", "<chat><username>a</username><lastreadtime>1</lastreadtime></chat>".repeat(n)))),
    ("system: names in a notice", 5_000, |n| content(10_000, &format!("\"a\"邀请\"{}\"加入了群聊", "b、".repeat(n)))),
    ("system: notice phrases", 20_000, |n| content(10_000, &" invited you to a group chat with".repeat(n))),
    ("system: quotes", 300_000, |n| content(10_000, &"\"".repeat(n))),
    ("system: links", 2_000, |n| content(10_000, &"<a href=\"weixin://x\">y</a>".repeat(n))),
    ("system: template placeholders", 80_000, |n| content(10_002, &template("$a$ ".repeat(n), "<link name=\"a\" type=\"link_plain\"><plain>b</plain></link>".into()))),
    ("system: template dollar signs", 300_000, |n| content(10_002, &template("$".repeat(n), String::new()))),
    ("system: template links", 4_000, |n| content(10_002, &template("$a$".into(), "<link name=\"a\" type=\"link_profile\"><memberlist><member><username>x</username><nickname>y</nickname></member></memberlist></link>".repeat(n)))),
    ("mentions: many in a text", 10_000, |n| mentions("me", &"@me x@m".repeat(n))),
    ("mentions: a long name", 10_000, |n| mentions(&"a".repeat(n), &"@a".repeat(n))),
    ("scripts: assignments", 5_000, |n| parse_body(check_scan(), "window.code=408;".repeat(n))),
    ("scripts: distinct names", 5_000, |n| parse_body(check_scan(), (0..n).fold(String::new(), |text, n| text + &format!("window.a{n}=1;")))),
    ("scripts: escapes in a string", 20_000, |n| parse_body(check_scan(), format!("window.code=201;window.userAvatar='{}'", "\\u4e2d\\'".repeat(n)))),
    ("scripts: unterminated strings", 10_000, |n| parse_body(check_scan(), "window.a='\\'\\".repeat(n))),
    ("scripts: long name, many members", 10_000, |n| parse_body(SyncCheck::new(), format!("window.{}={{{}}}", "a".repeat(n), "a:1,".repeat(n)))),
    ("scripts: braces", 10_000, |n| parse_body(SyncCheck::new(), "window.synccheck={retcode:".repeat(n))),
    ("login page: elements", 30_000, |n| parse_body(redeem_ticket(), format!("<error>{}</error>", "<skey>a</skey>".repeat(n)))),
    ("login page: HTML", 5_000, |n| parse_body(redeem_ticket(), format!("<html><body>{}", "<p class=\"a\">b &nbsp; c<br>".repeat(n)))),
    ("refusals: a long error message", 10_000, |n| parse_body(PushLogin::new(7, PushHost::Api), json!({ "BaseResponse": { "Ret": 1, "ErrMsg": "<e><Content>a&amp;</Content>".repeat(n) } }).to_string())),
    ("initial page of chats", 500, |n| parse_body(init_session(), format!("{{\"BaseResponse\":{{\"Ret\":0}},\"User\":{{\"UserName\":\"@me\"}},\"SyncKey\":{{\"Count\":0,\"List\":[]}},\"ChatSet\":\"{}\",\"ContactList\":[{}]}}", "@a,".repeat(n), join_items(n, &record)))),
    ("cookies: many in a response", 1_000, |n| cookies(n, &|n| format!("name{n}=value; Path=/; Domain=.qq.com; Max-Age=1000"))),
    ("cookies: attributes of one cookie", 5_000, |n| cookies(1, &|_| "a=b".to_owned() + &"; Path=/x; Secure".repeat(n))),
    ("cookies: overlapping paths", 500, |n| cookies(n, &|n| format!("a=b{n}; Path=/{}", "x/".repeat(n % 50)))),
    ("queries: a long value", 20_000, long_query),
    ("bodies: a long text", 20_000, long_text),
    ("stores: one per acknowledged message of a batch", 1_000, stores),
    ("merges: first load of contacts", 2_000, |n| load_contacts(n, false)),
    ("merges: second load of contacts", 2_000, |n| load_contacts(n, true)),
    ("merges: repeated load of room members", 500, load_members),
    ("merges: records of a room", 500, |n| change_room(n, "ModContactList", &|n| format!("\"NickName\":\"{n}\""))),
    ("merges: changed members of a room", 1_000, |n| change_room(n, "ModChatRoomMemberList", &|n| members_of_room(n, "NUMBER"))),
    ("merges: new members of a room", 1_000, |n| change_room(n, "ModContactList", &|n| format!("\"MemberCount\":100000,{}", members_of_room(n, &"NUMBER".repeat(4))))),
    ("merges: messages of a room", 500, messages_of_a_room),
    ("merges: pages of contacts", 20, load_pages),
    ("merges: changed contacts in a batch", 2_000, |n| change_contacts(n, "ModContactList")),
    ("merges: removed contacts in a batch", 2_000, |n| change_contacts(n, "DelContactList")),
    ("merges: messages of removed contacts", 500, |n| receive(n, messages_of_removed(n), n)),
];

pub(crate) fn response(body: impl Into<Bytes>) -> Response {
    Response::new(body.into())
}

/// Parses a well-formed or malformed response of an endpoint.
fn parse_body<E: Endpoint + 'static>(endpoint: E, text: String) -> Box<dyn FnMut()> {
    let response = response(text);
    Box::new(move || drop(black_box(endpoint.parse(black_box(&response)))))
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

/// Returns `n` items, separated by commas.
pub(crate) fn join_items(n: usize, item: &dyn Fn(usize) -> String) -> String {
    (0..n).map(item).collect::<Vec<_>>().join(",")
}

/// Returns a response with a list of `n` items.
pub(crate) fn page(list: &str, n: usize, item: &dyn Fn(usize) -> String) -> String {
    format!("{{\"BaseResponse\":{{\"Ret\":0}},\"{list}\":[{}]}}", join_items(n, item))
}

/// Parses a list of `n` valid contacts.
fn contacts(name: &str, n: usize, item: &dyn Fn(usize) -> String) -> Box<dyn FnMut()> {
    let text = page(name, n, item);
    assert!(GetContacts::new().parse(&response(text.clone())).is_ok());
    parse_body(GetContacts::new(), text)
}

/// Parses a truncated list of `n` contacts.
fn truncated(n: usize) -> Box<dyn FnMut()> {
    let mut text = page("MemberList", n, &record);
    text.truncate(text.len() - 3);
    assert!(GetContacts::new().parse(&response(text.clone())).is_err());
    parse_body(GetContacts::new(), text)
}

fn contact(n: usize, nick_name: &str) -> String {
    format!("{{\"UserName\":\"@{n}\",\"NickName\":\"{nick_name}\"}}")
}

pub(crate) fn record(n: usize) -> String {
    json!({
        "UserName": format!("@{:064x}", n * 0x9e37_79b9), "NickName": format!("朋友{n}"), "RemarkName": "",
        "HeadImgUrl": format!("/cgi-bin/mmwebwx-bin/webwxgeticon?seq={n}&username=@{n}&skey="),
        "Signature": "山高月小，水落石出", "PYQuanPin": format!("pengyou{n}"), "Sex": n % 3, "ContactFlag": 3,
        "MemberCount": 0, "MemberList": [], "Province": "广东", "SnsFlag": 17, "StarFriend": 0,
    })
    .to_string()
}

/// Returns an object with `n` unknown fields.
fn unknown_fields(n: usize) -> String {
    let fields = (0..n).fold(String::new(), |mut text, n| {
        write!(text, "\"Field{n}\":{{\"a\":[1,2.5,\"b\"]}},").unwrap();
        text
    });
    format!("{{{fields}\"BaseResponse\":{{\"Ret\":0}}}}")
}

/// Returns a room with `n` members, numbered by `member`.
pub(crate) fn room(name: usize, n: usize, member: &dyn Fn(usize) -> usize) -> String {
    let members = join_items(n, &|n| {
        let n = member(n);
        json!({ "UserName": format!("@{:064x}", n * 0x9e37_79b9), "NickName": format!("群员{n}") })
            .to_string()
    });
    format!(
        "{{\"UserName\":\"@@{name}\",\"NickName\":\"群\",\"MemberCount\":{n},\"MemberList\":[{members}]}}"
    )
}

fn members(n: usize) -> Box<dyn FnMut()> {
    parse_body(BatchGetContacts::new(&[]), page("ContactList", 1, &|_| room(0, n, &|n| n)))
}

fn same_members(n: usize) -> Box<dyn FnMut()> {
    parse_body(BatchGetContacts::new(&[]), page("ContactList", 1, &|_| room(0, n, &|_| 7)))
}

// Messages.

pub(crate) fn message(n: usize) -> String {
    json!({
        "MsgId": n.to_string(), "FromUserName": if n.is_multiple_of(3) { "@@1" } else { "@1" }, "ToUserName": "@me",
        "MsgType": if n.is_multiple_of(5) { 49 } else { 1 }, "CreateTime": 1_476_606_163,
        "Content": "@1:<br/>&lt;msg&gt;&lt;appmsg&gt;&lt;title&gt;新闻&lt;/title&gt;&lt;/appmsg&gt;&lt;/msg&gt;",
    })
    .to_string()
}

fn messages(n: usize) -> Box<dyn FnMut()> {
    parse_batch(n, &message)
}

/// Parses a batch of `n` messages.
fn parse_batch(n: usize, item: &dyn Fn(usize) -> String) -> Box<dyn FnMut()> {
    let (response, session) = (response(page("AddMsgList", n, item)), session());
    Box::new(move || {
        let messages = FetchBatch::new().parse(black_box(&response)).unwrap();
        let messages = messages.messages(&session.me().user_name);
        assert_eq!(black_box(messages).len(), n);
    })
}

fn sync_keys(n: usize) -> Box<dyn FnMut()> {
    let list = join_items(n, &|n| format!("{{\"Key\":{n},\"Val\":{n}}}"));
    parse_body(
        FetchBatch::new(),
        format!(
            "{{\"BaseResponse\":{{\"Ret\":0}},\"SyncKey\":{{\"Count\":{n},\"List\":[{list}]}}}}"
        ),
    )
}

/// Parses a message with this content, formats it, and reads its text and mentions.
fn content(msg_type: i64, content: &str) -> Box<dyn FnMut()> {
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

/// Returns a `sysmsgtemplate` document.
fn template(template: String, links: String) -> String {
    format!(
        "<sysmsg type=\"sysmsgtemplate\"><sysmsgtemplate><content_template type=\"tmpl_type_profile\"><plain></plain><template>{template}</template><link_list>{links}</link_list></content_template></sysmsgtemplate></sysmsg>"
    )
}

/// Searches a message for mentions in a room where the user has this display name.
fn mentions(name: &str, content: &str) -> Box<dyn FnMut()> {
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

/// Stores the `n` cookies of a response in a session.
fn cookies(n: usize, line: &dyn Fn(usize) -> String) -> Box<dyn FnMut()> {
    let mut lines: Vec<http::HeaderValue> =
        (0..n).map(|n| line(n).parse().expect("a header")).collect();
    let mut session = session();
    Box::new(move || {
        let mut call = Call::new(Logout::new());
        assert!(matches!(call.poll(&mut session, now()), Err(Interrupt::Send(_))));
        let mut response = response("");
        for line in &mut lines {
            response.headers_mut().append(http::header::SET_COOKIE, line.clone());
        }
        call.handle(Input::Reply(Ok(response)));
        assert!(call.poll(&mut session, now()).is_ok());
    })
}

fn long_query(n: usize) -> Box<dyn FnMut()> {
    let mut session = session();
    let address = format!("https://example.test/?q={}", "%20a".repeat(n / 100));
    let mut check = link::CheckLink::new(&address).expect("a link");
    let times = 100;
    Box::new(move || {
        for _ in 0..times {
            let _ = black_box(black_box(&mut check).request(&mut session, now()));
        }
    })
}

fn long_text(n: usize) -> Box<dyn FnMut()> {
    let mut session = session();
    let text = "a\n<&>\"\\😄#\u{20e3}".repeat(n);
    let mut send = SendText::new(UserName::file_helper(), text);
    Box::new(move || {
        let _ = black_box(black_box(&mut send).request(&mut session, now()));
    })
}
