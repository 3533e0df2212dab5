//! Tests that typed text is decoded exactly once wherever it occurs: `docs/protocol.md` §9.3.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use proptest::prelude::*;

use super::{AppContent, Kind};
use crate::testing::said;
use crate::text::encode;

/// Encodes the content of a message as the service does.
fn wire(content: &str) -> String {
    encode(content).replace('\n', "<br/>")
}

/// Returns the texts of messages that contain one text, as typed in a chat, a reply, a quotation, a
/// history and a room that reports a revocation.
fn read(text: &str) -> Vec<(&'static str, String)> {
    let mut found = Vec::new();
    let mut add = |place, text: &str| found.push((place, String::from(text)));
    match said(1, "", &wire(text)).kind {
        Kind::Text(text) => add("text", &text),
        other => panic!("{other:?}"),
    }
    let escape = |text: &str| String::from(html_escape::encode_safe(text));
    let cdata = |text: &str| format!("<![CDATA[{}]]>", text.replace("]]>", "]]]]><![CDATA[>"));
    for typed in [escape(text), cdata(text)] {
        let title = format!("<msg><appmsg><title>{typed}</title></appmsg></msg>");
        let record = format!(
            "<recordinfo><datalist><dataitem datatype=\"1\"><sourcename>{typed}</sourcename><datadesc>{typed}</datadesc></dataitem></datalist></recordinfo>"
        );
        for (kind, inner) in [
            (
                57,
                format!(
                    "<refermsg><type>1</type><displayname>{typed}</displayname><content>{typed}</content></refermsg>"
                ),
            ),
            (
                57,
                format!(
                    "<refermsg><type>49</type><content>{}</content></refermsg>",
                    escape(&title)
                ),
            ),
            (
                57,
                format!("<refermsg><type>49</type><content>{}</content></refermsg>", cdata(&title)),
            ),
            (19, format!("<recorditem>{}</recorditem>", escape(&record))),
            (19, format!("<recorditem>{}</recorditem>", cdata(&record))),
        ] {
            let content = format!(
                "<msg><appmsg><title>{typed}</title><type>{kind}</type>{inner}</appmsg></msg>"
            );
            let Kind::App(app) = said(49, "", &wire(&content)).kind else { panic!("{content}") };
            match app.content {
                AppContent::Quote(quote) => {
                    add("title", &app.title);
                    add("quote", &quote.text);
                    if !quote.name.is_empty() {
                        add("author", &quote.name);
                    }
                }
                AppContent::History(history) => {
                    add("item", &history.items[0].text);
                    add("author of item", &history.items[0].name);
                }
                other => panic!("{other:?}"),
            }
        }
        let content = format!(
            "<sysmsg type=\"revokemsg\"><revokemsg><msgid>1</msgid><replacemsg>\"{typed}\" 撤回</replacemsg></revokemsg></sysmsg>"
        );
        let Kind::Revoked(revoked) = said(10_002, "", &wire(&content)).kind else { panic!() };
        let name = revoked.text.strip_prefix('"').and_then(|text| text.strip_suffix("\" 撤回"));
        add("revoked", name.unwrap_or(&revoked.text));
    }
    found
}

#[test]
fn typed_markup_is_kept() {
    for text in [
        "use <br/> and &lt;b&gt;",
        "&amp;amp; ]]>",
        "<span class=\"emoji emoji1f604\"></span>",
        " a\nb ",
    ] {
        let found = read(text);
        assert_eq!(found.len(), 25);
        for (place, read) in found {
            assert_eq!(read, text, "{place}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn typed_text_is_decoded_once(text in "(<br/>|&(amp;){0,2}(lt|gt|quot|#39|nbsp);|<span class=\"emoji emoji1f604\"></span>|\\]\\]>|<!\\[CDATA\\[|</title>|[<>&;\"'\n ]|[😂®🤔]|\\PC){1,12}") {
        prop_assume!(!text.trim().is_empty());
        for (place, read) in read(&text) {
            prop_assert_eq!(&read, &text, "{}", place);
        }
    }
}
