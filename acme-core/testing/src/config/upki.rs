//! UPKI, the certificate service of NII for Japanese universities, run by SECOM.

use core::time::Duration;

use super::SubjectAttribute::{
    CommonName, Country, EmailAddress, Locality, Organization, OrganizationalUnit, State,
};
use super::{CertificateKey, ChallengeType, Config, ErrorText, ExternalAccountPolicy, SubjectRule};
use crate::cause::RefusalCause;

const DAY: Duration = Duration::from_secs(86_400);

const MPIC: &str = "error 338: multi-perspective issuance corroboration (MPIC) failed: [%s] of 5 \
    remote vantage points agree with the primary lookup, at least 4 are needed";

/// The subject as the TSV application writes it, in this order.
const SAITAMA: [(super::SubjectAttribute, &str); 5] = [
    (CommonName, "%s"),
    (Organization, "Saitama University"),
    (Locality, "Saitama-shi"),
    (State, "Saitama"),
    (Country, "JP"),
];

/// `tokyo` and `chofu` are in lower case in the instructions.
const ELECTRO_COMMUNICATIONS: [(super::SubjectAttribute, &str); 5] = [
    (Country, "JP"),
    (State, "tokyo"),
    (Locality, "chofu"),
    (Organization, "The University of Electro-Communications"),
    (CommonName, "%s"),
];

impl Config {
    /// UPKI, to rehearse offline.
    ///
    /// An account needs a credential, which does not expire. Give the credential the names of its
    /// application ([`ExternalAccount::for_names`](super::ExternalAccount::for_names)): an order
    /// must be for all of them, at most eight, the common name first. http-01 and dns-01 are
    /// offered. A certification request needs an RSA key of 2048 bits; its subject has no OU, and a
    /// common name that is the first of the names, unless it is empty. Certificates carry the
    /// subject of the request and last 89 days. Twenty failed validations in a day block the
    /// account until the next. UPKI has not published its error texts, so refusals are worded by
    /// this CA; only that of MPIC has the number 338.
    ///
    /// What goes wrong at UPKI is brought about by
    /// [`set_caa`](crate::TestingCa::set_caa) (its identity is `secomtrust.net`),
    /// [`set_agreeing_perspectives`](crate::TestingCa::set_agreeing_perspectives) and
    /// [`suspend_external_account`](crate::TestingCa::suspend_external_account).
    ///
    /// Sources differ on whether a credential can register again after a server was replaced; here
    /// it can, and [`with_external_account_reuse`](Self::with_external_account_reuse) changes that.
    pub fn upki() -> Self {
        let subject = SubjectRule::any().without(OrganizationalUnit).common_name_first();
        Self::default()
            .with_directory_path("/acme/")
            .with_external_account_policy(ExternalAccountPolicy::Required)
            .with_challenge_types([ChallengeType::Http01, ChallengeType::Dns01])
            .with_ip_identifiers(false)
            .with_max_identifiers(8)
            .with_whole_name_set(true)
            .with_caa_identities(["secomtrust.net"])
            .with_certificate_keys([CertificateKey::Rsa2048])
            .with_subject_rule(subject)
            .with_keep_subject(true)
            .with_certificate_lifetime(89 * DAY)
            .with_failed_validations_per_day(20)
            .with_error_text(RefusalCause::Perspectives, ErrorText::with_standard_type(MPIC))
    }

    /// UPKI for Saitama University: names below `saitama-u.ac.jp`, and in a certification request
    /// exactly the subject `CN=…,O=Saitama University,L=Saitama-shi,ST=Saitama,C=JP`, encoded in
    /// this order. All else is as in [`Config::upki`].
    pub fn upki_saitama() -> Self {
        let subject = SubjectRule::exactly(SAITAMA).without(OrganizationalUnit).common_name_first();
        Self::upki().with_domain(".saitama-u.ac.jp").with_subject_rule(subject)
    }

    /// UPKI for the University of Electro-Communications: `uec.ac.jp` and names below it, and in a
    /// certification request exactly the subject
    /// `C=JP,ST=tokyo,L=chofu,O=The University of Electro-Communications,CN=…`, encoded in this
    /// order. All else is as in [`Config::upki`].
    pub fn upki_uec() -> Self {
        let subject = SubjectRule::exactly(ELECTRO_COMMUNICATIONS)
            .without(OrganizationalUnit)
            .without(EmailAddress)
            .common_name_first();
        Self::upki().with_domain("uec.ac.jp").with_subject_rule(subject)
    }
}
