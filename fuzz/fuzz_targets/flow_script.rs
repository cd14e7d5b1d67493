//! A whole flow under a script of answers, inputs and clock moves.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| acmekit_fuzz::script::run(data));
