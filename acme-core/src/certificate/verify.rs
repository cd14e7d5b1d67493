//! Whether the certificate that came back is the one that was asked for (RFC 8555 §9.1).

use core::fmt;
use core::time::Duration;

use super::chain::CertificateChain;
use super::info::Certificate;
use crate::crypto::SignatureCheck;
use crate::time::Timestamp;
use crate::types::identifier::Identifier;

/// What an issued certificate is held against.
#[derive(Clone, Copy, Debug)]
pub struct Expected<'a> {
    /// The key of the certificate request, as DER `SubjectPublicKeyInfo`.
    pub public_key_der: &'a [u8],
    /// The names of the order.
    pub identifiers: &'a [Identifier],
    /// The current time.
    pub now: Timestamp,
    /// How far this clock may be behind the authority's: a validity period that begins this much
    /// later than `now` is accepted.
    pub clock_tolerance: Duration,
}

/// Checks a downloaded chain: the leaf has our key and our names, is within its dates and no
/// certificate authority; each next certificate issued the one before.
///
/// This does not decide about trust: whether the last certificate leads to a root that clients
/// have is not known here. Things that are unusual but do no harm come back as notes.
///
/// # Errors
/// [`CertificateFault`], the first thing found wrong.
pub fn verify_issued(
    chain: &CertificateChain,
    expected: &Expected<'_>,
) -> Result<ChainReport, CertificateFault> {
    let mut notes = Vec::new();
    if chain.has_text_between() {
        notes.push(ChainNote::TextBetween);
    }
    verify_leaf(chain.leaf(), expected, &mut notes)?;
    verify_links(chain.certificates(), expected.now, &mut notes)?;
    if let [leaf] = chain.certificates()
        && !leaf.is_self_issued()
    {
        notes.push(ChainNote::LeafAlone);
    }
    Ok(ChainReport { notes })
}

fn verify_leaf(
    leaf: &Certificate,
    expected: &Expected<'_>,
    notes: &mut Vec<ChainNote>,
) -> Result<(), CertificateFault> {
    if leaf.public_key_der() != expected.public_key_der {
        return Err(CertificateFault::WrongKey);
    }
    for identifier in expected.identifiers {
        if identifier.as_dns().is_none() && identifier.as_ip().is_none() {
            notes.push(ChainNote::UncheckedName(identifier.clone()));
        } else if !leaf.identifiers().contains(identifier) {
            return Err(CertificateFault::MissingName(identifier.clone()));
        }
    }
    let extra = leaf.identifiers().iter().filter(|name| !expected.identifiers.contains(name));
    notes.extend(extra.cloned().map(ChainNote::ExtraName));
    if expected.now > leaf.not_after() {
        return Err(CertificateFault::Expired { not_after: leaf.not_after() });
    }
    if expected.now.saturating_add(expected.clock_tolerance) < leaf.not_before() {
        return Err(CertificateFault::NotYetValid { not_before: leaf.not_before() });
    }
    if leaf.is_certificate_authority() {
        return Err(CertificateFault::LeafIsCa);
    }
    Ok(())
}

fn verify_links(
    certificates: &[Certificate],
    now: Timestamp,
    notes: &mut Vec<ChainNote>,
) -> Result<(), CertificateFault> {
    for (position, certificate) in certificates.iter().enumerate() {
        if certificates.iter().take(position).any(|earlier| earlier == certificate) {
            return Err(CertificateFault::Repeated { position });
        }
        if position > 0 && (now > certificate.not_after() || now < certificate.not_before()) {
            notes.push(ChainNote::IssuerOutOfDate { position });
        }
    }
    for (position, pair) in certificates.windows(2).enumerate() {
        let [issued, issuer] = pair else { continue };
        if !issued.names_as_issuer(issuer) {
            return Err(CertificateFault::BrokenChain { position });
        }
        // Version 1 has no extension to say so; old private roots are of that kind.
        if issuer.is_version_3() && !issuer.is_certificate_authority() {
            return Err(CertificateFault::IssuerIsNotCa { position: position + 1 });
        }
        match issued.check_signature(issuer) {
            SignatureCheck::Valid => {}
            SignatureCheck::Invalid => return Err(CertificateFault::BadSignature { position }),
            SignatureCheck::Unsupported => notes.push(ChainNote::UncheckedSignature { position }),
        }
    }
    Ok(())
}

/// A chain that passed, and what was unusual about it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ChainReport {
    notes: Vec<ChainNote>,
}

impl ChainReport {
    /// What was tolerated or could not be checked.
    pub fn notes(&self) -> &[ChainNote] {
        &self.notes
    }
}

