//! Pictures, videos, emoticons and files: `POST …/webwxsendmsgimg`, `…/webwxsendvideomsg`, `…/webwxsendemoticon`,
//! `…/webwxsendappmsg` (docs/protocol.md §6.2, §6.3)

use crate::check::differences::JSON;
use crate::check::{Check, Fields, Rule};
use crate::media::upload::Uploaded;
use crate::message::{Incoming, SentFile, xml};
use crate::routes::send::{check_forwarded, envelope};
use crate::violation::Fault;

const KEYS: [&str; 3] = ["BaseRequest", "Msg", "Scene"];

/// Checks the query: the fixed parameters, `lang` and `pass_ticket`.
fn query(check: &mut Check<'_>, fixed: &[(&'static str, &str)]) {
    let mut must: Vec<(&str, Rule)> =
        fixed.iter().map(|(name, value)| (*name, Rule::is(*value))).collect();
    must.extend([check.lang(), check.pass_ticket()]);
    check.query(&must, &[]);
}

const ASYNC: [(&str, &str); 2] = [("fun", "async"), ("f", "json")];

pub(crate) fn check_image(check: &mut Check<'_>) {
    query(check, &ASYNC);
    picture_or_video(check, "pic", &["3"], &["3"]);
}

pub(crate) fn check_video(check: &mut Check<'_>) {
    query(check, &ASYNC);
    picture_or_video(check, "video", &["43"], &["43", "62"]);
}

/// Checks a picture or video: an uploaded one has a `MediaId` and no `Content`, a forwarded one a `Content` and no
/// `MediaId`.
fn picture_or_video(check: &mut Check<'_>, media_kind: &str, own: &[&str], arrived: &[&str]) {
    let (msg, forwarded) = envelope(check, &KEYS, &["Type", "MediaId", "Content"]);
    let kinds = Rule::one_of(if forwarded { arrived } else { own });
    let kind = check.number(&msg, "Type", &kinds);
    if !forwarded {
        check.text(&msg, "Content", &Rule::is(""));
        uploaded(check, &msg, &|upload| upload.media_type == media_kind);
        return;
    }
    check.text(&msg, "MediaId", &Rule::is(""));
    let content = check.free(&msg, "Content");
    check_forwarded(check, |message: &Incoming| {
        Some(message.msg_type) == kind && Some(message.plain()) == content
    });
}

/// Checks that `MediaId` names an upload of the right kind.
fn uploaded(check: &mut Check<'_>, msg: &Fields, fits: &dyn Fn(&Uploaded) -> bool) {
    let Some(id) = check.free(msg, "MediaId") else { return };
    match check.world.upload_of(&id) {
        None => check.wrong(format!("JSON field `Msg.MediaId` is `{id}`, not that of an upload")),
        Some(media) if !fits(media) => check.wrong(format!(
            "JSON field `Msg.MediaId` is that of `{}`, a {}, which this call cannot send",
            media.name, media.media_type
        )),
        Some(_) => {}
    }
}

pub(crate) fn check_emoticon(check: &mut Check<'_>) {
    query(check, &[("fun", "sys")]);
    let has = |name| check.request.json.pointer(name).is_some();
    let keys: &[&str] = match (has("/Msg/EMoticonMd5"), has("/Msg/MediaId")) {
        (true, _) => &["Type", "EmojiFlag", "EMoticonMd5"],
        (false, true) => &["Type", "EmojiFlag", "MediaId"],
        (false, false) => {
            check.wrong("JSON field `Msg.EMoticonMd5` or `Msg.MediaId` is missing");
            &["Type", "EmojiFlag"]
        }
    };
    let (msg, forwarded) = envelope(check, &KEYS, keys);
    check.number(&msg, "Type", &Rule::is("47"));
    check.number(&msg, "EmojiFlag", &Rule::is("2"));
    uploaded(check, &msg, &|upload| upload.media_type == "doc" && extension(&upload.name) == "gif");
    let Some(md5) = check.free(&msg, "EMoticonMd5") else { return };
    if md5.len() != 32 || !md5.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        check.wrong(format!("JSON field `Msg.EMoticonMd5` is `{md5}`, not 32 hex digits"));
    } else if forwarded {
        check_forwarded(check, |message: &Incoming| {
            message.msg_type == 47
                && message.has_product_id == 0
                && message.plain().replace(" = ", "=").contains(&format!(" md5=\"{md5}\""))
        });
    }
}

