//! Plans from a seed, for simulations.

use serde_json::json;

use super::answer::{Answer, AnswerBody};
use super::{Change, Fault, FaultPlan, WrongCertificate};
use crate::config::RetryAfter;
use crate::entropy::SeededEntropy;
use crate::log::RequestKind;

/// What may go wrong in a random plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Severity {
    /// What passes: lost connections, late answers, overload, used-up nonces, odd but honest
    /// answers. Few enough that an order can still succeed.
    Passing,
    /// Anything, hostile answers included.
    Hostile,
}

/// The requests of an issuance.
const KINDS: [RequestKind; 9] = [
    RequestKind::Directory,
    RequestKind::NewNonce,
    RequestKind::NewAccount,
    RequestKind::NewOrder,
    RequestKind::Order,
    RequestKind::Authorization,
    RequestKind::Challenge,
    RequestKind::Finalize,
    RequestKind::Certificate,
];

impl FaultPlan {
    /// A plan of up to six faults, always the same for a seed and a severity.
    pub fn random(seed: u64, severity: Severity) -> Self {
        let mut dice = Dice(SeededEntropy::labelled(seed, "faults"));
        let count = dice.below(7);
        (0..count).fold(Self::new(), |plan, _| {
            let kind = dice.one_of(&KINDS);
            let first = dice.below(4) + 1;
            let is_hostile = severity == Severity::Hostile && dice.below(3) == 0;
            let (times, fault) = match is_hostile {
                true => (dice.one_of(&[1, 2, u32::MAX]), dice.hostile(kind)),
                false => (dice.one_of(&[1, 1, 1, 2]), dice.passing()),
            };
            plan.with_repeated(kind, first, times, fault)
        })
    }
}

struct Dice(SeededEntropy);

impl Dice {
    fn below(&mut self, bound: u32) -> u32 {
        u32::from_be_bytes(self.0.bytes()) % bound.max(1)
    }

    fn one_of<T: Clone>(&mut self, list: &[T]) -> T {
        let count = u32::try_from(list.len()).unwrap_or(1);
        let index = usize::try_from(self.below(count)).unwrap_or_default();
        // The lists of this file are not empty.
        list.get(index).or(list.first()).cloned().unwrap_or_else(|| unreachable!())
    }

    /// A fault that a client should get over.
    fn passing(&mut self) -> Fault {
        match self.below(14) {
            0 => Fault::RefuseConnection,
            1 => Fault::ResetBefore,
            2 | 3 => Fault::ResetAfter,
            4 => Fault::Stall { processed: self.below(2) == 0 },
            5 => Fault::Slow { millis: u64::from(self.below(20_000)) },
            6 => {
                let octets = self.below(200);
                Fault::Truncate { octets: usize::try_from(octets).unwrap_or_default() }
            }
            7 => Fault::Answer(Answer::html(self.one_of(&[500, 502, 503, 504]))),
            8 => Fault::Answer(Answer::problem(500, "serverInternal", "try again").with_nonce()),
            9 => {
                let seconds = self.below(20) + 1;
                let wait =
                    self.one_of(&[RetryAfter::Seconds(seconds), RetryAfter::HttpDate(seconds)]);
                Fault::Answer(Answer::empty(503).with_retry_after(wait))
            }
            10 => {
                let wait = RetryAfter::Seconds(self.below(20) + 1);
                let status = self.one_of(&[429, 503]);
                let answer = Answer::problem(status, "rateLimited", "slow down");
                Fault::Answer(answer.with_retry_after(wait).with_nonce())
            }
            11 | 12 => Fault::BadNonce { fresh_nonce: self.below(3) > 0 },
            _ => Fault::Change(vec![self.oddity()]),
        }
    }

    /// What honest servers do although they should not.
    fn oddity(&mut self) -> Change {
        match self.below(6) {
            0 => Change::RemoveHeader("replay-nonce".into()),
            1 => Change::RemoveHeader("content-type".into()),
            2 => Change::SetHeader("content-type".into(), "text/plain; charset=utf-8".into()),
            3 => Change::DoubleHeader("replay-nonce".into()),
            4 => Change::SetMember("/error".into(), json!({})),
            _ => Change::RemoveMember("/expires".into()),
        }
    }

