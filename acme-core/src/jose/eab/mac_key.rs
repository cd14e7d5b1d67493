//! The symmetric key of an external account binding, as people paste it.

use core::fmt;
use core::str::FromStr;

use base64ct::{Base64Unpadded, Encoding};
use hmac::digest::Key;
use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256, Sha384, Sha512};
use zeroize::{Zeroize, Zeroizing};

/// The MAC algorithms of RFC 7518 §3.2.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub enum MacAlgorithm {
    /// HMAC with SHA-256, what nearly every CA uses.
    #[default]
    #[serde(rename = "HS256")]
    Hs256,
    /// HMAC with SHA-384.
    #[serde(rename = "HS384")]
    Hs384,
    /// HMAC with SHA-512.
    #[serde(rename = "HS512")]
    Hs512,
}

impl MacAlgorithm {
    const ALL: [Self; 3] = [Self::Hs256, Self::Hs384, Self::Hs512];

    /// The value of the header parameter `alg`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Hs256 => "HS256",
            Self::Hs384 => "HS384",
            Self::Hs512 => "HS512",
        }
    }

    /// The length of the hash in octets, which a key should have at least (RFC 7518 §3.2).
    pub const fn hash_len(self) -> usize {
        match self {
            Self::Hs256 => 32,
            Self::Hs384 => 48,
            Self::Hs512 => 64,
        }
    }
}

impl fmt::Display for MacAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for MacAlgorithm {
    type Err = MacAlgorithmError;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|known| known.as_str() == name).ok_or(MacAlgorithmError)
    }
}

/// The name is none of the MAC algorithms of an external account binding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MacAlgorithmError;

impl fmt::Display for MacAlgorithmError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("unknown MAC algorithm; use HS256, HS384 or HS512")
    }
}

impl core::error::Error for MacAlgorithmError {}

/// A symmetric key; zeroed when dropped, and shown by `Debug` by its length only.
#[derive(Clone)]
pub struct MacKey {
    octets: Zeroizing<Vec<u8>>,
    is_unusual: bool,
}

impl MacKey {
    /// Reads a key as CAs print it: base64url or Base64, padded or not, with white space or quotes
    /// around it.
    ///
    /// ```
    /// use acmekit_core::jose::MacKey;
    ///
    /// let key = MacKey::parse("\"3q2+7w==\"\n")?;
    /// assert_eq!(key.len_bytes(), 4);
    /// # Ok::<(), acmekit_core::jose::eab::MacKeyError>(())
    /// ```
    ///
    /// # Errors
    /// [`MacKeyError`] says what is wrong without repeating any of the text.
    pub fn parse(text: &str) -> Result<Self, MacKeyError> {
        let trimmed = text.trim_matches(|c: char| c.is_whitespace() || matches!(c, '"' | '\''));
        if trimmed.is_empty() {
            return Err(MacKeyError::Empty);
        }
        if trimmed.chars().any(char::is_whitespace) {
            return Err(MacKeyError::WhiteSpace);
        }
        let unpadded = trimmed.trim_end_matches('=');
        if let Some((offset, _)) = unpadded
            .char_indices()
            .find(|(_, c)| !c.is_ascii_alphanumeric() && !matches!(c, '-' | '_' | '+' | '/'))
        {
            return Err(MacKeyError::Character { offset });
        }
        let is_standard = unpadded.contains(['+', '/']);
        if is_standard && unpadded.contains(['-', '_']) {
            return Err(MacKeyError::MixedAlphabets);
        }
        if unpadded.len() % 4 == 1 {
            return Err(MacKeyError::Length);
        }
        let padding = trimmed.len() - unpadded.len();
        if padding != 0 && (trimmed.len() % 4 != 0 || padding > 2) {
            return Err(MacKeyError::Padding);
        }
        // In one allocation: a string that grows leaves copies of the secret behind.
        let mut standard = Zeroizing::new(String::with_capacity(unpadded.len()));
        standard.extend(unpadded.chars().map(|c| match c {
            '-' => '+',
            '_' => '/',
            other => other,
        }));
        let octets = Base64Unpadded::decode_vec(&standard)
            .map(Zeroizing::new)
            .map_err(|_| MacKeyError::TrailingBits)?;
        Ok(Self { octets, is_unusual: is_standard || padding != 0 })
    }

