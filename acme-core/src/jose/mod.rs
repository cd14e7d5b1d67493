//! JSON Web Signature, Key and thumbprint as ACME uses them (RFC 7515, RFC 7517, RFC 7638,
//! RFC 8555 §6), and external account binding.
//!
//! A request body is made in two steps, so that the key may be anywhere: [`SigningInput`] is the
//! text to be signed, and [`SigningInput::into_body`] joins it with the signature.

mod account_key;
mod algorithm;
pub mod eab;
pub mod encoding;
mod jwk;
mod jws;
mod signature;
mod signer;

pub use account_key::{AccountKey, AccountKeyError};
pub use algorithm::{JwsAlgorithm, JwsAlgorithmError};
pub use eab::{ExternalAccountBinding, MacAlgorithm, MacKey};
pub use jwk::{Jwk, JwkError};
pub use jws::{KeyReference, ProtectedHeader, SigningInput, SigningInputError};
pub use signature::normalise_signature;
pub use signer::{LocalSigner, Signer};
