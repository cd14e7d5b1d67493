//! Certificates that are not the ones ordered.

use core::time::Duration;

use acmekit_core::time::Timestamp;
use acmekit_core::types::identifier::Identifier;
use http::Response;
use serde::{Deserialize, Serialize};
use x509_cert::name::Name;

use super::answer::add_header;
use crate::ca::TestingCa;
use crate::issue::{self, LeafRequest};
use crate::routing::Resource;

const YEAR: Duration = Duration::from_secs(365 * 86_400);

/// How the answer to a download differs from what it should hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum WrongCertificate {
    /// It certifies another key.
    OtherKey,
    /// It is for another name.
    OtherNames,
    /// It lacks the last name of the order, or has another where there is only one.
    MissingName,
    /// It ended a year ago.
    Expired,
    /// It begins in a year.
    NotYetValid,
    /// A private key stands between the certificates.
    PrivateKeyInside,
    /// The body is empty.
    Empty,
    /// The body is no PEM.
    NoPem,
    /// Only the leaf comes.
    LeafOnly,
    /// The next certificate is the root of another chain: it certifies nothing here.
    ForeignIssuer,
    /// The issuer comes before the leaf.
    Reversed,
    /// The issuer comes so many times.
    Repeated(usize),
    /// So many more alternate chains are linked.
    Alternates(usize),
    /// Only the leaf comes, and its issuer is said to be at the same URL (`rel="up"`).
    UpLoop,
}

impl TestingCa {
    pub(super) fn replace_certificate(
        &mut self,
        mut response: Response<Vec<u8>>,
        url: &str,
        wrong: WrongCertificate,
    ) -> Response<Vec<u8>> {
        let path = url.strip_prefix(self.config.base_url.as_str()).unwrap_or_default();
        let Some(Resource::Certificate { certificate, .. }) = self.resources.get(path).copied()
        else {
            return response;
        };
        if !response.status().is_success() {
            return response;
        }
        let chain = String::from_utf8_lossy(response.body()).into_owned();
        let (leaf, issuer) = split_leaf(&chain);
        let body = match wrong {
            WrongCertificate::OtherKey
            | WrongCertificate::OtherNames
            | WrongCertificate::MissingName
            | WrongCertificate::Expired
            | WrongCertificate::NotYetValid => self
                .other_leaf(certificate, wrong)
                .map(|other| format!("{other}{issuer}"))
                .unwrap_or_default(),
            WrongCertificate::PrivateKeyInside => {
                let begin = "-----BEGIN PRIVATE KEY-----";
                format!(
                    "{leaf}{begin}\nMC4CAQAwBQYDK2VwBCIEIA==\n-----END PRIVATE KEY-----\n{issuer}"
                )
            }
            WrongCertificate::Empty => String::new(),
            WrongCertificate::NoPem => "the certificate is being made, please wait".to_owned(),
            WrongCertificate::LeafOnly => leaf.to_owned(),
            WrongCertificate::ForeignIssuer => {
                let stranger = issue::Authority::new(u64::MAX, 0).ok();
                let stranger = stranger.map(|stranger| stranger.intermediate_pem());
                format!("{leaf}{}", stranger.unwrap_or_default())
            }
            WrongCertificate::Reversed => format!("{issuer}{leaf}"),
            WrongCertificate::Repeated(times) => format!("{leaf}{}", issuer.repeat(times)),
            WrongCertificate::Alternates(count) => {
                for number in 0..count {
                    let link = format!("<{url}/{number}>;rel=\"alternate\"");
                    add_header(&mut response, "link", &link);
                }
                chain.clone()
            }
            WrongCertificate::UpLoop => {
                add_header(&mut response, "link", &format!("<{url}>;rel=\"up\""));
                leaf.to_owned()
            }
        };
        *response.body_mut() = body.into_bytes();
        response
    }

    /// A certificate like the one issued, but for one thing.
    fn other_leaf(&mut self, index: usize, wrong: WrongCertificate) -> Option<String> {
        let issued = self.certificates.get(index)?;
        let mut identifiers = issued.identifiers().to_vec();
        let mut public_key = issued.public_key.to_spki().ok()?;
        let stranger = Identifier::dns("stranger.example").ok()?;
        let (mut not_before, mut not_after) = (self.now, self.now.saturating_add(YEAR));
        match wrong {
            WrongCertificate::OtherKey => public_key = issue::stray_key(&mut self.entropy).ok()?,
            WrongCertificate::OtherNames => identifiers = vec![stranger],
            WrongCertificate::MissingName => {
                identifiers.pop();
                if identifiers.is_empty() {
                    identifiers.push(stranger);
                }
            }
            WrongCertificate::Expired => {
                not_before = self.now.saturating_sub(YEAR).saturating_sub(YEAR);
                not_after = self.now.saturating_sub(YEAR);
            }
            WrongCertificate::NotYetValid => {
                not_before = self.now.saturating_add(YEAR);
                not_after = not_before.saturating_add(YEAR);
            }
            _ => {}
        }
        let not_before = not_before.max(Timestamp::UNIX_EPOCH);
        let subject = Name::default();
        let identifiers = &identifiers;
        let leaf = LeafRequest { public_key, subject, identifiers, not_before, not_after };
        let certificate = self.authority().ok()?.issue(leaf).ok()?;
        Some(issue::pem(&certificate))
    }
}

/// The first PEM block of a chain, and the rest.
fn split_leaf(chain: &str) -> (&str, &str) {
    const END: &str = "-----END CERTIFICATE-----\n";
    match chain.find(END) {
        Some(at) => chain.split_at(at + END.len()),
        None => (chain, ""),
    }
}
