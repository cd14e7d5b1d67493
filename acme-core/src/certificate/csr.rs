//! Building a certificate request that is signed wherever the key lives (RFC 2986, RFC 8555 §7.4).

use core::fmt;

use der::asn1::{Any, ObjectIdentifier, OctetString, SetOfVec, UintRef};
use der::{Decode, Encode, Sequence};
use serde::{Deserialize, Serialize};
use x509_cert::attr::Attribute;
use x509_cert::ext::Extension;
use x509_cert::ext::pkix::name::GeneralName;
use x509_cert::name::Name;
use x509_cert::request::CertReqInfo;
use x509_cert::spki::SubjectPublicKeyInfoOwned;

use super::asn1::{EXTENSION_REQUEST, TLS_FEATURE};
use super::device_name::{DeviceName, HARDWARE_MODULE_TYPE, PERMANENT_IDENTIFIER_TYPE};
use super::request::{CertificateRequest, base64url};
use super::subject::Subject;
use super::tbs::{alternative_names, assemble, general_names};
use crate::crypto::{self, PrivateKey, SignError, SignatureCheck, SignatureScheme};
use crate::entropy::Entropy;
use crate::types::identifier::Identifier;

/// What a certificate is requested for.
///
/// ```
/// use acmekit_core::certificate::CertificateRequestParameters;
///
/// let mut wanted = CertificateRequestParameters::new(["example.org".parse()?]);
/// wanted.subject = Some("C=JP,O=Example University,CN=example.org".parse()?);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct CertificateRequestParameters {
    /// The names of the order, all of them: they become the subject alternative name extension.
    pub identifiers: Vec<Identifier>,
    /// The subject, where the certificate authority asks for one. The default is none, as public
    /// authorities for domain validation put it in themselves or leave it out.
    ///
    /// A common name in it must be one of the DNS names in `identifiers`; it is written in lower
    /// case as they are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<Subject>,
    /// Whether to ask for a certificate that is valid only with a stapled OCSP answer (RFC 7633).
    /// Many authorities refuse this; off by default.
    #[serde(default)]
    pub must_staple: bool,
    /// Names of the device that the certificate is for, as `otherName`s. Identifiers of the types
    /// `permanent-identifier` and `hardware-module` are left out of the request otherwise, which
    /// is allowed (draft-ietf-acme-device-attest).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub device_names: Vec<DeviceName>,
}

impl CertificateRequestParameters {
    /// Asks for these names, without a subject.
    pub fn new(identifiers: impl IntoIterator<Item = Identifier>) -> Self {
        Self { identifiers: identifiers.into_iter().collect(), ..Self::default() }
    }

    /// Checks the names and the subject against each other and gives the subject to encode.
    fn checked_subject(&self) -> Result<Option<Subject>, CertificateRequestError> {
        if self.identifiers.is_empty() {
            return Err(CertificateRequestError::NoIdentifiers);
        }
        for identifier in &self.identifiers {
            let is_device =
                matches!(identifier.kind(), PERMANENT_IDENTIFIER_TYPE | HARDWARE_MODULE_TYPE);
            if identifier.as_dns().is_none() && identifier.as_ip().is_none() && !is_device {
                return Err(CertificateRequestError::UnsupportedIdentifier(identifier.clone()));
            }
        }
        let Some(subject) = &self.subject else {
            return Ok(None);
        };
        let Some(common_name) = subject.common_name() else {
            return Ok(Some(subject.clone()));
        };
        if common_name.parse::<core::net::IpAddr>().is_ok() {
            return Err(CertificateRequestError::CommonNameIsAddress);
        }
        match Identifier::dns(common_name) {
            Ok(name) if self.identifiers.contains(&name) => {
                Ok(Some(subject.with_common_name(&name.value())))
            }
            _ => Err(CertificateRequestError::CommonNameNotRequested {
                common_name: common_name.to_owned(),
            }),
        }
    }
}

/// A certificate request that still lacks its signature.
///
/// It can be saved while the key's keeper (HSM, KMS, a phone's key store, a person) signs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnsignedCertificateRequest {
    #[serde(with = "base64url")]
    to_be_signed: Vec<u8>,
    scheme: SignatureScheme,
}

impl UnsignedCertificateRequest {
    /// Builds the request for a key given as DER `SubjectPublicKeyInfo`.
    ///
    /// # Errors
    /// [`CertificateRequestError`] if there is no name, a name that certificates have no field
    /// for, a common name that is not among the names, or a key that does not go with `scheme`.
    pub fn new(
        parameters: &CertificateRequestParameters,
        public_key_der: &[u8],
        scheme: SignatureScheme,
    ) -> Result<Self, CertificateRequestError> {
        let subject = parameters.checked_subject()?;
        let algorithm = scheme.algorithm_oid();
        if SignatureScheme::from_algorithm_oid(algorithm, public_key_der) != Some(scheme) {
            return Err(CertificateRequestError::PublicKey);
        }
        let devices = parameters.device_names.iter().map(DeviceName::general_name);
        let devices = devices.collect::<Result<Vec<_>, _>>()?;
        let to_be_signed = encode(parameters, subject.as_ref(), devices, public_key_der)
            .map_err(CertificateRequestError::Encoding)?;
        Ok(Self { to_be_signed, scheme })
    }

