//! Setting up a client. Nothing is sent here, so every mistake in the set-up shows before the CA
//! hears of it.

use core::fmt;
use core::time::Duration;
use std::sync::{Arc, Mutex};

use acmekit_core::account::Account;
use acmekit_core::ca::CaProfile;
use acmekit_core::crypto::PrivateKey;
use acmekit_core::jose::{AccountKey, Jwk};
use acmekit_core::policy::Policy;
use acmekit_core::session::Session;
use tokio::sync::watch;

use crate::client::{Client, Shared};
use crate::error::Error;
use crate::event::{Event, Observer};
use crate::publish::Publisher;
use crate::signer::ExternalSigner;
use crate::solver::Solver;
use crate::transport::{HttpOptions, Transport, tls};

/// This library and the HTTP stack below it in `User-Agent` (RFC 8555 §6.1); the program may put
/// its own name in front.
const PRODUCT: &str = concat!("acmekit/", env!("CARGO_PKG_VERSION"), " reqwest/0.13");

/// Sets up a [`Client`]; made by [`Client::builder`].
///
/// ```
/// use acmekit::{Client, KeyType, PrivateKey, SystemEntropy};
///
/// let client = Client::builder("https://ca.example/directory")
///     .account_key(PrivateKey::generate(KeyType::P256, &mut SystemEntropy)?)
///     .user_agent("my-program/1.0")
///     .build()?;
/// # Ok::<(), acmekit::Error>(())
/// ```
#[must_use]
pub struct ClientBuilder {
    directory_url: String,
    key: Option<Result<AccountKey, Error>>,
    account: Option<Account>,
    policy: Policy,
    profile: Option<CaProfile>,
    allow_loopback_http: Option<bool>,
    user_agent: Option<String>,
    accept_language: Option<String>,
    http: HttpOptions,
    http_client: Option<reqwest::Client>,
    solvers: Vec<Arc<dyn Solver>>,
    account_signer: Option<Arc<dyn ExternalSigner>>,
    certificate_signer: Option<Arc<dyn ExternalSigner>>,
    observer: Option<Box<Observer>>,
}

impl ClientBuilder {
    pub(crate) fn new(directory_url: String) -> Self {
        Self {
            directory_url,
            key: None,
            account: None,
            policy: Policy::default(),
            profile: None,
            allow_loopback_http: None,
            user_agent: None,
            accept_language: None,
            http: HttpOptions::default(),
            http_client: None,
            solvers: Vec::new(),
            account_signer: None,
            certificate_signer: None,
            observer: None,
        }
    }

    /// Signs with this account key.
    pub fn account_key(mut self, key: PrivateKey) -> Self {
        self.key = Some(Ok(key.into()));
        self.account_signer = None;
        self
    }

    /// Signs with an account key that is held elsewhere, known here by its public half, which
    /// decides the algorithm.
    pub fn account_key_external(mut self, public_key: Jwk, signer: impl ExternalSigner) -> Self {
        self.key = Some(
            AccountKey::external(public_key)
                .map_err(|error| Error::setup("account-key", error.to_string())),
        );
        self.account_signer = Some(Arc::new(signer));
        self
    }

    /// Signs certificate requests with a key that is held elsewhere, for
    /// [`Issue::with_external_key`](crate::Issue::with_external_key).
    pub fn certificate_signer(mut self, signer: impl ExternalSigner) -> Self {
        self.certificate_signer = Some(Arc::new(signer));
        self
    }

    /// Goes on with an account from an earlier run; nothing is sent to check it.
    pub fn account(mut self, account: Account) -> Self {
        self.account = Some(account);
        self
    }

    /// Trusts these roots (PEM, one or more), besides those of the system, when connecting to the
    /// CA's own server.
    ///
    /// # Errors
    /// There is no certificate in the text, or one that cannot be a trust anchor.
    pub fn add_root_certificate_pem(mut self, pem: &[u8]) -> Result<Self, Error> {
        self.http.roots.extend(tls::roots_from_pem(pem)?);
        Ok(self)
    }

