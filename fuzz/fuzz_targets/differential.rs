//! Replies, compared with an untyped reading: the first byte chooses the reply.
#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| wechat_fuzz::run("differential", bytes));