    /// Builds a request that proves possession of a key: no subject and no names, but attributes
    /// of one OCTET STRING each.
    pub(crate) fn with_attributes(
        attributes: &[(ObjectIdentifier, &[u8])],
        public_key_der: &[u8],
        scheme: SignatureScheme,
    ) -> Result<Self, CertificateRequestError> {
        let encode = || {
            let mut set = SetOfVec::new();
            for (oid, octets) in attributes {
                let mut values = SetOfVec::new();
                values.insert(Any::encode_from(&OctetString::new(*octets)?)?)?;
                set.insert(Attribute { oid: *oid, values })?;
            }
            CertReqInfo {
                version: x509_cert::request::Version::V1,
                subject: Name::default(),
                public_key: SubjectPublicKeyInfoOwned::from_der(public_key_der)?,
                attributes: set,
            }
            .to_der()
        };
        let to_be_signed = encode().map_err(CertificateRequestError::Encoding)?;
        Ok(Self { to_be_signed, scheme })
    }

    /// The bytes to sign: the DER of `CertificationRequestInfo`.
    pub fn to_be_signed(&self) -> &[u8] {
        &self.to_be_signed
    }

    /// The key as DER `SubjectPublicKeyInfo`; empty if what a checkpoint gave is no request.
    pub fn public_key_der(&self) -> Vec<u8> {
        use der::{Decode as _, Encode as _};
        CertReqInfo::from_der(&self.to_be_signed)
            .and_then(|info| info.public_key.to_der())
            .unwrap_or_default()
    }

    /// How they are to be signed.
    pub const fn signature_scheme(&self) -> SignatureScheme {
        self.scheme
    }

    /// Adds the signature, in the form X.509 has for the scheme. An ECDSA signature may also be the
    /// plain `r‖s` that PKCS#11 modules return; it is brought into DER.
    ///
    /// # Errors
    /// [`CertificateRequestError::BadSignature`] if the signature is not one of this key over
    /// these bytes, as far as this build can check the scheme.
    pub fn into_signed(
        self,
        signature: &[u8],
    ) -> Result<CertificateRequest, CertificateRequestError> {
        let der = ecdsa_from_plain(self.scheme, signature)
            .and_then(|converted| {
                let signature = converted.as_deref().unwrap_or(signature);
                assemble(&self.to_be_signed, self.scheme, signature)
            })
            .map_err(CertificateRequestError::Encoding)?;
        CertificateRequest::from_der(&der)
    }
}

impl CertificateRequest {
    /// Builds and signs a request with a key in this process.
    ///
    /// # Errors
    /// As [`UnsignedCertificateRequest::new`], and [`CertificateRequestError::Signing`] if signing
    /// fails.
    pub fn build(
        parameters: &CertificateRequestParameters,
        key: &PrivateKey,
        entropy: &mut dyn Entropy,
    ) -> Result<Self, CertificateRequestError> {
        let unsigned = UnsignedCertificateRequest::new(
            parameters,
            key.public_key_der(),
            key.signature_scheme(),
        )?;
        let signature =
            key.sign(entropy, unsigned.to_be_signed()).map_err(CertificateRequestError::Signing)?;
        unsigned.into_signed(&signature)
    }
}

fn encode(
    parameters: &CertificateRequestParameters,
    subject: Option<&Subject>,
    devices: Vec<GeneralName>,
    public_key_der: &[u8],
) -> der::Result<Vec<u8>> {
    let mut identifiers: Vec<Identifier> = Vec::with_capacity(parameters.identifiers.len());
    for identifier in &parameters.identifiers {
        if !identifiers.contains(identifier) {
            identifiers.push(identifier.clone());
        }
    }
    let mut names = general_names(&identifiers)?;
    names.extend(devices);
    let mut extensions = Vec::new();
    if !names.is_empty() {
        extensions.push(alternative_names(&names)?);
    }
    if parameters.must_staple {
        extensions.push(Extension {
            extn_id: TLS_FEATURE,
            critical: false,
            // SEQUENCE OF INTEGER { 5 }: status_request (RFC 7633 §6, RFC 6066 §8).
            extn_value: OctetString::new([0x30, 0x03, 0x02, 0x01, 0x05])?,
        });
    }
    let mut attributes = SetOfVec::new();
    if !extensions.is_empty() {
        let mut values = SetOfVec::new();
        values.insert(Any::encode_from(&extensions)?)?;
        attributes.insert(Attribute { oid: EXTENSION_REQUEST, values })?;
    }
    CertReqInfo {
        version: x509_cert::request::Version::V1,
        subject: match subject {
            Some(subject) => subject.to_name()?,
            None => Name::default(),
        },
        public_key: SubjectPublicKeyInfoOwned::from_der(public_key_der)?,
        attributes,
    }
    .to_der()
}

