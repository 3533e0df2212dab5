//! Error answers. The service sends the complete body even then, with zeroes and empty values.

use crate::reply::{self, Node, Object, Reply};
use crate::routes::login_page;
use crate::routes::media::{self, NO_RANGE};
use crate::routes::sync::profile;
use crate::routes::{push, rooms};
use crate::routes::{synccheck, upload};

/// Builds the answer of a call with this code.
pub(crate) fn refusal(name: &str, now: u64, ret: i64, message: &str) -> Reply {
    let none = Vec::<Node>::new;
    let no_key = || Object::new().with("Count", 0_i64).with("List", none());
    let object = Object::answer(ret, message);
    let object = match name {
        "jslogin" => {
            return reply::script(
                now,
                format!("window.QRLogin.code = {ret}; window.QRLogin.uuid = \"\";"),
            );
        }
        "login" => return reply::script(now, format!("window.code={ret};")),
        "synccheck" => return synccheck::script(now, ret, 0),
        "webwxnewloginpage" => return login_page::refused(now, ret, message),
        "webwxgetvideo" if ret == NO_RANGE => return media::empty(now),
        "webwxpushloginurl" => return push::refused(now, ret, message),
        "webwxcheckurl" => return reply::json(now, Object::new().with("retcode", ret)),
        "qrcode" => return reply::page(now, 404, "404 Not Found"),
        "webwxinit" => object
            .with("Count", 0_i64)
            .with("ContactList", none())
            .with("SyncKey", no_key())
            .with(
                "User",
                Object::new().with("Uin", 0_i64).with("UserName", "").with("NickName", ""),
            )
            .with("ChatSet", "")
            .with("SKey", "")
            .with("ClientVersion", 0_i64)
            .with("SystemTime", 0_i64)
            .with("GrayScale", 0_i64)
            .with("InviteStartCount", 0_i64)
            .with("MPSubscribeMsgCount", 0_i64)
            .with("MPSubscribeMsgList", none())
            .with("ClickReportInterval", 0_i64),
        "webwxstatusnotify" => object.with("MsgID", ""),
        "webwxgetcontact" => {
            object.with("MemberCount", 0_i64).with("MemberList", none()).with("Seq", 0_i64)
        }
        "webwxbatchgetcontact" => object.with("Count", 0_i64).with("ContactList", none()),
        "webwxsync" => object
            .with("AddMsgCount", 0_i64)
            .with("AddMsgList", none())
            .with("ModContactCount", 0_i64)
            .with("ModContactList", none())
            .with("DelContactCount", 0_i64)
            .with("DelContactList", none())
            .with("ModChatRoomMemberCount", 0_i64)
            .with("ModChatRoomMemberList", none())
            .with("Profile", profile(None))
            .with("ContinueFlag", 0_i64)
            .with("SyncKey", no_key())
            .with("SKey", "")
            .with("SyncCheckKey", no_key()),
        "webwxcreatechatroom" => rooms::no_room(object),
        "webwxupdatechatroom" => rooms::changed(object, Vec::new()),
        "webwxsearchcontact" => object.with("List", Vec::<Node>::new()),
        "webwxrevokemsg" => object.with("Introduction", "").with("SysWording", ""),
        "webwxsendmsg" | "webwxsendmsgimg" | "webwxsendvideomsg" | "webwxsendemoticon"
        | "webwxsendappmsg" => object.with("MsgID", "").with("LocalID", ""),
        "webwxcheckupload" => object
            .with("MediaId", "")
            .with("AESKey", "")
            .with("Signature", "")
            .with("EncryFileName", ""),
        "webwxuploadmedia" => upload::outcome(ret, message, "", 0, ""),
        _ => object,
    };
    reply::json(now, object)
}
