//! Why a pasted credential cannot be read; no variant keeps any of the text.

use core::fmt;

use serde::{Deserialize, Serialize};

use super::super::KeyIdError;

/// A part of a credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum ImportField {
    /// The key identifier.
    KeyId,
    /// The MAC key.
    MacKey,
    /// The MAC algorithm.
    Algorithm,
}

impl fmt::Display for ImportField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::KeyId => "key identifier",
            Self::MacKey => "MAC key",
            Self::Algorithm => "MAC algorithm",
        })
    }
}

/// The text is not an EAB credential, or a damaged one. No variant keeps any of the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ImportError {
    /// There is nothing in it.
    Empty,
    /// It is far longer than any credential.
    TooLong {
        /// The length of the text in octets.
        octets: usize,
        /// The greatest length that is read.
        limit: usize,
    },
    /// It has a control character that is not white space.
    ControlCharacter {
        /// Which character, counted from 1.
        position: usize,
    },
    /// It begins as JSON does and is none; it may be cut off.
    Json {
        /// The line of the mistake, counted from 1.
        line: usize,
        /// The column of the mistake, counted from 1.
        column: usize,
    },
    /// It has several words and none of the names that credentials come with.
    NotUnderstood,
    /// It names a part and gives no value for it.
    NoValue(ImportField),
    /// The value is a stand-in such as `$EAB_KID`, `<key>` or `********`.
    Placeholder(ImportField),
    /// It gives two different values for the same part.
    Conflict(ImportField),
    /// It has no MAC key.
    NoMacKey,
    /// It has no key identifier.
    NoKeyId,
    /// The key identifier cannot be one.
    KeyId(KeyIdError),
    /// The MAC algorithm is none of `HS256`, `HS384` and `HS512`.
    UnknownAlgorithm,
    /// It is a PEM block with a private key, a certificate or the like.
    OtherPem,
    /// A character of the key belongs to no alphabet in which the key may be written.
    KeyCharacter {
        /// Which character of the key, counted from 1.
        position: usize,
    },
    /// The key mixes the letters of base64url and of Base64.
    KeyMixedAlphabets,
    /// No number of octets encodes to this many letters of Base64.
    KeyLength {
        /// How many letters there are, without padding.
        characters: usize,
    },
    /// The last letter of the key has bits that belong to no octet.
    KeyTrailingBits,
    /// The key has an odd number of hexadecimal digits.
    KeyHexLength {
        /// How many digits there are.
        digits: usize,
    },
    /// The key was said to be encoded twice and is not.
    KeyNotDoubled,
}

/// Lengths in letters of keys of 32, 48 and 64 octets.
const USUAL_CHARACTERS: [(usize, &str); 3] = [(43, "HS256"), (64, "HS384"), (86, "HS512")];

impl fmt::Display for ImportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the EAB credential cannot be read: ")?;
        match self {
            Self::Empty => f.write_str("it is empty; copy it from the CA's account page"),
            Self::TooLong { octets, limit } => {
                write!(
                    f,
                    "the text has {octets} octets, more than {limit}; paste only the credential"
                )
            }
            Self::ControlCharacter { position } => {
                write!(f, "character {position} is a control character; copy the text again")
            }
            Self::Json { line, column } => write!(
                f,
                "it begins as JSON and is none at line {line}, column {column}; \
                 it may be cut off"
            ),
            Self::NotUnderstood => f.write_str(
                "it has several words and no known names; give the key identifier and the \
                 MAC key separately, or as `KID:KEY`",
            ),
            Self::NoValue(field) => write!(f, "the {field} is named but has no value"),
            Self::Placeholder(field) => write!(
                f,
                "the {field} is a stand-in, such as a variable or a masked value; \
                 put the value itself there"
            ),
            Self::Conflict(field) => {
                write!(f, "it has two different values for the {field}; leave only one credential")
            }
            Self::NoMacKey => f.write_str("it has no MAC key; copy the HMAC key too"),
            Self::NoKeyId => f.write_str("it has no key identifier; copy the key identifier too"),
            Self::KeyId(error) => error.fmt(f),
            Self::UnknownAlgorithm => {
                f.write_str("its MAC algorithm is unknown; use HS256, HS384 or HS512")
            }
            Self::OtherPem => f.write_str(
                "it is a PEM block, such as a private key or a certificate; \
                 the MAC key of an external account binding is a short text from the CA",
            ),
            Self::KeyCharacter { position } => write!(
                f,
                "character {position} of the MAC key belongs to no alphabet it may be written in; \
                 check that it is the MAC key, or say that it is raw text"
            ),
            Self::KeyMixedAlphabets => f.write_str(
                "the MAC key mixes the letters of base64url (- _) and Base64 (+ /); \
                 it may be two texts in one",
            ),
            Self::KeyLength { characters } => {
                write!(
                    f,
                    "the MAC key has {characters} characters, which is impossible for Base64; \
                     one is missing or one too many"
                )?;
                USUAL_CHARACTERS
                    .iter()
                    .find(|(usual, _)| usual.abs_diff(*characters) == 1)
                    .map_or(Ok(()), |(usual, algorithm)| {
                        write!(f, " (a key made for {algorithm} has {usual})")
                    })
            }
            Self::KeyTrailingBits => f.write_str(
                "the last character of the MAC key does not fit; it may be cut off or mistyped \
                 (say that it is base64url to use it nevertheless)",
            ),
            Self::KeyHexLength { digits } => write!(
                f,
                "the MAC key has {digits} hexadecimal digits, an odd number; \
                 one is missing or one too many"
            ),
            Self::KeyNotDoubled => {
                f.write_str("the MAC key is not encoded twice; what it decodes to is no Base64")
            }
        }
    }
}

impl core::error::Error for ImportError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::KeyId(error) => Some(error),
            _ => None,
        }
    }
}
