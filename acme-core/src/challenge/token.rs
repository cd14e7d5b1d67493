//! Tokens and key authorizations (RFC 8555 §8.1).

use core::fmt;
use core::str::FromStr;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

/// The longest token that is accepted, in letters. Real ones have 22 to 64.
pub const MAX_TOKEN_LENGTH: usize = 128;

/// Letters of base64url that make 128 bits, the least entropy RFC 8555 §11.3 allows.
pub const STRONG_TOKEN_LENGTH: usize = 22;

/// The random name a server gives to a challenge.
///
/// A value in hand consists of letters, digits, `-` and `_` only, so it can stand in a path, a file
/// name or an HTTP answer. (It may begin with `-`: pass it to programs in a place where that is no
/// option.)
///
/// ```
/// use acmekit_core::challenge::Token;
///
/// assert!("evaGxfADs6pSRb2LAv9IZf17Dt3juxGJ-PCt92wr-oA".parse::<Token>().is_ok());
/// assert!("../../etc/passwd".parse::<Token>().is_err());
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Token(String);

impl Token {
    /// Takes a token as the server sent it.
    ///
    /// # Errors
    /// [`TokenError`] if it is empty, longer than [`MAX_TOKEN_LENGTH`] or has a letter outside of
    /// the base64url alphabet; padding counts as one (RFC 8555 §8.3).
    pub fn new(token: impl Into<String>) -> Result<Self, TokenError> {
        let token = token.into();
        if token.is_empty() {
            return Err(TokenError::Empty);
        }
        if token.len() > MAX_TOKEN_LENGTH {
            return Err(TokenError::TooLong { letters: token.len() });
        }
        if !token.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_') {
            return Err(TokenError::Letters);
        }
        Ok(Self(token))
    }

    /// The token.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is too short to carry the 128 bits of entropy that RFC 8555 §11.3 asks for.
    pub fn is_weak(&self) -> bool {
        self.0.len() < STRONG_TOKEN_LENGTH
    }
}

impl AsRef<str> for Token {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Token {
    type Err = TokenError;

    fn from_str(token: &str) -> Result<Self, Self::Err> {
        Self::new(token)
    }
}

impl TryFrom<String> for Token {
    type Error = TokenError;

    fn try_from(token: String) -> Result<Self, Self::Error> {
        Self::new(token)
    }
}

impl From<Token> for String {
    fn from(token: Token) -> Self {
        token.0
    }
}

/// The server's token cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TokenError {
    /// It is empty.
    Empty,
    /// It is longer than [`MAX_TOKEN_LENGTH`].
    TooLong {
        /// How long it is.
        letters: usize,
    },
    /// It has a letter outside of the base64url alphabet.
    Letters,
}

/// The token itself is not part of the message: it may hold anything.
impl fmt::Display for TokenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("the challenge's token is empty"),
            Self::TooLong { letters } => write!(
                f,
                "the challenge's token has {letters} letters; at most {MAX_TOKEN_LENGTH} are \
                 accepted"
            ),
            Self::Letters => f.write_str(
                "the challenge's token has letters other than A-Z, a-z, 0-9, - and _, which \
                 RFC 8555 forbids",
            ),
        }
    }
}

impl core::error::Error for TokenError {}

/// A token bound to an account key: what proves control in every challenge of RFC 8555.
///
/// Not shown by `Debug` and zeroed on drop: while a challenge is pending, whoever knows it can
/// answer for the name.
#[derive(Clone, PartialEq, Eq)]
pub struct KeyAuthorization(Zeroizing<String>);

impl KeyAuthorization {
    /// Joins a token and the thumbprint of the account key (RFC 7638, base64url of SHA-256).
    pub fn new(token: &Token, thumbprint: &str) -> Self {
        Self::join(&token.0, thumbprint)
    }

    /// The same for a token that is put together of parts, which may carry padding inside
    /// (RFC 8823 §3).
    pub(super) fn join(token: &str, thumbprint: &str) -> Self {
        let mut joined = String::with_capacity(token.len() + 1 + thumbprint.len());
        joined.push_str(token);
        joined.push('.');
        joined.push_str(thumbprint);
        Self(Zeroizing::new(joined))
    }

