//! The fuzz targets, and the table of all endpoints that they and other tests share.
//!
//! Each entry accepts any bytes and panics if a guarantee of `docs/threats.md` is violated. The
//! programs in `fuzz_targets` and the replay in `tests/it/corpus.rs` use the same table, [`TARGETS`].

use std::fmt::Debug;
use std::str::FromStr;

use bytes::Bytes;
use wechat_proto::flow::Response;
use wechat_proto::login::{Credentials, InitSession};
use wechat_proto::{Account, Device, Endpoint as _, Timestamp, UserName, fuzz};

mod checks;
mod differential;
mod downloads;
mod endpoints;
mod flows;
mod json;
mod messages;
mod records;
mod text;

pub use endpoints::{ENDPOINTS, Make, Row, Visitor, endpoints};

/// A function that accepts any bytes.
pub type Entry = fn(&[u8]);

/// The entries of a target, each with its name.
pub type Table = &'static [(&'static str, Entry)];

/// The targets. If a target has more than one entry, the first byte selects the entry, and the rest
/// is its input.
pub const TARGETS: &[(&str, Table)] = &[
    ("script", &[("script", fuzz::script)]),
    ("xml", &[("document", fuzz::document), ("notice", text::notice)]),
    ("text", &[("text", text::text)]),
    ("json", &[("repair", fuzz::repaired), ("typed", json::typed), ("session", json::session)]),
    ("differential", differential::ENTRIES),
    ("cookie", &[("cookie", fuzz::cookie)]),
    (
        "values",
        &[
            ("query", fuzz::query_value),
            ("file_name", fuzz::file_name),
            ("link", downloads::link),
            ("redirect", fuzz::redirect),
        ],
    ),
    ("endpoints", ENDPOINTS),
    ("messages", messages::ENTRIES),
    ("records", &[("contact", records::one), ("merges", records::merges)]),
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
        (_, [first, rest @ ..]) => table[usize::from(*first) % table.len()].1(rest),
        (_, []) => {}
    }
}

/// The time of all requests.
pub const NOW: Timestamp = Timestamp::from_millis(1_476_606_163_580);

/// A part of each credential of [`account`].
const PLANTED: &str = "5137019420553";

/// Checks `docs/threats.md` S1: the printed value does not show [`PLANTED`], unless the input
/// `bytes` contain it as well.
fn hides_secrets(printed: &impl Debug, bytes: &[u8]) {
    let text = format!("{printed:?}");
    let shown = text.contains(PLANTED);
    assert!(!shown || String::from_utf8_lossy(bytes).contains(PLANTED), "{text}");
}

fn reply(bytes: &[u8]) -> Response {
    Response::new(Bytes::copy_from_slice(bytes))
}

/// Parses a value.
fn of<T: FromStr<Err: Debug>>(text: &str) -> T {
    text.parse().expect("a valid value")
}

fn credentials() -> Credentials {
    let [sid, skey, ticket] = ["sid", "skey", "ticket"].map(|name| format!("{name}-{PLANTED}"));
    Credentials::new(PLANTED, &sid, &skey, &ticket).expect("valid credentials")
}

/// Returns an account with two recent chats and no contacts.
pub fn account() -> Account {
    let init = r#"{"BaseResponse":{"Ret":0},"User":{"UserName":"filehelper","NickName":"me","Uin":1},"ChatSet":"@@1,@2"}"#;
    let init = InitSession::new(credentials()).parse(&reply(init.as_bytes())).expect("a reply");
    Account::open(Device::new(), credentials(), init, NOW)
}

fn me() -> UserName {
    UserName::file_helper()
}
