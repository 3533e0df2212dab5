//! `wechat drop`: files to and from one's own phone, over the file-transfer page.

pub(crate) mod download;
mod exec;
pub(crate) mod ledger;
mod receive;
pub(crate) mod save;
mod send;
mod steps;

#[cfg(all(test, unix))]
mod kill_tests;

use crate::args::{Drop, Global};
use crate::exit::{Exit, Failure};
use crate::output::Output;

/// Sends files to the phone, or saves those that it sends.
pub(crate) fn run(global: &Global, drop: &Drop, output: &Output) -> Result<Exit, Failure> {
    match &drop.receive {
        Some(folder) => receive::run(global, drop, folder, output),
        None => send::run(global, drop, output),
    }
}
