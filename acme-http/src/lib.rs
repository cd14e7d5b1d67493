//! An ACME (RFC 8555) client: obtains TLS certificates from Let's Encrypt and every other CA that
//! speaks the protocol, with external account binding where the CA wants it.
//!
//! ```no_run
//! use acmekit::solver::http01::Http01Listener;
//! use acmekit::store::{AccountId, FileStore};
//! use acmekit::{Client, KeyType, Registration, Wanted};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), acmekit::Error> {
//! let directory = "https://acme-staging-v02.api.letsencrypt.org/directory";
//! let store = FileStore::open("certificate")?;
//! let id = AccountId::new(directory);
//! let mut builder = Client::builder(directory)
//!     .account_key(store.account_key(&id, KeyType::P256)?)
//!     .solver(Http01Listener::bind("[::]:80").await?);
//! if let Some(account) = store.load_account(&id)? {
//!     builder = builder.account(account);
//! }
//! let client = builder.build()?;
//! if client.account().is_none() {
//!     let registration = Registration::new().agree_to_terms(true);
//!     store.save_account(&client.register(registration).await?)?;
//! }
//! let obtained = client.obtain_into(&store, Wanted::names(["www.example.org"])?).await?;
//! println!("{}", obtained.chain_pem()); // also certificate/chain.pem, and key.pem beside it
//! # Ok(())
//! # }
//! ```
//!
//! - [`Client`] runs operations over reqwest and tokio. Clones are cheap; orders run side by side and
//!   share connections and nonces.
//! - [`solver`] has what publishes proofs of control: an http-01 listener, a webroot, a dns-01
//!   program, a tls-alpn-01 listener, and the trait for your own.
//! - [`store`] keeps keys, accounts and certificates in files that are never half-written.
//! - [`core`] is the protocol without I/O; every flow of it runs by [`Client::run`].
//!
//! Everything needs a running tokio runtime with I/O and time enabled.
//!
//! # Features
//!
//! | Feature | Default | What it brings |
//! |---|---|---|
//! | `p384` | yes | keys on P-384 |
//! | `rsa` | yes | RSA keys of 2048 to 4096 bits |
//! | `ed25519` | yes | Ed25519 account keys |
//! | `idn` | yes | international names, converted to A-labels |
//!
//! Keys on P-256 are always there.

#![forbid(unsafe_code)]
#![cfg_attr(
    not(test),
    deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)
)]

mod builder;
mod client;
mod clock;
mod counts;
mod drive;
mod entropy;
mod error;
mod event;
mod obtain;
mod publish;
mod rollover;
pub mod signer;
pub mod solver;
pub mod store;
mod sync;
mod text;
mod transport;

pub use acmekit_core as core;

pub use acmekit_core::account::Account;
pub use acmekit_core::action::{Offer, RequestKind};
pub use acmekit_core::certificate::{CertificateChain, CertificateRequest, Subject};
pub use acmekit_core::challenge::{Answer, ChallengeType};
pub use acmekit_core::crypto::{KeyType, PrivateKey};
pub use acmekit_core::error::Retry;
pub use acmekit_core::flow::account::{AccountChange, OrderList, Registration};
pub use acmekit_core::flow::issue::{
    ChainChoice, ChainPreference, Issue, Issued, NewOrder, Predecessor, Replacement,
};
pub use acmekit_core::flow::preauthorize::Preauthorized;
pub use acmekit_core::flow::revoke::{RevocationReason, Revoke, Revoked};
pub use acmekit_core::jose::{ExternalAccountBinding, MacAlgorithm, MacKey};
pub use acmekit_core::policy::Policy;
pub use acmekit_core::types::{Directory, Identifier};
pub use builder::ClientBuilder;
pub use client::Client;
pub use counts::RequestCounts;
pub use entropy::SystemEntropy;
pub use error::{Error, ErrorKind};
pub use event::Event;
pub use obtain::{Obtained, Wanted};
pub use transport::DEFAULT_TIMEOUT;
