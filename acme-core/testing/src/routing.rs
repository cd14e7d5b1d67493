//! From URL and headers to the right handler: transport rules, then the outer JWS (RFC 8555 §6).

use std::collections::{BTreeMap, VecDeque};

use http::request::Parts;
use http::{Method, StatusCode, Uri};
use serde_json::{Map, Value, json};

use crate::ca::TestingCa;
use crate::cause::RefusalCause;
use crate::config::{Config, ExternalAccountPolicy};
use crate::entropy::SeededEntropy;
use crate::json;
use crate::jws::{Flattened, OUTER, odd_members};
use crate::keys::PublicKey;
use crate::log::RequestKind;
use crate::problem::Problem;
use crate::reply::Reply;

/// Bodies longer than this are refused: 128 KiB, many times the longest honest CSR.
pub(crate) const MAX_BODY: usize = 128 * 1024;

/// The resources that the directory names, at URLs as opaque as all others.
#[derive(Debug)]
pub(crate) struct Paths {
    pub(crate) directory: String,
    new_nonce: String,
    pub(crate) new_account: String,
    new_order: String,
    revoke_certificate: String,
    key_change: String,
    new_authorization: Option<String>,
    pub(crate) renewal_info: Option<String>,
    /// RFC 8555 §7.1.1: unknown members must not disturb a client, so there is one.
    surprise: String,
}

impl Paths {
    pub(crate) fn new(entropy: &mut SeededEntropy, config: &Config) -> Self {
        let mut opaque = || format!("/{}", entropy.text::<12>());
        Self {
            directory: config.directory_path.clone(),
            new_nonce: opaque(),
            new_account: opaque(),
            new_order: opaque(),
            revoke_certificate: opaque(),
            key_change: opaque(),
            surprise: opaque(),
            new_authorization: config.preauthorization.then(&mut opaque),
            renewal_info: config.renewal_information.then(&mut opaque),
        }
    }

    pub(crate) fn resources(&self) -> BTreeMap<String, Resource> {
        let mut resources = BTreeMap::from([
            (self.directory.clone(), Resource::Directory),
            (self.new_nonce.clone(), Resource::NewNonce),
            (self.new_account.clone(), Resource::NewAccount),
            (self.new_order.clone(), Resource::NewOrder),
            (self.revoke_certificate.clone(), Resource::RevokeCertificate),
            (self.key_change.clone(), Resource::KeyChange),
        ]);
        if let Some(path) = &self.new_authorization {
            resources.insert(path.clone(), Resource::NewAuthorization);
        }
        resources
    }
}

/// What is at a URL; the numbers are positions in the CA's lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Resource {
    Directory,
    NewNonce,
    NewAccount,
    NewAuthorization,
    NewOrder,
    RevokeCertificate,
    KeyChange,
    Account(usize),
    OrdersList { account: usize, page: usize },
    Order(usize),
    Finalize(usize),
    Authorization(usize),
    Challenge { authorization: usize, index: usize },
    Certificate { certificate: usize, chain: usize },
    RenewalInfo(usize),
}

impl Resource {
    pub(crate) const fn kind(self) -> RequestKind {
        match self {
            Self::Directory => RequestKind::Directory,
            Self::NewNonce => RequestKind::NewNonce,
            Self::NewAccount => RequestKind::NewAccount,
            Self::NewAuthorization => RequestKind::NewAuthorization,
            Self::NewOrder => RequestKind::NewOrder,
            Self::RevokeCertificate => RequestKind::RevokeCertificate,
            Self::KeyChange => RequestKind::KeyChange,
            Self::Account(_) => RequestKind::Account,
            Self::OrdersList { .. } => RequestKind::OrdersList,
            Self::Order(_) => RequestKind::Order,
            Self::Finalize(_) => RequestKind::Finalize,
            Self::Authorization(_) => RequestKind::Authorization,
            Self::Challenge { .. } => RequestKind::Challenge,
            Self::Certificate { .. } => RequestKind::Certificate,
            Self::RenewalInfo(_) => RequestKind::RenewalInfo,
        }
    }
}

