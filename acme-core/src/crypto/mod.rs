//! Keys that live in this process, behind one type, and the signature schemes of X.509.

/// How a certificate key signs a certificate request or a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum SignatureScheme {
    /// ECDSA on P-256 with SHA-256; the signature is an ASN.1 `ECDSA-Sig-Value` (RFC 5758).
    EcdsaP256Sha256,
    /// ECDSA on P-384 with SHA-384; the signature is an ASN.1 `ECDSA-Sig-Value` (RFC 5758).
    EcdsaP384Sha384,
    /// RSA PKCS#1 v1.5 with SHA-256 (RFC 4055).
    RsaPkcs1Sha256,
    /// Ed25519 (RFC 8410).
    Ed25519,
}
