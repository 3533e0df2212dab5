//! A script of replies to an addition to a room.
#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| wechat_fuzz::run("room", bytes));
