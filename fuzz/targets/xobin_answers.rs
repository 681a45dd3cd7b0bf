//! What Xobin's API answers.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::answers::xobin(data));
