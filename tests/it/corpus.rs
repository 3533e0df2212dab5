//! Every committed input of the fuzzers, through the entries they drive.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use proptest::collection::vec;
use proptest::prelude::*;
use wechat_proto::fuzz::{self, Entry};

/// The targets whose first byte chooses an entry.
const TABLES: [(&str, &[(&str, Entry)]); 4] = [
    ("endpoints", fuzz::ENDPOINTS),
    ("dialects", fuzz::DIALECTS),
    ("messages", fuzz::MESSAGES),
    ("records", fuzz::RECORDS),
];

fn corpora() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus")
}

/// The inputs of a target, by the names of their files.
fn inputs(target: &str) -> Vec<(String, Vec<u8>)> {
    let folder = corpora().join(target);
    let files = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{target}: {error}"));
    let mut inputs: Vec<_> = files
        .map(|file| {
            let file = file.expect("a folder that can be read");
            let bytes = fs::read(file.path()).expect("a file that can be read");
            (file.file_name().to_string_lossy().into_owned(), bytes)
        })
        .collect();
    inputs.sort();
    assert!(!inputs.is_empty(), "the corpus of {target} is empty");
    inputs
}

/// Says which input it is, where one fails.
fn at(target: &str, file: &str) {
    println!("{target}/{file}");
}

/// Replays a target whose first byte chooses an entry; every entry has an input.
fn replay(target: &str, table: &[(&str, Entry)]) {
    let mut met = BTreeSet::new();
    for (file, bytes) in inputs(target) {
        at(target, &file);
        let first = bytes.first().unwrap_or_else(|| panic!("{target}/{file} is empty"));
        let (name, _) = table[usize::from(*first) % table.len()];
        met.insert(name);
        // A file that somebody wrote is named after its entry; one that a fuzzer wrote has a hash.
        let written = table.iter().any(|(entry, _)| file.starts_with(&format!("{entry}-")));
        assert!(!written || file.starts_with(&format!("{name}-")), "{target}/{file} is for {name}");
        fuzz::dispatch(table, &bytes);
    }
    for (name, _) in table {
        assert!(met.contains(name), "no input of {target} is for {name}");
    }
}

#[test]
fn endpoints() {
    replay("endpoints", fuzz::ENDPOINTS);
}

#[test]
fn dialects() {
    replay("dialects", fuzz::DIALECTS);
}

#[test]
fn messages() {
    replay("messages", fuzz::MESSAGES);
}

#[test]
fn records() {
    replay("records", fuzz::RECORDS);
}

#[test]
fn flows() {
    for (name, entry) in fuzz::FLOWS {
        let target = name.strip_suffix(" flow").expect("a flow is called one");
        for (file, bytes) in inputs(target) {
            at(target, &file);
            entry(&bytes);
        }
    }
}

proptest! {
    // Hundreds of inputs in each case.
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Threat R1: whatever comes, each parser and each flow gives a value or an error.
    #[test]
    fn any_bytes_into_any_entry(bytes in vec(any::<u8>(), 0..400)) {
        for (_, entry) in fuzz::entries() {
            entry(&bytes);
        }
    }

    /// The same for replies that were good once: cut, and with some bytes changed.
    #[test]
    fn spoiled_replies_into_their_entries(
        cut in any::<prop::sample::Index>(),
        changes in vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
    ) {
        for (target, table) in TABLES {
            for (_, mut bytes) in inputs(target) {
                for (place, byte) in &changes {
                    // The first byte chooses the entry.
                    let place = 1 + place.index(bytes.len());
                    if let Some(changed) = bytes.get_mut(place) {
                        *changed = *byte;
                    }
                }
                bytes.truncate(1 + cut.index(2 * bytes.len()));
                fuzz::dispatch(table, &bytes);
            }
        }
    }
}

/// No name is there twice, and every folder is replayed.
#[test]
fn nothing_is_left_out() {
    let names: BTreeSet<_> = fuzz::entries().map(|entry| entry.0).collect();
    assert_eq!(names.len(), fuzz::entries().count());
    let folders = fs::read_dir(corpora()).expect("the corpora");
    let folders: BTreeSet<_> = folders
        .map(|folder| folder.expect("a folder").file_name().to_string_lossy().into_owned())
        .collect();
    let flows = ["contacts", "fetch", "inbox", "login", "room", "upload"];
    let targets: BTreeSet<_> = TABLES.iter().map(|(target, _)| *target).chain(flows).collect();
    assert!(folders.iter().eq(targets), "{folders:?}");
}
