//! Reads the credential of an external account binding from whatever a person pastes.

mod bare;
mod command;
mod error;
mod fields;
mod form;
mod json;
mod key_text;
mod lines;
mod names;
mod prepare;
mod report;
mod table;
#[cfg(test)]
mod tests;
mod words;

use zeroize::Zeroizing;

pub use error::{ImportError, ImportField};
pub use form::{MacKeyForm, MacKeyFormError};
pub use prepare::MAX_IMPORT_LEN;
pub use report::{ImportChange, ImportReport, ImportSource, ImportTool, ImportWarning};

use self::fields::Fields;
use self::prepare::prepare;
use self::report::Notes;
use super::{ExternalAccountBinding, MacAlgorithm, MacKey, check_key_id};

/// A credential that was read from pasted text, and what was understood.
///
/// The text may be a key alone; a key identifier and a key; the command line of certbot, lego,
/// acme.sh, win-acme, Posh-ACME or uacme; JSON as ZeroSSL, Google, step-ca, Vault and others print
/// it; or lines with names as in environment files, INI, YAML, tables and web pages.
///
/// Where a text can be read in two ways, these rules decide, and [`report`](Self::report) tells:
///
/// * Names decide before shape. A name that may mean other things (`key`, `id`, `secret`) counts
///   only if no clearer one is there.
/// * Without names, one word is a key, unless a `:`, `,`, `;` or `|` in it separates identifier and
///   key. Two words are identifier and key, unless the first is a line of 64 or 76 characters, as
///   Base64 is wrapped. More words are one key if all but the last have the same length.
/// * A key that base64url can read is base64url (RFC 8555 §7.3.4), even if it has hexadecimal digits
///   only. It is hexadecimal when it can only be that: after `0x` or `hex:`, as pairs with colons or
///   spaces between them, or when its last digit does not fit base64url.
/// * A key that decodes to text is taken as encoded twice if that text is again Base64 of exactly
///   32 or 64 octets.
///
/// [`parse_as`](Self::parse_as) overrides the last two.
///
/// ```
/// use acmekit_core::jose::eab::{ImportChange, ImportedBinding, MacKeyForm};
///
/// let imported = ImportedBinding::parse(
///     "certbot register --eab-kid kid-1 --eab-hmac-key 'k5Fh0r1l+3o2JYrfGhmMBX6PZ9zv1n8rQ3xwYh2b7dE='",
/// )?;
/// assert_eq!(imported.key_id.as_deref(), Some("kid-1"));
/// assert_eq!(imported.report.form, MacKeyForm::Base64);
/// assert_eq!(imported.report.key_bits, 256);
/// assert!(imported.report.changes.contains(&ImportChange::PaddingRemoved));
/// let binding = imported.into_binding()?;
/// # Ok::<(), acmekit_core::jose::eab::ImportError>(())
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ImportedBinding {
    /// The key identifier, if the text has one.
    pub key_id: Option<String>,
    /// The key.
    pub mac_key: MacKey,
    /// The MAC algorithm, if the text names one.
    pub algorithm: Option<MacAlgorithm>,
    /// What was recognised, what was changed and what is odd. Nothing of the key is in it.
    pub report: ImportReport,
}

impl ImportedBinding {
    /// Reads a text, and finds out by itself how the key is written.
    ///
    /// # Errors
    /// [`ImportError`] says what is wrong without repeating any of the text.
    pub fn parse(text: &str) -> Result<Self, ImportError> {
        Self::read(text, None)
    }

    /// Reads a text in which the key is written in this way, whatever it looks like.
    ///
    /// With [`MacKeyForm::Raw`], a text without names is all key.
    ///
    /// # Errors
    /// [`ImportError`] says what is wrong without repeating any of the text.
    pub fn parse_as(text: &str, form: MacKeyForm) -> Result<Self, ImportError> {
        Self::read(text, Some(form))
    }

    /// Reads a text that is a key and nothing else, such as the content of a key file.
    ///
    /// ```
    /// use acmekit_core::jose::eab::{ImportedBinding, MacKeyForm};
    ///
    /// let imported = ImportedBinding::parse_key("00 01 02 03 04 05 06 07\n", None)?;
    /// assert_eq!(imported.report.form, MacKeyForm::Hex);
    /// # Ok::<(), acmekit_core::jose::eab::ImportError>(())
    /// ```
    ///
    /// # Errors
    /// [`ImportError`] says what is wrong without repeating any of the text.
    pub fn parse_key(text: &str, form: Option<MacKeyForm>) -> Result<Self, ImportError> {
        let mut notes = Notes::default();
        let key = if form == Some(MacKeyForm::Raw) {
            prepare::check_len(text)?;
            Zeroizing::new(text.to_owned())
        } else {
            prepare(text, &mut notes)?
        };
        Found { source: ImportSource::KeyOnly, key_id: None, key, algorithm: None }
            .finish(form, notes)
    }

