//! Reads a MAC key in each of the forms it is written in, and guesses the form by fixed rules.

use base64ct::{Base64Unpadded, Encoding};
use zeroize::Zeroizing;

use super::fields::is_placeholder;
use super::prepare::unquote;
use super::report::Notes;
use super::{ImportChange, ImportError, ImportField, ImportWarning, MacKeyForm};

/// A key, and the form it was read in.
pub(super) struct KeyText {
    pub(super) octets: Zeroizing<Vec<u8>>,
    pub(super) form: MacKeyForm,
}

/// Fewest hexadecimal digits that are taken for a key in hexadecimal without being told.
const MIN_HEX_DIGITS: usize = 32;
/// Fewest pairs of digits with separators between them that are.
const MIN_HEX_PAIRS: usize = 8;
/// Fewest octets that a key with two layers of Base64 has inside, to be worth a word.
const MIN_DOUBLED_LEN: usize = 16;
/// The lengths in octets of keys that CAs encode twice. In Base64 they have 43 and 86 letters,
/// which is no length that a secret text has by chance, so one layer is surely too many.
const DOUBLED_LENGTHS: [usize; 2] = [32, 64];

/// Reads a key; `forced` settles its form.
pub(super) fn read(
    text: &str,
    forced: Option<MacKeyForm>,
    notes: &mut Notes,
) -> Result<KeyText, ImportError> {
    if forced == Some(MacKeyForm::Raw) {
        let raw = text.trim();
        if raw.is_empty() {
            return Err(ImportError::Empty);
        }
        let octets = Zeroizing::new(raw.as_bytes().to_vec());
        return Ok(KeyText { octets, form: MacKeyForm::Raw });
    }
    let text = without_armour(text, notes)?;
    let text = unquote(&text, notes);
    if text.is_empty() {
        return Err(ImportError::Empty);
    }
    if forced.is_none() && is_placeholder(text) {
        return Err(ImportError::Placeholder(ImportField::MacKey));
    }
    let (text, is_hex) = without_prefix(text, notes);
    let form = forced.or(is_hex.then_some(MacKeyForm::Hex));
    match form {
        Some(MacKeyForm::Hex) => hex(text, notes),
        Some(form @ MacKeyForm::Base64Url) => {
            let octets = base64(text, &Rules { alphabet: "-_", is_lenient: true }, notes)?.octets;
            Ok(KeyText { octets, form })
        }
        Some(form @ MacKeyForm::Base64) => {
            let octets = base64(text, &Rules { alphabet: "+/", is_lenient: true }, notes)?.octets;
            Ok(KeyText { octets, form })
        }
        Some(form) => {
            let outer = base64(text, &Rules::STRICT, notes)?;
            let octets = inner_layer(&outer.octets).ok_or(ImportError::KeyNotDoubled)?;
            notes.change(ImportChange::SecondLayerRemoved);
            Ok(KeyText { octets, form })
        }
        None if is_hex_pairs(text) => hex(text, notes),
        None => guess(text, notes),
    }
}

/// Base64url unless it cannot be; encoded twice if the inner layer is beyond doubt.
fn guess(text: &str, notes: &mut Notes) -> Result<KeyText, ImportError> {
    let digits = count_hex(text);
    let layer = match base64(text, &Rules::STRICT, notes) {
        Err(ImportError::KeyTrailingBits) if digits.is_some() => return hex(text, notes),
        other => other?,
    };
    if let Some(inner) = inner_layer(&layer.octets) {
        if DOUBLED_LENGTHS.contains(&inner.len()) {
            notes.change(ImportChange::SecondLayerRemoved);
            return Ok(KeyText { octets: inner, form: MacKeyForm::DoubledBase64 });
        }
        if inner.len() >= MIN_DOUBLED_LEN {
            notes.warn(ImportWarning::CouldBeDoubled { octets: inner.len() });
        }
    }
    if let Some(digits) = digits {
        notes.warn(ImportWarning::CouldBeHex { octets: digits / 2 });
    }
    if is_uuid(text) {
        notes.warn(ImportWarning::LooksLikeKeyId);
    }
    let form = if layer.is_standard { MacKeyForm::Base64 } else { MacKeyForm::Base64Url };
    Ok(KeyText { octets: layer.octets, form })
}

struct Rules {
    /// The letters besides A to Z, a to z and 0 to 9.
    alphabet: &'static str,
    /// Drop what does not fit at the end, with a warning.
    is_lenient: bool,
}

