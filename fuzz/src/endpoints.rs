//! The table of all endpoints of the protocol, for fuzzing and for tests of all endpoints.

use std::fmt::Debug;

use bytes::Bytes;
use wechat_proto::contact::{
    BatchGetContacts, Contact, GetContacts, PinChat, SearchContacts, SetRemark, VerifyUser,
};
use wechat_proto::endpoint::Endpoint;
use wechat_proto::entry::Entry as ClientEntry;
use wechat_proto::feedback::SendFeedback;
use wechat_proto::link::CheckLink;
use wechat_proto::login::{
    Announce, CheckScan, GetQrCode, GetUuid, InitSession, Logout, PushHost, PushLogin, RedeemTicket,
};
use wechat_proto::media::{
    CheckUpload, GetContactPicture, GetFile, GetHeadImg, GetIcon, GetImage, GetMap, GetMedia,
    GetPreview, GetVideo, GetVoice, ImageSize, LocalFile, Md5Sum, MediaType, UploadPiece,
    UploadPlan,
};
use wechat_proto::message::{
    ForwardMessage, Message, NotifyPhone, Receipt, RevokeMessage, SendEmoticon, SendFile,
    SendImage, SendText, SendUpload, SendVideo,
};
use wechat_proto::report::{SendLoginReports, SendReports};
use wechat_proto::room::{CreateRoom, Founders, UpdateRoom};
use wechat_proto::sync::{FetchBatch, SyncCheck};
use wechat_proto::{Account, Device, MsgId, UserName};

use super::checks::{
    json, newloginpage, other, parsed, webwxcheckurl, webwxcreatechatroom, webwxsync,
};
use super::downloads::downloaded;
use super::make::{Make, file};
use super::{Entry, NOW, credentials, me, of, reply};

/// A visitor of every endpoint.
pub trait Visitor {
    /// Visits an endpoint.
    fn visit<E>(&mut self, row: Row, make: Make<E>)
    where
        E: Endpoint + 'static,
        E::Output: Debug,
        Account: AsMut<E::State>;
}

/// A row of the table.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// The last segment of the path.
    pub name: &'static str,
    /// The sections of `docs/protocol.md`.
    pub source: &'static str,
    /// The name of the type, with the constructor if a type has several.
    pub title: &'static str,
}

impl Row {
    /// Returns the name of the type.
    pub fn type_name(&self) -> &'static str {
        self.title.split([':', ' ']).next().unwrap_or_default()
    }
}

macro_rules! endpoints {
    ($($name:literal $source:literal { $($title:literal by $check:ident: |$account:ident, $texts:ident| $value:expr;)+ })+) => {
        /// Passes every endpoint to a visitor.
        pub fn endpoints(visitor: &mut impl Visitor) {
            $($({
                let row = Row { name: $name, source: $source, title: $title };
                visitor.visit(row, Make::of(|$account, $texts| Some($value)));
            })+)+
        }

        /// The parser of each endpoint, by name. The bytes are the body of a response, or the head
        /// of a download.
        pub const ENDPOINTS: &[(&str, Entry)] = &[
            $(($name, |bytes| {
                $($check(bytes, Make::of(|$account, $texts| Some($value)));)+
            })),+
        ];
    };
}

