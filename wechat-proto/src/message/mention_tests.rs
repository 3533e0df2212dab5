use alloc::format;
use alloc::string::ToString as _;
use alloc::vec::Vec;

use proptest::prelude::*;

use super::*;
use crate::contact::record::WireContact;
use crate::testing::message;
use crate::text::encode;
use crate::wire::lenient::Lenient as _;

/// Builds a directory with a room in which this account has the display name `there`.
fn directory(there: &str) -> Directory {
    let mut directory = Directory::default();
    let members = serde_json::json!([
        { "UserName": "@me", "NickName": "Mia", "DisplayName": encode(there) },
        { "UserName": "@b", "NickName": "阿梅", "DisplayName": "梅 🌸" },
        { "UserName": "@c", "NickName": "大山" },
        { "UserName": "@d" },
    ]);
    for record in [
        serde_json::json!({ "UserName": "@@r", "NickName": "room", "MemberList": members }),
        serde_json::json!({ "UserName": "@me", "NickName": "Mia", "RemarkName": "myself" }),
        serde_json::json!({ "UserName": "@d", "NickName": "Nadia", "RemarkName": "N." }),
        serde_json::json!({ "UserName": "@b", "NickName": "阿梅", "RemarkName": "colleague" }),
    ] {
        directory.merge(WireContact::read(&record.to_string()).take().unwrap());
    }
    directory
}

