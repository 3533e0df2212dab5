//! A text with entities and emoji.
#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| wechat_fuzz::run("text", bytes));
