//! The attributes of subject names and what X.520 allows in them.

use core::fmt;

use der::Tag;
use der::asn1::ObjectIdentifier;

/// The kinds of attribute that can stand in a [`super::Subject`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SubjectAttribute {
    /// `C`, two letters.
    Country,
    /// `ST`, the state, province or prefecture.
    StateOrProvince,
    /// `L`, the city.
    Locality,
    /// `STREET`.
    Street,
    /// `postalCode`.
    PostalCode,
    /// `O`.
    Organization,
    /// `OU`. Public certificate authorities no longer accept it.
    OrganizationalUnit,
    /// `CN`.
    CommonName,
    /// `serialNumber`, the registration number of an organisation.
    SerialNumber,
    /// `DC`, one label of a directory's domain.
    DomainComponent,
    /// `emailAddress`.
    EmailAddress,
}

/// What X.520 and RFC 5280 appendix A say about one kind of attribute.
pub(super) struct Rule {
    pub(super) attribute: SubjectAttribute,
    /// As written by this library; the others are read too. Letters' case does not matter.
    names: &'static [&'static str],
    pub(super) oid: ObjectIdentifier,
    pub(super) tag: Tag,
    max_characters: usize,
    pub(super) may_repeat: bool,
}

const fn rule(
    attribute: SubjectAttribute,
    names: &'static [&'static str],
    oid: &str,
    tag: Tag,
    max_characters: usize,
) -> Rule {
    let may_repeat = matches!(
        attribute,
        SubjectAttribute::OrganizationalUnit
            | SubjectAttribute::DomainComponent
            | SubjectAttribute::Street
    );
    let oid = ObjectIdentifier::new_unwrap(oid);
    Rule { attribute, names, oid, tag, max_characters, may_repeat }
}

pub(super) static RULES: [Rule; 11] = {
    use SubjectAttribute as A;
    [
        rule(A::Country, &["C", "countryName"], "2.5.4.6", Tag::PrintableString, 2),
        rule(
            A::StateOrProvince,
            &["ST", "S", "stateOrProvinceName"],
            "2.5.4.8",
            Tag::Utf8String,
            128,
        ),
        rule(A::Locality, &["L", "localityName"], "2.5.4.7", Tag::Utf8String, 128),
        rule(A::Street, &["STREET", "streetAddress"], "2.5.4.9", Tag::Utf8String, 128),
        rule(A::PostalCode, &["postalCode"], "2.5.4.17", Tag::Utf8String, 40),
        rule(A::Organization, &["O", "organizationName"], "2.5.4.10", Tag::Utf8String, 64),
        rule(
            A::OrganizationalUnit,
            &["OU", "organizationalUnitName"],
            "2.5.4.11",
            Tag::Utf8String,
            64,
        ),
        rule(A::CommonName, &["CN", "commonName"], "2.5.4.3", Tag::Utf8String, 64),
        rule(A::SerialNumber, &["serialNumber"], "2.5.4.5", Tag::PrintableString, 64),
        rule(
            A::DomainComponent,
            &["DC", "domainComponent"],
            "0.9.2342.19200300.100.1.25",
            Tag::Ia5String,
            63,
        ),
        rule(A::EmailAddress, &["emailAddress", "E"], "1.2.840.113549.1.9.1", Tag::Ia5String, 255),
    ]
};

impl SubjectAttribute {
    pub(super) fn rule(self) -> Option<&'static Rule> {
        RULES.iter().find(|rule| rule.attribute == self)
    }

    pub(super) fn named(name: &str) -> Option<Self> {
        RULES
            .iter()
            .find(|rule| rule.names.iter().any(|known| known.eq_ignore_ascii_case(name)))
            .map(|rule| rule.attribute)
    }
}

/// Writes the short name, such as `ST`.
impl fmt::Display for SubjectAttribute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.rule().and_then(|rule| rule.names.first()).copied().unwrap_or("?"))
    }
}

/// Checks a value against the rule of its attribute.
pub(super) fn check_value(rule: &Rule, value: &str) -> Result<(), AttributeProblem> {
    if value.is_empty() {
        return Err(AttributeProblem::Empty);
    }
    if value.chars().any(char::is_control) {
        return Err(AttributeProblem::ControlCharacter);
    }
    if value.chars().count() > rule.max_characters {
        return Err(match rule.attribute {
            SubjectAttribute::Country => AttributeProblem::NotACountryCode,
            _ => AttributeProblem::TooLong { max: rule.max_characters },
        });
    }
    if rule.attribute == SubjectAttribute::Country
        && !(value.len() == 2 && value.bytes().all(|letter| letter.is_ascii_uppercase()))
    {
        return Err(AttributeProblem::NotACountryCode);
    }
    let fits = match rule.tag {
        Tag::PrintableString => value
            .bytes()
            .all(|letter| letter.is_ascii_alphanumeric() || b" '()+,-./:=?".contains(&letter)),
        Tag::Ia5String => value.is_ascii(),
        _ => true,
    };
    if fits { Ok(()) } else { Err(AttributeProblem::Letters) }
}

/// What is wrong with the value of an attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AttributeProblem {
    /// The attribute is not in this library's table.
    Unknown,
    /// The value is empty.
    Empty,
    /// The value is longer than X.520 allows.
    TooLong {
        /// The largest number of characters.
        max: usize,
    },
    /// `C` is not two upper-case letters.
    NotACountryCode,
    /// The value has letters that the string type of this attribute has not.
    Letters,
    /// The value has a control character.
    ControlCharacter,
    /// The attribute stands there twice.
    Repeated,
    /// The value is written as `#` and hexadecimal DER.
    HexForm,
    /// Two attributes are joined by `+`.
    SeveralInOneName,
    /// A character that has to be escaped is not.
    Unescaped(char),
}

impl fmt::Display for AttributeProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown => f.write_str("is not a known attribute"),
            Self::Empty => f.write_str("has no value; leave it out"),
            Self::TooLong { max } => write!(f, "is longer than {max} characters"),
            Self::NotACountryCode => {
                f.write_str("must be the two upper-case letters of a country, such as JP")
            }
            Self::Letters => f.write_str("has letters that are not allowed in this attribute"),
            Self::ControlCharacter => f.write_str("has a control character"),
            Self::Repeated => f.write_str("is given twice"),
            Self::HexForm => f.write_str("is in the `#` hexadecimal form; write the text itself"),
            Self::SeveralInOneName => f.write_str(
                "is joined to another attribute by `+`; write `,`, or `\\+` for a plus sign",
            ),
            Self::Unescaped(letter) => {
                write!(f, "has a `{letter}` that must be written `\\{letter}`")
            }
        }
    }
}
