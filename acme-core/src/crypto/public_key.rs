//! SubjectPublicKeyInfo (RFC 5280 §4.1) taken apart and put together, without any arithmetic.

use core::fmt;

use der::asn1::{AnyRef, BitString, ObjectIdentifier, UintRef};
use der::{Any, Decode, Encode};
use x509_cert::spki::{
    AlgorithmIdentifierOwned, SubjectPublicKeyInfoOwned, SubjectPublicKeyInfoRef,
};

pub(super) const EC_PUBLIC_KEY: ObjectIdentifier =
    ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
pub(super) const RSA_ENCRYPTION: ObjectIdentifier =
    ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
pub(super) const ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");
const SECP256R1: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");
const SECP384R1: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.34");
const SECP521R1: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.35");

/// 8192 bits, more than any common software handles.
const MAX_RSA_OCTETS: usize = 1024;

/// The NIST curves that JOSE has names for (RFC 7518 §6.2.1.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Curve {
    P256,
    P384,
    P521,
}

impl Curve {
    pub(crate) const fn coordinate_len(self) -> usize {
        match self {
            Self::P256 => 32,
            Self::P384 => 48,
            Self::P521 => 66,
        }
    }

    pub(super) const fn oid(self) -> ObjectIdentifier {
        match self {
            Self::P256 => SECP256R1,
            Self::P384 => SECP384R1,
            Self::P521 => SECP521R1,
        }
    }

    pub(super) fn from_oid(oid: ObjectIdentifier) -> Option<Self> {
        [Self::P256, Self::P384, Self::P521].into_iter().find(|curve| curve.oid() == oid)
    }
}

/// The numbers that make up a public key.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) enum PublicKeyParts {
    /// Both coordinates in full width.
    Ec {
        curve: Curve,
        x: Vec<u8>,
        y: Vec<u8>,
    },
    /// Modulus and exponent, big-endian without leading zeros.
    Rsa {
        n: Vec<u8>,
        e: Vec<u8>,
    },
    Ed25519([u8; 32]),
}

impl PublicKeyParts {
    /// Reads a SubjectPublicKeyInfo; whether the point lies on the curve is not checked.
    pub(crate) fn from_der(der: &[u8]) -> Result<Self, PublicKeyError> {
        let info = SubjectPublicKeyInfoRef::from_der(der)
            .map_err(|_| PublicKeyError("it is not a SubjectPublicKeyInfo in DER"))?;
        let bits = info
            .subject_public_key
            .as_bytes()
            .ok_or(PublicKeyError("its bit string has unused bits"))?;
        match info.algorithm.oid {
            EC_PUBLIC_KEY => {
                let curve = info
                    .algorithm
                    .parameters_oid()
                    .ok()
                    .and_then(Curve::from_oid)
                    .ok_or(PublicKeyError("its curve is none of P-256, P-384 and P-521"))?;
                Self::from_point(curve, bits)
            }
            RSA_ENCRYPTION => {
                let numbers = Vec::<UintRef<'_>>::from_der(bits)
                    .map_err(|_| PublicKeyError("its RSA numbers are not DER integers"))?;
                let [n, e] = numbers.as_slice() else {
                    return Err(PublicKeyError("an RSA key has two numbers"));
                };
                Self::rsa(n.as_bytes(), e.as_bytes())
            }
            ED25519 => bits
                .try_into()
                .map(Self::Ed25519)
                .map_err(|_| PublicKeyError("an Ed25519 key has 32 octets")),
            _ => Err(PublicKeyError("its algorithm is none of EC, RSA and Ed25519")),
        }
    }

    /// Takes the uncompressed form of SEC 1 §2.3.3, the only one in certificates (RFC 5480 §2.2
    /// makes compressed points optional, and public CAs refuse them).
    fn from_point(curve: Curve, point: &[u8]) -> Result<Self, PublicKeyError> {
        let wrong = PublicKeyError("its point is not in the uncompressed form of its curve");
        let coordinates = point.strip_prefix(&[0x04]).ok_or(wrong)?;
        if coordinates.len() != 2 * curve.coordinate_len() {
            return Err(wrong);
        }
        let (x, y) = coordinates.split_at(curve.coordinate_len());
        Ok(Self::Ec { curve, x: x.to_vec(), y: y.to_vec() })
    }

    /// Takes two big-endian numbers without leading zeros.
    pub(crate) fn rsa(n: &[u8], e: &[u8]) -> Result<Self, PublicKeyError> {
        let is_minimal = |number: &[u8]| number.first().is_some_and(|first| *first != 0);
        if !is_minimal(n) || !is_minimal(e) {
            return Err(PublicKeyError("an RSA number is zero or has leading zeros"));
        }
        if n.len() > MAX_RSA_OCTETS || e.len() > n.len() {
            return Err(PublicKeyError("its RSA numbers are too long"));
        }
        Ok(Self::Rsa { n: n.to_vec(), e: e.to_vec() })
    }

    /// Writes the SubjectPublicKeyInfo.
    pub(crate) fn to_der(&self) -> Result<Vec<u8>, der::Error> {
        let (oid, parameters, bits) = match self {
            Self::Ec { curve, x, y } => {
                let parameters = Any::encode_from(&curve.oid())?;
                (EC_PUBLIC_KEY, Some(parameters), [&[0x04], x.as_slice(), y].concat())
            }
            Self::Rsa { n, e } => {
                let numbers = vec![UintRef::new(n)?, UintRef::new(e)?];
                (RSA_ENCRYPTION, Some(Any::from(AnyRef::NULL)), numbers.to_der()?)
            }
            Self::Ed25519(x) => (ED25519, None, x.to_vec()),
        };
        SubjectPublicKeyInfoOwned {
            algorithm: AlgorithmIdentifierOwned { oid, parameters },
            subject_public_key: BitString::from_bytes(&bits)?,
        }
        .to_der()
    }
}

/// The length of a big-endian number without leading zeros, in bits.
pub(crate) fn bit_len(number: &[u8]) -> usize {
    number.first().map_or(0, |first| number.len() * 8 - first.leading_zeros() as usize)
}

/// A public key is not one that this library knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PublicKeyError(pub(crate) &'static str);

impl fmt::Display for PublicKeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the public key cannot be used: {}", self.0)
    }
}

impl core::error::Error for PublicKeyError {}