/// `ECDSA-Sig-Value` (RFC 5480 appendix A).
#[derive(Sequence)]
struct EcdsaSignature<'a> {
    r: UintRef<'a>,
    s: UintRef<'a>,
}

/// The DER of an ECDSA signature given as `r‖s`; `None` if it is not of that form.
fn ecdsa_from_plain(scheme: SignatureScheme, signature: &[u8]) -> der::Result<Option<Vec<u8>>> {
    let width = match scheme {
        SignatureScheme::EcdsaP256Sha256 | SignatureScheme::EcdsaP256Sha384 => 32,
        SignatureScheme::EcdsaP384Sha256 | SignatureScheme::EcdsaP384Sha384 => 48,
        _ => return Ok(None),
    };
    match signature.split_at_checked(width) {
        // A DER signature with short numbers can have the same length.
        Some((r, s)) if s.len() == width && EcdsaSignature::from_der(signature).is_err() => {
            EcdsaSignature { r: UintRef::new(r)?, s: UintRef::new(s)? }.to_der().map(Some)
        }
        _ => Ok(None),
    }
}

/// Whether `signature` is one of this key over `body`.
pub(super) fn check(
    public_key_der: &[u8],
    algorithm: ObjectIdentifier,
    body: &[u8],
    signature: &[u8],
) -> SignatureCheck {
    match SignatureScheme::from_algorithm_oid(algorithm, public_key_der) {
        Some(scheme) => crypto::verify(public_key_der, scheme, body, signature),
        None => SignatureCheck::Unsupported,
    }
}

/// A certificate request cannot be made or read.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CertificateRequestError {
    /// No name is asked for.
    NoIdentifiers,
    /// The identifier is neither a DNS name nor an IP address.
    UnsupportedIdentifier(Identifier),
    /// The subject's common name is not one of the DNS names asked for.
    CommonNameNotRequested {
        /// The common name.
        common_name: String,
    },
    /// The subject's common name is an IP address.
    CommonNameIsAddress,
    /// The public key cannot be read, or does not go with the signature scheme.
    PublicKey,
    /// The name of a device holds a text that is no object identifier.
    ObjectIdentifier {
        /// The text.
        text: String,
    },
    /// Signing failed.
    Signing(SignError),
    /// The signature is not one of this key over this request.
    BadSignature,
    /// The request cannot be put into DER.
    Encoding(der::Error),
    /// The octets are not a PKCS#10 request.
    Malformed(der::Error),
    /// The text is not PEM of a certificate request.
    Pem,
    /// The request is longer than [`super::MAX_REQUEST_LENGTH`].
    TooLong,
    /// The request does not ask for a name of the order.
    MissingName(Identifier),
    /// The request asks for a name that is not in the order.
    ExtraName(Identifier),
}

impl fmt::Display for CertificateRequestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoIdentifiers => f.write_str("a certificate request needs at least one name"),
            Self::UnsupportedIdentifier(identifier) => write!(
                f,
                "{identifier} is neither a DNS name nor an IP address; bring a certificate request \
                 of your own for it"
            ),
            Self::CommonNameNotRequested { common_name } => write!(
                f,
                "the subject's common name {:?} is not one of the DNS names asked for; add it to \
                 the names or take it out of the subject",
                common_name.escape_debug().take(80).collect::<String>()
            ),
            Self::CommonNameIsAddress => f.write_str(
                "the subject's common name is an IP address, which certificate authorities refuse; \
                 take it out of the subject",
            ),
            Self::ObjectIdentifier { text } => write!(
                f,
                "{:?} is no object identifier in dotted decimal, such as 1.3.6.1.4.1.32473",
                text.escape_debug().take(80).collect::<String>()
            ),
            Self::PublicKey => f.write_str(
                "the public key cannot be read as SubjectPublicKeyInfo, or does not go with the \
                 signature scheme",
            ),
            Self::Signing(error) => {
                write!(f, "the certificate request could not be signed: {error}")
            }
            Self::BadSignature => f.write_str(
                "the signature of the certificate request does not verify with its public key",
            ),
            Self::Encoding(error) => {
                write!(f, "the certificate request cannot be encoded: {error}")
            }
            Self::Malformed(error) => {
                write!(f, "this is not the DER of a PKCS#10 certificate request: {error}")
            }
            Self::Pem => {
                f.write_str("this is not PEM with exactly one CERTIFICATE REQUEST block in it")
            }
            Self::TooLong => f.write_str("the certificate request is too long"),
            Self::MissingName(identifier) => {
                write!(f, "the certificate request does not ask for {identifier}, which is ordered")
            }
            Self::ExtraName(identifier) => {
                write!(f, "the certificate request asks for {identifier}, which is not ordered")
            }
        }
    }
}

impl core::error::Error for CertificateRequestError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Signing(error) => Some(error),
            Self::Encoding(error) | Self::Malformed(error) => Some(error),
            _ => None,
        }
    }
}

#[cfg(all(test, feature = "p256"))]
mod tests;
