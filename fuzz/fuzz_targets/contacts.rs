//! A script of replies to a load of contacts.
#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| wechat_fuzz::run("contacts", bytes));
