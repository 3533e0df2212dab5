//! Parsers of endpoints: the first byte chooses one.
#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| wechat_proto::fuzz::run("endpoints", bytes));
