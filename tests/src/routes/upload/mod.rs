//! `POST /cgi-bin/mmwebwx-bin/webwxuploadmedia` (docs/protocol.md §6.7)

pub(crate) mod check_upload;
pub(crate) mod parallel;
mod parts;

use bytes::Bytes;
use serde_json::Value;

use crate::check::differences::{FORM, JSON};
use crate::check::{Check, Rule};
use crate::media::upload::{Partial, Uploaded};
use crate::routes::upload::check_upload::{ANNOUNCED, encrypted, names};
use crate::routes::upload::parts::{FIELDS, FILE_HELPER_FIELDS, Parts};
use crate::violation::Fault;
use crate::wire::date;
use crate::wire::multipart::Part;
use crate::wire::reply::{self, Answer, Object};
use crate::wire::request::{Decoded, UPLOADS, decode};
use crate::world::World;

/// The length of all pieces except the last.
const PIECE: u64 = 524_288;

/// Returns the browser's MIME type for an extension; `None` if any type is accepted.
fn mime_of(extension: &str) -> Option<&'static str> {
    Some(match extension {
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "gif" => "image/gif",
        "bmp" => "image/bmp",
        "mp4" => "video/mp4",
        "pdf" => "application/pdf",
        "txt" => "text/plain",
        "zip" => "application/zip",
        "" => "application/octet-stream",
        _ => return None,
    })
}

pub(crate) fn check(check: &mut Check<'_>) {
    query(check);
    let request = check.request;
    let parts = match &request.form {
        Ok(parts) => Parts(parts),
        Err(error) => return check.wrong(format!("the form {error}")),
    };
    let (chunk, length) = parts.place();
    let fields = match check.world.entry_page.is_file_helper() {
        true => &FILE_HELPER_FIELDS[..],
        false => &FIELDS[..],
    };
    let kept = |name: &&&str| length > PIECE || !matches!(**name, "chunk" | "chunks");
    form(check, &parts, &fields.iter().filter(kept).copied().collect::<Vec<_>>());
    if check.world.entry_page.is_file_helper() && length > ANNOUNCED {
        check.wrong(format!("form field `size` is {length}, too much for this call"));
    }
    name_and_type(check, &parts, length);
    numbers(check, &parts, length, chunk);
    tickets(check, &parts);
    let first = !check.world.uploads.open.contains_key(&parts.id());
    media_request(check, &parts, length, first);
    sequence(check, &parts);
}

/// Checks the query.
fn query(check: &mut Check<'_>) {
    check.initialised();
    let mut must = vec![("f", Rule::is("json"))];
    if check.world.entry_page.is_file_helper() {
        // The page generates `random` for each request: docs/protocol.md §15.1.
        let random = check.request.get("random").to_owned();
        if random.len() != 4 || !random.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            check.wrong(format!("query parameter `random` is `{random}`, not 4 letters or digits"));
        }
        must.push(("random", Rule::is(random)));
    }
    check.query(&must, &[]);
}

/// Checks that the form has each part once and in order, with the headers of a browser.
fn form(check: &mut Check<'_>, parts: &Parts<'_>, fields: &[&str]) {
    let names: Vec<&str> = parts.0.iter().map(|part| part.name.as_str()).collect();
    for name in fields {
        match names.iter().filter(|other| *other == name).count() {
            0 => check.found(Fault::Missing, FORM, name, "is missing"),
            1 => {}
            _ => check.found(Fault::Repeated, FORM, name, "is repeated"),
        }
    }
    for name in names.iter().filter(|name| !fields.contains(name)) {
        let complaint = match *name {
            "chunk" | "chunks" => "is only for files of several pieces",
            _ => "is unknown",
        };
        check.found(Fault::Unknown, FORM, name, complaint);
    }
    let expected: Vec<&str> = fields.iter().copied().filter(|name| names.contains(name)).collect();
    if expected.len() == names.len() && expected != names {
        let complaint = format_args!("is out of order: {names:?}, not {expected:?}");
        check.found(Fault::Order, FORM, names[0], complaint);
    }
    let file = if parts.is_parallel() { "blob".to_owned() } else { parts.text("name") };
    for part in parts.0 {
        headers(check, part, &file);
    }
}

