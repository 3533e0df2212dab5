//! A table of all endpoints of the protocol, for fuzzing and for tests of all endpoints.

use alloc::format;
use alloc::string::ToString as _;
use core::fmt::Debug;

use bytes::Bytes;
use serde_json::Value;
use serde_json::value::RawValue;

use super::downloads::downloaded;
use super::{Entry, NOW, account, reply, uploaded};
use crate::account::Account;
use crate::contact::record::WireContact;
use crate::contact::{
    BatchGetContacts, GetContacts, PinChat, SearchContacts, SetRemark, VerifyUser,
};
use crate::endpoint::{Endpoint, Repeat};
use crate::error::Error;
use crate::feedback::SendFeedback;
use crate::ids::{MsgId, UserName};
use crate::link::CheckLink;
use crate::login::{
    Announce, CheckScan, GetQrCode, GetUuid, InitSession, Logout, PushHost, PushLogin,
    RedeemTicket, Redeemed,
};
use crate::media::{
    CheckUpload, GetContactPicture, GetFile, GetHeadImg, GetIcon, GetImage, GetMap, GetMedia,
    GetPreview, GetVideo, GetVoice, Icon, ImageSize, LocalFile, Md5Sum, MediaType, ReceivedFile,
    UploadPiece, UploadPlan,
};
use crate::message::{
    ForwardMessage, Kind, Message, NotifyPhone, Receipt, RevokeMessage, SendEmoticon, SendFile,
    SendImage, SendText, SendUpload, SendVideo,
};
use crate::report::{Report, ReportKind, SendLoginReports, SendReports};
use crate::room::{CreateRoom, Founders, RoomMembers, UpdateRoom};
use crate::sync::{FetchBatch, SyncCheck};
use crate::wire::lenient::Lenient as _;

/// A visitor of every endpoint.
pub trait Visitor {
    /// Visits an endpoint: its name on the wire, the name of its type (with the constructor, if a
    /// type has several), and a function that makes a value.
    fn visit<E>(&mut self, name: &'static str, title: &'static str, make: fn(&mut Account) -> E)
    where
        E: Endpoint + 'static,
        E::Output: Debug,
        Account: AsMut<E::State>;
}

macro_rules! endpoints {
    ($($name:literal { $($title:literal by $check:ident: |$account:ident| $value:expr;)+ })+) => {
        /// Passes every endpoint to a visitor.
        pub fn endpoints(visitor: &mut impl Visitor) {
            $($(visitor.visit($name, $title, |$account: &mut Account| $value);)+)+
        }

        /// The parser of each endpoint, by name. The bytes are the body of a response, or the head
        /// of a download.
        pub const ENDPOINTS: &[(&str, Entry)] = &[
            $(($name, |bytes| {
                $($check(bytes, |$account: &mut Account| $value);)+
            })),+
        ];
    };
}