/// Who signed a request.
pub(crate) enum Signatory {
    /// A `kid`: the position of the account.
    Account(usize),
    /// A `jwk`: the key, and the object it stood in.
    Key(Box<PublicKey>, Map<String, Value>),
}

/// A request whose JWS is in order.
pub(crate) struct Signed {
    pub(crate) url: String,
    pub(crate) signatory: Signatory,
    pub(crate) payload: Vec<u8>,
}

impl Signed {
    /// The account that signed by `kid`.
    pub(crate) fn account(&self) -> Result<usize, Problem> {
        match self.signatory {
            Signatory::Account(account) => Ok(account),
            Signatory::Key(..) => {
                let detail = "this request must be signed with `kid`, not `jwk`";
                Err(Problem::malformed(detail).breach("R-JWS-03"))
            }
        }
    }

    pub(crate) fn is_post_as_get(&self) -> bool {
        self.payload.is_empty()
    }

    /// Refuses a payload where only POST-as-GET makes sense (§6.3).
    pub(crate) fn expect_post_as_get(&self) -> Result<(), Problem> {
        if self.is_post_as_get() {
            return Ok(());
        }
        let detail = "this resource is read by POST-as-GET: the payload must be the empty text";
        Err(Problem::malformed(detail).breach("R-JWS-16"))
    }

    /// The payload as a JSON object.
    pub(crate) fn object(&self, requirement: &'static str) -> Result<Map<String, Value>, Problem> {
        json::object(&self.payload).map_err(|reason| {
            let detail = format!("the payload cannot be read: {reason}");
            Problem::malformed(detail).breach(requirement)
        })
    }
}

impl TestingCa {
    /// The URL that was asked for; one without an origin gets the CA's own.
    pub(crate) fn request_url(&self, uri: &Uri) -> String {
        match uri.authority() {
            Some(_) => uri.to_string(),
            None => self.url(uri.path_and_query().map_or("/", |path| path.as_str())),
        }
    }

    pub(crate) fn route(
        &mut self,
        parts: &Parts,
        url: &str,
        resource: Option<Resource>,
        body: Vec<u8>,
    ) -> Result<Reply, Problem> {
        self.check_headers(parts)?;
        let Some(resource) = resource else {
            let detail = "the CA has handed out no such URL";
            return Err(Problem::new(RefusalCause::UnknownUrl, detail).breach("R-URL-02"));
        };
        match (&parts.method, resource) {
            (&Method::POST, _) => {}
            (&Method::GET | &Method::HEAD, Resource::Directory | Resource::NewNonce) => {
                self.refuse_as_scripted(resource)?;
                return Ok(match (&parts.method, resource) {
                    (_, Resource::Directory) => self.directory(),
                    (&Method::HEAD, _) => self.new_nonce(StatusCode::OK),
                    _ => self.new_nonce(StatusCode::NO_CONTENT),
                });
            }
            (&Method::GET, Resource::RenewalInfo(certificate)) => {
                self.refuse_as_scripted(resource)?;
                return self.renewal_info(certificate);
            }
            (method, _) => {
                let detail = format!("{method} is not allowed here: use POST or POST-as-GET");
                let problem = Problem::new(RefusalCause::Method, detail).value(method.as_str());
                let problem = problem.breach("R-URL-03");
                return Err(problem.header("allow", "POST".to_owned()));
            }
        }
        let signed = self.verify(url, &body)?;
        if !matches!(resource, Resource::NewAccount | Resource::RevokeCertificate) {
            signed.account()?;
        }
        self.refuse_as_scripted(resource)?;
        match resource {
            Resource::Directory => signed.expect_post_as_get().map(|()| self.directory()),
            Resource::NewNonce => {
                signed.expect_post_as_get().map(|()| Reply::empty(StatusCode::NO_CONTENT))
            }
            Resource::RenewalInfo(certificate) => self.renewal_info(certificate),
            Resource::NewAccount => self.new_account(&signed),
            Resource::NewAuthorization => self.new_authorization(&signed),
            Resource::NewOrder => self.new_order(&signed),
            Resource::RevokeCertificate => self.revoke_certificate(&signed),
            Resource::KeyChange => self.key_change(&signed),
            Resource::Account(account) => self.account(&signed, account),
            Resource::OrdersList { account, page } => self.orders_list(&signed, account, page),
            Resource::Order(order) => self.order(&signed, order),
            Resource::Finalize(order) => self.finalize(&signed, order),
            Resource::Authorization(index) => self.authorization(&signed, index),
            Resource::Challenge { authorization, index } => {
                self.challenge(&signed, authorization, index)
            }
            Resource::Certificate { certificate, chain } => {
                self.certificate(&signed, &parts.headers, certificate, chain)
            }
        }
    }

