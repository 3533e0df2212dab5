//! `GET` of `webwxgetmsgimg`, `webwxgetvoice`, `webwxgetvideo`, `webwxgetmedia`, `webwxgetpubliclinkimg`
//! (docs/protocol.md §8)

use bytes::Bytes;
use http::header::{CONTENT_DISPOSITION, CONTENT_RANGE, CONTENT_TYPE, HeaderValue};

use crate::check::{Check, Rule};
use crate::form::Form;
use crate::media::{Asset, Fetched};
use crate::message::{Incoming, off_the_wire};
use crate::reply::{self, Reply};
use crate::request::{Decoded, Param, decode, encode};
use crate::routes::init::initialised;
use crate::routes::send::is_place;
use crate::simulator::Answer;
use crate::world::World;

/// What a video that is not asked for as a range answers: 200, and not one byte.
pub(crate) const NO_RANGE: i64 = 206;

/// The query as the page writes it: these parameters, in this order. It puts names and keys into these addresses as they
/// are, so that both spellings pass.
pub(super) fn query(check: &mut Check<'_>, must: &[(&str, Rule)], may: &[(&str, Rule)]) {
    check.spelled(must, may);
    let known: Vec<&str> = must.iter().chain(may).map(|(name, _)| *name).collect();
    let found: Vec<&str> = check.request.query.iter().map(|param| param.name.as_str()).collect();
    let expected: Vec<&str> = known.iter().copied().filter(|name| found.contains(name)).collect();
    let found: Vec<&str> = found.into_iter().filter(|name| known.contains(name)).collect();
    if check.is_official() && found.len() == expected.len() && found != expected {
        check.wrong(format!(
            "the query has its parameters in the order {found:?}, not {expected:?}"
        ));
    }
}

/// That a message of this number has arrived, and that it has such a thing.
fn message(check: &mut Check<'_>, name: &str, has: fn(&Incoming) -> bool) {
    let id = check.request.get(name);
    let found = check.world.arrived().find(|(msg_id, _)| msg_id == id);
    match found.map(|(_, message)| has(message)) {
        Some(true) => {}
        Some(false) => {
            check.wrong(format!(
                "query parameter `{name}` is `{id}`, a message without such a thing"
            ));
        }
        None => check.wrong(format!("query parameter `{name}` is `{id}`, which nobody has sent")),
    }
}

pub(crate) fn check_image(check: &mut Check<'_>) {
    initialised(check);
    let size = Rule::OneOf(vec!["slave".to_owned(), "big".to_owned()]);
    let skey = check.skey();
    query(check, &[("MsgID", Rule::Integer), ("skey", skey)], &[("type", size)]);
    if check.is_official() && !check.request.raw_query.starts_with("&MsgID=") {
        check.wrong("the query does not begin with `&MsgID=`, as the page's does");
    }
    // A sticker of the shop cannot be had.
    message(check, "MsgID", |message| {
        matches!(message.msg_type, 3 | 43 | 44 | 47 | 62) && message.has_product_id == 0
    });
}

pub(crate) fn image(world: &mut World, request: &Decoded) -> Answer {
    let size = ["slave", "big"].into_iter().find(|size| *size == request.get("type"));
    serve(world, request, Asset::Image(request.get("MsgID").to_owned(), size.unwrap_or_default()))
}

fn check_player(check: &mut Check<'_>, has: fn(&Incoming) -> bool) {
    initialised(check);
    let skey = check.skey();
    query(check, &[("msgid", Rule::Integer), ("skey", skey)], &[]);
    message(check, "msgid", has);
}

pub(crate) fn check_voice(check: &mut Check<'_>) {
    check_player(check, |message| message.msg_type == 34);
}

pub(crate) fn voice(world: &mut World, request: &Decoded) -> Answer {
    serve(world, request, Asset::Voice(request.get("msgid").to_owned()))
}

pub(crate) fn check_video(check: &mut Check<'_>) {
    check_player(check, |message| matches!(message.msg_type, 43 | 44 | 62));
}

