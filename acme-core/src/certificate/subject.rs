//! Subject names in the order the certificate authority wants them (RFC 4514, X.520).

use core::fmt;
use core::str::FromStr;

use der::asn1::{Any, SetOfVec};
use der::{Decode, Encode};
use serde::{Deserialize, Serialize};
use x509_cert::attr::AttributeTypeAndValue;
use x509_cert::name::{Name, RdnSequence, RelativeDistinguishedName};

use super::attribute::{AttributeProblem, RULES, SubjectAttribute, check_value};

/// A subject name: attributes in the order they are to have in the certificate request.
///
/// The text form is that of RFC 4514 with one difference that matters: **the order written is the
/// order encoded**. `C=JP,ST=Tokyo,…,CN=…` puts the country first, as the forms of certificate
/// authorities and OpenSSL's prompts do; RFC 4514 itself would read it back to front. `,` `+` `"`
/// `\` `<` `>` `;` inside a value are escaped by `\`, or as `\` and two hexadecimal digits per
/// octet of UTF-8.
///
/// ```
/// use acmekit_core::certificate::Subject;
///
/// let subject: Subject = r"C=JP,ST=Tokyo,L=Chofu,O=The University\, Inc.,CN=a.example".parse()?;
/// assert_eq!(subject.common_name(), Some("a.example"));
/// assert_eq!(subject.to_string(), r"C=JP,ST=Tokyo,L=Chofu,O=The University\, Inc.,CN=a.example");
/// # Ok::<(), acmekit_core::certificate::SubjectError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Subject(Vec<(SubjectAttribute, String)>);

impl Subject {
    /// Takes attributes in the order they are to be encoded.
    ///
    /// # Errors
    /// [`SubjectError`] names the attribute that is empty, too long, repeated or of the wrong
    /// letters.
    pub fn new<V: Into<String>>(
        attributes: impl IntoIterator<Item = (SubjectAttribute, V)>,
    ) -> Result<Self, SubjectError> {
        let mut checked: Vec<(SubjectAttribute, String)> = Vec::new();
        for (attribute, value) in attributes {
            let value = value.into();
            let error = |problem| SubjectError::Attribute { attribute, problem };
            let rule = attribute.rule().ok_or(error(AttributeProblem::Unknown))?;
            check_value(rule, &value).map_err(error)?;
            if !rule.may_repeat && checked.iter().any(|(earlier, _)| *earlier == attribute) {
                return Err(error(AttributeProblem::Repeated));
            }
            checked.push((attribute, value));
        }
        if checked.is_empty() {
            return Err(SubjectError::Empty);
        }
        Ok(Self(checked))
    }

    /// Reads the text form, see [`Subject`].
    ///
    /// # Errors
    /// [`SubjectError`] tells what is wrong and in which attribute.
    pub fn parse(text: &str) -> Result<Self, SubjectError> {
        if text.trim_start().starts_with('/') {
            return Err(SubjectError::SlashForm);
        }
        if text.trim().is_empty() {
            return Err(SubjectError::Empty);
        }
        let attributes: Vec<_> =
            split_unescaped(text)?.into_iter().map(parse_attribute).collect::<Result<_, _>>()?;
        Self::new(attributes)
    }

    /// The attributes in their order.
    pub fn attributes(&self) -> impl Iterator<Item = (SubjectAttribute, &str)> {
        self.0.iter().map(|(attribute, value)| (*attribute, value.as_str()))
    }

    /// The value of `CN`, if there is one.
    pub fn common_name(&self) -> Option<&str> {
        self.attributes()
            .find(|(attribute, _)| *attribute == SubjectAttribute::CommonName)
            .map(|(_, value)| value)
    }

    /// The X.501 `Name`, one attribute in each relative name.
    pub(crate) fn to_name(&self) -> der::Result<Name> {
        let mut sequence = RdnSequence::default();
        for (attribute, value) in &self.0 {
            let Some(rule) = attribute.rule() else {
                continue;
            };
            let value = Any::new(rule.tag, value.as_bytes())?;
            let mut set = SetOfVec::new();
            set.insert(AttributeTypeAndValue { oid: rule.oid, value })?;
            sequence.push(RelativeDistinguishedName::from(set));
        }
        // `Name` has no public constructor; its encoding is that of the sequence.
        Name::from_der(&sequence.to_der()?)
    }

    /// The same subject with another common name, which must already fit the rules.
    pub(crate) fn with_common_name(&self, name: &str) -> Self {
        let mut changed = self.clone();
        for (attribute, value) in &mut changed.0 {
            if *attribute == SubjectAttribute::CommonName {
                name.clone_into(value);
            }
        }
        changed
    }
}

impl FromStr for Subject {
    type Err = SubjectError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

impl TryFrom<String> for Subject {
    type Error = SubjectError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text)
    }
}

impl From<Subject> for String {
    fn from(subject: Subject) -> Self {
        subject.to_string()
    }
}

