//! The differences between requests and those of the official page, and the response of the service to each.

use crate::violation::Fault::{
    self, Earlier, Empty, Encoding, Escape, Form, Kind, Missing, Name, Order, Repeated, Unknown,
    Value,
};
use crate::violation::Grade::{self, Deviation, Fatal, Note};

pub(crate) const QUERY: &str = "query parameter";
pub(crate) const JSON: &str = "JSON field";
pub(crate) const FORM: &str = "form field";
pub(crate) const HEADER: &str = "header";
pub(crate) const COOKIE: &str = "cookie";
/// The place of differences that belong to no part of the request.
pub(crate) const REQUEST: &str = "";

/// A difference, or several that the service treats alike.
#[derive(Debug)]
#[cfg_attr(not(test), expect(dead_code, reason = "the generated page has the other fields"))]
pub(crate) struct Difference {
    pub(crate) id: &'static str,
    /// The description.
    what: &'static str,
    places: &'static [&'static str],
    /// The names, or the last parts of the paths of JSON fields; all if empty.
    names: &'static [&'static str],
    /// The faults; all if empty.
    faults: &'static [Fault],
    /// The calls; all if empty.
    calls: &'static [&'static str],
    pub(crate) grade: Grade,
    /// The behaviour of the service.
    effect: &'static str,
    /// The paragraph of docs/protocol.md, or `guess`.
    pub(crate) source: &'static str,
    /// The code of the refusal, if it is fatal.
    pub(crate) ret: i64,
}

const GUESS: &str = "guess";

const fn new(
    id: &'static str,
    what: &'static str,
    places: &'static [&'static str],
    names: &'static [&'static str],
    faults: &'static [Fault],
) -> Difference {
    Difference {
        id,
        what,
        places,
        names,
        faults,
        calls: &[],
        grade: Fatal,
        effect: "refuses with Ret 1",
        source: GUESS,
        ret: 1,
    }
}

impl Difference {
    const fn of(self, calls: &'static [&'static str]) -> Self {
        Self { calls, ..self }
    }

    const fn refused(self, ret: i64, effect: &'static str, source: &'static str) -> Self {
        Self { ret, effect, source, ..self }
    }

    const fn served(self, effect: &'static str, source: &'static str) -> Self {
        Self { grade: Deviation, effect, source, ..self }
    }

    const fn ignored(self) -> Self {
        self.noted("ignores it")
    }

    const fn noted(self, effect: &'static str) -> Self {
        Self { grade: Note, effect, ..self }
    }

    /// Returns the first difference that fits.
    pub(crate) fn find(call: &str, place: &str, name: &str, fault: Fault) -> &'static Self {
        let last = name.rsplit('.').next().unwrap_or_default();
        let fits = |of: &&Self| {
            (of.calls.is_empty() || of.calls.contains(&call))
                && (of.places.is_empty() || of.places.contains(&place))
                && (of.names.is_empty() || of.names.contains(&last))
                && (of.faults.is_empty() || of.faults.contains(&fault))
        };
        ALL.iter().find(fits).unwrap_or(&ALL[ALL.len() - 1])
    }
}

/// The calls before the session, and those without credentials.
const OPEN: &[&str] =
    &["jslogin", "qrcode", "login", "webwxnewloginpage", "webwxpushloginurl", "webwxstatreport"];
const UPLOAD: &[&str] = &["webwxuploadmedia", "webwxuploadmediaparallel"];
const PICTURES: &[&str] = &["webwxgeticon", "webwxgetheadimg"];
const CREDENTIALS: &[&str] = &["Uin", "Sid", "Skey", "uin", "sid", "skey"];

