//! Replays the committed fuzzing corpus.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use std::thread;

use proptest::collection::vec;
use proptest::prelude::*;
use wechat_fuzz::{Entry, TARGETS, Table, dispatch, entries};

fn corpora() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus")
}

/// Returns the inputs of a target with their file names.
fn inputs(target: &str) -> Vec<(String, Vec<u8>)> {
    let folder = corpora().join(target);
    let files = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{target}: {error}"));
    let mut inputs: Vec<_> = files
        .map(|file| {
            let file = file.expect("readable folder");
            let bytes = fs::read(file.path()).expect("readable file");
            (file.file_name().to_string_lossy().into_owned(), bytes)
        })
        .collect();
    inputs.sort();
    assert!(!inputs.is_empty(), "the corpus of {target} is empty");
    inputs
}

/// Replays a target; prints the current input, for failures.
fn replay(target: &str, table: &[(&str, Entry)]) {
    for (file, bytes) in inputs(target) {
        println!("{target}/{file}");
        if table.len() > 1 {
            let first = bytes.first().unwrap_or_else(|| panic!("{target}/{file} is empty"));
            let (name, _) = table[usize::from(*first) % table.len()];
            // A file is named after its entry, or after its hash if a fuzzer wrote it.
            let hash = file.len() == 40 && file.bytes().all(|byte| byte.is_ascii_hexdigit());
            let named = file.starts_with(&format!("{name}-"));
            assert!(named || hash, "{target}/{file} is for {name}");
        }
        dispatch(table, &bytes);
    }
}

#[test]
fn every_target_accepts_its_corpus() {
    thread::scope(|scope| {
        for (target, table) in TARGETS {
            scope.spawn(|| replay(target, table));
        }
    });
}

/// The inputs of each target that have up to 8 KB.
static SMALL: LazyLock<Vec<Vec<Vec<u8>>>> = LazyLock::new(|| {
    let small = |(target, _): &(&str, _)| {
        let inputs = inputs(target).into_iter().map(|(_, bytes)| bytes);
        inputs.filter(|bytes| bytes.len() <= 8192).collect()
    };
    TARGETS.iter().map(small).collect()
});

proptest! {
    /// Threat R1: for any bytes, each parser and each flow returns a value or an error.
    #[test]
    fn any_bytes_do_not_panic(bytes in vec(any::<u8>(), 0..400)) {
        for (_, entry) in entries() {
            entry(&bytes);
        }
    }

    /// Threat R1, for truncated and altered corpus inputs: two of each target in each case.
    #[test]
    fn altered_inputs_do_not_panic(
        first in any::<prop::sample::Index>(),
        cut in any::<prop::sample::Index>(),
        changes in vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
    ) {
        for ((_, table), inputs) in TARGETS.iter().zip(&*SMALL) {
            let first = first.index(inputs.len());
            for mut bytes in inputs.iter().cycle().skip(first).take(2).cloned() {
                for (place, byte) in &changes {
                    // The first byte selects the entry.
                    let place = 1 + place.index(bytes.len());
                    if let Some(changed) = bytes.get_mut(place) {
                        *changed = *byte;
                    }
                }
                bytes.truncate(1 + cut.index(2 * bytes.len()));
                dispatch(table, &bytes);
            }
        }
    }
}

/// The table, the programs, the corpora, the dictionaries and the README have the same targets. Entry
/// names are unique.
#[test]
fn every_list_has_every_target() {
    let names: BTreeSet<_> = entries().map(|entry| entry.0).collect();
    assert_eq!(names.len(), entries().count());
    let targets: BTreeSet<String> =
        TARGETS.iter().map(|(target, _)| (*target).to_owned()).collect();
    let fuzz = corpora().join("..");
    let text = |file: &str| fs::read_to_string(fuzz.join(file)).expect("readable file");
    for folder in ["corpus", "fuzz_targets", "dict"] {
        let files = fs::read_dir(fuzz.join(folder)).expect("readable folder");
        let stem = |file: fs::DirEntry| Some(file.path().file_stem()?.to_str()?.to_owned());
        let listed: BTreeSet<_> =
            files.filter_map(|file| stem(file.expect("readable file"))).collect();
        assert_eq!(listed, targets, "{folder}");
    }
    for target in &targets {
        let program = text(&format!("fuzz_targets/{target}.rs"));
        assert!(program.contains(&format!("wechat_fuzz::run({target:?}, bytes)")), "{program}");
    }
    let manifest = text("Cargo.toml");
    let programs = manifest.split("[[bin]]\n").skip(1).map(|program| {
        let name = program.split('"').nth(1).expect("a name");
        assert!(program.contains(&format!("path = \"fuzz_targets/{name}.rs\"")), "{program}");
        name.to_owned()
    });
    assert_eq!(programs.collect::<BTreeSet<_>>(), targets, "Cargo.toml");
    let readme = text("README.md");
    let rows = readme.lines().filter_map(|line| line.strip_prefix("| `")?.split(" |").next());
    let described = rows.flat_map(|names| names.trim_end_matches('`').split("`, `"));
    assert_eq!(described.map(str::to_owned).collect::<BTreeSet<_>>(), targets, "README.md");
}

/// The committed corpus is smaller than 5 MB in total.
#[test]
fn corpus_is_below_5_mb() {
    let length = |(target, _): &(&str, Table)| {
        inputs(target).iter().map(|(_, bytes)| bytes.len()).sum::<usize>()
    };
    let bytes: usize = TARGETS.iter().map(length).sum();
    assert!(bytes < 5 << 20, "{bytes} bytes");
}
