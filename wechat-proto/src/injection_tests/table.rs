//! The builders that take text from the caller.

use alloc::format;
use alloc::string::{String, ToString as _};

use bytes::Bytes;
use serde_json::Value;

use crate::account::Account;
use crate::body::Body;
use crate::contact::{
    self, BatchGetContacts, GetContacts, PinChat, SearchContacts, SetRemark, VerifyUser,
};
use crate::entry::{Entry, Extspam};
use crate::feedback::SendFeedback;
use crate::ids::{MsgId, UserName};
use crate::link::CheckLink;
use crate::login::{CheckScan, GetQrCode, GetUuid, RedeemTicket};
use crate::media::{
    CheckUpload, GetFile, GetHeadImg, GetIcon, GetImage, GetPreview, GetVideo, GetVoice, Icon,
    ImageSize, LocalFile, Md5Sum, MediaType, ReceivedFile, UploadPiece, UploadPlan,
};
use crate::message::{
    NotifyPhone, Receipt, RevokeMessage, SendEmoticon, SendFile, SendImage, SendText, SendVideo,
};
use crate::report::{Report, ReportKind, SendLoginReports, SendReports};
use crate::room::{CreateRoom, Founders, RoomMembers, UpdateRoom};
use crate::testing::{NOW, built, contact, message, uploaded};

pub(super) type Http = http::Request<Body>;
/// Builds a request with a text; `None` if the text is refused.
pub(super) type Build = fn(&mut Account, &str) -> Option<Http>;

pub(super) struct Row {
    /// `Endpoint::constructor`, and others that delegate to it.
    pub(super) builders: &'static [&'static str],
    /// The parameter that takes the text.
    pub(super) what: &'static str,
    pub(super) build: Build,
    /// Returns the text in its form in the request.
    pub(super) written: fn(&str) -> String,
}

/// The plain word, which hostile text replaces.
pub(super) const WORD: &str = "Marker";

fn somebody() -> UserName {
    "@somebody".parse().unwrap()
}

fn name(text: &str) -> Option<UserName> {
    text.parse().ok()
}

