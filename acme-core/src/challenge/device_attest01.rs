//! device-attest-01: a statement of the device's hardware (draft-ietf-acme-device-attest-10).
//!
//! The identifier is of the type `permanent-identifier` or `hardware-module`. A secure element, a
//! TPM or the operating system makes an attestation object of WebAuthn over [`attested_data`]; the
//! challenge is answered with [`answer`]. Nothing is published and nothing is to be withdrawn.
//!
//! The object is CBOR and goes to the server as the caller made it. The draft prefers that its
//! member `authData` is left out, since the server has no use for it; some servers (step-ca among
//! them) read only `fmt` and `attStmt`. Removing it is for the caller, who has a CBOR encoder.
//!
//! A server that does not accept the object answers `badAttestationStatement`
//! ([`ProblemType::BadAttestationStatement`](crate::problem::ProblemType::BadAttestationStatement)).

use core::fmt;

use super::Answer;
use super::token::{KeyAuthorization, Token};
use crate::jose::encoding;
use crate::types::identifier::Identifier;

/// The longest attestation object that is sent, in octets. Real ones have a few thousand.
pub const MAX_ATTESTATION_LENGTH: usize = 32 * 1024;

/// Whether the challenge is for identifiers of this type: `permanent-identifier` and
/// `hardware-module` are.
pub fn is_device(identifier: &Identifier) -> bool {
    matches!(identifier.kind(), "permanent-identifier" | "hardware-module")
}

/// What the device attests: the octets of the key authorization. Most formats hash them first, as
/// WebAuthn does with its client data.
///
/// ```
/// use acmekit_core::challenge::{KeyAuthorization, Token, device_attest01};
///
/// let token: Token = "evaGxfADs6pSRb2LAv9IZf17Dt3juxGJ-PCt92wr-oA".parse()?;
/// let proof = KeyAuthorization::new(&token, "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
/// let data = device_attest01::attested_data(&proof);
/// // `data` goes to the secure element, and what it says to the server
/// let attestation_object = [0xa0];
/// let answer = device_attest01::answer(&attestation_object)?;
/// # assert_eq!((data.len(), answer.is_empty()), (87, false));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn attested_data(key_authorization: &KeyAuthorization) -> &[u8] {
    key_authorization.as_str().as_bytes()
}

/// What a device attests whose format has only room for the token: the token's octets. Use
/// [`attested_data`] unless the format's documentation asks for this.
pub fn attested_token(token: &Token) -> &[u8] {
    token.as_str().as_bytes()
}

/// The answer to the challenge, for [`Input::PublishedWith`](crate::action::Input::PublishedWith):
/// the attestation object, octets of CBOR, in base64url as the member `attObj`.
///
/// # Errors
/// [`AttestationError`] if the object is too long or is no CBOR map, as base64 text would be.
pub fn answer(attestation_object: &[u8]) -> Result<Answer, AttestationError> {
    if attestation_object.len() > MAX_ATTESTATION_LENGTH {
        return Err(AttestationError::TooLong);
    }
    // The first three bits of a CBOR map are 101 (RFC 8949 §3.1).
    if attestation_object.first().is_none_or(|first| first >> 5 != 5) {
        return Err(AttestationError::NoMap);
    }
    let object = encoding::encode(attestation_object);
    Answer::of("attObj", object).map_err(|_| AttestationError::TooLong)
}

/// The octets are no attestation object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AttestationError {
    /// They do not begin a map of CBOR.
    NoMap,
    /// They are more than [`MAX_ATTESTATION_LENGTH`].
    TooLong,
}

impl fmt::Display for AttestationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoMap => f.write_str(
                "the attestation object is no map in CBOR; pass its octets as the device made \
                 them, not base64 or JSON",
            ),
            Self::TooLong => write!(
                f,
                "the attestation object is longer than {MAX_ATTESTATION_LENGTH} octets; leave out \
                 authData"
            ),
        }
    }
}

impl core::error::Error for AttestationError {}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::challenge::token::tests::{THUMBPRINTS, sample_token};

    #[test]
    fn the_answer_is_exactly_the_attestation_object_in_base64url() {
        // {"fmt": "none", "attStmt": {}}
        let object = b"\xa2\x63fmt\x64none\x67attStmt\xa0";
        let answer = answer(object).unwrap().payload();
        let payload: serde_json::Value = serde_json::from_slice(&answer).unwrap();
        assert_eq!(payload, json!({ "attObj": "omNmbXRkbm9uZWdhdHRTdG10oA" }));
    }

    #[test]
    fn the_device_attests_the_key_authorization_or_the_token_alone() {
        let authorization = KeyAuthorization::new(&sample_token(), THUMBPRINTS[0]);
        let attested = attested_data(&authorization);
        assert_eq!(attested, authorization.as_str().as_bytes());
        assert!(attested.starts_with(attested_token(&sample_token())));
        assert_eq!(attested_token(&sample_token()).len(), 43);
    }

    #[test]
    fn what_is_no_map_of_cbor_is_refused() {
        for other in [&b""[..], b"omNmbXQ", b"{}", &[0x80], &[0x9f]] {
            assert_eq!(answer(other), Err(AttestationError::NoMap));
        }
        let mut long = vec![0; MAX_ATTESTATION_LENGTH + 1];
        long[0] = 0xa1;
        assert_eq!(answer(&long), Err(AttestationError::TooLong));
        assert!(answer(&long[..MAX_ATTESTATION_LENGTH]).is_ok());
    }

    #[test]
    fn both_kinds_of_device_identifiers_are_for_this_challenge() {
        let of = |kind: &str| -> Identifier {
            serde_json::from_value(json!({ "type": kind, "value": "x" })).unwrap()
        };
        assert!(is_device(&of("permanent-identifier")));
        assert!(is_device(&of("hardware-module")));
        assert!(!is_device(&of("email")));
        assert!(!is_device(&"example.org".parse().unwrap()));
    }
}
