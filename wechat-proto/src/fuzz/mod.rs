//! Entries for fuzzers, and for the replay of their corpora. Not part of the API: anything here
//! may change at any time.
//!
//! Each entry takes any bytes and panics if a promise of `docs/threats.md` is broken. The fuzz
//! targets and `tests/it/corpus.rs` drive the same table.

use alloc::format;
use alloc::string::String;
use core::fmt::Debug;

use bytes::Bytes;

use crate::account::Account;
use crate::device::Device;
use crate::flow::Response;
use crate::ids::UserName;
use crate::login::Credentials;
use crate::media::{MediaType, Uploaded};
use crate::session::{Me, Session};
use crate::sync::SyncKey;
use crate::time::Timestamp;

mod downloads;
mod endpoints;
mod flows;
mod json;
mod markup;
mod messages;
mod records;
mod script;
mod values;

pub use endpoints::{ENDPOINTS, Visitor, endpoints};
pub use messages::MESSAGES;
pub use records::RECORDS;

/// What takes any bytes.
pub type Entry = fn(&[u8]);

/// What the bytes of a target may be, each under a name of its own.
pub type Table = &'static [(&'static str, Entry)];

/// The targets. In those that have more than one entry, the first byte chooses it, and the rest is
/// its input.
pub const TARGETS: &[(&str, Table)] = &[
    ("script", &[("script", script::script)]),
    ("xml", &[("document", markup::document), ("notice", markup::notice)]),
    ("text", &[("text", markup::text)]),
    ("json", &[("repair", json::mended), ("reader", json::quickly), ("session", json::session)]),
    ("cookie", &[("cookie", values::cookie)]),
    (
        "values",
        &[
            ("query", values::query),
            ("file_name", downloads::file_name),
            ("link", downloads::link),
            ("redirect", values::redirect),
        ],
    ),
    ("endpoints", ENDPOINTS),
    ("messages", MESSAGES),
    ("records", RECORDS),
    ("login", &[("login flow", flows::login)]),
    ("contacts", &[("contacts flow", flows::contacts)]),
    ("inbox", &[("inbox flow", flows::inbox)]),
    ("fetch", &[("fetch flow", flows::fetch)]),
    ("room", &[("room flow", flows::room)]),
    ("upload", &[("upload flow", flows::upload)]),
];

/// All entries.
pub fn entries() -> impl Iterator<Item = &'static (&'static str, Entry)> {
    TARGETS.iter().flat_map(|(_, table)| *table)
}

/// Runs the target of this name.
///
/// # Panics
///
/// If there is none, and where its entry does.
pub fn run(name: &str, bytes: &[u8]) {
    let target = TARGETS.iter().find(|(target, _)| *target == name);
    dispatch(target.expect("a target of the table").1, bytes);
}

/// Runs the entry of `table` that the first byte chooses on the rest; if there is only one, on all
/// of it.
pub fn dispatch(table: &[(&str, Entry)], bytes: &[u8]) {
    match (table, bytes) {
        ([(_, only)], _) => only(bytes),
        (_, [first, rest @ ..]) => {
            if let Some((_, entry)) = table.get(usize::from(*first) % table.len().max(1)) {
                entry(rest);
            }
        }
        (_, []) => {}
    }
}

const NOW: Timestamp = Timestamp::from_millis(1_476_606_163_580);

/// A file that the service has taken, for tests that have not uploaded one.
pub fn uploaded(
    media_type: MediaType,
    media_id: &str,
    file_name: &str,
    size: u64,
    signature: &str,
) -> Uploaded {
    let (media_id, file_name, signature) = (media_id.into(), file_name.into(), signature.into());
    Uploaded { media_id, media_type, file_name, size, signature }
}

fn reply(bytes: &[u8]) -> Response {
    Response::new(Bytes::copy_from_slice(bytes))
}

fn me() -> Me {
    Me {
        user_name: UserName::file_helper(),
        nick_name: "me".into(),
        head_img_url: "".into(),
        uin: 1,
        signature: "".into(),
        sex: 0,
    }
}

/// What each credential of [`account`] has in it.
const PLANTED: &str = "5e3d7a19c0ffee";

/// `docs/threats.md` S1: nothing that is printed shows what was planted, unless `bytes`, which came
/// from elsewhere, have it too.
fn hides_secrets(printed: &impl Debug, bytes: &[u8]) {
    let text = format!("{printed:?}");
    let shown = text.contains(PLANTED);
    assert!(!shown || String::from_utf8_lossy(bytes).contains(PLANTED), "{text}");
}

fn account() -> Account {
    let secret = |name: &str| format!("{name}-{PLANTED}").parse().unwrap_or_default();
    let auth = Credentials {
        uin: secret("uin"),
        sid: secret("sid"),
        skey: secret("skey"),
        pass_ticket: secret("ticket"),
    };
    let mut account = Account::from(Session::new(Device::new(), auth, me(), SyncKey::default()));
    account.session.chat_set = ["@@1", "@2"].iter().filter_map(|name| name.parse().ok()).collect();
    account
}
