//! Runs an inbox against scripted replies.
#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| wechat_fuzz::run("inbox", bytes));
