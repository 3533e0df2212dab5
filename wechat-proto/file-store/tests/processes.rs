//! Tests with several processes, some of which are killed. The test binary starts itself as the
//! child process.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;
use wechat_file_store::FileStore;
use wechat_proto::error::StorageKind;
use wechat_proto::store::SessionStore as _;
use wechat_proto::{Error, Session, Timestamp};

const SAMPLE: &str = include_str!("../../src/session/samples/session-2.json");
const TASK: &str = "WECHAT_FILE_STORE_TASK";
const PATH: &str = "WECHAT_FILE_STORE_PATH";

/// The task of the child process; does nothing in the parent.
#[test]
fn other_process() {
    let Ok(task) = std::env::var(TASK) else { return };
    let path = std::env::var(PATH).unwrap();
    let mut store = FileStore::open(path).unwrap();
    match task.as_str() {
        "hold" => {
            println!("\nready");
            std::thread::sleep(Duration::from_secs(60));
        }
        "save" => {
            let mut session = store.load().unwrap().unwrap();
            for second in 2_000_000_000.. {
                session.next_client_msg_id(Timestamp::from_secs(second));
                store.save(&session).unwrap();
                println!("\nsaved {}", number(&session));
            }
        }
        "save once" => {
            let mut session = store.load().unwrap().unwrap();
            session.next_client_msg_id(Timestamp::from_secs(2_000_000_000));
            let Err(Error::Storage(failure)) = store.save(&session) else { panic!("saved") };
            assert_eq!(failure.kind, StorageKind::Write);
            println!("\nrefused");
        }
        other => panic!("{other}"),
    }
}

/// Returns a number that each save increases.
fn number(session: &Session) -> u64 {
    let json = session.to_json();
    let (_, rest) = json.split_once("\"last_client_msg_id\":").unwrap();
    rest.chars().take_while(char::is_ascii_digit).collect::<String>().parse().unwrap()
}

struct Folder(TempDir);

impl Folder {
    /// Returns a folder with a stored session.
    fn new() -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        folder.open().save(&Session::from_json(SAMPLE).unwrap()).unwrap();
        folder
    }

    fn path(&self) -> PathBuf {
        self.file("bot.session")
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn open(&self) -> FileStore {
        open_soon(&self.path())
    }
}

/// Opens a file that was closed. Until its `exec`, a child that another test starts at the same time
/// has a copy of the lock.
fn open_soon(path: &Path) -> FileStore {
    let end = Instant::now() + Duration::from_secs(5);
    loop {
        match FileStore::open(path) {
            Err(Error::InUse) if Instant::now() < end => std::thread::yield_now(),
            store => return store.unwrap(),
        }
    }
}

fn other(program: &Path, before: &[&str], task: &str, path: &Path) -> Child {
    let own = std::env::current_exe().unwrap();
    let mut command = Command::new(program);
    command.args(before).arg(own).args(["--exact", "other_process", "--nocapture"]);
    command.env(TASK, task).env(PATH, path).stdout(Stdio::piped()).stderr(Stdio::null());
    command.spawn().unwrap()
}

fn start(task: &str, path: &Path) -> Child {
    other(Path::new("/usr/bin/env"), &[], task, path)
}

/// Returns the lines of a process that start with a word, without that word.
fn lines_with(child: &mut Child, word: &'static str) -> impl Iterator<Item = String> + use<> {
    let lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    lines.filter_map(move |line| line.strip_prefix(word).map(|rest| rest.trim().to_owned()))
}

/// Another process holds the file under every name, even if its lock file is removed or replaced.
/// Killing it releases the lock.
///
/// Threat S2.
#[cfg(unix)]
#[test]
fn one_file_has_one_holder() {
    let folder = Folder::new();
    let (lock, link) = (folder.file("bot.session.lock"), folder.file("other.session"));
    let mut child = start("hold", &folder.path());
    assert!(lines_with(&mut child, "ready").next().is_some());
    let mut opened = Vec::new();
    let mut open = |label, path: &Path| opened.push((label, FileStore::open(path).map(drop)));
    open("the path", &folder.path());
    fs::hard_link(folder.path(), &link).unwrap();
    open("a hard link", &link);
    fs::remove_file(&lock).unwrap();
    open("no lock file", &folder.path());
    fs::remove_file(&lock).unwrap();
    fs::write(&lock, "").unwrap();
    open("another lock file", &folder.path());
    child.kill().unwrap();
    child.wait().unwrap();
    for (label, result) in opened {
        assert!(matches!(result, Err(Error::InUse)), "{label}: {result:?}");
    }
    let (mut first, second) = (folder.open(), FileStore::open(&link));
    assert!(matches!(second, Err(Error::InUse)));
    // Saving separates the two names.
    let session = first.load().unwrap().unwrap();
    first.save(&session).unwrap();
    assert!(open_soon(&link).load().unwrap().is_some());
}

/// A process that is killed while saving leaves a complete session: the last one that was reported
/// as saved, or a later one.
///
/// Threat S2. Threat S5.
#[cfg(unix)]
#[test]
fn a_killed_process_leaves_a_complete_session() {
    let folder = Folder::new();
    let before = number(&folder.open().load().unwrap().unwrap());
    let mut last = before;
    for round in 0..12 {
        let mut child = start("save", &folder.path());
        let mut saved = lines_with(&mut child, "saved");
        // The process is killed at a different time in each round.
        let reported = saved.nth(round % 4).map(|number| number.parse::<u64>().unwrap());
        std::thread::sleep(Duration::from_micros(437 * round as u64));
        child.kill().unwrap();
        child.wait().unwrap();
        let reported = saved.map(|number| number.parse().unwrap()).last().or(reported).unwrap();
        last = number(&folder.open().load().unwrap().unwrap());
        assert!(reported <= last, "{reported} was reported as saved, {last} is stored");
        assert!(!folder.file("bot.session.new").exists());
    }
    assert!(last > before);
}

/// If the file size limit is reached, saving fails and the previous session is kept.
///
/// Threat S2.
#[cfg(target_os = "linux")]
#[test]
fn a_file_size_limit_is_reported() {
    let folder = Folder::new();
    let load = || folder.open().load().unwrap().map(|session| session.to_json());
    let before = load();
    // Limits files to one block of 512 or 1,024 bytes, so that the write is incomplete.
    let script = "trap '' XFSZ; ulimit -f 1; exec \"$@\"";
    let mut child = other(Path::new("/bin/sh"), &["-c", script, "sh"], "save once", &folder.path());
    let refused = lines_with(&mut child, "refused").count();
    assert!(child.wait().unwrap().success());
    assert_eq!(refused, 1);
    assert!(before.is_some() && load() == before);
    assert!(!folder.file("bot.session.new").exists());
}
