//! External account binding (RFC 8555 §7.3.4): proof that a customer of the CA wants the account.

mod mac_key;

use core::fmt;

pub use mac_key::{MacAlgorithm, MacAlgorithmError, MacKey, MacKeyError, MacKeyWarning};
use serde_json::Value;

use super::jws::SigningInput;
use super::{Jwk, encoding};

/// The credential that a CA hands out for registering an account.
///
/// `Debug` shows the key identifier and the algorithm, never the key.
///
/// ```
/// use acmekit_core::jose::{ExternalAccountBinding, MacAlgorithm, MacKey};
///
/// let mac_key = MacKey::parse("zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W")?;
/// let binding = ExternalAccountBinding::new("kid-1", mac_key, MacAlgorithm::Hs256)?;
/// assert_eq!(binding.key_id(), "kid-1");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct ExternalAccountBinding {
    key_id: String,
    algorithm: MacAlgorithm,
    mac_key: MacKey,
}

impl ExternalAccountBinding {
    /// Joins the key identifier, as the CA gave it, and the key. White space around the identifier
    /// is dropped.
    ///
    /// # Errors
    /// Refuses an empty identifier and one with control characters.
    pub fn new(
        key_id: impl Into<String>,
        mac_key: MacKey,
        algorithm: MacAlgorithm,
    ) -> Result<Self, KeyIdError> {
        let key_id = key_id.into().trim().to_owned();
        if key_id.is_empty() {
            return Err(KeyIdError::Empty);
        }
        if key_id.chars().any(char::is_control) {
            return Err(KeyIdError::ControlCharacter);
        }
        Ok(Self { key_id, algorithm, mac_key })
    }

    /// The key identifier.
    pub fn key_id(&self) -> &str {
        &self.key_id
    }

    /// The MAC algorithm.
    pub const fn algorithm(&self) -> MacAlgorithm {
        self.algorithm
    }

    /// The key.
    pub const fn mac_key(&self) -> &MacKey {
        &self.mac_key
    }

    /// Makes the value of `externalAccountBinding`: a flattened JWS whose payload is the account's
    /// public key and whose header holds exactly `alg`, `kid` and the URL of newAccount.
    #[must_use]
    pub fn sign(&self, jwk: &Jwk, new_account_url: &str) -> Value {
        let mut header = serde_json::Map::new();
        header.insert("alg".to_owned(), self.algorithm.as_str().into());
        header.insert("kid".to_owned(), self.key_id.as_str().into());
        header.insert("url".to_owned(), new_account_url.into());
        let input = SigningInput::join(
            encoding::encode(Value::Object(header).to_string().as_bytes()),
            encoding::encode(jwk.to_value().to_string().as_bytes()),
        );
        let tag = self.mac_key.authenticate(self.algorithm, input.as_bytes());
        input.into_value(&tag)
    }
}

impl fmt::Debug for ExternalAccountBinding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExternalAccountBinding")
            .field("key_id", &self.key_id)
            .field("algorithm", &self.algorithm)
            .finish_non_exhaustive()
    }
}

/// The text cannot be a key identifier.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyIdError {
    /// There is nothing in it.
    Empty,
    /// It has a control character, such as a line break.
    ControlCharacter,
}

impl fmt::Display for KeyIdError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "the EAB key identifier is empty; copy it from the CA's account page",
            Self::ControlCharacter => {
                "the EAB key identifier has a control character, such as a line break, in it"
            }
        })
    }
}

impl core::error::Error for KeyIdError {}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str =
        "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow";
    const URL: &str = "https://example.com/acme/new-account";

    fn key_of_rfc7515_a3() -> Jwk {
        serde_json::from_str(
            r#"{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
                "y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}"#,
        )
        .unwrap()
    }

    fn binding(key_id: &str, algorithm: MacAlgorithm) -> ExternalAccountBinding {
        ExternalAccountBinding::new(key_id, MacKey::parse(KEY).unwrap(), algorithm).unwrap()
    }

    #[test]
    fn the_derived_vector_comes_out() {
        let value = binding("kid-1", MacAlgorithm::Hs256).sign(&key_of_rfc7515_a3(), URL);
        assert_eq!(
            value,
            serde_json::json!({
                "protected": "eyJhbGciOiJIUzI1NiIsImtpZCI6ImtpZC0xIiwidXJsIjoiaHR0cHM6Ly9leGFtcGxl\
                              LmNvbS9hY21lL25ldy1hY2NvdW50In0",
                "payload": "eyJjcnYiOiJQLTI1NiIsImt0eSI6IkVDIiwieCI6ImY4M09KM0QyeEYxQmc4dnViOXRMZT\
                            FnSE16Vjc2ZThUdXM5dVBIdlJWRVUiLCJ5IjoieF9GRXpSdTltMzZITE5fdHVlNjU5TE5w\
                            WFc2cEN5U3Rpa1lqS0lXSTVhMCJ9",
                "signature": "QuZg1lKPrYwiYgptNJaaFxhg9jPemMxfmbk5B7ATSYE",
            })
        );
    }

    #[test]
    fn hostile_identifiers_stay_inside_their_member() {
        let key_id = "a\",\"nonce\":\"x\u{2028}\\";
        let value = binding(key_id, MacAlgorithm::Hs512).sign(&key_of_rfc7515_a3(), URL);
        let header = encoding::decode(value["protected"].as_str().unwrap()).unwrap();
        let header: Value = serde_json::from_slice(&header).unwrap();
        assert_eq!(header, serde_json::json!({"alg": "HS512", "kid": key_id, "url": URL}));
    }

    #[test]
    fn identifiers_that_cannot_be_right_are_refused() {
        let new = |key_id: &str| {
            ExternalAccountBinding::new(key_id, MacKey::parse(KEY).unwrap(), MacAlgorithm::Hs256)
                .map(|binding| binding.key_id().to_owned())
        };
        assert_eq!(new(" \n"), Err(KeyIdError::Empty));
        assert_eq!(new("kid\r\n1"), Err(KeyIdError::ControlCharacter));
        assert_eq!(new(" kid-1\n"), Ok("kid-1".to_owned()));
    }

    #[test]
    fn debug_keeps_the_key_to_itself() {
        let text = format!("{:?}", binding("kid-1", MacAlgorithm::Hs384));
        assert!(text.contains("kid-1") && text.contains("Hs384"), "{text}");
        assert!(!text.contains("mac_key") && !text.contains("35, 53"), "{text}");
    }
}
