//! Values in URLs and file names: the first byte chooses.
#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| wechat_fuzz::run("values", bytes));
