//! JPRS (Japan Registry Services): seed facts §1, §4, §7, §12–§14, CA profiles Q-J1 to Q-J4.

mod errors;

use core::time::Duration;

use super::CaProfile;
use super::rules::{DirectoryUrl, DryRun, Requirement, Support};
use super::shared;
use crate::challenge::ChallengeType::{Dns01, Http01};

const DAY: Duration = Duration::from_secs(86_400);

pub(super) fn profiles() -> Vec<CaProfile> {
    let mut jprs = CaProfile::plain("jprs", "JPRS");
    // Seed facts §14; §15 lists the wrong spellings that are in circulation.
    jprs.directories = vec![DirectoryUrl::new("https://acme.amecert.jprs.jp/DV/getDirectory")];
    // Seed facts §1.
    jprs.external_account.required = Requirement::Required;
    jprs.external_account.lifetime = Some(DAY * 14);
    jprs.external_account.source =
        Some("the reseller (designated agent), within 14 days before the registration".to_owned());
    // Seed facts §14: for emergency notices.
    jprs.contacts.min = Some(1);
    jprs.contacts.max = Some(6);
    jprs.contacts.no_duplicates = true;
    jprs.contacts.mailto_only = true;
    // Seed facts §4; wildcards by dns-01 only, which RFC 8555 asks for anyway.
    jprs.names.challenges = Some(vec![Http01, Dns01]);
    jprs.names.wildcards = Support::Yes;
    // Seed facts §8, §13: too short a key is badCSR.
    jprs.certificate_keys.min_rsa_bits = Some(2048);
    // Seed facts §7: a dry run goes to another server.
    jprs.dry_run = DryRun::Impossible;
    // Seed facts §7, Q-J1: the certificate enters OCSP about ten minutes after its issue.
    jprs.wait_before_deployment = Some(Duration::from_secs(600));
    // Q-J2.
    jprs.caa_identities = vec!["jprs.jp".to_owned()];
    jprs.errors = errors::table();
    jprs.errors.extend(shared::public_errors());
    jprs.notes = vec![
        "An expired or lost EAB credential cannot be recovered; ask the reseller for a new one."
            .to_owned(),
        "Revoking a certificate revokes it for all its names.".to_owned(),
        "Accounts that issue in bulk may be throttled.".to_owned(),
        "After a mass revocation a replacement can be due within 24 hours; notice comes by mail."
            .to_owned(),
    ];
    vec![jprs]
}
