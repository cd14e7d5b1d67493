//! What a certification request must be made of, beyond its names: the kind of key, the subject.

/// A kind of certificate key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum CertificateKey {
    /// ECDSA on P-256.
    P256,
    /// ECDSA on P-384.
    P384,
    /// Ed25519.
    Ed25519,
    /// RSA with a modulus of exactly 2048 bits.
    Rsa2048,
    /// RSA with a modulus of exactly 3072 bits.
    Rsa3072,
    /// RSA with a modulus of exactly 4096 bits.
    Rsa4096,
}

impl CertificateKey {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::P256 => "P-256",
            Self::P384 => "P-384",
            Self::Ed25519 => "Ed25519",
            Self::Rsa2048 => "RSA 2048",
            Self::Rsa3072 => "RSA 3072",
            Self::Rsa4096 => "RSA 4096",
        }
    }
}

/// An attribute of a subject (X.520).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum SubjectAttribute {
    /// `CN`.
    CommonName,
    /// `O`.
    Organization,
    /// `OU`.
    OrganizationalUnit,
    /// `L`.
    Locality,
    /// `ST`.
    State,
    /// `C`.
    Country,
    /// `emailAddress`, in PKCS #9.
    EmailAddress,
}

impl SubjectAttribute {
    pub(crate) const ALL: [Self; 7] = [
        Self::CommonName,
        Self::Organization,
        Self::OrganizationalUnit,
        Self::Locality,
        Self::State,
        Self::Country,
        Self::EmailAddress,
    ];

    /// The short name, such as `CN`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::CommonName => "CN",
            Self::Organization => "O",
            Self::OrganizationalUnit => "OU",
            Self::Locality => "L",
            Self::State => "ST",
            Self::Country => "C",
            Self::EmailAddress => "emailAddress",
        }
    }
}

/// What the subject of a certification request must be.
///
/// ```
/// use acmekit_testing::SubjectAttribute::{CommonName, Country, Organization, OrganizationalUnit};
/// use acmekit_testing::{Config, SubjectRule};
///
/// let rule = SubjectRule::exactly([(Country, "JP"), (Organization, "Example"), (CommonName, "%s")])
///     .without(OrganizationalUnit);
/// let config = Config::default().with_subject_rule(rule);
/// # let _ = config;
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SubjectRule {
    pub(crate) form: Option<Vec<(SubjectAttribute, String)>>,
    pub(crate) forbidden: Vec<SubjectAttribute>,
    pub(crate) common_name_first: bool,
}

impl SubjectRule {
    /// Any subject, none included.
    pub fn any() -> Self {
        Self::default()
    }

    /// Exactly these attributes with these values, in the order of the encoding, each in a relative
    /// name of its own. `%s` is the first identifier of the order. The string type does not matter.
    pub fn exactly(form: impl IntoIterator<Item = (SubjectAttribute, impl Into<String>)>) -> Self {
        let form = form.into_iter().map(|(attribute, value)| (attribute, value.into())).collect();
        Self { form: Some(form), ..Self::default() }
    }

    /// Takes no such attribute.
    #[must_use]
    pub fn without(mut self, attribute: SubjectAttribute) -> Self {
        self.forbidden.push(attribute);
        self
    }

    /// Wants a subject that is not empty to have a common name, which is the first identifier of
    /// the order.
    #[must_use]
    pub const fn common_name_first(mut self) -> Self {
        self.common_name_first = true;
        self
    }
}
