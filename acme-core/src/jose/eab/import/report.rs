//! What was understood of a pasted credential, as data and as sentences, without the secret.

use core::fmt;

use serde::{Deserialize, Serialize};

use super::MacKeyForm;
use crate::jose::MacAlgorithm;

/// What an import recognised, changed and found odd. It holds nothing of the key but its length.
///
/// `Display` gives one sentence on each line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ImportReport {
    /// What kind of text it was.
    pub source: ImportSource,
    /// How the key was written.
    pub form: MacKeyForm,
    /// Whether the caller said how the key is written.
    pub is_form_forced: bool,
    /// The length of the key in bits.
    pub key_bits: usize,
    /// What was changed to get at the key.
    pub changes: Vec<ImportChange>,
    /// What a person should look at before using the credential.
    pub warnings: Vec<ImportWarning>,
}

impl fmt::Display for ImportReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "recognised {}", self.source)?;
        let how = if self.is_form_forced { "as told" } else { "by its form" };
        write!(f, "the MAC key has {} bits, read as {} {how}", self.key_bits, self.form)?;
        for change in &self.changes {
            write!(f, "\n{change}")?;
        }
        for warning in &self.warnings {
            write!(f, "\nwarning: {warning}")?;
        }
        Ok(())
    }
}

/// What kind of text a credential was found in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum ImportSource {
    /// A key and nothing else.
    KeyOnly,
    /// A key identifier and a key, in this order, without names.
    Pair,
    /// The command line of an ACME client.
    CommandLine {
        /// The client, if its name stands there too.
        tool: Option<ImportTool>,
    },
    /// JSON with named members.
    Json,
    /// A JSON Web Key of type `oct` (RFC 7518 §6.4).
    Jwk,
    /// Lines with names: environment variables, INI, YAML, labels of a web page.
    Assignments,
    /// A table with a header.
    Table,
}

impl fmt::Display for ImportSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::KeyOnly => f.write_str("a MAC key alone"),
            Self::Pair => f.write_str("a key identifier followed by a MAC key"),
            Self::CommandLine { tool: Some(tool) } => write!(f, "a command line of {tool}"),
            Self::CommandLine { tool: None } => f.write_str("options of a command line"),
            Self::Json => f.write_str("JSON"),
            Self::Jwk => f.write_str("a JSON Web Key"),
            Self::Assignments => f.write_str("named values"),
            Self::Table => f.write_str("a table"),
        }
    }
}

/// An ACME client, by the name of its program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum ImportTool {
    /// Certbot.
    Certbot,
    /// lego.
    Lego,
    /// acme.sh.
    AcmeSh,
    /// win-acme (`wacs`) and its successor simple-acme.
    WinAcme,
    /// Posh-ACME, a PowerShell module.
    PoshAcme,
    /// uacme.
    Uacme,
}

impl fmt::Display for ImportTool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Certbot => "certbot",
            Self::Lego => "lego",
            Self::AcmeSh => "acme.sh",
            Self::WinAcme => "win-acme",
            Self::PoshAcme => "Posh-ACME",
            Self::Uacme => "uacme",
        })
    }
}

/// Something that was changed to get at the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum ImportChange {
    /// Quotation marks around a value were removed.
    QuotesRemoved,
    /// White space inside the key was removed.
    WhiteSpaceRemoved,
    /// Characters that are not to be seen, such as zero-width spaces, were removed.
    InvisibleRemoved,
    /// Full-width letters, as East Asian input methods write them, became plain ones.
    FullWidthConverted,
    /// Padding (`=`) was removed.
    PaddingRemoved,
    /// `+` and `/` became `-` and `_`.
    AlphabetConverted,
    /// A second layer of Base64 was removed.
    SecondLayerRemoved,
    /// Colons between hexadecimal digits were removed.
    ColonsRemoved,
    /// A prefix that names the form, such as `0x`, was removed.
    PrefixRemoved,
    /// Lines that begin with `-----` were removed.
    ArmourRemoved,
    /// A key that goes on in the next lines was joined.
    LinesJoined,
}