    /// See [`TestingCa::refuse_next`].
    fn refuse_as_scripted(&mut self, resource: Resource) -> Result<(), Problem> {
        match self.refusals.get_mut(&resource.kind()).and_then(VecDeque::pop_front) {
            Some(cause) => Err(Problem::new(cause, "refused by the script of the test")),
            None => Ok(()),
        }
    }

    fn check_headers(&mut self, parts: &Parts) -> Result<(), Problem> {
        let header = |name: &str| parts.headers.get(name).map(|value| value.as_bytes());
        if header("user-agent").is_none_or(<[u8]>::is_empty) {
            let detail = "the request has no User-Agent (RFC 8555 §6.1)";
            return Err(Problem::malformed(detail).breach("R-TRN-02"));
        }
        if header("replay-nonce").is_some() {
            self.note("R-NON-03", "the request carries a Replay-Nonce header");
        }
        if parts.method == Method::POST && header("content-type") != Some(b"application/jose+json")
        {
            let detail = "the Content-Type must be exactly application/jose+json";
            let sent = header("content-type").unwrap_or_default();
            let problem = Problem::new(RefusalCause::ContentType, detail);
            return Err(problem.value(String::from_utf8_lossy(sent)).breach("R-TRN-04"));
        }
        Ok(())
    }

    /// Verifies the outer JWS (§6.2 to §6.5): form, URL, nonce, key, signature.
    fn verify(&mut self, url: &str, body: &[u8]) -> Result<Signed, Problem> {
        if body.len() > MAX_BODY {
            return Err(Problem::new(RefusalCause::BodyTooLong, "the body is longer than 128 KiB"));
        }
        let jws = Flattened::parse(body, OUTER)?;
        // The nonce is spent even when something else turns out wrong, so that it cannot be used
        // a second time.
        let spent = match jws.header.get("nonce").and_then(Value::as_str) {
            Some(nonce) => self.nonces.redeem(nonce, self.config.bad_nonce_percent),
            None => {
                let detail = "the protected header has no nonce";
                Err(Problem::new(RefusalCause::Nonce, detail).breach("R-JWS-02"))
            }
        };
        jws.allow_header(&["alg", "nonce", "url", "jwk", "kid"], OUTER)?;
        if jws.header.contains_key("jwk") == jws.header.contains_key("kid") {
            let detail = "the protected header needs one of `jwk` and `kid`, not both or neither";
            return Err(Problem::malformed(detail).breach("R-JWS-02"));
        }
        let algorithm = jws.algorithm(&self.config.signature_algorithms, OUTER)?.to_owned();
        if jws.text("url", OUTER)? != url {
            let detail = "the `url` of the protected header is not the URL of the request";
            return Err(Problem::new(RefusalCause::UrlMismatch, detail).breach("R-URL-01"));
        }
        spent?;
        let signatory = match jws.header.get("kid") {
            Some(kid) => {
                let account = self.account_by_kid(kid)?;
                let key = self.account_at(account)?.key.clone();
                jws.verify(&key, &algorithm, OUTER)?;
                self.check_active(account)?;
                Signatory::Account(account)
            }
            None => {
                let (key, jwk) = jws.jwk(OUTER)?;
                jws.verify(&key, &algorithm, OUTER)?;
                let jwk = jwk.clone();
                self.note_odd_jwk(&key, &jwk);
                Signatory::Key(Box::new(key), jwk)
            }
        };
        Ok(Signed { url: url.to_owned(), signatory, payload: jws.payload })
    }

