//! The clients' own operations.

mod bots;
mod conveniences;
pub(crate) mod events;

use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};

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
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
