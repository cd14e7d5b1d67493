//! Keys that live in this process, behind one type, and the signature schemes of X.509.
//!
//! [`PrivateKey`] hides which backend does the arithmetic; the cargo features `p256`, `p384`, `rsa`
//! and `ed25519` decide which kinds of key a build can make and use. A key held elsewhere (HSM,
//! KMS, key store of a phone) never becomes a [`PrivateKey`]: flows ask for its signatures instead.

mod backend;
mod error;
mod import;
mod key_type;
mod private_key;
mod public_key;
mod scheme;
#[cfg(test)]
pub(crate) mod seeded;
mod verify;

pub use error::{KeyError, SignError};
pub use key_type::{KeyType, KeyTypeError};
pub use private_key::PrivateKey;
pub use public_key::PublicKeyError;
pub(crate) use public_key::{Curve, PublicKeyParts, bit_len};
pub use scheme::SignatureScheme;
pub use verify::{SignatureCheck, verify};