    /// Spends the nonce of a request that is not looked at further.
    pub(crate) fn spend_nonce(&mut self, body: &[u8]) {
        let jws = Flattened::parse(body, OUTER).ok();
        let nonce = jws.as_ref().and_then(|jws| jws.header.get("nonce")).and_then(Value::as_str);
        if let Some(Err(problem)) = nonce.map(|nonce| self.nonces.redeem(nonce, 0))
            && let Some(requirement) = problem.requirement
        {
            self.note(requirement, problem.detail.clone());
        }
    }

    fn account_by_kid(&mut self, kid: &Value) -> Result<usize, Problem> {
        let kid = kid.as_str().unwrap_or_default();
        let path = kid.strip_prefix(self.config.base_url.as_str());
        match path.and_then(|path| self.resources.get(path)) {
            Some(Resource::Account(account)) => Ok(*account),
            Some(_) => {
                let detail = "the `kid` is a URL of this CA, but not of an account";
                Err(Problem::malformed(detail).breach("R-JWS-04"))
            }
            None => Err(Problem::new(RefusalCause::AccountUnknown, "there is no such account")),
        }
    }

    /// A JWK may hold more than RFC 7638 hashes, but ACME has no use for it.
    pub(crate) fn note_odd_jwk(&mut self, key: &PublicKey, jwk: &Map<String, Value>) {
        let required = key.required_members();
        let is_required = |name: &String| required.get(name.as_str()).is_some();
        if let Some(name) = jwk.keys().find(|name| !is_required(name)) {
            self.note("R-JWS-11", format!("the JWK holds the needless member {name:?}"));
        }
    }

    /// Records the members of a payload that nobody defined, and nulls.
    pub(crate) fn note_odd_members(
        &mut self,
        payload: &Map<String, Value>,
        allowed: &[&str],
        requirement: &'static str,
    ) {
        for text in odd_members(payload, allowed) {
            self.note(requirement, text);
        }
    }

    fn directory(&self) -> Reply {
        let paths = &self.paths;
        let mut meta = Map::new();
        meta.insert("website".to_owned(), json!(self.config.base_url));
        meta.insert("caaIdentities".to_owned(), json!(self.config.caa_identities));
        if let Some(terms) = &self.config.terms_of_service {
            meta.insert("termsOfService".to_owned(), json!(terms));
        }
        let policy = self.config.external_account_policy;
        if policy != ExternalAccountPolicy::Disabled {
            let required = policy == ExternalAccountPolicy::Required;
            meta.insert("externalAccountRequired".to_owned(), json!(required));
        }
        if self.config.subdomains {
            meta.insert("subdomainAuthAllowed".to_owned(), json!(true));
        }
        if !self.config.profiles.is_empty() {
            meta.insert("profiles".to_owned(), json!(self.config.profiles));
        }
        let mut body = json!({
            "newNonce": self.url(&paths.new_nonce),
            "newAccount": self.url(&paths.new_account),
            "newOrder": self.url(&paths.new_order),
            "revokeCert": self.url(&paths.revoke_certificate),
            "keyChange": self.url(&paths.key_change),
            "meta": meta,
        });
        if let Some(members) = body.as_object_mut() {
            if let Some(path) = &paths.new_authorization {
                members.insert("newAuthz".to_owned(), json!(self.url(path)));
            }
            if let Some(path) = &paths.renewal_info {
                members.insert("renewalInfo".to_owned(), json!(self.url(path)));
            }
            let name = paths.surprise.trim_start_matches('/').to_owned();
            members.insert(name, json!("unknown members are to be ignored (RFC 8555 §7.1.1)"));
        }
        Reply::json(StatusCode::OK, &body)
    }

    fn new_nonce(&mut self, status: StatusCode) -> Reply {
        let reply = Reply::empty(status).header("cache-control", "no-store".to_owned());
        if self.config.nonce_on_new_nonce {
            reply.header("replay-nonce", self.nonces.issue())
        } else {
            reply
        }
    }
}
