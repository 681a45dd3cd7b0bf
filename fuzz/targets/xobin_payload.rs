//! The bodies of Xobin's three kinds.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::payloads::xobin(data));
