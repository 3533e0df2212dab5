//! Summaries of requests.

use serde_json::Value;
use wechat_proto::UserName;

use super::request::Request;
use super::state::State;

/// The parts of a request: a label, and the place of the value in the request.
type Parts = &'static [(&'static str, &'static str)];

const SEND: Parts = &[
    ("to", "/Msg/ToUserName"),
    ("type", "/Msg/Type"),
    ("content", "/Msg/Content"),
    ("media", "/Msg/MediaId"),
    ("md5", "/Msg/EMoticonMd5"),
    ("scene", "/Scene"),
    ("client id", "/Msg/ClientMsgId"),
];
const MEDIA: Parts = &[("message", "?msgid"), ("size", "?type")];
const PICTURE: Parts = &[("user", "?username"), ("room id", "?chatroomid"), ("size", "?type")];

/// The parts of the requests of each endpoint of `docs/endpoints.md`.
pub(super) const PARTS: &[(&str, Parts)] = &[
    ("jslogin", &[("app", "?appid")]),
    ("login", &[("uuid", "?uuid"), ("tip", "?tip")]),
    ("qrcode", &[]),
    ("synccheck", &[("key", "?synckey")]),
    ("webwxbatchgetcontact", &[("contacts", "/List")]),
    ("webwxcheckupload", &[("file", "/FileName"), ("bytes", "/FileSize"), ("to", "/ToUserName")]),
    ("webwxcheckurl", &[("link", "?requrl")]),
    ("webwxcreatechatroom", &[("topic", "/Topic"), ("members", "/MemberList")]),
    ("webwxgetcontact", &[("seq", "?seq")]),
    ("webwxgetheadimg", PICTURE),
    ("webwxgeticon", PICTURE),
    ("webwxgetmedia", &[("sender", "?sender"), ("file", "?encryfilename"), ("file", "?filename")]),
    ("webwxgetmsgimg", MEDIA),
    ("webwxgetpubliclinkimg", MEDIA),
    ("webwxgetvideo", MEDIA),
    ("webwxgetvoice", MEDIA),
    ("webwxinit", &[("account", "/BaseRequest/Uin")]),
    ("webwxlogout", &[("reason", "?type")]),
    ("webwxnewloginpage", &[("ticket", "?ticket"), ("app", "?mod")]),
    (
        "webwxoplog",
        &[("command", "/CmdId"), ("user", "/UserName"), ("remark", "/RemarkName"), ("on", "/OP")],
    ),
    ("webwxpreview", &[("media", "?mediaid")]),
    ("webwxpushloginurl", &[("account", "?uin")]),
    ("webwxrevokemsg", &[("message", "/SvrMsgId"), ("to", "/ToUserName")]),
    ("webwxsearchcontact", &[("words", "/KeyWord")]),
    ("webwxsendappmsg", SEND),
    ("webwxsendemoticon", SEND),
    ("webwxsendfeedback", &[("text", "/Content")]),
    ("webwxsendmsg", SEND),
    ("webwxsendmsgimg", SEND),
    ("webwxsendvideomsg", SEND),
    ("webwxstatreport", &[("reports", "/Count")]),
    ("webwxstatusnotify", &[("code", "/Code"), ("to", "/ToUserName")]),
    ("webwxsync", &[("key", "/SyncKey/List")]),
    (
        "webwxupdatechatroom",
        &[
            ("operation", "?fun"),
            ("room", "/ChatRoomName"),
            ("members", "/AddMemberList"),
            ("members", "/InviteMemberList"),
            ("members", "/DelMemberList"),
            ("topic", "/NewTopic"),
        ],
    ),
    (
        "webwxuploadmedia",
        &[
            ("file", "/name"),
            ("bytes", "/size"),
            ("piece", "/chunk"),
            ("of", "/chunks"),
            ("to", "/uploadmediarequest/ToUserName"),
        ],
    ),
    (
        "webwxuploadmediaparallel",
        &[
            ("file", "/UploadMediaParallelRequest/Name"),
            ("bytes", "/UploadMediaParallelRequest/TotalLen"),
            ("piece", "/UploadMediaParallelRequest/Chunk"),
            ("of", "/UploadMediaParallelRequest/Chunks"),
        ],
    ),
    (
        "webwxverifyuser",
        &[
            ("operation", "/Opcode"),
            ("user", "/VerifyUserList/0/Value"),
            ("greeting", "/VerifyContent"),
        ],
    ),
];

/// Codes with their words.
type Words = &'static [(&'static str, &'static str)];

/// The words for the codes of requests, by endpoint and label: `docs/protocol.md` §4.2, §11.1, §11.2.
const WORDS: &[(&str, &str, Words)] = &[
    (
        "webwxstatusnotify",
        "code",
        &[("1", "read"), ("2", "entered"), ("3", "logged in"), ("5", "left")],
    ),
    ("webwxoplog", "command", &[("2", "set remark"), ("3", "pin")]),
    (
        "webwxverifyuser",
        "operation",
        &[("1", "add contact"), ("2", "send request"), ("3", "accept"), ("4", "reject")],
    ),
];

/// Returns the name of an endpoint of the protocol; `None` if it is not one.
pub(super) fn known(endpoint: &str) -> Option<&'static str> {
    PARTS.iter().map(|(known, _)| *known).find(|known| *known == endpoint)
}

/// Returns the parts of a request that have a value, with the names of contacts.
pub(super) fn summary(
    endpoint: &str,
    request: &Request,
    state: &State,
) -> Vec<(&'static str, String)> {
    let parts =
        PARTS.iter().find(|(known, _)| *known == endpoint).map_or(&[][..], |(_, parts)| parts);
    let mut summary = Vec::new();
    for (label, place) in parts {
        let text = match request.find(place) {
            Some(Value::Array(list)) if *label == "key" => joined(&list),
            Some(Value::Array(list)) => {
                let names = list.iter().filter_map(|entry| entry["UserName"].as_str());
                names.map(|name| named(name, state)).collect::<Vec<_>>().join(", ")
            }
            _ => match (*label, request.text(place)) {
                ("to" | "user" | "room" | "sender", text) => named(&text, state),
                ("members", text) => {
                    text.split(',').map(|name| named(name, state)).collect::<Vec<_>>().join(", ")
                }
                (_, text) => word(endpoint, label, &text).unwrap_or(text),
            },
        };
        if !text.is_empty() {
            summary.push((*label, text));
        }
    }
    summary
}

fn named(name: &str, state: &State) -> String {
    name.parse::<UserName>().map_or_else(|_| name.to_owned(), |name| state.name(&name))
}

fn word(endpoint: &str, label: &str, code: &str) -> Option<String> {
    let (.., words) = WORDS.iter().find(|(of, part, _)| *of == endpoint && *part == label)?;
    words.iter().find(|(known, _)| *known == code).map(|(_, word)| (*word).to_owned())
}

/// Returns the text form of a sync key, as `synccheck` has it.
fn joined(list: &[Value]) -> String {
    let pair = |pair: &Value| format!("{}_{}", pair["Key"], pair["Val"]);
    list.iter().map(pair).collect::<Vec<_>>().join("|")
}
