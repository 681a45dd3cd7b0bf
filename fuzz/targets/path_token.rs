//! The token in a path.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::credentials::path_token(data));
