//! External account binding (RFC 8555 §7.3.4): proof that a customer of the CA wants the account.

mod import;
mod mac_key;
mod mac_signer;

use core::fmt;
use std::sync::Arc;

pub use import::{
    ImportChange, ImportError, ImportField, ImportReport, ImportSource, ImportTool, ImportWarning,
    ImportedBinding, MAX_IMPORT_LEN, MacKeyForm, MacKeyFormError,
};
pub use mac_key::{MacAlgorithm, MacAlgorithmError, MacKey, MacKeyError, MacKeyWarning};
pub use mac_signer::MacSigner;
use serde_json::Value;

use super::jws::SigningInput;
use super::{Jwk, encoding};
use crate::crypto::SignError;

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
    secret: Secret,
}

#[derive(Clone)]
enum Secret {
    Key(MacKey),
    Signer(Arc<dyn MacSigner>),
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
        let key_id = check_key_id(&key_id.into())?;
        Ok(Self { key_id, algorithm, secret: Secret::Key(mac_key) })
    }

    /// Joins the key identifier and something that computes the MAC, so that the key stays where
    /// it is: in an HSM, a vault, another process.
    ///
    /// ```
    /// use std::sync::Arc;
    ///
    /// use acmekit_core::crypto::SignError;
    /// use acmekit_core::jose::eab::MacSigner;
    /// use acmekit_core::jose::{ExternalAccountBinding, MacAlgorithm};
    ///
    /// struct Vault;
    ///
    /// impl MacSigner for Vault {
    ///     fn sign(&self, _: MacAlgorithm, _message: &[u8]) -> Result<Vec<u8>, SignError> {
    ///         Err(SignError::other("the vault is sealed"))
    ///     }
    /// }
    ///
    /// let algorithm = MacAlgorithm::Hs256;
    /// let binding = ExternalAccountBinding::with_signer("kid-1", algorithm, Arc::new(Vault))?;
    /// assert!(binding.mac_key().is_none());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn with_signer(
        key_id: impl Into<String>,
        algorithm: MacAlgorithm,
        signer: Arc<dyn MacSigner>,
    ) -> Result<Self, KeyIdError> {
        let key_id = check_key_id(&key_id.into())?;
        Ok(Self { key_id, algorithm, secret: Secret::Signer(signer) })
    }

    /// The key identifier.
    pub fn key_id(&self) -> &str {
        &self.key_id
    }

    /// The MAC algorithm.
    pub const fn algorithm(&self) -> MacAlgorithm {
        self.algorithm
    }

    /// The key, unless the MAC is computed elsewhere.
    pub const fn mac_key(&self) -> Option<&MacKey> {
        match &self.secret {
            Secret::Key(mac_key) => Some(mac_key),
            Secret::Signer(_) => None,
        }
    }

    /// What is odd about the key though it can be used ([`MacKey::warnings`]); nothing can be said
    /// of a key that is elsewhere.
    pub fn warnings(&self) -> Vec<MacKeyWarning> {
        self.mac_key().map(|mac_key| mac_key.warnings(self.algorithm)).unwrap_or_default()
    }

    /// Makes the value of `externalAccountBinding`: a flattened JWS whose payload is the account's
    /// public key and whose header holds exactly `alg`, `kid` and the URL of newAccount.
    ///
    /// # Errors
    /// What a [`MacSigner`] says, and [`SignError::Length`] if its MAC has not the length of the
    /// hash. A key in this process does not fail.
    pub fn sign(&self, jwk: &Jwk, new_account_url: &str) -> Result<Value, SignError> {
        let mut header = serde_json::Map::new();
        header.insert("alg".to_owned(), self.algorithm.as_str().into());
        header.insert("kid".to_owned(), self.key_id.as_str().into());
        header.insert("url".to_owned(), new_account_url.into());
        let input = SigningInput::join(
            encoding::encode(Value::Object(header).to_string().as_bytes()),
            encoding::encode(jwk.to_value().to_string().as_bytes()),
        );
        let tag = match &self.secret {
            Secret::Key(mac_key) => mac_key.authenticate(self.algorithm, input.as_bytes()),
            Secret::Signer(signer) => signer.sign(self.algorithm, input.as_bytes())?,
        };
        let expected = self.algorithm.hash_len();
        if tag.len() != expected {
            return Err(SignError::Length { expected, actual: tag.len() });
        }
        Ok(input.into_value(&tag))
    }
}

/// Drops the white space around a key identifier, and refuses what cannot be one.
fn check_key_id(text: &str) -> Result<String, KeyIdError> {
    let key_id = text.trim();
    if key_id.is_empty() {
        return Err(KeyIdError::Empty);
    }
    if key_id.chars().any(char::is_control) {
        return Err(KeyIdError::ControlCharacter);
    }
    Ok(key_id.to_owned())
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
        let value = binding("kid-1", MacAlgorithm::Hs256).sign(&key_of_rfc7515_a3(), URL).unwrap();
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
        let value = binding(key_id, MacAlgorithm::Hs512).sign(&key_of_rfc7515_a3(), URL).unwrap();
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

    /// Holds the key of the other tests where the binding cannot see it, and cuts its answer.
    struct Elsewhere {
        len: usize,
    }

    impl MacSigner for Elsewhere {
        fn sign(&self, algorithm: MacAlgorithm, message: &[u8]) -> Result<Vec<u8>, SignError> {
            if self.len == 0 {
                return Err(SignError::other("the token was pulled out"));
            }
            let mut tag = MacKey::parse(KEY).unwrap().sign(algorithm, message)?;
            tag.truncate(self.len);
            Ok(tag)
        }
    }

    fn sign_elsewhere(algorithm: MacAlgorithm, len: usize) -> Result<Value, SignError> {
        ExternalAccountBinding::with_signer(" kid-1 ", algorithm, Arc::new(Elsewhere { len }))
            .unwrap()
            .sign(&key_of_rfc7515_a3(), URL)
    }

    #[test]
    fn a_mac_that_is_computed_elsewhere_makes_the_same_binding() {
        for algorithm in [MacAlgorithm::Hs256, MacAlgorithm::Hs384, MacAlgorithm::Hs512] {
            let here = binding("kid-1", algorithm).sign(&key_of_rfc7515_a3(), URL).unwrap();
            assert_eq!(sign_elsewhere(algorithm, usize::MAX), Ok(here));
        }
    }

    #[test]
    fn a_signer_that_fails_or_cuts_its_mac_makes_no_binding() {
        assert_eq!(
            sign_elsewhere(MacAlgorithm::Hs256, 0),
            Err(SignError::other("the token was pulled out"))
        );
        assert_eq!(
            sign_elsewhere(MacAlgorithm::Hs512, 32),
            Err(SignError::Length { expected: 64, actual: 32 })
        );
    }

    #[test]
    fn of_a_key_elsewhere_nothing_is_known_or_shown() {
        let signer = Arc::new(Elsewhere { len: 1 });
        let binding =
            ExternalAccountBinding::with_signer("kid-1", MacAlgorithm::Hs256, signer).unwrap();
        assert!(binding.mac_key().is_none());
        assert_eq!(binding.warnings(), []);
        assert_eq!(
            format!("{binding:?}"),
            "ExternalAccountBinding { key_id: \"kid-1\", algorithm: Hs256, .. }"
        );
    }

    #[test]
    fn debug_keeps_the_key_to_itself() {
        let text = format!("{:?}", binding("kid-1", MacAlgorithm::Hs384));
        assert!(text.contains("kid-1") && text.contains("Hs384"), "{text}");
        assert!(!text.contains("mac_key") && !text.contains("35, 53"), "{text}");
    }
}
