//! Adds members to a room, with scripted replies.
#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| wechat_fuzz::run("room", bytes));