    /// What only a broken or a hostile server does.
    fn hostile(&mut self, kind: RequestKind) -> Fault {
        if kind == RequestKind::Certificate && self.below(2) == 0 {
            return Fault::Certificate(self.one_of(&[
                WrongCertificate::OtherKey,
                WrongCertificate::OtherNames,
                WrongCertificate::MissingName,
                WrongCertificate::Expired,
                WrongCertificate::NotYetValid,
                WrongCertificate::PrivateKeyInside,
                WrongCertificate::Empty,
                WrongCertificate::NoPem,
                WrongCertificate::ForeignIssuer,
                WrongCertificate::Reversed,
                WrongCertificate::Repeated(300),
                WrongCertificate::Alternates(300),
                WrongCertificate::UpLoop,
            ]));
        }
        let foreign = self.one_of(&[
            "http://ca.example/x",
            "https://stranger.example/x",
            "https://127.0.0.1:1/x",
            "file:///etc/passwd",
            "https://ca.example\u{0}/x",
            "../../x",
        ]);
        let member = self.one_of(&[
            "/status",
            "/finalize",
            "/certificate",
            "/authorizations/0",
            "/identifiers/0/value",
            "/identifier/value",
            "/challenges/0/token",
            "/challenges/0/url",
            "/newOrder",
            "/newNonce",
            "/expires",
        ]);
        let value = self.one_of(&[
            json!(foreign),
            json!("invalid"),
            json!("processing"),
            json!("pending"),
            json!("deactivated"),
            json!("$(touch x)"),
            json!("9999-12-31T23:59:60Z"),
            json!(null),
            json!(-1),
            json!(1e300),
            json!([]),
            json!({"a": {"b": []}}),
        ]);
        match self.below(12) {
            0 => Fault::Answer(Answer::redirect(self.one_of(&[301, 302, 307, 308]), foreign)),
            1 => Fault::Answer(Answer::empty(200).with_body(AnswerBody::Long(2_000_000))),
            2 => Fault::Answer(Answer::empty(200).with_body(AnswerBody::Deep(100_000))),
            3 => Fault::Answer(Answer::empty(200).with_body(AnswerBody::NotUtf8)),
            4 => {
                let kinds = ["malformed", "unauthorized", "accountDoesNotExist", "badCSR"];
                let status = self.one_of(&[400, 401, 403, 404, 409]);
                Fault::Answer(Answer::problem(status, self.one_of(&kinds), "no").with_nonce())
            }
            5 => {
                let wait =
                    self.one_of(&["0", "-5", "99999999999", "Fri, 31 Dec 9999 23:59:59 GMT"]);
                Fault::Change(vec![Change::SetHeader("retry-after".into(), wait.into())])
            }
            6 => Fault::Change(vec![Change::FloodHeaders(1000)]),
            7 => Fault::Change(vec![Change::SetHeader("location".into(), foreign.into())]),
            8 => Fault::Change(vec![Change::RepeatList("/authorizations".into(), 5000)]),
            9 => Fault::Change(vec![Change::RemoveHeader("location".into())]),
            10 => Fault::Change(vec![Change::RemoveMember(member.into())]),
            _ => Fault::Change(vec![Change::SetMember(member.into(), value)]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_gives_the_same_plan_and_seeds_differ() {
        let plan = |seed| FaultPlan::random(seed, Severity::Hostile);
        assert_eq!(plan(7), plan(7));
        assert!((0..50).any(|seed| plan(seed) != plan(seed + 1)));
    }

    #[test]
    fn every_plan_survives_being_written_down() {
        for seed in 0..500 {
            let plan = FaultPlan::random(seed, Severity::Hostile);
            let text = serde_json::to_string(&plan).unwrap();
            assert_eq!(serde_json::from_str::<FaultPlan>(&text).unwrap(), plan, "seed {seed}");
        }
    }
}
