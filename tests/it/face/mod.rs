//! The clients' own operations.

mod bots;
mod conveniences;
pub(crate) mod events;

use std::fs;

use wechat_proto::Session;
use wechat_proto::store::Journal;

use crate::wire::Folder;

/// Returns the session stored in a folder, also while a client keeps its store.
fn stored(folder: &Folder) -> Session {
    let base = fs::read_to_string(folder.file()).unwrap();
    let lines = fs::read(folder.0.join("bot.session.journal")).unwrap_or_default();
    Journal::read(&base, &lines).unwrap()
}
