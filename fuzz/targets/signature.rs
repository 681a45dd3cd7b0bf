//! The signature of Standard Webhooks.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::credentials::signature(data));
