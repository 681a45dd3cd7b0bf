//! The link to a report.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::reports::link(data));
