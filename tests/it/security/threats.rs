//! Checks the threat table against the tests that cite its rows.
//!
//! A test's doc comment cites the rows it proves: "Threats S4, S5: …". A file whose tests all prove
//! the same rows cites them in its header. After a change, run `UPDATE_THREATS=1 cargo test -p
//! wechat-simulator --test it threats` to rewrite the last column.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::{env, fs};

const TABLE: &str = "wechat-proto/docs/threats.md";
/// The prefixes of a citation.
const CITED: [&str; 3] = ["Threat ", "Threats ", "`docs/threats.md` "];

/// Source folders, each with the path prefix of its tests.
const SOURCES: [(&str, &str); 12] = [
    ("wechat-proto/src", ""),
    ("wechat-proto/tests", "tests"),
    ("wechat-proto/benches", "bench"),
    ("wechat-proto/file-store", "file_store"),
    ("wechat-proto/transport", "transport"),
    ("tests/src", "simulator"),
    ("tests/it", "it"),
    ("tests/kills", "kills"),
    ("tests/memory", "memory"),
    ("tests/benches", "bench"),
    ("transport-ureq", "ureq"),
    ("transport-hyper", "hyper"),
];
/// Path prefixes of modules that contain only tests.
const ALL_TESTS: [&str; 6] =
    ["it", "kills", "memory::tests", "tests::", "bench::", "simulator::conformance"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// Parses the rows that a comment cites, such as `S4, S5` or `N1 to N3`.
fn cited(comment: &str) -> BTreeSet<String> {
    let mut rows = BTreeSet::new();
    let after = |before: &'static str| comment.split(before).skip(1);
    for part in CITED.into_iter().flat_map(after) {
        let words = part.split([' ', ',', ':', '.', ';', ')']).filter(|word| !word.is_empty());
        let mut last: Option<(char, u32)> = None;
        let mut upto = false;
        for word in words {
            match row(word) {
                Some((letter, number)) => {
                    let first = match last {
                        Some((same, before)) if upto && same == letter => before,
                        _ => number,
                    };
                    rows.extend((first..=number).map(|number| format!("{letter}{number}")));
                    last = Some((letter, number));
                    upto = false;
                }
                None if word == "to" && last.is_some() => upto = true,
                None if word == "and" => {}
                None => break,
            }
        }
    }
    rows
}

fn row(word: &str) -> Option<(char, u32)> {
    let mut letters = word.chars();
    let letter = letters.next().filter(char::is_ascii_uppercase)?;
    Some((letter, letters.as_str().parse().ok()?))
}

/// Returns the name of the function that a line declares.
fn function(line: &str) -> Option<&str> {
    let rest = line.trim_start();
    let rest = rest.strip_prefix("pub(crate) ").or(rest.strip_prefix("pub ")).unwrap_or(rest);
    let rest = rest.strip_prefix("async ").unwrap_or(rest).strip_prefix("fn ")?;
    rest.split(['(', '<']).next()
}

/// Collects the citations of a file; those outside test code are ignored.
fn tests_of(path: &str, text: &str, tests: &mut BTreeMap<String, BTreeSet<String>>) {
    let all_tests = path.ends_with("tests") || ALL_TESTS.iter().any(|all| path.starts_with(all));
    let mut in_tests = all_tests;
    let (mut comment, mut inner, mut current) = (String::new(), String::new(), String::new());
    let mut note = |rows: BTreeSet<String>, test: String| {
        for row in rows {
            tests.entry(row).or_default().insert(test.clone());
        }
    };
    for line in text.lines().chain([""]) {
        let trimmed = line.trim_start();
        // A comment inside a test body belongs to that test.
        match trimmed.strip_prefix("// ") {
            Some(more) => {
                inner.push_str(more);
                inner.push(' ');
                continue;
            }
            None if in_tests && !current.is_empty() => {
                note(cited(&inner), format!("{path}::{current}"));
            }
            None => {}
        }
        inner.clear();
        if let Some(more) = trimmed.strip_prefix("//! ").or(trimmed.strip_prefix("/// ")) {
            comment.push_str(more);
            comment.push(' ');
        } else if trimmed.is_empty() {
            if all_tests && current.is_empty() && !comment.is_empty() {
                note(cited(&comment), path.to_owned());
            }
            comment.clear();
        } else if trimmed.starts_with("mod tests") {
            in_tests = true;
            comment.clear();
        } else if let Some(name) = function(line) {
            name.clone_into(&mut current);
            if in_tests {
                note(cited(&comment), format!("{path}::{name}"));
            }
            comment.clear();
        } else if !trimmed.starts_with("#[") && !trimmed.starts_with("///") {
            comment.clear();
        }
    }
}

/// Returns the tests of each row.
fn tests() -> BTreeMap<String, BTreeSet<String>> {
    let mut tests = BTreeMap::new();
    for (folder, prefix) in SOURCES {
        let folder = root().join(folder);
        let mut files = Vec::new();
        sources(&folder, &mut files);
        for file in files {
            let within = file.strip_prefix(&folder).unwrap().with_extension("");
            let parts = within.iter().map(|part| part.to_str().unwrap());
            let parts = parts.filter(|part| !["mod", "src"].contains(part));
            let path: Vec<_> =
                [prefix].into_iter().filter(|prefix| !prefix.is_empty()).chain(parts).collect();
            tests_of(&path.join("::"), &fs::read_to_string(&file).unwrap(), &mut tests);
        }
    }
    tests
}

/// Fills the last cell of each row with its tests.
fn filled(page: &str, tests: &BTreeMap<String, BTreeSet<String>>) -> String {
    let mut filled = String::new();
    for line in page.lines() {
        let mut cells: Vec<&str> = line.split(" | ").collect();
        let names;
        if let [first, _, _, last] = &mut *cells
            && let Some((letter, number)) = first.strip_prefix("| ").and_then(row)
        {
            let id = format!("{letter}{number}");
            let found = tests.get(&id).into_iter().flatten();
            let found: Vec<_> = found.map(|test| format!("`{test}`")).collect();
            names = format!("{} |", found.join(", "));
            *last = &names;
            filled.push_str(&cells.join(" | "));
        } else {
            filled.push_str(line);
        }
        filled.push('\n');
    }
    filled
}

#[test]
fn every_row_has_tests() {
    let path = root().join(TABLE);
    let page = fs::read_to_string(&path).unwrap();
    let tests = tests();
    let filled = filled(&page, &tests);
    if env::var_os("UPDATE_THREATS").is_some() {
        fs::write(&path, &filled).unwrap();
    } else {
        for (there, wanted) in page.lines().zip(filled.lines()) {
            assert_eq!(there, wanted, "run with UPDATE_THREATS=1");
        }
    }
    let rows: BTreeSet<String> = page
        .lines()
        .filter_map(|line| line.strip_prefix("| ")?.split(" | ").next().and_then(row))
        .map(|(letter, number)| format!("{letter}{number}"))
        .collect();
    assert!(rows.len() >= 47, "{rows:?}");
    let untested: Vec<_> = rows.iter().filter(|row| !tests.contains_key(*row)).collect();
    assert!(untested.is_empty(), "rows without a test: {untested:?}");
    let unknown: Vec<_> = tests.keys().filter(|row| !rows.contains(*row)).collect();
    assert!(unknown.is_empty(), "cited rows missing from the table: {unknown:?}");
}
