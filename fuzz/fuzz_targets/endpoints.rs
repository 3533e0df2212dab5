//! Parsers of endpoints: the first byte chooses one.
#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| wechat_fuzz::run("endpoints", bytes));
