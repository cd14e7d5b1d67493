//! Certificates from the current Pebble by the challenges of the DNS that name the account:
//! dns-account-01 and dns-persist-01. Debian's Pebble knows neither.

mod interop;

use std::process::Command;
use std::time::Duration;

use acmekit::core::challenge::dns_persist01::DirectoryMetadata;
use acmekit::solver::dns01::Dns01Exec;
use acmekit::solver::{Solver, SolverError, SolverFuture};
use acmekit::{ChallengeType, Client, Offer, RequestKind, Wanted};
use interop::clients::{assert_issued, client_of, in_time, registration};
use interop::dns_hook::DnsHook;
use interop::or_skip;
use interop::pebble::{Pebble, Settings, Version};
use serde_json::json;

const TIME_LIMIT: Duration = Duration::from_secs(40);

/// Publishes records that stay, in `pebble-challtestsrv`, which is told by HTTP.
struct PersistentRecords {
    management_url: String,
}

impl PersistentRecords {
    fn publish(&self, offer: &Offer) -> Result<(), SolverError> {
        // Pebble speaks revision -01, for which the directory says nothing.
        let record = offer
            .dns_persist01_record(&DirectoryMetadata::default())
            .map_err(|error| SolverError::new(error.to_string()))?;
        let body = json!({ "host": format!("{}.", record.name()), "value": record.value() });
        let status = Command::new("curl")
            .args(["--silent", "--fail", "--max-time", "10", "--noproxy", "*", "--data-binary"])
            .arg(body.to_string())
            .arg(format!("{}/set-txt", self.management_url))
            .status()
            .map_err(|error| SolverError::new(error.to_string()))?;
        if status.success() { Ok(()) } else { Err(SolverError::new("curl failed")) }
    }
}

impl Solver for PersistentRecords {
    fn supports(&self, offer: &Offer) -> bool {
        offer.kind == ChallengeType::DnsPersist01
    }

    fn present<'a>(&'a self, offer: &'a Offer) -> SolverFuture<'a> {
        Box::pin(core::future::ready(self.publish(offer)))
    }

    fn withdraw<'a>(&'a self, _offer: &'a Offer) -> SolverFuture<'a> {
        Box::pin(core::future::ready(Ok(())))
    }
}

/// A name, a wildcard, and both of one name.
async fn every_shape(pebble: &Pebble, client: &Client) {
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
}

fn start() -> Option<Pebble> {
    or_skip(Pebble::start(Version::Current, &Settings::default()))
}

#[tokio::test]
async fn current_pebble_issues_by_dns_account_01() {
    let Some(pebble) = start() else { return };
    in_time(TIME_LIMIT, pebble, async |pebble| {
        let hook = DnsHook::new(pebble.dns());
        let solver = Dns01Exec::new(hook.program()).unwrap().with_account_label();
        let client = client_of(pebble).solver(solver).build().unwrap();
        every_shape(pebble, &client).await;
        assert_eq!(hook.runs(), (4, 4), "every record is removed");
    })
    .await;
}

#[tokio::test]
async fn current_pebble_issues_by_dns_persist_01() {
    let Some(pebble) = start() else { return };
    in_time(TIME_LIMIT, pebble, async |pebble| {
        let solver = PersistentRecords { management_url: pebble.dns().management_url() };
        let client = client_of(pebble).solver(solver).build().unwrap();
        every_shape(pebble, &client).await;
        assert_eq!(client.fetch_account().await.unwrap(), client.account().unwrap());
    })
    .await;
}
