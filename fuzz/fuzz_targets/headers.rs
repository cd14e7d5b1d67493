//! Headers of answers: two bytes choose the request and the status, then one header a line.
#![no_main]

use acmekit_fuzz::staged::{Part, run};

libfuzzer_sys::fuzz_target!(|data: &[u8]| run(data, Part::Headers));
