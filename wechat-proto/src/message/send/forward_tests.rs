use alloc::format;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::endpoint::Endpoint as _;
use crate::testing::xml::elements;
use crate::testing::{NOW, body, http_of, json_of, message, rendered, session};

/// Builds a message from `sender` with these fields.
fn from(sender: &str, fields: Value) -> Message {
    let mut all = json!({ "MsgId": "9", "FromUserName": sender, "ToUserName": "@09ed9af3" });
    all.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    let all = all.to_string();
    message(all.strip_prefix('{').unwrap().strip_suffix('}').unwrap())
}

fn forwarded(message: &Message) -> Result<ForwardMessage, NotForwardable> {
    ForwardMessage::new(message, UserName::file_helper())
}

/// Checks the endpoint, the type and the content of the sent request.
fn is_sent(message: &Message, endpoint: &str, kind: i64, content: &str) {
    let (path, msg) = sent(message);
    let found = (path.as_str(), msg["Type"].as_i64(), msg["Content"].as_str());
    assert_eq!(found, (endpoint, Some(kind), Some(content)));
}

/// Returns the path and the `Msg` of the sent request, and checks that it is a forward.
fn sent(message: &Message) -> (String, Value) {
    let request = http_of(forwarded(message).unwrap(), &mut session());
    let body: Value = serde_json::from_str(&body(&request)).unwrap();
    assert_eq!(body["Scene"], 2);
    let path = request.uri().path().rsplit('/').next().unwrap().to_string();
    (path, body["Msg"].clone())
}

const IMAGE: &str = "&lt;?xml version=\"1.0\"?&gt;<br/>&lt;msg&gt;<br/>\t&lt;img aeskey=\"a&amp;amp;b\" length=\"6503\" hdlength=\"0\" /&gt;<br/>&lt;/msg&gt;<br/>";
const IMAGE_XML: &str = "<?xml version=\"1.0\"?>\n<msg>\n\t<img aeskey=\"a&amp;b\" length=\"6503\" hdlength=\"0\" />\n</msg>\n";

