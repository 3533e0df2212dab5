//! Calls every entry that the fuzz targets drive, so that the linker leaves none of the core out.
#![forbid(unsafe_code)]

use std::hint::black_box;

fn main() {
    for (_, entry) in wechat_proto::fuzz::entries() {
        black_box(entry)(&black_box(Vec::new()));
    }
}
