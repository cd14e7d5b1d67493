//! The ways in which a MAC key is written.

use core::fmt;
use core::str::FromStr;

use serde::{Deserialize, Serialize};

/// How a MAC key is written.
///
/// ```
/// use acmekit_core::jose::eab::MacKeyForm;
///
/// assert_eq!("hex".parse(), Ok(MacKeyForm::Hex));
/// assert_eq!(MacKeyForm::DoubledBase64.to_string(), "doubled-base64");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum MacKeyForm {
    /// Base64 with `-` and `_`, which RFC 8555 §7.3.4 prescribes.
    #[serde(rename = "base64url")]
    Base64Url,
    /// Base64 with `+` and `/`.
    #[serde(rename = "base64")]
    Base64,
    /// Hexadecimal digits.
    Hex,
    /// Base64 in either alphabet, twice.
    #[serde(rename = "doubled-base64")]
    DoubledBase64,
    /// The octets of the text itself, without the white space around it; only when asked for.
    Raw,
}

impl MacKeyForm {
    const ALL: [Self; 5] =
        [Self::Base64Url, Self::Base64, Self::Hex, Self::DoubledBase64, Self::Raw];

    /// The name by which the form is chosen.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Base64Url => "base64url",
            Self::Base64 => "base64",
            Self::Hex => "hex",
            Self::DoubledBase64 => "doubled-base64",
            Self::Raw => "raw",
        }
    }
}

impl fmt::Display for MacKeyForm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for MacKeyForm {
    type Err = MacKeyFormError;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|known| known.as_str() == name).ok_or(MacKeyFormError)
    }
}

/// The name is none of the forms of a MAC key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MacKeyFormError;

impl fmt::Display for MacKeyFormError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("unknown form of a MAC key; use base64url, base64, hex, doubled-base64 or raw")
    }
}

impl core::error::Error for MacKeyFormError {}
