//! The job done with instant-acme, as its own example `provision` does it, with all its defaults.

use base64ct::{Base64UrlUnpadded, Encoding};
use instant_acme::{
    Account, AuthorizationStatus, ChallengeType, Identifier, NewOrder, OrderStatus, RetryPolicy,
};
use serde_json::json;

use crate::Failure;
use crate::child::side_by_side;
use crate::job::Job;
use crate::listener::Proofs;

/// Issues everything.
pub(crate) async fn issue_all(job: &Job, proofs: &Proofs) -> Result<(), Failure> {
    let credentials = json!({
        "id": job.account.url,
        "key_pkcs8": Base64UrlUnpadded::encode_string(&job.account_key),
        "directory": job.account.directory_url,
    });
    let account = Account::builder_with_root(&job.root_pem_file)?
        .from_credentials(serde_json::from_value(credentials)?)
        .await?;
    side_by_side(job, |names| issue(account.clone(), names, proofs.clone())).await
}

async fn issue(account: Account, names: Vec<String>, proofs: Proofs) -> Result<(), Failure> {
    let identifiers: Vec<_> = names.into_iter().map(Identifier::Dns).collect();
    let mut order = account.new_order(&NewOrder::new(&identifiers)).await?;
    let mut tokens = Vec::new();
    let mut authorizations = order.authorizations();
    while let Some(authorization) = authorizations.next().await {
        let mut authorization = authorization?;
        match authorization.status {
            AuthorizationStatus::Pending => {}
            AuthorizationStatus::Valid => continue,
            status => return Err(format!("the authorization is {status:?}").into()),
        }
        let mut challenge =
            authorization.challenge(ChallengeType::Http01).ok_or("no http-01 is offered")?;
        tokens.push(challenge.token.clone());
        let key_authorization = challenge.key_authorization();
        proofs.publish(&challenge.token, key_authorization.as_str(), &challenge.url);
        challenge.set_ready().await?;
    }
    let status = order.poll_ready(&RetryPolicy::default()).await?;
    if status != OrderStatus::Ready {
        return Err(format!("the order is {status:?}").into());
    }
    order.finalize().await?;
    order.poll_certificate(&RetryPolicy::default()).await?;
    for token in tokens {
        proofs.withdraw(&token);
    }
    Ok(())
}
