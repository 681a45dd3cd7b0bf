//! The list of hosts of reports.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::reports::hosts(data));
