//! Entries for fuzzers, and for the replay of their corpora. Not part of the API: anything here
//! may change at any time.
//!
//! Each entry takes any bytes and panics if a promise of `docs/threats.md` is broken. The fuzz
//! targets and `tests/it/corpus.rs` drive the same table.

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

mod dialects;
mod downloads;
mod endpoints;
mod flows;
mod messages;
mod records;

pub use dialects::DIALECTS;
pub use endpoints::ENDPOINTS;
pub use flows::FLOWS;
pub use messages::MESSAGES;
pub use records::RECORDS;

/// What takes any bytes.
pub type Entry = fn(&[u8]);

/// All entries, each under a name of its own.
pub fn entries() -> impl Iterator<Item = &'static (&'static str, Entry)> {
    ENDPOINTS.iter().chain(DIALECTS).chain(MESSAGES).chain(RECORDS).chain(FLOWS)
}

const NOW: Timestamp = Timestamp::from_millis(1_476_606_163_580);

/// Runs an entry of [`ENDPOINTS`], chosen by the first byte, on the rest.
pub fn endpoints(bytes: &[u8]) {
    dispatch(ENDPOINTS, bytes);
}

/// Runs an entry of [`DIALECTS`], chosen by the first byte, on the rest.
pub fn dialects(bytes: &[u8]) {
    dispatch(DIALECTS, bytes);
}

/// Runs an entry of [`MESSAGES`], chosen by the first byte, on the rest.
pub fn messages(bytes: &[u8]) {
    dispatch(MESSAGES, bytes);
}

/// Runs an entry of [`RECORDS`], chosen by the first byte, on the rest.
pub fn records(bytes: &[u8]) {
    dispatch(RECORDS, bytes);
}

/// Runs the entry of `table` that the first byte chooses on the rest.
pub fn dispatch(table: &[(&str, Entry)], bytes: &[u8]) {
    if let Some((first, rest)) = bytes.split_first()
        && let Some((_, entry)) = table.get(usize::from(*first) % table.len().max(1))
    {
        entry(rest);
    }
}

/// Runs the entry of this name.
///
/// # Panics
///
/// If there is none, and where the entry does.
pub fn run(name: &str, bytes: &[u8]) {
    let entry = entries().find(|(entry, _)| *entry == name);
    entry.expect("an entry of the table").1(bytes);
}

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

fn account() -> Account {
    let secret = || "secret".parse().unwrap_or_default();
    let auth = Credentials { uin: secret(), sid: secret(), skey: secret(), pass_ticket: secret() };
    let mut account = Account::from(Session::new(Device::new(), auth, me(), SyncKey::default()));
    account.session.chat_set = ["@@1", "@2"].iter().filter_map(|name| name.parse().ok()).collect();
    account
}
