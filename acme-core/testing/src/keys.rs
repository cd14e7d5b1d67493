//! Public keys as the CA meets them: in a JWK (RFC 7517), in a CSR, in a certificate.

use base64ct::{Base64UrlUnpadded, Encoding};
use der::asn1::ObjectIdentifier;
use der::oid::AssociatedOid;
use der::{Decode, Encode};
use p256::ecdsa::signature::Verifier;
use p256::ecdsa::signature::hazmat::PrehashVerifier;
use rsa::BoxedUint;
use rsa::pkcs8::{DecodePublicKey, EncodePublicKey};
use rsa::traits::PublicKeyParts;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256, Sha384, Sha512};
use x509_cert::spki::{AlgorithmIdentifierOwned, SubjectPublicKeyInfoOwned};

use crate::cause::RefusalCause;
use crate::problem::Problem;

const ECDSA_WITH_SHA256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.2");
const ECDSA_WITH_SHA384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.3");
const ECDSA_WITH_SHA512: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.4");
const RSA_WITH_SHA256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.11");
const RSA_WITH_SHA384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.12");
const RSA_WITH_SHA512: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.13");
const ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");

/// The members that would publish a private or symmetric key (RFC 7518 §6).
const PRIVATE_MEMBERS: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum PublicKey {
    P256(p256::ecdsa::VerifyingKey),
    P384(p384::ecdsa::VerifyingKey),
    Rsa(rsa::RsaPublicKey),
    Ed25519(ed25519_dalek::VerifyingKey),
}

impl PublicKey {
    /// Reads a JWK; coordinates must have full width (RFC 7518 §6.2.1.2), RSA numbers none to spare.
    pub(crate) fn from_jwk(jwk: &Map<String, Value>) -> Result<Self, Problem> {
        if let Some(name) = PRIVATE_MEMBERS.iter().find(|name| jwk.contains_key(**name)) {
            let detail = format!("the JWK holds the private member `{name}`");
            return Err(Problem::malformed(detail).breach("R-JWS-11"));
        }
        let bad = |detail: &str| Problem::new(RefusalCause::PublicKey, detail);
        let member = |name: &str| {
            let text = jwk.get(name).and_then(Value::as_str);
            let detail = format!("the JWK member `{name}` is missing or not base64url");
            text.and_then(|text| Base64UrlUnpadded::decode_vec(text).ok())
                .ok_or_else(|| bad(&detail).breach("R-JWS-06"))
        };
        let kind = jwk.get("kty").and_then(Value::as_str).unwrap_or_default();
        let curve = jwk.get("crv").and_then(Value::as_str).unwrap_or_default();
        let width = |bytes: &[u8], expected: usize| {
            if bytes.len() == expected {
                return Ok(());
            }
            let detail = format!("a {curve} key has {expected} octets, not {}", bytes.len());
            Err(bad(&detail).breach("R-JWS-10"))
        };
        let off_curve = || bad("the JWK is not a point of its curve");
        match (kind, curve) {
            ("EC", "P-256" | "P-384") => {
                let (x, y) = (member("x")?, member("y")?);
                let expected = if curve == "P-256" { 32 } else { 48 };
                width(&x, expected)?;
                width(&y, expected)?;
                let point = [&[4][..], &x, &y].concat();
                if curve == "P-256" {
                    let key = p256::ecdsa::VerifyingKey::from_sec1_bytes(&point);
                    key.map(Self::P256).map_err(|_| off_curve())
                } else {
                    let key = p384::ecdsa::VerifyingKey::from_sec1_bytes(&point);
                    key.map(Self::P384).map_err(|_| off_curve())
                }
            }
            ("RSA", _) => {
                let (n, e) = (member("n")?, member("e")?);
                if n.first() == Some(&0) || e.first() == Some(&0) {
                    let detail = "`n` and `e` of the JWK must not begin with a zero octet";
                    return Err(bad(detail).breach("R-JWS-10"));
                }
                let n = BoxedUint::from_be_slice_vartime(&n);
                let e = BoxedUint::from_be_slice_vartime(&e);
                let key = rsa::RsaPublicKey::new(n, e)
                    .map_err(|_| bad("the RSA key is malformed, too short or too long"))?;
                Self::Rsa(key).checked().map_err(|detail| bad(detail).breach("R-JWS-13"))
            }
            ("OKP", "Ed25519") => {
                let x = member("x")?;
                width(&x, 32)?;
                let bytes = <[u8; 32]>::try_from(x.as_slice()).map_err(|_| off_curve())?;
                let key = ed25519_dalek::VerifyingKey::from_bytes(&bytes);
                key.map(Self::Ed25519).map_err(|_| off_curve())
            }
            _ => Err(bad("the key must be EC P-256, EC P-384, RSA or OKP Ed25519")),
        }
    }

