//! `GET /jslogin`, `GET /qrcode/{uuid}`, `GET /cgi-bin/mmwebwx-bin/login` (docs/protocol.md §3.1–§3.3)

pub(crate) mod logout;
pub(crate) mod page;
pub(crate) mod push;

use jpeg_encoder::{ColorType, Encoder};
use qrcode::{Color, QrCode};

use crate::check::{Check, Rule};
use crate::session::{Code, Stage};
use crate::wire::reply;
use crate::wire::reply::Answer;
use crate::wire::request::{Decoded, decode, encode};
use crate::world::World;
use crate::world::layout::entry_of;

pub(crate) fn check_jslogin(check: &mut Check<'_>) {
    let origin = check.world.entry_origin(check.request);
    let desktop = if check.world.entry_page.is_desktop() { "?mod=desktop" } else { "" };
    let redirect = format!("{origin}/cgi-bin/mmwebwx-bin/webwxnewloginpage{desktop}");
    // The file-transfer page encodes the redirect twice: docs/protocol.md §15.
    let redirect =
        if check.world.entry_page.is_file_helper() { encode(&redirect) } else { redirect };
    let appid = Rule::is(check.world.entry_page.appid());
    let must = [
        ("appid", appid),
        ("fun", Rule::is("new")),
        ("lang", Rule::Lang),
        ("_", Rule::Millis),
        ("redirect_uri", Rule::is(redirect)),
    ];
    check.query(&must, &[]);
}

pub(crate) fn jslogin(world: &mut World, request: &Decoded) -> Answer {
    let uuid = format!("{}==", world.rng.word(10));
    request.get("lang").clone_into(&mut world.lang);
    let entries = world.entry_page.entries();
    if let Some(entry) = request.host().and_then(|host| entry_of(&host, entries)) {
        entry.clone_into(&mut world.entry);
    }
    world.redirected = false;
    let script = format!("window.QRLogin.code = 200; window.QRLogin.uuid = \"{uuid}\";");
    world.codes.push(Code { uuid, ..Code::default() });
    let mut reply = reply::script(world.now(), script);
    // The service sends this header twice; neither value says that the body is UTF-8.
    let second = http::HeaderValue::from_static("text/html; charset=gbk");
    reply.headers_mut().append(http::header::CONTENT_TYPE, second);
    Answer::Reply(reply)
}

fn uuid_of(path: &str) -> String {
    decode(path.rsplit_once('/').map_or("", |(_, uuid)| uuid))
}

pub(crate) fn check_qrcode(check: &mut Check<'_>) {
    let uuid = uuid_of(&check.request.path);
    if !check.world.codes.iter().any(|code| code.uuid == uuid) {
        check.wrong(format!("the path's uuid is `{uuid}`, which was not issued"));
    }
    check.query(&[], &[]);
}

/// The width of a module of the QR code, in pixels.
const SCALE: usize = 8;
/// The width of the margin, in modules.
const MARGIN: usize = 4;

pub(crate) fn qrcode(world: &mut World, request: &Decoded) -> Answer {
    Answer::Reply(match picture(&Code::url(&uuid_of(&request.path))) {
        Some(picture) => reply::plain(world.now(), 200, "image/jpeg", picture),
        None => reply::page(world.now(), 404, "404 Not Found"),
    })
}

/// Renders a QR code as a JPEG image. Returns `None` if the text is too long.
pub(crate) fn picture(text: &str) -> Option<Vec<u8>> {
    let code = QrCode::new(text).ok()?;
    let (modules, colors) = (code.width(), code.to_colors());
    let side = (modules + 2 * MARGIN) * SCALE;
    let module = |at: usize| (at / SCALE).checked_sub(MARGIN).filter(|at| *at < modules);
    let is_dark = |at: usize| {
        let place = module(at % side).zip(module(at / side));
        place.is_some_and(|(x, y)| colors[y * modules + x] == Color::Dark)
    };
    let pixels: Vec<u8> = (0..side * side).map(|at| if is_dark(at) { 0 } else { 255 }).collect();
    let (mut image, width) = (Vec::new(), u16::try_from(side).ok()?);
    Encoder::new(&mut image, 90).encode(&pixels, width, width, ColorType::Luma).ok()?;
    Some(image)
}

