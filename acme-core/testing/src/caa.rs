//! What stops a name that was proven: CAA records (RFC 8659), and the view from elsewhere (MPIC).

use acmekit_core::types::identifier::Identifier;

use crate::ca::TestingCa;
use crate::cause::RefusalCause;
use crate::config::ChallengeType;
use crate::problem::Problem;

/// How many remote perspectives look at each name, and how many of them must agree with the primary
/// one, as the Baseline Requirements §3.2.2.9 and UPKI have it.
const PERSPECTIVES: u8 = 5;
const QUORUM: u8 = 4;

/// The answer to a CAA query at one owner name.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CaaAnswer {
    /// `NOERROR` without a CAA record: the name above is asked.
    Empty,
    /// Records with the property `issue`, each with the name of a CA that may issue, for wildcards
    /// too. An empty list, like `issue ";"`, permits nobody.
    Issuers(Vec<String>),
    /// `SERVFAIL`, or no answer at all.
    Failed,
}

impl TestingCa {
    /// Sets what a CAA query at `name` finds; names below it inherit that. Default: nothing at any
    /// name. CAA is checked with each validation and again with finalize.
    pub fn set_caa(&mut self, name: impl Into<String>, answer: CaaAnswer) {
        self.caa.insert(name.into(), answer);
    }

    /// Sets how many of the five remote perspectives confirm validations of `name`, a name without
    /// `*.` or an address; with fewer than four a validation fails. Default: all five.
    pub fn set_agreeing_perspectives(&mut self, name: impl Into<String>, count: u8) {
        self.perspectives.insert(name.into(), count);
    }

    /// The checks that a proven identifier has yet to pass.
    pub(crate) fn check_elsewhere(
        &self,
        kind: ChallengeType,
        identifier: &Identifier,
    ) -> Result<(), Problem> {
        self.check_caa(identifier)?;
        let agreeing = self.perspectives.get(&identifier.to_string()).copied();
        match agreeing.unwrap_or(PERSPECTIVES) {
            QUORUM.. => Ok(()),
            agreeing => {
                let detail = format!(
                    "{agreeing} of {PERSPECTIVES} remote perspectives agree with the primary one, \
                     at least {QUORUM} are needed (MPIC)"
                );
                let mut problem = Problem::new(RefusalCause::Perspectives, detail);
                if kind == ChallengeType::Dns01 {
                    problem.kind = "dns";
                }
                Err(problem.value(agreeing.to_string()))
            }
        }
    }

    /// RFC 8659 §3: the closest name with records decides; addresses have none.
    pub(crate) fn check_caa(&self, identifier: &Identifier) -> Result<(), Problem> {
        let base = identifier.without_wildcard();
        let mut name = base.as_dns().unwrap_or_default();
        while !name.is_empty() {
            match self.caa.get(name) {
                None | Some(CaaAnswer::Empty) => {}
                Some(CaaAnswer::Issuers(issuers)) => {
                    if issuers.iter().any(|issuer| self.config.caa_identities.contains(issuer)) {
                        return Ok(());
                    }
                    let own = self.config.caa_identities.join(", ");
                    let detail = format!(
                        "the CAA records at {name} do not permit {own} to issue for {identifier}"
                    );
                    let problem = Problem::new(RefusalCause::Caa, detail);
                    return Err(problem.value(identifier.to_string()));
                }
                Some(CaaAnswer::Failed) => {
                    let detail =
                        format!("looking up CAA at {name} for {identifier} failed: SERVFAIL");
                    let problem = Problem::new(RefusalCause::CaaLookup, detail);
                    return Err(problem.value(identifier.to_string()));
                }
            }
            name = name.split_once('.').map_or("", |(_, above)| above);
        }
        Ok(())
    }
}
