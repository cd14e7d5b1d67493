//! The form of keys in JSON and DER, and the published thumbprints.

use serde_json::json;

use super::*;

/// The keys of RFC 7638 §3.1, RFC 7515 A.2 to A.4 and RFC 8037 A with their thumbprints.
fn vectors() -> [(Value, Option<&'static str>); 5] {
    [
        (
            json!({"kty": "RSA", "e": "AQAB",
                "n": "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPF\
                FxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_R\
                N5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5h\
                ajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqb\
                w0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw"}),
            Some("NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"),
        ),
        (
            json!({"kty": "RSA", "e": "AQAB", "n": RS256_MODULUS}),
            Some("IsUn6_e04MaShXFIISMp4kG62LWzMIPy_MvSA5pJgX8"),
        ),
        (
            json!({"kty": "EC", "crv": "P-256",
                "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
                "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}),
            Some("oKIywvGUpTVTyxMQ3bwIIeQUudfr_CkLMjCE19ECD-U"),
        ),
        (
            json!({"kty": "EC", "crv": "P-521",
                "x": "AekpBQ8ST8a8VcfVOTNl353vSrDCLLJXmPk06wTjxrrjcBpXp5EOnYG_NjFZ6OvLFV1jSfS9t\
                sz4qUxcWceqwQGk",
                "y": "ADSmRA43Z1DSNx_RvcLI87cdL07l6jQyyBXMoxVg_l2Th-x3S1WDhjDly79ajL4Kkd0AZMaZm\
                h9ubmf63e3kyMj2"}),
            Some("u5YUSjQ2-2chBi51NSk3t3g7IM4o2KYcnPqPtCNGd3U"),
        ),
        (
            json!({"kty": "OKP", "crv": "Ed25519",
                "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}),
            Some("kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"),
        ),
    ]
}

const RS256_MODULUS: &str = "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-V\
    aw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7O\
    Mg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qC\
    o5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuX\
    poQ";

fn read(value: Value) -> Result<Jwk, String> {
    serde_json::from_value(value).map_err(|error| error.to_string())
}

#[test]
fn published_thumbprints_come_out() {
    for (value, thumbprint) in vectors() {
        let jwk = read(value).unwrap();
        if let Some(thumbprint) = thumbprint {
            assert_eq!(jwk.thumbprint(), thumbprint);
        }
    }
}

#[test]
fn json_and_der_lead_to_each_other() {
    for (value, _) in vectors() {
        let jwk = read(value.clone()).unwrap();
        assert_eq!(serde_json::to_value(&jwk).unwrap(), value);
        let again = Jwk::from_public_key_der(jwk.public_key_der()).unwrap();
        assert_eq!(again, jwk);
        assert_eq!(again.to_value(), value);
    }
}

#[test]
fn members_stand_in_order_and_without_white_space() {
    let text = |index: usize| {
        let (value, _) = vectors()[index].clone();
        let jwk = read(value).unwrap();
        assert_eq!(serde_json::to_string(&jwk).unwrap(), jwk.to_value().to_string());
        jwk.to_value().to_string()
    };
    assert!(text(1).starts_with(r#"{"e":"AQAB","kty":"RSA","n":"ofgW"#));
    assert!(text(2).starts_with(r#"{"crv":"P-256","kty":"EC","x":"f83O"#));
    assert!(text(2).contains(r#"","y":"x_FE"#));
    assert!(text(4).starts_with(r#"{"crv":"Ed25519","kty":"OKP","x":"11qY"#));
}

#[test]
fn a_private_key_is_refused_and_extra_members_are_passed_over() {
    for (value, _) in vectors() {
        let mut extended = value.clone();
        extended["kid"] = "1".into();
        extended["use"] = "sig".into();
        assert_eq!(read(extended).unwrap().to_value(), value);
        for name in ["d", "p", "q", "dp", "dq", "qi", "oth", "k"] {
            let mut private = value.clone();
            private[name] = "canary".into();
            let error = read(private).unwrap_err();
            assert!(error.contains("private key") && !error.contains("canary"), "{error}");
        }
    }
}

#[test]
fn keys_not_in_the_form_of_rfc7518_are_refused() {
    let [_, _, (ec, _), _, (okp, _)] = vectors();
    let with = |base: &Value, name: &str, member: Value| {
        let mut value = base.clone();
        value[name] = member;
        read(value)
    };
    let narrow = encoding::encode(&[1; 31]);
    assert!(with(&ec, "x", narrow.clone().into()).unwrap_err().contains("full width"));
    assert!(with(&okp, "x", narrow.into()).unwrap_err().contains("32 octets"));
    assert!(with(&ec, "crv", "P-384".into()).unwrap_err().contains("full width"));
    assert!(with(&ec, "crv", "secp256k1".into()).unwrap_err().contains("crv"));
    assert!(with(&ec, "kty", "oct".into()).unwrap_err().contains("kty"));
    assert!(with(&ec, "y", Value::Null).unwrap_err().contains("missing"));
    assert!(with(&ec, "y", "a+b=".into()).unwrap_err().contains("base64url"));
    let rsa = json!({"kty": "RSA", "n": RS256_MODULUS, "e": "AAEAAQ"});
    assert!(read(rsa).unwrap_err().contains("leading zeros"));
}

#[test]
fn rsa_numbers_lose_their_leading_zeros() {
    let modulus = encoding::decode(RS256_MODULUS).unwrap();
    let padded = [&[0, 0], modulus.as_slice()].concat();
    let jwk = Jwk::rsa(&padded, &[0, 1, 0, 1]).unwrap();
    assert_eq!(jwk.to_value(), json!({"kty": "RSA", "e": "AQAB", "n": RS256_MODULUS}));
    assert_eq!(jwk.rsa_modulus_bits(), Some(2048));
    assert!(Jwk::rsa(&[0], &[1, 0, 1]).is_err());
    assert!(Jwk::rsa(&[], &[]).is_err());
    assert!(Jwk::rsa(&[1; 1025], &[3]).is_err());
}

#[cfg(feature = "p256")]
#[test]
fn coordinates_keep_their_leading_zeros() {
    use crate::crypto::seeded::Seeded;
    use crate::crypto::{KeyType, PrivateKey};

    let mut entropy = Seeded::new(10);
    let mut found = [false; 2];
    for _ in 0..4000 {
        let key = PrivateKey::generate(KeyType::P256, &mut entropy).unwrap();
        let value = key.jwk().to_value();
        for (name, found) in ["x", "y"].into_iter().zip(&mut found) {
            let octets = encoding::decode(value[name].as_str().unwrap()).unwrap();
            assert_eq!(octets.len(), 32);
            *found |= octets[0] == 0;
        }
        if found == [true; 2] {
            return;
        }
    }
    panic!("the seed gave no key with leading zeros");
}

#[test]
fn coordinates_of_each_curve_have_its_full_width_also_if_they_are_nearly_all_zeros() {
    for zeros in [1, 2, 31] {
        let low = |width: usize| -> Vec<u8> {
            let octets = (0..width).map(|n| if n < zeros { 0 } else { 0x9c });
            octets.collect()
        };
        let (short, middle, long) = (low(32), low(48), low(66));
        for (jwk, width) in [
            (Jwk::p256(&short.try_into().unwrap(), &[1; 32]), 32),
            (Jwk::p384(&middle.try_into().unwrap(), &[1; 48]), 48),
            (Jwk::p521(&long.try_into().unwrap(), &[1; 66]), 66),
        ] {
            let jwk = jwk.unwrap();
            let x = encoding::decode(jwk.to_value()["x"].as_str().unwrap()).unwrap();
            assert_eq!(x, low(width));
            let again = Jwk::from_public_key_der(jwk.public_key_der()).unwrap();
            assert_eq!(again.to_value(), jwk.to_value());
            assert_eq!(again.thumbprint(), jwk.thumbprint());
            assert_eq!(read(jwk.to_value()).unwrap(), jwk);
        }
    }
}

#[cfg(feature = "rsa")]
#[test]
fn the_modulus_of_an_rsa_key_has_no_sign_octet_and_its_exponent_three() {
    use crate::crypto::PrivateKey;

    let key = PrivateKey::from_pem(include_str!("../../crypto/fixtures/rsa2048-pkcs8.pem"));
    let value = key.unwrap().jwk().to_value();
    assert_eq!(value["e"], "AQAB");
    let modulus = encoding::decode(value["n"].as_str().unwrap()).unwrap();
    assert_eq!(modulus.len(), 256);
    assert!(modulus[0] & 0x80 != 0);
}

#[test]
fn damaged_public_keys_are_refused() {
    for (value, _) in vectors() {
        let der = read(value).unwrap().public_key_der().to_vec();
        for length in 0..der.len() {
            assert!(Jwk::from_public_key_der(&der[..length]).is_err());
        }
    }
    // A compressed point on P-256.
    let mut compressed = vec![0x30, 0x39, 0x30, 0x13, 0x06, 0x07];
    compressed.extend([0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08]);
    compressed.extend([0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07]);
    compressed.extend([0x03, 0x22, 0x00, 0x02]);
    compressed.extend([7; 32]);
    let error = Jwk::from_public_key_der(&compressed).unwrap_err().to_string();
    assert!(error.contains("uncompressed"), "{error}");
}
