//! The body of JobMojito's result.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::payloads::jobmojito(data));
