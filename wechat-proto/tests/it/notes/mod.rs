//! Compares requests with those printed in two public descriptions of the protocol: `notes.txt`, which
//! describes its form. The replies and messages that the descriptions print are in `corpus`.

use std::collections::BTreeMap;

use bytes::Bytes;
use serde_json::{Value, json};
use wechat_proto::contact::{
    BatchGetContacts, Contact, GetContacts, PinChat, SetRemark, VerifyUser,
};
use wechat_proto::fuzz::uploaded;
use wechat_proto::hosts::{Family, Hosts};
use wechat_proto::login::{
    Announce, CheckScan, Credentials, GetQrCode, GetUuid, InitSession, Redirect,
};
use wechat_proto::media::{
    GetContactPicture, GetFile, GetHeadImg, GetIcon, GetImage, GetVideo, GetVoice, ImageSize,
    LocalFile, Md5Sum, MediaType, UploadPiece, UploadPlan,
};
use wechat_proto::message::{SendEmoticon, SendFile, SendImage, SendText};
use wechat_proto::report::{Report, ReportKind, SendLoginReports, SendReports};
use wechat_proto::room::{CreateRoom, Founders, RoomMembers, UpdateRoom};
use wechat_proto::sync::{FetchBatch, SyncCheck};
use wechat_proto::{
    Account, Body, ClientMsgId, Device, Endpoint, MsgId, Session, Timestamp, UserName, Uuid,
};

use self::compare::{mismatches, ours, theirs};
use crate::reply;

mod compare;

const NOTES: &str = include_str!("notes.txt");

type Http = http::Request<Body>;

/// The account of all samples, a person, and two rooms.
const ME: &str = "@09ed9af327a6d3a72207694691225f8863ada86849607ed416ca81a32452560d";
const FRIEND: &str = "@13fb91d71abb4e3d530fa6a189c5ef4853a68a9ff53500764ba90e87ed2dbf42";
const ROOM: &str = "@@7cd324e910a655b1242610ef55ea62fd1b41b6dc7ee7e06d75b6e28ba12f7f0a";
const OTHER_ROOM: &str = "@@30eeaf63df54cd27d1a9dbf2120e3e481c0473daba1abb19b712bff391196641";

/// The logins of the samples: sid, skey, ticket.
const FIRST: [&str; 3] = [
    "kByRoJSUlD7S2pif",
    "@crypt_cec4ff9f_77fec3e104e41c7d299ac54dc801d51e",
    "xYZ2UYgVCw0xSwWT%2FlQGCIMDn9LHCGnnKxo6%2B8ZXXt5ZgNdB6r6cF3SLDse4fQhy",
];
const SECOND: [&str; 3] = [
    "YAqzRQVYIhbG6DFO",
    "@crypt_cec4ff9f_d3c971cda9a908fa8e68c07152ac7073",
    "PLSyHTx2CHPnLz7BbX6TZu%2B50SskQ9JGjlOZld5NE%2F4V39k8tO0N6myM%2B6n5IRL0",
];
const THIRD: [&str; 3] = [
    "2uor+DO3JHqeS5te",
    "@crypt_cec4ff9f_e70deff878187c460bff94e6c4248713",
    "zO498FoXR5bYJK7sxrGhi6TzpJlMsl4%2BdzhO6iR178dcV0zQQ%2FxeHlI3nvoalQC4",
];
/// The login of the sample of files.
const FILES: [&str; 3] = [
    THIRD[0],
    THIRD[1],
    "qh%2BKWq4BKGER6lm%2BroGepxv4nAfGtv%2FaO8r%2FNDVnseZMF8Poh6%2FvxAq3zwUVEsTh",
];

/// The keys of `synccheck` and `webwxsync`.
const CHECK_KEY: &[(i64, i64)] = &[
    (1, 643606091),
    (2, 643606203),
    (3, 643606171),
    (11, 643605834),
    (13, 643590001),
    (201, 1476611120),
    (1000, 1476610779),
    (1001, 1476590971),
    (1004, 1475896795),
];
const KEY: &[(i64, i64)] = &[
    (1, 643606091),
    (2, 643606236),
    (3, 643606171),
    (11, 643606232),
    (13, 643590001),
    (203, 1476612126),
    (1000, 1476610779),
    (1001, 1476590971),
    (1004, 1475896795),
];

fn credentials([sid, skey, pass_ticket]: [&str; 3]) -> Credentials {
    Credentials::new("752650838", sid, skey, pass_ticket).unwrap()
}

