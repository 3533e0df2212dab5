//! Tests that a receiver that is killed at every step saves each file exactly once.
//!
//! The receiver is a process: this test binary, run for the single test `receiver`, which ends at a
//! step whose number is in its environment.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use std::{env, fs, thread};

use clap::Parser as _;
use wechat_simulator::{EntryPage, Incoming, Server, Simulator, World};

use super::steps::KILL_AT;
use crate::args::Args;
use crate::commands;
use crate::lang::Lang;
use crate::output::Output;

/// The variable with the arguments of a process, one per line.
const ARGUMENTS: &str = "WECHAT_TEST_ARGUMENTS";

/// The process that the other test starts. Without the environment variable, the test does nothing.
#[test]
fn receiver_runs_with_the_given_arguments() {
    let Ok(arguments) = env::var(ARGUMENTS) else { return };
    let args = Args::try_parse_from(arguments.lines()).unwrap();
    let result = commands::run(&args, &Output::new(true, Lang::En));
    assert!(result.is_ok(), "{result:?}");
}

fn start(arguments: &[&str], kill_at: Option<usize>) -> Child {
    let mut command = Command::new(env::current_exe().unwrap());
    command
        .args(["--exact", "drop::kill_tests::receiver_runs_with_the_given_arguments"])
        .env(ARGUMENTS, [&["wechat"], arguments].concat().join("\n"))
        .env(KILL_AT, kill_at.map(|number| number.to_string()).unwrap_or_default())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command.spawn().unwrap()
}

#[test]
fn receiver_killed_at_any_step_saves_each_file_once() {
    let mut world = World::new(17);
    world.add_special("filehelper", "文件传输助手");
    world.entry_page(EntryPage::FileHelper);
    let simulator = Simulator::new(world);
    let server = Server::http(&simulator).unwrap();
    server.real_time();
    server.hold(Duration::from_millis(300));
    let (soon, place) = (Duration::from_millis(1), tempfile::tempdir().unwrap());
    simulator.then(soon, |world| world.phone().scan());
    simulator.then(soon, |world| world.phone().confirm());
    let (session, folder) = (place.path().join("a.session"), place.path().join("in"));
    let (session, origin) = (session.to_str().unwrap(), server.origin());
    let with = ["--server", &origin, "--session", session];
    let login = [&["login", "--json", "--entry", "filehelper"], &with[..]].concat();
    assert!(start(&login, None).wait().unwrap().success());
    let receive = [&["drop", "--receive", folder.to_str().unwrap()], &with[..]].concat();

    let (script, log) = (place.path().join("run.sh"), place.path().join("log"));
    fs::write(&script, format!("echo $WECHAT_MSG_ID >> {}", log.display())).unwrap();
    let exec = ["--exec", "/bin/sh", script.to_str().unwrap()];

    let sent = std::cell::RefCell::new(Vec::new());
    let send = |text: String| {
        let mut world = simulator.world();
        let me = "self";
        let message = Incoming::file(me, "报告.txt", text.clone());
        world.phone().sends("filehelper", message);
        sent.borrow_mut().push(text);
    };
    let mut steps = 0;
    loop {
        send(format!("{steps}, first"));
        send(format!("{steps}, second"));
        let two = [&receive[..], &["--count", "2"], &exec].concat();
        let is_killed = !start(&two, Some(steps)).wait().unwrap().success();
        send(format!("{steps}, last"));
        let last = format!("{steps}, last");
        let mut next = start(&[&receive[..], &exec].concat(), None);
        let begin = Instant::now();
        while !folder.exists() || !contents(&folder).contains(&last) {
            assert!(begin.elapsed() < Duration::from_secs(20), "step {steps}");
            thread::sleep(Duration::from_millis(2));
        }
        // After a regular end, the last file is acknowledged.
        let pid = next.id().to_string();
        assert!(Command::new("kill").args(["-s", "TERM", &pid]).status().unwrap().success());
        assert!(next.wait().unwrap().success());
        if !is_killed {
            break;
        }
        steps += 1;
    }
    assert!(steps > 20, "{steps} steps");
    let mut sent = sent.into_inner();
    sent.sort();
    assert_eq!(contents(&folder), sent);
    assert_eq!(fs::read_dir(&folder).unwrap().count(), sent.len(), "no temporary file is left");
    assert_eq!(simulator.world().violations(), []);
    // The program was started for most files, and at most once for each.
    let log = fs::read_to_string(log).unwrap();
    let ids: BTreeSet<_> = log.lines().collect();
    assert!(ids.len() == log.lines().count() && ids.len() > steps, "{log}");
}

/// Returns the contents of the files that are not hidden, sorted.
fn contents(folder: &Path) -> Vec<String> {
    let files = fs::read_dir(folder).unwrap().filter_map(Result::ok);
    let mut contents: Vec<_> = files
        .filter(|file| !file.file_name().to_str().unwrap().starts_with('.'))
        .filter_map(|file| fs::read_to_string(file.path()).ok())
        .collect();
    contents.sort();
    contents
}
