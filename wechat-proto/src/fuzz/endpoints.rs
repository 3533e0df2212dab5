//! The parser of each endpoint.

use alloc::format;
use alloc::string::ToString as _;
use core::fmt::Debug;

use serde_json::Value;
use serde_json::value::RawValue;

use super::downloads::downloaded;
use super::{Entry, NOW, account, reply};
use crate::contact::{batch, list, remark, search, verify};
use crate::device::Device;
use crate::error::Error;
use crate::flow::{Flow as _, Interrupt, Response};
use crate::ids::UserName;
use crate::login::{announce, init, logout, push, qrcode, redeem, scan, uuid};
use crate::media::{file, head_img, icon, image, map, piece, preview, probe, video, voice};
use crate::message::{
    Message, forward, revoke, send_app, send_emoticon, send_image, send_text, send_video,
};
use crate::room::{create, update};
use crate::sync::{check, fetch};
use crate::{feedback, link, report};

/// The parser of each endpoint, under its name: the bytes are the body of a reply; of a download,
/// its head.
pub const ENDPOINTS: &[(&str, Entry)] = &[
    ("jslogin", |bytes| parsed(bytes, uuid::parse)),
    ("login", |bytes| parsed(bytes, scan::parse)),
    ("qrcode", |bytes| parsed(bytes, qrcode::parse)),
    ("webwxnewloginpage", newloginpage),
    ("webwxinit", |bytes| json(bytes, init::parse)),
    ("webwxstatusnotify", |bytes| json(bytes, announce::parse)),
    ("webwxlogout", |bytes| parsed(bytes, logout::parse)),
    ("webwxgetcontact", |bytes| json(bytes, list::parse)),
    ("webwxbatchgetcontact", |bytes| json(bytes, batch::parse)),
    ("synccheck", |bytes| parsed(bytes, check::parse)),
    ("webwxsync", webwxsync),
    ("webwxsendmsg", |bytes| json(bytes, send_text::parse)),
    ("webwxsendmsgimg", |bytes| json(bytes, send_image::parse)),
    ("webwxsendvideomsg", |bytes| json(bytes, send_video::parse)),
    ("webwxsendemoticon", |bytes| json(bytes, send_emoticon::parse)),
    ("webwxsendappmsg", |bytes| json(bytes, send_app::parse)),
    ("webwxrevokemsg", |bytes| json(bytes, revoke::parse)),
    ("webwxgetmsgimg", |bytes| downloaded(bytes, image::parse)),
    ("webwxgetvoice", |bytes| downloaded(bytes, voice::parse)),
    ("webwxgetvideo", |bytes| downloaded(bytes, video::parse)),
    ("webwxgetmedia", |bytes| downloaded(bytes, file::parse)),
    ("webwxgetpubliclinkimg", |bytes| downloaded(bytes, map::parse)),
    ("webwxgeticon", |bytes| downloaded(bytes, icon::parse)),
    ("webwxgetheadimg", |bytes| downloaded(bytes, head_img::parse)),
    ("webwxcheckupload", |bytes| json(bytes, probe::parse)),
    ("webwxuploadmedia", |bytes| {
        json(bytes, piece::parse);
        json(bytes, piece::parse_last);
    }),
    ("webwxpushloginurl", |bytes| json(bytes, push::parse)),
    ("webwxstatreport", |bytes| json(bytes, report::parse)),
    ("webwxsendfeedback", |bytes| json(bytes, feedback::parse)),
    ("webwxcheckurl", webwxcheckurl),
    ("webwxpreview", |bytes| parsed(bytes, preview::parse)),
    ("webwxoplog", |bytes| json(bytes, remark::parse)),
    ("webwxverifyuser", |bytes| json(bytes, verify::parse)),
    ("webwxsearchcontact", |bytes| json(bytes, search::parse)),
    ("webwxcreatechatroom", webwxcreatechatroom),
    ("webwxupdatechatroom", |bytes| json(bytes, update::parse)),
];

/// The same bytes read the same twice; no status but the usual ones is a success; an error shows a
/// bounded excerpt.
pub(super) fn parsed<T: Debug>(bytes: &[u8], parse: fn(&Response) -> Result<T, Error>) {
    let mut reply = reply(bytes);
    let read = parse(&reply);
    assert_eq!(format!("{read:?}"), format!("{:?}", parse(&reply)));
    if let Err(error) = &read {
        is_short(error);
    }
    for status in [204, 302, 403, 502] {
        *reply.status_mut() = http::StatusCode::from_u16(status).unwrap_or_default();
        match parse(&reply) {
            // A logout is done with any status below 400.
            Ok(_) => assert!(status < 400, "{status}"),
            Err(error) => is_short(&error),
        }
    }
}

