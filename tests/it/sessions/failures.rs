//! Common failures, on every wire.

use std::time::Duration;

use bytes::Bytes;
use wechat_proto::error::Ret;
use wechat_proto::message::SendText;
use wechat_proto::{Error, Session, UserName};
use wechat_simulator::World;

use super::word;
use crate::wire::{Bot, Place, named, on_all_wires};

const SOON: Duration = Duration::from_secs(1);

/// Returns an account with one friend.
fn world() -> World {
    let mut world = World::new(5);
    world.add_person("朋友");
    world
}

fn writes(place: &Place, texts: &'static [&'static str]) {
    place.simulator.then(SOON, |world| {
        let friend = named(world, "朋友");
        texts.iter().for_each(|text| {
            world.person_writes(&friend, text);
        });
    });
}

pub(super) fn text_of_next<B: Bot>(bot: &mut B) -> String {
    bot.next_text().text().unwrap().to_owned()
}

fn login_refused<B: Bot>(place: &Place) {
    let words = "为了你的帐号安全，此微信号已不允许登录网页微信。";
    place.world().refuse_login(1203, words);
    place.confirm_login();
    match B::login(place, |_| {}).map(drop) {
        Err(Error::Refused { endpoint: "webwxnewloginpage", ret: Ret::ENVIRONMENT, message }) => {
            assert_eq!(&*message, words);
        }
        other => panic!("{other:?}"),
    }
    place.assert_no_violations();
}

fn code_renewed<B: Bot>(place: &Place) {
    place.simulator.then(SOON, |world| world.phone().cancel());
    place.simulator.then(SOON, |world| world.phone().expire());
    place.simulator.then(SOON, |world| world.phone().break_login());
    place.confirm_login();
    let mut seen = Vec::new();
    B::login(place, |progress| seen.push(word(progress))).unwrap();
    assert_eq!(seen, ["code", "cancelled", "code", "code", "code", "scanned", "logged in"]);
    place.assert_no_violations();
}

/// Threat S8.
fn kicked<B: Bot>(place: &Place) {
    place.confirm_login();
    writes(place, &["one"]);
    place.simulator.then(SOON, |world| world.phone().kick());
    let mut bot = B::login(place, |_| {}).unwrap();
    assert_eq!(text_of_next(&mut bot), "one");
    let closed = |error: Error| matches!(error, Error::LoggedOut { ret: Ret::SESSION_INVALID, .. });
    assert!(closed(bot.next().unwrap().unwrap_err()));
    assert!(bot.next().is_none(), "the inbox ends after one error");
    let requests = place.world().log().len();
    let to = UserName::file_helper();
    assert!(closed(bot.call(SendText::new(to.clone(), "x")).unwrap_err()));
    assert_eq!(place.world().log().len(), requests + 1);
    assert_eq!(bot.session().device().closed(), Some(Ret::SESSION_INVALID));
    place.assert_no_violations();
}

/// A call that fails because the session was closed also ends the inbox.
///
/// Threat S8.
fn kicked_while_sending<B: Bot>(place: &Place) {
    place.confirm_login();
    writes(place, &["one"]);
    let mut bot = B::login(place, |_| {}).unwrap();
    let message = bot.next_text();
    place.world().phone().restrict();
    let sent = bot.call(SendText::new(message.peer().clone(), "x"));
    assert!(matches!(sent, Err(Error::LoggedOut { ret: Ret::COOKIE_INVALID, .. })));
    let requests = place.world().log().len();
    assert!(matches!(bot.next(), Some(Err(Error::LoggedOut { .. }))));
    assert_eq!(place.world().log().len(), requests, "no request is sent");
    place.assert_no_violations();
}

/// Threat J5.
fn malformed_responses<B: Bot>(place: &Place) {
    place.confirm_login();
    for (n, endpoint) in
        ["synccheck", "webwxsync", "synccheck", "webwxsync"].into_iter().enumerate()
    {
        let bodies = ["<html>502 Bad Gateway</html>", "", "{\"BaseResponse\":{\"Ret\":", "\u{0}"];
        let status = [502, 200, 503, 200][n];
        let body = Bytes::from_static(bodies[n].as_bytes());
        place.simulator.then(SOON, move |world| {
            let reply = http::Response::builder().status(status).body(body).unwrap();
            world.reply_with(endpoint, reply);
            let friend = named(world, "朋友");
            world.person_writes(&friend, "through");
        });
    }
    let mut bot = B::login(place, |_| {}).unwrap();
    for _ in 0..4 {
        assert_eq!(text_of_next(&mut bot), "through");
    }
    place.assert_no_violations();
}

