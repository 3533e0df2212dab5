//! What gets into an address, or names a file: the first byte chooses.
#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| wechat_proto::fuzz::run("values", bytes));
