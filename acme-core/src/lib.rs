//! The ACME protocol (RFC 8555) without I/O.
//!
//! An operation is a [`Flow`](flow::Flow): a state machine that says what to send, to sign, to
//! publish or to wait for ([`Action`](action::Action)) and takes in what came of it
//! ([`Input`](action::Input)). It opens no socket or file, reads no clock, draws no entropy and
//! starts no thread, so it fits into any program and any event loop, and a whole issuance runs in
//! a test on a virtual clock. The crate `acmekit` drives flows over reqwest and tokio.
//!
//! | Module | What is in it |
//! |---|---|
//! | [`flow`] | the contract, and the operations: fetch the directory, register, find, issue |
//! | [`session`], [`policy`] | what flows share; every limit with its default |
//! | [`action`] | what a driver does and answers |
//! | [`jose`], [`crypto`] | JWS, JWK, external account binding; keys held in this process |
//! | [`challenge`], [`certificate`] | proofs of control; requests and chains |
//! | [`types`], [`account`] | directory, order, authorization, challenge, identifier; the account |
//! | [`error`], [`problem`], [`deviation`] | what went wrong, and what was forgiven |
//! | [`ca`], [`advice`] | what is known of CAs and their errors; what to do, in English or Japanese |
//!
//! # Features
//!
//! | Feature | Default | What it brings |
//! |---|---|---|
//! | `p256` | yes | ECDSA P-256 keys in this process |
//! | `p384` | no | ECDSA P-384 keys |
//! | `rsa` | no | RSA keys of 2048 to 4096 bits |
//! | `ed25519` | no | Ed25519 account keys |
//! | `idn` | no | names in other scripts, converted by UTS 46 |
//!
//! Without any of them the core still runs whole issuances, with keys that are held elsewhere.

#![forbid(unsafe_code)]
#![deny(clippy::iter_over_hash_type)]
#![cfg_attr(
    not(test),
    deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)
)]

pub mod account;
pub mod action;
pub mod advice;
pub mod ca;
pub mod certificate;
pub mod challenge;
pub mod crypto;
pub mod deviation;
pub mod entropy;
pub mod error;
pub mod flow;
pub mod jose;
pub mod policy;
pub mod problem;
pub mod session;
pub mod time;
pub mod types;

mod backoff;
mod directory_cache;
mod exchange;
mod extension;
mod header;
mod known_keys;
mod nonce;
mod traffic;
mod url;