endpoints! {
    "jslogin" "§3.1" {
        "GetUuid" by parsed: |_account, _texts| GetUuid::new();
        "GetUuid (user agent)" by other: |account, texts| {
            change(account, |device| Some(device.with_user_agent(texts.parse("Mozilla/5.0")?)))?;
            GetUuid::new()
        };
    }
    "login" "§3.3" { "CheckScan" by parsed: |_account, texts| CheckScan::new(texts.parse("gf5Gk61zEA==")?); }
    "qrcode" "§3.2" { "GetQrCode" by parsed: |_account, texts| GetQrCode::new(texts.parse("gf5Gk61zEA==")?); }
    "webwxnewloginpage" "§3.4" {
        "RedeemTicket" by newloginpage: |account, _texts| redeem(account);
        "RedeemTicket (desktop)" by other: |account, texts| {
            let entry = ClientEntry::desktop(of("2.0.0"), texts.parse("proof")?);
            change(account, |device| Some(device.with_entry(entry)))?;
            redeem(account)
        };
    }
    "webwxinit" "§4.1" { "InitSession" by json: |_account, _texts| InitSession::new(credentials()); }
    "webwxstatusnotify" "§4.2" {
        "Announce" by json: |_account, _texts| Announce::new();
        "NotifyPhone::mark_read" by json: |_account, texts| NotifyPhone::mark_read(texts.parse("@a")?);
        "NotifyPhone::enter_chat" by other: |_account, texts| NotifyPhone::enter_chat(texts.parse("@a")?);
        "NotifyPhone::leave_chat" by other: |_account, texts| NotifyPhone::leave_chat(texts.parse("@a")?);
    }
    "webwxlogout" "§13" { "Logout" by parsed: |_account, _texts| Logout::new(); }
    "webwxgetcontact" "§5.1" { "GetContacts" by json: |_account, _texts| GetContacts::new(); }
    "webwxbatchgetcontact" "§5.2" {
        "BatchGetContacts::new" by json:
            |_account, texts| BatchGetContacts::new(&[of("@b"), texts.parse("@a")?]);
        "BatchGetContacts::members" by json:
            |_account, texts| BatchGetContacts::members(&contact("@@r"), &[of("@b"), texts.parse("@a")?]);
    }
    "synccheck" "§7.1" { "SyncCheck" by parsed: |_account, _texts| SyncCheck::new(); }
    "webwxsync" "§7.2" { "FetchBatch" by webwxsync: |_account, _texts| FetchBatch::new(); }
    "webwxsendmsg" "§6.2" {
        "SendText" by json: |_account, texts| SendText::new(texts.parse("@a")?, texts.text("x"));
        "SendText::with_mentions" by other: |_account, texts| {
            let text = SendText::new(of("@@r"), texts.text("x"));
            text.with_mentions(&[of("@b"), texts.parse("@a")?])
        };
        "SendText::reply" by other: |_account, texts| SendText::reply(&message(TEXT), texts.text("x"));
        "SendText::mention_reply" by other: |account, texts| {
            SendText::mention_reply(&message(TEXT), account.directory(), texts.text("x"))
        };
        "ForwardMessage" by json: |_account, texts| {
            ForwardMessage::new(&message(TEXT), texts.parse("@b")?).expect("a text")
        };
    }
    "webwxsendmsgimg" "§6.2" {
        "SendImage" by json:
            |_account, texts| SendImage::new(texts.parse("@a")?, &file(MediaType::Picture, "p.png"));
    }
    "webwxsendvideomsg" "§6.2" {
        "SendVideo" by json:
            |_account, texts| SendVideo::new(texts.parse("@a")?, &file(MediaType::Video, "v.mp4"));
    }
    "webwxsendemoticon" "§6.2" {
        "SendEmoticon::new" by json:
            |_account, texts| SendEmoticon::new(texts.parse("@a")?, &file(MediaType::Document, "d.gif"));
        "SendEmoticon::known" by json:
            |_account, texts| SendEmoticon::known(texts.parse("@a")?, of("0123456789abcdef0123456789abcdef"));
    }
    "webwxsendappmsg" "§6.2, §6.3" {
        "SendFile" by json: |_account, texts| SendFile::new(texts.parse("@a")?, &texts.document());
        "SendUpload" by json: |_account, texts| SendUpload::new(texts.parse("@a")?, &texts.document());
    }
    "webwxrevokemsg" "§6.5" {
        "RevokeMessage" by json: |_account, texts| {
            RevokeMessage::new(&Receipt::of(texts.parse("@a")?, MsgId::from(texts.text("7"))))
        };
    }
    "webwxgetmsgimg" "§8" {
        "GetImage" by downloaded: |_account, texts| GetImage::new(texts.number(), ImageSize::Full);
        "GetMedia" by downloaded: |_account, _texts| GetMedia::new(&message(r#""MsgType":3"#)).expect("a picture");
    }
    "webwxgetvoice" "§8" { "GetVoice" by downloaded: |_account, texts| GetVoice::new(texts.number()); }
    "webwxgetvideo" "§8" { "GetVideo" by downloaded: |_account, texts| GetVideo::new(texts.number()); }
    "webwxgetmedia" "§8" {
        "GetFile" by downloaded: |_account, texts| {
            let file = GetFile::new(of("@a"), texts.text("@crypt_1")).ok()?;
            file.named("", texts.text("a.pdf")).ok()?
        };
    }
    "webwxgetpubliclinkimg" "§8, §9.10" {
        "GetMap" by downloaded:
            |_account, _texts| GetMap::new("/cgi-bin/mmwebwx-bin/webwxgetpubliclinkimg?url=x&msgid=1").expect("a path");
    }
    "webwxgeticon" "§5.4" {
        "GetIcon" by downloaded: |_account, texts| GetIcon::new(texts.parse("@a")?);
        "GetIcon (member)" by other: |_account, texts| {
            let mut room = contact("@@r");
            room.encry_chat_room_id = texts.text("@r").into();
            (1..=256).contains(&room.encry_chat_room_id.len()).then_some(())?;
            GetIcon::of_member(&room, of("@a"))
        };
        "GetContactPicture" by downloaded:
            |_account, _texts| GetContactPicture::new("/cgi-bin/mmwebwx-bin/webwxgeticon?seq=1&skey=").expect("a path");
    }
    "webwxgetheadimg" "§5.4" { "GetHeadImg" by downloaded: |_account, texts| GetHeadImg::new(texts.parse("@@r")?); }
    "webwxcheckupload" "§6.6" {
        "CheckUpload" by json: |_account, texts| CheckUpload::new(me(), texts.file(3)?, Md5Sum::of(b"abc"));
    }
    "webwxuploadmedia" "§6.7" {
        "UploadPiece" by json: |account, texts| texts.piece(account, 1 << 20)?;
        "UploadPiece (last)" by json: |account, texts| texts.piece(account, 3)?;
    }
    "webwxpushloginurl" "§3.7" { "PushLogin" by json: |_account, _texts| PushLogin::new(7, PushHost::Api); }
    "webwxstatreport" "§13" {
        "SendReports" by json: |_account, texts| SendReports::new(texts.reports()?);
        "SendLoginReports" by json: |_account, texts| SendLoginReports::new(texts.reports()?);
    }
    "webwxsendfeedback" "§13" { "SendFeedback" by json: |_account, texts| SendFeedback::new(texts.text("x")); }
    "webwxcheckurl" "§13" {
        "CheckLink" by webwxcheckurl: |_account, texts| CheckLink::new(texts.text("http://a.example/")).ok()?;
    }
    "webwxpreview" "§6.8" { "GetPreview" by parsed: |_account, texts| GetPreview::new(texts.text("@crypt_1")).ok()?; }
    "webwxoplog" "§11.1" {
        "SetRemark" by json: |_account, texts| SetRemark::new(texts.parse("@a")?, texts.parse("r")?);
        "PinChat" by json: |_account, texts| PinChat::new(&contact(texts.parse::<UserName>("@a")?.as_str()), true);
    }
    "webwxverifyuser" "§11.2" {
        "VerifyUser::add" by json: |_account, texts| VerifyUser::add(texts.parse("@a")?, texts.text("hi"));
        "VerifyUser::accept" by json:
            |_account, texts| VerifyUser::accept(of("@a"), texts.parse("v2_t@stranger")?);
    }
    "webwxsearchcontact" "§11.3" { "SearchContacts" by json: |_account, texts| SearchContacts::new(texts.text("x")); }
    "webwxcreatechatroom" "§11.4" {
        "CreateRoom" by webwxcreatechatroom: |_account, texts| {
            let founders = Founders::new([of("@a"), texts.parse("@b")?], &me()).ok()?;
            CreateRoom::new(founders, texts.text("x"))
        };
    }
    "webwxupdatechatroom" "§11.5" {
        "UpdateRoom::add" by json: |_account, texts| UpdateRoom::add(of("@@r"), texts.members()?);
        "UpdateRoom::invite" by json: |_account, texts| UpdateRoom::invite(of("@@r"), texts.members()?);
        "UpdateRoom::remove" by json: |_account, texts| UpdateRoom::remove(of("@@r"), texts.members()?);
        "UpdateRoom::rename" by json: |_account, texts| UpdateRoom::rename(of("@@r"), texts.text("x"));
        "UpdateRoom::quit" by json: |_account, texts| UpdateRoom::quit(texts.parse("@@r")?);
    }
    "webwxuploadmediaparallel" "§15.1" {
        "UploadPiece (parallel)" by json: |account, texts| parallel(account, texts.file(1 << 20)?)?;
        "UploadPiece (parallel, last)" by json: |account, texts| parallel(account, texts.file(3)?)?;
    }
}

/// Returns the first piece of an announced file on the file-transfer page.
fn parallel(account: &mut Account, file: LocalFile) -> Option<UploadPiece> {
    change(account, |device| Some(device.with_entry(ClientEntry::file_helper())))?;
    let sum = Md5Sum::of(b"abc");
    let check = CheckUpload::new(me(), file.clone(), sum)
        .parse(&reply(br#"{"BaseResponse":{"Ret":0},"AESKey":"0c","Signature":"s"}"#))
        .expect("an answer");
    let plan = UploadPlan::new(account.session_mut(), me(), file, sum, Some(check), NOW);
    Some(UploadPiece::new(plan, 0, Bytes::from_static(b"abc")))
}

fn contact(name: &str) -> Contact {
    let record = serde_json::json!({ "UserName": name, "NickName": "x" });
    Contact::from_json(&record.to_string()).expect("a record")
}

const TEXT: &str = r#""MsgType":1,"Content":"hi""#;

/// Returns a message with these fields.
fn message(fields: &str) -> Message {
    let json = format!(r#"{{"MsgId":"7","FromUserName":"@a","ToUserName":"filehelper",{fields}}}"#);
    Message::from_json(&json, &me()).expect("a message")
}

fn change(account: &mut Account, with: impl FnOnce(Device) -> Option<Device>) -> Option<()> {
    let device: &mut Device = account.as_mut();
    *device = with(device.clone())?;
    Some(())
}

fn redeem(account: &mut Account) -> RedeemTicket {
    let page = "https://wx.qq.com/cgi-bin/mmwebwx-bin/webwxnewloginpage?ticket=t";
    let device: &mut Device = account.as_mut();
    device.enter(of(page)).expect("a host of the service")
}
