//! A script of replies to an inbox.
#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| wechat_fuzz::run("inbox", bytes));
