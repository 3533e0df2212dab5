use alloc::borrow::ToOwned as _;
use alloc::string::String;

use proptest::prelude::*;

use super::*;
use crate::entry::Entry;
use crate::media::{FileKeys, MediaType};
use crate::testing::xml::elements;
use crate::testing::{body, http_of, json_of, rendered, session, uploaded};

#[test]
fn request_has_exact_form() {
    let file = uploaded(MediaType::Document, "R&D <1>.CSV");
    let send = SendFile::new("@@9e1c".parse().unwrap(), &file);
    insta::assert_snapshot!(rendered(send, &mut session()), @r#"
    POST https://wx.qq.com/cgi-bin/mmwebwx-bin/webwxsendappmsg?fun=async&f=json&lang=zh_CN&pass_ticket=xYZ2UYgVCw0xSwWT%252FlQGCIMDn9LHCGnnKxo6%252B8ZXXt5Z

    {"BaseRequest":{"Uin":566148615,"Sid":"kByRoJSUlD7S2pif","Skey":"@crypt_cec4ff9f_77fec3e104e41c7d299ac54dc801d51e","DeviceID":"e070477665621255"},"Msg":{"Type":6,"Content":"<appmsg appid='wxeb7ec651dd0aefa9' sdkver=''><title>R&amp;D &lt;1&gt;.CSV</title><des></des><action></action><type>6</type><content></content><url></url><lowurl></lowurl><appattach><totallen>1760</totallen><attachid>@crypt_6084141c_c73c046b</attachid><fileext>csv</fileext></appattach><extinfo></extinfo></appmsg>","FromUserName":"@09ed9af3","ToUserName":"@@9e1c","LocalID":"14766061635800503","ClientMsgId":"14766061635800503"},"Scene":0}
    "#);
}

fn keys() -> FileKeys {
    FileKeys { aes_key: "0c1d2e3f".into(), signature: "d0c5ffa5".into() }
}

/// `docs/protocol.md` §6.6: files above 25 MB.
#[test]
fn large_file_request_has_its_keys() {
    let file = uploaded(MediaType::Document, "big.zip");
    let file = Uploaded { size: 30_000_000, keys: keys(), ..file };
    let sent = body(&http_of(SendFile::new(UserName::file_helper(), &file), &mut session()));
    let (_, msg) = sent.split_once(r#""Msg":"#).unwrap();
    let start = r#"{"AESKey":"0c1d2e3f","Signature":"d0c5ffa5","Type":6,"Content":"<appmsg "#;
    assert!(msg.starts_with(start), "{msg}");
    assert!(msg.contains("<totallen>30000000</totallen>"), "{msg}");
}

/// Threat S1.
#[test]
fn keys_are_redacted_in_debug() {
    let file = uploaded(MediaType::Document, "big.zip");
    let file = Uploaded { keys: keys(), ..file };
    let send = SendFile::new(UserName::file_helper(), &file);
    let shown = alloc::format!("{send:?} {:?} {file:?}", crate::Call::new(&mut send.clone()));
    for secret in ["d0c5ffa5", "0c1d2e3f", "@crypt_6084141c"] {
        assert!(!shown.contains(secret), "{shown}");
    }
}

/// `docs/protocol.md` §3.6, §6.2, §6.3.
#[test]
fn desktop_program_has_its_own_query_and_no_appid() {
    let desktop = Entry::desktop("2.0.0".parse().unwrap(), "Go8+/==".parse().unwrap());
    let mut session = session();
    for (entry, query, start) in [
        (Entry::web(), "fun=async&f=json&lang=", "<appmsg appid='wxeb7ec651dd0aefa9' sdkver=''>"),
        (desktop, "fun=async&f=json&mod=desktop&lang=", "<appmsg appid='' sdkver=''>"),
    ] {
        session.device.entry = entry;
        let file = uploaded(MediaType::Document, "a");
        let request = http_of(SendFile::new(UserName::file_helper(), &file), &mut session);
        assert!(request.uri().query().unwrap().starts_with(query));
        let sent: serde_json::Value = serde_json::from_str(&body(&request)).unwrap();
        assert!(sent["Msg"]["Content"].as_str().unwrap().starts_with(start));
    }
}

#[test]
fn extension_follows_the_last_dot() {
    for (name, found) in [
        ("top10.csv", "csv"),
        ("a.tar.GZ", "gz"),
        ("Makefile", ""),
        ("", ""),
        ("a.", ""),
        (".profile", "profile"),
        ("照片.照片", "照片"),
    ] {
        assert_eq!(extension(name), found, "{name}");
    }
}

/// Returns whether XML 1.0 cannot represent a character.
fn is_invalid_in_xml(c: char) -> bool {
    matches!(c, '\0'..='\x08' | '\x0b' | '\x0c' | '\x0e'..='\x1f' | '\u{fffe}' | '\u{ffff}')
}

/// Threat U3: checks that the message of a file with this name has the expected elements only.
fn assert_name_is_escaped(name: &str) {
    let file = uploaded(MediaType::Document, name);
    let sent = json_of(SendFile::new(UserName::file_helper(), &file), &mut session());
    let valid = |text: &str| text.replace(is_invalid_in_xml, "\u{fffd}");
    let (title, fileext) = (valid(name), valid(&extension(name)));
    let expected = [
        ("appmsg", ""),
        ("appmsg@appid", "wxeb7ec651dd0aefa9"),
        ("appmsg@sdkver", ""),
        ("appmsg/title", &title),
        ("appmsg/des", ""),
        ("appmsg/action", ""),
        ("appmsg/type", "6"),
        ("appmsg/content", ""),
        ("appmsg/url", ""),
        ("appmsg/lowurl", ""),
        ("appmsg/appattach", ""),
        ("appmsg/appattach/totallen", "1760"),
        ("appmsg/appattach/attachid", "@crypt_6084141c_c73c046b"),
        ("appmsg/appattach/fileext", &fileext),
        ("appmsg/extinfo", ""),
    ];
    let found = elements(sent["Msg"]["Content"].as_str().unwrap());
    assert_eq!(found, expected.map(|(path, text)| (path.to_owned(), text.to_owned())));
}

#[test]
fn unusual_names_are_escaped() {
    for name in [
        "报告 (最终).pdf", "R&D <1>.txt", "a\"b'c.txt", "]]>.x",
        "</title><type>2000</type><title>", "<![CDATA[x]]>", "<!-- -->", "&amp;&#0;&x;",
        "a\r\nb\tc.txt", "a\0b\u{1b}[31m.\u{7}txt", "\u{202e}gpj.exe", " ", "",
    ] {
        assert_name_is_escaped(name);
    }
}

proptest! {
    #[test]
    fn any_name_is_escaped(name in any::<String>(), marked in "([<>&'\"/;#\\]]|CDATA|title|\\PC|[\x00-\x20]){0,30}") {
        assert_name_is_escaped(&name);
        assert_name_is_escaped(&marked);
    }
}
