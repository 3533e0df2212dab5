//! Parsers of messages. The first byte selects the format.
#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| wechat_fuzz::run("messages", bytes));
