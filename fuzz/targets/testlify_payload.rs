//! The body of Testlify's event.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::payloads::testlify(data));
