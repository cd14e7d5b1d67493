//! One server with everything that its clients need, and the running of flows at it.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use acmekit::solver::dns01::Dns01Exec;
use acmekit::solver::http01::Http01Listener;
use acmekit::solver::tls_alpn01::TlsAlpn01Listener;
use acmekit::{ChallengeType, Client, ClientBuilder, KeyType, Obtained, PrivateKey, Wanted};

use super::expected::{FLOWS, expected};
use super::record::{self, Outcome};
use super::server::{Kind, Server, Setup};
use crate::interop::clients::{address, assert_issued_under, builder, new_key, registration};
use crate::interop::dns_hook::DnsHook;
use crate::interop::openssl::Judged;
use crate::interop::or_skip;

/// For one flow; it takes a tenth of it.
const TIME_LIMIT: Duration = Duration::from_secs(30);
/// Pebble 2.4.0 may deadlock; more often than this in a row it does not.
const TRIALS: u32 = 4;

/// A running server, and who answers its challenges.
pub(crate) struct Site {
    pub(crate) server: Server,
    http01: Arc<Http01Listener>,
    tls_alpn01: Arc<TlsAlpn01Listener>,
    dns: DnsHook,
    /// Those of the flow under way.
    clients: Mutex<Vec<Client>>,
}

impl Site {
    /// Starts the server; `None` is a skip.
    pub(crate) async fn start(kind: Kind, setup: Setup) -> Option<Self> {
        let server = or_skip(Server::start(kind, setup))?;
        let (http, tls) = server.challenge_ports();
        let ip = server.challenge_address();
        let http01 = Http01Listener::bind(address(ip, http)).await.expect("the port is free");
        let tls_alpn01 = TlsAlpn01Listener::bind(address(ip, tls)).await.expect("the port is free");
        let dns = DnsHook::new(server.dns());
        let (http01, tls_alpn01) = (Arc::new(http01), Arc::new(tls_alpn01));
        Some(Self { server, http01, tls_alpn01, dns, clients: Mutex::default() })
    }

    /// Runs a flow, compares with what is expected of this server, and writes it down.
    pub(crate) async fn run(
        &mut self,
        flow: &'static str,
        trial: impl AsyncFn(&Self) -> Result<Outcome, acmekit::Error>,
    ) {
        let kind = self.server.kind;
        let mut seen = None;
        for _ in 0..TRIALS {
            self.clients.lock().unwrap().clear();
            let trial = trial(self);
            if let Ok(ended) = tokio::time::timeout(TIME_LIMIT, trial).await {
                seen = Some(ended);
                break;
            }
            self.server.restart();
        }
        let seen = seen.unwrap_or_else(|| panic!("{flow}: {TRIALS} times no end"));
        let outcome = match &seen {
            Ok(outcome) => outcome.clone(),
            Err(error) => Outcome::of(error),
        };
        let what = format!("{flow} at {}: {seen:?}", kind.name());
        expected(kind, flow).assert_is(&outcome, &what);

        let number = FLOWS.iter().position(|(_, name)| *name == flow).expect("it is in the list");
        record::flow(number, FLOWS[number].0, flow, kind, &outcome);
        for client in self.clients.lock().unwrap().iter() {
            for deviation in client.deviations() {
                record::deviation(kind, &deviation);
            }
        }
    }

    /// Begins a client with this account key.
    pub(crate) fn builder(&self, key: &PrivateKey) -> ClientBuilder {
        builder(&self.server.directory_url(), self.server.tls_root(), key)
    }

    /// Builds a client that is asked for deviations when the flow has ended.
    pub(crate) fn build(&self, builder: ClientBuilder) -> Client {
        let client = builder.build().expect("the set-up is right");
        self.clients.lock().unwrap().push(client.clone());
        client
    }

    /// A client with this account key and no solver.
    pub(crate) fn client(&self, key: &PrivateKey) -> Client {
        self.build(self.builder(key))
    }

    /// A client with this account key that can answer this kind of challenge.
    pub(crate) fn solving_with(&self, key: &PrivateKey, challenge: &ChallengeType) -> Client {
        let builder = self.builder(key);
        self.build(match challenge {
            ChallengeType::Http01 => builder.solver(Arc::clone(&self.http01)),
            ChallengeType::TlsAlpn01 => builder.solver(Arc::clone(&self.tls_alpn01)),
            ChallengeType::Dns01 => {
                builder.solver(Dns01Exec::new(self.dns.program()).expect("the hook is a program"))
            }
            other => panic!("there is no solver for {other}"),
        })
    }

    /// A new account that can answer this kind of challenge.
    pub(crate) async fn registered(
        &self,
        challenge: &ChallengeType,
    ) -> Result<Client, acmekit::Error> {
        let client = self.solving_with(&new_key(KeyType::P256), challenge);
        client.register(registration()).await?;
        Ok(client)
    }

    /// Obtains a certificate and lets OpenSSL judge it.
    pub(crate) async fn obtain(
        &self,
        client: &Client,
        names: &[impl AsRef<str>],
    ) -> Result<Obtained, acmekit::Error> {
        let obtained = client.obtain(Wanted::names(names)?).await?;
        self.judge(&obtained, names, "P-256");
        Ok(obtained)
    }

    /// Lets OpenSSL judge a certificate of the default chain.
    pub(crate) fn judge(
        &self,
        obtained: &Obtained,
        names: &[impl AsRef<str>],
        key: &str,
    ) -> Judged {
        let root = self.server.issuing_root(0).expect("there is a default chain");
        assert_issued_under(&root, obtained, names, key)
    }
}
