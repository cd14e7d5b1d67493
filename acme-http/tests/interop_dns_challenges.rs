//! Certificates from the current Pebble by the challenges of the DNS that name the account:
//! dns-account-01 and dns-persist-01. Debian's Pebble knows neither.

mod interop;

use std::process::Command;
use std::time::Duration;

use acmekit::core::challenge::dns_persist01::DirectoryMetadata;
use acmekit::solver::{Solver, SolverError, SolverFuture};
use acmekit::{ChallengeType, Client, Offer, RequestKind, Wanted};
use interop::clients::{assert_issued, client_of, in_time, registration, start_for};
use interop::or_skip;
use interop::pebble::{Settings, Version};

const TIME_LIMIT: Duration = Duration::from_secs(40);

/// Sets records in `pebble-challtestsrv`, which is told by HTTP.
struct Records {
    kind: ChallengeType,
    management_url: String,
}

impl Records {
    fn set(&self, offer: &Offer) -> Result<(), SolverError> {
        let (name, value) = match self.kind {
            ChallengeType::DnsAccount01 => (offer.dns_account01_name(), offer.dns01_value()),
            _ => {
                // Pebble speaks revision -01, for which the directory says nothing.
                let record = offer
                    .dns_persist01_record(&DirectoryMetadata::default())
                    .map_err(|error| SolverError::new(error.to_string()))?;
                (Some(record.name().to_owned()), record.value())
            }
        };
        let name = name.ok_or_else(|| SolverError::new("the account has no URL"))?;
        self.manage("set-txt", &serde_json::json!({ "host": format!("{name}."), "value": value }))
    }

    fn manage(&self, action: &str, body: &serde_json::Value) -> Result<(), SolverError> {
        let status = Command::new("curl")
            .args(["--silent", "--fail", "--max-time", "10", "--noproxy", "*", "--data-binary"])
            .arg(body.to_string())
            .arg(format!("{}/{action}", self.management_url))
            .status()
            .map_err(|error| SolverError::new(error.to_string()))?;
        if status.success() { Ok(()) } else { Err(SolverError::new("curl failed")) }
    }
}

impl Solver for Records {
    fn supports(&self, offer: &Offer) -> bool {
        offer.kind == self.kind
    }

    fn present<'a>(&'a self, offer: &'a Offer) -> SolverFuture<'a> {
        Box::pin(core::future::ready(self.set(offer)))
    }

    fn withdraw<'a>(&'a self, offer: &'a Offer) -> SolverFuture<'a> {
        let is_gone = match offer.dns_account01_name() {
            Some(name) if self.kind == ChallengeType::DnsAccount01 => {
                self.manage("clear-txt", &serde_json::json!({ "host": format!("{name}.") }))
            }
            // A persistent record stays, for the next order.
            _ => Ok(()),
        };
        Box::pin(core::future::ready(is_gone))
    }
}

async fn issues_by(kind: ChallengeType) {
    let settings = Settings::default();
    let Some(pebble) = or_skip(start_for(Version::Current, &settings, &kind)) else {
        return;
    };
    in_time(TIME_LIMIT, pebble, async |pebble| {
        let management_url = pebble.dns().management_url();
        let solver = Records { kind: kind.clone(), management_url };
        let client: Client = client_of(pebble).solver(solver).build().unwrap();
        client.register(registration()).await.unwrap();
        for names in [
            &["account.example.org"][..],
            &["*.wild.example.org"],
            &["both.example.org", "*.both.example.org"],
        ] {
            let obtained = client.obtain(Wanted::names(names).unwrap()).await.unwrap();
            assert_issued(pebble, &obtained, names, "P-256");
        }
        assert_eq!(client.request_counts().of(RequestKind::Challenge), 4);
    })
    .await;
}

#[tokio::test]
async fn current_pebble_issues_by_dns_account_01() {
    issues_by(ChallengeType::DnsAccount01).await;
}

#[tokio::test]
async fn current_pebble_issues_by_dns_persist_01() {
    issues_by(ChallengeType::DnsPersist01).await;
}
