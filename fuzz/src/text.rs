//! Notices, and texts with entities and emoji.

use wechat_proto::fuzz::{readable, undo_double_encoding};

use super::checks::parsed;
use super::make::Make;
use super::{NOW, account, reply};
use wechat_proto::Endpoint as _;
use wechat_proto::UserName;
use wechat_proto::error::Error;
use wechat_proto::login::Announce;
use wechat_proto::message::SendText;
use wechat_proto::text::{Text, decode, encode};

/// Checks decoding of text: it follows HTML if there are no emoji, works line by line, and is the
/// inverse of encoding.
pub(crate) fn text(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let read = decode(Text::from(&*text));
    assert!(read.len() <= 2 * text.len());
    if !text.contains(['<', '&']) {
        assert_eq!(&*read, &*text);
    }
    let plain = html_escape::decode_html_entities(&*text);
    // `html_escape` decodes numbers with any number of digits; `decode` limits them.
    if !text.contains("<br/>") && !text.contains("<span") && !text.contains("#0") {
        assert_eq!(&*read, &*plain);
    }
    // No markup spans several lines.
    let lines: Vec<_> = text.split('\n').map(|line| decode(line.into())).collect();
    assert_eq!(lines.join("\n"), &*read);
    if let Some(undone) = undo_double_encoding(&text) {
        assert!(undone.len() < text.len() && !text.is_ascii());
    }
    assert_eq!(&*decode(encode(&text).into()), &*text);
    if let Ok(name) = text.parse::<UserName>() {
        assert_eq!(name.as_str(), &*text);
        let request = SendText::new(name, &*text).request(account().session_mut(), NOW);
        assert!(request.body().len() > text.len());
    }
}

/// Checks that the text of a refusal is bounded, and its code is kept.
pub(crate) fn notice(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    assert!(readable(&text).chars().count() <= 500);
    let body = serde_json::json!({ "BaseResponse": { "Ret": 7, "ErrMsg": text } }).to_string();
    parsed(body.as_bytes(), Make::of(|_, _| Some(Announce::new())));
    match Announce::new().parse(&reply(body.as_bytes())) {
        Err(Error::Refused { ret, message, .. }) => {
            assert_eq!((ret.0, &*message), (7, &*readable(&text)));
        }
        other => panic!("{other:?}"),
    }
    parsed(bytes, Make::of(|_, _| Some(Announce::new())));
}
