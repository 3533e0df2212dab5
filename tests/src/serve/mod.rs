//! The command `wechat-simulator`: the simulator for clients in any language.
//!
//! `docs/serve.md` of this package describes its use.

mod args;
mod authority;
mod build;
mod content;
mod control;
mod fault;
mod follow;
mod population;
mod ports;
mod problem;
mod run;
mod scenario;
mod simulation;

use std::process::ExitCode;

use clap::Parser as _;

/// Runs the command with the arguments of the process.
pub fn main() -> ExitCode {
    let result = match args::Args::parse().command {
        args::Command::Serve(options) => run::serve(&options),
        args::Command::Check { file } => scenario::check(&file),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
