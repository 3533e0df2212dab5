//! Compares parsed replies with an untyped reading. The first byte selects the reply.
#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| wechat_fuzz::run("differential", bytes));