    /// Takes the octets of a key.
    ///
    /// # Errors
    /// [`MacKeyError::Empty`] if there are none.
    pub fn from_bytes(octets: &[u8]) -> Result<Self, MacKeyError> {
        if octets.is_empty() {
            return Err(MacKeyError::Empty);
        }
        Ok(Self { octets: Zeroizing::new(octets.to_vec()), is_unusual: false })
    }

    /// The length of the key in octets.
    pub fn len_bytes(&self) -> usize {
        self.octets.len()
    }

    /// What is odd about the key though it can be used; worth showing to the person who pasted it,
    /// because a wrong key is told by the server only as "unauthorized".
    pub fn warnings(&self, algorithm: MacAlgorithm) -> Vec<MacKeyWarning> {
        let (actual, recommended) = (self.len_bytes(), algorithm.hash_len());
        let short = (actual < recommended)
            .then_some(MacKeyWarning::ShorterThanHash { actual, recommended });
        let notation = self.is_unusual.then_some(MacKeyWarning::NotBase64url);
        short.into_iter().chain(notation).collect()
    }

    /// Computes the MAC of a message (RFC 2104).
    pub(crate) fn authenticate(&self, algorithm: MacAlgorithm, message: &[u8]) -> Vec<u8> {
        /// Pads or shortens the key to a block as RFC 2104 §2 does, which makes it one that
        /// `Hmac::new` takes without any error to think about.
        macro_rules! authenticate {
            ($hash:ty) => {{
                let mut block = Key::<Hmac<$hash>>::default();
                if self.octets.len() <= block.len() {
                    block.iter_mut().zip(self.octets.iter()).for_each(|(to, from)| *to = *from);
                } else {
                    let digest = <$hash>::digest(self.octets.as_slice());
                    block.iter_mut().zip(digest).for_each(|(to, from)| *to = from);
                }
                let mut mac = <Hmac<$hash> as KeyInit>::new(&block);
                block.as_mut_slice().zeroize();
                mac.update(message);
                mac.finalize().into_bytes().to_vec()
            }};
        }
        match algorithm {
            MacAlgorithm::Hs256 => authenticate!(Sha256),
            MacAlgorithm::Hs384 => authenticate!(Sha384),
            MacAlgorithm::Hs512 => authenticate!(Sha512),
        }
    }
}

impl FromStr for MacKey {
    type Err = MacKeyError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

impl fmt::Debug for MacKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MacKey({} octets)", self.len_bytes())
    }
}

/// The text is not a MAC key. No variant keeps any of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum MacKeyError {
    /// There is nothing in it.
    Empty,
    /// White space stands inside it.
    WhiteSpace,
    /// A character belongs to neither alphabet.
    Character {
        /// Where, in octets from the start of the key.
        offset: usize,
    },
    /// Letters of base64url and of Base64 are mixed.
    MixedAlphabets,
    /// The `=` at the end are too few or too many.
    Padding,
    /// No key encodes to a text of this length.
    Length,
    /// The last letter does not fit.
    TrailingBits,
}

impl fmt::Display for MacKeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the EAB MAC key cannot be read: ")?;
        match self {
            Self::Empty => f.write_str("it is empty; copy it from the CA's account page"),
            Self::WhiteSpace => f.write_str("it has white space inside; copy it as one line"),
            Self::Character { offset } => write!(
                f,
                "the character at offset {offset} is neither base64url nor Base64; \
                 check that it is the MAC key and not the key identifier"
            ),
            Self::MixedAlphabets => {
                f.write_str("it mixes the letters of base64url (- _) and Base64 (+ /)")
            }
            Self::Padding => f.write_str("the number of `=` at its end is wrong"),
            Self::Length => f.write_str("a character is missing or one too many"),
            Self::TrailingBits => {
                f.write_str("its last character does not fit; it may be cut off or mistyped")
            }
        }
    }
}

impl core::error::Error for MacKeyError {}

/// Something odd about a MAC key that can be used nevertheless.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum MacKeyWarning {
    /// The key is shorter than the hash (RFC 7518 §3.2), so it may be cut off.
    ShorterThanHash {
        /// The length of the key in octets.
        actual: usize,
        /// The length of the hash in octets.
        recommended: usize,
    },
    /// The key was written with padding or in the alphabet of plain Base64, other than RFC 8555
    /// §7.3.4 prescribes.
    NotBase64url,
}