impl fmt::Display for ImportChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::QuotesRemoved => "quotation marks were removed",
            Self::WhiteSpaceRemoved => "white space inside the MAC key was removed",
            Self::InvisibleRemoved => "invisible characters were removed",
            Self::FullWidthConverted => "full-width letters were turned into plain ones",
            Self::PaddingRemoved => "padding (=) was removed from the MAC key",
            Self::AlphabetConverted => "the MAC key was converted from Base64 (+ /) to base64url",
            Self::SecondLayerRemoved => {
                "the MAC key was encoded twice, as gcloud does; the outer layer was removed"
            }
            Self::ColonsRemoved => "colons between the digits of the MAC key were removed",
            Self::PrefixRemoved => "the prefix that names the form of the MAC key was removed",
            Self::ArmourRemoved => "the lines with dashes around the MAC key were removed",
            Self::LinesJoined => "the lines of the MAC key were joined",
        })
    }
}

/// Something odd about a credential that was read nevertheless.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum ImportWarning {
    /// The key is shorter than the hash (RFC 7518 §3.2), so it may be cut off.
    ShorterThanHash {
        /// The algorithm that the text names, or `HS256`.
        algorithm: MacAlgorithm,
        /// The length of the key in octets.
        octets: usize,
        /// The length of the hash in octets.
        recommended: usize,
    },
    /// No CA known hands out keys of this length.
    UnusualLength {
        /// The length of the key in octets.
        octets: usize,
    },
    /// The key was read as base64url and has hexadecimal digits only.
    CouldBeHex {
        /// The length in octets that it has if read as hexadecimal.
        octets: usize,
    },
    /// The key decodes to text that is Base64 again.
    CouldBeDoubled {
        /// The length in octets that it has if decoded twice.
        octets: usize,
    },
    /// The number of `=` at the end does not match the length.
    PaddingWrong,
    /// The last letter has bits that belong to no octet; they were dropped.
    BitsDropped,
    /// One letter more than any key can have; the last one was dropped.
    CharacterDropped {
        /// How many letters there were.
        characters: usize,
    },
    /// The key has the form of a UUID, as key identifiers have.
    LooksLikeKeyId,
    /// Key identifier and key are the same text.
    SameAsKeyId,
    /// Key identifier and key seem to have changed places.
    PossiblySwapped,
    /// The line after the key could belong to it; it was left out.
    PossiblyContinued,
}

impl fmt::Display for ImportWarning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ShorterThanHash { algorithm, octets, recommended } => write!(
                f,
                "the MAC key has {octets} octets, fewer than the {recommended} of {algorithm}; \
                 check that it was copied whole"
            ),
            Self::UnusualLength { octets } => {
                write!(f, "the MAC key has {octets} octets, an unusual length")
            }
            Self::CouldBeHex { octets } => write!(
                f,
                "the MAC key has hexadecimal digits only; it was read as base64url, \
                 as RFC 8555 prescribes; if the CA means {octets} octets in hexadecimal, say hex"
            ),
            Self::CouldBeDoubled { octets } => write!(
                f,
                "the MAC key decodes to text that is Base64 of {octets} octets; \
                 if the CA's tool encoded it twice, say doubled-base64"
            ),
            Self::PaddingWrong => f.write_str(
                "the number of = at the end of the MAC key does not match its length; \
                 check that it was copied whole",
            ),
            Self::BitsDropped => f.write_str(
                "the last character of the MAC key does not fit, so a part of it was dropped; \
                 it may be cut off or mistyped",
            ),
            Self::CharacterDropped { characters } => write!(
                f,
                "the MAC key has {characters} characters, which is impossible for Base64; \
                 the last one was dropped"
            ),
            Self::LooksLikeKeyId => f.write_str(
                "the MAC key has the form of a UUID; it may be the key identifier instead",
            ),
            Self::SameAsKeyId => f.write_str("the key identifier and the MAC key are the same"),
            Self::PossiblySwapped => {
                f.write_str("the key identifier and the MAC key may have changed places")
            }
            Self::PossiblyContinued => f.write_str(
                "the line after the MAC key could belong to it and was left out; \
                 paste a key that was wrapped as one line",
            ),
        }
    }
}

/// Gathers the entries of a report, each once.
#[derive(Default)]
pub(super) struct Notes {
    pub(super) changes: Vec<ImportChange>,
    pub(super) warnings: Vec<ImportWarning>,
}

impl Notes {
    pub(super) fn change(&mut self, change: ImportChange) {
        if !self.changes.contains(&change) {
            self.changes.push(change);
        }
    }

    pub(super) fn warn(&mut self, warning: ImportWarning) {
        if !self.warnings.contains(&warning) {
            self.warnings.push(warning);
        }
    }
}
