//! `GET` of `webwxgetmsgimg`, `webwxgetvoice`, `webwxgetvideo`, `webwxgetmedia`, `webwxgetpubliclinkimg`
//! (docs/protocol.md §8)

pub(crate) mod pictures;

use bytes::Bytes;
use http::header::{CONTENT_DISPOSITION, CONTENT_RANGE, CONTENT_TYPE, HeaderValue};

use crate::check::differences::{QUERY, REQUEST};
use crate::check::{Check, Rule};
use crate::media::{Asset, Fetched};
use crate::message::Incoming;
use crate::violation::Fault;
use crate::wire::reply::{self, Answer, Reply};
use crate::wire::request::{Decoded, Param, decode, encode};
use crate::wire::text::off_the_wire;
use crate::world::World;

/// Checks that the query has these parameters in this order. The page does not encode names and keys in these
/// addresses, so any encoding is accepted.
fn query(check: &mut Check<'_>, must: &[(&str, Rule)], may: &[(&str, Rule)]) {
    check.spelled(must, may);
    let known: Vec<&str> = must.iter().chain(may).map(|(name, _)| *name).collect();
    let found: Vec<&str> = check.request.query.iter().map(|param| param.name.as_str()).collect();
    let expected: Vec<&str> = known.iter().copied().filter(|name| found.contains(name)).collect();
    let found: Vec<&str> = found.into_iter().filter(|name| known.contains(name)).collect();
    if found.len() == expected.len() && found != expected {
        let complaint =
            format_args!("the query has its parameters in the order {found:?}, not {expected:?}");
        check.found(Fault::Order, REQUEST, "query", complaint);
    }
}

/// Checks that a message with this id exists and satisfies `has`.
fn message(check: &mut Check<'_>, name: &str, has: fn(&Incoming) -> bool) {
    let id = check.request.get(name);
    let found = check.world.arrived().find(|(msg_id, _)| msg_id == id);
    match found.map(|(_, message)| has(message)) {
        Some(true) => {}
        Some(false) => {
            check
                .wrong(format!("query parameter `{name}` is `{id}`, a message without this media"));
        }
        None => check.wrong(format!("query parameter `{name}` is `{id}`, not a message")),
    }
}

pub(crate) fn check_image(check: &mut Check<'_>) {
    check.initialised();
    let size = Rule::one_of(&["slave", "big"]);
    let mut must = vec![("MsgID", Rule::Integer), ("skey", check.skey())];
    let may = match check.page_param() {
        // The parameter follows `type`, which is optional.
        Some(param) if check.request.get("type").is_empty() => {
            must.push(param);
            vec![("type", size)]
        }
        Some(param) => {
            must.extend([("type", size), param]);
            Vec::new()
        }
        None => vec![("type", size)],
    };
    query(check, &must, &may);
    if !check.request.raw_query.starts_with("&MsgID=") {
        let complaint = "the query does not begin with `&MsgID=`, unlike the page's";
        check.found(Fault::Order, REQUEST, "query", complaint);
    }
    // Stickers from the shop cannot be downloaded.
    message(check, "MsgID", |message| {
        matches!(message.msg_type, 3 | 43 | 44 | 47 | 62) && message.has_product_id == 0
    });
}

fn check_player(check: &mut Check<'_>, has: fn(&Incoming) -> bool) {
    check.initialised();
    let mut must = vec![("msgid", Rule::Integer), ("skey", check.skey())];
    must.extend(check.page_param());
    query(check, &must, &[]);
    message(check, "msgid", has);
}

pub(crate) fn check_voice(check: &mut Check<'_>) {
    check_player(check, |message| message.msg_type == 34);
}

pub(crate) fn check_video(check: &mut Check<'_>) {
    check_player(check, |message| matches!(message.msg_type, 43 | 44 | 62));
}

pub(crate) fn check_map(check: &mut Check<'_>) {
    check.initialised();
    // The address must be exactly that of the message.
    let path = &check.request.path;
    let address = format!("{path}?{}", check.request.raw_query);
    let msgid = check.request.get("msgid").to_owned();
    let mut places = check.world.arrived();
    let place = places.find(|(msg_id, sent)| *msg_id == msgid && sent.is_place());
    match place {
        None => check.wrong(format!("query parameter `msgid` is `{msgid}`, not a location")),
        Some((_, sent)) if !off_the_wire(&sent.content).ends_with(&format!("\n{address}")) => {
            let rules = [
                ("url", Rule::is("xxx")),
                ("msgid", Rule::is(msgid)),
                ("pictype", Rule::is("location")),
            ];
            query(check, &rules, &[]);
            let complaint = format_args!("the address is `{address}`, not that of the message");
            check.found(Fault::Order, REQUEST, "query", complaint);
        }
        Some(_) => {}
    }
}

