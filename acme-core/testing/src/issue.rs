//! The X.509 side: roots, intermediate, leaf certificates (RFC 5280).

use core::fmt;
use core::time::Duration;

use acmekit_core::time::Timestamp;
use acmekit_core::types::identifier::Identifier;
use der::asn1::{Ia5String, ObjectIdentifier, OctetString};
use der::pem::LineEnding;
use der::{DateTime, Encode, EncodePem};
use p256::ecdsa::{DerSignature, SigningKey};
use sha2::{Digest, Sha256};
use x509_cert::Certificate;
use x509_cert::builder::profile::BuilderProfile;
use x509_cert::builder::{Builder, CertificateBuilder};
use x509_cert::certificate::TbsCertificate;
use x509_cert::ext::pkix::name::GeneralName;
use x509_cert::ext::pkix::{
    AuthorityKeyIdentifier, BasicConstraints, ExtendedKeyUsage, KeyUsage, KeyUsages,
    SubjectAltName, SubjectKeyIdentifier,
};
use x509_cert::ext::{Criticality, Extension, ToExtension};
use x509_cert::name::Name;
use x509_cert::serial_number::SerialNumber;
use x509_cert::spki::{SubjectPublicKeyInfoOwned, SubjectPublicKeyInfoRef};
use x509_cert::time::{Time, Validity};

use crate::entropy::SeededEntropy;

const SERVER_AUTH: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.1");

/// The roots must suit any virtual clock: from 1970 to the end of 2099.
const CA_NOT_AFTER: i64 = 4_102_444_799;

type BuildError = x509_cert::builder::Error;

/// One CA: a key, its name and its certificate.
struct Issuer {
    key: SigningKey,
    name: Name,
    certificate: Certificate,
}

/// The keys and certificates that a testing CA issues from.
pub(crate) struct Authority {
    root: Issuer,
    alternates: Vec<Issuer>,
    intermediate: Issuer,
    /// The intermediate's name and key under each of the alternate roots.
    crossed: Vec<Certificate>,
    serials: SeededEntropy,
}

/// Says nothing about the keys.
impl fmt::Debug for Authority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authority").finish_non_exhaustive()
    }
}

/// What a leaf certificate is made of.
pub(crate) struct LeafRequest<'a> {
    pub(crate) public_key: SubjectPublicKeyInfoOwned,
    pub(crate) subject: Name,
    pub(crate) identifiers: &'a [Identifier],
    pub(crate) not_before: Timestamp,
    pub(crate) not_after: Timestamp,
}

impl Authority {
    pub(crate) fn new(seed: u64, alternate_roots: usize) -> Result<Self, BuildError> {
        let mut entropy = SeededEntropy::labelled(seed, "keys");
        let mark = u32::from_be_bytes(entropy.bytes());
        let name = |role: &str| -> Result<Name, BuildError> {
            Ok(format!("CN=Testing {role} {mark:08x},O=acmekit testing CA").parse()?)
        };
        let root = Issuer::root(&mut entropy, name("Root")?)?;
        let key = draw_key(&mut entropy);
        let intermediate_name = name("Intermediate")?;
        let certificate =
            root.certify_ca(&mut entropy, &key, intermediate_name.clone(), Some(0))?;
        let intermediate = Issuer { key, name: intermediate_name, certificate };
        let (mut alternates, mut crossed) = (Vec::new(), Vec::new());
        for number in 1..=alternate_roots {
            let root = Issuer::root(&mut entropy, name(&format!("Alternate Root {number}"))?)?;
            let subject = intermediate.name.clone();
            crossed.push(root.certify_ca(&mut entropy, &intermediate.key, subject, Some(0))?);
            alternates.push(root);
        }
        let serials = SeededEntropy::labelled(seed, "serials");
        Ok(Self { root, alternates, intermediate, crossed, serials })
    }

    pub(crate) fn root_pem(&self) -> String {
        pem(&self.root.certificate)
    }

    pub(crate) fn alternate_root_pem(&self, index: usize) -> Option<String> {
        self.alternates.get(index).map(|root| pem(&root.certificate))
    }

    pub(crate) fn intermediate_pem(&self) -> String {
        pem(&self.intermediate.certificate)
    }

    pub(crate) fn chain_count(&self) -> usize {
        1 + self.crossed.len()
    }

