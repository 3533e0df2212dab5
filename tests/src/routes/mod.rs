//! The served calls, in one file per call or group of calls.

pub(crate) mod change;
pub(crate) mod contacts;
pub(crate) mod init;
pub(crate) mod login;
pub(crate) mod login_page;
pub(crate) mod logout;
pub(crate) mod media;
pub(crate) mod misc;
pub(crate) mod pictures;
pub(crate) mod probe;
pub(crate) mod push;
pub(crate) mod refusal;
pub(crate) mod report;
pub(crate) mod revoke;
pub(crate) mod rooms;
pub(crate) mod send;
pub(crate) mod send_media;
pub(crate) mod sync;
pub(crate) mod synccheck;
pub(crate) mod upload;
pub(crate) mod upload_parallel;
mod upload_parts;

use crate::check::Check;
use crate::dialect::Dialect;
use crate::layout::Role;
use crate::request::Decoded;
use crate::simulator::Answer;
use crate::world::World;

/// A call: its address, the form of its requests, its check and its effect.
pub(crate) struct Route {
    pub(crate) name: &'static str,
    pub(crate) path: &'static str,
    pub(crate) role: Role,
    pub(crate) accept: &'static str,
    pub(crate) post: bool,
    pub(crate) content_type: &'static str,
    /// Whether it is requested as a range of all bytes.
    pub(crate) ranged: bool,
    /// Whether it needs a session.
    pub(crate) session: bool,
    pub(crate) check: fn(&mut Check<'_>),
    /// Answers a valid request.
    pub(crate) act: fn(&mut World, &Decoded) -> Answer,
}

const SCRIPT: &str = "*/*";
const IMAGE: &str = "image/webp,image/apng,image/*,*/*;q=0.8";
const DATA: &str = "application/json, text/plain, */*";
const PLAYER: &str = "*/*";
const PAGE: &str =
    "text/html,application/xhtml+xml,application/xml;q=0.9,image/webp,image/apng,*/*;q=0.8";
const JSON: &str = "application/json;charset=UTF-8";
const FORM: &str = "application/x-www-form-urlencoded";
/// The content type of the page's multipart forms; the boundary continues with 16 letters and digits.
const PARTS: &str = "multipart/form-data; boundary=----WebKitFormBoundary";

impl Route {
    const fn get(
        name: &'static str,
        path: &'static str,
        check: fn(&mut Check<'_>),
        act: fn(&mut World, &Decoded) -> Answer,
    ) -> Self {
        Self {
            name,
            path,
            role: Role::Api,
            accept: DATA,
            post: false,
            content_type: "",
            ranged: false,
            session: true,
            check,
            act,
        }
    }

    const fn post(
        name: &'static str,
        path: &'static str,
        check: fn(&mut Check<'_>),
        act: fn(&mut World, &Decoded) -> Answer,
    ) -> Self {
        Self { post: true, content_type: JSON, ..Self::get(name, path, check, act) }
    }

    const fn at(self, role: Role, accept: &'static str) -> Self {
        Self { role, accept, ..self }
    }

    const fn ranged(self) -> Self {
        Self { ranged: true, ..self }
    }

    const fn open(self) -> Self {
        Self { session: false, ..self }
    }

    /// Returns whether the call is a POST in this dialect.
    pub(crate) fn posted_in(&self, dialect: Dialect) -> bool {
        self.post || dialect == Dialect::Biezhi && matches!(self.name, "qrcode" | "webwxgetcontact")
    }

    /// Returns the route of a path.
    pub(crate) fn of(path: &str) -> Option<&'static Self> {
        ALL.iter().find(|route| match route.path.strip_suffix("{uuid}") {
            Some(start) => {
                path.strip_prefix(start).is_some_and(|rest| !rest.is_empty() && !rest.contains('/'))
            }
            None => route.path == path,
        })
    }
}

/// The served paths.
pub const ROUTES: &[&str] = &{
    let mut paths = [""; CALLS.len()];
    let mut index = 0;
    while index < CALLS.len() {
        paths[index] = CALLS[index].path;
        index += 1;
    }
    paths
};

pub(crate) static ALL: &[Route] = CALLS;

const CALLS: &[Route] = &[
    Route::get("jslogin", "/jslogin", login::check_jslogin, login::jslogin)
        .at(Role::Login, SCRIPT)
        .open(),
    Route::get("qrcode", "/qrcode/{uuid}", login::check_qrcode, login::qrcode)
        .at(Role::Qrcode, IMAGE)
        .open(),
    Route::get("login", "/cgi-bin/mmwebwx-bin/login", login::check_poll, login::poll)
        .at(Role::Login, SCRIPT)
        .open(),
    Route::get(
        "webwxnewloginpage",
        "/cgi-bin/mmwebwx-bin/webwxnewloginpage",
        login_page::check,
        login_page::answer,
    )
    .open(),
    Route::post("webwxinit", "/cgi-bin/mmwebwx-bin/webwxinit", init::check, init::answer),
    Route::post(
        "webwxstatusnotify",
        "/cgi-bin/mmwebwx-bin/webwxstatusnotify",
        init::check_notify,
        init::notify,
    ),
    Route::get(
        "webwxgetcontact",
        "/cgi-bin/mmwebwx-bin/webwxgetcontact",
        contacts::check_book,
        contacts::book,
    ),
    Route::post(
        "webwxbatchgetcontact",
        "/cgi-bin/mmwebwx-bin/webwxbatchgetcontact",
        contacts::check_batch,
        contacts::batch,
    ),
    Route::get("synccheck", "/cgi-bin/mmwebwx-bin/synccheck", synccheck::check, synccheck::answer)
        .at(Role::Push, SCRIPT),
    Route::post("webwxsync", "/cgi-bin/mmwebwx-bin/webwxsync", sync::check, sync::answer),
    Route::post(
        "webwxsendmsg",
        "/cgi-bin/mmwebwx-bin/webwxsendmsg",
        send::check_text,
        send::answer,
    ),
    Route::post(
        "webwxsendmsgimg",
        "/cgi-bin/mmwebwx-bin/webwxsendmsgimg",
        send_media::check_image,
        send::answer,
    ),
    Route::post(
        "webwxsendvideomsg",
        "/cgi-bin/mmwebwx-bin/webwxsendvideomsg",
        send_media::check_video,
        send::answer,
    ),
    Route::post(
        "webwxsendemoticon",
        "/cgi-bin/mmwebwx-bin/webwxsendemoticon",
        send_media::check_emoticon,
        send::answer,
    ),
    Route::post(
        "webwxsendappmsg",
        "/cgi-bin/mmwebwx-bin/webwxsendappmsg",
        send_media::check_app,
        send::answer,
    ),
    Route::post(
        "webwxrevokemsg",
        "/cgi-bin/mmwebwx-bin/webwxrevokemsg",
        revoke::check,
        revoke::answer,
    ),
    Route::post(
        "webwxcheckupload",
        "/cgi-bin/mmwebwx-bin/webwxcheckupload",
        probe::check,
        probe::answer,
    ),
    Route {
        content_type: PARTS,
        ..Route::post(
            "webwxuploadmedia",
            "/cgi-bin/mmwebwx-bin/webwxuploadmedia",
            upload::check,
            upload::answer,
        )
        .at(Role::File, SCRIPT)
    },
    Route {
        content_type: PARTS,
        ..Route::post(
            "webwxuploadmediaparallel",
            "/cgi-bin/mmwebwx-bin/webwxuploadmediaparallel",
            upload_parallel::check,
            upload::answer,
        )
        .at(Role::File, SCRIPT)
    },
    Route {
        content_type: FORM,
        ..Route::post(
            "webwxlogout",
            "/cgi-bin/mmwebwx-bin/webwxlogout",
            logout::check,
            logout::answer,
        )
    },
    Route::post(
        "webwxoplog",
        "/cgi-bin/mmwebwx-bin/webwxoplog",
        change::check_oplog,
        change::oplog,
    ),
    Route::post(
        "webwxverifyuser",
        "/cgi-bin/mmwebwx-bin/webwxverifyuser",
        change::check_verify,
        change::verify,
    ),
    Route::post(
        "webwxsearchcontact",
        "/cgi-bin/mmwebwx-bin/webwxsearchcontact",
        change::check_search,
        change::search,
    ),
    Route::post(
        "webwxcreatechatroom",
        "/cgi-bin/mmwebwx-bin/webwxcreatechatroom",
        rooms::check_create,
        rooms::create,
    ),
    Route::post(
        "webwxupdatechatroom",
        "/cgi-bin/mmwebwx-bin/webwxupdatechatroom",
        rooms::check_update,
        rooms::update,
    ),
    Route::get(
        "webwxgetmsgimg",
        "/cgi-bin/mmwebwx-bin/webwxgetmsgimg",
        media::check_image,
        media::image,
    )
    .at(Role::Api, IMAGE),
    Route::get(
        "webwxgetvoice",
        "/cgi-bin/mmwebwx-bin/webwxgetvoice",
        media::check_voice,
        media::voice,
    )
    .at(Role::Api, PLAYER)
    .ranged(),
    Route::get(
        "webwxgetvideo",
        "/cgi-bin/mmwebwx-bin/webwxgetvideo",
        media::check_video,
        media::video,
    )
    .at(Role::Api, PLAYER)
    .ranged(),
    Route::get(
        "webwxgetmedia",
        "/cgi-bin/mmwebwx-bin/webwxgetmedia",
        media::check_file,
        media::file,
    )
    .at(Role::File, PAGE),
    Route::get(
        "webwxgetpubliclinkimg",
        "/cgi-bin/mmwebwx-bin/webwxgetpubliclinkimg",
        media::check_map,
        media::map,
    )
    .at(Role::Api, IMAGE),
    Route::get(
        "webwxgeticon",
        "/cgi-bin/mmwebwx-bin/webwxgeticon",
        pictures::check_icon,
        pictures::icon,
    )
    .at(Role::Api, IMAGE),
    Route::get(
        "webwxgetheadimg",
        "/cgi-bin/mmwebwx-bin/webwxgetheadimg",
        pictures::check_head_img,
        pictures::head_img,
    )
    .at(Role::Api, IMAGE),
    Route::get(
        "webwxpushloginurl",
        "/cgi-bin/mmwebwx-bin/webwxpushloginurl",
        push::check,
        push::answer,
    )
    .open(),
    Route::post(
        "webwxstatreport",
        "/cgi-bin/mmwebwx-bin/webwxstatreport",
        report::check,
        report::answer,
    )
    .open(),
    Route::post(
        "webwxsendfeedback",
        "/cgi-bin/mmwebwx-bin/webwxsendfeedback",
        misc::check_feedback,
        misc::feedback,
    ),
    Route::get("webwxcheckurl", "/cgi-bin/mmwebwx-bin/webwxcheckurl", misc::check_link, misc::link),
    Route::get(
        "webwxpreview",
        "/cgi-bin/mmwebwx-bin/webwxpreview",
        misc::check_preview,
        misc::preview,
    )
    .at(Role::Api, IMAGE),
];