endpoints! {
    "jslogin" { "GetUuid" by parsed: |_account| GetUuid::new(); }
    "login" { "CheckScan" by parsed: |_account| CheckScan::new(of("gf5Gk61zEA==")); }
    "qrcode" { "GetQrCode" by parsed: |_account| GetQrCode::new(of("gf5Gk61zEA==")); }
    "webwxnewloginpage" { "RedeemTicket" by newloginpage: |account| redeem(account); }
    "webwxinit" { "InitSession" by json: |account| InitSession::new(account.session.auth.clone()); }
    "webwxstatusnotify" {
        "Announce" by json: |_account| Announce::new();
        "NotifyPhone::mark_read" by json: |_account| NotifyPhone::mark_read(of("@a"));
        "NotifyPhone::enter_chat" by json: |_account| NotifyPhone::enter_chat(of("@a"));
        "NotifyPhone::leave_chat" by json: |_account| NotifyPhone::leave_chat(of("@a"));
    }
    "webwxlogout" { "Logout" by parsed: |_account| Logout::new(); }
    "webwxgetcontact" { "GetContacts" by json: |_account| GetContacts::new(); }
    "webwxbatchgetcontact" {
        "BatchGetContacts::new" by json: |_account| BatchGetContacts::new(&[of("@a")]);
        "BatchGetContacts::members" by json: |_account| {
            let room = WireContact::read(r#"{"UserName":"@@r"}"#).take().expect("a record");
            BatchGetContacts::members(&room, &[of("@a")])
        };
    }
    "synccheck" { "SyncCheck" by parsed: |_account| SyncCheck::new(); }
    "webwxsync" { "FetchBatch" by webwxsync: |_account| FetchBatch::new(); }
    "webwxsendmsg" {
        "SendText" by json: |_account| SendText::new(UserName::file_helper(), "x");
        "ForwardMessage" by json: |account| {
            let json = r#"{"MsgId":"7","FromUserName":"@a","MsgType":1,"Content":"hi"}"#;
            let me = &account.session.me.user_name;
            let message = Message::from_json(json, me).expect("a message");
            ForwardMessage::new(&message, of("@b")).expect("a text")
        };
    }
    "webwxsendmsgimg" {
        "SendImage" by json: |_account| SendImage::new(of("@a"), &file(MediaType::Picture, "p.png"));
    }
    "webwxsendvideomsg" {
        "SendVideo" by json: |_account| SendVideo::new(of("@a"), &file(MediaType::Video, "v.mp4"));
    }
    "webwxsendemoticon" {
        "SendEmoticon::new" by json:
            |_account| SendEmoticon::new(of("@a"), &file(MediaType::Document, "d.gif"));
        "SendEmoticon::known" by json:
            |_account| SendEmoticon::known(of("@a"), of("0123456789abcdef0123456789abcdef"));
    }
    "webwxsendappmsg" {
        "SendFile" by json: |_account| SendFile::new(of("@a"), &file(MediaType::Document, "d.pdf"));
        "SendUpload" by json:
            |_account| SendUpload::new(of("@a"), &file(MediaType::Document, "d.pdf"));
    }
    "webwxrevokemsg" {
        "RevokeMessage" by json:
            |_account| RevokeMessage::new(of("@a"), &Receipt::of(MsgId::from("7")));
    }
    "webwxgetmsgimg" {
        "GetImage" by downloaded: |_account| GetImage::new(MsgId::from("7"), ImageSize::Full);
        "GetMedia" by downloaded: |account| {
            let json = r#"{"MsgId":"7","FromUserName":"@a","MsgType":3}"#;
            let me = &account.session.me.user_name;
            let message = Message::from_json(json, me).expect("a message");
            GetMedia::new(&message).expect("a picture")
        };
    }
    "webwxgetvoice" { "GetVoice" by downloaded: |_account| GetVoice::new(MsgId::from("7")); }
    "webwxgetvideo" { "GetVideo" by downloaded: |_account| GetVideo::new(MsgId::from("7")); }
    "webwxgetmedia" {
        "GetFile" by downloaded:
            |_account| GetFile::new(ReceivedFile::new(of("@a"), "@crypt_1").expect("a MediaId"));
    }
    "webwxgetpubliclinkimg" {
        "GetMap" by downloaded:
            |_account| GetMap::new(of("/cgi-bin/mmwebwx-bin/webwxgetpubliclinkimg?url=x&msgid=1"));
    }
    "webwxgeticon" {
        "GetIcon" by downloaded: |_account| GetIcon::new(Icon::of(of("@a")));
        "GetContactPicture" by downloaded:
            |_account| GetContactPicture::new(of("/cgi-bin/mmwebwx-bin/webwxgeticon?seq=1&skey="));
    }
    "webwxgetheadimg" { "GetHeadImg" by downloaded: |_account| GetHeadImg::new(of("@@r")); }
    "webwxcheckupload" {
        "CheckUpload" by json: |_account| {
            let file = LocalFile::new("a.zip", 3).expect("a good name");
            CheckUpload::new(UserName::file_helper(), file, Md5Sum::of(b"abc"))
        };
    }
    "webwxuploadmedia" {
        "UploadPiece" by json: |account| {
            let file = LocalFile::new("a.zip", 1 << 20).expect("a good name");
            let (to, sum) = (UserName::file_helper(), Md5Sum::of(b"abc"));
            let plan = UploadPlan::new(&mut account.session, to, file, sum, None, NOW);
            UploadPiece::new(plan, 0, Bytes::from_static(b"abc"))
        };
        "UploadPiece (last)" by json: |account| {
            let file = LocalFile::new("a.zip", 3).expect("a good name");
            let (to, sum) = (UserName::file_helper(), Md5Sum::of(b"abc"));
            let plan = UploadPlan::new(&mut account.session, to, file, sum, None, NOW);
            UploadPiece::new(plan, 0, Bytes::from_static(b"abc"))
        };
    }
    "webwxpushloginurl" {
        "PushLogin" by json: |_account| PushLogin::new(7, PushHost::Api);
    }
    "webwxstatreport" {
        "SendReports" by json: |_account| SendReports::new(reports());
        "SendLoginReports" by json: |_account| SendLoginReports::new(reports());
    }
    "webwxsendfeedback" { "SendFeedback" by json: |_account| SendFeedback::new("x"); }
    "webwxcheckurl" { "CheckLink" by webwxcheckurl: |_account| CheckLink::new(of("http://a.example/")); }
    "webwxpreview" { "GetPreview" by parsed: |_account| GetPreview::new(of("@crypt_1")); }
    "webwxoplog" {
        "SetRemark" by json: |_account| SetRemark::new(of("@a"), of("r"));
        "PinChat" by json: |_account| {
            let chat = WireContact::read(r#"{"UserName":"@a"}"#).take().expect("a record");
            PinChat::new(&chat, true)
        };
    }
    "webwxverifyuser" {
        "VerifyUser::add" by json: |_account| VerifyUser::add(of("@a"), "hi");
        "VerifyUser::accept" by json: |_account| VerifyUser::accept(of("@a"), of("v2_t@stranger"));
    }
    "webwxsearchcontact" { "SearchContacts" by json: |_account| SearchContacts::new("x"); }
    "webwxcreatechatroom" {
        "CreateRoom" by webwxcreatechatroom: |account| {
            let names = [of("@a"), of("@b")];
            let founders = Founders::new(names, &account.session.me.user_name).expect("two");
            CreateRoom::new(founders, "x")
        };
    }
    "webwxupdatechatroom" {
        "UpdateRoom::add" by json: |_account| UpdateRoom::add(of("@@r"), members());
        "UpdateRoom::invite" by json: |_account| UpdateRoom::invite(of("@@r"), members());
        "UpdateRoom::remove" by json: |_account| UpdateRoom::remove(of("@@r"), members());
        "UpdateRoom::rename" by json: |_account| UpdateRoom::rename(of("@@r"), "x");
        "UpdateRoom::quit" by json: |_account| UpdateRoom::quit(of("@@r"));
    }
    "webwxuploadmediaparallel" {
        "UploadPiece (parallel)" by json: |account| parallel(account, 1 << 20);
        "UploadPiece (parallel, last)" by json: |account| parallel(account, 3);
    }
}

/// Parses a value.
fn of<T: core::str::FromStr<Err: Debug>>(text: &str) -> T {
    text.parse().expect("a valid value")
}

fn file(media_type: MediaType, name: &str) -> crate::media::Uploaded {
    uploaded(media_type, "@crypt_1", name, 1760, ["", ""])
}

/// Returns the first piece of an announced file on the file-transfer page.
fn parallel(account: &mut Account, size: u64) -> UploadPiece {
    account.session.device.entry = crate::Entry::file_helper();
    let file = LocalFile::new("a.zip", size).expect("a good name");
    let (to, sum) = (UserName::file_helper(), Md5Sum::of(b"abc"));
    let probed = CheckUpload::new(to.clone(), file.clone(), sum)
        .parse(&reply(br#"{"BaseResponse":{"Ret":0},"AESKey":"0c","Signature":"s"}"#))
        .expect("an answer");
    let plan = UploadPlan::new(&mut account.session, to, file, sum, Some(probed), NOW);
    UploadPiece::new(plan, 0, Bytes::from_static(b"abc"))
}

fn members() -> RoomMembers {
    RoomMembers::new([of("@a"), of("@b")]).expect("two members")
}

fn reports() -> alloc::vec::Vec<Report> {
    [Report::new(ReportKind::Timing, "{}").expect("JSON")].into()
}

fn redeem(account: &mut Account) -> RedeemTicket {
    let page = "https://wx.qq.com/cgi-bin/mmwebwx-bin/webwxnewloginpage?ticket=t";
    account.session.device.enter(of(page)).expect("a host of the service")
}

/// Checks that parsing is deterministic, that unusual statuses are errors, and that errors have a
/// bounded length. For a request that must not be repeated, everything except its own reply must be
/// [`Error::Unanswered`].
pub(super) fn parsed<E>(bytes: &[u8], make: fn(&mut Account) -> E)
where
    E: Endpoint,
    E::Output: Debug,
    Account: AsMut<E::State>,
{
    let mut account = account();
    let mut endpoint = make(&mut account);
    let mut reply = reply(bytes);
    let read = endpoint.parse(&reply);
    assert_eq!(format!("{read:?}"), format!("{:?}", endpoint.parse(&reply)));
    if let Err(error) = &read {
        is_short(error);
    }
    let uri = endpoint.request(account.as_mut(), NOW).uri().clone();
    if E::REPEAT == Repeat::Once {
        let received = endpoint.receive(account.as_mut(), &uri, &reply, NOW);
        let is_reply = read.as_ref().map_or_else(Error::is_reply, |_| true);
        assert_eq!(matches!(received, Err(Error::Unanswered { .. })), !is_reply);
    }
    for status in [204, 302, 403, 502] {
        *reply.status_mut() = http::StatusCode::from_u16(status).unwrap_or_default();
        match endpoint.parse(&reply) {
            // A logout accepts any status below 400.
            Ok(_) => assert!(status < 400, "{status}"),
            Err(error) => is_short(&error),
        }
    }
}

/// The same for a JSON reply. Its formatting, a byte-order mark and surrounding white space must
/// not change the result; the last of repeated fields counts.
fn json<E>(bytes: &[u8], make: fn(&mut Account) -> E)
where
    E: Endpoint,
    E::Output: Debug,
    Account: AsMut<E::State>,
{
    parsed(bytes, make);
    let endpoint = make(&mut account());
    if let Ok(Value::Object(object)) = serde_json::from_slice::<Value>(bytes) {
        let read = format!("{:?}", endpoint.parse(&reply(bytes)));
        let again = format!("\u{feff}{:#}\n \r\n", Value::Object(object));
        assert_eq!(format!("{:?}", endpoint.parse(&reply(again.as_bytes()))), read);
        // Trailing text makes a reply malformed.
        let trailing = format!("{again}}}");
        let trailing = endpoint.parse(&reply(trailing.as_bytes()));
        assert!(matches!(trailing, Err(Error::Malformed { .. })), "{trailing:?} of {again}}}");
    }
}

pub(super) fn is_short(error: &Error) {
    // At most 500 characters of the server's text, plus the sentence around them.
    assert!(error.to_string().chars().count() < 800, "{error}");
    assert!(format!("{error:?}").chars().count() < 10_000, "{error:?}");
}

/// Checks that accepted credentials can be sent and are never shown.
fn newloginpage(bytes: &[u8], make: fn(&mut Account) -> RedeemTicket) {
    parsed(bytes, make);
    let mut account = account();
    match make(&mut account).parse(&reply(bytes)) {
        // A malformed page is not quoted: it may contain credentials.
        Err(Error::Malformed { found, .. }) => assert!(found.len() < 100, "{found}"),
        Ok(Redeemed::Credentials(credentials)) => {
            let shown = format!("{credentials:?}");
            assert_eq!(shown, "Credentials { uin, sid, skey, pass_ticket: [redacted] }");
            let mut init = InitSession::new(credentials);
            drop(init.request(&mut account.session.device, NOW));
        }
        _ => {}
    }
}

/// Parses the bytes as a body, and as the target of a redirect.
fn webwxcheckurl(bytes: &[u8], make: fn(&mut Account) -> CheckLink) {
    parsed(bytes, make);
    let mut moved = reply(b"");
    *moved.status_mut() = http::StatusCode::FOUND;
    if let Ok(to) = http::HeaderValue::from_bytes(bytes) {
        moved.headers_mut().insert(http::header::LOCATION, to);
    }
    if let Err(error) = make(&mut account()).parse(&moved) {
        is_short(&error);
    }
}

/// Checks that each message has its raw JSON, alone and in its batch, and that each can be forwarded
/// or is refused.
fn webwxsync(bytes: &[u8], make: fn(&mut Account) -> FetchBatch) {
    parsed(bytes, make);
    let me = account().session.me.user_name;
    let Ok(batch) = make(&mut account()).parse(&reply(bytes)) else { return };
    assert!(batch.sync_key.as_ref().is_none_or(|key| !key.is_empty()));
    for message in batch.messages(&me) {
        let raw = message.raw.json().to_string();
        // All strings of the raw JSON can be decoded; numbers may be out of range. A message that
        // cannot be repaired has its text.
        let read = serde_json::from_str::<Value>(&raw);
        let numbers = serde_json::from_str::<&RawValue>(&raw);
        let is_malformed =
            matches!(message.kind, Kind::Unreadable { reason, .. } if reason.contains("JSON"));
        let is_json = read.is_ok() || numbers.is_ok() && raw.contains(['e', 'E']);
        assert!(is_json || is_malformed, "{raw:?}");
        if let Ok(mut forward) = ForwardMessage::new(&message, UserName::file_helper()) {
            assert!(!forward.request(&mut account().session, NOW).body().is_empty());
        }
        let (id, kind) = (message.id.clone(), message.kind.clone());
        let _ = (message.peer(), message.author(), message.text());
        // Parsed alone, the message is the same as in its batch.
        if let Ok(again) = Message::from_json(&raw, &me) {
            assert_eq!((&again.id, &again.kind, &again.speaker), (&id, &kind, &message.speaker));
        }
    }
}

/// Checks that a created room has a name.
fn webwxcreatechatroom(bytes: &[u8], make: fn(&mut Account) -> CreateRoom) {
    json(bytes, make);
    if let Ok(created) = make(&mut account()).parse(&reply(bytes)) {
        assert!(!created.room.as_str().is_empty());
    }
}
