//! Whole issuances against the testing CA: real TLS, real HTTP, real validation, on loopback.

#[path = "testing_ca/account_life.rs"]
mod account_life;
#[path = "testing_ca/cancelling.rs"]
mod cancelling;
#[path = "testing_ca/dns.rs"]
mod dns;
#[path = "testing_ca/external_keys.rs"]
mod external_keys;
#[path = "testing_ca/files.rs"]
mod files;
#[path = "testing_ca/https_only.rs"]
mod https_only;
#[path = "testing_ca/issuing.rs"]
mod issuing;
#[path = "testing_ca/many_orders.rs"]
mod many_orders;
#[path = "testing_ca/plugin_challenge.rs"]
mod plugin_challenge;
#[path = "testing_ca/publishing.rs"]
mod publishing;
#[path = "testing_ca/recorder.rs"]
mod recorder;
#[path = "testing_ca/setup.rs"]
mod setup;
#[path = "testing_ca/waiting.rs"]
mod waiting;
