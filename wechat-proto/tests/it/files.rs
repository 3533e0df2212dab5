//! The files of the corpora.

// This file is also a module of the crate, which is `no_std`.
#[allow(unused_extern_crates)]
extern crate std;

use std::collections::BTreeMap;
use std::path::Path;
use std::string::String;
use std::vec::Vec;

/// Returns the contents of the files in a folder of `corpus`, by file name without extension.
pub(crate) fn corpus(folder: &str) -> BTreeMap<String, Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(folder);
    let files = std::fs::read_dir(folder).unwrap().map(|file| {
        let path = file.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap().into();
        (name, std::fs::read(path).unwrap())
    });
    files.collect()
}
