//! The clients' own operations.

mod bots;
mod conveniences;
pub(crate) mod events;

use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};

use wechat_proto::Session;
use wechat_proto::store::Journal;

use crate::wire::Place;

/// Returns the `UserName` of the contact with this nickname.
fn named(place: &Place, name: &str) -> String {
    let world = place.simulator.world();
    let found = world.contacts().iter().find(|contact| contact.nick_name == name);
    found.unwrap().user_name.clone()
}

/// A temporary folder of one scenario.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let path =
            std::env::temp_dir().join(format!("wechat-face-{}-{number}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir(&path).unwrap();
        Self(path)
    }

    /// Returns the stored session, also while a client keeps its store.
    fn stored(&self) -> Session {
        let base = fs::read_to_string(self.0.join("bot.session")).unwrap();
        let lines = fs::read(self.0.join("bot.session.journal")).unwrap_or_default();
        Journal::read(&base, &lines).unwrap()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