pub(crate) fn video(world: &mut World, request: &Decoded) -> Answer {
    serve(world, request, Asset::Video(request.get("msgid").to_owned()))
}

pub(crate) fn check_map(check: &mut Check<'_>) {
    initialised(check);
    // To the letter, as the message has it.
    let path = &check.request.path;
    let address = format!("{path}?{}", check.request.raw_query);
    let msgid = check.request.get("msgid").to_owned();
    let mut places = check.world.arrived();
    let place = places.find(|(msg_id, sent)| *msg_id == msgid && is_place(sent));
    match place {
        None => check.wrong(format!("query parameter `msgid` is `{msgid}`, which is no place")),
        Some((_, sent)) if !off_the_wire(&sent.content).ends_with(&format!("\n{address}")) => {
            let rules = [
                ("url", Rule::is("xxx")),
                ("msgid", Rule::is(msgid)),
                ("pictype", Rule::is("location")),
            ];
            query(check, &rules, &[]);
            check.wrong(format!("the address is `{address}`, not the one of the message"));
        }
        Some(_) => {}
    }
}

pub(crate) fn map(world: &mut World, request: &Decoded) -> Answer {
    serve(world, request, Asset::Map(request.get("msgid").to_owned()))
}

pub(crate) fn check_file(check: &mut Check<'_>) {
    initialised(check);
    let media_id = check.request.get("mediaid").to_owned();
    let sent = check.world.message_of(&media_id).filter(|_| !media_id.is_empty()).cloned();
    if sent.is_none() {
        check.wrong(format!("query parameter `mediaid` is `{media_id}`, which no message has"));
    }
    let sent = sent.unwrap_or_default();
    let sender = if sent.from.is_empty() { &check.world.account.user_name } else { &sent.from };
    let (sender, cookies) = (sender.clone(), check.request.cookies());
    let ticket = cookies.into_iter().find(|(name, _)| name == "webwx_data_ticket");
    // What the message has for it: the newer name, else the older one. notes-L know the older one alone.
    let old = sent.encry_file_name.is_empty() || check.form == Form::NotesL;
    let name = if old { "filename" } else { "encryfilename" };
    let file_name = if old { sent.file_name.clone() } else { decode(&sent.encry_file_name) };
    let must = [
        ("sender", Rule::is(sender)),
        ("mediaid", Rule::is(media_id)),
        (name, Rule::is(file_name)),
        ("fromuser", check.uin()),
        ("pass_ticket", check.pass_ticket()),
        ("webwx_data_ticket", Rule::is(ticket.map(|(_, value)| value).unwrap_or_default())),
    ];
    query(check, &must, &[]);
    let raw = check.request.query.iter().find(|param| param.name == "encryfilename");
    if let Some(Param { raw, .. }) = raw
        && *raw != sent.encry_file_name
    {
        check.wrong(format!(
            "query parameter `encryfilename` is written `{raw}`, not `{}` as the message has it",
            sent.encry_file_name
        ));
    }
    // A ticket is encoded once more than the login page has it (docs/protocol.md §1.2): that is not to be mistaken.
    let ticket = check.request.query.iter().find(|param| param.name == "pass_ticket");
    if check.is_official() && ticket.is_some_and(|param| param.raw != encode(&param.value)) {
        check.wrong("query parameter `pass_ticket` is not written as encodeURIComponent does");
    }
}

pub(crate) fn file(world: &mut World, request: &Decoded) -> Answer {
    serve(world, request, Asset::File(request.get("mediaid").to_owned()))
}

/// Nothing at all, with the status of success.
pub(crate) fn nothing(now: u64) -> Reply {
    reply::plain(now, 200, "text/plain", Bytes::new())
}

/// Gives the bytes.
pub(super) fn serve(world: &mut World, request: &Decoded, asset: Asset) -> Answer {
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
        // Raw UTF-8, as the service writes names.
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
    // Cut after its length was announced.
    *reply.body_mut() = given;
    Answer::Reply(reply)
}

#[cfg(test)]
#[path = "media_tests.rs"]
mod tests;
