//! Hostile replies take a bounded amount of memory, both while they are parsed and applied and
//! afterwards.

use std::io::Write as _;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use wechat_memory::{Counting, alone, live, most};
use wechat_proto::contact::BatchGetContacts;
use wechat_proto::error::FailureKind;
use wechat_proto::flow::Response;
use wechat_proto::sync::{FetchBatch, Inbox};
use wechat_proto::{Account, Call, Endpoint, Error, Flow, Input, Interrupt, Session, Timestamp};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn account() -> Account {
    let session = include_str!("../../../wechat-proto/benches/shared/session.json");
    Account::from(Session::from_json(session).unwrap())
}

fn list(n: usize, element: &dyn Fn(usize) -> String) -> String {
    (0..n).map(element).collect::<Vec<_>>().join(",")
}

/// Threat W3: a reply of `webwxsync` takes at most 20 times its length.
#[test]
fn peak_of_a_reply_is_bounded() {
    let _turn = alone();
    let name = |n: usize| format!("{{\"UserName\":\"@{n}\"}}");
    let app = "{\"MsgType\":49,\"Content\":\"<appmsg><title>a</title></appmsg>\"}";
    // One message with many elements of different names, and one with many items.
    let content = |xml: String| {
        format!("{{\"MsgType\":49,\"Content\":\"<msg><appmsg>{xml}</appmsg></msg>\"}}")
    };
    let elements = (0..100_000).map(|n| format!("<a{n}>b</a{n}>")).collect();
    let item = "<dataitem datatype='1'><datadesc>b</datadesc></dataitem>";
    let history = format!(
        "<type>19</type><recorditem><recordinfo><datalist>{}</datalist></recordinfo></recorditem>",
        item.repeat(50_000),
    );
    let lists = [
        ("elements of a message", "AddMsgList", content(elements)),
        ("items of a history", "AddMsgList", content(history)),
        ("empty messages", "AddMsgList", list(100_000, &|_| "{}".into())),
        ("too many empty messages", "AddMsgList", list(200_000, &|_| "{}".into())),
        ("messages", "AddMsgList", list(100_000, &|n| format!("{{\"MsgId\":{n}}}"))),
        ("app messages", "AddMsgList", list(50_000, &|_| app.into())),
        ("contacts", "ModContactList", list(100_000, &name)),
        (
            "members",
            "ModContactList",
            format!("{{\"UserName\":\"@@1\",\"MemberList\":[{}]}}", list(100_000, &name)),
        ),
        ("removed contacts", "DelContactList", list(100_000, &name)),
    ];
    for (label, name, list) in lists {
        let key = r#"{"Count":1,"List":[{"Key":1,"Val":1}]}"#;
        let body: Bytes =
            format!(r#"{{"BaseResponse":{{"Ret":0}},"{name}":[{list}],"SyncKey":{key}}}"#).into();
        let (mut account, mut inbox) = (account(), Inbox::new());
        let now = Timestamp::from_millis(1_476_606_163_580);
        assert!(matches!(inbox.poll(&mut account, now), Err(Interrupt::Send(_))));
        let before = live();
        most();
        inbox.handle(Input::Reply(Ok(Response::new(body.clone()))));
        let _ = inbox.poll(&mut account, now);
        let (peak, length) = (most() - before, body.len());
        println!("{label}: {length} bytes take {peak}, then {}", live().saturating_sub(before));
        assert!(peak <= 20 * length, "{label}: {peak} bytes for {length}");
    }
}

/// Threat B1: a body of 200 kB that would be 200 MB, and one of 30 bytes that states 60 MB.
#[test]
fn compressed_body_is_decoded_up_to_its_limit() {
    let _turn = alone();
    let encode = |megabytes: usize| {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        for _ in 0..megabytes {
            encoder.write_all(&[b' '; 1 << 20]).unwrap();
        }
        encoder.finish().unwrap()
    };
    let mut stated = encode(0);
    stated.truncate(stated.len() - 4);
    stated.extend((60_u32 << 20).to_le_bytes());
    for (body, kind, bytes) in
        [(encode(200), FailureKind::TooLarge, 80_000_000), (stated, FailureKind::Encoding, 100_000)]
    {
        let mut reply = Response::new(Bytes::from(body));
        reply.headers_mut().insert("content-encoding", "gzip".parse().unwrap());
        let mut session = account().session().clone();
        let mut fetch = Call::new(FetchBatch::new());
        let now = Timestamp::from_millis(1_476_606_163_580);
        assert!(matches!(fetch.poll(&mut session, now), Err(Interrupt::Send(_))));
        let before = live();
        most();
        fetch.handle(Input::Reply(Ok(reply)));
        let failed = fetch.poll(&mut session, now);
        let Err(Interrupt::Fail(Error::Transport(failure))) = failed else { panic!("{failed:?}") };
        assert_eq!(failure.kind, kind);
        let peak = most() - before;
        assert!(peak < bytes, "{peak} bytes");
    }
}

/// Threat W3: rooms that are looked up leave the directory once it is too large.
#[test]
fn directory_is_bounded_in_bytes() {
    let _turn = alone();
    const LIMIT: usize = 4 << 20;
    let mut account = account();
    account.limit_directory(LIMIT);
    let before = live();
    for room in 0..20 {
        let members =
            list(4_000, &|n| format!(r#"{{"UserName":"@{n:064}","NickName":"somebody"}}"#));
        let body = format!(
            r#"{{"BaseResponse":{{"Ret":0}},"ContactList":[{{"UserName":"@@{room}","MemberList":[{members}]}}]}}"#
        );
        let contacts = BatchGetContacts::new(&[]).parse(&Response::new(body.into())).unwrap();
        account.learn(contacts);
        let held = live() - before;
        println!("{room}: {} rooms, {held} bytes held", account.directory().len());
        assert!(held < LIMIT + LIMIT / 4, "{held} bytes held after {room} rooms");
    }
    assert!(account.directory().len() > 2);
    assert!(account.directory().find(&"@@19".parse().unwrap()).is_some());
}