fn room() -> contact::Contact {
    contact(r#"{"UserName":"@@room","NickName":"r"}"#)
}

fn itself(text: &str) -> String {
    text.into()
}

/// Returns the content of a JSON string: reports are JSON, and are sent unchanged.
fn inside(text: &str) -> String {
    let json = Value::from(text).to_string();
    json.strip_prefix('"').unwrap().strip_suffix('"').unwrap().into()
}

/// Returns a name in the form that browsers use in `Content-Disposition`.
pub(super) fn quoted(text: &str) -> String {
    text.replace('"', "%22").replace('\r', "%0D").replace('\n', "%0A")
}

/// Returns the first 32 bytes of an id; the rest is dropped.
fn number(text: &str) -> String {
    let mut number = String::new();
    number.extend(text.chars().scan(0, |length, c| {
        *length += c.len_utf8();
        (*length <= 32).then_some(c)
    }));
    number
}

macro_rules! rows {
    ($($($builder:literal),+ => $what:literal, $build:expr $(, $written:expr)?;)*) => {
        &[$(Row {
            builders: &[$($builder),+],
            what: $what,
            build: $build,
            written: rows!(@written $($written)?),
        }),*]
    };
    (@written) => { itself };
    (@written $written:expr) => { $written };
}

pub(super) const TABLE: &[Row] = rows! {
    "CreateRoom::new" => "topic", |account, text| {
        let names = ["@a", "@b"].map(|name| name.parse().unwrap());
        let founders = Founders::new(names, &account.session.me.user_name).unwrap();
        Some(built(CreateRoom::new(founders, text), account, NOW))
    };
    "CreateRoom::new" => "a founder", |account, text| {
        let names = ["@a".parse().unwrap(), name(text)?];
        let founders = Founders::new(names, &account.session.me.user_name).ok()?;
        Some(built(CreateRoom::new(founders, "topic"), account, NOW))
    };
    "UpdateRoom::rename" => "topic", |account, text| Some(built(UpdateRoom::rename(somebody(), text), account, NOW));
    "UpdateRoom::quit" => "room", |account, text| Some(built(UpdateRoom::quit(name(text)?), account, NOW));
    "UpdateRoom::add" => "a member", |account, text| {
        let members = RoomMembers::new([somebody(), name(text)?]).ok()?;
        let invited = built(UpdateRoom::invite(somebody(), members.clone()), account, NOW);
        let removed = built(UpdateRoom::remove(somebody(), members.clone()), account, NOW);
        drop((invited, removed));
        Some(built(UpdateRoom::add(somebody(), members.clone()), account, NOW))
    };
    "UpdateRoom::invite" => "a member", |account, text| {
        let members = RoomMembers::new([somebody(), name(text)?]).ok()?;
        Some(built(UpdateRoom::invite(somebody(), members.clone()), account, NOW))
    };
    "UpdateRoom::remove" => "a member", |account, text| {
        let members = RoomMembers::new([somebody(), name(text)?]).ok()?;
        Some(built(UpdateRoom::remove(somebody(), members.clone()), account, NOW))
    };
    "SendFeedback::new" => "content", |account, text| Some(built(SendFeedback::new(text), &mut account.session, NOW));
    "VerifyUser::add", "VerifyUser::with_greeting" => "greeting", |account, text| Some(built(VerifyUser::add(somebody(), text), &mut account.session, NOW));
    "VerifyUser::add" => "name", |account, text| Some(built(VerifyUser::add(name(text)?, "hi"), &mut account.session, NOW));
    "VerifyUser::accept", "VerifyUser::with_ticket" => "ticket", |account, text| {
        Some(built(VerifyUser::accept(somebody(), text.parse().ok()?), &mut account.session, NOW))
    };
    "SearchContacts::new" => "word", |account, text| Some(built(SearchContacts::new(text), &mut account.session, NOW));
    "SetRemark::new" => "remark", |account, text| {
        Some(built(SetRemark::new(somebody(), text.parse().ok()?), account, NOW))
    };
    "SetRemark::new" => "name", |account, text| {
        Some(built(SetRemark::new(name(text)?, "x".parse().unwrap()), account, NOW))
    };
    "PinChat::new" => "name", |account, text| {
        let record = serde_json::json!({"UserName": name(text)?.as_str(), "NickName": "x"});
        Some(built(PinChat::new(&contact(&record.to_string()), true), account, NOW))
    };
    "BatchGetContacts::new" => "name", |account, text| {
        Some(built(BatchGetContacts::new(&[somebody(), name(text)?]), &mut account.session, NOW))
    };
    "BatchGetContacts::members" => "name", |account, text| {
        Some(built(BatchGetContacts::members(&room(), &[somebody(), name(text)?]), &mut account.session, NOW))
    };
    "SendText::new" => "text", |account, text| {
        Some(built(SendText::new(somebody(), text), &mut account.session, NOW))
    };
    "SendText::new" => "name", |account, text| {
        Some(built(SendText::new(name(text)?, "hi"), &mut account.session, NOW))
    };
    "SendText::with_mentions" => "a member", |account, text| {
        Some(built(SendText::new(somebody(), "hi").with_mentions(&[somebody(), name(text)?]), &mut account.session, NOW))
    };
    "SendText::with_mentions" => "text", |account, text| {
        Some(built(SendText::new(somebody(), text).with_mentions(&[somebody()]), &mut account.session, NOW))
    };
    "SendText::reply" => "text", |account, text| {
        let heard = message(r#""MsgId":"1","FromUserName":"@a","ToUserName":"@me","MsgType":1,"Content":"x""#);
        Some(built(SendText::reply(&heard, text), &mut account.session, NOW))
    };
    "SendText::mention_reply" => "text", |account, text| {
        let heard = message(r#""MsgId":"1","FromUserName":"@a","ToUserName":"@me","MsgType":1,"Content":"x""#);
        Some(built(SendText::mention_reply(&heard, &account.directory, text), &mut account.session, NOW))
    };
    "SendFile::new", "SendUpload::new" => "file name", |account, text| {
        let file = uploaded(MediaType::Document, &format!("{text}.bin"));
        Some(built(SendFile::new(somebody(), &file), &mut account.session, NOW))
    };
    "SendImage::new" => "name", |account, text| {
        Some(built(SendImage::new(name(text)?, &uploaded(MediaType::Picture, "x.png")), &mut account.session, NOW))
    };
    "SendVideo::new" => "name", |account, text| {
        Some(built(SendVideo::new(name(text)?, &uploaded(MediaType::Video, "x.mp4")), &mut account.session, NOW))
    };
    "SendEmoticon::new" => "name", |account, text| {
        Some(built(SendEmoticon::new(name(text)?, &uploaded(MediaType::Picture, "x.gif")), &mut account.session, NOW))
    };
    "SendEmoticon::known" => "name", |account, text| {
        let md5 = "0123456789abcdef0123456789abcdef".parse().unwrap();
        Some(built(SendEmoticon::known(name(text)?, md5), &mut account.session, NOW))
    };
    "RevokeMessage::new" => "number", |account, text| {
        Some(built(RevokeMessage::new(somebody(), &Receipt::of(MsgId::from(text))), &mut account.session, NOW))
    };
    "RevokeMessage::new" => "name", |account, text| {
        Some(built(RevokeMessage::new(name(text)?, &Receipt::of(MsgId::from("1"))), &mut account.session, NOW))
    };
    "NotifyPhone::mark_read" => "name", |account, text| Some(built(NotifyPhone::mark_read(name(text)?), &mut account.session, NOW));
    "NotifyPhone::enter_chat" => "name", |account, text| Some(built(NotifyPhone::enter_chat(name(text)?), &mut account.session, NOW));
    "NotifyPhone::leave_chat" => "name", |account, text| Some(built(NotifyPhone::leave_chat(name(text)?), &mut account.session, NOW));
    "SendReports::new" => "text", |account, text| {
        let json = Value::from(text).to_string();
        Some(built(SendReports::new([Report::new(ReportKind::Timing, &json).unwrap()].into()), &mut account.session, NOW))
    }, inside;
    "SendLoginReports::new" => "text", |account, text| {
        let json = Value::from(text).to_string();
        Some(built(SendLoginReports::new([Report::new(ReportKind::Timing, &json).unwrap()].into()), &mut account.session.device, NOW))
    }, inside;
    "CheckLink::new" => "link", |account, text| Some(built(CheckLink::new(text.parse().ok()?), &mut account.session, NOW));
    "GetQrCode::new" => "code", |account, text| Some(built(GetQrCode::new(text.parse().ok()?), &mut account.session.device, NOW));
    "CheckScan::new" => "code", |account, text| {
        Some(built(CheckScan::new(text.parse().ok()?), &mut account.session.device, NOW))
    };
    "GetIcon::new" => "name", |account, text| Some(built(GetIcon::new(Icon::of(name(text)?)), &mut account.session, NOW));
    "GetIcon::new" => "room", |account, text| {
        let mut room = room();
        room.encry_chat_room_id = text.into();
        (1..=256).contains(&text.len()).then_some(())?;
        Some(built(GetIcon::new(Icon::of_member(&room, somebody())), &mut account.session, NOW))
    };
    "GetHeadImg::new" => "room", |account, text| Some(built(GetHeadImg::new(name(text)?), &mut account.session, NOW));
    "GetImage::new" => "number", |account, text| {
        Some(built(GetImage::new(MsgId::from(text), ImageSize::Full), &mut account.session, NOW))
    }, number;
    "GetVoice::new" => "number", |account, text| Some(built(GetVoice::new(MsgId::from(text)), &mut account.session, NOW)), number;
    "GetVideo::new" => "number", |account, text| Some(built(GetVideo::new(MsgId::from(text)), &mut account.session, NOW)), number;
    "GetFile::new" => "MediaId", |account, text| {
        Some(built(GetFile::new(ReceivedFile::new(somebody(), text).ok()?), &mut account.session, NOW))
    };
    "GetFile::new" => "FileName", |account, text| {
        let file = ReceivedFile::new(somebody(), "1").unwrap().named("", text).ok()?;
        Some(built(GetFile::new(file), &mut account.session, NOW))
    };
    "GetPreview::new" => "id", |account, text| Some(built(GetPreview::new(text.parse().ok()?), &mut account.session, NOW));
    "CheckUpload::new" => "file name", |account, text| {
        let file = LocalFile::new(&format!("{text}.bin"), 1).ok()?;
        Some(built(CheckUpload::new(somebody(), file, Md5Sum::of(b"x")), &mut account.session, NOW))
    };
    "UploadPiece::new" => "file name", |account, text| {
        let file = LocalFile::new(&format!("{text}.bin"), 1).ok()?;
        let plan = UploadPlan::new(&mut account.session, somebody(), file, Md5Sum::of(b"x"), None, NOW);
        Some(built(UploadPiece::new(plan, 0, Bytes::from_static(b"x")), &mut account.session, NOW))
    };
    "GetContacts::new" => "language", |account, text| {
        account.session.device = account.session.device.clone().with_lang(text.parse().ok()?);
        Some(built(GetContacts::new(), &mut account.session, NOW))
    };
    "GetUuid::new" => "user agent", |account, text| {
        account.session.device = account.session.device.clone().with_user_agent(text.parse().ok()?);
        Some(built(GetUuid::new(), &mut account.session.device, NOW))
    };
    "RedeemTicket::new" => "proof of a desktop client", |account, text| {
        let extspam: Extspam = text.parse().ok()?;
        let entry = Entry::desktop("2.0.0".parse().unwrap(), extspam);
        let mut device = account.session.device.clone().with_entry(entry);
        let address = "https://wx.qq.com/cgi-bin/mmwebwx-bin/webwxnewloginpage?ticket=1";
        let redirect = address.parse().unwrap();
        Some(built(RedeemTicket::new(redirect), &mut device, NOW))
    };
};

/// Builders without text from the caller, or whose texts other tests cover, each with the reason.
pub(super) const OTHERS: &[(&str, &str)] = &[
    ("Announce::new", "takes nothing"),
    ("FetchBatch::new", "takes nothing"),
    ("SyncCheck::new", "takes nothing"),
    ("InitSession::new", "takes credentials: visible ASCII"),
    ("Logout::new", "takes nothing"),
    ("Logout::because", "takes a number"),
    ("PushLogin::new", "takes a number"),
    ("GetContacts::from_seq", "takes a number"),
    ("VerifyUser::new", "takes a number, and a name as VerifyUser::add"),
    ("VerifyUser::with_scene", "takes a number"),
    ("GetContactPicture::new", "n8_* of media/link.rs"),
    ("GetMap::new", "n8_* of media/link.rs"),
    ("GetMedia::new", "takes a received message: of media/{image,voice,video,file}"),
    ("GetMedia::thumbnail", "takes a received message: of media/image"),
    ("ForwardMessage::new", "takes a received message: message/forward_tests.rs"),
    ("ForwardMessage::with_receiver", "takes a received message: message/forward_tests.rs"),
];
