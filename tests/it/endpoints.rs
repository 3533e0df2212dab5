//! Compares `docs/endpoints.md` with the library, the protocol reference, the fuzz entries, the
//! simulator, and the requests of all scenarios. `cargo doc` checks its links.

use std::collections::BTreeSet;
use std::fmt::Debug;

use wechat_proto::fuzz::{self, Visitor, endpoints};
use wechat_proto::{Account, Endpoint, Timestamp};
use wechat_simulator::ROUTES;

use crate::wire::{Bot as _, Memory, Place};
use crate::{
    directory, downloads, entries, failures, file_helper, forwarding, kinds, misc, resume, rooms,
    secrets, sending, story, system_messages, uploads,
};

const TABLE: &str = include_str!("../../wechat-proto/docs/endpoints.md");
const REFERENCE: &str = include_str!("../../wechat-proto/docs/protocol.md");

/// Names in the reference that are not paths.
const NO_PATHS: [(&str, &str); 2] = [
    ("webwxuvid", "a cookie"),
    ("webwxreport", "another name for webwxstatreport: no source has such a path"),
];

/// Returns the cells of each row: endpoint, types, route, fuzz entry, source.
fn rows() -> Vec<Vec<&'static str>> {
    let rows = TABLE.lines().filter(|line| line.starts_with('|')).skip(2);
    rows.map(|line| line.trim_matches('|').split('|').map(str::trim).collect()).collect()
}

/// Returns the last segment of a row's path: `webwxinit` of `POST /cgi-bin/mmwebwx-bin/webwxinit`.
fn name(row: &[&str]) -> &'static str {
    let path = path(row).trim_end_matches("/{uuid}");
    path.rsplit('/').next().unwrap_or_default().to_owned().leak()
}

fn path<'a>(row: &[&'a str]) -> &'a str {
    row[0].trim_matches('`').split_once(' ').map_or("", |(_, path)| path)
}

/// Returns the paths that the reference names.
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

fn columns(column: fn(&[&'static str]) -> &'static str) -> BTreeSet<&'static str> {
    rows().iter().map(|row| column(row)).collect()
}

#[test]
fn no_cell_is_empty() {
    for row in rows() {
        assert_eq!(row.len(), 5, "{row:?}");
        assert!(row.iter().all(|cell| !cell.is_empty() && *cell != "-"), "{row:?}");
        assert!(row[0].starts_with("`GET /") || row[0].starts_with("`POST /"), "{row:?}");
    }
    let names = columns(name);
    assert_eq!(names.len(), rows().len(), "duplicate path");
}

#[test]
fn every_path_of_the_reference_is_listed() {
    assert!(referred().len() > 30, "{:?}", referred());
    assert_eq!(columns(name), referred());
}

#[test]
fn every_path_has_a_fuzz_entry() {
    let entries: BTreeSet<&str> = fuzz::ENDPOINTS.iter().map(|(name, _)| *name).collect();
    let missing: Vec<_> = columns(name).difference(&entries).copied().collect();
    assert!(missing.is_empty(), "without a fuzz entry: {missing:?}");
    for row in rows() {
        for entry in row[3].split(", ") {
            assert!(entries.contains(entry.trim_matches('`')), "{row:?}");
        }
    }
}

/// The columns endpoint, type and fuzz are those of the library: the method and path that each type
/// requests, its public path, and its name in the table of endpoints.
#[test]
fn every_type_sends_the_request_of_its_row() {
    type Table = BTreeSet<(String, String, String)>;
    struct Types {
        account: Account,
        now: Timestamp,
        table: Table,
    }
    impl Visitor for Types {
        fn visit<E>(&mut self, name: &'static str, title: &'static str, make: fn(&mut Account) -> E)
        where
            E: Endpoint + 'static,
            E::Output: Debug,
            Account: AsMut<E::State>,
        {
            // `wechat_proto::login::uuid::GetUuid` is public as `login::GetUuid`.
            let path: Vec<_> = std::any::type_name::<E>().split("::").collect();
            let [_, module, .., ty] = path[..] else { panic!("{path:?}") };
            assert_eq!(title.split([':', ' ']).next(), Some(ty));
            let mut account = self.account.clone();
            let request = make(&mut account).request(account.as_mut(), self.now);
            let path = match request.uri().path().strip_prefix("/qrcode/") {
                Some(_) => "/qrcode/{uuid}",
                None => request.uri().path(),
            };
            let endpoint = format!("{} {path}", request.method());
            self.table.insert((endpoint, format!("{module}::{ty}"), name.to_owned()));
        }
    }
    let place = Place::memory(sending::world());
    let account = Account::from(Memory::confirmed(&place).session());
    let now = Timestamp::from_millis(place.simulator.now());
    let mut types = Types { account, now, table: Table::new() };
    endpoints(&mut types);

    let mut table = Table::new();
    for row in rows() {
        for link in row[1].split(", ") {
            let link = link.strip_prefix("[`").and_then(|link| link.strip_suffix(')'));
            let (title, path) = link.unwrap().split_once("`](crate::").unwrap();
            assert_eq!(path.rsplit("::").next(), Some(title));
            let cell = |cell: &str| cell.trim_matches('`').to_owned();
            assert!(table.insert((cell(row[0]), path.to_owned(), cell(row[3]))), "{link:?} twice");
        }
    }
    assert_eq!(table, types.table);
}

#[test]
fn every_path_has_a_route() {
    let routes: BTreeSet<&str> = ROUTES.iter().copied().collect();
    let paths: BTreeSet<&str> = rows().iter().map(|row| path(row)).collect();
    assert_eq!(paths, routes);
    for row in rows() {
        assert_eq!(row[2].trim_matches('`'), name(&row), "{row:?}");
    }
}

#[test]
fn every_source_is_a_heading() {
    for row in rows() {
        for source in row[4].split(", ") {
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
fn scenarios_request_every_path() {
    let all = [
        story::endpoints_called(),
        failures::endpoints_called(),
        entries::endpoints_called(),
        file_helper::endpoints_called(),
        misc::endpoints_called(),
        sending::endpoints_called(),
        forwarding::endpoints_called(),
        rooms::endpoints_called(),
        downloads::endpoints_called(),
        uploads::endpoints_called(),
        secrets::endpoints_called(),
        system_messages::endpoints_called(),
        directory::endpoints_called(),
        kinds::endpoints_called(),
        resume::endpoints_called(),
    ];
    // In memory only: it uploads 26 MB.
    let place = Place::memory(uploads::world());
    uploads::announced::<Memory>(&place);
    let other = Place::memory(entries::file_helper_world());
    file_helper::parallel::<Memory>(&other, 27_000_000);
    let mut requested: BTreeSet<String> = all.into_iter().flatten().collect();
    for place in [place, other] {
        let world = place.simulator.world();
        requested.extend(world.log().iter().map(|logged| logged.endpoint.clone()));
    }
    let missing: Vec<_> =
        columns(name).into_iter().filter(|name| !requested.contains(*name)).collect();
    assert!(missing.is_empty(), "not requested by any scenario: {missing:?}");
}
