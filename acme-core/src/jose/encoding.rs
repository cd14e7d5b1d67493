//! Base64url without padding (RFC 7515 §2), strict in both directions.

use core::fmt;

use base64ct::{Base64UrlUnpadded, Encoding};

/// Encodes without padding; no octets give the empty text.
///
/// ```
/// assert_eq!(acmekit_core::jose::encoding::encode(&[0xfb, 0xff]), "-_8");
/// ```
pub fn encode(octets: &[u8]) -> String {
    Base64UrlUnpadded::encode_string(octets)
}

/// Decodes text that is exactly what [`encode`] writes.
///
/// ```
/// use acmekit_core::jose::encoding::{DecodeError, decode};
///
/// assert_eq!(decode("-_8"), Ok(vec![0xfb, 0xff]));
/// assert_eq!(decode("-_8="), Err(DecodeError::Padding));
/// ```
///
/// # Errors
/// Refuses padding, the letters `+` and `/`, white space, impossible lengths, and bits left over
/// at the end that are not zero (RFC 8555 §6.1, RFC 7515 §2).
pub fn decode(text: &str) -> Result<Vec<u8>, DecodeError> {
    for (offset, character) in text.char_indices() {
        match character {
            'A'..='Z' | 'a'..='z' | '0'..='9' | '-' | '_' => {}
            '=' => return Err(DecodeError::Padding),
            _ => return Err(DecodeError::Character { offset }),
        }
    }
    if text.len() % 4 == 1 {
        return Err(DecodeError::Length);
    }
    Base64UrlUnpadded::decode_vec(text).map_err(|_| DecodeError::TrailingBits)
}

/// The text is not base64url in the strict sense of RFC 8555 §6.1. The text itself is not kept, as
/// it may be secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DecodeError {
    /// A `=` stands in it.
    Padding,
    /// Something else than a letter, a digit, `-` or `_` stands in it.
    Character {
        /// Where, in octets from the start.
        offset: usize,
    },
    /// No number of octets encodes to a text of this length.
    Length,
    /// The last letter carries bits that belong to no octet and are not zero.
    TrailingBits,
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Padding => f.write_str("base64url text carries padding (`=`)"),
            Self::Character { offset } => {
                write!(f, "octet {offset} is outside the alphabet of base64url")
            }
            Self::Length => f.write_str("base64url text has an impossible length"),
            Self::TrailingBits => {
                f.write_str("the last letter of the base64url text does not fit; it may be cut off")
            }
        }
    }
}

impl core::error::Error for DecodeError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_length_comes_back_and_the_text_is_unpadded() {
        for length in 0..200_usize {
            let octets: Vec<u8> = (0..length).map(|n| (n * 37 + length) as u8).collect();
            let text = encode(&octets);
            assert_eq!(text.len(), (length * 4).div_ceil(3));
            assert_eq!(decode(&text), Ok(octets));
        }
        assert_eq!(encode(&[]), "");
    }

    #[test]
    fn each_mutation_of_a_good_text_is_refused() {
        let good = encode(b"{\"alg\":\"ES256\"}");
        for offset in 0..=good.len() {
            for (inserted, reason) in [
                ('=', DecodeError::Padding),
                ('+', DecodeError::Character { offset }),
                ('/', DecodeError::Character { offset }),
                (' ', DecodeError::Character { offset }),
                ('\n', DecodeError::Character { offset }),
                ('é', DecodeError::Character { offset }),
                ('\0', DecodeError::Character { offset }),
            ] {
                let mut text = good.clone();
                text.insert(offset, inserted);
                assert_eq!(decode(&text), Err(reason), "{text:?}");
            }
        }
    }

    #[test]
    fn bits_left_over_must_be_zero() {
        assert_eq!(decode("AA"), Ok(vec![0]));
        assert_eq!(decode("AB"), Err(DecodeError::TrailingBits));
        assert_eq!(decode("AAA"), Ok(vec![0, 0]));
        assert_eq!(decode("AAB"), Err(DecodeError::TrailingBits));
    }

    #[test]
    fn a_single_letter_over_is_an_impossible_length() {
        assert_eq!(decode("A"), Err(DecodeError::Length));
        assert_eq!(decode("AAAAA"), Err(DecodeError::Length));
    }
}