    /// Makes the binding, with `HS256` if the text named no algorithm.
    ///
    /// # Errors
    /// [`ImportError::NoKeyId`] if the text had no key identifier; set
    /// [`key_id`](Self::key_id) before, then.
    pub fn into_binding(self) -> Result<ExternalAccountBinding, ImportError> {
        let key_id = self.key_id.ok_or(ImportError::NoKeyId)?;
        ExternalAccountBinding::new(key_id, self.mac_key, self.algorithm.unwrap_or_default())
            .map_err(ImportError::KeyId)
    }

    fn read(text: &str, form: Option<MacKeyForm>) -> Result<Self, ImportError> {
        let mut notes = Notes::default();
        let text = prepare(text, &mut notes)?;
        let found = find(text.trim(), form, &mut notes)?;
        found.finish(form, notes)
    }
}

/// The parts of a credential as text.
struct Found {
    source: ImportSource,
    key_id: Option<Zeroizing<String>>,
    key: Zeroizing<String>,
    algorithm: Option<MacAlgorithm>,
}

/// Finds the parts, trying the shapes that are hardest to mistake first.
fn find(text: &str, form: Option<MacKeyForm>, notes: &mut Notes) -> Result<Found, ImportError> {
    if text.is_empty() {
        return Err(ImportError::Empty);
    }
    if text.starts_with('{') || text.starts_with("[{") {
        return json::read(text, notes);
    }
    let mut fields = Fields::default();
    if let Some(tool) = command::read(text, &mut fields, notes) {
        return fields.finish(ImportSource::CommandLine { tool });
    }
    if table::read(text, &mut fields, notes) {
        return fields.finish(ImportSource::Table);
    }
    if lines::read(text, &mut fields, notes) {
        return fields.finish(ImportSource::Assignments);
    }
    bare::read(text, form, notes)
}

impl Found {
    fn finish(
        self,
        form: Option<MacKeyForm>,
        mut notes: Notes,
    ) -> Result<ImportedBinding, ImportError> {
        let key = key_text::read(&self.key, form, &mut notes)?;
        let key_id = match &self.key_id {
            Some(text) => Some(check_key_id(text).map_err(ImportError::KeyId)?),
            None => None,
        };
        if let Some(key_id) = &key_id {
            note_confusion(key_id, &self.key, &mut notes);
        }
        let mac_key = MacKey::from_bytes(&key.octets).map_err(|_| ImportError::Empty)?;
        let octets = mac_key.len_bytes();
        note_length(octets, self.algorithm.unwrap_or_default(), &mut notes);
        let report = ImportReport {
            source: self.source,
            form: key.form,
            is_form_forced: form.is_some(),
            key_bits: octets.saturating_mul(8),
            changes: notes.changes,
            warnings: notes.warnings,
        };
        Ok(ImportedBinding { key_id, mac_key, algorithm: self.algorithm, report })
    }
}

/// Key lengths in octets that CAs hand out: one hash each, and the 32 octets after a mark of nine
/// that Vault and OpenBao issue.
const USUAL_LENGTHS: [usize; 4] = [32, 41, 48, 64];

fn note_length(octets: usize, algorithm: MacAlgorithm, notes: &mut Notes) {
    let recommended = algorithm.hash_len();
    if octets < recommended {
        notes.warn(ImportWarning::ShorterThanHash { algorithm, octets, recommended });
    } else if !USUAL_LENGTHS.contains(&octets) {
        notes.warn(ImportWarning::UnusualLength { octets });
    }
}

/// Warns when identifier and key look like one another.
fn note_confusion(key_id: &str, key: &str, notes: &mut Notes) {
    let key = key.trim();
    if key_id == key {
        notes.warn(ImportWarning::SameAsKeyId);
    } else if key_text::is_uuid(key) && !key_text::is_uuid(key_id) {
        notes.warn(ImportWarning::PossiblySwapped);
    }
}