/// Returns the JSON of a key.
fn key(counters: &[(i64, i64)]) -> Value {
    let list: Value = counters.iter().map(|(key, val)| json!({ "Key": key, "Val": val })).collect();
    json!({ "Count": counters.len(), "List": list })
}

/// Returns the session of a login.
fn session(login: [&str; 3], family: Family, counters: &[(i64, i64)]) -> Session {
    let init = json!({
        "BaseResponse": { "Ret": 0 }, "SyncKey": key(counters),
        "User": { "UserName": ME, "NickName": "MiaoXu", "Uin": 752_650_838 },
    });
    let init = InitSession::new(credentials(login)).parse(&reply(&init.to_string())).unwrap();
    let device = Device::new().with_hosts(Hosts::new(family));
    Session::open(device, credentials(login), &init, Timestamp::default())
}

fn name(text: &str) -> UserName {
    text.parse().unwrap()
}

fn id(text: &str) -> ClientMsgId {
    text.parse().unwrap()
}

/// Sets a cookie of all hosts.
fn set_cookie(session: &mut Session, line: &str) {
    let uri = http::Uri::from_static("https://wx.qq.com/");
    let mut response = reply("");
    let line = format!("{line}; Domain=.qq.com; Path=/");
    response.headers_mut().insert("set-cookie", line.parse().unwrap());
    AsMut::<Device>::as_mut(session).receive(&uri, &response, Timestamp::default());
}

