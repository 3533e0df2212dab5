//! Entries for fuzzers, and for the replay of their corpora. Not part of the API: anything here may
//! change at any time.
//!
//! Each entry accepts any bytes and panics if a guarantee of `docs/threats.md` is violated. The fuzz
//! targets and `tests/it/corpus.rs` use the same table.

use alloc::format;
use alloc::string::String;
use core::fmt::Debug;

use bytes::Bytes;

use crate::account::Account;
use crate::device::Device;
use crate::flow::Response;
use crate::ids::UserName;
use crate::login::Credentials;
use crate::media::{FileKeys, MediaType, Uploaded};
use crate::session::{Me, Session};
use crate::sync::SyncKey;
use crate::time::Timestamp;

mod differential;
mod downloads;
mod endpoints;
mod flows;
mod json;
mod markup;
mod messages;
mod records;
mod script;
mod values;

pub use differential::DIFFERENTIAL;
pub use endpoints::{ENDPOINTS, Visitor, endpoints};
pub use messages::MESSAGES;
pub use records::RECORDS;

/// A function that accepts any bytes.
pub type Entry = fn(&[u8]);

/// The entries of a target, each with its name.
pub type Table = &'static [(&'static str, Entry)];

/// The targets. If a target has more than one entry, the first byte selects the entry, and the rest
/// is its input.
pub const TARGETS: &[(&str, Table)] = &[
    ("script", &[("script", script::script)]),
    ("xml", &[("document", markup::document), ("notice", markup::notice)]),
    ("text", &[("text", markup::text)]),
    ("json", &[("repair", json::repaired), ("typed", json::typed), ("session", json::session)]),
    ("differential", DIFFERENTIAL),
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

/// Returns all entries.
pub fn entries() -> impl Iterator<Item = &'static (&'static str, Entry)> {
    TARGETS.iter().flat_map(|(_, table)| *table)
}

/// Runs the target of this name.
///
/// # Panics
///
/// Panics if there is no such target, or if its entry panics.
pub fn run(name: &str, bytes: &[u8]) {
    let target = TARGETS.iter().find(|(target, _)| *target == name);
    dispatch(target.expect("a target of the table").1, bytes);
}

/// Runs the entry of `table` selected by the first byte on the rest; if there is only one entry, on
/// all bytes.
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

/// Returns an uploaded file, for tests without an upload.
pub fn uploaded(
    media_type: MediaType,
    media_id: &str,
    file_name: &str,
    size: u64,
    [aes_key, signature]: [&str; 2],
) -> Uploaded {
    let keys = FileKeys { aes_key: aes_key.into(), signature: signature.into() };
    let (media_id, file_name) = (media_id.into(), file_name.into());
    Uploaded { media_id, media_type, file_name, size, keys }
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

/// A part of each credential of [`account`].
const PLANTED: &str = "5e3d7a19c0ffee";

/// Checks `docs/threats.md` S1: the printed value does not show [`PLANTED`], unless the input
/// `bytes` contain it as well.
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
