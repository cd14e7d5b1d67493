//! Verifying the signatures of certificates and certificate requests.

use super::{SignatureScheme, backend};

/// What came of verifying a signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[must_use]
pub enum SignatureCheck {
    /// The key made the signature over exactly this message.
    Valid,
    /// It did not, or the bytes are no signature.
    Invalid,
    /// Not known: this build has no backend for the scheme, or the key does not go with it.
    Unsupported,
}

impl SignatureCheck {
    #[cfg(any(feature = "p256", feature = "p384", feature = "rsa", feature = "ed25519"))]
    pub(super) fn from_outcome(is_valid: bool) -> Self {
        if is_valid { Self::Valid } else { Self::Invalid }
    }

    /// Whether the signature is known to be good.
    pub fn is_valid(self) -> bool {
        self == Self::Valid
    }
}

/// Verifies a signature in the form of X.509 (ECDSA: `ECDSA-Sig-Value`) by a key given as
/// SubjectPublicKeyInfo in DER.
pub fn verify(
    public_key_der: &[u8],
    scheme: SignatureScheme,
    message: &[u8],
    signature: &[u8],
) -> SignatureCheck {
    if SignatureScheme::from_algorithm_oid(scheme.algorithm_oid(), public_key_der) != Some(scheme) {
        return SignatureCheck::Unsupported;
    }
    backend::verify(public_key_der, scheme, message, signature)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::seeded::Seeded;
    use crate::crypto::{KeyType, PrivateKey};

    const ALL: [SignatureScheme; 8] = [
        SignatureScheme::EcdsaP256Sha256,
        SignatureScheme::EcdsaP256Sha384,
        SignatureScheme::EcdsaP384Sha256,
        SignatureScheme::EcdsaP384Sha384,
        SignatureScheme::RsaPkcs1Sha256,
        SignatureScheme::RsaPkcs1Sha384,
        SignatureScheme::RsaPkcs1Sha512,
        SignatureScheme::Ed25519,
    ];

    fn keys() -> Vec<PrivateKey> {
        [KeyType::P256, KeyType::P384, KeyType::Rsa2048, KeyType::Ed25519]
            .into_iter()
            .filter(|kind| kind.is_available())
            .map(|kind| PrivateKey::generate(kind, &mut Seeded::new(8)).unwrap())
            .collect()
    }

    #[test]
    fn only_the_scheme_of_the_signature_finds_it_valid() {
        for key in keys() {
            let signature = key.sign(&mut Seeded::new(9), b"message").unwrap();
            for scheme in ALL {
                let check = verify(key.public_key_der(), scheme, b"message", &signature);
                assert_eq!(check.is_valid(), scheme == key.signature_scheme(), "{scheme:?}");
            }
        }
    }

    #[test]
    fn damaged_signatures_are_invalid_and_foreign_keys_unsupported() {
        for key in keys() {
            let scheme = key.signature_scheme();
            let signature = key.sign(&mut Seeded::new(9), b"message").unwrap();
            for length in 0..signature.len() {
                let cut = signature.get(..length).unwrap();
                let check = verify(key.public_key_der(), scheme, b"message", cut);
                assert_eq!(check, SignatureCheck::Invalid);
            }
            for bit in 0..8 {
                let mut flipped = signature.clone();
                *flipped.last_mut().unwrap() ^= 1 << bit;
                let check = verify(key.public_key_der(), scheme, b"message", &flipped);
                assert_eq!(check, SignatureCheck::Invalid);
            }
            for damaged in [&[][..], &[0x30, 0], &key.public_key_der()[1..]] {
                let check = verify(damaged, scheme, b"message", &signature);
                assert_eq!(check, SignatureCheck::Unsupported);
            }
        }
    }

    #[test]
    fn a_scheme_comes_back_from_its_identifier_and_a_fitting_key() {
        for key in keys() {
            for scheme in ALL {
                let identifier = scheme.algorithm_identifier();
                let back =
                    SignatureScheme::from_algorithm_oid(identifier.oid, key.public_key_der());
                if scheme == key.signature_scheme() {
                    assert_eq!(back, Some(scheme));
                }
                let is_rsa = format!("{scheme:?}").starts_with("Rsa");
                assert_eq!(identifier.parameters.is_some_and(|any| any.is_null()), is_rsa);
            }
        }
    }

    /// Made by OpenSSL: curve and hash, or modulus and hash, in combinations that our keys do not
    /// sign with but that chains of public CAs have.
    #[test]
    fn cross_combinations_made_by_openssl_verify() {
        for (kind, scheme, key, signature) in [
            (
                KeyType::P256,
                SignatureScheme::EcdsaP256Sha384,
                include_str!("fixtures/p256-public.pem"),
                include_bytes!("fixtures/p256-sha384.sig").as_slice(),
            ),
            (
                KeyType::P384,
                SignatureScheme::EcdsaP384Sha256,
                include_str!("fixtures/p384-public.pem"),
                include_bytes!("fixtures/p384-sha256.sig"),
            ),
            (
                KeyType::Rsa2048,
                SignatureScheme::RsaPkcs1Sha384,
                include_str!("fixtures/rsa2048-public.pem"),
                include_bytes!("fixtures/rsa2048-sha384.sig"),
            ),
            (
                KeyType::Rsa2048,
                SignatureScheme::RsaPkcs1Sha512,
                include_str!("fixtures/rsa2048-public.pem"),
                include_bytes!("fixtures/rsa2048-sha512.sig"),
            ),
        ] {
            let (_, key) = der::pem::decode_vec(key.as_bytes()).unwrap();
            assert_eq!(
                SignatureScheme::from_algorithm_oid(scheme.algorithm_oid(), &key),
                Some(scheme)
            );
            let (good, bad) = if kind.is_available() {
                (SignatureCheck::Valid, SignatureCheck::Invalid)
            } else {
                (SignatureCheck::Unsupported, SignatureCheck::Unsupported)
            };
            assert_eq!(verify(&key, scheme, b"message", signature), good, "{scheme:?}");
            assert_eq!(verify(&key, scheme, b"other", signature), bad, "{scheme:?}");
        }
    }

    #[test]
    fn an_algorithm_never_goes_with_a_key_of_another_family() {
        let key = |pem: &str| der::pem::decode_vec(pem.as_bytes()).unwrap().1;
        let rsa = key(include_str!("fixtures/rsa2048-public.pem"));
        let elliptic = key(include_str!("fixtures/p256-public.pem"));
        let (with_rsa, with_ecdsa) = (
            SignatureScheme::RsaPkcs1Sha256.algorithm_oid(),
            SignatureScheme::EcdsaP256Sha256.algorithm_oid(),
        );
        assert!(SignatureScheme::may_go_together(with_rsa, &rsa));
        assert!(SignatureScheme::may_go_together(with_ecdsa, &elliptic));
        assert!(!SignatureScheme::may_go_together(with_ecdsa, &rsa));
        assert!(!SignatureScheme::may_go_together(with_rsa, &elliptic));
        assert!(SignatureScheme::may_go_together(with_rsa, b"a key of a kind to come"));
    }
}