    /// Allows a directory at an `http` URL whose host is this machine. For tests. It counts over the
    /// same setting in [`policy`](Self::policy).
    pub fn allow_loopback_http(mut self, allow: bool) -> Self {
        self.allow_loopback_http = Some(allow);
        self
    }

    /// Sets all limits and trust rules.
    pub fn policy(mut self, policy: Policy) -> Self {
        self.policy = policy;
        self
    }

    /// Goes by this profile of the CA: its rules are checked before anything is sent, and it explains
    /// refusals. Without this the profile is the one that knows the directory URL, if any does.
    pub fn profile(mut self, profile: CaProfile) -> Self {
        self.profile = Some(profile);
        self
    }

    /// Names the program in the `User-Agent` of every request, such as `my-program/1.0`.
    pub fn user_agent(mut self, product: impl Into<String>) -> Self {
        self.user_agent = Some(product.into());
        self
    }

    /// Asks the CA for messages in these languages, such as `ja, en;q=0.5`.
    pub fn accept_language(mut self, languages: impl Into<String>) -> Self {
        self.accept_language = Some(languages.into());
        self
    }

    /// Sets the time for one request, from the look-up of the name to the last byte of the answer.
    /// The default is [`DEFAULT_TIMEOUT`](crate::DEFAULT_TIMEOUT).
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.http.timeout = Some(timeout);
        self
    }

    /// Sends all requests through a proxy, such as `http://proxy.example:3128`. Without this the
    /// environment decides (`HTTPS_PROXY`, `NO_PROXY`), except for a directory on this machine.
    pub fn proxy(mut self, url: impl Into<String>) -> Self {
        self.http.proxy = Some(url.into());
        self
    }

    /// Uses an HTTP client that was set up elsewhere, with its own roots, proxy and timeouts. It
    /// must neither follow redirects nor repeat requests nor decode content.
    pub fn http_client(mut self, client: reqwest::Client) -> Self {
        self.http_client = Some(client);
        self
    }

    /// Adds a solver. Where several can publish for a name, the one added first is tried first.
    pub fn solver(mut self, solver: impl Solver) -> Self {
        self.solvers.push(Arc::new(solver));
        self
    }

    /// Calls `observer` with each step of every operation. It must be quick.
    pub fn observe(mut self, observer: impl Fn(&Event<'_>) + Send + Sync + 'static) -> Self {
        self.observer = Some(Box::new(observer));
        self
    }

    /// Makes the client. Nothing is sent.
    ///
    /// # Errors
    /// The directory URL cannot be used, the account key is missing or not that of the account, or
    /// TLS cannot be set up.
    pub fn build(self) -> Result<Client, Error> {
        let key = self.key.unwrap_or_else(|| {
            Err(Error::setup("account-key", "the client has no account key; give it one"))
        })?;
        let mut policy = self.policy;
        policy.allow_loopback_http = self.allow_loopback_http.unwrap_or(policy.allow_loopback_http);
        let mut session = Session::new(self.directory_url.as_str(), key, policy)?;
        if self.profile.is_some() {
            session.set_profile(self.profile);
        }
        let program = self.user_agent.as_deref().unwrap_or_default();
        session.set_user_agent(format!("{program} {PRODUCT}").trim());
        if let Some(languages) = &self.accept_language {
            session.set_accept_language(languages)?;
        }
        if let Some(account) = self.account {
            session.set_account(account)?;
        }
        let client = match self.http_client {
            Some(client) if self.http.is_default() => client,
            Some(_) => {
                return Err(Error::setup(
                    "http-client",
                    "roots, proxy and timeout belong to the HTTP client that was handed in; set \
                     them there",
                ));
            }
            None => self.http.build(&self.directory_url)?,
        };
        Ok(Client::new(Shared {
            session: Mutex::new(session),
            transport: Transport::new(client),
            publisher: Publisher::new(self.solvers),
            account_signer: self.account_signer,
            certificate_signer: self.certificate_signer,
            observer: self.observer,
            wake: watch::Sender::new(()),
            withdrawing: watch::Sender::new(0),
        }))
    }
}

