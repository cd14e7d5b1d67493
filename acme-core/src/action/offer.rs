//! A challenge on offer, with everything needed to publish its proof.

use core::fmt;

use serde_json::Value;

use super::ChallengeId;
use crate::challenge::dns_persist01::{
    AccountIdentity, DirectoryMetadata, PersistChallenge, PersistError, PersistRecord,
};
use crate::challenge::token::{KeyAuthorization, Token};
use crate::challenge::{ChallengeType, dns_account01, dns01, http01, tls_alpn01};
use crate::session::Session;
use crate::types::JsonObject;
use crate::types::identifier::Identifier;

/// One challenge that the server offers, with everything needed to publish its proof.
///
/// Kinds this library does not know are offered as well, with all their [members](Self::members),
/// so that a solver made elsewhere can meet them.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Offer {
    /// Names the challenge.
    pub id: ChallengeId,
    /// The authorization it belongs to: one published challenge for each is enough.
    pub authorization_url: String,
    /// The name or address to be validated, without `*.`.
    pub identifier: Identifier,
    /// Whether the validation is for the wildcard below the name.
    pub wildcard: bool,
    /// The kind of proof.
    pub kind: ChallengeType,
    /// The token of the challenge. Some kinds have none; http-01, dns-01 and tls-alpn-01 are never
    /// offered without.
    pub token: Option<Token>,
    /// The key authorization (RFC 8555 §8.1), if there is a token to make it from.
    pub key_authorization: Option<KeyAuthorization>,
    pub(crate) members: JsonObject,
    pub(crate) account: OfferAccount,
}

/// The account that a proof is for.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct OfferAccount {
    url: Option<String>,
    thumbprint: String,
}

impl OfferAccount {
    pub(crate) fn of(session: &Session) -> Self {
        let url = session.account().map(|account| account.url.clone());
        Self { url, thumbprint: session.account_key().thumbprint() }
    }

    pub(crate) fn key_authorization(&self, token: &Token) -> KeyAuthorization {
        KeyAuthorization::new(token, &self.thumbprint)
    }
}

/// Beside the token, the thumbprint would make the key authorization.
impl fmt::Debug for OfferAccount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OfferAccount").field("url", &self.url).finish_non_exhaustive()
    }
}

impl Offer {
    /// Puts an offer together as a flow does; for the tests of a solver.
    pub fn new(
        challenge_url: impl Into<String>,
        identifier: &Identifier,
        kind: ChallengeType,
        token: Token,
        key_authorization: KeyAuthorization,
    ) -> Self {
        let thumbprint = key_authorization.as_str().rsplit('.').next().unwrap_or_default();
        let account = OfferAccount { url: None, thumbprint: thumbprint.to_owned() };
        let mut offer = Self {
            id: ChallengeId(challenge_url.into()),
            authorization_url: format!("authorization of {identifier}"),
            identifier: identifier.without_wildcard(),
            wildcard: identifier.is_wildcard(),
            kind,
            token: Some(token),
            key_authorization: Some(key_authorization),
            members: JsonObject::new(),
            account,
        };
        offer.name_members();
        offer
    }

    /// The same with further members of the challenge, and the account it is for; for the tests of
    /// a solver of a kind that has members of its own.
    #[must_use]
    pub fn with_members(mut self, members: JsonObject, account_url: impl Into<String>) -> Self {
        self.members = members;
        self.account.url = Some(account_url.into());
        self.name_members();
        self
    }

    /// Adds the members that every challenge has (RFC 8555 §8).
    pub(crate) fn name_members(&mut self) {
        let mut set = |name: &str, value: &str| {
            self.members.insert(name.to_owned(), Value::from(value));
        };
        set("type", self.kind.as_str());
        set("url", self.id.as_str());
        if let Some(token) = &self.token {
            set("token", token.as_str());
        }
    }

    /// The challenge as the server sent it, with an absolute `url` and without what changes while it
    /// is worked on: `status`, `validated` and `error`.
    pub fn members(&self) -> &JsonObject {
        &self.members
    }

    /// The account URL (the `kid` of requests), which some kinds of proofs name.
    pub fn account_url(&self) -> Option<&str> {
        self.account.url.as_deref()
    }

    /// The RFC 7638 thumbprint of the account key (base64url of SHA-256), which some kinds of proofs
    /// name. With the token it makes the key authorization: do not log both.
    pub fn account_key_thumbprint(&self) -> &str {
        &self.account.thumbprint
    }

    /// For http-01: the path below `http://<identifier>:80` that must answer with
    /// [`http01_body`](Self::http01_body). Empty where there is no token.
    pub fn http01_path(&self) -> String {
        self.token.as_ref().map(http01::path).unwrap_or_default()
    }

    /// For http-01: the body, without a trailing newline. Empty where there is no token.
    pub fn http01_body(&self) -> &str {
        self.key_authorization.as_ref().map_or("", KeyAuthorization::as_str)
    }

    /// For dns-01: the name of the TXT record.
    pub fn dns01_name(&self) -> String {
        dns01::record_name(&self.identifier)
    }

    /// For dns-01: the value of the TXT record. Empty where there is no token.
    pub fn dns01_value(&self) -> String {
        self.key_authorization.as_ref().map(dns01::record_value).unwrap_or_default()
    }

    /// For dns-account-01: the name of the TXT record; its value is [`dns01_value`](Self::dns01_value).
    /// Made from the [account URL](Self::account_url) that the client holds, and `None` without one.
    pub fn dns_account01_name(&self) -> Option<String> {
        let name = |url| dns_account01::record_name(url, &self.identifier);
        self.account_url().map(name)
    }

    /// For dns-persist-01: the record to publish and to leave in place, for the first issuer that
    /// the challenge names. [`PersistChallenge`] has more choices.
    ///
    /// # Errors
    /// The challenge is malformed or asks for another account.
    pub fn dns_persist01_record(
        &self,
        metadata: &DirectoryMetadata<'_>,
    ) -> Result<PersistRecord, PersistError> {
        let url = self.account_url().ok_or(PersistError::AccountUri)?;
        let account = AccountIdentity { url, thumbprint: self.account_key_thumbprint() };
        let challenge = PersistChallenge::read(&self.members, metadata, account)?;
        let record = challenge.record(&self.identifier)?;
        Ok(if self.wildcard { record.with_wildcard_policy() } else { record })
    }

    /// For tls-alpn-01: the server name that the CA asks for.
    pub fn tls_alpn01_server_name(&self) -> Option<String> {
        tls_alpn01::sni_name(&self.identifier)
    }
}