/// Something about an accepted chain that its owner may want to know.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ChainNote {
    /// The certificate covers a name that was not ordered; some authorities add `www.`.
    ExtraName(Identifier),
    /// The identifier is of a type that certificates have no checked field for.
    UncheckedName(Identifier),
    /// The signature of this certificate is of a kind that this build cannot check.
    UncheckedSignature {
        /// Which certificate, the leaf being 0.
        position: usize,
    },
    /// This certificate above the leaf is outside its validity period, as some cross-signed roots
    /// are on purpose.
    IssuerOutOfDate {
        /// Which certificate, the leaf being 0.
        position: usize,
    },
    /// Text stood between the certificates, against RFC 8555 §9.1.
    TextBetween,
    /// The certificate came without that of its authority, which web servers have to send with it
    /// unless the authority is a root itself.
    LeafAlone,
}

impl fmt::Display for ChainNote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ExtraName(name) => {
                write!(f, "the certificate also covers {name}, which was not ordered")
            }
            Self::UncheckedName(name) => {
                write!(f, "whether the certificate covers {name} was not checked")
            }
            Self::UncheckedSignature { position } => write!(
                f,
                "the signature of certificate {position} (the leaf is 0) was not checked: this \
                 build lacks the algorithm"
            ),
            Self::IssuerOutOfDate { position } => {
                write!(f, "certificate {position} (the leaf is 0) is outside its validity period")
            }
            Self::LeafAlone => f.write_str(
                "the certificate came alone; unless a root issued it, clients will miss the \
                 certificate of its authority",
            ),
            Self::TextBetween => {
                f.write_str("the server sent text between the certificates, which was dropped")
            }
        }
    }
}

/// The certificate is not the one that was asked for, or its chain does not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CertificateFault {
    /// The certificate is for another key.
    WrongKey,
    /// The certificate does not cover a name of the order.
    MissingName(Identifier),
    /// The validity period is over.
    Expired {
        /// Its last moment.
        not_after: Timestamp,
    },
    /// The validity period begins later than the clock tolerance allows.
    NotYetValid {
        /// Its first moment.
        not_before: Timestamp,
    },
    /// The first certificate is one of an authority.
    LeafIsCa,
    /// A certificate above the leaf is not one of an authority.
    IssuerIsNotCa {
        /// Which certificate, the leaf being 0.
        position: usize,
    },
    /// The certificate after this one is not its issuer.
    BrokenChain {
        /// Which certificate, the leaf being 0.
        position: usize,
    },
    /// The signature of this certificate does not verify with the key of the next.
    BadSignature {
        /// Which certificate, the leaf being 0.
        position: usize,
    },
    /// This certificate stands in the chain twice.
    Repeated {
        /// Where it stands again, the leaf being 0.
        position: usize,
    },
}

impl CertificateFault {
    /// A short stable name for programs.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::WrongKey => "certificate-wrong-key",
            Self::MissingName(_) => "certificate-name-missing",
            Self::Expired { .. } => "certificate-expired",
            Self::NotYetValid { .. } => "certificate-not-yet-valid",
            Self::LeafIsCa => "certificate-leaf-is-ca",
            Self::IssuerIsNotCa { .. }
            | Self::BrokenChain { .. }
            | Self::BadSignature { .. }
            | Self::Repeated { .. } => "chain-broken",
        }
    }
}

impl fmt::Display for CertificateFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::WrongKey => f.write_str(
                "the certificate authority sent a certificate for another key than the one \
                 requested; do not install it",
            ),
            Self::MissingName(name) => {
                write!(f, "the certificate does not cover {name}, although it was ordered")
            }
            Self::Expired { not_after } => write!(
                f,
                "the certificate expired at {not_after}; if that is wrong, check this machine's \
                 clock"
            ),
            Self::NotYetValid { not_before } => write!(
                f,
                "the certificate is valid only from {not_before} on; if that is wrong, check this \
                 machine's clock"
            ),
            Self::LeafIsCa => f.write_str(
                "the first certificate of the chain is one of a certificate authority, not one for \
                 a server",
            ),
            Self::IssuerIsNotCa { position } => write!(
                f,
                "certificate {position} of the chain (the leaf is 0) issued another but is not one \
                 of a certificate authority"
            ),
            Self::BrokenChain { position } => write!(
                f,
                "certificate {position} of the chain (the leaf is 0) was not issued by the one \
                 after it"
            ),
            Self::BadSignature { position } => write!(
                f,
                "the signature of certificate {position} of the chain (the leaf is 0) does not \
                 verify with the key of the one after it"
            ),
            Self::Repeated { position } => {
                write!(f, "certificate {position} of the chain (the leaf is 0) stands in it twice")
            }
        }
    }
}

impl core::error::Error for CertificateFault {}

#[cfg(all(test, feature = "p256"))]
mod tests;
