//! Request bodies: flattened JWS with `protected`, `payload` and `signature` (RFC 8555 §6.2).

use core::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Jwk, JwsAlgorithm, encoding};

/// What a protected header says; there are no other parameters (RFC 8555 §6.2).
#[derive(Clone, Copy, Debug)]
pub struct ProtectedHeader<'a> {
    /// How the request is signed.
    pub algorithm: JwsAlgorithm,
    /// The anti-replay nonce; `None` only for the inner JWS of a key change (RFC 8555 §7.3.5).
    pub nonce: Option<&'a str>,
    /// Where the request goes, byte for byte.
    pub url: &'a str,
    /// Whose signature it is.
    pub key: KeyReference<'a>,
}

/// How a request names the key that signed it.
#[derive(Clone, Copy, Debug)]
pub enum KeyReference<'a> {
    /// The key itself: for newAccount, and for revocation by the certificate's key.
    Jwk(&'a Jwk),
    /// The account URL, byte for byte as the server gave it.
    KeyId(&'a str),
}

impl ProtectedHeader<'_> {
    /// Members go in by the order of their names: `serde_json` sorts them, or keeps the order of
    /// insertion when some crate turns its feature `preserve_order` on. Both give the same text.
    fn to_json(self) -> String {
        let mut members = Map::new();
        members.insert("alg".to_owned(), self.algorithm.as_str().into());
        match self.key {
            KeyReference::Jwk(jwk) => members.insert("jwk".to_owned(), jwk.to_value()),
            KeyReference::KeyId(url) => members.insert("kid".to_owned(), url.into()),
        };
        if let Some(nonce) = self.nonce {
            members.insert("nonce".to_owned(), nonce.into());
        }
        members.insert("url".to_owned(), self.url.into());
        Value::Object(members).to_string()
    }
}

/// The text that gets signed: protected header and payload, encoded and joined by a dot
/// (RFC 7515 §5.1).
///
/// The body is made of this very text, so that nothing can change between signing and sending. It
/// can be saved with serde while an external signer works; it holds a nonce but no secret.
///
/// ```
/// use acmekit_core::jose::{JwsAlgorithm, KeyReference, ProtectedHeader, SigningInput};
///
/// let input = SigningInput::new(
///     &ProtectedHeader {
///         algorithm: JwsAlgorithm::Es256,
///         nonce: Some("5XJ1L3lEkMG7tR6pA00clA"),
///         url: "https://example.com/acme/orders",
///         key: KeyReference::KeyId("https://example.com/acme/acct/1"),
///     },
///     b"", // a POST-as-GET has a payload of no octets
/// );
/// assert!(input.as_bytes().ends_with(b"."));
/// let body = input.into_body(&[7; 64]);
/// assert!(String::from_utf8_lossy(&body).contains(r#""payload":"""#));
/// ```
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SigningInput {
    protected: String,
    payload: String,
    text: String,
}

impl SigningInput {
    /// Encodes a header and a payload. Members stand in the order of their names, so the same
    /// values give the same bytes.
    pub fn new(header: &ProtectedHeader<'_>, payload: &[u8]) -> Self {
        Self::join(encoding::encode(header.to_json().as_bytes()), encoding::encode(payload))
    }

    pub(super) fn join(protected: String, payload: String) -> Self {
        let text = format!("{protected}.{payload}");
        Self { protected, payload, text }
    }

    /// The octets to sign; they are ASCII.
    pub fn as_bytes(&self) -> &[u8] {
        self.text.as_bytes()
    }

    /// The body of the request: an object with exactly `payload`, `protected` and `signature`.
    ///
    /// The signature must be in the form of JWS; see
    /// [`normalise_signature`](super::normalise_signature).
    #[must_use]
    pub fn into_body(self, signature: &[u8]) -> Vec<u8> {
        self.into_value(signature).to_string().into_bytes()
    }

    pub(super) fn into_value(self, signature: &[u8]) -> Value {
        let members = [
            ("payload".to_owned(), self.payload.into()),
            ("protected".to_owned(), self.protected.into()),
            ("signature".to_owned(), encoding::encode(signature).into()),
        ];
        Value::Object(members.into_iter().collect::<Map<_, _>>())
    }
}

impl fmt::Debug for SigningInput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The payload of newAccount and of orders is the caller's business, not the log's.
        f.debug_struct("SigningInput").field("octets", &self.text.len()).finish_non_exhaustive()
    }
}

impl From<SigningInput> for String {
    fn from(input: SigningInput) -> Self {
        input.text
    }
}

impl TryFrom<String> for SigningInput {
    type Error = SigningInputError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let (protected, payload) = text.split_once('.').ok_or(SigningInputError)?;
        for part in [protected, payload] {
            encoding::decode(part).map_err(|_| SigningInputError)?;
        }
        let (protected, payload) = (protected.to_owned(), payload.to_owned());
        Ok(Self { protected, payload, text })
    }
}

