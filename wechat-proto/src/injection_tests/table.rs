//! Every builder that takes a text of the caller's.

use alloc::format;
use alloc::string::{String, ToString as _};

use bytes::Bytes;
use serde_json::Value;

use crate::body::Body;
use crate::call::Call;
use crate::contact::{self, verify};
use crate::entry::{Entry, Extspam};
use crate::ids::{MsgId, UserName};
use crate::media::{self, Fetch, Icon, LocalFile, Md5Sum, MediaType, ReceivedFile, image, piece};
use crate::message::{Receipt, notify, reply, revoke, send_app, send_text};
use crate::report::{self, Report};
use crate::room::{create, update};
use crate::session::Session;
use crate::testing::{NOW, contact, message, uploaded};
use crate::{feedback, link, login};

pub(super) type Http = http::Request<Body>;
/// Builds a request around a text; nothing where the text is refused.
pub(super) type Build = fn(&mut Session, &str) -> Option<Http>;

pub(super) struct Row {
    /// `module::function`, and others that only hand on to it.
    pub(super) builders: &'static [&'static str],
    /// Which of its texts.
    pub(super) what: &'static str,
    pub(super) build: Build,
    /// The text as it stands in the request, where that is not the text itself.
    pub(super) written: fn(&str) -> String,
}

/// The word that hostile text stands in for.
pub(super) const WORD: &str = "Marker";

fn of<T>(call: Call<T>) -> Option<Http> {
    Some(call.http().clone())
}

fn fetched(fetch: Fetch) -> Option<Http> {
    Some(fetch.http().clone())
}

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

/// The inside of a JSON text: a report is one, and travels as it is.
fn inside(text: &str) -> String {
    let json = Value::from(text).to_string();
    json.strip_prefix('"').unwrap().strip_suffix('"').unwrap().into()
}

/// A name in a `Content-Disposition`, as browsers write it.
pub(super) fn quoted(text: &str) -> String {
    text.replace('"', "%22").replace('\r', "%0D").replace('\n', "%0A")
}