    /// Reads the key of a CSR or certificate.
    pub(crate) fn from_spki(spki: &SubjectPublicKeyInfoOwned) -> Result<Self, &'static str> {
        let der = spki.to_der().map_err(|_| "the public key cannot be encoded")?;
        if let Ok(key) = p256::ecdsa::VerifyingKey::from_public_key_der(&der) {
            return Ok(Self::P256(key));
        }
        if let Ok(key) = p384::ecdsa::VerifyingKey::from_public_key_der(&der) {
            return Ok(Self::P384(key));
        }
        if let Ok(key) = ed25519_dalek::VerifyingKey::from_public_key_der(&der) {
            return Ok(Self::Ed25519(key));
        }
        match rsa::RsaPublicKey::from_public_key_der(&der) {
            Ok(key) => Self::Rsa(key).checked(),
            Err(_) => Err("the key must be P-256, P-384, RSA of at most 4096 bits, or Ed25519"),
        }
    }

    fn checked(self) -> Result<Self, &'static str> {
        match &self {
            Self::Rsa(key) if !(2048..=4096).contains(&key.n().bits()) => {
                Err("an RSA key must have 2048 to 4096 bits")
            }
            _ => Ok(self),
        }
    }

    /// The JWS algorithms this key can be used with.
    pub(crate) const fn algorithms(&self) -> &'static [&'static str] {
        match self {
            Self::P256(_) => &["ES256"],
            Self::P384(_) => &["ES384"],
            Self::Rsa(_) => &["RS256"],
            Self::Ed25519(_) => &["EdDSA", "Ed25519"],
        }
    }

    /// The members that RFC 7638 §3 hashes, which are also all that a public JWK needs.
    pub(crate) fn required_members(&self) -> Value {
        let text = |bytes: &[u8]| Base64UrlUnpadded::encode_string(bytes);
        let ec = |curve: &str, point: &[u8]| {
            let coordinates = point.get(1..).unwrap_or_default();
            let (x, y) = coordinates.split_at(coordinates.len() / 2);
            json!({ "crv": curve, "kty": "EC", "x": text(x), "y": text(y) })
        };
        match self {
            Self::P256(key) => ec("P-256", key.to_sec1_point(false).as_bytes()),
            Self::P384(key) => ec("P-384", key.to_sec1_point(false).as_bytes()),
            Self::Rsa(key) => {
                let (n, e) = (key.n_bytes(), key.e_bytes());
                json!({ "e": text(&e), "kty": "RSA", "n": text(&n) })
            }
            Self::Ed25519(key) => {
                json!({ "crv": "Ed25519", "kty": "OKP", "x": text(key.as_bytes()) })
            }
        }
    }

    /// The RFC 7638 thumbprint in base64url.
    pub(crate) fn thumbprint(&self) -> String {
        let members = self.required_members();
        // Sorted here, because the order in a JSON map depends on a feature of serde_json.
        let mut names: Vec<_> = members.as_object().into_iter().flatten().collect();
        names.sort_by(|a, b| a.0.cmp(b.0));
        let list: Vec<_> =
            names.iter().map(|(name, value)| format!("\"{name}\":{value}")).collect();
        let canonical = format!("{{{}}}", list.join(","));
        Base64UrlUnpadded::encode_string(&Sha256::digest(canonical))
    }

    /// Verifies a JWS signature: raw R and S of fixed width for ECDSA (RFC 7518 §3.4).
    pub(crate) fn verifies_jws(&self, message: &[u8], signature: &[u8]) -> bool {
        match self {
            Self::P256(key) => p256::ecdsa::Signature::from_slice(signature)
                .is_ok_and(|signature| key.verify(message, &signature).is_ok()),
            Self::P384(key) => p384::ecdsa::Signature::from_slice(signature)
                .is_ok_and(|signature| key.verify(message, &signature).is_ok()),
            Self::Rsa(key) => rsa::<Sha256>(key, message, signature),
            Self::Ed25519(key) => ed25519(key, message, signature),
        }
    }

    /// Verifies a signature of X.509 or PKCS #10. Curve and hash need not be of one size (RFC 5758
    /// §3.2): certbot signs requests on P-384 with SHA-256. SHA-1 is refused.
    pub(crate) fn verifies_x509(
        &self,
        algorithm: &AlgorithmIdentifierOwned,
        message: &[u8],
        signature: &[u8],
    ) -> bool {
        let ecdsa_digest = match algorithm.oid {
            ECDSA_WITH_SHA256 => Some(Sha256::digest(message).to_vec()),
            ECDSA_WITH_SHA384 => Some(Sha384::digest(message).to_vec()),
            ECDSA_WITH_SHA512 => Some(Sha512::digest(message).to_vec()),
            _ => None,
        };
        match (self, algorithm.oid, ecdsa_digest) {
            (Self::P256(key), _, Some(digest)) => p256::ecdsa::Signature::from_der(signature)
                .is_ok_and(|signature| key.verify_prehash(&digest, &signature).is_ok()),
            (Self::P384(key), _, Some(digest)) => p384::ecdsa::Signature::from_der(signature)
                .is_ok_and(|signature| key.verify_prehash(&digest, &signature).is_ok()),
            (Self::Rsa(key), RSA_WITH_SHA256, _) => rsa::<Sha256>(key, message, signature),
            (Self::Rsa(key), RSA_WITH_SHA384, _) => rsa::<Sha384>(key, message, signature),
            (Self::Rsa(key), RSA_WITH_SHA512, _) => rsa::<Sha512>(key, message, signature),
            (Self::Ed25519(key), ED25519, _) => ed25519(key, message, signature),
            _ => false,
        }
    }

    /// The SubjectPublicKeyInfo, for a certificate.
    pub(crate) fn to_spki(&self) -> Result<SubjectPublicKeyInfoOwned, Problem> {
        let document = match self {
            Self::P256(key) => key.to_public_key_der(),
            Self::P384(key) => key.to_public_key_der(),
            Self::Rsa(key) => key.to_public_key_der(),
            Self::Ed25519(key) => key.to_public_key_der(),
        };
        document
            .ok()
            .and_then(|document| SubjectPublicKeyInfoOwned::from_der(document.as_bytes()).ok())
            .ok_or_else(|| Problem::internal("the public key cannot be encoded"))
    }
}