/// The table. The first entry that fits applies.
pub(crate) const ALL: &[Difference] = &[
    // Method and host.
    new("method", "another method, in the calls listed", &[REQUEST], &["method"], &[Value])
        .of(&["jslogin", "qrcode", "webwxgetcontact", "webwxlogout"])
        .served("serves `jslogin`, `qrcode` and `webwxgetcontact` by POST, `webwxlogout` by GET", "§3.1, §3.2, §5.1, §13"),
    new("other-method", "another method, in other calls", &[REQUEST], &["method"], &[]),
    new("get-body", "a GET request with a body", &[REQUEST], &["body"], &[]).ignored(),
    new("push-host", "`webpush2.weixin.qq.com`", &[HEADER], &["host"], &[Name])
        .of(&["synccheck"])
        .served("serves `synccheck` under this older name", "§1.1"),
    new("login-host", "another host for the login", &[HEADER], &["host"], &[Name])
        .served("serves the login, the QR code and the push login on every login host", "§1.1"),
    new("host", "the host of another family", &[HEADER], &["host"], &[])
        .refused(1100, "refuses with Ret 1100", "§1.1"),
    // Headers.
    new("video-range", "a video without `Range`", &[HEADER], &["range"], &[Missing])
        .of(&["webwxgetvideo"])
        .refused(206, "answers with an empty body", "§8"),
    new("range", "`Range` of a download", &[HEADER], &["range"], &[])
        .served("sends the content; clients without `Range` receive voice messages too", "§8"),
    new("content-type", "another `Content-Type`, or the misspelt `ContentType`", &[HEADER], &["content-type", "contenttype"], &[])
        .served("reads JSON with any type", "§1.3"),
    new("desktop-headers", "`client-version` or `extspam`", &[HEADER], &["client-version", "extspam"], &[Missing, Value, Repeated])
        .refused(1203, "refuses the login", "§3.6"),
    new("mmweb-appid", "the file-transfer page's `mmweb_appid`", &[HEADER], &["mmweb_appid"], &[Missing, Value, Repeated]),
    new("content-length", "a wrong `Content-Length`", &[HEADER], &["content-length"], &[Value, Repeated]),
    new("headers", "any other header that is missing, changed or added", &[HEADER], &[], &[]).ignored(),
    // Cookies.
    new("upload-cookies", "uploads without cookies", &[COOKIE], &[], &[Missing])
        .of(UPLOAD)
        .served("reads the ticket in the form", "§6.7"),
    new("login-cookies", "cookies before the session", &[COOKIE], &[], &[]).of(OPEN).ignored(),
    new("session-cookies", "`wxuin`, `wxsid` or `webwx_data_ticket` missing or changed", &[COOKIE], &["wxuin", "wxsid", "webwx_data_ticket"], &[Missing, Value, Repeated])
        .refused(1102, "refuses with Ret 1102", "§7.1, §12"),
    new("own-cookies", "cookies that the service did not set, or no longer accepts", &[COOKIE], &[], &[Unknown])
        .served("ignores them", "§1.7"),
    new("cookies", "any other cookie that is missing or changed", &[COOKIE], &[], &[]).ignored(),
    // Credentials.
    new("sync-query", "`sid` or `skey` in the query of `webwxsync` missing or unencoded", &[QUERY], &["sid", "skey"], &[])
        .of(&["webwxsync"])
        .served("reads those of the body", "§1.2"),
    new("no-skey", "an empty `Skey`", &[], &["Skey", "skey"], &[Empty])
        .served("accepts it", "§3.4, §5.4"),
    new("old-skey", "an earlier `Skey` of the session", &[], &["Skey", "skey"], &[Earlier])
        .served("accepts it", "§1.4"),
    new("picture-skey", "a picture of a contact without `skey`", &[QUERY], &["skey"], &[Missing])
        .of(PICTURES)
        .served("sends the picture", "§5.4"),
    new("book-skey", "the address book without `skey`", &[QUERY], &["skey"], &[Missing])
        .of(&["webwxgetcontact"])
        .served("sends it", "§5.1"),
    new("missing-skey", "`BaseRequest` without `Skey` or `DeviceID`", &[JSON], &["Skey", "skey", "DeviceID"], &[Missing])
        .served("accepts it in some calls", "§1.4"),
    new("logout-form", "`sid` or `uin` missing in `webwxlogout`", &[FORM], &["sid", "uin"], &[Missing])
        .served("ends the session", "§13"),
    new("credentials", "wrong `Uin`, `Sid` or `Skey`", &[], CREDENTIALS, &[Value, Form, Empty])
        .refused(1101, "refuses with Ret 1101", "§12"),
    new("uin-kind", "`Uin` as a string or a number", &[JSON], &["Uin"], &[Kind])
        .served("accepts both", "§1.4"),
    new("device-id", "a `DeviceID` that is empty, was used before, or has another form", &[], &["DeviceID", "deviceid"], &[])
        .served("accepts it", "§1.4"),
    new("pass-ticket", "`pass_ticket` missing, changed, or not encoded once more", &[QUERY, FORM], &["pass_ticket"], &[])
        .served("accepts it", "§1.2, §3.4, §6.2, §6.7"),
    new("data-ticket", "`webwx_data_ticket` missing or changed in a form or query", &[QUERY, FORM], &["webwx_data_ticket"], &[Missing, Value, Empty, Repeated]),
    // The login.
    new("redirect-uri", "another `redirect_uri`, or none", &[QUERY], &["redirect_uri"], &[])
        .of(&["jslogin"])
        .served("accepts it", "§3.1, §15"),
    new("tip", "`tip` with another value", &[QUERY], &["tip"], &[]).served("accepts it", "§3.3"),
    new("jslogin-fun", "`fun` or `lang` of `jslogin`", &[QUERY], &["fun", "lang"], &[]).of(&["jslogin"]).ignored(),
    new("redirect-encoding", "the redirect's parameters re-encoded", &[QUERY], &[], &[Encoding])
        .of(&["webwxnewloginpage"])
        .served("openwechat does it and is served; others were refused with 1203", "§3.4"),
    new("redirect-order", "the redirect's parameters in another order", &[REQUEST], &["query"], &[Order])
        .of(&["webwxnewloginpage"])
        .ignored(),
    new("redirect-version", "`fun`, `version` or `lang` missing after the redirect", &[QUERY], &["fun", "version", "lang", "mod", "scan"], &[])
        .of(&["webwxnewloginpage"])
        .served("answers with status 301 if `version=v2` is missing", "§3.4"),
    // Queries.
    new("lang", "another `lang`, or none", &[QUERY], &["lang"], &[]).served("ignores it", "§1.2"),
    new("clock", "`r` or `_` missing or in another form", &[QUERY], &["r", "_"], &[])
        .served("accepts any value", "§1.2"),
    new("msgid", "the other spelling of `msgid`", &[QUERY], &["MsgID", "msgid"], &[Name])
        .served("accepts `MsgID` and `msgid`", "§8"),
    new("user-name", "`userName` instead of `username`", &[QUERY], &["username"], &[Name]).noted("accepts both"),
    new("room-fun", "`fun` of `webwxupdatechatroom` missing or unknown", &[QUERY], &["fun"], &[])
        .of(&["webwxupdatechatroom"]),
    new("send-query", "`fun` or `f` of a send", &[QUERY], &["fun", "f", "mod"], &[])
        .of(&["webwxsendmsgimg", "webwxsendvideomsg", "webwxsendemoticon", "webwxsendappmsg"])
        .served("accepts it", "§6.2"),
    new("file-name", "`filename` instead of `encryfilename`", &[QUERY], &["filename", "encryfilename"], &[])
        .of(&["webwxgetmedia"])
        .served("sends the file", "§8"),
    new("from-user", "`fromuser` as `UserName`, or none", &[QUERY], &["fromuser"], &[])
        .of(&["webwxgetmedia"])
        .served("sends the file", "§8"),
    new("room-member", "`chatroomid` or `EncryChatRoomId` of another room", &[QUERY, JSON], &["chatroomid", "EncryChatRoomId"], &[Value]).ignored(),
    new("room-field", "`EncryChatRoomId` instead of `ChatRoomId`, or neither", &[JSON], &["ChatRoomId", "EncryChatRoomId"], &[Missing, Empty, Unknown, Form])
        .served("accepts it", "§5.2"),
    new("mandatory", "`uuid`, `appid`, `mediaid`, `synckey`, `MsgID` or a credential missing", &[QUERY], &["uuid", "appid", "mediaid", "synckey", "MsgID", "msgid", "username", "skey", "sid", "uin", "requrl"], &[Missing]),
    new("appid", "another `appid`", &[QUERY], &["appid"], &[Value, Empty]),
    new("sync-keys", "`SyncKey` in `synccheck`, or `SyncCheckKey` in `webwxsync`", &[QUERY, JSON], &["synckey", "SyncKey"], &[Name])
        .served("accepts both in both calls; after a picture or a file was sent, `synccheck` with `SyncKey` reports news that `webwxsync` does not have, until something arrives", "§7.2"),
    new("old-check-key", "a `synckey` that a later one has replaced", &[QUERY], &["synckey"], &[Earlier])
        .served("answers with a selector other than 0", "§7.2"),
    new("ids", "`sender`, `mediaid`, `username`, `uuid` or `synckey` with another value", &[QUERY], &["sender", "mediaid", "username", "uuid", "synckey"], &[Value, Empty]),
    new("query", "any other parameter that is missing, added, changed, repeated or encoded differently", &[QUERY], &[], &[]).ignored(),
    new("query-order", "another order of the parameters", &[REQUEST], &["query"], &[]).ignored(),
    // JSON bodies.
    new("escapes", "unnecessary escapes in JSON", &[JSON], &[], &[Escape])
        .served("delivers them literally: `\\u4f60` and `\\/` appear in the chat", "§1.3"),
    new("form-order", "another order of a form's fields", &[FORM], &[], &[Order])
        .served("accepts it", "§6.7"),
    new("key-order", "another order of the fields of an object", &[REQUEST], &[], &[Order]).ignored(),
    new("rr", "`rr` missing, as a string or in another form", &[JSON], &["rr"], &[])
        .served("accepts any value", "§1.2"),
    new("client-msg-id", "`ClientMsgId` and `LocalID` in another form, as numbers, or unequal", &[JSON], &["ClientMsgId", "LocalID"], &[Form, Kind, Value, Earlier])
        .served("accepts any unique value", "§1.6"),
    new("forward", "a forward whose content is not that of a received message", &[JSON], &["Content"], &[Unknown])
        .served("sends the content as it is", "§6.4"),
    new("no-local-id", "a send without `LocalID`", &[JSON], &["LocalID"], &[Missing]).ignored(),
    new("no-scene", "a send without `Scene`", &[JSON], &["Scene"], &[Missing])
        .served("treats it as 0", "§17"),
    new("picture-content", "a picture or video without `Content`", &[JSON], &["Content"], &[Missing, Value])
        .of(&["webwxsendmsgimg", "webwxsendvideomsg"])
        .served("accepts it", "§6.2"),
    new("emoticon-type", "`Type` 1 of an emoticon", &[JSON], &["Type", "EmojiFlag"], &[Value, Missing])
        .of(&["webwxsendemoticon"])
        .served("accepts it", "§6.2"),
    new("revoked-id", "a revocation with a new `ClientMsgId`", &[JSON], &["ClientMsgId"], &[])
        .of(&["webwxrevokemsg"])
        .served("revokes the message", "§6.5"),
    new("big-aes-key", "a send of a big file without `AESKey`", &[JSON], &["AESKey"], &[Missing])
        .of(&["webwxsendappmsg"])
        .served("needs the `Signature` only", "§6.6"),
    new("signature", "`Signature` or `AESKey` of a big file missing or changed", &[JSON], &["Signature", "AESKey"], &[Missing, Value, Empty])
        .refused(1, "refuses with Ret 1", "§6.6"),
    new("file-appid", "different XML for a file", &[JSON], &["Content"], &[Form])
        .of(&["webwxsendappmsg"])
        .ignored(),
    new("old-upload", "`UploadType`, the names or the MD5 missing in an upload", &[JSON], &["UploadType", "FromUserName", "ToUserName", "FileMd5"], &[Missing])
        .of(UPLOAD)
        .served("accepts it", "§6.7"),
    new("media-id-reuse", "another file under the same `ClientMediaId`", &[JSON], &["ClientMediaId"], &[Earlier])
        .noted("treats it as another upload"),
    new("upload-numbers", "`ClientMediaId`, `StartPos`, `DataLen`, `MediaType` or `UploadType` in another form", &[JSON], &["ClientMediaId", "StartPos", "DataLen", "MediaType", "UploadType"], &[Form, Kind, Value, Empty, Missing])
        .of(UPLOAD)
        .ignored(),
    new("early-announcement", "the announcement of a file of up to 25 MB", &[JSON], &["FileSize"], &[Value])
        .served("answers with the keys", "§15.1"),
    new("ticket", "the answer to a friend request without `VerifyUserTicket`", &[JSON], &["VerifyUserTicket"], &[Missing, Empty])
        .served("accepts it", "§11.2"),
    new("pin-remark", "a pin without the current `RemarkName`", &[JSON], &["RemarkName"], &[Missing, Value])
        .served("clears the remark", "§11.1"),
    new("notify-clock", "`ClientMsgId` of a notification in seconds", &[JSON], &["ClientMsgId"], &[])
        .of(&["webwxstatusnotify"])
        .served("accepts it", "§4.2"),
    new("counts", "a count that is missing or wrong", &[JSON], &["Count", "MemberCount", "VerifyUserListSize", "SceneListCount"], &[]).ignored(),
    new("labels", "`Topic`, `VerifyContent`, `FileType`, `FileName`, `MachineType`, `ReportType`, `Scene` or `EmojiFlag` missing or with another value", &[JSON], &["Topic", "VerifyContent", "FileType", "FileName", "MachineType", "ReportType", "Scene", "EmojiFlag", "MsgSource"], &[]).ignored(),
    new("base-request", "`BaseRequest`, `Uin` or `Sid` missing", &[JSON], &["BaseRequest", "Uin", "Sid"], &[Missing]),
    new("json-kind", "a number as a string, or a string as a number", &[JSON], &[], &[Kind]).ignored(),
    new("json-more", "an additional or repeated field", &[JSON], &[], &[Unknown, Repeated]).ignored(),
    new("json-missing", "any other field missing", &[JSON], &[], &[Missing]),
    new("json-value", "any other field with another value", &[JSON], &[], &[]),
    // Forms of uploads.
    new("form-disposition", "a file name as `filename*=`", &[FORM], &["filename"], &[Encoding])
        .refused(1, "refuses with Ret 1", "§6.7"),
    new("form-date", "another form of `lastModifiedDate`, or the misspelt name", &[FORM], &["lastModifiedDate", "lastModifieDate"], &[])
        .served("ignores it", "§6.7"),
    new("form-part", "other headers of a part", &[FORM], &[], &[Form]).ignored(),
    new("media-type", "another `mediatype`", &[FORM], &["mediatype"], &[Value, Missing])
        .served("accepts it", "§6.7"),
    new("form-labels", "`id`, `name`, `type`, `chunk` or `chunks` missing, added or changed", &[FORM], &["id", "name", "type", "size", "chunk", "chunks"], &[Missing, Unknown, Value, Repeated]).ignored(),
    new("form-more", "an additional field", &[FORM], &[], &[Unknown]).ignored(),
    new("form", "any other field of a form missing or wrong", &[FORM], &[], &[])
        .refused(1, "refuses with Ret 1, without a `MediaId`", "§6.7"),
    // Calls in a wrong state.
    new("before-init", "a call before `webwxinit`", &[REQUEST], &["init"], &[]).ignored(),
    new("no-session", "a call without a session", &[REQUEST], &["session"], &[])
        .refused(1100, "refuses with Ret 1100", "§12"),
    new("other", "unknown ids and names, an MD5 that does not match, malformed bodies, unknown values", &[], &[], &[]),
];

