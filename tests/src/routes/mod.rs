//! The served calls, in one file per call or group of calls.

pub(crate) mod change;
pub(crate) mod contacts;
mod handle;
pub(crate) mod init;
pub(crate) mod login;
pub(crate) mod media;
pub(crate) mod misc;
pub(crate) mod refusal;
pub(crate) mod report;
pub(crate) mod rooms;
pub(crate) mod send;
pub(crate) mod sync;
pub(crate) mod synccheck;
pub(crate) mod upload;

use crate::check::route::Route;
use crate::world::layout::Role;

const SCRIPT: &str = "*/*";
const IMAGE: &str = "image/webp,image/apng,image/*,*/*;q=0.8";
const PLAYER: &str = "*/*";
const PAGE: &str =
    "text/html,application/xhtml+xml,application/xml;q=0.9,image/webp,image/apng,*/*;q=0.8";
const FORM: &str = "application/x-www-form-urlencoded";
/// The content type of the page's multipart forms; the boundary continues with 16 letters and digits.
const PARTS: &str = "multipart/form-data; boundary=----WebKitFormBoundary";

impl Route {
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
    let mut paths = [""; ALL.len()];
    let mut index = 0;
    while index < ALL.len() {
        paths[index] = ALL[index].path;
        index += 1;
    }
    paths
};

pub(crate) const ALL: &[Route] = &[
    Route::new("jslogin", "/jslogin", login::check_jslogin, login::jslogin)
        .at(Role::Login, SCRIPT)
        .open(),
    Route::new("qrcode", "/qrcode/{uuid}", login::check_qrcode, login::qrcode)
        .at(Role::Qrcode, IMAGE)
        .open(),
    Route::get("/cgi-bin/mmwebwx-bin/login", login::check_poll, login::watch)
        .at(Role::Login, SCRIPT)
        .open(),
    Route::get("/cgi-bin/mmwebwx-bin/webwxnewloginpage", login::page::check, login::page::answer)
        .open(),
    Route::post("/cgi-bin/mmwebwx-bin/webwxinit", init::check, init::answer),
    Route::post("/cgi-bin/mmwebwx-bin/webwxstatusnotify", init::check_notify, init::notify),
    Route::get("/cgi-bin/mmwebwx-bin/webwxgetcontact", contacts::check_book, contacts::book),
    Route::post(
        "/cgi-bin/mmwebwx-bin/webwxbatchgetcontact",
        contacts::check_batch,
        contacts::batch,
    ),
    Route::get("/cgi-bin/mmwebwx-bin/synccheck", synccheck::check, synccheck::watch)
        .at(Role::Push, SCRIPT),
    Route::post("/cgi-bin/mmwebwx-bin/webwxsync", sync::check, sync::answer),
    Route::post("/cgi-bin/mmwebwx-bin/webwxsendmsg", send::check_text, send::answer),
    Route::post("/cgi-bin/mmwebwx-bin/webwxsendmsgimg", send::media::check_image, send::answer),
    Route::post("/cgi-bin/mmwebwx-bin/webwxsendvideomsg", send::media::check_video, send::answer),
    Route::post(
        "/cgi-bin/mmwebwx-bin/webwxsendemoticon",
        send::media::check_emoticon,
        send::answer,
    ),
    Route::post("/cgi-bin/mmwebwx-bin/webwxsendappmsg", send::media::check_app, send::answer),
    Route::post("/cgi-bin/mmwebwx-bin/webwxrevokemsg", send::revoke::check, send::revoke::answer),
    Route::post(
        "/cgi-bin/mmwebwx-bin/webwxcheckupload",
        upload::check_upload::check,
        upload::check_upload::answer,
    ),
    Route::post("/cgi-bin/mmwebwx-bin/webwxuploadmedia", upload::check, upload::answer)
        .at(Role::File, SCRIPT)
        .with_content_type(PARTS),
    Route::post(
        "/cgi-bin/mmwebwx-bin/webwxuploadmediaparallel",
        upload::parallel::check,
        upload::answer,
    )
    .at(Role::File, SCRIPT)
    .with_content_type(PARTS),
    Route::post("/cgi-bin/mmwebwx-bin/webwxlogout", login::logout::check, login::logout::answer)
        .with_content_type(FORM),
    Route::post("/cgi-bin/mmwebwx-bin/webwxoplog", change::check_oplog, change::oplog),
    Route::post("/cgi-bin/mmwebwx-bin/webwxverifyuser", change::check_verify, change::verify),
    Route::post("/cgi-bin/mmwebwx-bin/webwxsearchcontact", change::check_search, change::search),
    Route::post("/cgi-bin/mmwebwx-bin/webwxcreatechatroom", rooms::check_create, rooms::create),
    Route::post("/cgi-bin/mmwebwx-bin/webwxupdatechatroom", rooms::check_update, rooms::update),
    Route::get("/cgi-bin/mmwebwx-bin/webwxgetmsgimg", media::check_image, media::answer)
        .at(Role::Api, IMAGE),
    Route::get("/cgi-bin/mmwebwx-bin/webwxgetvoice", media::check_voice, media::answer)
        .at(Role::Api, PLAYER)
        .ranged(),
    Route::get("/cgi-bin/mmwebwx-bin/webwxgetvideo", media::check_video, media::answer)
        .at(Role::Api, PLAYER)
        .ranged(),
    Route::get("/cgi-bin/mmwebwx-bin/webwxgetmedia", media::check_file, media::answer)
        .at(Role::File, PAGE),
    Route::get("/cgi-bin/mmwebwx-bin/webwxgetpubliclinkimg", media::check_map, media::answer)
        .at(Role::Api, IMAGE),
    Route::get("/cgi-bin/mmwebwx-bin/webwxgeticon", media::pictures::check_icon, media::answer)
        .at(Role::Api, IMAGE),
    Route::get(
        "/cgi-bin/mmwebwx-bin/webwxgetheadimg",
        media::pictures::check_head_img,
        media::answer,
    )
    .at(Role::Api, IMAGE),
    Route::get("/cgi-bin/mmwebwx-bin/webwxpushloginurl", login::push::check, login::push::answer)
        .open(),
    Route::post("/cgi-bin/mmwebwx-bin/webwxstatreport", report::check, report::answer).open(),
    Route::post("/cgi-bin/mmwebwx-bin/webwxsendfeedback", misc::check_feedback, misc::feedback),
    Route::get("/cgi-bin/mmwebwx-bin/webwxcheckurl", misc::check_link, misc::link),
    Route::get("/cgi-bin/mmwebwx-bin/webwxpreview", misc::check_preview, misc::preview)
        .at(Role::Api, IMAGE),
];