impl fmt::Debug for ClientBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientBuilder")
            .field("directory_url", &self.directory_url)
            .field("account", &self.account)
            .field("solvers", &self.solvers.len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use acmekit_core::crypto::KeyType;

    use super::*;
    use crate::entropy::SystemEntropy;

    fn builder(url: &str) -> ClientBuilder {
        let key = PrivateKey::generate(KeyType::P256, &mut SystemEntropy).unwrap();
        Client::builder(url).account_key(key)
    }

    #[test]
    fn mistakes_in_the_set_up_show_before_anything_is_sent() {
        let code = |builder: ClientBuilder| builder.build().unwrap_err().code().to_owned();
        assert_eq!(code(builder("http://ca.example/directory")), "plain-http");
        assert_eq!(code(builder("http://127.0.0.1:1/directory")), "plain-http");
        assert_eq!(code(Client::builder("https://ca.example/")), "account-key");
        assert_eq!(code(builder("https://ca.example/").proxy("::")), "proxy");
        let foreign = builder("https://ca.example/").http_client(reqwest_client());
        assert_eq!(code(foreign.timeout(Duration::from_secs(1))), "http-client");
        assert!(builder("http://127.0.0.1:1/").allow_loopback_http(true).build().is_ok());
    }

    #[test]
    fn the_profile_is_that_of_the_directory_unless_another_is_named() {
        let profile = |builder: ClientBuilder| {
            let client = builder.build().unwrap();
            client.with_session(|session| session.profile().map(|profile| profile.id.clone()))
        };
        let known = CaProfile::named("letsencrypt").unwrap();
        let url = known.directory_url().unwrap();
        assert_eq!(profile(builder(url)).as_deref(), Some("letsencrypt"));
        assert_eq!(profile(builder("https://ca.example/")), None);
        let named = builder("https://ca.example/").profile(known);
        assert_eq!(profile(named).as_deref(), Some("letsencrypt"));
    }

    #[tokio::test]
    async fn every_request_names_program_library_and_http_stack() {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let server = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = Vec::new();
            while !request.ends_with(b"\r\n\r\n") {
                request.push(stream.read_u8().await.unwrap());
            }
            let refusal = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n";
            stream.write_all(refusal).await.unwrap();
            String::from_utf8(request).unwrap()
        });
        let builder = builder(&url).user_agent("my-program/1.0").accept_language("ja");
        let client = builder.allow_loopback_http(true).build().unwrap();
        client.run(&mut acmekit_core::flow::directory::FetchDirectory::new()).await.unwrap_err();
        let request = server.await.unwrap();
        let line = request.lines().find_map(|line| line.strip_prefix("user-agent: ")).unwrap();
        let products: Vec<_> = line.split(' ').filter_map(|word| word.split_once('/')).collect();
        let names: Vec<_> = products.iter().map(|(name, _)| *name).collect();
        assert_eq!(names, ["my-program", "acmekit", "reqwest", "acmekit-core"], "{line}");
        assert_eq!(products[1].1, env!("CARGO_PKG_VERSION"));
        assert!(request.contains("accept-language: ja\r\n"), "{request}");
    }

    #[test]
    fn debug_output_names_the_directory_and_no_key() {
        let builder = builder("https://ca.example/directory");
        let text = format!("{builder:?} {:?}", builder.directory_url.len());
        assert!(text.contains("https://ca.example/directory"), "{text}");
        assert!(!text.to_lowercase().contains("private"), "{text}");
    }

    fn reqwest_client() -> reqwest::Client {
        let tls = tls::client_config(Vec::new()).unwrap();
        reqwest::Client::builder().tls_backend_preconfigured(tls).build().unwrap()
    }
}