#[cfg(test)]
mod tests {
    use super::*;

    /// Renders `docs/differences.md`.
    fn page() -> String {
        let mut text = include_str!("differences_head.md").to_owned();
        for grade in [Fatal, Deviation, Note] {
            text.push_str(&format!("\n## Grade: {grade}\n\n| name | difference | calls | the service | source |\n|---|---|---|---|---|\n"));
            for of in ALL.iter().filter(|of| of.grade == grade) {
                let calls =
                    if of.calls.is_empty() { "all".to_owned() } else { of.calls.join(", ") };
                let Difference { id, what, effect, source, .. } = of;
                text.push_str(&format!("| `{id}` | {what} | {calls} | {effect} | {source} |\n"));
            }
        }
        text
    }

    #[test]
    fn page_of_differences_is_current() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/differences.md");
        let page = page();
        if std::env::var_os("UPDATE_DIFFERENCES").is_some() {
            std::fs::write(path, &page).expect("written");
        }
        let found = std::fs::read_to_string(path).unwrap_or_default();
        assert_eq!(found, page, "run with UPDATE_DIFFERENCES=1");
    }

    #[test]
    fn every_difference_has_a_source() {
        let protocol = include_str!("../../../wechat-proto/docs/protocol.md");
        let mut ids = std::collections::BTreeSet::new();
        for of in ALL {
            assert!(ids.insert(of.id), "`{}` occurs twice", of.id);
            let is_guess = of.source == GUESS;
            assert!(is_guess == (of.grade == Note) || of.grade == Fatal, "{}: its source", of.id);
            for source in of.source.split(", ").filter(|source| *source != GUESS) {
                let number = source.strip_prefix('§').expect("a paragraph");
                let title = |line: &str| {
                    let line = line.trim_start_matches('#').trim_start();
                    line.strip_prefix(number).is_some_and(|rest| rest.starts_with([' ', '.']))
                };
                let found = protocol.lines().any(|line| line.starts_with('#') && title(line));
                assert!(found, "{}: docs/protocol.md has no {source}", of.id);
            }
        }
    }
}