impl Rules {
    const STRICT: Self = Self { alphabet: "-_+/", is_lenient: false };
}

struct Layer {
    octets: Zeroizing<Vec<u8>>,
    /// `+` or `/` is in it.
    is_standard: bool,
}

fn base64(text: &str, rules: &Rules, notes: &mut Notes) -> Result<Layer, ImportError> {
    let mut letters = without_space(text, notes);
    let len = letters.trim_end_matches('=').len();
    let padding = letters.len() - len;
    let mut seen = 0;
    for (index, character) in text.chars().enumerate().filter(|(_, c)| !c.is_whitespace()) {
        seen += character.len_utf8();
        let is_known = character.is_ascii_alphanumeric() || rules.alphabet.contains(character);
        if seen <= len && !is_known {
            return Err(ImportError::KeyCharacter { position: index + 1 });
        }
    }
    letters.truncate(len);
    let is_standard = letters.contains(['+', '/']);
    if is_standard && letters.contains(['-', '_']) {
        return Err(ImportError::KeyMixedAlphabets);
    }
    if padding > 0 {
        notes.change(ImportChange::PaddingRemoved);
        if !(len + padding).is_multiple_of(4) || padding > 2 {
            notes.warn(ImportWarning::PaddingWrong);
        }
    }
    if is_standard {
        notes.change(ImportChange::AlphabetConverted);
    }
    match len {
        0 => return Err(ImportError::Empty),
        _ if len % 4 != 1 => {}
        _ if rules.is_lenient && len > 1 => {
            notes.warn(ImportWarning::CharacterDropped { characters: len });
            letters.truncate(len - 1);
        }
        _ => return Err(ImportError::KeyLength { characters: len }),
    }
    let standard = to_standard(&letters, false);
    let octets = match Base64Unpadded::decode_vec(&standard) {
        Ok(octets) => octets,
        Err(_) if rules.is_lenient => {
            notes.warn(ImportWarning::BitsDropped);
            Base64Unpadded::decode_vec(&to_standard(&letters, true))
                .map_err(|_| ImportError::KeyTrailingBits)?
        }
        Err(_) => return Err(ImportError::KeyTrailingBits),
    };
    Ok(Layer { octets: Zeroizing::new(octets), is_standard })
}

/// Writes letters of either alphabet in the standard one, the last without the bits that belong
/// to no octet if it is to be `cut`.
fn to_standard(letters: &str, cut: bool) -> Zeroizing<String> {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut standard = Zeroizing::new(String::with_capacity(letters.len()));
    standard.extend(letters.chars().map(|c| match c {
        '-' => '+',
        '_' => '/',
        other => other,
    }));
    if cut && let Some(last) = standard.pop() {
        let mask = if letters.len() % 4 == 2 { 0b11_0000 } else { 0b11_1100 };
        let value = ALPHABET.iter().position(|letter| char::from(*letter) == last);
        standard.extend(
            value.and_then(|value| ALPHABET.get(value & mask)).map(|letter| char::from(*letter)),
        );
    }
    standard
}

/// Decodes what one layer of Base64 decoded to, if that is Base64 again. A line break at its end,
/// which `echo` leaves, does not count.
fn inner_layer(octets: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let text = core::str::from_utf8(octets).ok()?.trim();
    if text.contains(char::is_whitespace) || count_hex(text).is_some() {
        return None;
    }
    base64(text, &Rules::STRICT, &mut Notes::default()).ok().map(|layer| layer.octets)
}

fn hex(text: &str, notes: &mut Notes) -> Result<KeyText, ImportError> {
    let is_separator = |c: char| c.is_whitespace() || c == ':';
    if let Some(index) = text.chars().position(|c| !is_separator(c) && !c.is_ascii_hexdigit()) {
        return Err(ImportError::KeyCharacter { position: index + 1 });
    }
    if text.contains(':') {
        notes.change(ImportChange::ColonsRemoved);
    }
    let compact = without_space(text, notes);
    let digits = compact.chars().filter_map(|c| c.to_digit(16)).count();
    if !digits.is_multiple_of(2) {
        return Err(ImportError::KeyHexLength { digits });
    }
    let mut octets = Zeroizing::new(Vec::with_capacity(digits / 2));
    let mut values = compact.chars().filter_map(|c| c.to_digit(16));
    while let (Some(high), Some(low)) = (values.next(), values.next()) {
        octets.extend(u8::try_from(high << 4 | low).ok());
    }
    if octets.is_empty() {
        return Err(ImportError::Empty);
    }
    Ok(KeyText { octets, form: MacKeyForm::Hex })
}