fn account_changes<B: Bot>(place: &Place) {
    place.confirm_login();
    place.simulator.then(SOON, |world| {
        world.phone().renames_self("新名字");
        world.refresh_skey();
        let friend = named(world, "朋友");
        world.change_contact(&friend, |contact| "备注".clone_into(&mut contact.remark_name));
        world.person_writes(&friend, "one");
    });
    writes(place, &["two"]);
    let mut bot = B::login(place, |_| {}).unwrap();
    let name = bot.next_text().peer().clone();
    assert_eq!(&*bot.session().me().nick_name, "新名字");
    // The simulator reports a violation unless the new skey is used.
    bot.call(SendText::new(name.clone(), "x")).unwrap();
    assert_eq!(text_of_next(&mut bot), "two");
    let directory = bot.contacts().unwrap();
    assert_eq!(&*directory.name_of(&name), "备注");
    place.assert_no_violations();
}

fn send_refused<B: Bot>(place: &Place) {
    place.confirm_login();
    writes(place, &["one"]);
    let mut bot = B::login(place, |_| {}).unwrap();
    let to = bot.next_text().peer().clone();
    let refuse = |ret, text: &str| place.world().refuse("webwxsendmsg", ret, text);
    let mut send = || bot.call(SendText::new(to.clone(), "x"));
    refuse(1204, "");
    assert!(matches!(send(), Err(Error::Refused { ret: Ret::NOT_A_CONTACT, .. })));
    refuse(1205, "<e><Content><![CDATA[操作太频繁]]></Content></e>");
    assert!(matches!(send(), Err(Error::Limited { message, .. }) if &*message == "操作太频繁"));
    send().unwrap();
    assert_eq!(place.world().sent().len(), 1);
    place.assert_no_violations();
}

/// After a kill in the middle of a batch, the session is resumed from the store: no message is
/// lost, and only the message in progress is delivered again.
///
/// Threats S4 and S5.
fn resumed<B: Bot>(place: &Place) {
    place.confirm_login();
    place.world().announce_recent_chats(false);
    writes(place, &["1", "2", "3", "4", "5"]);
    writes(place, &["6"]);
    let mut bot = B::login(place, |_| {}).unwrap();
    assert_eq!([text_of_next(&mut bot), text_of_next(&mut bot)], ["1", "2"]);
    let third = bot.next_text();
    let stored = bot.session().to_json();
    let mut with_effect = bot.session();
    with_effect.acknowledge(&third);
    drop(bot);

    let mut bot = B::resume(place, Session::from_json(&stored).unwrap());
    assert_eq!([text_of_next(&mut bot), text_of_next(&mut bot)], ["3", "4"]);
    drop(bot);

    let mut bot = B::resume(place, Session::from_json(&with_effect.to_json()).unwrap());
    assert_eq!([(); 3].map(|()| text_of_next(&mut bot)), ["4", "5", "6"]);
    place.assert_no_violations();
}

/// Messages are acknowledged manually, out of order. A resumed session receives the others.
///
/// Threat S5.
fn acknowledged_out_of_order<B: Bot>(place: &Place) {
    place.confirm_login();
    place.world().announce_recent_chats(false);
    writes(place, &["1", "2", "3"]);
    let mut bot = B::login(place, |_| {}).unwrap();
    bot.manual();
    let messages = [(); 3].map(|()| bot.next_text());
    let none = bot.session().to_json();
    bot.acknowledge(&messages[2]);
    bot.acknowledge(&messages[0]);
    let some = bot.session().to_json();
    bot.acknowledge(&messages[1]);
    writes(place, &["4"]);
    assert_eq!(text_of_next(&mut bot), "4");
    let all = bot.session().to_json();
    drop(bot);

    for (stored, expected) in
        [(none, vec!["1", "2", "3", "4"]), (some, vec!["2", "4"]), (all, vec!["4"])]
    {
        let mut bot = B::resume(place, Session::from_json(&stored).unwrap());
        let received: Vec<String> = expected.iter().map(|_| text_of_next(&mut bot)).collect();
        assert_eq!(received, expected);
    }
    place.assert_no_violations();
}

on_all_wires! {
    login_refused in super::world();
    acknowledged_out_of_order in super::world();
    code_renewed in super::world();
    kicked in super::world();
    kicked_while_sending in super::world();
    malformed_responses in super::world();
    account_changes in super::world();
    send_refused in super::world();
    resumed in super::world();
}