/// The same for a reply of JSON: whoever writes it, behind a mark or before white space, it says
/// the same. Of a key that is there twice, the last counts.
fn json<T: Debug>(bytes: &[u8], parse: fn(&Response) -> Result<T, Error>) {
    parsed(bytes, parse);
    if let Ok(Value::Object(object)) = serde_json::from_slice::<Value>(bytes) {
        let read = format!("{:?}", parse(&reply(bytes)));
        let again = format!("\u{feff}{:#}\n \r\n", Value::Object(object));
        assert_eq!(format!("{:?}", parse(&reply(again.as_bytes()))), read);
        // Something behind the end is no part of a reply.
        let spoiled = format!("{again}}}");
        let spoiled = parse(&reply(spoiled.as_bytes()));
        assert!(matches!(spoiled, Err(Error::Malformed { .. })), "{spoiled:?}");
    }
}

pub(super) fn is_short(error: &Error) {
    // 500 characters of the server's own text, and the sentence around them.
    assert!(error.to_string().chars().count() < 800, "{error}");
    assert!(format!("{error:?}").chars().count() < 10_000, "{error:?}");
}

/// Credentials that are taken can be sent; none of them is shown.
fn newloginpage(bytes: &[u8]) {
    parsed(bytes, redeem::parse);
    // Whatever else it is, it is not quoted: it may have half of the credentials in it.
    if let Err(Error::Malformed { found, .. }) = redeem::parse(&reply(bytes)) {
        assert!(found.len() < 100, "{found}");
    }
    if let Ok(redeem::Redeemed::Credentials(credentials)) = redeem::parse(&reply(bytes)) {
        let mut device = Device::new();
        let mut call = init::request(&mut device, &credentials, NOW);
        assert!(matches!(call.poll(&mut device, NOW), Err(Interrupt::Send(_))));
        let shown = format!("{credentials:?}");
        assert_eq!(shown, "Credentials { uin, sid, skey, pass_ticket: [redacted] }");
    }
}

/// The bytes are a body, and an address to be sent to.
fn webwxcheckurl(bytes: &[u8]) {
    parsed(bytes, link::parse);
    let mut moved = reply(b"");
    *moved.status_mut() = http::StatusCode::FOUND;
    if let Ok(to) = http::HeaderValue::from_bytes(bytes) {
        moved.headers_mut().insert(http::header::LOCATION, to);
    }
    if let Err(error) = link::parse(&moved) {
        is_short(&error);
    }
}

/// Each message has the JSON it was read from, alone and in its batch; each can be passed on, or
/// is said not to.
fn webwxsync(bytes: &[u8]) {
    parsed(bytes, fetch::parse);
    let read = fetch::parse(&reply(bytes));
    let Ok(batch) = read else { return };
    assert!(batch.sync_key.as_ref().is_none_or(|key| !key.is_empty()));
    let messages = batch.messages(account().session().me());
    for message in messages {
        let raw = message.raw.json().to_string();
        // Whoever reads it may decode all of its strings; numbers are their own affair.
        let read = serde_json::from_str::<Value>(&raw);
        let numbers = serde_json::from_str::<&RawValue>(&raw);
        assert!(read.is_ok() || numbers.is_ok() && raw.contains(['e', 'E']), "{raw:?}");
        let mut session = account().session;
        if let Ok(call) = forward::request(&mut session, &message, &UserName::file_helper(), NOW) {
            assert!(!call.http().body().is_empty());
        }
        let (id, kind) = (message.id.clone(), message.kind.clone());
        let alone = message.detach();
        assert_eq!((&*alone.raw.json(), &alone.id, &alone.kind), (&*raw, &id, &kind));
        let _ = (alone.peer(), alone.author(), alone.text());
        // Read alone, it is the message that it was among the others.
        if let Ok(again) = Message::from_json(&raw, &account().session().me().user_name) {
            assert_eq!((&again.id, &again.kind, &again.speaker), (&id, &kind, &alone.speaker));
        }
    }
}

/// A room that was made has a name.
fn webwxcreatechatroom(bytes: &[u8]) {
    json(bytes, create::parse);
    if let Ok(created) = create::parse(&reply(bytes)) {
        assert!(!created.room.as_str().is_empty());
    }
}