pub(crate) fn check_file(check: &mut Check<'_>) {
    check.initialised();
    let media_id = check.request.get("mediaid").to_owned();
    let sent = check.world.message_of(&media_id).filter(|_| !media_id.is_empty()).cloned();
    if sent.is_none() {
        check.wrong(format!("query parameter `mediaid` is `{media_id}`, which no message has"));
    }
    let sent = sent.unwrap_or_default();
    let sender = if sent.from.is_empty() { &check.world.account.user_name } else { &sent.from };
    let (sender, cookies) = (sender.clone(), check.request.cookies());
    let ticket = cookies.into_iter().find(|(name, _)| name == "webwx_data_ticket");
    // The request has the newer parameter if the message has it, otherwise the older one.
    let old = sent.encry_file_name.is_empty();
    let name = if old { "filename" } else { "encryfilename" };
    let file_name = if old { sent.file_name.clone() } else { decode(&sent.encry_file_name) };
    let mut must = vec![
        ("sender", Rule::is(sender)),
        ("mediaid", Rule::is(media_id)),
        (name, Rule::is(file_name)),
        ("fromuser", check.uin()),
        check.pass_ticket(),
        ("webwx_data_ticket", Rule::is(ticket.map(|(_, value)| value).unwrap_or_default())),
    ];
    if let Some(param) = check.page_param() {
        must.extend([("sid", check.sid()), param]);
    }
    query(check, &must, &[]);
    let raw = check.request.query.iter().find(|param| param.name == "encryfilename");
    if let Some(Param { raw, .. }) = raw
        && *raw != sent.encry_file_name
    {
        let complaint = format_args!(
            "is written `{raw}`, not `{}` as the message has it",
            sent.encry_file_name
        );
        check.found(Fault::Encoding, QUERY, "encryfilename", complaint);
    }
    // The ticket of the login page is encoded once more (docs/protocol.md §1.2); this must be exact.
    let ticket = check.request.query.iter().find(|param| param.name == "pass_ticket");
    if ticket.is_some_and(|param| param.raw != encode(&param.value)) {
        let complaint = "is not encoded as by encodeURIComponent";
        check.found(Fault::Encoding, QUERY, "pass_ticket", complaint);
    }
}

/// Builds an empty reply with the status 200.
pub(crate) fn empty(now: u64) -> Reply {
    reply::plain(now, 200, "text/plain", Bytes::new())
}

/// Returns the asset that a download requests.
fn asset(request: &Decoded) -> Asset {
    let get = |name: &str| request.get(name).to_owned();
    let kind = request.get("type");
    match request.path.rsplit('/').next().unwrap_or_default() {
        "webwxgetmsgimg" => {
            let size = ["slave", "big"].into_iter().find(|size| *size == kind);
            Asset::Image(get("MsgID"), size.unwrap_or_default())
        }
        "webwxgetvoice" => Asset::Voice(get("msgid")),
        "webwxgetvideo" => Asset::Video(get("msgid")),
        "webwxgetmedia" => Asset::File(get("mediaid")),
        "webwxgeticon" => Asset::Icon(get("username"), kind == "big"),
        "webwxgetheadimg" => Asset::HeadImg(get("username")),
        _ => Asset::Map(get("msgid")),
    }
}

/// Answers a download.
pub(crate) fn answer(world: &mut World, request: &Decoded) -> Answer {
    let asset = asset(request);
    let mut media = world.media(&asset);
    if let Some(planted) = world.media.get_mut(&asset)
        && planted.empty > 0
    {
        planted.empty -= 1;
        media.bytes = Bytes::new();
    }
    let length = media.bytes.len();
    let ranged = media.ranged && length > 0 && request.header("range").is_ok();
    let status = if ranged { 206 } else { 200 };
    let given = media.bytes.slice(..media.torn.unwrap_or(length).min(length));
    world.fetched.push(Fetched { asset, status, bytes: given.len(), at: world.now() });
    let mut reply = reply::plain(world.now(), status, "", media.bytes);
    let headers = reply.headers_mut();
    headers.remove(CONTENT_TYPE);
    let mut set = |name, text: &str| {
        // The service writes names as raw UTF-8.
        if let Ok(value) = HeaderValue::from_bytes(text.as_bytes())
            && !text.is_empty()
        {
            headers.insert(name, value);
        }
    };
    set(CONTENT_TYPE, &media.content_type);
    set(CONTENT_DISPOSITION, &media.disposition);
    if ranged {
        set(CONTENT_RANGE, &format!("bytes 0-{}/{length}", length - 1));
    }
    // Truncate the body after the length was announced.
    *reply.body_mut() = given;
    Answer::Reply(reply)
}

#[cfg(test)]
#[path = "media_tests.rs"]
mod tests;
