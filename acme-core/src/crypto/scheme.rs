//! Signature schemes of X.509 and their algorithm identifiers.

use der::asn1::{AnyRef, ObjectIdentifier};
use x509_cert::spki::AlgorithmIdentifierOwned;

use super::public_key::{Curve, PublicKeyParts};

const ECDSA_WITH_SHA256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.2");
const ECDSA_WITH_SHA384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.3");
const SHA256_WITH_RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.11");
const SHA384_WITH_RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.12");
const SHA512_WITH_RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.13");

/// How a key signs a certificate request or a certificate.
///
/// Keys of this library use the hash that fits their curve, and SHA-256 with RSA; the other
/// combinations occur in the chains of public CAs and can be verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum SignatureScheme {
    /// ECDSA on P-256 with SHA-256; the signature is an ASN.1 `ECDSA-Sig-Value` (RFC 5758).
    EcdsaP256Sha256,
    /// ECDSA on P-256 with SHA-384.
    EcdsaP256Sha384,
    /// ECDSA on P-384 with SHA-256.
    EcdsaP384Sha256,
    /// ECDSA on P-384 with SHA-384; the signature is an ASN.1 `ECDSA-Sig-Value` (RFC 5758).
    EcdsaP384Sha384,
    /// RSA PKCS#1 v1.5 with SHA-256 (RFC 4055).
    RsaPkcs1Sha256,
    /// RSA PKCS#1 v1.5 with SHA-384.
    RsaPkcs1Sha384,
    /// RSA PKCS#1 v1.5 with SHA-512.
    RsaPkcs1Sha512,
    /// Ed25519 (RFC 8410).
    Ed25519,
}

impl SignatureScheme {
    /// The scheme that an algorithm identifier of X.509 stands for.
    ///
    /// ECDSA identifiers name the hash but not the curve, which the signer's public key
    /// (SubjectPublicKeyInfo, DER) tells. `None` for an unknown identifier, and for one that does
    /// not go with the key.
    pub fn from_algorithm_oid(oid: ObjectIdentifier, public_key_der: &[u8]) -> Option<Self> {
        let key = PublicKeyParts::from_der(public_key_der).ok()?;
        Some(match (oid, key) {
            (ECDSA_WITH_SHA256, PublicKeyParts::Ec { curve: Curve::P256, .. }) => {
                Self::EcdsaP256Sha256
            }
            (ECDSA_WITH_SHA384, PublicKeyParts::Ec { curve: Curve::P256, .. }) => {
                Self::EcdsaP256Sha384
            }
            (ECDSA_WITH_SHA256, PublicKeyParts::Ec { curve: Curve::P384, .. }) => {
                Self::EcdsaP384Sha256
            }
            (ECDSA_WITH_SHA384, PublicKeyParts::Ec { curve: Curve::P384, .. }) => {
                Self::EcdsaP384Sha384
            }
            (SHA256_WITH_RSA, PublicKeyParts::Rsa { .. }) => Self::RsaPkcs1Sha256,
            (SHA384_WITH_RSA, PublicKeyParts::Rsa { .. }) => Self::RsaPkcs1Sha384,
            (SHA512_WITH_RSA, PublicKeyParts::Rsa { .. }) => Self::RsaPkcs1Sha512,
            (super::public_key::ED25519, PublicKeyParts::Ed25519(_)) => Self::Ed25519,
            _ => return None,
        })
    }

    /// Whether an algorithm identifier can go with a key at all. An algorithm or a kind of key that
    /// this library does not know might; RSA and an elliptic key never do.
    pub(crate) fn may_go_together(oid: ObjectIdentifier, public_key_der: &[u8]) -> bool {
        let Ok(key) = PublicKeyParts::from_der(public_key_der) else { return true };
        let is_rsa = matches!(oid, SHA256_WITH_RSA | SHA384_WITH_RSA | SHA512_WITH_RSA);
        let is_ecdsa = matches!(oid, ECDSA_WITH_SHA256 | ECDSA_WITH_SHA384);
        let is_ed25519 = oid == super::public_key::ED25519;
        match key {
            PublicKeyParts::Rsa { .. } => !is_ecdsa && !is_ed25519,
            PublicKeyParts::Ec { .. } => !is_rsa && !is_ed25519,
            PublicKeyParts::Ed25519(_) => !is_rsa && !is_ecdsa,
        }
    }

    /// The object identifier of the algorithm.
    pub const fn algorithm_oid(self) -> ObjectIdentifier {
        match self {
            Self::EcdsaP256Sha256 | Self::EcdsaP384Sha256 => ECDSA_WITH_SHA256,
            Self::EcdsaP256Sha384 | Self::EcdsaP384Sha384 => ECDSA_WITH_SHA384,
            Self::RsaPkcs1Sha256 => SHA256_WITH_RSA,
            Self::RsaPkcs1Sha384 => SHA384_WITH_RSA,
            Self::RsaPkcs1Sha512 => SHA512_WITH_RSA,
            Self::Ed25519 => super::public_key::ED25519,
        }
    }

    /// The algorithm identifier as it stands in a certificate or request: RSA with NULL parameters
    /// (RFC 4055 §5), the others without (RFC 5758 §3.2, RFC 8410 §3).
    pub fn algorithm_identifier(self) -> AlgorithmIdentifierOwned {
        let parameters = match self {
            Self::RsaPkcs1Sha256 | Self::RsaPkcs1Sha384 | Self::RsaPkcs1Sha512 => {
                Some(AnyRef::NULL.into())
            }
            Self::EcdsaP256Sha256
            | Self::EcdsaP256Sha384
            | Self::EcdsaP384Sha256
            | Self::EcdsaP384Sha384
            | Self::Ed25519 => None,
        };
        AlgorithmIdentifierOwned { oid: self.algorithm_oid(), parameters }
    }
}
