//! Revokes a certificate (RFC 8555 §7.6).

use core::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::action::{Action, Input, RequestKind, SigningKey};
use crate::certificate::{Certificate, CertificateError};
use crate::error::{Error, ErrorKind, Misuse, Step};
use crate::exchange::{KeyUse, Outcome, Repeat};
use crate::flow::checkpoint::{Checkpoint, ResumeError, Saved};
use crate::flow::single::{Event, Next, Single, account, request};
use crate::flow::{Context, Flow};
use crate::jose::{AccountKey, encoding};
use crate::problem::ProblemType;
use crate::session::Session;
use crate::types::Identifier;

/// Why a certificate is revoked (RFC 5280 §5.3.1). Public CAs take fewer: 1, 3, 4 and 5.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum RevocationReason {
    /// 1: the private key is, or may be, in other hands.
    KeyCompromise,
    /// 2: the CA itself is compromised.
    CaCompromise,
    /// 3: the names or the organisation have changed hands.
    AffiliationChanged,
    /// 4: another certificate has taken its place.
    Superseded,
    /// 5: the server is no longer operated.
    CessationOfOperation,
    /// 6: revoked for a time.
    CertificateHold,
    /// 8: removed from a delta CRL.
    RemoveFromCrl,
    /// 9: the subject lost a privilege.
    PrivilegeWithdrawn,
    /// 10: the attribute authority is compromised.
    AaCompromise,
}

impl RevocationReason {
    /// The number of RFC 5280. The unspecified reason is never sent as 0, but left out.
    pub const fn code(self) -> u8 {
        match self {
            Self::KeyCompromise => 1,
            Self::CaCompromise => 2,
            Self::AffiliationChanged => 3,
            Self::Superseded => 4,
            Self::CessationOfOperation => 5,
            Self::CertificateHold => 6,
            Self::RemoveFromCrl => 8,
            Self::PrivilegeWithdrawn => 9,
            Self::AaCompromise => 10,
        }
    }

    /// Whether public CAs take this reason from a subscriber (Baseline Requirements §7.2.2); some
    /// take fewer, and refuse others with `badRevocationReason`.
    pub const fn is_taken_by_public_cas(self) -> bool {
        matches!(
            self,
            Self::KeyCompromise
                | Self::AffiliationChanged
                | Self::Superseded
                | Self::CessationOfOperation
        )
    }

    /// The reason of this number; 0 and 7 are none.
    pub const fn from_code(code: u8) -> Option<Self> {
        Some(match code {
            1 => Self::KeyCompromise,
            2 => Self::CaCompromise,
            3 => Self::AffiliationChanged,
            4 => Self::Superseded,
            5 => Self::CessationOfOperation,
            6 => Self::CertificateHold,
            8 => Self::RemoveFromCrl,
            9 => Self::PrivilegeWithdrawn,
            10 => Self::AaCompromise,
            _ => return None,
        })
    }
}

impl fmt::Display for RevocationReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::KeyCompromise => "keyCompromise",
            Self::CaCompromise => "cACompromise",
            Self::AffiliationChanged => "affiliationChanged",
            Self::Superseded => "superseded",
            Self::CessationOfOperation => "cessationOfOperation",
            Self::CertificateHold => "certificateHold",
            Self::RemoveFromCrl => "removeFromCRL",
            Self::PrivilegeWithdrawn => "privilegeWithdrawn",
            Self::AaCompromise => "aACompromise",
        })
    }
}

/// A revocation that is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Revoked {
    /// The certificate had been revoked before.
    pub already: bool,
}

/// Revokes a certificate: by the session's account, which issued it or holds authorizations for
/// all its names, or by the certificate's own key, for which no account is needed. A certificate
/// that is revoked already counts as done.
///
/// A certificate of several names is revoked as a whole: [`Revoke::affected`] lists them first.
pub struct Revoke {
    single: Single,
    certificate: Certificate,
    reason: Option<RevocationReason>,
    key: Option<AccountKey>,
}

/// A revocation in a checkpoint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SavedRevoke {
    /// DER in base64url.
    certificate: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reason: Option<RevocationReason>,
    /// The thumbprint of the certificate key, if that one signs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    key_thumbprint: Option<String>,
}

impl Revoke {
    /// Begins; nothing is sent before the first poll.
    pub fn new(certificate: Certificate) -> Self {
        let single = Single::new(Step::Revocation, None);
        Self { single, certificate, reason: None, key: None }
    }

    /// Names the reason.
    #[must_use]
    pub fn reason(mut self, reason: RevocationReason) -> Self {
        self.reason = Some(reason);
        self
    }

    /// Signs with the certificate's key instead of the account's.
    #[must_use]
    pub fn by_certificate_key(mut self, key: AccountKey) -> Self {
        self.key = Some(key);
        self
    }

