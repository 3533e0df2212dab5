//! The table of the targets.

use wechat_proto::fuzz;

use super::endpoints::ENDPOINTS;
use super::{Entry, differential, downloads, flows, json, messages, records, text};

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