/// The saved text is not a signing input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SigningInputError;

impl fmt::Display for SigningInputError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not two base64url texts joined by a dot")
    }
}

impl core::error::Error for SigningInputError {}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const URL: &str = "https://example.com/acme/new-order";
    const ACCOUNT: &str = "https://example.com/acme/acct/1?a=%2f&b=\"";

    fn p256() -> Jwk {
        serde_json::from_value(json!({"kty": "EC", "crv": "P-256",
            "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
            "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}))
        .unwrap()
    }

    fn protected(header: &ProtectedHeader<'_>) -> String {
        let input = SigningInput::new(header, b"");
        String::from_utf8(encoding::decode(&input.protected).unwrap()).unwrap()
    }

    #[test]
    fn the_header_is_the_same_text_for_each_algorithm() {
        for (algorithm, name) in [
            (JwsAlgorithm::Es256, "ES256"),
            (JwsAlgorithm::Es384, "ES384"),
            (JwsAlgorithm::Es512, "ES512"),
            (JwsAlgorithm::Rs256, "RS256"),
            (JwsAlgorithm::EdDsa, "EdDSA"),
            (JwsAlgorithm::Ed25519, "Ed25519"),
        ] {
            let header = ProtectedHeader {
                algorithm,
                nonce: Some("bm9uY2U"),
                url: URL,
                key: KeyReference::KeyId("https://example.com/acme/acct/1"),
            };
            assert_eq!(
                protected(&header),
                format!(
                    r#"{{"alg":"{name}","kid":"https://example.com/acme/acct/1","nonce":"bm9uY2U","url":"{URL}"}}"#
                )
            );
        }
    }

    #[test]
    fn a_new_account_names_its_key_in_full() {
        let jwk = p256();
        let header = ProtectedHeader {
            algorithm: JwsAlgorithm::Es256,
            nonce: Some("bm9uY2U"),
            url: URL,
            key: KeyReference::Jwk(&jwk),
        };
        assert_eq!(
            protected(&header),
            format!(
                r#"{{"alg":"ES256","jwk":{},"nonce":"bm9uY2U","url":"{URL}"}}"#,
                jwk.to_value()
            )
        );
        let inner = ProtectedHeader { nonce: None, ..header };
        assert_eq!(
            protected(&inner),
            format!(r#"{{"alg":"ES256","jwk":{},"url":"{URL}"}}"#, jwk.to_value())
        );
    }

    #[test]
    fn hostile_values_stay_inside_their_member() {
        let hostile = "\",\"alg\":\"none\"\u{2028}\u{0}\\";
        let header = ProtectedHeader {
            algorithm: JwsAlgorithm::Es256,
            nonce: Some(hostile),
            url: hostile,
            key: KeyReference::KeyId(ACCOUNT),
        };
        let value: Value = serde_json::from_str(&protected(&header)).unwrap();
        assert_eq!(
            value,
            json!({"alg": "ES256", "kid": ACCOUNT, "nonce": hostile, "url": hostile})
        );
    }

    #[test]
    fn the_body_has_three_members_over_the_text_that_was_signed() {
        let header = ProtectedHeader {
            algorithm: JwsAlgorithm::Es256,
            nonce: Some("bm9uY2U"),
            url: URL,
            key: KeyReference::KeyId(ACCOUNT),
        };
        for payload in [&b""[..], b"{}", b"\xff\x00"] {
            let input = SigningInput::new(&header, payload);
            let signed = String::from_utf8(input.as_bytes().to_vec()).unwrap();
            let body: Value = serde_json::from_slice(&input.into_body(&[1, 2, 3])).unwrap();
            let (protected, encoded) = signed.split_once('.').unwrap();
            assert_eq!(encoded, encoding::encode(payload));
            assert_eq!(
                body,
                json!({"protected": protected, "payload": encoded, "signature": "AQID"})
            );
        }
    }

    #[test]
    fn a_saved_input_comes_back_unchanged_and_a_damaged_one_is_refused() {
        let header = ProtectedHeader {
            algorithm: JwsAlgorithm::EdDsa,
            nonce: Some("bm9uY2U"),
            url: URL,
            key: KeyReference::KeyId(ACCOUNT),
        };
        let input = SigningInput::new(&header, b"{}");
        let saved = serde_json::to_value(&input).unwrap();
        assert_eq!(serde_json::from_value::<SigningInput>(saved).unwrap(), input);
        for damaged in ["", "e30", "e30.e30.e30", "e30.e30=", "e 0.e30"] {
            assert!(serde_json::from_value::<SigningInput>(damaged.into()).is_err(), "{damaged}");
        }
    }
}

#[cfg(test)]
mod vectors;