pub(crate) fn check_app(check: &mut Check<'_>) {
    // A desktop client adds `mod=desktop` and names no app: docs/protocol.md §3.6.
    let entry_page = &check.world.entry_page;
    let appid = entry_page.file_appid();
    let fixed: &[_] = match entry_page.is_desktop() {
        true => &[ASYNC[0], ASYNC[1], ("mod", "desktop")],
        false => &ASYNC,
    };
    query(check, fixed);
    let content = check.request.text("/Msg/Content");
    let file = xml::file(&content);
    let named = file.as_ref().ok().and_then(|file| check.world.upload_of(&file.media_id));
    let media = named.cloned();
    let [aes_key, signature] =
        media.as_ref().map_or(["", ""], |upload| [&*upload.aes_key, &*upload.signature]);
    let keys: &[&str] = match signature {
        "" => &["Type", "Content"],
        _ => &["AESKey", "Signature", "Type", "Content"],
    };
    let (msg, forwarded) = envelope(check, &KEYS, keys);
    check.free(&msg, "Content");
    check.text(&msg, "AESKey", &Rule::is(aes_key));
    check.text(&msg, "Signature", &Rule::is(signature));
    let kind = check.number(&msg, "Type", &if forwarded { Rule::Integer } else { Rule::is("6") });
    if forwarded && kind != Some(6) {
        return check_forwarded(check, |message: &Incoming| {
            let original = &message.ori_content;
            let arrived = if original.is_empty() { message.plain() } else { original.clone() };
            message.msg_type == 49 && Some(message.app_msg_type) == kind && arrived == content
        });
    }
    if file.is_ok()
        && let Err(difference) = xml::check_file(&content, appid)
    {
        let complaint = format_args!("is not the XML of a file: {difference}");
        check.found(Fault::Form, JSON, "Msg.Content", complaint);
    }
    match (file, media) {
        (Err(fault), _) => {
            check.wrong(format!("JSON field `Msg.Content` is invalid XML: {fault}"));
        }
        (Ok(file), _) if forwarded => check_forwarded(check, |message: &Incoming| {
            (message.msg_type, message.app_msg_type) == (49, 6)
                && file == expected_xml(message.plain_name(), &message.file_size, &message.media_id)
        }),
        (Ok(file), None) => check.wrong(format!(
            "JSON field `Msg.Content` has the attachid `{}`, not that of an upload",
            file.media_id
        )),
        (Ok(file), Some(media)) => {
            let expected =
                expected_xml(media.name.clone(), &media.size.to_string(), &media.media_id);
            if media.media_type != "doc" || file != expected {
                check.wrong(format!("JSON field `Msg.Content` has {file:?} for {media:?}"));
            }
        }
    }
}

/// Returns the expected contents of a file's XML. Characters not allowed in XML are replaced by U+FFFD
/// (docs/protocol.md §6.3).
fn expected_xml(name: String, size: &str, media_id: &str) -> SentFile {
    let unknown = |c: char| matches!(c, '\0'..='\x08' | '\x0b' | '\x0c' | '\x0e'..='\x1f' | '\u{fffe}' | '\u{ffff}');
    let name = name.replace(unknown, "\u{fffd}");
    SentFile {
        extension: extension(&name),
        name,
        size: size.parse().unwrap_or_default(),
        media_id: media_id.to_owned(),
    }
}

fn extension(name: &str) -> String {
    name.rsplit_once('.').map_or_else(String::new, |(_, extension)| extension.to_lowercase())
}

#[cfg(test)]
mod tests {
    use crate::client::{Client, json};
    use crate::{Incoming, World};

