//! The fields of the protocol, to find those that it does not document.

use std::collections::BTreeSet;

use serde_json::Value;

use super::request::Request;

/// Fields of replies: `docs/protocol.md` §1.5, §3.7, §4.1, §5, §6, §7.2, §9.1, §11.
const REPLY: &[&str] = &[
    "AESKey", "AddMsgCount", "AddMsgList", "Alias", "AppAccountFlag", "AppID", "AppInfo",
    "AppMsgType", "AttrStatus", "BaseResponse", "BindEmail", "BindMobile", "BindUin", "BitFlag",
    "BlackList", "Buff", "CDNThumbImgHeight", "CDNThumbImgWidth", "ChatRoomId", "ChatRoomName",
    "ChatRoomOwner", "ChatSet", "City", "ClickReportInterval", "ClientVersion", "ContactFlag",
    "ContactList", "ContactType", "Content", "ContinueFlag", "Count", "Cover", "CreateTime",
    "DelContactCount", "DelContactList", "Digest", "DisplayName", "EncryChatRoomId",
    "EncryFileName", "EncryUserName", "ErrMsg", "FileName", "FileSize", "ForwardFlag",
    "FromUserName", "FullURL", "GrayScale", "HasProductId", "HeadImgFlag", "HeadImgUpdateFlag",
    "HeadImgUrl", "HideInputBarFlag", "ImgHeight", "ImgStatus", "ImgWidth", "Introduction",
    "InviteStartCount", "IsOwner", "Key", "KeyWord", "List", "LocalID", "MD5", "MPArticleCount",
    "MPArticleList", "MPSubscribeMsgCount", "MPSubscribeMsgList", "MediaId", "MemberCount",
    "MemberList", "MemberStatus", "ModChatRoomMemberCount", "ModChatRoomMemberList",
    "ModContactCount", "ModContactList", "MsgID", "MsgId", "MsgType", "NewMsgId", "NickName",
    "OpCode", "OriContent", "OwnerUin", "PYInitial", "PYQuanPin", "PersonalCard", "PlayLength",
    "Profile", "Province", "QQNum", "QuanPin", "RecommendInfo", "RemarkName", "RemarkPYInitial",
    "RemarkPYQuanPin", "Ret", "SKey", "Scene", "Seq", "Sex", "Signature", "SnsFlag", "StarFriend",
    "StartPos", "Status", "StatusNotifyCode", "StatusNotifyUserName", "Statues", "SubMsgType",
    "SyncCheckKey", "SyncKey", "SysWording", "SystemTime", "Ticket", "Time", "Title", "ToUserName",
    "Topic", "Type", "Uin", "UniFriend", "UploadID", "Url", "User", "UserName", "Val",
    "VerifyFlag", "VoiceLength", "WebWxPluginSwitch", "msg", "ret", "retcode", "uuid",
];

/// Fields of requests: §1.4, §3, §4.2, §5.2, §6, §7.2, §11, §13, §15.
const REQUEST: &[&str] = &[
    "AESKey", "AddMemberList", "BaseRequest", "ChatRoomId", "ChatRoomName", "Chunk", "Chunks",
    "ClientMediaId", "ClientMsgId", "CmdId", "Code", "Content", "Count", "DataLen",
    "DelMemberList", "DeviceID", "EMoticonMd5", "EmojiFlag", "EncryChatRoomId", "FileMD5",
    "FileMd5", "FileName", "FileSize", "FileType", "FromUserName", "InviteMemberList", "Key",
    "KeyWord", "List", "LocalID", "MachineType", "MediaId", "MediaType", "MemberCount",
    "MemberList", "Msg", "MsgSource", "Name", "NewTopic", "OP", "Opcode", "RemarkName",
    "ReportType", "Scene", "SceneList", "SceneListCount", "Sid", "Signature", "Skey", "StartPos",
    "SvrMsgId", "SyncKey", "Text", "ToUserName", "Topic", "TotalLen", "Type", "Uin", "UploadID",
    "UploadMediaParallelRequest", "UploadType", "UserName", "Val", "Value", "VerifyContent",
    "VerifyUserList", "VerifyUserListSize", "VerifyUserTicket", "chunk", "chunks", "filename",
    "id", "lastModifieDate", "lastModifiedDate", "mediatype", "name", "pass_ticket", "rr", "sid",
    "size", "skey", "type", "uin", "uploadmediarequest", "webwx_data_ticket",
];

/// Parameters of URLs: §1.2, §3, §5, §6, §7.1, §8, §11, §13, §15.
const QUERY: &[&str] = &[
    "MsgID", "_", "appid", "chatroomid", "deviceid", "encryfilename", "f", "filename", "fromuser",
    "fun", "lang", "loginicon", "mediaid", "mmweb_appid", "mod", "msgid", "opcode", "pass_ticket",
    "pictype", "r", "random", "redirect", "redirect_uri", "requrl", "scan", "scene", "sender",
    "seq", "sid", "skey", "synckey", "target", "ticket", "tip", "type", "uin", "url", "username",
    "uuid", "version", "webwx_data_ticket",
];

/// Returns the fields and parameters of an exchange that the protocol does not document, each once:
/// `reply AddMsgList[].Name`, `request Name`, `query name`.
pub(super) fn unknown(request: &Request, reply: Option<&Value>) -> Vec<String> {
    let mut found = BTreeSet::new();
    for (name, _) in &request.query {
        if !QUERY.contains(&&**name) {
            found.insert(format!("query {name}"));
        }
    }
    walk(&request.body, REQUEST, "request ", &mut found);
    if let Some(reply) = reply {
        walk(reply, REPLY, "reply ", &mut found);
    }
    found.into_iter().collect()
}

fn walk(value: &Value, known: &[&str], path: &str, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                let separator = if path.ends_with(' ') { "" } else { "." };
                let path = format!("{path}{separator}{name}");
                if known.contains(&&**name) {
                    walk(value, known, &path, found);
                } else {
                    found.insert(path);
                }
            }
        }
        Value::Array(list) => {
            list.iter().for_each(|value| walk(value, known, &format!("{path}[]"), found));
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn unknown_fields_are_listed_once_with_their_path() {
        let request = Request {
            query: vec![("r".into(), "1".into()), ("x".into(), "2".into())],
            body: json!({ "BaseRequest": { "Uin": 7, "Os": "?" } }),
        };
        let reply = json!({
            "AddMsgList": [{ "New": { "Deep": 1 } }, { "New": 2, "MsgId": "7" }], "Z": 0,
        });
        assert_eq!(
            unknown(&request, Some(&reply)),
            ["query x", "reply AddMsgList[].New", "reply Z", "request BaseRequest.Os"]
        );
    }
}