    /// The chain at `index`, the default first: the leaf and the intermediate, not the root.
    pub(crate) fn chain_pem(&self, leaf: &Certificate, index: usize) -> Option<String> {
        let intermediate = match index.checked_sub(1) {
            None => &self.intermediate.certificate,
            Some(index) => self.crossed.get(index)?,
        };
        Some(format!("{}{}", pem(leaf), pem(intermediate)))
    }

    pub(crate) fn issue(&mut self, leaf: LeafRequest<'_>) -> Result<Certificate, BuildError> {
        self.intermediate.certify_leaf(&mut self.serials, leaf)
    }
}

impl Issuer {
    fn root(entropy: &mut SeededEntropy, name: Name) -> Result<Self, BuildError> {
        let key = draw_key(entropy);
        let public_key = spki(&key)?;
        let extensions = ca_extensions(&public_key, &public_key, None)?;
        let template = Template { issuer: name.clone(), subject: name.clone(), extensions };
        let validity = validity(Timestamp::UNIX_EPOCH, Timestamp::from_unix_seconds(CA_NOT_AFTER))?;
        let builder = CertificateBuilder::new(template, serial(entropy)?, validity, public_key)?;
        let certificate = builder.build::<_, DerSignature>(&key)?;
        Ok(Self { key, name, certificate })
    }

    fn certify_ca(
        &self,
        entropy: &mut SeededEntropy,
        key: &SigningKey,
        subject: Name,
        path_length: Option<u8>,
    ) -> Result<Certificate, BuildError> {
        let public_key = spki(key)?;
        let extensions = ca_extensions(&public_key, &spki(&self.key)?, path_length)?;
        let template = Template { issuer: self.name.clone(), subject, extensions };
        let validity = validity(Timestamp::UNIX_EPOCH, Timestamp::from_unix_seconds(CA_NOT_AFTER))?;
        CertificateBuilder::new(template, serial(entropy)?, validity, public_key)?
            .build::<_, DerSignature>(&self.key)
    }

    fn certify_leaf(
        &self,
        entropy: &mut SeededEntropy,
        leaf: LeafRequest<'_>,
    ) -> Result<Certificate, BuildError> {
        let names = leaf.identifiers.iter().map(general_name).collect::<Result<Vec<_>, _>>()?;
        let mut extensions = key_identifiers(&leaf.public_key, &spki(&self.key)?)?;
        let usage = KeyUsage(KeyUsages::DigitalSignature.into());
        extensions.push(extension(&usage, true)?);
        extensions.push(extension(&ExtendedKeyUsage(vec![SERVER_AUTH]), false)?);
        let constraints = BasicConstraints { ca: false, path_len_constraint: None };
        extensions.push(extension(&constraints, true)?);
        // RFC 5280 §4.2.1.6: critical when there is nothing else to name the subject.
        extensions.push(extension(&SubjectAltName(names), leaf.subject.is_empty())?);
        let template = Template { issuer: self.name.clone(), subject: leaf.subject, extensions };
        let validity = validity(leaf.not_before, leaf.not_after)?;
        CertificateBuilder::new(template, serial(entropy)?, validity, leaf.public_key)?
            .build::<_, DerSignature>(&self.key)
    }
}

/// A root and a certificate for the server's own TLS, apart from the CA's chains.
#[cfg(feature = "server")]
pub(crate) struct TlsIdentity {
    pub(crate) root_pem: String,
    pub(crate) certificate: Vec<u8>,
    /// PKCS #8.
    pub(crate) key: zeroize::Zeroizing<Vec<u8>>,
}

#[cfg(feature = "server")]
impl TlsIdentity {
    pub(crate) fn new(
        seed: u64,
        now: Timestamp,
        identifiers: &[Identifier],
    ) -> Result<Self, BuildError> {
        use p256::pkcs8::EncodePrivateKey;

        const DAY: Duration = Duration::from_secs(86_400);
        let mut entropy = SeededEntropy::labelled(seed, "tls");
        let root = Issuer::root(&mut entropy, "CN=acmekit testing TLS root".parse()?)?;
        let key = draw_key(&mut entropy);
        let document = p256::SecretKey::from(key.as_nonzero_scalar());
        let document = document.to_pkcs8_der().map_err(x509_cert::spki::Error::from);
        let leaf = LeafRequest {
            public_key: spki(&key)?,
            subject: Name::default(),
            identifiers,
            not_before: now.saturating_sub(DAY),
            not_after: now.saturating_add(365 * DAY),
        };
        Ok(Self {
            root_pem: pem(&root.certificate),
            certificate: root.certify_leaf(&mut entropy, leaf)?.to_der()?,
            key: document?.to_bytes(),
        })
    }
}

