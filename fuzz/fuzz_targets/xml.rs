//! Parsers of XML. The first byte selects the parser.
#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| wechat_fuzz::run("xml", bytes));