/// Writes the text form; [`Subject::parse`] reads it back unchanged.
impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (attribute, value)) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str(",")?;
            }
            write!(f, "{attribute}=")?;
            let last = value.chars().count().saturating_sub(1);
            for (position, letter) in value.chars().enumerate() {
                let at_an_end = position == 0 || position == last;
                match letter {
                    ',' | '+' | '"' | '\\' | '<' | '>' | ';' => write!(f, "\\{letter}")?,
                    '#' if position == 0 => f.write_str("\\#")?,
                    ' ' if at_an_end => f.write_str("\\ ")?,
                    // Other white space at an end would be trimmed on reading.
                    _ if at_an_end && letter.is_whitespace() => {
                        let mut octets = [0; 4];
                        for octet in letter.encode_utf8(&mut octets).bytes() {
                            write!(f, "\\{octet:02X}")?;
                        }
                    }
                    _ => write!(f, "{letter}")?,
                }
            }
        }
        Ok(())
    }
}

/// Splits at commas that are not escaped.
fn split_unescaped(text: &str) -> Result<Vec<&str>, SubjectError> {
    let mut parts = Vec::new();
    let mut rest = text;
    let mut escaped = false;
    let mut scan = rest.char_indices();
    while let Some((index, letter)) = scan.next() {
        match letter {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            ',' => {
                let Some((part, after)) = rest.split_at_checked(index) else {
                    break;
                };
                parts.push(part);
                rest = after.strip_prefix(',').unwrap_or(after);
                scan = rest.char_indices();
            }
            _ => {}
        }
    }
    if escaped {
        return Err(SubjectError::Escape);
    }
    parts.push(rest);
    Ok(parts)
}

fn parse_attribute(part: &str) -> Result<(SubjectAttribute, String), SubjectError> {
    let (name, value) =
        part.split_once('=').ok_or_else(|| SubjectError::NoEqualsSign { part: excerpt(part) })?;
    let attribute = SubjectAttribute::named(name.trim())
        .ok_or_else(|| SubjectError::UnknownAttribute { name: excerpt(name.trim()) })?;
    let value = unescape(value).map_err(|problem| {
        problem
            .map_or(SubjectError::Escape, |problem| SubjectError::Attribute { attribute, problem })
    })?;
    Ok((attribute, value))
}

/// Undoes RFC 4514 §2.4; white space at the ends goes unless it is escaped.
fn unescape(value: &str) -> Result<String, Option<AttributeProblem>> {
    let value = value.trim_start();
    if value.starts_with('#') {
        return Err(Some(AttributeProblem::HexForm));
    }
    let mut octets = Vec::with_capacity(value.len());
    let mut kept = 0;
    let mut letters = value.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '\\' => {
                let next = letters.next().ok_or(None)?;
                match next {
                    ' ' | '"' | '#' | '+' | ',' | ';' | '<' | '=' | '>' | '\\' => {
                        octets.push(u8::try_from(next).map_err(|_| None)?);
                    }
                    _ => {
                        let high = next.to_digit(16).ok_or(None)?;
                        let low = letters.next().and_then(|low| low.to_digit(16)).ok_or(None)?;
                        octets.push(u8::try_from(high * 16 + low).map_err(|_| None)?);
                    }
                }
                kept = octets.len();
            }
            '+' => return Err(Some(AttributeProblem::SeveralInOneName)),
            '"' | '<' | '>' | ';' => return Err(Some(AttributeProblem::Unescaped(letter))),
            _ => {
                let mut buffer = [0; 4];
                octets.extend_from_slice(letter.encode_utf8(&mut buffer).as_bytes());
                if !letter.is_whitespace() {
                    kept = octets.len();
                }
            }
        }
    }
    octets.truncate(kept);
    String::from_utf8(octets).map_err(|_| None)
}

/// At most 40 characters of outside text, control characters replaced, fit for a message.
fn excerpt(text: &str) -> String {
    text.chars().take(40).map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

/// The text is not a subject name that a certificate can be requested for.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SubjectError {
    /// There is no attribute in it.
    Empty,
    /// It is written as `/C=JP/O=…`.
    SlashForm,
    /// A part has no `=`.
    NoEqualsSign {
        /// The part, shortened.
        part: String,
    },
    /// The attribute type is not one this library writes.
    UnknownAttribute {
        /// The type as written, shortened.
        name: String,
    },
    /// A `\` is followed by something that is no escape, or the octets are not UTF-8.
    Escape,
    /// The value of one attribute is not acceptable.
    Attribute {
        /// Which attribute.
        attribute: SubjectAttribute,
        /// What is wrong with its value.
        problem: AttributeProblem,
    },
}

impl fmt::Display for SubjectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the subject name cannot be used: ")?;
        match self {
            Self::Empty => f.write_str("it is empty; leave it out or give attributes such as C=JP"),
            Self::SlashForm => f.write_str(
                "it begins with `/`; separate the attributes by commas, as in C=JP,O=Example",
            ),
            Self::NoEqualsSign { part } => write!(
                f,
                "{part:?} has no `=`; write TYPE=VALUE, and `\\,` for a comma inside a value"
            ),
            Self::UnknownAttribute { name } => {
                write!(f, "{name:?} is not a known attribute type; known are ")?;
                for (index, rule) in RULES.iter().enumerate() {
                    write!(f, "{}{}", if index > 0 { ", " } else { "" }, rule.attribute)?;
                }
                Ok(())
            }
            Self::Escape => f.write_str(
                "a `\\` must be followed by one of , + \" \\ < > ; = # space, or by the two \
                 hexadecimal digits of each octet of UTF-8",
            ),
            Self::Attribute { attribute, problem } => write!(f, "{attribute} {problem}"),
        }
    }
}

impl core::error::Error for SubjectError {}

#[cfg(test)]
mod tests;
