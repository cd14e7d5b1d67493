//! Reading private keys: PEM and PKCS#8, SEC 1 (RFC 5915) and PKCS#1 (RFC 8017) inside it.

use std::sync::Arc;

use base64ct::{Base64, Encoding};
use der::asn1::{AnyRef, ObjectIdentifier, OctetStringRef, UintRef};
use der::{Decode, Tag, Tagged};
use x509_cert::spki::AlgorithmIdentifierRef;
use zeroize::Zeroizing;

use super::KeyError;
use super::backend::{self, Backend, EncodedKey};
use super::public_key::{Curve, EC_PUBLIC_KEY, ED25519, RSA_ENCRYPTION, bit_len};

const NOT_DER: KeyError = KeyError::Malformed("it is not the DER structure its kind has");
const RSA_BITS: core::ops::RangeInclusive<usize> = 2048..=4096;

/// Reads the first private key in the text; other blocks, such as the `EC PARAMETERS` that
/// `openssl ecparam -genkey` puts in front, are passed over.
pub(super) fn from_pem(text: &str) -> Result<Arc<dyn Backend>, KeyError> {
    let mut found = None;
    let mut rest = text;
    while let Some((_, after)) = rest.split_once("-----BEGIN ") {
        let Some((label, after)) = after.split_once("-----") else {
            break;
        };
        let Some((body, after)) = after.split_once("-----END ") else {
            return Err(KeyError::Malformed("its PEM block has no end line"));
        };
        rest = after;
        match label {
            "PRIVATE KEY" => return from_pkcs8_der(&decode_body(body)?),
            "EC PRIVATE KEY" => return from_sec1_der(&decode_body(body)?, None),
            "RSA PRIVATE KEY" => return from_pkcs1_der(&decode_body(body)?),
            "ENCRYPTED PRIVATE KEY" => return Err(KeyError::Encrypted),
            "OPENSSH PRIVATE KEY" => {
                return Err(KeyError::Unsupported("it is in the format of OpenSSH"));
            }
            "DSA PRIVATE KEY" => return Err(KeyError::Unsupported("it is a DSA key")),
            "CERTIFICATE" | "TRUSTED CERTIFICATE" => found = Some("a certificate"),
            "CERTIFICATE REQUEST" | "NEW CERTIFICATE REQUEST" => {
                found = Some("a certificate request");
            }
            "PUBLIC KEY" | "RSA PUBLIC KEY" => found = Some("a public key"),
            _ => {}
        }
    }
    Err(KeyError::NoPrivateKey { found })
}

/// Decodes the Base64 of one block, whatever the width of its lines.
fn decode_body(body: &str) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    if body.contains("Proc-Type:") && body.contains("ENCRYPTED") {
        return Err(KeyError::Encrypted);
    }
    let mut joined = Zeroizing::new(String::with_capacity(body.len()));
    joined.extend(body.chars().filter(|c| !c.is_ascii_whitespace()));
    Base64::decode_vec(&joined)
        .map(Zeroizing::new)
        .map_err(|_| KeyError::Malformed("its PEM block is not Base64"))
}

/// Reads `PrivateKeyInfo` (RFC 5208) or `OneAsymmetricKey` (RFC 5958).
pub(super) fn from_pkcs8_der(der: &[u8]) -> Result<Arc<dyn Backend>, KeyError> {
    let parts = Vec::<AnyRef<'_>>::from_der(der).map_err(|_| NOT_DER)?;
    let (algorithm, key) = match parts.as_slice() {
        // EncryptedPrivateKeyInfo (RFC 5958 §3) has no version in front.
        [algorithm, _] if algorithm.tag() == Tag::Sequence => return Err(KeyError::Encrypted),
        [version, algorithm, key, ..] if version.tag() == Tag::Integer => (algorithm, key),
        _ => return Err(NOT_DER),
    };
    let algorithm: AlgorithmIdentifierRef<'_> = algorithm.decode_as().map_err(|_| NOT_DER)?;
    let key: &OctetStringRef = key.decode_as().map_err(|_| NOT_DER)?;
    match algorithm.oid {
        EC_PUBLIC_KEY => {
            let curve = algorithm
                .parameters_oid()
                .map_err(|_| KeyError::Unsupported("its curve has no name"))?;
            from_sec1_der(key.as_bytes(), Some(curve))
        }
        RSA_ENCRYPTION => from_pkcs1_der(key.as_bytes()),
        ED25519 => {
            let seed = <&OctetStringRef>::from_der(key.as_bytes()).map_err(|_| NOT_DER)?;
            let seed = seed.as_bytes().try_into().map_err(|_| NOT_DER)?;
            backend::decode(EncodedKey::Ed25519(seed))
        }
        _ => Err(KeyError::Unsupported("its algorithm is none of EC, RSA and Ed25519")),
    }
}

