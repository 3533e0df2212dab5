//! `wechat completions SHELL`

use std::io::{self, Write as _};

use clap::CommandFactory as _;

use crate::args::{Args, Completions};
use crate::exit::{Exit, Failure};

/// Prints the completions for a shell.
pub(crate) fn run(completions: &Completions) -> Result<Exit, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(completions.shell, &mut Args::command(), "wechat", &mut script);
    io::stdout().write_all(&script).map_err(Failure::stdout)?;
    Ok(Exit::Done)
}
