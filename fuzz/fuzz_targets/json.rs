//! JSON: the first byte chooses how it is read.
#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| wechat_proto::fuzz::run("json", bytes));
