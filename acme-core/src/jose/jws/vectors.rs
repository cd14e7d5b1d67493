//! The signed examples of RFC 7515 A.2 to A.4 and RFC 8037 A, and signatures of our own keys.

use der::Encode;
use der::asn1::UintRef;

use crate::crypto::seeded::Seeded;
use crate::crypto::{KeyType, PrivateKey, SignatureCheck, SignatureScheme, verify};
use crate::jose::{Jwk, JwsAlgorithm, LocalSigner, Signer, encoding, normalise_signature};

const PAYLOAD: &str = "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9\
    pc19yb290Ijp0cnVlfQ";

/// What `verify` says where the build has the backend, `Unsupported` where it has not.
fn expected(kind: KeyType) -> SignatureCheck {
    if kind.is_available() { SignatureCheck::Valid } else { SignatureCheck::Unsupported }
}

/// The fixed-width form back into ASN.1.
fn to_asn1(signature: &[u8]) -> Vec<u8> {
    let (r, s) = signature.split_at(signature.len() / 2);
    vec![UintRef::new(r).unwrap(), UintRef::new(s).unwrap()].to_der().unwrap()
}

#[test]
fn rs256_of_rfc7515_a2_verifies() {
    let modulus = "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJ\
        PMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kp\
        aSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_\
        I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ";
    let signature = "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_l\
        F5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIA\
        RNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1ph\
        CnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw";
    let jwk = Jwk::rsa(&encoding::decode(modulus).unwrap(), &[1, 0, 1]).unwrap();
    let check = verify(
        jwk.public_key_der(),
        SignatureScheme::RsaPkcs1Sha256,
        format!("eyJhbGciOiJSUzI1NiJ9.{PAYLOAD}").as_bytes(),
        &encoding::decode(signature).unwrap(),
    );
    assert_eq!(check, expected(KeyType::Rsa2048));
}

#[test]
fn es256_of_rfc7515_a3_verifies() {
    let jwk: Jwk = serde_json::from_str(
        r#"{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
            "y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}"#,
    )
    .unwrap();
    let signature = encoding::decode(
        "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q",
    )
    .unwrap();
    let asn1 = to_asn1(&signature);
    let check = verify(
        jwk.public_key_der(),
        SignatureScheme::EcdsaP256Sha256,
        format!("eyJhbGciOiJFUzI1NiJ9.{PAYLOAD}").as_bytes(),
        &asn1,
    );
    assert_eq!(check, expected(KeyType::P256));
    assert_eq!(normalise_signature(JwsAlgorithm::Es256, &asn1), Ok(signature));
}

/// No backend verifies P-521; the form of the signature, which begins with a zero, is checked.
#[test]
fn es512_of_rfc7515_a4_keeps_its_width() {
    let signature = encoding::decode(
        "AdwMgeerwtHoh-l192l60hp9wAHZFVJbLfD_UxMi70cwnZOYaRI1bKPWROc-mZZqwqT2SI-KGDKB34XO0aw_7XdtAG8\
         GaSwFKdCAPZgoXD2YBJZCPEX3xKpRwcdOO8KpEHwJjyqOgzDO7iKvU8vcnwNrmxYbSW9ERBXukOXolLzeO_Jn",
    )
    .unwrap();
    assert_eq!(signature.len(), 132);
    assert_eq!(normalise_signature(JwsAlgorithm::Es512, &to_asn1(&signature)), Ok(signature));
}

#[cfg(feature = "p256")]
#[test]
fn the_private_key_of_rfc7515_a3_has_its_public_key() {
    let scalar = encoding::decode("jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI").unwrap();
    let mut pkcs8 = vec![0x30, 0x41, 2, 1, 0, 0x30, 0x13, 6, 7];
    pkcs8.extend([0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1, 6, 8]);
    pkcs8.extend([0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7]);
    pkcs8.extend([4, 0x27, 0x30, 0x25, 2, 1, 1, 4, 0x20]);
    pkcs8.extend(scalar);
    let key = PrivateKey::from_pkcs8_der(&pkcs8).unwrap();
    assert_eq!(key.jwk().thumbprint(), "oKIywvGUpTVTyxMQ3bwIIeQUudfr_CkLMjCE19ECD-U");
}

#[cfg(feature = "ed25519")]
#[test]
fn eddsa_of_rfc8037_a_comes_out() {
    let seed = encoding::decode("nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A").unwrap();
    let mut pkcs8 = vec![0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20];
    pkcs8.extend(seed);
    let signer = LocalSigner::new(PrivateKey::from_pkcs8_der(&pkcs8).unwrap());
    assert_eq!(signer.jwk().thumbprint(), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
    let input = b"eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc";
    assert_eq!(
        encoding::encode(&signer.sign(&mut Seeded::new(1), input).unwrap()),
        "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"
    );
}

#[test]
fn ecdsa_signatures_keep_their_width_and_leading_zeros() {
    for (kind, algorithm, length) in
        [(KeyType::P256, JwsAlgorithm::Es256, 64), (KeyType::P384, JwsAlgorithm::Es384, 96)]
    {
        if !kind.is_available() {
            continue;
        }
        let mut entropy = Seeded::new(11);
        let signer = LocalSigner::new(PrivateKey::generate(kind, &mut entropy).unwrap());
        assert_eq!(signer.algorithm(), algorithm);
        let (mut r_has_zero, mut s_has_zero) = (false, false);
        for counter in 0..4000_u32 {
            let message = counter.to_be_bytes();
            let signature = signer.sign(&mut entropy, &message).unwrap();
            assert_eq!(signature.len(), length);
            // A key store's ASN.1, in which leading zeros are missing, comes to the same.
            let converted = normalise_signature(algorithm, &to_asn1(&signature));
            assert_eq!(converted.as_ref(), Ok(&signature));
            let zeros = (signature[0] == 0, signature[length / 2] == 0);
            if zeros.0 || zeros.1 {
                let check = verify(
                    signer.jwk().public_key_der(),
                    signer.private_key().signature_scheme(),
                    &message,
                    &to_asn1(&signature),
                );
                assert!(check.is_valid(), "{kind}, message {counter}");
            }
            r_has_zero |= zeros.0;
            s_has_zero |= zeros.1;
            if r_has_zero && s_has_zero {
                break;
            }
        }
        assert!(r_has_zero && s_has_zero, "the seed gave no signature with leading zeros");
    }
}
