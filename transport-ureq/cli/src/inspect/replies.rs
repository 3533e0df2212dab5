//! Meanings of replies, which the endpoints of the core parse.

use std::fmt::Debug;
use std::str::FromStr;

use serde_json::{Value, json};
use wechat_proto::bytes::Bytes;
use wechat_proto::contact::{
    BatchGetContacts, Contact, GetContacts, PinChat, SearchContacts, VerifyUser,
};
use wechat_proto::feedback::SendFeedback;
use wechat_proto::flow::Response;
use wechat_proto::link::{CheckLink, Verdict};
use wechat_proto::login::{
    CheckScan, GetQrCode, GetUuid, InitSession, Logout, PushHost, PushLogin, RedeemTicket,
    Redeemed, Scan,
};
use wechat_proto::media::{
    CheckUpload, FileName, GetContactPicture, GetFile, GetHeadImg, GetImage, GetMap, GetPreview,
    GetVideo, GetVoice, ImageSize, LocalFile, Md5Sum, UploadPiece, UploadPlan,
};
use wechat_proto::message::{NotifyPhone, Receipt, RevokeMessage, SendText};
use wechat_proto::report::SendReports;
use wechat_proto::room::{CreateRoom, Founders, RoomMembers, UpdateRoom};
use wechat_proto::sync::{Check, SyncCheck};
use wechat_proto::{Device, Endpoint as _, Entry, Error, MsgId, Timestamp, http};

use super::contacts;
use super::meaning::Meaning;
use super::messages;
use super::request::Request;
use super::state::State;
use super::summary::known;

