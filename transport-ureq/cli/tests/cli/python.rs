//! The bridge from a Python program: `tests/bridge.py`.

use std::process::Command;

use wechat_simulator::{Incoming, Reaction};

use crate::place::{Place, run};

/// Returns whether there is a Python; reports a skipped test otherwise, which fails in CI.
fn has_python() -> bool {
    let has_it = Command::new("python3").arg("--version").output().is_ok();
    if !has_it {
        eprintln!("SKIPPED: python3 is not installed");
        let may_skip = std::env::var("CI").is_err() || std::env::var("ALLOW_SKIP").is_ok();
        assert!(may_skip, "python3 is not installed; ALLOW_SKIP=1 allows that");
    }
    has_it
}

/// Runs a part of the program against a place.
fn program(place: &Place, part: &str) {
    let wechat = place.command(&[]);
    let mut command = Command::new("python3");
    command.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/bridge.py")).arg(part);
    command.arg(wechat.get_program()).args(wechat.get_args()).env_clear();
    command.envs(wechat.get_envs().filter_map(|(name, value)| Some((name, value?))));
    command.envs(std::env::vars_os().filter(|(name, _)| name == "PATH"));
    let ran = run(&mut command);
    assert_eq!((ran.code, &*ran.stdout), (0, "done\n"), "{ran:?}");
}

#[test]
fn program_uses_all_operations_and_resumes_after_a_kill() {
    if !has_python() {
        return;
    }
    let place = Place::web();
    let mut world = place.world();
    let (ada, bob) = (world.add_person("Ada"), world.add_person("Bob"));
    let cy = world.add_stranger("Cy");
    world.add_room("Book club", &[&ada, &bob, &cy]);
    let eve = world.add_stranger("Eve");
    let eve = world.contact(&eve).unwrap().clone();
    let file = Incoming::file(&ada, "报告.pdf", &b"%PDF"[..]);
    let request = Incoming::friend_request(&eve, "hello");
    world.react(Reaction::new(file).equal_to("你好"));
    world.react(Reaction::new(request).equal_to("你好"));
    drop(world);
    place.confirm_login();
    program(&place, "session");
    assert_eq!(place.requests("jslogin"), 1);
    place.assert_no_violations();
}

#[test]
fn program_uses_http_and_server_sent_events() {
    if !has_python() {
        return;
    }
    let place = Place::web();
    let ada = place.world().add_person("Ada");
    let reaction = Reaction::new(Incoming::text(&ada, "heard")).equal_to("over HTTP");
    place.world().react(reaction);
    let place = place.logged_in("web");
    program(&place, "http");
    place.assert_no_violations();
}