/// Verifies PKCS #1 v1.5 (RFC 8017 §8.2).
fn rsa<H: Digest + AssociatedOid>(
    key: &rsa::RsaPublicKey,
    message: &[u8],
    signature: &[u8],
) -> bool {
    let key = rsa::pkcs1v15::VerifyingKey::<H>::new(key.clone());
    rsa::pkcs1v15::Signature::try_from(signature)
        .is_ok_and(|signature| key.verify(message, &signature).is_ok())
}

fn ed25519(key: &ed25519_dalek::VerifyingKey, message: &[u8], signature: &[u8]) -> bool {
    ed25519_dalek::Signature::from_slice(signature)
        .is_ok_and(|signature| key.verify_strict(message, &signature).is_ok())
}

/// The part of a certificate or CSR that is signed, in the very bytes that came.
pub(crate) fn signed_part(bytes: &[u8]) -> Option<Vec<u8>> {
    Vec::<der::asn1::Any>::from_der(bytes).ok()?.first()?.to_der().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(json: &Value) -> Result<PublicKey, Problem> {
        PublicKey::from_jwk(json.as_object().unwrap())
    }

    #[test]
    fn thumbprints_match_the_published_and_derived_vectors() {
        let rsa = json!({ "kty": "RSA", "e": "AQAB", "alg": "RS256", "n": "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw" });
        assert_eq!(key(&rsa).unwrap().thumbprint(), "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
        let ec = json!({ "kty": "EC", "crv": "P-256", "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0" });
        assert_eq!(key(&ec).unwrap().thumbprint(), "oKIywvGUpTVTyxMQ3bwIIeQUudfr_CkLMjCE19ECD-U");
        let ed = json!({ "kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" });
        assert_eq!(key(&ed).unwrap().thumbprint(), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
    }

    #[test]
    fn the_signature_of_rfc_7515_a_3_verifies_and_a_changed_one_does_not() {
        let ec = json!({ "kty": "EC", "crv": "P-256", "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0" });
        let input = "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
        let mut signature = Base64UrlUnpadded::decode_vec("DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q").unwrap();
        let key = key(&ec).unwrap();
        assert!(key.verifies_jws(input.as_bytes(), &signature));
        signature[10] ^= 1;
        assert!(!key.verifies_jws(input.as_bytes(), &signature));
    }

    #[test]
    fn the_signatures_of_rfc_7515_a_2_and_rfc_8037_verify() {
        let decode = |text| Base64UrlUnpadded::decode_vec(text).unwrap();
        let rsa = json!({ "kty": "RSA", "e": "AQAB", "n": "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ" });
        let input = "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
        let signature = decode(
            "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw",
        );
        assert!(key(&rsa).unwrap().verifies_jws(input.as_bytes(), &signature));
        assert!(!key(&rsa).unwrap().verifies_jws(b"other", &signature));
        let ed = json!({ "kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" });
        let input = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc";
        let signature = decode(
            "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg",
        );
        assert!(key(&ed).unwrap().verifies_jws(input.as_bytes(), &signature));
        assert!(!key(&ed).unwrap().verifies_jws(b"other", &signature));
    }

    #[test]
    fn odd_keys_are_refused_with_the_rule() {
        let refused = |json: Value| key(&json).unwrap_err().requirement;
        assert_eq!(
            refused(json!({ "kty": "EC", "crv": "P-256", "x": "AA", "y": "AA" })),
            Some("R-JWS-10")
        );
        assert_eq!(
            refused(json!({ "kty": "EC", "crv": "P-256", "x": "AA==", "y": "AA" })),
            Some("R-JWS-06")
        );
        assert_eq!(refused(json!({ "kty": "EC", "crv": "P-256", "d": "AA" })), Some("R-JWS-11"));
        assert_eq!(refused(json!({ "kty": "RSA", "n": "AP__", "e": "AQAB" })), Some("R-JWS-10"));
        assert_eq!(refused(json!({ "kty": "oct" })), None);
    }
}