#[test]
fn request_has_exact_form() {
    let picture = from("@13fb", json!({ "MsgType": 3, "Content": IMAGE }));
    let send = ForwardMessage::new(&picture, "@@9e1c".parse().unwrap()).unwrap();
    insta::assert_snapshot!(rendered(send, &mut session()), @r#"
    POST https://wx.qq.com/cgi-bin/mmwebwx-bin/webwxsendmsgimg?fun=async&f=json&lang=zh_CN&pass_ticket=xYZ2UYgVCw0xSwWT%252FlQGCIMDn9LHCGnnKxo6%252B8ZXXt5Z

    {"BaseRequest":{"Uin":566148615,"Sid":"kByRoJSUlD7S2pif","Skey":"@crypt_cec4ff9f_77fec3e104e41c7d299ac54dc801d51e","DeviceID":"e070477665621255"},"Msg":{"Type":3,"MediaId":"","Content":"<?xml version=\"1.0\"?>\n<msg>\n\t<img aeskey=\"a&amp;b\" length=\"6503\" hdlength=\"0\" />\n</msg>\n","FromUserName":"@09ed9af3","ToUserName":"@@9e1c","LocalID":"14766061635800503","ClientMsgId":"14766061635800503"},"Scene":2}
    "#);
}

#[test]
fn texts_are_forwarded() {
    for (sender, content, text) in [
        (
            "@13fb",
            "a<br/>b &lt;c&gt; &amp;amp; <span class=\"emoji emoji1f604\"></span>",
            "a\nb <c> &amp; 😄",
        ),
        ("@@7cd3", "@13fb:<br/>hi", "hi"),
        ("@@7cd3", "wxid_a-1:<br/>@b:<br/>hi", "@b:\nhi"),
        // Outside of rooms, there is no prefix.
        ("@13fb", "@40dc:<br/>hi", "@40dc:\nhi"),
    ] {
        let message = from(sender, json!({ "MsgType": 1, "Content": content }));
        is_sent(&message, "webwxsendmsg", 1, text);
        assert_eq!(sent(&message).1["ToUserName"], "filehelper");
    }
}

/// A text that the account itself (`@me` in tests) wrote in a room may look like a prefix.
#[test]
fn own_texts_are_forwarded() {
    let texts = [("todo:<br/>milk", "todo:\nmilk"), ("@me:<br/>milk", "milk")];
    for (sender, (content, text)) in
        ["@me", ""].into_iter().flat_map(|me| texts.map(|text| (me, text)))
    {
        let own = from(sender, json!({ "ToUserName": "@@7cd3", "MsgType": 1, "Content": content }));
        assert_eq!(sent(&own).1["Content"], text);
    }
}

#[test]
fn pictures_and_videos_are_forwarded() {
    for (kind, endpoint) in
        [(3, "webwxsendmsgimg"), (43, "webwxsendvideomsg"), (62, "webwxsendvideomsg")]
    {
        for (sender, prefix) in [("@13fb", ""), ("@@7cd3", "@13fb:<br/>")] {
            let content = format!("{prefix}{IMAGE}");
            let message = from(sender, json!({ "MsgType": kind, "Content": content }));
            is_sent(&message, endpoint, kind, IMAGE_XML);
            assert_eq!(sent(&message).1["MediaId"], "");
        }
    }
    // Newer versions send no XML.
    let blob = from("@13fb", json!({ "MsgType": 3, "Content": "@4d268bd0" }));
    assert_eq!(sent(&blob).1["Content"], "@4d268bd0");
}

#[test]
fn emoticons_are_forwarded() {
    let md5 = "a0c4153e43c3fd2e9a2fbb9be2f4de07";
    for content in [
        format!(
            "&lt;msg&gt;<br/>&lt;emoji fromusername = \"\" md5=\"{md5}\" len = \"86235\"&gt;&lt;/emoji&gt; &lt;gameext type=\"0\"&gt;&lt;/gameext&gt;<br/>&lt;/msg&gt;"
        ),
        format!(
            "&lt;msg&gt;&lt;emoji<br/>idbuffer=\"media:0_0\"md5=\"{md5}\"<br/>androidmd5=\"x\" /&gt;&lt;/msg&gt;"
        ),
    ] {
        let (path, msg) = sent(&from("@13fb", json!({ "MsgType": 47, "Content": content })));
        assert_eq!(path, "webwxsendemoticon");
        assert_eq!(
            (&msg["Type"], &msg["EmojiFlag"], &msg["EMoticonMd5"]),
            (&json!(47), &json!(2), &json!(md5))
        );
        assert!(msg.get("MediaId").is_none());
        let shop = json!({ "MsgType": 47, "Content": content, "HasProductId": 1 });
        assert_eq!(forwarded(&from("@13fb", shop)).unwrap_err(), NotForwardable::Sticker);
    }
    for content in ["", "x", "&lt;emoji md5=\"short\"/&gt;", "&lt;emoji/&gt;"] {
        let message = from("@13fb", json!({ "MsgType": 47, "Content": content }));
        assert_eq!(forwarded(&message).unwrap_err(), NotForwardable::Incomplete, "{content}");
    }
}

/// `docs/protocol.md` §9.10: as a text with a `SubMsgType`, or, rarely, with a `MsgType` of its own.
#[test]
fn locations_are_forwarded() {
    let xml = "<?xml version=\"1.0\"?>\n<msg>\n\t<location x=\"22.5\" y=\"113.9\" label=\"a &amp; b\" />\n</msg>\n";
    for kind in [json!({ "MsgType": 1, "SubMsgType": 48 }), json!({ "MsgType": 48 })] {
        let mut fields = kind.clone();
        fields["Content"] = "湖边:<br/>/cgi-bin/mmwebwx-bin/webwxgetpubliclinkimg?url=xxx".into();
        let incomplete = forwarded(&from("@13fb", fields.clone())).unwrap_err();
        assert_eq!(incomplete, NotForwardable::Incomplete);
        fields["OriContent"] = xml.into();
        is_sent(&from("@13fb", fields), "webwxsendmsg", 48, xml);
    }
}

/// Returns a file as received in a room.
fn file() -> Value {
    let xml = "@13fb:<br/>&lt;msg&gt;<br/>&lt;appmsg appid=\"wx1\" sdkver=\"0\"&gt;<br/>&lt;title&gt;a &amp;amp; b.PDF&lt;/title&gt;<br/>&lt;type&gt;6&lt;/type&gt;<br/>&lt;appattach&gt;<br/>&lt;totallen&gt;1760&lt;/totallen&gt;<br/>&lt;attachid&gt;@cdn_old&lt;/attachid&gt;<br/>&lt;fileext&gt;PDF&lt;/fileext&gt;<br/>&lt;/appattach&gt;<br/>&lt;/appmsg&gt;<br/>&lt;/msg&gt;";
    json!({
        "MsgType": 49, "AppMsgType": 6, "Content": xml, "FileName": "a &amp; b.PDF",
        "FileSize": "1760", "MediaId": "@crypt_new",
    })
}

#[test]
fn files_are_forwarded() {
    let whole = "<appmsg appid='wxeb7ec651dd0aefa9' sdkver=''><title>a &amp; b.PDF</title><des></des><action></action><type>6</type><content></content><url></url><lowurl></lowurl><appattach><totallen>1760</totallen><attachid>@crypt_new</attachid><fileext>pdf</fileext></appattach><extinfo></extinfo></appmsg>";
    let message = from("@@7cd3", file());
    is_sent(&message, "webwxsendappmsg", 6, whole);
    assert!(sent(&message).1.get("Signature").is_none());
    // Fields missing in the record are taken from the XML, and vice versa.
    for (field, value) in [
        ("FileName", json!("")),
        ("FileSize", json!("")),
        ("FileSize", json!("0")),
        ("Content", json!("")),
        ("FileSize", json!(1760)),
        ("Content", json!("&lt;appmsg/&gt;")),
    ] {
        let mut fields = file();
        fields[field] = value;
        assert_eq!(sent(&from("@@7cd3", fields)).1["Content"], whole, "{field}");
    }
    for broken in [
        json!({ "MediaId": "" }),
        json!({ "Content": "x", "FileSize": "" }),
        json!({ "Content": "", "FileSize": "0" }),
    ] {
        let mut fields = file();
        fields.as_object_mut().unwrap().extend(broken.as_object().unwrap().clone());
        assert_eq!(forwarded(&from("@@7cd3", fields)).unwrap_err(), NotForwardable::Incomplete);
    }
}

#[test]
fn app_messages_are_forwarded() {
    let link = "&lt;msg&gt;<br/>&lt;appmsg appid=\"\"&gt;<br/>&lt;title&gt;a &amp;amp; b&lt;/title&gt;<br/>&lt;url&gt;http://x/?a=1&amp;amp;b=2&lt;/url&gt;<br/>&lt;/appmsg&gt;<br/>&lt;/msg&gt;";
    let xml = "<msg>\n<appmsg appid=\"\">\n<title>a &amp; b</title>\n<url>http://x/?a=1&amp;b=2</url>\n</appmsg>\n</msg>";
    for kind in [1, 3, 5, 33, 36, 57] {
        let fields = json!({ "MsgType": 49, "AppMsgType": kind, "Content": link });
        is_sent(&from("@13fb", fields), "webwxsendappmsg", kind, xml);
    }
    // `OriContent` takes precedence.
    let original = "<msg><appmsg appid=\"\"><title>x</title></appmsg></msg>";
    let fields = json!({ "MsgType": 49, "AppMsgType": 5, "Content": link, "OriContent": original });
    assert_eq!(sent(&from("@13fb", fields)).1["Content"], original);
    // A human-readable text instead of XML.
    let words =
        json!({ "MsgType": 49, "AppMsgType": 5, "Content": "该类型暂不支持，请在手机上查看" });
    assert_eq!(forwarded(&from("@13fb", words)).unwrap_err(), NotForwardable::Incomplete);
}

/// XML is unescaped as often as it was escaped: not at all, once or twice. Typed text stays text.
#[test]
fn xml_is_unescaped_exactly() {
    let escaped = |xml: &str| xml.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let app = "<msg><appmsg><title>a &lt;b&gt; &amp;amp;</title></appmsg></msg>";
    let picture = "<msg><img aeskey=\"a&amp;b\" length=\"5\"/></msg>";
    for times in 0..3 {
        let wire = |xml: &str| (0..times).fold(String::from(xml), |xml, _| escaped(&xml));
        for prefix in ["", "@13fb:<br/>", "@13fb:<br/>junk "] {
            let content = format!("{prefix}{}", wire(app));
            let link = json!({ "MsgType": 49, "AppMsgType": 5, "Content": content });
            assert_eq!(sent(&from("@@7cd3", link)).1["Content"], app, "{content}");
            let content = format!("{prefix}{}", wire(picture));
            for kind in [3, 43, 62] {
                let media = json!({ "MsgType": kind, "Content": content });
                assert_eq!(sent(&from("@@7cd3", media)).1["Content"], picture, "{content}");
            }
        }
    }
    for kind in [3, 43, 62] {
        let words = json!({ "MsgType": kind, "Content": "look at the phone" });
        assert_eq!(forwarded(&from("@13fb", words)).unwrap_err(), NotForwardable::Incomplete);
    }
}

/// A text with an unknown sub-type is forwarded as a text. Found by fuzzing.
#[test]
fn texts_of_unknown_sub_types_are_forwarded() {
    let fields =
        json!({ "MsgType": 1, "SubMsgType": 7, "AppMsgType": 9, "Content": "a &lt;b&gt;" });
    is_sent(&from("@13fb", fields), "webwxsendmsg", 1, "a <b>");
}

#[test]
fn other_messages_are_not_forwardable() {
    let mut kinds: Vec<Value> = [34, 37, 40, 42, 44, 50, 51, 52, 53, 9999, 10000, 10002, 4711, 0]
        .map(|kind| json!({ "MsgType": kind }))
        .into();
    kinds.extend([0, 17, 2000, 2001].map(|kind| json!({ "MsgType": 49, "AppMsgType": kind })));
    kinds.push(json!({ "MsgType": 1, "AppMsgType": 2001 }));
    kinds.push(json!({ "MsgType": 1, "FromUserName": "newsapp" }));
    for mut fields in kinds {
        fields["Content"] = "&lt;msg&gt;&lt;appmsg/&gt;&lt;/msg&gt;".into();
        let message = from("@13fb", fields.clone());
        assert_eq!(forwarded(&message).unwrap_err(), NotForwardable::Kind, "{fields}");
    }
    for kind in [1, 3, 43, 62] {
        for content in ["", "<br/>", " "] {
            let message = from("@13fb", json!({ "MsgType": kind, "Content": content }));
            assert_eq!(forwarded(&message).unwrap_err(), NotForwardable::Incomplete);
        }
    }
}

#[test]
fn each_receiver_has_its_own_id() {
    let mut session = session();
    let text = from("@13fb", json!({ "MsgType": 1, "Content": "not shown" }));
    let mut forward = forwarded(&text).unwrap();
    let _ = forward.request(&mut session, NOW);
    let mut seen = Vec::new();
    for to in ["@13fb", "@@7cd3", "filehelper"] {
        let forward = forward.with_receiver(to.parse().unwrap());
        assert_eq!(forward.id(), None);
        let body = json_of(forward, &mut session);
        assert_eq!(body["Scene"], 2);
        assert_eq!(
            (&body["Msg"]["ToUserName"], &body["Msg"]["Content"]),
            (&json!(to), &json!("not shown"))
        );
        seen.push(body["Msg"]["ClientMsgId"].to_string());
    }
    seen.dedup();
    assert_eq!(seen.len(), 3);
    assert!(!format!("{forward:?}").contains("not shown"));
}

proptest! {
    #[test]
    fn any_text_is_forwarded_unchanged(text in "([<>&'\"\n]|\\PC){1,40}") {
        prop_assume!(!text.trim().is_empty());
        let wire = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('\n', "<br/>");
        let (_, msg) = sent(&from("@@7cd3", json!({ "MsgType": 1, "Content": format!("@13fb:<br/>{wire}") })));
        prop_assert_eq!(msg["Content"].as_str(), Some(&*text));
    }

    /// Any received name results in a well-formed file message.
    #[test]
    fn any_file_is_forwarded_as_valid_xml(name in "([<>&'\"]|&lt;|\\PC|[\x00-\x1f]){1,30}", extension in "\\PC{0,9}") {
        let mut fields = file();
        fields["FileName"] = name.into();
        let xml = format!("&lt;appmsg&gt;&lt;fileext&gt;{extension}&lt;/fileext&gt;&lt;/appmsg&gt;");
        fields["Content"] = xml.into();
        let (_, msg) = sent(&from("@13fb", fields));
        let found = elements(msg["Content"].as_str().unwrap());
        prop_assert_eq!(found.len(), 15);
        prop_assert_eq!(found[12].1.as_str(), "@crypt_new");
    }

    #[test]
    fn any_forward_has_a_json_body(
        kind in prop_oneof![Just(1), Just(3), Just(43), Just(47), Just(48), Just(49), Just(62), any::<i64>()],
        app in prop_oneof![Just(0), Just(5), Just(6), any::<i64>()], content in any::<String>(), other in any::<String>(),
    ) {
        let fields = json!({
            "MsgType": kind, "AppMsgType": app, "Content": content, "OriContent": other, "FileName": other,
            "FileSize": "1", "MediaId": other,
        });
        if let Ok(forward) = forwarded(&from("@@7cd3", fields)) {
            let body = body(&http_of(forward, &mut session()));
            prop_assert!(serde_json::from_str::<Value>(&body).is_ok());
        }
    }
}