/// The first part of a number: more is cut.
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
    "room/create::request" => "topic", |session, text| {
        let names = ["@a", "@b"].map(|name| name.parse().unwrap());
        let founders = crate::room::Founders::new(names, &session.me.user_name.clone()).unwrap();
        of(create::request(session, &founders, text, NOW))
    };
    "room/create::request" => "a founder", |session, text| {
        let names = ["@a".parse().unwrap(), name(text)?];
        let founders = crate::room::Founders::new(names, &session.me.user_name.clone()).ok()?;
        of(create::request(session, &founders, "topic", NOW))
    };
    "room/update::rename" => "topic", |session, text| of(update::rename(session, &somebody(), text));
    "room/update::quit" => "room", |session, text| of(update::quit(session, &name(text)?));
    "room/update::add", "room/update::invite", "room/update::remove" => "a member", |session, text| {
        let members = crate::room::Members::new([somebody(), name(text)?]).ok()?;
        let invited = update::invite(session, &somebody(), &members);
        let removed = update::remove(session, &somebody(), &members);
        drop((invited, removed));
        of(update::add(session, &somebody(), &members))
    };
    "room/update::invite" => "a member", |session, text| {
        let members = crate::room::Members::new([somebody(), name(text)?]).ok()?;
        of(update::invite(session, &somebody(), &members))
    };
    "room/update::remove" => "a member", |session, text| {
        let members = crate::room::Members::new([somebody(), name(text)?]).ok()?;
        of(update::remove(session, &somebody(), &members))
    };
    "feedback::request" => "content", |session, text| of(feedback::request(session, text, NOW));
    "contact/verify::add" => "greeting", |session, text| of(verify::add(session, &somebody(), text, NOW));
    "contact/verify::add" => "name", |session, text| of(verify::add(session, &name(text)?, "hi", NOW));
    "contact/verify::accept", "contact/verify::request" => "ticket", |session, text| {
        of(verify::accept(session, &somebody(), &text.parse().ok()?, NOW))
    };
    "contact/search::request" => "word", |session, text| of(contact::search::request(session, text));
    "contact/remark::request" => "remark", |session, text| {
        of(contact::remark::request(session, &somebody(), &text.parse().ok()?))
    };
    "contact/remark::request" => "name", |session, text| {
        of(contact::remark::request(session, &name(text)?, &"x".parse().unwrap()))
    };
    "contact/pin::request" => "name", |session, text| {
        let record = serde_json::json!({"UserName": name(text)?.as_str(), "NickName": "x"});
        of(contact::pin::request(session, &contact(&record.to_string()), true))
    };
    "contact/batch::request" => "name", |session, text| {
        of(contact::batch::request(session, &[somebody(), name(text)?], NOW))
    };
    "contact/batch::members" => "name", |session, text| {
        of(contact::batch::members(session, &room(), &[somebody(), name(text)?], NOW))
    };
    "message/send_text::request", "message/send_text::again" => "text", |session, text| {
        of(send_text::request(session, &somebody(), text, NOW))
    };
    "message/send_text::request" => "name", |session, text| {
        of(send_text::request(session, &name(text)?, "hi", NOW))
    };
    "message/send_text::mention", "message/send_text::mention_again" => "a member", |session, text| {
        of(send_text::mention(session, &somebody(), "hi", &[somebody(), name(text)?], NOW))
    };
    "message/send_text::mention" => "text", |session, text| {
        of(send_text::mention(session, &somebody(), text, &[somebody()], NOW))
    };
    "message/reply::text" => "text", |session, text| {
        let heard = message(r#""MsgId":"1","FromUserName":"@a","ToUserName":"@me","MsgType":1,"Content":"x""#);
        of(reply::text(session, &heard, text, NOW))
    };
    "message/reply::mentioning" => "text", |session, text| {
        let heard = message(r#""MsgId":"1","FromUserName":"@a","ToUserName":"@me","MsgType":1,"Content":"x""#);
        let account = crate::Account::from(session.clone());
        of(reply::mentioning(session, account.directory(), &heard, text, NOW))
    };
    "message/send_app::request", "message/send_app::again", "message/send_media::request",
    "message/send_media::again" => "file name", |session, text| {
        let file = uploaded(MediaType::Document, &format!("{text}.bin"));
        of(send_app::request(session, &somebody(), &file, NOW))
    };
    "message/send_image::request", "message/send_image::again" => "name", |session, text| {
        of(crate::message::send_image::request(session, &name(text)?, &uploaded(MediaType::Picture, "x.png"), NOW))
    };
    "message/send_video::request", "message/send_video::again" => "name", |session, text| {
        of(crate::message::send_video::request(session, &name(text)?, &uploaded(MediaType::Video, "x.mp4"), NOW))
    };
    "message/send_emoticon::request", "message/send_emoticon::again" => "name", |session, text| {
        of(crate::message::send_emoticon::request(session, &name(text)?, &uploaded(MediaType::Picture, "x.gif"), NOW))
    };
    "message/send_emoticon::known", "message/send_emoticon::known_again" => "name", |session, text| {
        let md5 = "0123456789abcdef0123456789abcdef".parse().unwrap();
        of(crate::message::send_emoticon::known(session, &name(text)?, &md5, NOW))
    };
    "message/revoke::request" => "number", |session, text| {
        of(revoke::request(session, &somebody(), &Receipt::of(MsgId::from(text))))
    };
    "message/revoke::request" => "name", |session, text| {
        of(revoke::request(session, &name(text)?, &Receipt::of(MsgId::from("1"))))
    };
    "message/notify::mark_read" => "name", |session, text| of(notify::mark_read(session, &name(text)?, NOW));
    "message/notify::enter" => "name", |session, text| of(notify::enter(session, &name(text)?, NOW));
    "message/notify::leave" => "name", |session, text| of(notify::leave(session, &name(text)?, NOW));
    "report::request" => "text", |session, text| {
        let json = Value::from(text).to_string();
        of(report::request(session, &[Report::new(report::Kind::Timing, &json).unwrap()], NOW))
    }, inside;
    "report::before_login" => "text", |session, text| {
        let json = Value::from(text).to_string();
        of(report::before_login(&mut session.device, &[Report::new(report::Kind::Timing, &json).unwrap()], NOW))
    }, inside;
    "link::request" => "link", |session, text| of(link::request(session, &text.parse().ok()?, NOW));
    "login/qrcode::request" => "code", |session, text| of(login::qrcode::request(&session.device, &text.parse().ok()?));
    "login/scan::request" => "code", |session, text| {
        of(login::scan::request(&session.device, &text.parse().ok()?, true, NOW))
    };
    "media/icon::request" => "name", |session, text| fetched(media::icon::request(session, &Icon::of(name(text)?)));
    "media/icon::request" => "room", |session, text| {
        let mut room = room();
        room.encry_chat_room_id = text.into();
        (1..=256).contains(&text.len()).then_some(())?;
        fetched(media::icon::request(session, &Icon::of_member(&room, somebody())))
    };
    "media/head_img::request" => "room", |session, text| fetched(media::head_img::request(session, &name(text)?));
    "media/image::request" => "number", |session, text| {
        fetched(image::request(session, &MsgId::from(text), image::Size::Full))
    }, number;
    "media/voice::request" => "number", |session, text| fetched(media::voice::request(session, &MsgId::from(text))), number;
    "media/video::request" => "number", |session, text| fetched(media::video::request(session, &MsgId::from(text))), number;
    "media/file::request" => "MediaId", |session, text| {
        fetched(media::file::request(session, &ReceivedFile::new(somebody(), text).ok()?, NOW))
    };
    "media/file::request" => "FileName", |session, text| {
        let file = ReceivedFile::new(somebody(), "1").unwrap().named("", text).ok()?;
        fetched(media::file::request(session, &file, NOW))
    };
    "media/preview::request" => "id", |session, text| of(media::preview::request(session, &text.parse().ok()?, NOW));
    "media/probe::request" => "file name", |session, text| {
        let file = LocalFile::new(&format!("{text}.bin"), 1).ok()?;
        of(media::probe::request(session, &somebody(), &file, Md5Sum::of(b"x")))
    };
    "media/piece::request" => "file name", |session, text| {
        let file = LocalFile::new(&format!("{text}.bin"), 1).ok()?;
        let plan = piece::Plan::new(session, &somebody(), &file, Md5Sum::of(b"x"), None, NOW);
        of(piece::request(session, &plan, 0, Bytes::from_static(b"x"), NOW))
    };
    "contact/list::request" => "language", |session, text| {
        session.device = session.device.clone().with_lang(text.parse().ok()?);
        of(contact::list::request(session, 0, NOW))
    };
    "login/uuid::request" => "user agent", |session, text| {
        session.device = session.device.clone().with_user_agent(text.parse().ok()?);
        of(login::uuid::request(&session.device, NOW))
    };
    "login/redeem::request" => "proof of a desktop client", |session, text| {
        let extspam: Extspam = text.parse().ok()?;
        let entry = Entry::desktop("2.0.0".parse().unwrap(), extspam);
        let mut device = session.device.clone().with_entry(entry);
        let address = "https://wx.qq.com/cgi-bin/mmwebwx-bin/webwxnewloginpage?ticket=1";
        let redirect = login::Redirect::parse(address).unwrap();
        of(login::redeem::request(&mut device, &redirect, NOW).unwrap())
    };
};

/// Builders without a text of the caller's, or whose texts are looked at elsewhere, and why.
pub(super) const OTHERS: &[(&str, &str)] = &[
    ("login/announce::request", "takes nothing"),
    ("login/init::request", "takes credentials: visible ASCII"),
    ("login/logout::request", "takes nothing"),
    ("login/logout::because", "takes a number"),
    ("login/push::request", "takes a number"),
    ("sync/check::request", "takes nothing"),
    ("sync/fetch::request", "takes nothing"),
    ("media/head_img_url::request", "n8_* of media/link.rs"),
    ("media/map::request", "n8_* of media/link.rs"),
    ("media/received::request", "what a message says: of media/{image,voice,video,file}"),
    ("media/received::thumbnail", "what a message says: of media/image"),
    ("message/forward::request", "what a message says: message/forward_tests.rs"),
    ("message/forward::again", "what a message says: message/forward_tests.rs"),
];