/// Builds all requests of the notes, by name.
fn requests() -> Vec<(&'static str, Http)> {
    fn at<E: Endpoint>(mut endpoint: E, state: &mut E::State, millis: u64) -> Http {
        endpoint.request(state, Timestamp::from_millis(millis))
    }
    let wx2 = || Device::new().with_hosts(Hosts::new(Family::Wx2));
    let (first, second) = (
        |login, counters| session(login, Family::Wx, counters),
        |login, counters| session(login, Family::Wx2, counters),
    );
    let (one, two, three) =
        (&mut first(SECOND, &[]), &mut second(SECOND, &[]), &mut first(THIRD, &[]));
    let account = &mut Account::from(three.clone());
    let code = || "gf5Gk61zEA==".parse::<Uuid>().unwrap();
    let mut scans = [(); 2].map(|()| CheckScan::new(code()));
    let mut scan = |number: usize| {
        scans[number].request(&mut Device::new(), Timestamp::from_millis(1_476_606_189_368))
    };
    let enter = |device: &mut Device, end| {
        let printed = printed("webwxnewloginpage L").1;
        let redirect =
            printed.strip_prefix("GET ").unwrap().strip_suffix("&fun=new&version=v2&lang=zh_CN");
        let redirect: Redirect = redirect.unwrap().replacen("wx", end, 1).parse().unwrap();
        let mut redeem = device.enter(redirect).unwrap();
        redeem.request(device, Timestamp::default())
    };
    let mut moved = Device::new();
    let reports = || [Report::new(ReportKind::Timing, "{}").unwrap()].to_vec();
    let rooms: Vec<_> = std::iter::once(name(OTHER_ROOM))
        .chain((1..7).map(|n| name(&format!("@@{n:064x}"))))
        .collect();
    let (now, listed, announced, waited, fetched, written) = (
        1_476_606_163_580, 1_476_608_979_549, 1_476_608_978_123, 1_476_611_147_442,
        1_476_612_268_499, 1_476_614_675_634,
    );
    let text = |to| SendText::new(name(to), "@王小明 啊啊啊啊啊啊");
    let sent = |kind, id| uploaded(kind, id, "top10.csv", 1760, ["", ""]);
    let picture = sent(MediaType::Picture, "@crypt_76a3b8c1");
    let csv = printed("webwxsendappmsg L").1;
    let csv = sent(
        MediaType::Document,
        csv.split("<attachid>").nth(1).unwrap().split('<').next().unwrap(),
    );
    let message = |text| MsgId::from(text);
    let mut files = first(FILES, &[]);
    set_cookie(&mut files, "webwx_data_ticket=oLc0LqC45D6h87dEaL0muigd");
    let file = GetFile::new(
        name(OTHER_ROOM),
        "@crypt_b27f0a51_94ce31d07a5c82fe6b1d930478ac5e21f0b7d6493e8a1c75",
    )
    .unwrap();
    let plain = "数据库手册-MySQL性能.pdf";
    let encoded = "%E6%95%B0%E6%8D%AE%E5%BA%93%E6%89%8B%E5%86%8C%2DMySQL%E6%80%A7%E8%83%BD%2Epdf";
    let founders = Founders::new([FRIEND, "@5e21", "@5e22"].map(name), &name(ME)).unwrap();
    let friend = || RoomMembers::from(name(FRIEND));
    let chat =
        Contact::from_json(&json!({ "UserName": ROOM, "RemarkName": "old" }).to_string()).unwrap();
    let link = |of: &str| {
        let printed = printed(of).1;
        GetContactPicture::new(printed.strip_prefix("GET https://wx.qq.com").unwrap()).unwrap()
    };
    let mut news = first(SECOND, &[(1, 1)]);
    // A separate key for `synccheck` takes precedence; `webwxsync` does not send it.
    let batch = json!({ "BaseResponse": { "Ret": 0 }, "SyncCheckKey": key(CHECK_KEY) }).to_string();
    let uri = FetchBatch::new().request(&mut news, Timestamp::default()).uri().clone();
    FetchBatch::new().receive(&mut news, &uri, &reply(&batch), Timestamp::default()).unwrap();
    let mut fetch = first(THIRD, KEY);
    FetchBatch::new().receive(&mut fetch, &uri, &reply(&batch), Timestamp::default()).unwrap();
    let mut upload = first(THIRD, &[]);
    set_cookie(&mut upload, "webwx_data_ticket=gSe5Nae4KZ");
    let csv_file =
        LocalFile::new("top10.csv", 25_929).unwrap().modified(Timestamp::from_secs(1_476_761_400));
    let bytes = Bytes::from_static(b"the bytes");
    let uploaded_at = Timestamp::from_millis(1_476_761_460_420);
    let plan =
        UploadPlan::new(&mut upload, name(ROOM), csv_file, Md5Sum::of(&bytes), None, uploaded_at);
    let requests = vec![
        ("jslogin L", at(GetUuid::new(), &mut Device::new(), now)),
        ("jslogin B", at(GetUuid::new(), &mut Device::new(), now)),
        ("qrcode L", at(GetQrCode::new(code()), &mut Device::new(), now)),
        ("qrcode B", at(GetQrCode::new(code()), &mut Device::new(), now)),
        ("login at first L", scan(0)),
        ("login L", scan(0)),
        ("login at first B", scan(1)),
        ("login B", scan(1)),
        ("webwxnewloginpage L", enter(&mut Device::new(), "wx")),
        // The redirect moves the device to the account's own host.
        ("webwxnewloginpage B", enter(&mut moved, "wx2")),
        (
            "webwxinit L",
            at(InitSession::new(credentials(FIRST)), &mut Device::new(), 1_476_606_710_090),
        ),
        ("webwxinit B", at(InitSession::new(credentials(FIRST)), &mut wx2(), 1_476_606_710_090)),
        ("webwxstatusnotify L", at(Announce::new(), one, announced)),
        ("webwxstatusnotify B", at(Announce::new(), two, announced)),
        (
            "webwxstatreport before the login L",
            at(SendLoginReports::new(reports()), &mut Device::new(), now),
        ),
        ("webwxstatreport L", at(SendReports::new(reports()), one, now)),
        ("webwxgetcontact L", at(GetContacts::new(), one, listed)),
        (
            "webwxgetcontact of the second page L",
            at(GetContacts::from_seq(637_275_253), one, listed),
        ),
        ("webwxgetcontact B", at(GetContacts::new(), two, listed)),
        ("webwxbatchgetcontact L", at(BatchGetContacts::new(&rooms), one, 1_476_608_979_648)),
        ("synccheck L", at(SyncCheck::new(), &mut first(SECOND, CHECK_KEY), waited)),
        ("synccheck L", at(SyncCheck::new(), &mut news, waited)),
        ("synccheck B", at(SyncCheck::new(), &mut second(SECOND, CHECK_KEY), waited)),
        ("webwxsync L", at(FetchBatch::new(), &mut first(THIRD, KEY), fetched)),
        ("webwxsync L", at(FetchBatch::new(), &mut fetch, fetched)),
        ("webwxsync B", at(FetchBatch::new(), &mut second(THIRD, KEY), fetched)),
        ("webwxsendmsg L", at(text(ROOM), three, written)),
        ("webwxsendmsg again L", at(text(ROOM).with_id(id("14766146756340722")), three, now)),
        ("webwxsendmsg B", at(text(FRIEND), &mut second(THIRD, &[]), written)),
        ("webwxsendemoticon, known L", {
            let md5 = "a0c4153e43c3fd2e9a2fbb9be2f4de07".parse().unwrap();
            at(SendEmoticon::known(name(FRIEND), md5).with_id(id("14766150190560991")), three, now)
        }),
        (
            "webwxsendemoticon, uploaded L",
            at(
                SendEmoticon::new(name(FRIEND), &picture).with_id(id("14766150190560991")),
                three,
                now,
            ),
        ),
        (
            "webwxsendmsgimg L",
            at(SendImage::new(name(FRIEND), &picture).with_id(id("14766158484990338")), three, now),
        ),
        (
            "webwxsendappmsg L",
            at(SendFile::new(name(OTHER_ROOM), &csv).with_id(id("14767614604200494")), three, now),
        ),
        ("webwxgeticon L", at(GetIcon::new(name(FRIEND)).seq(640_318_772), three, now)),
        ("webwxgeticon L", at(link("webwxgeticon L"), three, now)),
        ("webwxgetheadimg L", at(GetHeadImg::new(name(OTHER_ROOM)), three, now)),
        ("webwxgetheadimg L", at(link("webwxgetheadimg L"), three, now)),
        ("webwxgetvoice L", at(GetVoice::new(message("5907263184402915768")), three, now)),
        ("webwxgetvideo L", at(GetVideo::new(message("120384476519038264")), three, now)),
        (
            "webwxgetmsgimg L",
            at(GetImage::new(message("6314805927140286395"), ImageSize::Thumbnail), three, now),
        ),
        (
            "webwxgetmsgimg, original L",
            at(GetImage::new(message("6314805927140286395"), ImageSize::Full), three, now),
        ),
        ("webwxgetmedia L", at(file.clone().named("", plain).unwrap(), &mut files, now)),
        ("webwxgetmedia, newer L", at(file.named(encoded, plain).unwrap(), &mut files, now)),
        (
            "webwxverifyuser, add L",
            at(VerifyUser::add(name(FRIEND), "我是example.cn"), three, 1_476_779_339_614),
        ),
        ("webwxverifyuser, accept L", {
            let ticket = "v2_7c1f5d02bb6e4f9081@stranger".parse().unwrap();
            at(VerifyUser::accept(name(FRIEND), ticket), three, 1_476_779_339_614)
        }),
        ("webwxcreatechatroom L", at(CreateRoom::new(founders, ""), account, 1_476_618_448_303)),
        (
            "webwxupdatechatroom, remove L",
            at(UpdateRoom::remove(name(ROOM), friend()), account, now),
        ),
        ("webwxupdatechatroom, add L", at(UpdateRoom::add(name(ROOM), friend()), account, now)),
        (
            "webwxupdatechatroom, rename L",
            at(UpdateRoom::rename(name(ROOM), "example.com"), account, now),
        ),
        ("webwxoplog, pin L", at(PinChat::new(&chat, true), account, now)),
        ("webwxoplog, unpin L", at(PinChat::new(&chat, false), account, now)),
        (
            "webwxoplog, remark L",
            at(SetRemark::new(name(FRIEND), "example.com".parse().unwrap()), account, now),
        ),
        ("webwxuploadmedia L", UploadPiece::new(plan, 0, bytes).request(&mut upload, uploaded_at)),
    ];
    assert!(*moved.hosts() == Hosts::new(Family::Wx2));
    requests
}

