//! Runnable examples of acmekit. The programs are in `src/bin`; this library is empty, so that the
//! code in the README is compiled and run as a documentation test.

/// The README of the repository.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
pub struct Readme;