pub(crate) fn check_poll(check: &mut Check<'_>) {
    let uuid = check.request.get("uuid").to_owned();
    let code = check.world.codes.iter().find(|code| code.uuid == uuid);
    if code.is_none() && check.request.query.iter().any(|param| param.name == "uuid") {
        check.wrong_as(400, format!("query parameter `uuid` is `{uuid}`, which was not issued"));
    }
    let uuid = Rule::is(uuid);
    // The first poll to arrive may be the second one, if the first was lost.
    let tip = match code.is_some_and(|code| code.polled) {
        true => Rule::is("0"),
        false => Rule::one_of(&["1", "0"]),
    };
    let mut must = vec![
        ("loginicon", Rule::is("true")),
        ("uuid", uuid),
        ("tip", tip),
        ("r", Rule::NotMillis),
        ("_", Rule::Millis),
    ];
    if check.world.entry_page.is_file_helper() {
        must.push(("appid", Rule::is(check.world.entry_page.appid())));
    }
    check.query(&must, &[]);
}

/// Answers a poll by the current stage of its code.
pub(crate) fn watch(world: &mut World, request: &Decoded) -> Answer {
    let now = world.now();
    let say = |text: &str| reply::script(now, text.to_owned());
    let uuid = request.get("uuid");
    let Some(code) = world.codes.iter_mut().find(|code| code.uuid == uuid) else {
        return Answer::Reply(say("window.code=400;"));
    };
    match code.stage {
        Stage::Scanned if !code.scan_reported || request.get("tip") == "1" => {
            code.scan_reported = true;
            Answer::Reply(say(
                "window.code=201;window.userAvatar = 'data:img/jpg;base64,/9j/4AAQSkZJRgABAQAAAQABAAD/2Q==';",
            ))
        }
        Stage::Shown | Stage::Scanned => Answer::Hold(say("window.code=408;")),
        Stage::Confirmed => {
            let redirect = code.redirect.clone();
            world.redirected = true;
            let page =
                format!("{}/cgi-bin/mmwebwx-bin/webwxnewloginpage", world.layout.shard_origin());
            Answer::Reply(say(&format!(
                "window.code=200;\nwindow.redirect_uri=\"{page}?{redirect}\";"
            )))
        }
        Stage::Cancelled => Answer::Reply(say("window.code=202;")),
        Stage::Expired => Answer::Reply(say("window.code=400;")),
        Stage::Broken => Answer::Reply(say("window.code=500;")),
    }
}

#[cfg(test)]
mod tests {
    use crate::World;
    use crate::client::{Client, text};

    #[test]
    fn code_is_issued_and_shown() {
        let mut client = Client::new(World::new(1));
        let reply = client.jslogin();
        assert!(text(&reply).starts_with("window.QRLogin.code = 200; window.QRLogin.uuid = \""));
        assert_eq!(reply.headers().get_all("content-type").iter().count(), 2);
        let image = client.qrcode();
        assert_eq!(image.headers()["content-type"], "image/jpeg");
        assert!(image.body().starts_with(b"\xFF\xD8\xFF") && image.body().ends_with(b"\xFF\xD9"));
        client.assert_clean();
    }

    #[test]
    fn each_stage_is_reported_once() {
        let mut client = Client::new(World::new(1));
        client.jslogin();
        let before = client.now();
        assert_eq!(text(&client.poll()), "window.code=408;");
        assert!(client.now() - before >= 25_000);
        client.simulator.world().phone().scan();
        assert!(
            text(&client.poll())
                .starts_with("window.code=201;window.userAvatar = 'data:img/jpg;base64,")
        );
        assert_eq!(text(&client.poll()), "window.code=408;");
        client.simulator.world().phone().confirm();
        let reply = client.poll();
        let start = "window.code=200;\nwindow.redirect_uri=\"https://wx2.qq.com/cgi-bin/mmwebwx-bin/webwxnewloginpage?ticket=A";
        assert!(text(&reply).starts_with(start));
        assert!(text(&reply).contains("@qrticket_0&uuid="));
        client.assert_clean();
    }

    #[test]
    fn failed_logins_have_their_codes() {
        for (deed, answer) in [
            ((|world| world.phone().cancel()) as fn(&mut World), "window.code=202;"),
            (|world| world.phone().expire(), "window.code=400;"),
            (|world| world.phone().break_login(), "window.code=500;"),
        ] {
            let mut client = Client::new(World::new(1));
            client.jslogin();
            deed(&mut client.simulator.world());
            assert_eq!(text(&client.poll()), answer);
            client.jslogin();
            assert_eq!(text(&client.poll()), "window.code=408;");
            client.assert_clean();
        }
    }

    #[test]
    fn unknown_code_is_answered_as_expired() {
        let mut client = Client::new(World::new(1));
        client.jslogin();
        client.uuid = "other==".into();
        assert_eq!(text(&client.poll()), "window.code=400;");
        let found = client.violations();
        assert_eq!(found, ["login: query parameter `uuid` is `other==`, which was not issued"]);
    }
}