/// Returns the differences and the text of a printed request.
fn printed(name: &str) -> (Vec<&'static str>, &'static str) {
    let section =
        NOTES.split("\n= ").find_map(|section| section.strip_prefix(name)?.strip_prefix('\n'));
    let mut rest = section.unwrap_or_else(|| panic!("{name} is not printed")).trim();
    let mut listed = Vec::new();
    while let Some((line, after)) =
        rest.split_once('\n').filter(|(line, _)| *line == "exact" || line.starts_with("~ "))
    {
        listed.push(line.trim_start_matches("~ "));
        rest = after;
    }
    (listed, rest)
}

#[test]
fn requests_match_the_notes() {
    let mut missing: BTreeMap<_, _> =
        NOTES.split("\n= ").skip(1).map(|section| (section.lines().next().unwrap(), ())).collect();
    for (name, http) in requests() {
        missing.remove(name);
        let (mut listed, text) = printed(name);
        if listed.first() == Some(&"exact") {
            listed.remove(0);
            assert_eq!(text.lines().next(), Some(&*format!("{} {}", http.method(), http.uri())));
        }
        let wrong = mismatches(ours(&http), theirs(text), &listed);
        assert!(wrong.is_empty(), "{name}: {wrong:#?}");
    }
    assert!(missing.is_empty(), "{missing:?}");
}