fn headers(check: &mut Check<'_>, part: &Part, file: &str) {
    let name = &part.name;
    let mut expected = format!("form-data; name=\"{name}\"");
    let is_file = name == "filename";
    if is_file {
        // Browsers write the name as raw UTF-8, without `filename*=`.
        let file = file.replace('"', "%22").replace('\r', "%0D").replace('\n', "%0A");
        expected = format!("{expected}; filename=\"{file}\"");
    }
    let found = part.header("content-disposition");
    if found != expected {
        let fault = if found.contains("filename*=") { Fault::Encoding } else { Fault::Form };
        let complaint =
            format_args!("has the header `{found}`, not `{expected}`, as its `name` is `{file}`");
        check.found(fault, FORM, name, complaint);
    }
    let count = part.headers.len();
    if count != 1 + usize::from(is_file) {
        let complaint = format_args!("has {count} headers");
        check.found(Fault::Form, FORM, name, complaint);
    }
}

fn name_and_type(check: &mut Check<'_>, parts: &Parts<'_>, length: u64) {
    let id = parts.text("id");
    let number = id.strip_prefix("WU_FILE_").unwrap_or_default();
    let web = !check.world.entry_page.is_file_helper();
    if web && number.is_empty() || !number.bytes().all(|byte| byte.is_ascii_digit()) {
        let complaint = format_args!("is `{id}`, not WU_FILE_ and a number");
        check.found(Fault::Value, FORM, "id", complaint);
    }
    let (name, mime) = (parts.text("name"), parts.text("type"));
    let extension = name.rsplit_once('.').map_or("", |(_, end)| end).to_lowercase();
    if let Some(expected) = mime_of(&extension)
        && mime != expected
    {
        let complaint = format_args!("is `{mime}`, not `{expected}`");
        check.found(Fault::Value, FORM, "type", complaint);
    }
    content_type(check, parts, if length > PIECE { "application/octet-stream" } else { &mime });
    let natural = match &*extension {
        "bmp" | "png" | "jpeg" | "jpg" => "pic",
        "mp4" => "video",
        _ => "doc",
    };
    let found = parts.text("mediatype");
    if found != natural && found != "doc" {
        let complaint = format_args!("is `{found}`, not `{natural}` or `doc`");
        check.found(Fault::Value, FORM, "mediatype", complaint);
    }
    let date = parts.text("lastModifiedDate");
    if !date::is_js(&date, check.is_page()) {
        let complaint = format_args!("is `{date}`, not a JavaScript date");
        check.found(Fault::Form, FORM, "lastModifiedDate", complaint);
    }
}

/// Checks the content type of the bytes.
fn content_type(check: &mut Check<'_>, parts: &Parts<'_>, expected: &str) {
    let of_part = parts.find("filename").map(|part| part.header("content-type"));
    if of_part.is_some_and(|of_part| of_part != expected) {
        let complaint = format_args!("does not have the Content-Type `{expected}` (of `type`)");
        check.found(Fault::Form, FORM, "filename", complaint);
    }
}

fn numbers(check: &mut Check<'_>, parts: &Parts<'_>, length: u64, chunk: u64) {
    let size = parts.text("size");
    if length == 0 {
        check.wrong(format!("form field `size` is `{size}`"));
    } else if parts.find("size").is_some() && size != length.to_string() {
        let complaint = format_args!("is `{size}`, not a number");
        check.found(Fault::Value, FORM, "size", complaint);
    }
    let pieces = length.div_ceil(PIECE);
    if length > PIECE && parts.number("chunks") != Some(pieces) {
        check.wrong(format!(
            "form field `chunks` is `{}`, not {pieces}, by its `size`",
            parts.text("chunks")
        ));
    }
    if length > PIECE && parts.number("chunk").is_none_or(|chunk| chunk >= pieces) {
        check.wrong(format!("form field `chunk` is `{}`, not below {pieces}", parts.text("chunk")));
    }
    piece_length(check, parts, length, chunk);
}

