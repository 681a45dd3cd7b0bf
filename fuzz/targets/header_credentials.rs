//! HTTP Basic, API keys and tokens in headers.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::credentials::headers(data));
