use alloc::string::String;

use super::*;
use crate::testing::{NOW, http_of, message, rendered, reply, session, with_cookies};

/// Returns a session with a `webwx_data_ticket` cookie.
fn ready() -> Session {
    let mut session = session();
    let uri = http::Uri::from_static("https://wx.qq.com/");
    let line = "webwx_data_ticket=Wq7z+Lm20/Xe; Domain=.qq.com; Path=/; Max-Age=1000";
    session.device.receive(&uri, &with_cookies(reply(""), &[line]), NOW);
    session
}

fn file() -> GetFile {
    GetFile::new("@@9e1c".parse().unwrap(), "@crypt_b27f0a51_94ce").unwrap()
}

#[test]
fn request_is_built() {
    let mut session = ready();
    let newer = file().named("%E6%8A%A5%E5%91%8A%2Epdf", "报告.pdf").unwrap();
    insta::assert_snapshot!(rendered(newer, &mut session), @"
    GET https://file.wx.qq.com/cgi-bin/mmwebwx-bin/webwxgetmedia?sender=%40%409e1c&mediaid=%40crypt_b27f0a51_94ce&encryfilename=%E6%8A%A5%E5%91%8A%2Epdf&fromuser=566148615&pass_ticket=xYZ2UYgVCw0xSwWT%252FlQGCIMDn9LHCGnnKxo6%252B8ZXXt5Z&webwx_data_ticket=Wq7z%2BLm20%2FXe
    accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/webp,image/apng,*/*;q=0.8
    cookie: webwx_data_ticket=Wq7z+Lm20/Xe
    ");
    // Without an `EncryFileName`, the request has the older form.
    let older = file().named("", "报告 & more.pdf").unwrap();
    let query = String::from(http_of(older, &mut session).uri().query().unwrap());
    let start = "sender=%40%409e1c&mediaid=%40crypt_b27f0a51_94ce&filename=%E6%8A%A5%E5%91%8A%20%26%20more.pdf&fromuser=566148615&";
    assert!(query.starts_with(start), "{query}");
}

/// The cookie is in the headers and the URL; an expired one is in neither.
#[test]
fn url_has_the_data_ticket_until_it_expires() {
    let mut session = ready();
    let later = NOW.after(core::time::Duration::from_secs(1001));
    for (now, ticket) in
        [(NOW, "&webwx_data_ticket=Wq7z%2BLm20%2FXe"), (later, "&webwx_data_ticket=")]
    {
        let http = file().request(&mut session, now);
        assert!(http.uri().query().unwrap().ends_with(ticket));
    }
}

#[test]
fn file_of_a_message_is_found() {
    let fields = r#""MsgId":"1","FromUserName":"@@r","ToUserName":"@me","MsgType":49,"AppMsgType":6,"MediaId":"@m","FileName":"a &amp; b.pdf","EncryFileName":"a%20%26%20b%2Epdf","Content":"@x:<br/>&lt;msg/&gt;""#;
    let found = GetFile::of(&message(fields)).unwrap();
    let expected = GetFile::new("@@r".parse().unwrap(), "@m").unwrap();
    assert_eq!(found, expected.named("a%20%26%20b%2Epdf", "a &amp; b.pdf").unwrap());
    assert_eq!(found.file_name().as_str(), "a & b.pdf");

    let changed = |from: &str, to: &str| message(&fields.replace(from, to));
    for none in [
        changed("\"MsgType\":49", "\"MsgType\":1"),
        changed("\"AppMsgType\":6", "\"AppMsgType\":5"),
        changed("\"@m\"", "\"\""),
        changed("\"@m\"", "null"),
        changed("@m", &"x".repeat(5000)),
        changed("a &amp; b.pdf", &"x".repeat(5000)),
        changed("a%20%26%20b%2Epdf", &"x".repeat(5000)),
    ] {
        assert_eq!(GetFile::of(&none), None);
    }
    // The message was sent by the account itself on the phone, and has no sender.
    let own = changed("\"FromUserName\":\"@@r\"", "\"FromUserName\":\"\"");
    assert_eq!(GetFile::of(&own).unwrap().sender.as_str(), "@me");
}

#[test]
fn file_name_is_safe() {
    let name = |encoded: &str, plain: &str| {
        file().named(encoded, plain).unwrap().file_name().as_str().into()
    };
    let names: [String; 4] =
        [name("x", "../a.pdf"), name("%2e%2e%2fa%2Epdf", ""), name("", ""), name("", "CON")];
    assert_eq!(names, ["_a.pdf", "_a.pdf", "file", "_CON"]);
}

#[test]
fn debug_hides_the_media_id() {
    let shown = alloc::format!("{:?}", file().named("secret-name", "x.pdf").unwrap());
    assert_eq!(shown, "GetFile { sender: \"@@9e1c\", file_name: \"x.pdf\", .. }");
}
