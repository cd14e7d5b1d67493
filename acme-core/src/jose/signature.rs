//! The forms of a signature: fixed width in JWS, ASN.1 in X.509 and from most key stores.

use der::Decode;
use der::asn1::UintRef;

use super::JwsAlgorithm;
use crate::crypto::SignError;

/// RSA signatures are as long as the modulus: 2048 to 8192 bits.
const RSA_OCTETS: core::ops::RangeInclusive<usize> = 256..=1024;

/// Brings a signature into the form of JWS (RFC 7518 §3.4): `R || S` of 64, 96 or 132 octets for
/// ECDSA. What a key store returned as ASN.1 `ECDSA-Sig-Value` is converted.
///
/// # Errors
/// [`SignError::Length`] or [`SignError::Malformed`] if the bytes are no signature of `algorithm`.
pub fn normalise_signature(
    algorithm: JwsAlgorithm,
    signature: &[u8],
) -> Result<Vec<u8>, SignError> {
    match algorithm {
        JwsAlgorithm::Es256 => normalise_ecdsa(signature, 32),
        JwsAlgorithm::Es384 => normalise_ecdsa(signature, 48),
        JwsAlgorithm::Es512 => normalise_ecdsa(signature, 66),
        JwsAlgorithm::EdDsa | JwsAlgorithm::Ed25519 => exactly(signature, 64),
        JwsAlgorithm::Rs256 if RSA_OCTETS.contains(&signature.len()) => Ok(signature.to_vec()),
        JwsAlgorithm::Rs256 => Err(SignError::Malformed(
            "an RSA signature is as long as its modulus, 256 octets or more",
        )),
    }
}

/// Takes a signature that must have one length.
pub(super) fn exactly(signature: &[u8], expected: usize) -> Result<Vec<u8>, SignError> {
    if signature.len() == expected {
        Ok(signature.to_vec())
    } else {
        Err(SignError::Length { expected, actual: signature.len() })
    }
}

/// The right length decides for the fixed-width form: an ASN.1 value as short as that has numbers
/// far below the order of the curve, which no signer produces.
fn normalise_ecdsa(signature: &[u8], width: usize) -> Result<Vec<u8>, SignError> {
    if signature.len() == 2 * width {
        return Ok(signature.to_vec());
    }
    let Ok(numbers) = Vec::<UintRef<'_>>::from_der(signature) else {
        return exactly(signature, 2 * width);
    };
    let [r, s] = numbers.as_slice() else {
        return Err(SignError::Malformed("an ECDSA-Sig-Value has two numbers"));
    };
    let mut fixed = Vec::with_capacity(2 * width);
    for number in [r.as_bytes(), s.as_bytes()] {
        let missing = width.checked_sub(number.len()).ok_or(SignError::Malformed(
            "a number in the ECDSA-Sig-Value is longer than the curve allows",
        ))?;
        fixed.resize(fixed.len() + missing, 0);
        fixed.extend_from_slice(number);
    }
    Ok(fixed)
}

#[cfg(test)]
mod tests {
    use der::Encode;

    use super::*;

    fn asn1(r: &[u8], s: &[u8]) -> Vec<u8> {
        vec![UintRef::new(r).unwrap(), UintRef::new(s).unwrap()].to_der().unwrap()
    }

    #[test]
    fn asn1_signatures_get_their_leading_zeros_back() {
        for (algorithm, width) in
            [(JwsAlgorithm::Es256, 32), (JwsAlgorithm::Es384, 48), (JwsAlgorithm::Es512, 66)]
        {
            let (r, s) = (vec![0x81; width - 1], vec![0x7f; width - 2]);
            let fixed = normalise_signature(algorithm, &asn1(&r, &s)).unwrap();
            assert_eq!(fixed, [&[0], &r[..], &[0, 0], &s[..]].concat());
        }
    }

    #[test]
    fn the_fixed_width_form_stays_as_it_is() {
        for (algorithm, length) in [
            (JwsAlgorithm::Es256, 64),
            (JwsAlgorithm::Es384, 96),
            (JwsAlgorithm::Es512, 132),
            (JwsAlgorithm::EdDsa, 64),
            (JwsAlgorithm::Ed25519, 64),
            (JwsAlgorithm::Rs256, 256),
            (JwsAlgorithm::Rs256, 512),
        ] {
            // Begins like a SEQUENCE, and is not taken for one.
            let signature = vec![0x30; length];
            assert_eq!(normalise_signature(algorithm, &signature), Ok(signature));
        }
    }

    #[test]
    fn other_lengths_are_refused_with_the_right_one() {
        for (algorithm, expected) in [
            (JwsAlgorithm::Es256, 64),
            (JwsAlgorithm::Es384, 96),
            (JwsAlgorithm::Es512, 132),
            (JwsAlgorithm::EdDsa, 64),
            (JwsAlgorithm::Ed25519, 64),
        ] {
            for actual in [0, 1, expected - 1, expected + 1, 5000] {
                assert_eq!(
                    normalise_signature(algorithm, &vec![7; actual]),
                    Err(SignError::Length { expected, actual })
                );
            }
        }
        assert!(normalise_signature(JwsAlgorithm::Rs256, &[1; 255]).is_err());
    }

    #[test]
    fn numbers_too_long_for_the_curve_are_refused() {
        let of_p384 = asn1(&[0x7f; 48], &[0x7f; 48]);
        assert!(matches!(
            normalise_signature(JwsAlgorithm::Es256, &of_p384),
            Err(SignError::Malformed(_))
        ));
        let three = vec![UintRef::new(&[1]).unwrap(); 3].to_der().unwrap();
        assert!(matches!(
            normalise_signature(JwsAlgorithm::Es256, &three),
            Err(SignError::Malformed(_))
        ));
    }
}
