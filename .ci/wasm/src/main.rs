//! Calls the entry points of all fuzz targets, so that the linker keeps the whole core.
#![forbid(unsafe_code)]

use std::hint::black_box;

fn main() {
    for (_, entry) in wechat_fuzz::entries() {
        black_box(entry)(&black_box(Vec::new()));
    }
}
