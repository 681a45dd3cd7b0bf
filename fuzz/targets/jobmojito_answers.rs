//! What JobMojito's API answers.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::answers::jobmojito(data));
