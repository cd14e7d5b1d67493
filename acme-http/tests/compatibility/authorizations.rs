//! Authorizations made before an order, and given up.

use std::collections::BTreeSet;

use acmekit::core::action::{Action, Input};
use acmekit::core::certificate::CertificateRequestParameters;
use acmekit::core::error::{Error, Misuse};
use acmekit::core::flow::{Checkpoint, Context, Flow};
use acmekit::{
    CertificateRequest, ChallengeType, Issue, KeyType, NewOrder, RequestKind, SystemEntropy,
};

use super::record::Outcome;
use super::server::{Kind, Setup};
use super::site::Site;
use crate::interop::clients::new_key;

pub(crate) async fn all(kind: Kind) {
    let Some(mut site) = Site::start(kind, Setup::Open).await else {
        return;
    };
    site.run("authorize before the order", async |site| {
        let client = site.registered(&ChallengeType::Http01).await?;
        let name = "early.example.org";
        let authorized = client.preauthorize(name.parse().unwrap()).await?;
        assert!(authorized.authorization_url.starts_with("https://"));
        let before = client.request_counts().of(RequestKind::Challenge);
        site.obtain(&client, &[name]).await?;
        assert_eq!(client.request_counts().of(RequestKind::Challenge), before);
        Ok(Outcome::WORKS)
    })
    .await;
    site.run("deactivate an authorization", async |site| {
        let client = site.registered(&ChallengeType::Http01).await?;
        let name = "left.example.org";
        let identifiers = [name.parse().unwrap()];
        let parameters = CertificateRequestParameters::new(identifiers.clone());
        let key = new_key(KeyType::P256);
        let request = CertificateRequest::build(&parameters, &key, &mut SystemEntropy).unwrap();
        let issue = Issue::new(NewOrder::new(identifiers), request);
        let mut watched = Watched { flow: issue, read: BTreeSet::new() };
        client.run(&mut watched).await?;
        assert_eq!(watched.read.len(), 1, "{:?}", watched.read);
        for url in &watched.read {
            client.deactivate_authorization(url).await?;
        }
        let before = client.request_counts().of(RequestKind::Challenge);
        site.obtain(&client, &[name]).await?;
        let after = client.request_counts().of(RequestKind::Challenge);
        assert_eq!(after - before, 1, "the name is validated anew");
        Ok(Outcome::WORKS)
    })
    .await;
}

/// A flow, and the authorizations that it reads.
struct Watched<F> {
    flow: F,
    read: BTreeSet<String>,
}

impl<F: Flow> Flow for Watched<F> {
    type Output = F::Output;

    fn poll(&mut self, cx: &mut Context<'_>) -> Result<Action<F::Output>, Error> {
        let action = self.flow.poll(cx)?;
        if let Action::Send(outgoing) = &action
            && outgoing.kind == RequestKind::Authorization
        {
            self.read.insert(outgoing.request.uri().to_string());
        }
        Ok(action)
    }

    fn handle(&mut self, cx: &mut Context<'_>, input: Input) -> Result<(), Misuse> {
        self.flow.handle(cx, input)
    }

    fn checkpoint(&self) -> Checkpoint {
        self.flow.checkpoint()
    }
}
