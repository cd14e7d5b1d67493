//! Base32 (RFC 4648 §6) in lower case without padding, as DNS labels carry it.
//!
//! `base64ct` has no base32, and a crate for two short functions is not worth its weight.

const LETTERS: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";

/// Encodes; a last group that is not full is filled with zero bits.
pub(super) fn encode(octets: &[u8]) -> String {
    let mut text = String::with_capacity((octets.len() * 8).div_ceil(5));
    let (mut bits, mut count) = (0_u32, 0_u32);
    let mut push = |value: u32| {
        let letter = LETTERS.get((value & 31) as usize).copied().unwrap_or_default();
        text.push(char::from(letter));
    };
    for octet in octets {
        // At most 4 bits are left over from before.
        bits = (bits << 8 | u32::from(*octet)) & 0xfff;
        count += 8;
        while count >= 5 {
            count -= 5;
            push(bits >> count);
        }
    }
    if count > 0 {
        push(bits << (5 - count));
    }
    text
}

/// Decodes what [`encode`] writes, in either case; `None` for other letters. Bits that fill no
/// octet are dropped.
pub(super) fn decode(text: &str) -> Option<Vec<u8>> {
    let mut octets = Vec::with_capacity(text.len() * 5 / 8);
    let (mut bits, mut count) = (0_u32, 0_u32);
    for letter in text.bytes() {
        let value = LETTERS.iter().position(|known| *known == letter.to_ascii_lowercase())?;
        bits = (bits << 5 | u32::try_from(value).ok()?) & 0xfff;
        count += 5;
        if count >= 8 {
            count -= 8;
            octets.push(((bits >> count) & 0xff) as u8);
        }
    }
    Some(octets)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_samples_of_rfc_4648_come_out_in_lower_case() {
        for (octets, text) in [
            (&b""[..], ""),
            (b"f", "my"),
            (b"fo", "mzxq"),
            (b"foo", "mzxw6"),
            (b"foob", "mzxw6yq"),
            (b"fooba", "mzxw6ytb"),
            (b"foobar", "mzxw6ytboi"),
        ] {
            assert_eq!(encode(octets), text);
            assert_eq!(decode(text).as_deref(), Some(octets));
            assert_eq!(decode(&text.to_uppercase()).as_deref(), Some(octets));
        }
    }

    #[test]
    fn every_octet_comes_back() {
        let octets: Vec<u8> = (0..=255).collect();
        assert_eq!(decode(&encode(&octets)), Some(octets));
    }

    #[test]
    fn letters_outside_of_the_alphabet_are_refused() {
        for text in ["m0", "m1", "m8", "m9", "my======", "m-", "mö", "m "] {
            assert_eq!(decode(text), None, "{text}");
        }
    }
}