impl fmt::Display for MacKeyWarning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ShorterThanHash { actual, recommended } => write!(
                f,
                "the EAB MAC key has {actual} octets, fewer than the {recommended} of its hash; \
                 check that it was copied whole"
            ),
            Self::NotBase64url => f.write_str(
                "the EAB MAC key is written as plain or padded Base64, not as base64url; \
                 it was converted",
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 0xfb 0xef 0xff 0x01: its letters differ between the alphabets.
    const OCTETS: [u8; 4] = [0xfb, 0xef, 0xff, 0x01];

    #[test]
    fn each_notation_gives_the_same_octets() {
        for (text, is_unusual) in [
            ("--__AQ", false),
            ("--__AQ==", true),
            ("++//AQ", true),
            ("++//AQ==", true),
            (" \"--__AQ\"\r\n", false),
            ("'--__AQ'", false),
            ("\u{a0}--__AQ\t", false),
        ] {
            let key = MacKey::parse(text).unwrap();
            assert_eq!(key.octets.as_slice(), OCTETS, "{text:?}");
            assert_eq!(key.is_unusual, is_unusual, "{text:?}");
        }
    }

    #[test]
    fn damaged_keys_are_refused_with_the_reason_and_without_the_text() {
        for (text, error) in [
            ("", MacKeyError::Empty),
            (" \"\" ", MacKeyError::Empty),
            ("====", MacKeyError::Padding),
            ("SECR SECR", MacKeyError::WhiteSpace),
            ("SECR\nSECR", MacKeyError::WhiteSpace),
            ("SECR.SECR", MacKeyError::Character { offset: 4 }),
            ("SE=CR", MacKeyError::Character { offset: 2 }),
            ("SECRé", MacKeyError::Character { offset: 4 }),
            ("-SECR+SECR", MacKeyError::MixedAlphabets),
            ("SECRSECRA=", MacKeyError::Length),
            ("SECRSECRA", MacKeyError::Length),
            ("SECRAQ=", MacKeyError::Padding),
            ("SECR=", MacKeyError::Padding),
            ("SECR====", MacKeyError::Padding),
            ("SECRAB", MacKeyError::TrailingBits),
        ] {
            let actual = MacKey::parse(text).unwrap_err();
            assert_eq!(actual, error, "{text:?}");
            assert!(!actual.to_string().contains("SECR"));
        }
        assert_eq!(MacKey::from_bytes(&[]).unwrap_err(), MacKeyError::Empty);
    }

    #[test]
    fn the_vector_of_rfc7515_a1_comes_out() {
        let key = MacKey::parse(
            "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow",
        )
        .unwrap();
        let input = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4\
                     MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
        let tag = key.authenticate(MacAlgorithm::Hs256, input.as_bytes());
        assert_eq!(
            crate::jose::encoding::encode(&tag),
            "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
        );
    }

    #[test]
    fn keys_of_every_length_make_the_mac_of_rfc2104() {
        for length in [1, 32, 63, 64, 65, 127, 128, 129, 300] {
            let octets = vec![0xa5; length];
            let key = MacKey::from_bytes(&octets).unwrap();
            for (algorithm, expected) in [
                (MacAlgorithm::Hs256, reference::<Hmac<Sha256>>(&octets)),
                (MacAlgorithm::Hs384, reference::<Hmac<Sha384>>(&octets)),
                (MacAlgorithm::Hs512, reference::<Hmac<Sha512>>(&octets)),
            ] {
                let tag = key.authenticate(algorithm, b"message");
                assert_eq!(tag.len(), algorithm.hash_len());
                assert_eq!(tag, expected, "{algorithm} with {length} octets");
            }
        }
    }

    fn reference<M: Mac + KeyInit>(key: &[u8]) -> Vec<u8> {
        let mut mac = <M as KeyInit>::new_from_slice(key).unwrap();
        mac.update(b"message");
        mac.finalize().into_bytes().to_vec()
    }

    #[test]
    fn a_key_shorter_than_the_hash_is_reported() {
        let key = MacKey::from_bytes(&[1; 32]).unwrap();
        assert_eq!(key.warnings(MacAlgorithm::Hs256), []);
        assert_eq!(
            key.warnings(MacAlgorithm::Hs384),
            [MacKeyWarning::ShorterThanHash { actual: 32, recommended: 48 }]
        );
        let padded = MacKey::parse("++//AQ==").unwrap();
        assert_eq!(padded.warnings(MacAlgorithm::Hs256).len(), 2);
    }

    #[test]
    fn debug_shows_the_length_only() {
        assert_eq!(format!("{:?}", MacKey::parse("c2VjcmV0").unwrap()), "MacKey(6 octets)");
    }
}
