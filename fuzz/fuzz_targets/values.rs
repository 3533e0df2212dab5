//! Values in URLs and file names. The first byte selects the kind.
#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| wechat_fuzz::run("values", bytes));
