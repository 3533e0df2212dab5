//! A PostgreSQL server for the tests, in a temporary folder, reachable over a Unix socket in that folder only.
//!
//! [`shared`] returns one for all tests of a binary; a test that stops or restarts its server starts one with [`Cluster::start`].
//! Each test creates its own database with [`Cluster::create_database`].
//!
//! A shell is the parent of the server. It stops the server and removes the folder when the pipe from the tests is closed:
//! when the [`Cluster`] is dropped, and also when the process of the tests panics, exits or is killed.

pub(crate) mod find;
mod user;

use std::io::Write as _;
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use std::{fs, thread};

use self::find::programs;
use self::user::User;

/// Returns the server that all tests of this binary share, or `None` if PostgreSQL is not installed.
///
/// In that case it prints that the test is skipped, and why.
///
/// # Panics
///
/// If PostgreSQL is not installed, the variable `CI` is set and `ALLOW_SKIP` is not `1`, or if the server does not start.
pub(crate) fn shared() -> Option<&'static Cluster> {
    static SHARED: OnceLock<Cluster> = OnceLock::new();
    let programs = programs()?;
    Some(SHARED.get_or_init(|| Cluster::with_programs(programs)))
}

/// A running PostgreSQL server. It is stopped, and its folder removed, when dropped.
#[derive(Debug)]
pub(crate) struct Cluster {
    programs: PathBuf,
    user: Option<User>,
    folder: PathBuf,
    shell: Child,
    databases: AtomicUsize,
}

/// The settings of the server. Without `fsync`, a committed transaction survives the end of the server, but not that of the
/// machine.
const SETTINGS: [&str; 5] = [
    "listen_addresses=", "shared_buffers=16MB", "max_connections=200", "fsync=off",
    "full_page_writes=off",
];

/// Runs a server with the programs in the folder `$0`, the cluster in the folder `$1` and the options after it. Each line of
/// the input is a signal, which stops a running server; an empty line starts it again.
///
/// In a shell without job control, a process in the background ignores SIGINT and SIGQUIT until it handles them, as the
/// server does.
const SHELL: &str = r#"
programs=$0 folder=$1
shift
start() {
    "$programs/postgres" -D "$folder/data" -k "$folder" "$@" </dev/null >>"$folder/log" 2>&1 &
    server=$!
}
stop() {
    if [ "$server" ]; then
        kill -s "$1" "$server"
        wait "$server"
    fi
    server=
}
start "$@"
while read -r signal; do
    if [ "$signal" ]; then stop "$signal"; else start "$@"; fi
done
stop QUIT
cd /
rm -rf "$folder"
"#;

impl Cluster {
    /// Starts a server, or returns `None` like [`shared`] if PostgreSQL is not installed.
    pub(crate) fn start() -> Option<Self> {
        Some(Self::with_programs(programs()?))
    }

    fn with_programs(programs: &Path) -> Self {
        let user = User::unprivileged();
        let folder = tempfile::Builder::new().prefix("wechat-postgres-").tempdir().unwrap().keep();
        if let Some(User { uid, gid }) = user {
            chown(&folder, Some(uid), Some(gid)).unwrap();
        }
        let mut initdb = command(&programs.join("initdb"), user, &folder);
        initdb.args([
            "--auth=trust", "--no-locale", "--encoding=UTF8", "--username=wechat", "--no-sync",
        ]);
        let output = initdb.arg("--pgdata").arg(folder.join("data")).output().unwrap();
        assert!(output.status.success(), "{output:?}");

        let mut shell = command("sh".as_ref(), user, &folder);
        shell.args(["-c", SHELL]).args([programs, &folder]);
        shell.args(SETTINGS.iter().flat_map(|setting| ["-c", setting]));
        // An interrupt from the terminal reaches only the tests.
        shell.process_group(0).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        let shell = shell.spawn().unwrap();
        let cluster = Self {
            programs: programs.to_owned(),
            user,
            folder,
            shell,
            databases: AtomicUsize::new(0),
        };
        cluster.wait_until(true);
        cluster
    }

    /// Returns the temporary folder, which contains the socket.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Creates an empty database. Returns its connection string, as `tokio_postgres::Config` parses it.
    pub(crate) fn create_database(&self) -> String {
        let name = format!("test_{}", self.databases.fetch_add(1, Ordering::Relaxed));
        let mut createdb = command(&self.programs.join("createdb"), self.user, &self.folder);
        createdb.arg("--host").arg(&self.folder).args(["--username=wechat", &name]);
        let output = createdb.output().unwrap();
        assert!(output.status.success(), "{output:?}");
        format!("host={} user=wechat dbname={name}", self.folder.display())
    }

    /// Stops the server like a power failure would, and waits until it is stopped. Connections are closed.
    pub(crate) fn stop(&mut self) {
        self.send("QUIT\n");
        self.wait_until(false);
    }

    /// Starts the stopped server, and waits until it accepts connections.
    pub(crate) fn resume(&mut self) {
        self.send("\n");
        self.wait_until(true);
    }

    fn send(&mut self, line: &str) {
        self.shell.stdin.as_mut().expect("taken only on drop").write_all(line.as_bytes()).unwrap();
    }

    /// Waits until the server is ready or stopped.
    fn wait_until(&self, ready: bool) {
        let end = Instant::now() + Duration::from_secs(60);
        loop {
            let file = fs::read_to_string(self.folder.join("data/postmaster.pid"));
            let is_expected = match file {
                // The eighth line is its status. A file of an earlier run has been removed.
                Ok(file) => {
                    ready && file.lines().nth(7).is_some_and(|status| status.trim() == "ready")
                }
                Err(_) => !ready,
            };
            if is_expected {
                return;
            }
            assert!(
                Instant::now() < end,
                "{}",
                fs::read_to_string(self.folder.join("log")).unwrap_or_default()
            );
            thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        drop(self.shell.stdin.take());
        let _ = self.shell.wait();
    }
}

/// Returns a command that runs as a user, in a folder which that user may enter.
fn command(program: &Path, user: Option<User>, folder: &Path) -> Command {
    let mut command = Command::new(program);
    command.current_dir(folder);
    if let Some(User { uid, gid }) = user {
        // Also drops the supplementary groups of root.
        command.uid(uid).gid(gid);
    }
    command
}