/// Reads `ECPrivateKey`; the curve stands in it, outside it, or in both places.
fn from_sec1_der(
    der: &[u8],
    curve: Option<ObjectIdentifier>,
) -> Result<Arc<dyn Backend>, KeyError> {
    let parts = Vec::<AnyRef<'_>>::from_der(der).map_err(|_| NOT_DER)?;
    let inner = parts
        .iter()
        .find(
            |part| matches!(part.tag(), Tag::ContextSpecific { number, .. } if number.value() == 0),
        )
        .map(|part| ObjectIdentifier::from_der(part.value()))
        .transpose()
        .map_err(|_| KeyError::Unsupported("its curve has no name"))?;
    match curve.or(inner).map(Curve::from_oid) {
        Some(Some(Curve::P256)) => backend::decode(EncodedKey::P256(der)),
        Some(Some(Curve::P384)) => backend::decode(EncodedKey::P384(der)),
        Some(_) => Err(KeyError::Unsupported("its curve is neither P-256 nor P-384")),
        None => Err(KeyError::Malformed("it does not name its curve")),
    }
}

/// Reads `RSAPrivateKey`.
fn from_pkcs1_der(der: &[u8]) -> Result<Arc<dyn Backend>, KeyError> {
    let numbers = Vec::<UintRef<'_>>::from_der(der).map_err(|_| NOT_DER)?;
    let [version, modulus, ..] = numbers.as_slice() else {
        return Err(NOT_DER);
    };
    if version.as_bytes() != [0] {
        return Err(KeyError::Unsupported("it is an RSA key of more than two primes"));
    }
    let bits = bit_len(modulus.as_bytes());
    if !RSA_BITS.contains(&bits) {
        return Err(KeyError::RsaSize { bits });
    }
    backend::decode(EncodedKey::Rsa(der, bits))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::{KeyType, PrivateKey};

    const RSA_PKCS1: &str = include_str!("fixtures/rsa2048-pkcs1.pem");
    const RSA_PKCS8: &str = include_str!("fixtures/rsa2048-pkcs8.pem");
    const P256_SEC1: &str = include_str!("fixtures/p256-sec1.pem");
    const P256_PKCS8: &str = include_str!("fixtures/p256-pkcs8.pem");
    const P384_SEC1: &str = include_str!("fixtures/p384-sec1.pem");
    const ED25519_PKCS8: &str = include_str!("fixtures/ed25519-pkcs8.pem");
    const CERTIFICATE: &str = include_str!("fixtures/certificate.pem");

    fn error(pem: &str) -> KeyError {
        PrivateKey::from_pem(pem).expect_err("the key should be refused")
    }

    #[test]
    fn keys_written_by_openssl_are_read_in_each_encoding() {
        for (pem, kind) in [
            (RSA_PKCS1, KeyType::Rsa2048),
            (RSA_PKCS8, KeyType::Rsa2048),
            (P256_SEC1, KeyType::P256),
            (P256_PKCS8, KeyType::P256),
            (P384_SEC1, KeyType::P384),
            (ED25519_PKCS8, KeyType::Ed25519),
        ] {
            if kind.is_available() {
                let key = PrivateKey::from_pem(pem).unwrap();
                assert_eq!(key.key_type(), kind);
                let again = PrivateKey::from_pem(&key.to_pkcs8_pem().unwrap()).unwrap();
                assert_eq!(again.public_key_der(), key.public_key_der());
            } else {
                assert_eq!(error(pem), KeyError::Disabled(kind));
            }
        }
    }

    #[cfg(all(feature = "p256", feature = "rsa"))]
    #[test]
    fn two_encodings_of_one_key_are_one_key() {
        for (one, other) in [(RSA_PKCS1, RSA_PKCS8), (P256_SEC1, P256_PKCS8)] {
            let [one, other] = [one, other].map(|pem| PrivateKey::from_pem(pem).unwrap());
            assert_eq!(one.public_key_der(), other.public_key_der());
        }
    }

    #[cfg(feature = "ed25519")]
    #[test]
    fn our_pkcs8_is_the_one_openssl_writes() {
        let key = PrivateKey::from_pem(ED25519_PKCS8).unwrap();
        assert_eq!(key.to_pkcs8_pem().unwrap().as_str(), ED25519_PKCS8);
    }

    #[cfg(all(feature = "p256", feature = "rsa"))]
    #[test]
    fn pkcs8_of_ec_and_rsa_is_the_one_openssl_writes() {
        for pem in [P256_PKCS8, RSA_PKCS8] {
            let key = PrivateKey::from_pem(pem).unwrap();
            assert_eq!(key.to_pkcs8_pem().unwrap().as_str(), pem);
        }
    }

    #[cfg(feature = "p256")]
    #[test]
    fn line_ends_indentation_and_other_blocks_do_not_matter() {
        let expected = PrivateKey::from_pem(P256_PKCS8).unwrap();
        for pem in [
            P256_PKCS8.replace('\n', "\r\n"),
            P256_PKCS8.replace('\n', "\n    "),
            P256_PKCS8.replace('\n', "").replace("KEY-----", "KEY-----\n"),
            format!("Bag Attributes\n  friendlyName: x\n{CERTIFICATE}{P256_PKCS8}"),
        ] {
            let key = PrivateKey::from_pem(&pem).unwrap();
            assert_eq!(key.public_key_der(), expected.public_key_der());
        }
    }

    #[test]
    fn encrypted_keys_are_named_as_such() {
        for pem in [
            include_str!("fixtures/p256-encrypted.pem"),
            include_str!("fixtures/rsa2048-encrypted-pkcs1.pem"),
            &include_str!("fixtures/p256-encrypted.pem").replace("ENCRYPTED ", ""),
        ] {
            assert_eq!(error(pem), KeyError::Encrypted);
        }
        assert!(KeyError::Encrypted.to_string().contains("encrypted; decrypt it first"));
    }

    #[test]
    fn rsa_keys_of_other_sizes_are_refused_with_their_size() {
        for (pem, bits) in [
            (include_str!("fixtures/rsa1024-pkcs1.pem"), 1024),
            (include_str!("fixtures/rsa4104-pkcs1.pem"), 4104),
        ] {
            assert_eq!(error(pem), KeyError::RsaSize { bits });
            assert!(error(pem).to_string().contains(&bits.to_string()));
        }
    }

    #[test]
    fn what_is_no_usable_key_is_told_apart() {
        assert_eq!(error(""), KeyError::NoPrivateKey { found: None });
        assert_eq!(error(CERTIFICATE), KeyError::NoPrivateKey { found: Some("a certificate") });
        assert!(matches!(
            error(include_str!("fixtures/p521-sec1.pem")),
            KeyError::Unsupported(reason) if reason.contains("curve")
        ));
        assert!(matches!(
            error(&P256_PKCS8.replace("PRIVATE", "OPENSSH PRIVATE")),
            KeyError::Unsupported(reason) if reason.contains("OpenSSH")
        ));
        let (cut, _) = P256_PKCS8.split_at(80);
        assert!(matches!(error(cut), KeyError::Malformed(_)));
        assert!(matches!(error(&P256_PKCS8.replace('M', "!")), KeyError::Malformed(_)));
        assert!(matches!(
            error(&P256_SEC1.replace(" EC ", " RSA ").replace("EC PARAMETERS", "X")),
            KeyError::Malformed(_)
        ));
    }

    /// Every octet of a key changed in turn, and every prefix of it: no panic, and never a key
    /// whose two halves differ.
    #[test]
    fn damaged_der_is_an_error_or_another_whole_key() {
        use crate::crypto::seeded::Seeded;
        for pem in [P256_PKCS8, P384_SEC1, ED25519_PKCS8, RSA_PKCS8, RSA_PKCS1] {
            let Ok(key) = PrivateKey::from_pem(pem) else {
                continue;
            };
            let der = key.to_pkcs8_der().unwrap();
            // An RSA key is large and checking it slow: every seventh octet will do.
            let step = if der.len() > 300 { 7 } else { 1 };
            for offset in (0..der.len()).step_by(step) {
                assert!(PrivateKey::from_pkcs8_der(&der[..offset]).is_err());
                for change in [0x01, 0x80, 0xff] {
                    let mut damaged = der.to_vec();
                    damaged[offset] ^= change;
                    if let Ok(other) = PrivateKey::from_pkcs8_der(&damaged) {
                        let signature = other.sign(&mut Seeded::new(1), b"message").unwrap();
                        let check = crate::crypto::verify(
                            other.public_key_der(),
                            other.signature_scheme(),
                            b"message",
                            &signature,
                        );
                        assert!(check.is_valid(), "octet {offset} changed by {change:#x}");
                    }
                }
            }
        }
    }
}
