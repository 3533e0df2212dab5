//! The command `wechat`: files to and from one's own phone, messages, and a bridge for any language.

mod args;
mod bridge;
mod client;
mod commands;
mod drop;
mod exit;
mod inspect;
mod lang;
mod notes;
mod operate;
mod output;
mod profile;
mod signals;
mod upload;
mod visible;

use std::process::ExitCode;

use clap::error::ErrorKind;

use crate::args::{Args, usage};
use crate::exit::Exit;
use crate::lang::Lang;
use crate::output::Output;

fn main() -> ExitCode {
    let lang = Lang::of_arguments(std::env::args_os().skip(1));
    let args = match Args::read(lang) {
        Ok(args) => args,
        Err(error) if !error.use_stderr() => {
            // A closed standard output is not a failure of `--help` or `--version`.
            let _ = error.print();
            return ExitCode::SUCCESS;
        }
        // Without a command, prints the complete help.
        Err(error) if error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            let _ = error.print();
            return Exit::Usage.into();
        }
        Err(error) => {
            // The options could not be parsed, so this one is searched in the raw arguments.
            let json = std::env::args_os().any(|argument| argument == "--json");
            return Output::new(json, lang).fail(&usage::failure(&error));
        }
    };
    let output = Output::new(args.global.json, lang);
    match commands::run(&args, &output) {
        Ok(exit) => exit.into(),
        Err(failure) => output.fail(&failure),
    }
}