    /// All names and addresses that lose their certificate.
    pub fn affected(&self) -> &[Identifier] {
        self.certificate.identifiers()
    }

    /// Continues from a checkpoint: the request is sent again, which does no harm. The certificate
    /// key must be given again if it signs.
    ///
    /// # Errors
    /// The checkpoint is of another flow or session, or needs another key.
    pub fn resume(
        saved: Checkpoint,
        session: &Session,
        certificate_key: Option<AccountKey>,
    ) -> Result<Self, ResumeError> {
        let (binding, Saved::Revoke(saved)) = saved.open(session)? else {
            return Err(ResumeError::OtherFlow);
        };
        let thumbprint = certificate_key.as_ref().map(AccountKey::thumbprint);
        if thumbprint != saved.key_thumbprint {
            return Err(ResumeError::OtherAccountKey);
        }
        let certificate = encoding::decode(&saved.certificate)
            .ok()
            .and_then(|der| Certificate::from_der(&der).ok())
            .ok_or(ResumeError::Damaged)?;
        let single = Single::new(Step::Revocation, binding);
        Ok(Self { single, certificate, reason: saved.reason, key: certificate_key })
    }

    /// The certificate in PEM or DER, ready for [`Revoke::new`].
    ///
    /// # Errors
    /// It is no certificate.
    pub fn read_certificate(bytes: &[u8]) -> Result<Certificate, CertificateError> {
        match crate::certificate::CertificateChain::from_pem(bytes) {
            Ok(chain) => Ok(chain.leaf().clone()),
            Err(_) => Certificate::from_der(bytes),
        }
    }
}

impl Flow for Revoke {
    type Output = Revoked;

    fn poll(&mut self, cx: &mut Context<'_>) -> Result<Action<Revoked>, Error> {
        let Self { single, certificate, reason, key } = self;
        let step = Step::Revocation;
        single.poll(cx, |cx, event| {
            match event {
                Event::Start | Event::Signed(_) => {}
                Event::Outcome(Outcome::Reply(_)) => {
                    return Ok(Next::Finish(Revoked { already: false }));
                }
                Event::Outcome(Outcome::Failed(error) | Outcome::Unknown(error)) => {
                    let kind = error.problem().map(|problem| &problem.kind);
                    if kind == Some(&ProblemType::AlreadyRevoked) {
                        return Ok(Next::Finish(Revoked { already: true }));
                    }
                    if key.is_some() && error.kind() == ErrorKind::NoAccount {
                        // acme2certifier looks for an account with the certificate's key.
                        let text = "the server takes no revocation by the certificate's key";
                        let text = format!("{text}: {}", error.message());
                        return Err(Error::new(
                            ErrorKind::Unsupported,
                            step,
                            "certificate-key-revocation-unsupported",
                            text,
                        ));
                    }
                    return Err(error);
                }
            }
            let url = cx.session.directory().and_then(|d| d.revoke_certificate.clone());
            let url = url.ok_or_else(|| {
                let text = "the server offers no revocation";
                Error::new(ErrorKind::Unsupported, step, "revocation-unsupported", text)
            })?;
            let mut payload = Map::new();
            payload.insert("certificate".into(), encoding::encode(certificate.der()).into());
            if let Some(reason) = reason {
                payload.insert("reason".into(), reason.code().into());
            }
            let payload = Some(Value::Object(payload));
            let kind = RequestKind::RevokeCertificate;
            let mut request = request(cx.session, step, kind, url, payload, Repeat::Freely);
            match key {
                None => drop(account(cx.session, step)?),
                Some(key) => {
                    if key.jwk().public_key_der() != certificate.public_key_der() {
                        let text = "the key given is not the key of the certificate";
                        let kind = ErrorKind::Input;
                        return Err(Error::new(kind, step, "wrong-certificate-key", text));
                    }
                    let role = SigningKey::Revocation(key.algorithm());
                    request.key = KeyUse::Other(key.clone(), role);
                }
            }
            Ok(Next::Send(Box::new(request)))
        })
    }

    fn handle(&mut self, cx: &mut Context<'_>, input: Input) -> Result<(), Misuse> {
        self.single.handle(cx, input)
    }

    fn checkpoint(&self) -> Checkpoint {
        let saved = SavedRevoke {
            certificate: encoding::encode(self.certificate.der()),
            reason: self.reason,
            key_thumbprint: self.key.as_ref().map(AccountKey::thumbprint),
        };
        Checkpoint::new(self.single.binding.as_ref(), Saved::Revoke(saved))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_has_its_number_and_zero_and_seven_are_none() {
        let codes: Vec<u8> =
            (0..=11).filter_map(RevocationReason::from_code).map(RevocationReason::code).collect();
        assert_eq!(codes, [1, 2, 3, 4, 5, 6, 8, 9, 10]);
    }
}
