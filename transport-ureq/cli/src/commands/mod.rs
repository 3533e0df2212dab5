//! The commands, one file for each subject. A new command is a variant of [`Command`] and a line of [`run`].

mod chat;
mod completions;
mod contacts;
pub(crate) mod listen;
mod login;
mod logout;
pub(crate) mod messages;
pub(crate) mod send;
mod status;

use crate::args::{Args, Command};
use crate::exit::{Exit, Failure};
use crate::inspect;
use crate::output::Output;

/// Runs a command, and returns its exit code if it did not fail.
pub(crate) fn run(args: &Args, output: &Output) -> Result<Exit, Failure> {
    let global = &args.global;
    match &args.command {
        Command::Login(login) => login::run(global, login, output),
        Command::Status => status::run(global, output),
        Command::Logout => logout::run(global, output),
        Command::Contacts(contacts) => contacts::run(global, contacts, output),
        Command::Rooms => contacts::rooms(global, output),
        Command::Members(members) => contacts::members(global, members, output),
        Command::Send(send) => send::run(global, send, output),
        Command::Drop(drop) => crate::drop::run(global, drop, output),
        Command::Listen(listen) => listen::run(global, listen, output),
        Command::Chat(chat) => chat::run(global, chat, output),
        Command::Download(download) => messages::download(global, download, output),
        Command::Forward(forward) => messages::forward(global, forward, output),
        Command::Revoke(revoke) => messages::revoke(global, revoke, output),
        Command::Inspect(inspect) => inspect::run(inspect, output),
        Command::Bridge(bridge) => crate::bridge::run(global, bridge, output),
        Command::Completions(completions) => completions::run(completions),
    }
}