    #[test]
    fn sends_through_the_wrong_call_are_refused() {
        let mut client = Client::ready(World::demo());
        let add = |kind, name| client.simulator.world().add_upload(kind, name, 10);
        let (picture, file) = (add("pic", "p.png"), add("doc", "f.txt"));
        client.picture("webwxsendmsgimg", 3, &file);
        client.picture("webwxsendvideomsg", 43, &picture);
        client.picture("webwxsendmsgimg", 43, &picture);
        client.emoticon("MediaId", &file);
        client.emoticon("MediaId", "@crypt_none");
        client.emoticon("EMoticonMd5", "none");
        client.file(&picture);
        assert_eq!(client.violations().len(), 7, "{:#?}", client.violations());
        assert!(client.simulator.world().sent().is_empty());
    }

    #[test]
    fn only_received_messages_can_be_forwarded() {
        let mut client = Client::ready(World::demo());
        let deliver = |kind, content: &str| {
            client.simulator.world().deliver(Incoming::new("@a", kind, content));
        };
        deliver(3, "&lt;msg&gt;<br/>&lt;img/&gt;&lt;/msg&gt;");
        deliver(47, "&lt;emoji md5=\"a0c4153e43c3fd2e9a2fbb9be2f4de07\"/&gt;");
        let image = "\"Type\":3,\"MediaId\":\"\",\"Content\":\"<msg>\\n<img/></msg>\"";
        let video = image.replace("\"Type\":3", "\"Type\":43");
        let emoticon =
            "\"Type\":47,\"EmojiFlag\":2,\"EMoticonMd5\":\"a0c4153e43c3fd2e9a2fbb9be2f4de07\"";
        client.app("webwxsendmsgimg", "fun=async&f=json", image, 2);
        client.app("webwxsendemoticon", "fun=sys", emoticon, 2);
        client.assert_clean();
        // Only phones can forward stickers from the shop.
        let md5 = "c0c4153e43c3fd2e9a2fbb9be2f4de07";
        client.simulator.world().deliver(Incoming {
            has_product_id: 1,
            ..Incoming::new("@a", 47, &format!("&lt;emoji md5=\"{md5}\"/&gt;"))
        });
        let shop = format!("\"Type\":47,\"EmojiFlag\":2,\"EMoticonMd5\":\"{md5}\"");
        client.app("webwxsendemoticon", "fun=sys", &shop, 2);
        assert_eq!(client.violations().len(), 1);
        client.app("webwxsendmsgimg", "fun=async&f=json", image, 0);
        client.app("webwxsendvideomsg", "fun=async&f=json", &video, 2);
        client.app("webwxsendemoticon", "fun=sys", &emoticon.replace("a0", "b0"), 2);
        client
            .app("webwxsendappmsg", "fun=async&f=json", "\"Type\":5,\"Content\":\"<appmsg/>\"", 2);
        let found = client.violations();
        for name in ["webwxsendmsgimg", "webwxsendvideomsg", "webwxsendemoticon", "webwxsendappmsg"]
        {
            assert!(
                found.iter().any(|what| what.starts_with(name) && what.contains("`Msg.")),
                "{found:#?}"
            );
        }
        assert_eq!(client.simulator.world().sent().len(), 2);
        assert_eq!(json(&client.message("filehelper", "x"))["BaseResponse"]["Ret"], 0);
    }

    #[test]
    fn client_msg_id_of_another_message_is_a_violation() {
        let mut client = Client::ready(World::demo());
        let media =
            ["a.png", "b.png"].map(|name| client.simulator.world().add_upload("pic", name, 1));
        let body = |id: &str| format!("\"Type\":3,\"MediaId\":\"{id}\",\"Content\":\"\"");
        let first = client.app_request("webwxsendmsgimg", "fun=async&f=json", &body(&media[0]), 0);
        client.send(&first);
        client.send(&first);
        client.assert_clean();
        assert_eq!(client.simulator.world().sent()[0].repeats, 1);
        let mut other = first.clone();
        let text = String::from_utf8_lossy(first.body()).replace(&media[0], &media[1]);
        *other.body_mut() = text.into();
        client.send(&other);
        assert!(
            client.violations().iter().any(|what| what.contains("which another message has used"))
        );
    }
}
