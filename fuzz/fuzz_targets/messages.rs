//! Messages: the first byte chooses the format.
#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| wechat_fuzz::run("messages", bytes));
