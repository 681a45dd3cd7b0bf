//! Addresses in a body.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::erasure::addresses(data));
