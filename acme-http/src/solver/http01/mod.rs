//! http-01 (RFC 8555 §8.3): a file at a well-known path, fetched by the CA over port 80.

mod holders;
mod listener;
mod webroot;

pub use listener::Http01Listener;
pub use webroot::Http01Webroot;
