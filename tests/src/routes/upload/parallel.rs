//! `POST /cgi-bin/mmwebwx-bin/webwxuploadmediaparallel` (docs/protocol.md §15.1)

use crate::check::{Check, Rule};
use crate::routes::upload::parts::Parts;
use crate::routes::upload::{
    PIECE, check_upload, content_type, form, piece_length, query, sequence, tickets,
};
use crate::wire::request::UPLOADS;

const KEYS: [&str; 9] = [
    "AESKey", "Signature", "FileMD5", "TotalLen", "Chunks", "Name", "Chunk", "BaseRequest",
    "UploadID",
];

pub(crate) fn check(check: &mut Check<'_>) {
    query(check);
    if !check.world.entry_page.is_file_helper() {
        check.wrong("is sent by the file-transfer page only");
    }
    let request = check.request;
    let parts = match &request.form {
        Ok(parts) => Parts(parts),
        Err(error) => return check.wrong(format!("the form {error}")),
    };
    form(check, &parts, &["pass_ticket", "webwx_data_ticket", UPLOADS[1], "filename"]);
    content_type(check, &parts, "application/octet-stream");
    tickets(check, &parts);
    let (chunk, length) = parts.place();
    piece_length(check, &parts, length, chunk);
    // The first piece has no `UploadID`.
    let keys = if chunk == 0 { &KEYS[..8] } else { &KEYS[..] };
    let fields = check.object(UPLOADS[1], &parts.text(UPLOADS[1]), keys);
    check.base_request(&fields, false);
    let pieces = length.div_ceil(PIECE);
    check.number(&fields, "Chunks", &Rule::is(pieces.to_string()));
    check.number(&fields, "TotalLen", &Rule::Integer);
    if check.number(&fields, "Chunk", &Rule::Integer).is_some_and(|_| chunk >= pieces) {
        check.wrong(format!("JSON field `Chunk` is {chunk}, not below {pieces}"));
    }
    let open = check.world.uploads.open.get(&parts.id());
    let upload_id = open.map(|open| open.upload_id.clone()).unwrap_or_default();
    check.text(&fields, "UploadID", &Rule::is(upload_id));
    let md5 = check_upload::md5(check, &fields, "FileMD5").unwrap_or_default();
    match check.world.uploads.announced.get(&(md5, length)).cloned() {
        None => {
            check.wrong("JSON fields `FileMD5` and `TotalLen` are not those of an announced file");
        }
        Some(keys) => {
            check.text(&fields, "AESKey", &Rule::is(keys.aes_key));
            check.text(&fields, "Signature", &Rule::is(keys.signature));
            check.text(&fields, "Name", &Rule::is(keys.name));
        }
    }
    sequence(check, &parts);
}
