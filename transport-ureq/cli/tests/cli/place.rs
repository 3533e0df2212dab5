//! A simulated service, and the command started against it.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;
use wechat_simulator::{EntryPage, Server, Simulator, World, WorldGuard};

/// A simulated service and a folder for files and sessions. No command reaches another server.
pub(crate) struct Place {
    pub(crate) simulator: Simulator,
    pub(crate) server: Server,
    folder: TempDir,
}

/// The output of a command, and its exit code; -1 if a signal ended it.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Place {
    /// Returns a service with this world.
    pub(crate) fn new(world: World) -> Self {
        let simulator = Simulator::new(world);
        let server = Server::http(&simulator).unwrap();
        server.real_time();
        server.hold(Duration::from_millis(300));
        Self { simulator, server, folder: tempfile::tempdir().unwrap() }
    }

    /// Returns a service of the web page, with `filehelper` as the only contact.
    pub(crate) fn web() -> Self {
        let mut world = World::new(17);
        world.add_special("filehelper", "文件传输助手");
        Self::new(world)
    }

    /// Returns a service of the web page where the command has logged in, and a friend, Ada.
    pub(crate) fn with_ada() -> (Self, String) {
        let place = Self::web();
        let ada = place.world().add_person("Ada");
        (place.logged_in("web"), ada)
    }

    /// Returns a service of the file-transfer page.
    pub(crate) fn file_helper() -> Self {
        let mut world = World::new(17);
        world.add_special("filehelper", "文件传输助手");
        world.entry_page(EntryPage::FileHelper);
        Self::new(world)
    }

    /// Returns a place whose command has logged in.
    pub(crate) fn logged_in(self, entry: &str) -> Self {
        self.confirm_login();
        self.ok(&["login", "--json", "--entry", entry]);
        self
    }

    pub(crate) fn world(&self) -> WorldGuard<'_> {
        self.simulator.world()
    }

    /// Scans and confirms the next QR code.
    pub(crate) fn confirm_login(&self) {
        let soon = Duration::from_millis(5);
        self.simulator.then(soon, |world| world.phone().scan());
        self.simulator.then(soon, |world| world.phone().confirm());
    }

    /// Returns a path in the folder.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Creates a file in the folder, and returns its path.
    pub(crate) fn file(&self, name: &str, bytes: &[u8]) -> String {
        let path = self.path(name);
        std::fs::write(&path, bytes).unwrap();
        path.to_str().unwrap().to_owned()
    }

    /// Returns the command with these arguments, in English, without a terminal.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = wechat(self.folder.path());
        command.args(["--server", &self.server.origin()]).args(arguments);
        command
    }

    /// Runs a command to its end.
    pub(crate) fn run(&self, arguments: &[&str]) -> Ran {
        run(&mut self.command(arguments))
    }

    /// Runs a command to its end, with this standard input.
    pub(crate) fn run_with(&self, arguments: &[&str], input: &[u8]) -> Ran {
        let mut child = self.command(arguments).stdin(Stdio::piped()).spawn().unwrap();
        // The command may end without reading all of its input.
        let _ = child.stdin.take().unwrap().write_all(input);
        child.wait_with_output().unwrap().into()
    }

    /// Runs a command that succeeds, and returns its standard output.
    pub(crate) fn ok(&self, arguments: &[&str]) -> String {
        let ran = self.run(arguments);
        assert_eq!(ran.code, 0, "{arguments:?}: {ran:?}");
        ran.stdout
    }

    /// Sends 20 texts at the same time, each of which arrives once.
    pub(crate) fn send_at_once(&self) {
        let texts: Vec<_> = (10..30).map(|number| format!("text {number}")).collect();
        let send = |text: &String| self.command(&["send", "filehelper", text]).spawn().unwrap();
        for mut child in texts.iter().map(send).collect::<Vec<_>>() {
            assert_eq!(child.wait().unwrap().code(), Some(0));
        }
        let mut sent: Vec<_> =
            self.world().sent().iter().map(|sent| sent.content.clone()).collect();
        sent.sort();
        assert_eq!(sent, texts);
    }

    /// Returns the number of requests of an endpoint.
    pub(crate) fn requests(&self, endpoint: &str) -> usize {
        self.world().log().iter().filter(|logged| logged.endpoint == endpoint).count()
    }

    pub(crate) fn assert_no_violations(&self) {
        assert_eq!(self.world().violations(), []);
    }
}

impl Ran {
    /// Returns the JSON lines of standard output.
    pub(crate) fn lines(&self) -> Vec<Value> {
        self.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// Asserts a failure with this code and one line on standard error, which contains all words.
    #[track_caller]
    pub(crate) fn assert_fails(&self, code: i32, words: &[&str]) {
        assert_eq!((self.code, self.stderr.lines().count()), (code, 1), "{self:?}");
        for word in words {
            assert!(self.stderr.contains(word), "{word}: {self:?}");
        }
        for debug in ["Error {", "Some(", "kind:", "panicked"] {
            assert!(!self.stderr.contains(debug), "{self:?}");
        }
    }
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).unwrap();
        let (stdout, stderr) = (text(output.stdout), text(output.stderr));
        Self { code: output.status.code().unwrap_or(-1), stdout, stderr }
    }
}

/// Returns the command with a clean environment, whose sessions are in this folder.
pub(crate) fn wechat(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_wechat"));
    command
        .env_clear()
        .env("HOME", folder)
        .env("XDG_STATE_HOME", folder.join("state"))
        .env("LANG", "en_US.UTF-8")
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// Runs a command to its end. One that takes more than 30 seconds is killed.
pub(crate) fn run(command: &mut Command) -> Ran {
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let pid = child.id().to_string();
    let (sender, receiver) = channel::<()>();
    let guard = std::thread::spawn(move || {
        if receiver.recv_timeout(Duration::from_secs(30)) == Err(RecvTimeoutError::Timeout) {
            Command::new("kill").args(["-9", &pid]).status().unwrap();
        }
    });
    let ran = child.wait_with_output().unwrap().into();
    drop(sender);
    guard.join().unwrap();
    ran
}

/// Sends a signal to a command.
pub(crate) fn signal(child: &Child, name: &str) {
    let pid = child.id().to_string();
    assert!(Command::new("kill").args(["-s", name, &pid]).status().unwrap().success());
}

/// Returns pseudorandom times after which a test kills commands, each below 128 ms. There are 6 of
/// them, or 50 with `WECHAT_SWEEP=all`.
pub(crate) fn kill_times(mut seed: u64) -> impl Iterator<Item = Duration> {
    let is_complete = std::env::var("WECHAT_SWEEP").is_ok_and(|value| value == "all");
    (0..if is_complete { 50 } else { 6 }).map(move |_| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        Duration::from_millis(seed >> 57)
    })
}

/// Waits until a condition holds.
#[track_caller]
pub(crate) fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !condition() {
        assert!(begin.elapsed() < Duration::from_secs(20), "{what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}
