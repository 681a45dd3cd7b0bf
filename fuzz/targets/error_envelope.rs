//! The status and the error of a vendor's answer.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::answers::envelope(data));
