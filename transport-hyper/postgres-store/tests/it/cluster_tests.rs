//! The PostgreSQL server stops when the tests end.

use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::process::ExitStatusExt as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use std::{env, io, thread};

use crate::cluster::{self, Cluster};

/// If set, [`cluster_process`] starts a server and ends in this way.
const END: &str = "WECHAT_CLUSTER_END";

/// The process of the other tests. Without their environment variable, it does nothing.
#[test]
fn cluster_process() {
    let Ok(end) = env::var(END) else { return };
    let cluster = Cluster::start().expect("the test has found PostgreSQL");
    io::stdout().write_all(format!("\n@{}\n", cluster.folder().display()).as_bytes()).unwrap();
    match &*end {
        "panic" => panic!("as the test requests"),
        "exit" => std::process::exit(0),
        _ => thread::sleep(Duration::from_secs(60)),
    }
}

#[test]
fn server_is_removed_after_panic_exit_and_kill() {
    if cluster::shared().is_none() {
        return;
    }
    for end in ["panic", "exit", "kill"] {
        let start = Instant::now();
        let mut command = Command::new(env::current_exe().unwrap());
        command.args(["cluster_tests::cluster_process", "--exact", "--nocapture"]).env(END, end);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        let folder = lines.find_map(|line| Some(PathBuf::from(line.strip_prefix('@')?))).unwrap();
        println!("started a server in {:?}", start.elapsed());
        if end == "kill" {
            assert!(folder.join("data/postmaster.pid").exists());
            child.kill().unwrap();
        }
        let status = child.wait().unwrap();
        assert_eq!(status.signal().is_some(), end == "kill", "{status}");
        let deadline = Instant::now() + Duration::from_secs(30);
        while folder.exists() {
            assert!(Instant::now() < deadline, "{end}: {} is left", folder.display());
            thread::sleep(Duration::from_millis(5));
        }
    }
}
