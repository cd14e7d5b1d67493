//! Programs that nobody here wrote obtain certificates from the testing CA, which so shows that it
//! is a fair judge: certbot and lego, as Debian 12 has them.
//!
//! A correct client must end without a violation. Where one of them breaks a rule of RFC 8555, the
//! CA has to name the rule, and the test expects exactly that.
#![cfg(unix)]

mod interop;

#[path = "testing_ca/dns.rs"]
#[allow(dead_code, reason = "each test crate uses a different part")]
mod dns;

#[path = "foreign_clients/by_certbot.rs"]
mod by_certbot;
#[path = "foreign_clients/by_lego.rs"]
mod by_lego;
#[path = "foreign_clients/certbot.rs"]
mod certbot;
#[path = "foreign_clients/japanese_cas.rs"]
mod japanese_cas;
#[path = "foreign_clients/judge.rs"]
mod judge;
#[path = "foreign_clients/lego.rs"]
mod lego;
#[path = "foreign_clients/run.rs"]
mod run;