/// Returns the meaning of a reply, and applies it to the state. Returns `None` if the endpoint is
/// unknown.
///
/// # Errors
///
/// Those of the endpoint.
pub(super) fn meaning(
    endpoint: &str,
    request: &Request,
    response: &Response,
    state: &mut State,
) -> Result<Option<Meaning>, Error> {
    Ok(Some(match endpoint {
        "jslogin" => {
            let uuid = GetUuid::new().parse(response)?;
            Meaning::line(format!("QR code {}", uuid.as_str()), json!({ "uuid": uuid.as_str() }))
        }
        "login" => scan(CheckScan::new(of("-")).parse(response)?),
        "qrcode" => {
            let picture = GetQrCode::new(of("-")).parse(response)?;
            let line = format!("picture of {} bytes", picture.len());
            Meaning::line(line, json!({ "bytes": picture.len() }))
        }
        "webwxnewloginpage" => match redeem().parse(response)? {
            Redeemed::Credentials(_) => Meaning::line("logged in", json!({ "logged_in": true })),
            _ => Meaning::line("another host serves this account", json!({ "elsewhere": true })),
        },
        "webwxpushloginurl" => {
            let uuid = PushLogin::new(0, PushHost::Api).parse(response)?;
            let json = json!({ "uuid": uuid.as_str() });
            Meaning::line(format!("asks the phone to confirm {}", uuid.as_str()), json)
        }
        "webwxinit" => {
            let credentials = wechat_proto::login::Credentials::new("1", "-", "-", "-");
            let init = InitSession::new(credentials.expect("valid credentials")).parse(response)?;
            contacts::init(init, state)
        }
        "webwxstatusnotify" => done(NotifyPhone::mark_read(of("-")).parse(response))?,
        "webwxlogout" => done(Logout::new().parse(response))?,
        "webwxgetcontact" => {
            let page = GetContacts::new().parse(response)?;
            let mut meaning = contacts::learned(page.contacts, state);
            if page.next != 0 {
                meaning.lines.push(format!("next page: {}", page.next));
            }
            meaning.json["next"] = page.next.into();
            meaning
        }
        "webwxbatchgetcontact" => {
            contacts::learned(BatchGetContacts::new(&[]).parse(response)?, state)
        }
        "webwxsearchcontact" => contacts::names(SearchContacts::new("").parse(response)?, state),
        "webwxoplog" => {
            let chat = Contact::from_json(r#"{"UserName":"-"}"#).expect("a record");
            done(PinChat::new(&chat, true).parse(response))?
        }
        "webwxverifyuser" => done(VerifyUser::add(of("-"), "").parse(response))?,
        "synccheck" => match SyncCheck::new().parse(response)? {
            Check::News { selector } => Meaning::line(
                format!("news (selector {})", selector.0),
                json!({ "selector": selector.0 }),
            ),
            _ => Meaning::line("no news", json!({ "selector": 0 })),
        },
        "webwxsync" => messages::batch(response, state)?,
        // All sends have the same reply.
        "webwxsendmsg" | "webwxsendmsgimg" | "webwxsendvideomsg" | "webwxsendemoticon"
        | "webwxsendappmsg" => {
            let receipt = SendText::new(of("-"), "").parse(response);
            let receipt = receipt.map_err(|error| named(error, endpoint))?;
            let text = format!("sent as {}", receipt.msg_id);
            Meaning::line(text, json!({ "msg_id": receipt.msg_id }))
        }
        "webwxrevokemsg" => {
            let receipt = Receipt::of(of("-"), MsgId::from("0"));
            let revoked = RevokeMessage::new(&receipt).parse(response)?;
            Meaning::line(
                format!("revoked: {}", revoked.wording),
                json!({ "wording": revoked.wording }),
            )
        }
        "webwxcreatechatroom" => {
            let founders = Founders::new([of("@a"), of("@b")], &of("@c"));
            let room = CreateRoom::new(founders.expect("two others"), "").parse(response)?;
            let line =
                format!("created {} with {} members", state.name(&room.room), room.members.len());
            Meaning::line(
                line,
                json!({ "room": room.room, "topic": room.topic, "members": room.members.len() }),
            )
        }
        "webwxupdatechatroom" => {
            let members = RoomMembers::new([of("@a")]).expect("a name");
            let room = UpdateRoom::add(of("@@r"), members).parse(response)?;
            let count = room.members.len();
            Meaning::line(
                format!("done; the reply lists {count} members"),
                json!({ "members": count }),
            )
        }
        "webwxcheckupload" => {
            let probed = CheckUpload::new(of("-"), file(), Md5Sum::of(b"")).parse(response)?;
            let is_there = probed.media_id.is_some();
            let line = if is_there { "the service has this file" } else { "to be uploaded" };
            Meaning::line(line, json!({ "is_there": is_there }))
        }
        "webwxuploadmedia" | "webwxuploadmediaparallel" => {
            piece(endpoint, request, response, state)?
        }
        "webwxcheckurl" => match CheckLink::new("-").expect("a link").parse(response)? {
            Verdict::Leads { to } => Meaning::line(format!("leads to {to}"), json!({ "to": to })),
            Verdict::Warns { at } => Meaning::line("shows a warning", json!({ "warning": at })),
            other => Meaning::line(format!("{other:?}"), Value::Null),
        },
        "webwxpreview" => {
            let picture = GetPreview::new("-").expect("an id").parse(response)?;
            Meaning::line(format!("{} bytes", picture.len()), json!({ "bytes": picture.len() }))
        }
        "webwxstatreport" => done(SendReports::new(Vec::new()).parse(response))?,
        "webwxsendfeedback" => done(SendFeedback::new("").parse(response))?,
        _ => return download(endpoint, response),
    }))
}

fn done(result: Result<(), Error>) -> Result<Meaning, Error> {
    result.map(|()| Meaning::line("done", json!({})))
}

fn scan(scan: Scan) -> Meaning {
    let (line, name) = match scan {
        Scan::Pending => ("not yet", "pending"),
        Scan::Scanned { .. } => ("scanned, to be confirmed on the phone", "scanned"),
        Scan::Confirmed { .. } => ("confirmed", "confirmed"),
        Scan::Cancelled => ("cancelled on the phone", "cancelled"),
        Scan::Expired => ("the code expired", "expired"),
        _ => ("another state", "other"),
    };
    Meaning::line(line, json!({ "scan": name }))
}

fn redeem() -> RedeemTicket {
    // The result does not depend on the address.
    let page = "https://wx.qq.com/cgi-bin/mmwebwx-bin/webwxnewloginpage?ticket=t";
    Device::new().enter(of(page)).expect("a host of the service")
}

/// Reads the reply to a piece of an upload, of which only the last has a `MediaId`.
fn piece(
    endpoint: &str,
    request: &Request,
    response: &Response,
    state: &State,
) -> Result<Meaning, Error> {
    let mut account = state.account.clone();
    let is_parallel = endpoint == "webwxuploadmediaparallel";
    let places = match is_parallel {
        true => ["/UploadMediaParallelRequest/Chunks", "/UploadMediaParallelRequest/Chunk"],
        false => ["/chunks", "/chunk"],
    };
    let [pieces, piece] = places.map(|place| request.text(place).parse::<u64>().ok());
    let (pieces, piece) = (pieces.unwrap_or(1).clamp(1, 1 << 20), piece.unwrap_or(0));
    let file = LocalFile::new("-", pieces * (512 << 10)).expect("a name");
    let probed = is_parallel.then(|| {
        let device: &mut Device = account.as_mut();
        *device = device.clone().with_entry(Entry::file_helper());
        let announced = r#"{"BaseResponse":{"Ret":0},"AESKey":"-","Signature":"-"}"#;
        let reply = http::Response::new(announced.into());
        CheckUpload::new(of("-"), file.clone(), Md5Sum::of(b"")).parse(&reply).expect("a reply")
    });
    let now = Timestamp::default();
    let plan = UploadPlan::new(account.session_mut(), of("-"), file, Md5Sum::of(b""), probed, now);
    let taken = UploadPiece::new(plan, piece, Bytes::new()).parse(response)?;
    let line = match taken.media_id.is_empty() {
        true => format!("{} bytes received", taken.received),
        false => format!("{} bytes received, complete", taken.received),
    };
    let json = json!({ "received": taken.received, "media_id": taken.media_id });
    Ok(Meaning::line(line, json))
}

fn download(endpoint: &str, response: &Response) -> Result<Option<Meaning>, Error> {
    let id = MsgId::from("0");
    let head = match endpoint {
        "webwxgetmsgimg" => GetImage::new(id, ImageSize::Full).parse(response),
        "webwxgetvoice" => GetVoice::new(id).parse(response),
        "webwxgetvideo" => GetVideo::new(id).parse(response),
        "webwxgetmedia" => GetFile::new(of("@a"), "-").expect("a media id").parse(response),
        "webwxgetpubliclinkimg" => {
            let link = "/cgi-bin/mmwebwx-bin/webwxgetpubliclinkimg?url=x&msgid=1";
            GetMap::new(link).expect("a path").parse(response)
        }
        "webwxgeticon" => {
            let picture = "/cgi-bin/mmwebwx-bin/webwxgeticon?seq=1&skey=";
            GetContactPicture::new(picture).expect("a path").parse(response)
        }
        "webwxgetheadimg" => GetHeadImg::new(of("@@a")).parse(response),
        _ => return Ok(None),
    }?;
    let length = Some(response.body().len() as u64).filter(|length| *length > 0).or(head.length);
    let mut line = head.content_type.as_deref().unwrap_or("untyped").to_owned();
    if let Some(length) = length {
        line.push_str(&format!(", {length} bytes"));
    }
    let name = head.file_name.as_ref().map(FileName::as_str);
    if let Some(name) = name {
        line.push_str(&format!(", {name}"));
    }
    let json = json!({ "content_type": head.content_type, "bytes": length, "name": name });
    Ok(Some(Meaning::line(line, json)))
}

/// Names the endpoint in the error of another one with the same reply.
fn named(mut error: Error, name: &str) -> Error {
    if let Some(known) = known(name)
        && let Error::Status { endpoint, .. }
        | Error::ServiceFailed { endpoint, .. }
        | Error::Limited { endpoint, .. }
        | Error::Malformed { endpoint, .. }
        | Error::Refused { endpoint, .. } = &mut error
    {
        *endpoint = known;
    }
    error
}

fn file() -> LocalFile {
    LocalFile::new("-", 1).expect("a name")
}

/// Parses a constant that replaces a value of the request on which the result does not depend.
fn of<T: FromStr<Err: Debug>>(text: &str) -> T {
    text.parse().expect("a valid value")
}
