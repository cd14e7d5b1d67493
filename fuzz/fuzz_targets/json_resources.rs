//! Bodies of answers: two bytes choose the request and the status, the rest is the body. Problem
//! documents are also read by themselves.
#![no_main]

use acmekit_core::problem::Problem;
use acmekit_fuzz::staged::{Part, run};

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    run(data, Part::Body);
    let body = data.get(2..).unwrap_or_default();
    if let Ok(value) = serde_json::from_slice(body)
        && let Some(problem) = Problem::from_value(&value)
    {
        acmekit_fuzz::assert_printable(&problem.to_string());
        let text = serde_json::to_string(&problem).unwrap();
        assert_eq!(serde_json::from_str::<Problem>(&text).unwrap(), problem);
    }
});
