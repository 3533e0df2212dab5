//! Error answers. The service sends the complete body even then, with zeroes and empty values.

use crate::check::headers::NO_RANGE;
use crate::routes::login::{page, push};
use crate::routes::sync::lists;
use crate::routes::{media, rooms, synccheck, upload};
use crate::session::key_record;
use crate::wire::reply::{self, Node, Object, Reply};

/// Builds the answer of a call with this code.
pub(crate) fn refusal(name: &str, now: u64, ret: i64, message: &str) -> Reply {
    let none = Vec::<Node>::new;
    let no_key = || key_record(&Vec::new());
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
        "webwxnewloginpage" => return page::refused(now, ret, message),
        "webwxgetvideo" if ret == NO_RANGE => return media::empty(now),
        "webwxpushloginurl" => return push::refused(now, ret, message),
        "webwxcheckurl" => return reply::json(now, Object::new().with("retcode", ret)),
        "qrcode" => return reply::page(now, 404, "404 Not Found"),
        "webwxinit" => object
            .with_list("Count", "ContactList", none())
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
            .with_list("MPSubscribeMsgCount", "MPSubscribeMsgList", none())
            .with("ClickReportInterval", 0_i64),
        "webwxstatusnotify" => object.with("MsgID", ""),
        "webwxgetcontact" => {
            object.with_list("MemberCount", "MemberList", none()).with("Seq", 0_i64)
        }
        "webwxbatchgetcontact" => object.with_list("Count", "ContactList", none()),
        "webwxsync" => lists(object, [none(), none(), none()], None)
            .with("ContinueFlag", 0_i64)
            .with("SyncKey", no_key())
            .with("SKey", "")
            .with("SyncCheckKey", no_key()),
        "webwxcreatechatroom" => rooms::no_room(object),
        "webwxupdatechatroom" => rooms::changed(object, Vec::new()),
        "webwxsearchcontact" => object.with("List", none()),
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
