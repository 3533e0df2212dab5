//! Parsers of contact records. The first byte selects the format.
#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| wechat_fuzz::run("records", bytes));