/// How many hexadecimal digits the text has, if nothing else is in it, they are of one case as
/// programs print them, and make octets enough.
fn count_hex(text: &str) -> Option<usize> {
    let letters = || text.chars().filter(|c| !c.is_whitespace());
    let digits = letters().count();
    let is_lower = || letters().all(|c| matches!(c, '0'..='9' | 'a'..='f'));
    let is_upper = || letters().all(|c| matches!(c, '0'..='9' | 'A'..='F'));
    (digits >= MIN_HEX_DIGITS && digits.is_multiple_of(2) && (is_lower() || is_upper()))
        .then_some(digits)
}

/// Whether the text is pairs of hexadecimal digits with colons or white space between them.
pub(super) fn is_hex_pairs(text: &str) -> bool {
    let mut pairs = 0_usize;
    text.split(|c: char| c == ':' || c.is_whitespace()).filter(|pair| !pair.is_empty()).all(
        |pair| {
            pairs += 1;
            pair.len() == 2 && pair.bytes().all(|b| b.is_ascii_hexdigit())
        },
    ) && pairs >= MIN_HEX_PAIRS
}

/// Whether the text has the form of a UUID (RFC 9562 §4), as many key identifiers have.
pub(super) fn is_uuid(text: &str) -> bool {
    const GROUPS: [usize; 5] = [8, 4, 4, 4, 12];
    let groups = || text.split('-');
    groups().map(str::len).eq(GROUPS)
        && groups().flat_map(str::bytes).all(|b| b.is_ascii_hexdigit())
}

/// Whether the form of the key is written before it.
pub(super) fn has_prefix(text: &str) -> bool {
    let mut ignored = Notes::default();
    without_prefix(text, &mut ignored);
    !ignored.changes.is_empty()
}

/// Removes a prefix; says whether it means hexadecimal.
fn without_prefix<'a>(text: &'a str, notes: &mut Notes) -> (&'a str, bool) {
    // Letters follow `0x` in Base64 too, but hardly ever so many of a to f only.
    let numeral = text.strip_prefix("0x").filter(|rest| {
        rest.len() >= 2 * MIN_HEX_PAIRS
            && rest.len().is_multiple_of(2)
            && rest.bytes().all(|b| b.is_ascii_hexdigit())
    });
    let prefixed = |prefix: &str| {
        text.get(..prefix.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(prefix))
            .then(|| text.get(prefix.len()..).unwrap_or_default().trim_start())
    };
    let found = numeral.or_else(|| prefixed("hex:")).map(|rest| (rest, true)).or_else(|| {
        prefixed("base64:").or_else(|| prefixed("base64url:")).map(|rest| (rest, false))
    });
    if found.is_some() {
        notes.change(ImportChange::PrefixRemoved);
    }
    found.unwrap_or((text, false))
}

/// Removes the lines with dashes around a key, unless they say that it is something else.
fn without_armour(text: &str, notes: &mut Notes) -> Result<Zeroizing<String>, ImportError> {
    if !text.contains("-----BEGIN") {
        return Ok(Zeroizing::new(text.to_owned()));
    }
    const OTHERS: [&str; 4] = ["PRIVATE KEY-----", "PUBLIC KEY-----", "CERTIFICATE", "OPENSSH"];
    if OTHERS.iter().any(|other| text.contains(other)) {
        return Err(ImportError::OtherPem);
    }
    notes.change(ImportChange::ArmourRemoved);
    let mut bare = Zeroizing::new(String::with_capacity(text.len()));
    for line in text.lines().filter(|line| !line.trim_start().starts_with("-----")) {
        bare.push_str(line);
        bare.push('\n');
    }
    Ok(bare)
}

fn without_space(text: &str, notes: &mut Notes) -> Zeroizing<String> {
    let mut compact = Zeroizing::new(String::with_capacity(text.len()));
    compact.extend(text.chars().filter(|c| !c.is_whitespace()));
    if compact.len() != text.trim().len() {
        notes.change(ImportChange::WhiteSpaceRemoved);
    }
    compact
}
