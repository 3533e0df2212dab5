//! Tests of the script, and of waking held polls.

use std::task::{Context, Waker};

use super::*;
use crate::Layout;
use crate::client::{Client, text};

#[test]
fn steps_run_when_a_poll_has_no_news() {
    let mut client = Client::new(World::demo());
    client.simulator.then(Duration::from_secs(3), |world| world.phone().scan());
    client.simulator.then(Duration::from_secs(60), |_| {});
    client.simulator.then(Duration::from_secs(2), |world| world.phone().confirm());
    client.jslogin();
    let start = client.now();
    assert!(text(&client.poll()).starts_with("window.code=201;"));
    assert_eq!(client.now() - start, 3_007);
    assert!(text(&client.poll()).starts_with("window.code=200;"));
    assert_eq!(client.now() - start, 65_014);
    assert!(client.simulator.is_done());
    client.login_page();
    client.init();
    client.sync();
    let start = client.now();
    assert!(text(&client.check()).contains("selector:\"0\""));
    assert_eq!(client.now() - start, 25_007);
    client.simulator.then(Duration::from_secs(1), |world| world.phone().kick());
    assert!(text(&client.check()).contains("retcode:\"1101\""));
    client.assert_clean();
}

#[test]
fn polls_are_woken_only_by_news() {
    let mut client = Client::new(World::demo());
    client.jslogin();
    let uuid = client.uuid.clone();
    let simulator = client.simulator.clone();
    let is_woken_by = |act: &dyn Fn(&mut Client)| {
        let mut client = Client::new(World::new(0));
        client.simulator = simulator.clone();
        client.uuid.clone_from(&uuid);
        let mut held = std::pin::pin!(simulator.shared().polls.notified());
        held.as_mut().enable();
        act(&mut client);
        held.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready()
    };
    let step = |deed: fn(&mut World)| {
        move |client: &mut Client| {
            let step = Step { after: HOLD, deed: Box::new(deed), due: None };
            client.simulator.script().push_back(step);
            assert!(client.simulator.step());
        }
    };
    type Act<'a> = &'a dyn Fn(&mut Client);
    let rows: [(_, Act<'_>, _); 8] = [
        ("no step", &|client: &mut Client| assert!(!client.simulator.step()), false),
        ("a step without effect", &step(|_| {}), false),
        ("a scan", &step(|world| world.phone().scan()), true),
        ("a request", &|client| drop(client.qrcode()), false),
        ("a poll", &|client| drop(client.poll()), false),
        ("a look", &|client| drop(client.simulator.world()), false),
        ("a message", &step(|world| drop(world.person_writes("filehelper", "hi"))), true),
        ("another world", &|client| *client.simulator.world() = World::demo(), true),
    ];
    for (label, act, expected) in rows {
        assert_eq!(is_woken_by(act), expected, "{label}");
    }
}

#[test]
fn next_reply_can_be_replaced() {
    let mut client = Client::new(World::demo());
    client.jslogin();
    let garbage =
        Response::builder().status(503).body(Bytes::from_static(b"<html>")).expect("a reply");
    client.simulator.world().reply_with("login", garbage);
    assert_eq!(client.poll().status(), 503);
    client.simulator.world().refuse("jslogin", 400, "");
    assert!(text(&client.jslogin()).starts_with("window.QRLogin.code = 400;"));
    client.assert_clean();
}

#[test]
fn one_origin_serves_every_role() {
    let mut world = World::demo();
    world.layout(Layout::One { origin: "http://127.0.0.1:8080".into() });
    let mut client = Client::new(world);
    client.page = "http://127.0.0.1:8080".into();
    client.log_in();
    client.sync();
    client.simulator.world().person_writes("filehelper", "hi");
    assert!(text(&client.check()).contains("selector:\"2\""));
    client.sync();
    client.message("filehelper", "ho");
    client.log_out();
    client.assert_clean();
    let log = client.simulator.world().log()[0].render();
    assert!(log.starts_with("GET //127.0.0.1:8080/jslogin?appid=wx782c26e4c19acffb&redirect_uri=http%3A%2F%2F127.0.0.1%3A8080%2F"), "{log}");
}