/// Checks the length of the piece.
fn piece_length(check: &mut Check<'_>, parts: &Parts<'_>, length: u64, chunk: u64) {
    let expected = PIECE.min(length.saturating_sub(chunk.saturating_mul(PIECE)));
    let found = parts.bytes().len() as u64;
    if found != expected {
        check.wrong(format!(
            "form field `filename` has {found} bytes, not {expected}, by its `size`, {length}"
        ));
    }
}

fn tickets(check: &mut Check<'_>, parts: &Parts<'_>) {
    let issued = check.world.issued.iter().find(|cookie| cookie.name == "webwx_data_ticket");
    let cookie = issued.map(|cookie| cookie.value.clone()).unwrap_or_default();
    let ticket = check.world.account.pass_ticket.clone();
    // Only the web page decodes the ticket: docs/protocol.md §15.1.
    let ticket = if check.world.entry_page.is_file_helper() { ticket } else { decode(&ticket) };
    for (name, expected) in [("webwx_data_ticket", cookie), ("pass_ticket", ticket)] {
        let found = parts.text(name);
        // The page omits an expired cookie from the form.
        let world = check.world;
        let expired = world.jar.is_expired(name, world.now()) || !world.punctual;
        let omitted = found.is_empty() && name == "webwx_data_ticket" && expired;
        if found != expected && !omitted {
            let complaint = format_args!("is `{found}`, not `{expected}`");
            check.found(Fault::Value, FORM, name, complaint);
        }
    }
}

fn media_request(check: &mut Check<'_>, parts: &Parts<'_>, length: u64, first: bool) {
    const KEYS: [&str; 12] = [
        "UploadType", "BaseRequest", "ClientMediaId", "TotalLen", "StartPos", "DataLen",
        "MediaType", "FromUserName", "ToUserName", "FileMd5", "AESKey", "Signature",
    ];
    let text = parts.text("uploadmediarequest");
    let keys = if length > ANNOUNCED { &KEYS[..] } else { &KEYS[..10] };
    let fields = check.object("uploadmediarequest", &text, keys);
    check.number(&fields, "UploadType", &Rule::is("2"));
    check.base_request(&fields, false);
    // A later piece may be sent long after the first.
    let clock = if first { Rule::Millis } else { Rule::Integer };
    if check.world.entry_page.is_file_helper() {
        let id = check.free(&fields, "ClientMediaId").unwrap_or_default();
        if id.len() != 17 || !id.bytes().all(|byte| byte.is_ascii_digit()) {
            let name = "uploadmediarequest.ClientMediaId";
            check.found(Fault::Form, JSON, name, format_args!("is `{id}`, not 17 digits"));
        }
    } else {
        check.number(&fields, "ClientMediaId", &clock);
    }
    check.number(&fields, "TotalLen", &Rule::is(length.to_string()));
    check.number(&fields, "StartPos", &Rule::is("0"));
    check.number(&fields, "DataLen", &Rule::is(length.to_string()));
    check.number(&fields, "MediaType", &Rule::is("4"));
    names(check, &fields);
    if let Some(md5) = check_upload::md5(check, &fields, "FileMd5")
        && length > ANNOUNCED
    {
        let Some(keys) = check.world.uploads.announced.get(&(md5, length)).cloned() else {
            return check
                .wrong("JSON field `uploadmediarequest.FileMd5` is not that of an announced file");
        };
        check.text(&fields, "AESKey", &Rule::is(keys.aes_key));
        check.text(&fields, "Signature", &Rule::is(keys.signature));
    }
}