    /// The text, as http-01 serves it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// SHA-256 over it, as dns-01 and tls-alpn-01 publish it.
    pub fn digest(&self) -> [u8; 32] {
        Sha256::digest(self.0.as_bytes()).into()
    }
}

impl fmt::Debug for KeyAuthorization {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyAuthorization(..)")
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A sample token of RFC 8555 §8.3.
    pub(in crate::challenge) fn sample_token() -> Token {
        Token::new("evaGxfADs6pSRb2LAv9IZf17Dt3juxGJ-PCt92wr-oA").unwrap()
    }

    /// Thumbprints of the keys of RFC 7638 §3.1, RFC 7515 A.3 and RFC 8037 A.2.
    pub(in crate::challenge) const THUMBPRINTS: [&str; 3] = [
        "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs",
        "oKIywvGUpTVTyxMQ3bwIIeQUudfr_CkLMjCE19ECD-U",
        "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k",
    ];

    #[test]
    fn hostile_tokens_never_become_tokens() {
        for hostile in [
            "",
            ".",
            "..",
            "../../../../../../tmp/data",
            "..\\..\\x",
            "a/b",
            "a\\b",
            "a\0",
            "\0",
            "%2f",
            "%2e%2e%2f",
            "a b",
            "a\n",
            "a\r\nSet-Cookie: x",
            "a.b",
            "a=",
            "YQ==",
            "a+b",
            "C:x",
            "$(id)",
            "`id`",
            "a;b",
            "tökén",
            "Ａ",
            "a\u{202e}b",
            "\u{feff}a",
        ] {
            assert!(Token::new(hostile).is_err(), "{hostile:?}");
            let json = serde_json::to_string(hostile).unwrap();
            assert!(serde_json::from_str::<Token>(&json).is_err(), "{hostile:?}");
        }
    }

    #[test]
    fn every_octet_outside_of_the_alphabet_is_refused() {
        for octet in 0_u8..128 {
            let letter = char::from(octet);
            let allowed = letter.is_ascii_alphanumeric() || letter == '-' || letter == '_';
            assert_eq!(Token::new(format!("a{letter}b")).is_ok(), allowed, "{letter:?}");
        }
    }

    #[test]
    fn the_length_is_limited() {
        assert!(Token::new("a".repeat(MAX_TOKEN_LENGTH)).is_ok());
        assert_eq!(Token::new("a".repeat(129)), Err(TokenError::TooLong { letters: 129 }));
    }

    #[test]
    fn tokens_under_128_bits_are_weak() {
        assert!(Token::new("a".repeat(21)).unwrap().is_weak());
        assert!(!Token::new("a".repeat(22)).unwrap().is_weak());
    }

    #[test]
    fn a_key_authorization_is_token_dot_thumbprint() {
        let authorization = KeyAuthorization::new(&sample_token(), THUMBPRINTS[0]);
        assert_eq!(
            authorization.as_str(),
            "evaGxfADs6pSRb2LAv9IZf17Dt3juxGJ-PCt92wr-oA.\
             NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"
        );
    }

    #[test]
    fn digests_are_those_computed_independently() {
        for (thumbprint, expected) in THUMBPRINTS.into_iter().zip([
            "653471d42925d7eb4cd39a39cda8b34d3034c94cb90067ab78c8123560ba2e5f",
            "65a26016d215e16034b7633337b91b4a4d2c7d17761998dac51a9a49300aea52",
            "940576f75777ef6c725d5119458f63d8543c8354d8a4e689afadb40a26a178f0",
        ]) {
            let digest = KeyAuthorization::new(&sample_token(), thumbprint).digest();
            let hex: String = digest.iter().map(|octet| format!("{octet:02x}")).collect();
            assert_eq!(hex, expected);
        }
    }

    #[test]
    fn debug_output_does_not_show_the_key_authorization() {
        let authorization = KeyAuthorization::new(&sample_token(), THUMBPRINTS[0]);
        let shown = format!("{authorization:?}");
        assert!(!shown.contains("evaGx") && !shown.contains("NzbL"), "{shown}");
    }
}
