//! Messages: the first byte chooses how the bytes are read.
#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| wechat_proto::fuzz::run("messages", bytes));