/// Checks a piece against the earlier ones, and the hash of the complete file.
fn sequence(check: &mut Check<'_>, parts: &Parts<'_>) {
    let (chunk, length) = parts.place();
    let bytes = parts.bytes();
    let fresh;
    let (client_id, id) = (parts.client_id(), parts.id());
    let mut open = check.world.uploads.open.keys();
    if open.any(|open| *open != id && open.split(' ').next() == Some(&client_id)) {
        let complaint = "is that of another file";
        check.found(Fault::Earlier, JSON, "uploadmediarequest.ClientMediaId", complaint);
    }
    let before = match check.world.uploads.open.get(&id) {
        Some(before) => before,
        None => {
            fresh = Partial::new(parts.common(), false);
            &fresh
        }
    };
    for (name, value) in parts.common() {
        // The tickets belong to the session and are checked separately.
        let own = matches!(name.as_str(), "webwx_data_ticket" | "pass_ticket");
        let differs = !before.fields.contains(&(name.clone(), value));
        if !own && differs {
            check.found(Fault::Value, FORM, &name, format_args!("differs from the earlier pieces"));
        }
    }
    if before.is_last(chunk, &bytes) {
        return;
    }
    let number = if parts.is_parallel() { "JSON field `Chunk`" } else { "form field `chunk`" };
    if before.pieces != chunk {
        return check.wrong(format!(
            "{number} is {chunk} (`filename` has other bytes), not {}",
            before.pieces
        ));
    }
    let request = parts.request();
    let name = if parts.is_parallel() { "FileMD5" } else { "FileMd5" };
    let claimed = request[name].as_str().unwrap_or_default();
    if before.received + bytes.len() as u64 == length {
        let md5 = before.md5_with(&bytes);
        // Clients that send no MD5 have been reported already.
        if md5 != claimed && request[name] != Value::Null {
            check.wrong(format!(
                "JSON field `{}.{name}` is `{claimed}`, but the bytes (`filename`) have `{md5}`",
                UPLOADS[usize::from(parts.is_parallel())]
            ));
        }
    }
}

/// Answers a piece of either call.
pub(crate) fn answer(world: &mut World, request: &Decoded) -> Answer {
    let Ok(parts) = &request.form else {
        return Answer::Reply(reply::page(world.now(), 402, "402 Payment Required"));
    };
    let parts = Parts(parts);
    let ((chunk, length), bytes) = (parts.place(), parts.bytes());
    let keeps = length <= world.uploads.keep;
    if !keeps && let Some(logged) = world.log.last_mut() {
        *logged.request.body_mut() = Bytes::new();
    }
    let (now, asked) = (world.now(), parts.request());
    let text = |name: &str| asked[name].as_str().unwrap_or_default().to_owned();
    let (name, media_type, to) = match parts.is_parallel() {
        true => (text("Name"), "doc".to_owned(), "filehelper".to_owned()),
        false => (parts.text("name"), parts.text("mediatype"), text("ToUserName")),
    };
    let media_id = format!("@crypt_{}_{}", world.rng.hex(8), world.rng.hex(160));
    let upload_id = if parts.is_parallel() { world.rng.hex(32) } else { String::new() };
    let alters = world.alters;
    let uploads = &mut world.uploads;
    let open = uploads.open.entry(parts.id()).or_insert_with(|| {
        let mut new = Partial::new(parts.common(), keeps);
        new.upload_id = upload_id;
        new
    });
    open.alters |= alters;
    if open.is_last(chunk, &bytes) {
        open.repeats += 1;
        let done = uploads.done.iter_mut().find(|file| file.media_id == open.media_id);
        if let Some(done) = done {
            done.repeats += 1;
        }
    } else {
        open.take(&bytes, length);
        if open.received == length {
            open.media_id = media_id;
            let (md5, sha256) = open.hashes();
            uploads.done.push(Uploaded {
                media_id: open.media_id.clone(),
                name: name.clone(),
                size: length,
                sha256,
                md5,
                media_type,
                to,
                signature: text("Signature"),
                aes_key: text("AESKey"),
                bytes: open.kept(),
                repeats: open.repeats,
                instant: 0,
            });
            open.forget();
        }
    }
    let mut reply = outcome(0, "", &open.media_id, open.received, &encrypted(&name));
    if parts.is_parallel() {
        reply = reply.with("UploadID", &open.upload_id);
    }
    Answer::Reply(reply::json(now, reply))
}

/// Builds the answer to a piece.
pub(crate) fn outcome(ret: i64, text: &str, media_id: &str, received: u64, name: &str) -> Object {
    Object::answer(ret, text)
        .with("MediaId", media_id)
        .with("StartPos", received)
        .with("CDNThumbImgHeight", 0_i64)
        .with("CDNThumbImgWidth", 0_i64)
        .with("EncryFileName", name)
}

#[cfg(test)]
#[path = "upload_tests.rs"]
mod tests;
