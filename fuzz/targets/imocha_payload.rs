//! The body of iMocha's callback.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::payloads::imocha(data));