/// A profile that adds exactly the extensions it is given.
struct Template {
    issuer: Name,
    subject: Name,
    extensions: Vec<Extension>,
}

impl BuilderProfile for Template {
    fn get_issuer(&self, _subject: &Name) -> Name {
        self.issuer.clone()
    }

    fn get_subject(&self) -> Name {
        self.subject.clone()
    }

    fn build_extensions(
        &self,
        _key: SubjectPublicKeyInfoRef<'_>,
        _issuer_key: SubjectPublicKeyInfoRef<'_>,
        _certificate: &TbsCertificate,
    ) -> Result<Vec<Extension>, BuildError> {
        Ok(self.extensions.clone())
    }
}

fn ca_extensions(
    key: &SubjectPublicKeyInfoOwned,
    issuer_key: &SubjectPublicKeyInfoOwned,
    path_length: Option<u8>,
) -> Result<Vec<Extension>, BuildError> {
    let mut extensions = key_identifiers(key, issuer_key)?;
    let constraints = BasicConstraints { ca: true, path_len_constraint: path_length };
    extensions.push(extension(&constraints, true)?);
    let usage = KeyUsage(KeyUsages::KeyCertSign | KeyUsages::CRLSign);
    extensions.push(extension(&usage, true)?);
    Ok(extensions)
}

fn key_identifiers(
    key: &SubjectPublicKeyInfoOwned,
    issuer_key: &SubjectPublicKeyInfoOwned,
) -> Result<Vec<Extension>, BuildError> {
    let own = SubjectKeyIdentifier(key_identifier(key)?);
    let issuer = AuthorityKeyIdentifier {
        key_identifier: Some(key_identifier(issuer_key)?),
        ..AuthorityKeyIdentifier::default()
    };
    Ok(vec![extension(&own, false)?, extension(&issuer, false)?])
}

/// The leftmost 160 bits of SHA-256 over the public key (RFC 7093 §2, method 1).
fn key_identifier(key: &SubjectPublicKeyInfoOwned) -> der::Result<OctetString> {
    let digest = Sha256::digest(key.subject_public_key.raw_bytes());
    OctetString::new(digest.get(..20).unwrap_or(&digest))
}

fn extension<E>(value: &E, is_critical: bool) -> Result<Extension, BuildError>
where
    E: Criticality + der::oid::AssociatedOid + Encode,
{
    Ok((is_critical, value).to_extension(&Name::default(), &[])?)
}

pub(crate) fn general_name(identifier: &Identifier) -> der::Result<GeneralName> {
    match identifier.as_ip() {
        Some(address) => Ok(address.into()),
        None => Ok(GeneralName::DnsName(Ia5String::new(&identifier.value())?)),
    }
}

fn validity(not_before: Timestamp, not_after: Timestamp) -> Result<Validity, BuildError> {
    Ok(Validity::new(x509_time(not_before)?, x509_time(not_after)?))
}

fn x509_time(time: Timestamp) -> Result<Time, BuildError> {
    let seconds = u64::try_from(time.unix_seconds()).unwrap_or(0);
    Ok(DateTime::from_unix_duration(Duration::from_secs(seconds))?.into())
}

/// 18 octets: one that keeps the number positive and of fixed length, and 17 of entropy.
fn serial(entropy: &mut SeededEntropy) -> Result<SerialNumber, BuildError> {
    let mut bytes: [u8; 18] = entropy.bytes();
    bytes[0] = 0x5a;
    Ok(SerialNumber::new(&bytes)?)
}

fn draw_key(entropy: &mut SeededEntropy) -> SigningKey {
    loop {
        // Fails only for zero and for numbers past the order of the curve: one in 2^32.
        if let Ok(key) = SigningKey::from_slice(&entropy.bytes::<32>()) {
            return key;
        }
    }
}

/// A key that nobody holds.
pub(crate) fn stray_key(
    entropy: &mut SeededEntropy,
) -> Result<SubjectPublicKeyInfoOwned, BuildError> {
    spki(&draw_key(entropy))
}

fn spki(key: &SigningKey) -> Result<SubjectPublicKeyInfoOwned, BuildError> {
    Ok(SubjectPublicKeyInfoOwned::from_key(key.verifying_key())?)
}

/// One PEM block with LF and a line end, so that chains have no blank lines (erratum 5983).
pub(crate) fn pem(certificate: &Certificate) -> String {
    certificate.to_pem(LineEnding::LF).unwrap_or_default()
}
