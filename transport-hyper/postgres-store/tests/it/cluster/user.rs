//! The user that runs the server, which refuses to run as root.

use std::fs;

/// A user, by its numbers.
#[derive(Clone, Copy, Debug)]
pub(super) struct User {
    pub(super) uid: u32,
    pub(super) gid: u32,
}

impl User {
    /// Returns the user to change to: `None` unless the tests run as root.
    pub(super) fn unprivileged() -> Option<Self> {
        rustix::process::geteuid().is_root().then(|| {
            let users = fs::read_to_string("/etc/passwd").unwrap();
            ["postgres", "nobody"]
                .iter()
                .find_map(|name| find(&users, name))
                .expect("a system has a `nobody`")
        })
    }
}

/// Finds a user in the text of `/etc/passwd`.
fn find(users: &str, name: &str) -> Option<User> {
    users.lines().find_map(|line| {
        let mut fields = line.split(':');
        let uid = fields.next().filter(|field| *field == name).and(fields.nth(1))?;
        Some(User { uid: uid.parse().ok()?, gid: fields.next()?.parse().ok()? })
    })
}
