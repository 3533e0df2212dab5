//! The programs of PostgreSQL.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::{env, fs, thread};

/// The folders of a distribution's packages, one for each major version.
const VERSIONS: &str = "/usr/lib/postgresql";
/// The programs that the tests use.
const PROGRAMS: [&str; 3] = ["initdb", "postgres", "createdb"];

/// Returns the folder of PostgreSQL's programs: `WECHAT_POSTGRES_BIN` if it is set, otherwise the first folder in
/// `PATH` or of Debian's packages that contains all of them.
///
/// Without one, prints that the current test is skipped and returns `None`, or panics in CI unless `ALLOW_SKIP=1`.
pub(super) fn programs() -> Option<&'static Path> {
    static FOUND: OnceLock<Option<PathBuf>> = OnceLock::new();
    let found = FOUND.get_or_init(|| match env::var_os("WECHAT_POSTGRES_BIN") {
        Some(folder) => Some(PathBuf::from(folder)).filter(|folder| has_programs(folder)),
        None => {
            let path = env::var_os("PATH").unwrap_or_default();
            // A symbolic link in `PATH` is resolved: the other programs are beside its target.
            let linked = env::split_paths(&path).filter_map(|folder| {
                Some(fs::canonicalize(folder.join("initdb")).ok()?.parent()?.to_owned())
            });
            linked.chain(packaged(Path::new(VERSIONS))).find(|folder| has_programs(folder))
        }
    });
    if found.is_none() {
        skip(
            "PostgreSQL (initdb, postgres, createdb) was not found: set WECHAT_POSTGRES_BIN, or \
             install it in PATH or /usr/lib/postgresql",
        );
    }
    found.as_deref()
}

/// Prints that the current test is skipped, even if the test harness captures its output.
///
/// # Panics
///
/// If the variable `CI` is set and `ALLOW_SKIP` is not `1`.
pub(crate) fn skip(reason: &str) {
    let thread = thread::current();
    let test = thread.name().unwrap_or("a test");
    // In one write, so that lines of several tests do not mix.
    let _ = io::stderr().write_all(format!("SKIPPED {test}: {reason}\n").as_bytes());
    let may_skip =
        env::var_os("CI").is_none() || env::var_os("ALLOW_SKIP").is_some_and(|value| value == "1");
    assert!(may_skip, "{reason}; ALLOW_SKIP=1 allows that");
}

fn has_programs(folder: &Path) -> bool {
    PROGRAMS.iter().all(|name| folder.join(name).is_file())
}

/// Returns the folders of all packaged versions, the newest first.
fn packaged(versions: &Path) -> Vec<PathBuf> {
    let versions = fs::read_dir(versions).into_iter().flatten().flatten();
    let mut numbered: Vec<(u32, PathBuf)> = versions
        .filter_map(|version| {
            Some((version.file_name().to_str()?.parse().ok()?, version.path().join("bin")))
        })
        .collect();
    numbered.sort_unstable();
    numbered.into_iter().rev().map(|(_, folder)| folder).collect()
}
