//! Compares the table of endpoints with the protocol reference, the simulator, and the requests of all
//! scenarios.

use std::collections::BTreeSet;

use wechat_fuzz::ENDPOINTS;
use wechat_simulator::{ROUTES, World};

use crate::contacts::{between_accounts, directory, rooms};
use crate::face::events;
use crate::media::{downloads, file_helper, uploads};
use crate::messages::{kinds, sending, system_messages, uploading};
use crate::security::secrets;
use crate::sessions::{accounts, entries, failures, misc, resume, story};
use crate::wire::{Memory, Place};

const REFERENCE: &str = include_str!("../../../wechat-proto/docs/protocol.md");

/// Names in the reference that are not paths.
const NO_PATHS: [(&str, &str); 2] = [
    ("webwxuvid", "a cookie"),
    ("webwxreport", "another name for webwxstatreport: no source has such a path"),
];

/// Returns the last segments of the paths in the reference.
fn referenced() -> BTreeSet<&'static str> {
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

/// Returns the last segments of the paths in the table.
fn names() -> BTreeSet<&'static str> {
    ENDPOINTS.iter().map(|(name, _)| *name).collect()
}

#[test]
fn every_path_of_the_reference_has_an_endpoint() {
    assert!(referenced().len() > 30, "{:?}", referenced());
    assert_eq!(names(), referenced());
    assert_eq!(names().len(), ENDPOINTS.len(), "duplicate path");
}

#[test]
fn every_path_has_a_route() {
    let name = |route: &&'static str| route.trim_end_matches("/{uuid}").rsplit('/').next();
    let routes: BTreeSet<_> = ROUTES.iter().filter_map(name).collect();
    assert_eq!(names(), routes);
}

/// Runs a scenario in memory and returns the endpoints that were called.
fn called(world: World, scenario: impl Fn(&Place)) -> BTreeSet<String> {
    let place = Place::memory(world);
    scenario(&place);
    place.world().log().iter().map(|logged| logged.endpoint.clone()).collect()
}

/// The scenarios of all modules, in memory. Each returns the endpoints that were called.
pub(crate) const SCENARIOS: [fn() -> BTreeSet<String>; 18] = [
    story::endpoints_called,
    rooms::endpoints_called,
    misc::endpoints_called,
    entries::endpoints_called,
    failures::endpoints_called,
    sending::endpoints_called,
    downloads::endpoints_called,
    resume::endpoints_called,
    accounts::endpoints_called,
    file_helper::endpoints_called,
    uploading::endpoints_called,
    uploads::endpoints_called,
    secrets::endpoints_called,
    system_messages::endpoints_called,
    between_accounts::endpoints_called,
    directory::endpoints_called,
    kinds::endpoints_called,
    events::endpoints_called,
];

/// Runs scenarios in memory, until every path was requested.
#[test]
fn scenarios_request_every_path() {
    let mut missing = names();
    // These scenarios run in memory only, because they upload more than 25 MB.
    let large = [
        called(uploads::world(), uploads::checked::<Memory>),
        called(entries::file_helper_world(), |place| {
            file_helper::parallel::<Memory>(place, 27_000_000);
        }),
    ];
    for requested in large.into_iter().chain(SCENARIOS.iter().map(|scenario| scenario())) {
        missing.retain(|name| !requested.contains(*name));
        if missing.is_empty() {
            return;
        }
    }
    panic!("not requested by any scenario: {missing:?}");
}
