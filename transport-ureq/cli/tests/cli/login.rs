//! `login`, `status` and the session.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::json;
use wechat_proto::Hosts;
use wechat_proto::hosts::{Family, Role};
use wechat_simulator::{EntryPage, Server, Simulator, World};

use crate::place::{Place, run, wechat};

#[test]
fn login_stores_a_session_that_is_resumed() {
    let place = Place::web();
    place.confirm_login();
    let ran = place.run(&["login", "--json"]);
    let kinds: Vec<_> = ran.lines().iter().map(|line| line["type"].clone()).collect();
    assert_eq!(kinds, ["qr", "scanned", "logged_in"], "{ran:?}");
    assert!(ran.lines()[0]["url"].as_str().unwrap().starts_with("https://login.weixin.qq.com/l/"));
    let session = place.path("state/wechat/default/web.session");
    assert_eq!(ran.lines()[2]["session"], json!(session.to_str()));

    let again = place.ok(&["login"]);
    assert!(again.starts_with("Logged in as "), "{again}");
    assert_eq!(place.requests("jslogin"), 1);
    place.assert_no_violations();
}

#[test]
fn login_without_a_terminal_fails_before_any_request() {
    let place = Place::web();
    place.run(&["login"]).assert_fails(3, &["needs a terminal", "wechat login --json"]);
    assert_eq!(place.world().log().len(), 0);
}

#[test]
fn status_has_an_exit_code_for_monitoring() {
    let place = Place::web();
    place.run(&["status"]).assert_fails(3, &["no session is stored"]);
    let place = place.logged_in("web");
    let shown = place.ok(&["status"]);
    assert!(shown.contains("is logged in; no command is running"), "{shown}");
    let ran = place.run(&["status", "--json"]);
    let line = &ran.lines()[0];
    assert_eq!((&line["v"], &line["type"]), (&json!(1), &json!("status")));
    assert_eq!((&line["holder"], &line["entry"]), (&json!(null), &json!("web")));
    place.world().phone().log_out();
    place.run(&["status"]).assert_fails(3, &["the session is closed: 1100", "wechat login"]);
    // The end is stored.
    place.run(&["status"]).assert_fails(3, &["the session is closed: 1100"]);
    place.assert_no_violations();
}

#[test]
fn session_of_another_server_is_not_used() {
    let place = Place::web().logged_in("web");
    let other = Place::web();
    let origin = other.server.origin();
    let ran = run(wechat(&place.path("")).args(["status", "--server", &origin]));
    ran.assert_fails(2, &["belongs to", &origin, "--profile"]);
    // Without the option, the session's own server is used.
    let ran = run(wechat(&place.path("")).args(["status"]));
    assert_eq!(ran.code, 0, "{ran:?}");
}

#[test]
fn real_hosts_are_reached_over_tls() {
    let mut world = World::new(17);
    world.add_special("filehelper", "文件传输助手");
    world.entry_page(EntryPage::FileHelper);
    let simulator = Simulator::new(world);
    let server = Server::tls(&simulator).unwrap();
    server.real_time();
    let folder = tempfile::tempdir().unwrap();
    let ca = folder.path().join("ca.der");
    std::fs::write(&ca, server.ca_der().unwrap()).unwrap();
    let soon = Duration::from_millis(5);
    simulator.then(soon, |world| world.phone().scan());
    simulator.then(soon, |world| world.phone().confirm());
    let roles = [Role::Login, Role::QrCode, Role::Api, Role::File, Role::Push];
    let origins = Family::FILE_HELPER.into_iter().flat_map(|family| {
        let hosts = Hosts::new(family);
        roles.map(|role| hosts.origin(role).as_str().replace("https://", ""))
    });
    let origins: BTreeSet<_> = origins.collect();
    let command = |arguments: &[&str]| {
        let mut command = wechat(folder.path());
        command.args(arguments).args(["--json", "--entry", "filehelper"]);
        for host in &origins {
            command.args(["--resolve", &format!("{host}:{}:127.0.0.1", server.addr().port())]);
        }
        run(&mut command)
    };
    let ran = command(&["login", "--ca", ca.to_str().unwrap()]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(simulator.world().violations(), []);

    // Without the certificate of its authority, the server is not trusted.
    let ran = command(&["status"]);
    ran.assert_fails(8, &["the server's certificate is not trusted", "--ca FILE"]);
}