fn me() -> Me {
    Me::of(WireContact::read(r#"{"UserName":"@me","NickName":"Mia"}"#).take().unwrap(), 1)
}

fn said(from: &str, msg_type: i64, content: &str) -> Message {
    let content = serde_json::Value::from(content);
    message(&format!(r#""FromUserName":"{from}","MsgType":{msg_type},"Content":{content}"#))
}

fn in_room(text: &str) -> Message {
    said("@@r", 1, &format!("@b:<br/>{}", encode(text)))
}

#[test]
fn display_name_is_mentioned() {
    for (text, called) in [
        ("@Mia 🌸\u{2005}hi", true),
        ("@Mia 🌸 hi", true),
        ("hi @Mia 🌸", true),
        ("hi@Mia 🌸\nyou", true),
        ("@Mia 🌸\u{3000}hi", true),
        ("@大山\u{2005}@Mia 🌸\u{2005}hi", true),
        ("@@Mia 🌸 ", true),
        ("@Mia 🌸🌸 hi", false),
        ("@Mia 🌸, hi", false),
        ("Mia 🌸 hi", false),
        ("@mia 🌸 hi", false),
        // A display name replaces the nickname; a remark never counts.
        ("@Mia\u{2005}hi", false),
        ("@myself\u{2005}hi", false),
        ("", false),
    ] {
        assert_eq!(in_room(text).mentions(&directory("Mia 🌸"), &me()), called, "{text:?}");
    }
}

#[test]
fn nickname_is_mentioned_without_display_name() {
    for directory in [directory(""), Directory::default()] {
        assert!(in_room("@Mia\u{2005}hi").mentions(&directory, &me()));
        assert!(!in_room("@myself\u{2005}hi").mentions(&directory, &me()));
    }
    let nameless = Me { nick_name: "".into(), ..me() };
    assert!(!in_room("@ hi @\u{2005}").mentions(&Directory::default(), &nameless));
}

#[test]
fn own_and_private_messages_are_not_mentions() {
    let directory = directory("");
    assert!(!said("@b", 1, "@Mia hi").mentions(&directory, &me()));
    let own =
        message(r#""FromUserName":"@me","ToUserName":"@@r","MsgType":1,"Content":"@Mia @All""#);
    assert!(!own.mentions(&directory, &me()) && !own.mentions_everybody());
    assert!(!said("@@r", 10_000, "@Mia hi").mentions(&directory, &me()));
}

#[test]
fn mention_of_everybody_is_separate() {
    for (text, all) in [
        ("@所有人\u{2005}hi", true),
        ("@所有人 hi", true),
        ("hi @All", true),
        ("@Allan hi", false),
        ("@所有人员 hi", false),
        ("@Mia\u{2005}hi", false),
    ] {
        let message = in_room(text);
        assert_eq!(message.mentions_everybody(), all, "{text:?}");
        assert_eq!(message.mentions(&directory(""), &me()), text.starts_with("@Mia"));
    }
}

/// openwechat#288.
#[test]
fn quoted_mentions_are_ignored() {
    let line = "- - - - - - - - - - - - - - -";
    for (text, called, rest) in [
        (format!("「阿梅：@Mia\u{2005}hi」\n{line}\nyes"), false, "yes"),
        (format!("「阿梅：hi」\n{line}\n@Mia yes"), true, "@Mia yes"),
        (format!("「阿梅：「大山：@Mia x」\n{line}\n@Mia y」\n{line}\nz"), false, "z"),
        (format!("「阿梅：@Mia\n- - -」\n{line}\n"), false, ""),
        (format!("「阿梅：x」\n{line}"), false, ""),
    ] {
        assert_eq!(without_quotation(&text), rest);
        assert_eq!(in_room(&text).mentions(&directory(""), &me()), called, "{text}");
    }
    for whole in [
        "「@Mia 」",
        "「@Mia 」\nx",
        "x「阿梅：@Mia 」\n- - -\nyes",
        "「@Mia 」\n- x\n",
        "「@Mia 」\n\n- - -",
    ] {
        assert_eq!(without_quotation(whole), whole);
        assert!(in_room(whole).mentions(&directory(""), &me()));
    }

    let app = |kind: &str, title: &str, quoted: &str| {
        let xml = format!(
            "<msg><appmsg><title>{title}</title><type>{kind}</type><refermsg><title>{quoted}</title><content>{quoted}</content></refermsg></appmsg></msg>"
        );
        said(
            "@@r",
            49,
            &format!(
                "@b:<br/>{}",
                xml.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
            ),
        )
    };
    assert!(app("57", "@Mia yes", "x").mentions(&directory(""), &me()));
    assert!(app("57", "@A &amp; B\u{2005}yes", "x").mentions(&directory("A & B"), &me()));
    assert!(app("57", "@All yes", "x").mentions_everybody());
    assert!(!app("57", "yes", "@Mia hi").mentions(&directory(""), &me()));
    assert!(!app("5", "@Mia article", "x").mentions(&directory(""), &me()));
    assert!(!said("@@r", 49, "该类型暂不支持 @Mia ").mentions(&directory(""), &me()));
}

#[test]
fn author_name_is_found() {
    let directory = directory("");
    for (speaker, name) in
        [("@b", Some("梅 🌸")), ("@c", Some("大山")), ("@d", Some("Nadia")), ("@e", None)]
    {
        let message = said("@@r", 1, &format!("{speaker}:<br/>hi"));
        assert_eq!(name_of_author(&directory, &message), name);
    }
    assert_eq!(name_of_author(&directory, &said("@b", 1, "hi")), None);
    assert_eq!(name_of_author(&directory, &said("@@r", 1, "hi")), None);
}

/// Threat R2.
#[test]
fn long_texts_take_linear_time() {
    for part in ["@a", "」\n", "「", "」\n- - -\n", "@所有人员"] {
        let text = format!("「{}", part.repeat(100_000));
        let name = "a@".repeat(10_000) + "b";
        is_called(&text, &name);
        without_quotation(&text);
    }
}

/// The reference model: at each `@`, the name, then a blank or the end.
fn naive(text: &str, name: &str) -> bool {
    let characters: Vec<char> = text.chars().collect();
    let name: Vec<char> = name.chars().collect();
    (0..characters.len()).any(|at| {
        let behind = &characters[at + 1..];
        characters[at] == '@'
            && behind.starts_with(&name)
            && behind.get(name.len()).is_none_or(|end| ENDS.contains(end))
    })
}

proptest! {
    #[test]
    fn agrees_with_the_reference_model(text in "[@ab \u{2005}\n]{0,30}", name in "[@ab ]{1,4}") {
        prop_assert_eq!(is_called(&text, &name), naive(&text, &name));
    }

    /// A built mention is found for any name and text.
    #[test]
    fn built_mention_is_found(name in "[^\x00-\x1f\x7f]{1,20}", rest in "\\PC{0,20}", before in "\\PC{0,20}") {
        prop_assert!(is_called(&text(&name, &rest), &name));
        let sent = before + &text(&name, &rest);
        prop_assume!(!sent.starts_with('「') && !encode(&sent).is_empty());
        let encoded = encode(&sent);
        prop_assume!(*crate::text::decode(encoded.as_str().into()) == *sent);
        let mia = directory(&name);
        prop_assume!(mia.find(&"@@r".parse().unwrap()).unwrap().members[0].display_name == name.as_str().into());
        prop_assert!(in_room(&sent).mentions(&mia, &me()));
    }

    #[test]
    fn stripped_text_is_a_suffix(text in "(「|」|：|\n|- - -|\\PC){0,30}") {
        prop_assert!(text.ends_with(without_quotation(&text)));
    }
}
