//! The job done with acmekit, as its documentation shows it.

use acmekit::solver::{Solver, SolverFuture};
use acmekit::{ChallengeType, Client, Offer, PrivateKey, Wanted};

use crate::Failure;
use crate::child::side_by_side;
use crate::job::Job;
use crate::listener::Proofs;

struct Shared(Proofs);

impl Solver for Shared {
    fn supports(&self, offer: &Offer) -> bool {
        offer.kind == ChallengeType::Http01
    }

    fn present<'a>(&'a self, offer: &'a Offer) -> SolverFuture<'a> {
        self.0.publish(token(offer), offer.http01_body(), offer.id.as_str());
        Box::pin(std::future::ready(Ok(())))
    }

    fn withdraw<'a>(&'a self, offer: &'a Offer) -> SolverFuture<'a> {
        self.0.withdraw(token(offer));
        Box::pin(std::future::ready(Ok(())))
    }
}

fn token(offer: &Offer) -> &str {
    offer.token.as_ref().map_or("", |token| token.as_str())
}

/// Issues everything; returns how many requests the client has counted.
pub(crate) async fn issue_all(job: &Job, proofs: &Proofs) -> Result<u64, Failure> {
    let key = PrivateKey::from_pkcs8_der(&job.account_key)?;
    let client = Client::builder(job.account.directory_url.as_str())
        .account_key(key)
        .account(job.account.clone())
        .add_root_certificate_pem(&std::fs::read(&job.root_pem_file)?)?
        .solver(Shared(proofs.clone()))
        .build()?;
    side_by_side(job, |names| {
        let client = client.clone();
        async move {
            client.obtain(Wanted::names(names)?).await?;
            Ok(())
        }
    })
    .await?;
    Ok(client.request_counts().total())
}
