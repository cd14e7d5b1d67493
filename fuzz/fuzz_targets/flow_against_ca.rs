//! Registration and issuance at the testing CA, over a network that the fuzzer controls.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| acmekit_fuzz::against_ca::run(data));
