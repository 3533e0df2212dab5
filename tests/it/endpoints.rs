//! The table of every endpoint, held against the protocol's reference, the fuzz entries, the
//! simulator and what the scenarios ask. That its links lead somewhere, rustdoc checks.

use std::collections::BTreeSet;

use wechat_proto::fuzz;
use wechat_simulator::ROUTES;

use crate::wire::{Memory, Place};
use crate::{
    directory, downloads, entries, forwarding, kinds, odds, resume, rooms, secrets, sending, story,
    systems, trouble, uploads,
};

const TABLE: &str = include_str!("../../wechat-proto/docs/endpoints.md");
const REFERENCE: &str = include_str!("../../wechat-proto/docs/protocol.md");

/// Names in the reference that look like paths.
const NO_PATHS: [(&str, &str); 2] = [
    ("webwxuvid", "a cookie"),
    ("webwxreport", "another name for webwxstatreport: no source has such a path"),
];

/// The cells of each row: endpoint, builder, parser, route, fuzz entry, source.
fn rows() -> Vec<Vec<&'static str>> {
    let rows = TABLE.lines().filter(|line| line.starts_with('|')).skip(2);
    rows.map(|line| line.trim_matches('|').split('|').map(str::trim).collect()).collect()
}

/// The last part of a row's path: `webwxinit` of `POST /cgi-bin/mmwebwx-bin/webwxinit`.
fn name(row: &[&str]) -> &'static str {
    let path = path(row).trim_end_matches("/{uuid}");
    path.rsplit('/').next().unwrap_or_default().to_owned().leak()
}

fn path<'a>(row: &[&'a str]) -> &'a str {
    row[0].trim_matches('`').split_once(' ').map_or("", |(_, path)| path)
}

/// The paths that the reference names.
fn referred() -> BTreeSet<&'static str> {
    let words = REFERENCE.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    let paths = words.filter(|word| {
        let rest = word.strip_prefix("webwx");
        let call = rest.is_some_and(|rest| {
            !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_lowercase())
        });
        call || matches!(*word, "jslogin" | "synccheck" | "login" | "qrcode")
    });
    paths.filter(|word| !NO_PATHS.iter().any(|(name, _)| name == word)).collect()
}

fn columns(wanted: fn(&[&'static str]) -> &'static str) -> BTreeSet<&'static str> {
    rows().iter().map(|row| wanted(row)).collect()
}

#[test]
fn no_cell_is_empty() {
    for row in rows() {
        assert_eq!(row.len(), 6, "{row:?}");
        assert!(row.iter().all(|cell| !cell.is_empty() && *cell != "-"), "{row:?}");
        assert!(row[0].starts_with("`GET /") || row[0].starts_with("`POST /"), "{row:?}");
        assert!(row[1].contains("](crate::") && row[2].contains("](crate::"), "{row:?}");
    }
    let names = columns(name);
    assert_eq!(names.len(), rows().len(), "a path is there twice");
}

#[test]
fn every_path_of_the_reference_is_in_it() {
    assert!(referred().len() > 30, "{:?}", referred());
    assert_eq!(columns(name), referred());
}

#[test]
fn every_path_has_a_fuzz_entry() {
    let entries: BTreeSet<&str> = fuzz::ENDPOINTS.iter().map(|(name, _)| *name).collect();
    let missing: Vec<_> = columns(name).difference(&entries).copied().collect();
    assert!(missing.is_empty(), "without a fuzz entry: {missing:?}");
    for row in rows() {
        for entry in row[4].split(", ") {
            assert!(entries.contains(entry.trim_matches('`')), "{row:?}");
        }
    }
}

#[test]
fn every_path_has_a_route() {
    let routes: BTreeSet<&str> = ROUTES.iter().copied().collect();
    let paths: BTreeSet<&str> = rows().iter().map(|row| path(row)).collect();
    assert_eq!(paths, routes);
    for row in rows() {
        assert_eq!(row[3].trim_matches('`'), name(&row), "{row:?}");
    }
}

#[test]
fn every_source_is_a_paragraph() {
    for row in rows() {
        for source in row[5].split(", ") {
            let number = source.strip_prefix('§').unwrap_or_else(|| panic!("{row:?}"));
            let heading = match number.contains('.') {
                true => format!("\n### {number} "),
                false => format!("\n## {number}. "),
            };
            assert!(REFERENCE.contains(&heading), "{source} of {row:?}");
        }
    }
}

/// Runs all scenarios in memory.
#[test]
fn the_scenarios_ask_every_path() {
    let all = [
        story::asked(),
        trouble::asked(),
        entries::asked(),
        odds::asked(),
        sending::asked(),
        forwarding::asked(),
        rooms::asked(),
        downloads::asked(),
        uploads::asked(),
        secrets::asked(),
        systems::asked(),
        directory::asked(),
        kinds::asked(),
        resume::asked(),
    ];
    // Not on each wire, for the time that it takes: 26 MB.
    let place = Place::memory(uploads::world());
    uploads::announced::<Memory>(&place);
    let world = place.simulator.world();
    let announced = world.log().iter().map(|logged| logged.endpoint.clone());
    let asked: BTreeSet<String> = all.into_iter().flatten().chain(announced).collect();
    let missing: Vec<_> = columns(name).into_iter().filter(|name| !asked.contains(*name)).collect();
    assert!(missing.is_empty(), "no scenario asks {missing:?}");
}
