//! `POST /cgi-bin/mmwebwx-bin/webwxcheckupload` (docs/protocol.md §6.6)

use serde_json::Value;

use crate::check::differences::JSON;
use crate::check::{Check, Fields, Rule};
use crate::media::upload::Keys;
use crate::violation::Fault;
use crate::wire::reply::{self, Answer, Object};
use crate::wire::request::{Decoded, encode};
use crate::world::World;

/// The size in bytes above which a file is announced first.
pub(crate) const ANNOUNCED: u64 = 26_214_400;

pub(crate) fn check(check: &mut Check<'_>) {
    check.initialised();
    check.query(&[check.lang(), check.pass_ticket()], &[]);
    let body = check.body(&[
        "FromUserName", "ToUserName", "FileSize", "FileMd5", "FileName", "FileType", "BaseRequest",
    ]);
    names(check, &body);
    if let Some(size) = check.number(&body, "FileSize", &Rule::Integer)
        && size <= ANNOUNCED as i64
    {
        let complaint = format_args!("is {size}: only larger files are announced");
        check.found(Fault::Value, JSON, "FileSize", complaint);
    }
    md5(check, &body, "FileMd5");
    if check.free(&body, "FileName").is_some_and(|name| name.is_empty()) {
        check.found(Fault::Empty, JSON, "FileName", "is empty");
    }
    check.number(&body, "FileType", &Rule::is("7"));
    check.base_request(&body, false);
}

/// Checks the sender and the recipient.
pub(crate) fn names(check: &mut Check<'_>, fields: &Fields) {
    let me = check.world.account.user_name.clone();
    check.text(fields, "FromUserName", &Rule::is(me));
    if let Some(to) = check.free(fields, "ToUserName")
        && !check.world.is_known(&to)
    {
        let path = fields.path("ToUserName");
        check.wrong_as(
            1204,
            format!("JSON field `{path}` is `{to}`, which the service never mentioned"),
        );
    }
}

/// Checks that a field has 32 lower-case hexadecimal digits.
pub(crate) fn md5(check: &mut Check<'_>, fields: &Fields, name: &str) -> Option<String> {
    let md5 = check.free(fields, name)?;
    let digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    if md5.len() != 32 || !md5.bytes().all(digit) {
        let path = fields.path(name);
        check
            .wrong(format!("JSON field `{path}` is `{md5}`, not 32 lower-case hexadecimal digits"));
    }
    Some(md5)
}

pub(crate) fn answer(world: &mut World, request: &Decoded) -> Answer {
    let md5 = request.text("/FileMd5");
    let size = request.json.pointer("/FileSize").and_then(Value::as_u64).unwrap_or_default();
    let World { rng, uploads, now, .. } = world;
    let keys = uploads.announced.entry((md5.clone(), size)).or_insert_with(|| Keys {
        aes_key: rng.hex(32),
        signature: rng.base64(88),
        name: String::new(),
    });
    keys.name = request.text("/FileName");
    let keys = keys.clone();
    let known = uploads.done.iter_mut().find(|file| file.md5 == md5 && file.size == size);
    let media_id = known.map_or(String::new(), |file| {
        file.instant += 1;
        file.media_id.clone()
    });
    let reply = Object::answer(0, "")
        .with("MediaId", media_id)
        .with("AESKey", keys.aes_key)
        .with("Signature", keys.signature)
        .with("EncryFileName", encrypted(&request.text("/FileName")));
    Answer::Reply(reply::json(*now, reply))
}

/// Encodes a file's name as the service returns it.
pub(crate) fn encrypted(name: &str) -> String {
    encode(name).replace('.', "%2E")
}
