//! What must hold at the end.

use std::collections::BTreeSet;

use acmekit_core::certificate::{Certificate, CertificateRequest};
use acmekit_core::error::Error;
use acmekit_core::flow::issue::Issued;
use acmekit_testing::RequestKind;
use acmekit_testing::fault::Severity;

use crate::process::Life;
use crate::scenario::{Binding, Scenario};

/// Rules that a client breaks when a hostile server tells it to: it cannot know better.
const MISLED: [&str; 5] = ["R-URL-02", "R-URL-03", "R-ORD-07", "R-CHL-05", "R-AUZ-10"];

/// The judge holds a Retry-After against a client that never saw it, because the answer was lost or
/// the process died. `watch.rs` knows which answers arrived.
const WATCHED: &str = "R-POL-03";

/// The counts of one seed.
#[derive(Debug, Default)]
pub(crate) struct Verdict {
    issued: u64,
    failed: u64,
    failed_registrations: u64,
    crashes: u64,
    faults: u64,
    requests: u64,
    passing_issued: u64,
    passing_failed: u64,
}

impl Verdict {
    pub(crate) fn counts(&self) -> [(&'static str, u64); 8] {
        [
            ("certificates", self.issued),
            ("orders that failed cleanly", self.failed),
            ("registrations that failed cleanly", self.failed_registrations),
            ("crashes", self.crashes),
            ("faults met", self.faults),
            ("requests", self.requests),
            ("certificates where faults only pass", self.passing_issued),
            ("orders that failed where faults only pass", self.passing_failed),
        ]
    }
}

/// Checks everything; the error names what does not hold.
pub(crate) fn judge(scenario: &Scenario, life: &Life) -> Result<Verdict, String> {
    if let Some(broken) = life.watch.broken.first() {
        return Err(broken.clone());
    }
    check_violations(scenario, life)?;
    if life.left_published > 0 {
        return Err(format!("{} challenges were never withdrawn", life.left_published));
    }
    let ours: BTreeSet<_> = life.ca.certificates().into_iter().collect();
    let mut verdict = Verdict {
        crashes: life.crashes,
        faults: u64::try_from(life.ca.faults_met().len()).unwrap(),
        requests: life.watch.requests,
        ..Verdict::default()
    };
    for (request, end) in life.requests.iter().zip(&life.orders) {
        match end {
            Ok(issued) => {
                check_certificate(life, request, issued, &ours)?;
                verdict.issued += 1;
            }
            Err(error) => {
                check_error(error)?;
                verdict.failed += 1;
            }
        }
    }
    if let Err(error) = &life.registration {
        check_error(error)?;
        verdict.failed_registrations += 1;
    }
    if scenario.severity == Severity::Passing {
        verdict.passing_issued = verdict.issued;
        verdict.passing_failed = verdict.failed;
        check_orders(scenario, life)?;
    }
    check_budget(scenario, life)?;
    if scenario.binding == Binding::SingleUse {
        let created = |status: u16| {
            let answers = life.ca.log().iter();
            let made = answers.filter(|entry| entry.kind == RequestKind::NewAccount);
            made.filter(|entry| entry.status.as_u16() == status).count()
        };
        if created(201) > 1 {
            return Err("two accounts were made".to_owned());
        }
    }
    Ok(verdict)
}

fn check_violations(scenario: &Scenario, life: &Life) -> Result<(), String> {
    let is_misled =
        |requirement: &str| scenario.severity == Severity::Hostile && MISLED.contains(&requirement);
    let is_broken = |requirement| requirement != WATCHED && !is_misled(requirement);
    match life.ca.violations().iter().find(|violation| is_broken(violation.requirement)) {
        Some(violation) => Err(format!("the judge says {violation:?}")),
        None => Ok(()),
    }
}

/// A success means the certificate that was asked for, made by the CA itself.
fn check_certificate(
    life: &Life,
    request: &CertificateRequest,
    issued: &Issued,
    ours: &BTreeSet<String>,
) -> Result<(), String> {
    let chain = issued.chain().to_pem();
    let leaf = issued.chain().leaf();
    if !ours.iter().any(|pem| chain.starts_with(pem.as_str())) {
        return Err("the certificate is not one that the CA has made".to_owned());
    }
    if leaf.public_key_der() != request.public_key_der() {
        return Err("the certificate is for another key".to_owned());
    }
    let set =
        |names: &[acmekit_core::types::Identifier]| names.iter().cloned().collect::<BTreeSet<_>>();
    if set(leaf.identifiers()) != set(request.identifiers()) {
        return Err("the certificate is for other names".to_owned());
    }
    check_dates(life, leaf)
}

fn check_dates(life: &Life, leaf: &Certificate) -> Result<(), String> {
    let hour = std::time::Duration::from_secs(3601);
    let begins_late = leaf.not_before() > life.clock.saturating_add(hour);
    // Set after the flow has ended, the clock proves nothing.
    if begins_late && life.orders.len() == 1 {
        return Err("the certificate is not valid yet".to_owned());
    }
    Ok(())
}

fn check_error(error: &Error) -> Result<(), String> {
    if error.code().is_empty() || error.advice().is_empty() || error.to_string().is_empty() {
        return Err(format!("an error says too little: {error:?}"));
    }
    Ok(())
}

/// A second order is made only where the answer to the first was lost, or where it failed.
fn check_orders(scenario: &Scenario, life: &Life) -> Result<(), String> {
    let made = life
        .ca
        .log()
        .iter()
        .filter(|entry| entry.kind == RequestKind::NewOrder && entry.status.as_u16() == 201);
    let made = made.count();
    let lost = life
        .ca
        .faults_met()
        .iter()
        .filter(|met| met.request == RequestKind::NewOrder && met.fault.is_processed());
    let lost = lost.count() + usize::try_from(life.orders_lost_in_crashes).unwrap();
    let wanted = scenario.orders.len();
    if made > wanted + lost {
        return Err(format!("{made} orders were made for {wanted}, and {lost} answers were lost"));
    }
    Ok(())
}

/// Requests that are no polls are bounded by the work and by what the faults cost.
fn check_budget(scenario: &Scenario, life: &Life) -> Result<(), String> {
    let names: usize = scenario.orders.iter().map(Vec::len).sum();
    let lives = usize::try_from(life.crashes).unwrap() + 1;
    let base = lives * (3 + scenario.orders.len() * 6 + 2 * names);
    let faults = life.ca.faults_met().len();
    let refused_nonces = life.ca.log().iter().filter(|entry| entry.problem == Some("badNonce"));
    let allowed = base + 4 * faults + 2 * refused_nonces.count();
    let sent = usize::try_from(life.watch.requests - life.watch.polls).unwrap();
    if sent > allowed {
        return Err(format!("{sent} requests besides polls, {allowed} allowed ({faults} faults)"));
    }
    Ok(())
}
