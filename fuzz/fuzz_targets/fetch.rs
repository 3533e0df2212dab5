//! Runs a download against scripted replies.
#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| wechat_fuzz::run("fetch", bytes));
