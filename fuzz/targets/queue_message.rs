//! The worker's messages.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::queue::message(data));
