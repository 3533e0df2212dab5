//! Programs that are started for received files.

use std::io;
use std::path::Path;
use std::process::{Command, Stdio};

/// Runs a program with its arguments and the absolute path of a file, without a shell, and waits for
/// its end. Its output goes to standard error.
///
/// # Errors
///
/// The reason if the program cannot be started, or its status if it fails.
pub(crate) fn run(argv: &[String], path: &Path, id: &str) -> Result<(), String> {
    let Some((program, arguments)) = argv.split_first() else { return Ok(()) };
    let status = Command::new(program)
        .args(arguments)
        .arg(path)
        .env("WECHAT_MSG_ID", id)
        .stdin(Stdio::null())
        .stdout(io::stderr())
        .status()
        .map_err(|error| error.to_string())?;
    if status.success() { Ok(()) } else { Err(status.to_string()) }
}
