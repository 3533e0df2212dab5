use alloc::format;
use alloc::string::ToString as _;

use proptest::prelude::*;

use super::*;
use crate::contact::wire::WireContact;
use crate::testing::{contact, message, said_by};
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
        directory.merge(contact(&record.to_string()));
    }
    directory
}

fn me() -> Me {
    Me::of(WireContact::read(r#"{"UserName":"@me","NickName":"Mia"}"#).take().unwrap())
}

fn in_room(text: &str) -> Message {
    said_by("@@r", 1, &format!("@b:<br/>{}", encode(text)))
}

#[test]
fn display_name_is_mentioned() {
    for (text, called, rest) in [
        ("@Mia 🌸\u{2005}hi", true, "hi"),
        ("@Mia 🌸 hi", true, "hi"),
        ("hi @Mia 🌸", true, "hi"),
        ("hi@Mia 🌸\nyou", true, "hiyou"),
        ("@Mia 🌸\u{3000}hi", true, "hi"),
        ("@大山\u{2005}@Mia 🌸\u{2005}hi", true, "@大山\u{2005}hi"),
        ("@@Mia 🌸 ", true, "@"),
        ("@Mia 🌸 @Mia 🌸\u{2005} hi @Mia 🌸", true, "hi"),
        ("@Mia 🌸", true, ""),
        // Case, full-width forms, blanks and invisible characters do not matter.
        ("＠mia\u{3000}🌸\u{fe0f}\u{2005}Hi  Á", true, "Hi  Á"),
        ("a @ＭＩＡ 🌸\u{200b} b", true, "a b"),
        ("@Mi\u{200d}a  🌸 b", true, "b"),
        ("@Mia 🌸🌸 hi", false, "@Mia 🌸🌸 hi"),
        ("@Mia 🌸, hi", false, "@Mia 🌸, hi"),
        ("Mia 🌸 hi", false, "Mia 🌸 hi"),
        ("@ Mia 🌸 hi", false, "@ Mia 🌸 hi"),
        ("@Mia\u{301} 🌸 hi", false, "@Mia\u{301} 🌸 hi"),
        // A display name replaces the nickname; a remark is never used.
        ("@Mia\u{2005}hi", false, "@Mia\u{2005}hi"),
        ("@myself\u{2005}hi", false, "@myself\u{2005}hi"),
        (" ", false, ""),
    ] {
        let (message, directory) = (in_room(text), directory("Mia 🌸"));
        assert_eq!(message.mentions(&directory, &me()), Some(called), "{text:?}");
        assert_eq!(message.text_without_mention(&directory, &me()).as_deref(), Some(rest));
    }
}

#[test]
fn nickname_is_mentioned_without_display_name() {
    let known = directory("");
    assert_eq!(in_room("@Mia\u{2005}hi").mentions(&known, &me()), Some(true));
    assert_eq!(in_room("@myself\u{2005}hi").mentions(&known, &me()), Some(false));
    let renamed = Me { nick_name: "Mi".into(), ..me() };
    assert_eq!(in_room("@Mi\u{2005}hi").mentions(&known, &renamed), Some(true));
    let nameless = Me { nick_name: "".into(), ..me() };
    assert_eq!(in_room("@Mia\u{2005}hi").mentions(&known, &nameless), Some(true));
}

/// The members of the room are unknown, have no names, or do not include this account.
#[test]
fn mention_is_unknown_without_own_member() {
    for members in [r#""#, r#"{"UserName":"@me"}"#, r#"{"UserName":"@b","NickName":"阿梅"}"#] {
        let mut directory = Directory::default();
        let room = format!(r#"{{"UserName":"@@r","MemberList":[{members}]}}"#);
        directory.merge(contact(&room));
        for directory in [directory, Directory::default()] {
            for text in ["@Mia\u{2005}hi", "＠somebody hi"] {
                let message = in_room(text);
                assert_eq!(message.mentions(&directory, &me()), None, "{members}");
                assert_eq!(message.text_without_mention(&directory, &me()).as_deref(), Some(text));
            }
            assert_eq!(in_room("hi").mentions(&directory, &me()), Some(false));
        }
    }
}

#[test]
fn own_and_private_messages_are_not_mentions() {
    let directory = directory("");
    assert_eq!(said_by("@b", 1, "@Mia hi").mentions(&directory, &me()), Some(false));
    let own =
        message(r#""FromUserName":"@me","ToUserName":"@@r","MsgType":1,"Content":"@Mia @All""#);
    assert_eq!(own.mentions(&directory, &me()), Some(false));
    assert!(!own.mentions_everybody());
    let texts = [&own, &said_by("@b", 1, "@Mia hi"), &said_by("@@r", 10_000, "@Mia hi")]
        .map(|message| message.text_without_mention(&directory, &me()));
    assert_eq!(texts, [Some("@Mia @All".into()), Some("@Mia hi".into()), None]);
    assert_eq!(said_by("@@r", 10_000, "@Mia hi").mentions(&directory, &me()), Some(false));
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
        assert_eq!(message.mentions(&directory(""), &me()), Some(text.starts_with("@Mia")));
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
        assert_eq!(in_room(&text).mentions(&directory(""), &me()), Some(called), "{text}");
    }
    for whole in [
        "「@Mia 」", "「@Mia 」\nx", "x「阿梅：@Mia 」\n- - -\nyes", "「@Mia 」\n- x\n",
        "「@Mia 」\n\n- - -",
    ] {
        assert_eq!(without_quotation(whole), whole);
        assert_eq!(in_room(whole).mentions(&directory(""), &me()), Some(true));
    }

    let app = |kind: &str, title: &str, quoted: &str| {
        let xml = format!(
            "<msg><appmsg><title>{title}</title><type>{kind}</type><refermsg><title>{quoted}</title><content>{quoted}</content></refermsg></appmsg></msg>"
        );
        let wire = xml.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        said_by("@@r", 49, &format!("@b:<br/>{wire}"))
    };
    for (there, message, called) in [
        ("", app("57", "@Mia yes", "x"), true),
        ("A & B", app("57", "@A &amp; B\u{2005}yes", "x"), true),
        ("", app("57", "yes", "@Mia hi"), false),
        ("", app("5", "@Mia article", "x"), false),
        ("", said_by("@@r", 49, "该类型暂不支持 @Mia "), false),
    ] {
        assert_eq!(message.mentions(&directory(there), &me()), Some(called), "{message:?}");
    }
    assert!(app("57", "@All yes", "x").mentions_everybody());
    let reply = app("57", "@Mia yes", "@Mia x").text_without_mention(&directory(""), &me());
    assert_eq!(reply.as_deref(), Some("yes"));
}

#[test]
fn author_name_is_found() {
    let directory = directory("");
    for (speaker, name) in
        [("@b", Some("梅 🌸")), ("@c", Some("大山")), ("@d", Some("Nadia")), ("@e", None)]
    {
        let message = said_by("@@r", 1, &format!("{speaker}:<br/>hi"));
        assert_eq!(name_of_author(&directory, &message), name);
    }
    assert_eq!(name_of_author(&directory, &said_by("@b", 1, "hi")), None);
    assert_eq!(name_of_author(&directory, &said_by("@@r", 1, "hi")), None);
}

/// Threat R2.
#[test]
fn long_texts_take_linear_time() {
    for part in ["@a", "」\n", "「", "」\n- - -\n", "@所有人员"] {
        let text = format!("「{}", part.repeat(100_000));
        let name = "a@".repeat(10_000) + "b";
        places(&text, &name);
        without_quotation(&text);
    }
}

proptest! {
    /// The reference model: the folded text contains the folded mention and a blank.
    #[test]
    fn mentions_agree_with_the_reference_model(text in "[@＠abＡ \u{2005}\n\u{fe0f}\u{301}]{0,30}", name in "[abＡ@\u{301}\u{fe0f}]{1,2}( ?[ab])?") {
        let is_mention = fold_part(&text) + " ";
        let mention = fold_part(&format!("@{name}")) + " ";
        let found = places(&text, &name);
        prop_assert_eq!(!found.is_empty(), mention != "@ " && is_mention.contains(&mention), "{:?}", found);
        for place in found {
            prop_assert_eq!(fold_part(&text[place]) + " ", &*mention);
        }
    }

    /// A built mention is found for any name and text, and removed.
    #[test]
    fn built_mention_is_found(name in "[^\x00-\x1f\x7f]{1,20}", rest in "\\PC{0,20}", before in "\\PC{0,20}") {
        prop_assume!(!fold_part(&name).is_empty());
        let first = places(&text(&name, &rest), &name).first().cloned();
        prop_assert_eq!(first.map(|place| place.start), Some(0));
        let sent = before + &text(&name, &rest);
        prop_assume!(!sent.starts_with('「') && !encode(&sent).is_empty());
        let encoded = encode(&sent);
        prop_assume!(*crate::text::decode(encoded.as_str().into()) == *sent);
        let mia = directory(&name);
        prop_assume!(mia.find(&"@@r".parse().unwrap()).unwrap().members[0].display_name == name.as_str().into());
        prop_assert_eq!(in_room(&sent).mentions(&mia, &me()), Some(true));
    }

    #[test]
    fn stripped_text_is_a_suffix(text in "(「|」|：|\n|- - -|\\PC){0,30}") {
        prop_assert!(text.ends_with(without_quotation(&text)));
    }
}
