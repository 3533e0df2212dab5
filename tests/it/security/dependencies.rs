//! The dependencies of the published crates.

use std::collections::BTreeSet;
use std::process::Command;

const LOCK: &str = include_str!("../../../Cargo.lock");

/// The direct dependencies of the core. Add a new one here only if it is justified.
const CORE: [&str; 21] = [
    "bytes", "cookie", "crc32fast", "html-escape", "http", "icu_normalizer", "icu_properties",
    "itoa", "md-5", "mime_guess", "miniz_oxide", "percent-encoding", "quick-xml", "rand_core",
    "rand_xoshiro", "serde", "serde_json", "thiserror", "unicase", "url", "zeroize",
];

fn value<'a>(package: &'a str, key: &str) -> Option<&'a str> {
    let line = package.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(" = "))?;
    Some(line.trim_matches('"'))
}

/// Threat R3: all packages come from the registry, with a checksum.
#[test]
fn packages_come_from_the_registry() {
    let mut ours = BTreeSet::new();
    let packages: Vec<_> = LOCK.split("[[package]]").skip(1).collect();
    assert!(packages.len() > 50);
    for package in packages {
        let name = value(package, "name").expect("package without a name");
        match value(package, "source") {
            None => assert!(ours.insert(name), "{name} twice"),
            Some(source) => {
                assert_eq!(source, "registry+https://github.com/rust-lang/crates.io-index");
                assert_eq!(value(package, "checksum").map(str::len), Some(64), "{name}");
            }
        }
    }
    let known = [
        "wechat-cli", "wechat-file-store", "wechat-fuzz", "wechat-memory", "wechat-postgres-store",
        "wechat-proto", "wechat-simulator", "wechat-transport", "wechat-transport-hyper",
        "wechat-transport-ureq",
    ];
    assert_eq!(ours, BTreeSet::from(known));
}

/// Threat R3: the direct dependencies of the core are exactly the listed ones.
#[test]
fn core_dependencies_are_as_listed() {
    let tree = Command::new(env!("CARGO"))
        .args(["tree", "--locked", "--offline", "-p", "wechat-proto", "--features", "zeroize"])
        .args(["-e", "normal", "--depth", "1", "--prefix", "none", "--format", "{p}"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo failed to start");
    assert!(tree.status.success(), "{}", String::from_utf8_lossy(&tree.stderr));
    let tree = String::from_utf8(tree.stdout).expect("output is not UTF-8");
    let names: BTreeSet<_> = tree.lines().filter_map(|line| line.split(' ').next()).collect();
    let names: Vec<_> = names.into_iter().filter(|name| *name != "wechat-proto").collect();
    assert_eq!(names, CORE);
}
