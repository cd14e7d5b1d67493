//! The CA itself: its state, its clock, and the way from a request to an answer.

use std::collections::{BTreeMap, VecDeque};

use acmekit_core::time::Timestamp;
use http::{Request, Response};

use crate::account::Account;
use crate::authorization::Authorization;
use crate::caa::CaaAnswer;
use crate::cause::RefusalCause;
use crate::certificate::{Issued, Revocation};
use crate::config::Config;
use crate::credential::Credential;
use crate::entropy::SeededEntropy;
use crate::fault::Faults;
use crate::issue::Authority;
use crate::log::{LogEntry, RequestCounts, RequestKind};
use crate::nonce::Nonces;
use crate::order::Order;
use crate::problem::Problem;
use crate::reply::Reply;
use crate::routing::{Paths, Resource};
use crate::trial::Trial;
use crate::validation::{Validation, ValidationId, ValidationOutcome};
use crate::violation::Violation;

/// Before the clock is first told the time.
const NEVER: Timestamp = Timestamp::from_unix_millis(i64::MIN);

/// A certificate authority that speaks RFC 8555 without doing any I/O.
///
/// Requests go in with the time at which they arrive, responses come out. What the CA wants to see
/// for a challenge comes from [`poll_validations`](Self::poll_validations), and what was found
/// goes back in by [`validation_result`](Self::validation_result). The same seed and the same calls
/// give the same bytes. A clock that moves backwards counts as standing still.
#[derive(Debug)]
pub struct TestingCa {
    pub(crate) config: Config,
    pub(crate) entropy: SeededEntropy,
    /// Absent only if making the keys failed, which every signing request then reports.
    pub(crate) authority: Option<Authority>,
    pub(crate) nonces: Nonces,
    pub(crate) paths: Paths,
    pub(crate) resources: BTreeMap<String, Resource>,
    pub(crate) accounts: Vec<Account>,
    pub(crate) credentials: BTreeMap<String, Credential>,
    /// CAA records by owner name.
    pub(crate) caa: BTreeMap<String, CaaAnswer>,
    /// How many remote perspectives agree on a name, where not all do.
    pub(crate) perspectives: BTreeMap<String, u8>,
    pub(crate) refusals: BTreeMap<RequestKind, VecDeque<RefusalCause>>,
    pub(crate) orders: Vec<Order>,
    pub(crate) authorizations: Vec<Authorization>,
    pub(crate) trials: Vec<Trial>,
    pub(crate) certificates: Vec<Issued>,
    pub(crate) faults: Faults,
    pub(crate) now: Timestamp,
    request: u64,
    violations: Vec<Violation>,
    counts: RequestCounts,
    log: Vec<LogEntry>,
}

impl TestingCa {
    /// Makes a CA with keys, URLs and tokens that all come from `seed`.
    pub fn new(config: Config, seed: u64) -> Self {
        let mut entropy = SeededEntropy::labelled(seed, "resources");
        let paths = Paths::new(&mut entropy, &config);
        let credentials = config
            .external_accounts
            .iter()
            .map(|account| (account.key_id.clone(), Credential::new(account.clone(), None)))
            .collect();
        Self {
            authority: Authority::new(seed, config.alternate_roots).ok(),
            nonces: Nonces::new(seed),
            resources: paths.resources(),
            paths,
            entropy,
            config,
            credentials,
            caa: BTreeMap::new(),
            perspectives: BTreeMap::new(),
            refusals: BTreeMap::new(),
            accounts: Vec::new(),
            orders: Vec::new(),
            authorizations: Vec::new(),
            trials: Vec::new(),
            certificates: Vec::new(),
            faults: Faults::default(),
            now: NEVER,
            request: 0,
            violations: Vec::new(),
            counts: RequestCounts::default(),
            log: Vec::new(),
        }
    }

    /// Answers one request that arrives at `now`.
    ///
    /// The URI may be absolute or only a path; an absolute one must be of the CA's own origin. A
    /// response to HEAD has no body.
    pub fn handle(&mut self, now: Timestamp, request: Request<Vec<u8>>) -> Response<Vec<u8>> {
        self.advance(now);
        self.request += 1;
        let (parts, body) = request.into_parts();
        let url = self.request_url(&parts.uri);
        let resource = self.resource_at(&url);
        let kind = resource.map_or(RequestKind::Unknown, Resource::kind);
        self.counts.count(kind);

        let languages = parts.headers.get(http::header::ACCEPT_LANGUAGE);
        let accept_language =
            languages.map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());

        let is_post = parts.method == http::Method::POST;
        let (reply, refused) = match self.route(&parts, &url, resource, body) {
            Ok(reply) => (reply, None),
            Err(problem) => {
                if let Some(requirement) = problem.requirement {
                    self.note(requirement, problem.detail.clone());
                }
                let told = self.config.worded(&problem);
                (Reply::problem(&told), Some((told.kind, problem.detail.clone())))
            }
        };
        let mut reply = reply.header("date", http_date(self.now));
        if kind != RequestKind::Directory {
            let directory = self.url(&self.paths.directory);
            reply = reply.link(&directory, "index");
        }
        let may_carry_nonce = refused.is_none() || self.config.nonce_on_errors;
        if is_post && may_carry_nonce {
            reply = reply.header("replay-nonce", self.nonces.issue());
        }
        if parts.method == http::Method::HEAD {
            reply.body = Vec::new();
        }
        let (problem, reason) = refused.unzip();
        self.log.push(LogEntry {
            request: self.request,
            at: self.now,
            kind,
            method: parts.method,
            url,
            accept_language,
            status: reply.status,
            problem,
            reason,
        });
        reply.into_response()
    }

    /// What a request is for, as its URL tells.
    pub fn kind_of<B>(&self, request: &Request<B>) -> RequestKind {
        let resource = self.resource_at(&self.request_url(request.uri()));
        resource.map_or(RequestKind::Unknown, Resource::kind)
    }

    /// Counts and logs a request that something else answers. Its nonce is spent: whoever sends it
    /// cannot know that the CA never saw it.
    pub(crate) fn turn_away(
        &mut self,
        now: Timestamp,
        kind: RequestKind,
        request: &Request<Vec<u8>>,
        status: u16,
    ) {
        self.advance(now);
        self.request += 1;
        self.counts.count(kind);
        if request.method() == http::Method::POST {
            self.spend_nonce(request.body());
        }
        self.log.push(LogEntry {
            request: self.request,
            at: self.now,
            kind,
            method: request.method().clone(),
            url: self.request_url(request.uri()),
            status: http::StatusCode::from_u16(status).unwrap_or(http::StatusCode::BAD_GATEWAY),
            problem: None,
            reason: Some("a fault of the plan".to_owned()),
            accept_language: None,
        });
    }

    /// The validations that have become wanted since the last call; each is given once.
    pub fn poll_validations(&mut self) -> Vec<Validation> {
        let fresh: Vec<_> = (0..self.trials.len())
            .filter(|index| self.trials.get(*index).is_some_and(|trial| !trial.is_announced))
            .collect();
        fresh.into_iter().filter_map(|index| self.announce(index)).collect()
    }

    /// Hands in what was found for a validation. The CA judges it and shows the result once the
    /// validation delay is over. Only the first outcome for an id counts.
    pub fn validation_result(
        &mut self,
        now: Timestamp,
        id: ValidationId,
        outcome: ValidationOutcome,
    ) {
        self.advance(now);
        self.judge_trial(id, &outcome);
        self.advance(now);
    }

    /// When the next thing happens by itself: a delayed validation result shows, or a certificate
    /// is ready. A virtual clock can jump there; `None` means that nothing is under way.
    pub fn next_event(&self, now: Timestamp) -> Option<Timestamp> {
        let results = self.trials.iter().filter_map(Trial::due);
        let certificates = self.orders.iter().filter_map(Order::due);
        results.chain(certificates).filter(|due| *due > now).min()
    }

    /// What the client has done wrong so far, in order.
    pub fn violations(&self) -> &[Violation] {
        &self.violations
    }

    /// How many requests have come in, by kind.
    pub const fn requests(&self) -> &RequestCounts {
        &self.counts
    }

    /// Every request and the status of its answer, in order.
    pub fn log(&self) -> &[LogEntry] {
        &self.log
    }

    /// The URL of the directory, from which a client finds all others.
    pub fn directory_url(&self) -> String {
        self.url(&self.paths.directory)
    }

    /// The root of the default chain.
    pub fn root_pem(&self) -> String {
        self.authority.as_ref().map(Authority::root_pem).unwrap_or_default()
    }

    /// The root of the first alternate chain, if the configuration has one.
    pub fn alternate_root_pem(&self) -> Option<String> {
        self.authority.as_ref()?.alternate_root_pem(0)
    }

    /// The intermediate under the default root.
    pub fn intermediate_pem(&self) -> String {
        self.authority.as_ref().map(Authority::intermediate_pem).unwrap_or_default()
    }

    /// Refuses the next request of this kind with this cause, whatever it asks for, provided that
    /// its signature and nonce are good. Several refusals of one kind are for that many requests.
    pub fn refuse_next(&mut self, kind: RequestKind, cause: RefusalCause) {
        self.refusals.entry(kind).or_default().push_back(cause);
    }

    /// When and why the certificate with this serial number was revoked, if it was. Zero octets in
    /// front of `serial` do not matter.
    pub fn revoked(&self, serial: &[u8]) -> Option<Revocation> {
        self.certificates.iter().find(|issued| issued.has_serial(serial))?.revocation
    }

    /// The certificates issued so far, each as a PEM block without its chain.
    pub fn certificates(&self) -> Vec<String> {
        self.certificates.iter().map(Issued::pem).collect()
    }

    /// How many nonces have been handed out and not been used.
    pub fn unused_nonces(&self) -> usize {
        self.nonces.unused()
    }

    /// Makes every nonce handed out so far a bad one, as a restart of a server does. Using one is
    /// then answered with `badNonce` but is no violation.
    pub fn expire_nonces(&mut self) {
        self.nonces.expire();
    }

    /// Records a breach that does not by itself refuse the request.
    pub(crate) fn note(&mut self, requirement: &'static str, text: impl Into<String>) {
        let (request, at) = (self.request, self.now);
        self.violations.push(Violation { requirement, text: text.into(), request, at });
    }

    fn resource_at(&self, url: &str) -> Option<Resource> {
        let path = url.strip_prefix(self.config.base_url.as_str())?;
        self.resources.get(path).copied()
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.config.base_url)
    }

    /// Makes a resource at an opaque URL and returns its path.
    pub(crate) fn publish(&mut self, resource: Resource) -> String {
        let path = format!("/{}", self.entropy.text::<16>());
        self.resources.insert(path.clone(), resource);
        path
    }

    pub(crate) fn authority(&mut self) -> Result<&mut Authority, Problem> {
        self.authority.as_mut().ok_or_else(|| Problem::internal("the CA has no keys"))
    }

    /// Whether the clock has been told the time.
    pub(crate) fn has_begun(&self) -> bool {
        self.now != NEVER
    }

    /// Lets everything happen that is due by `now`.
    fn advance(&mut self, now: Timestamp) {
        if !self.has_begun() {
            for credential in self.credentials.values_mut() {
                credential.begin(now);
            }
        }
        self.now = self.now.max(now);
        self.settle_trials();
        self.settle_orders();
    }
}

/// The date of RFC 9110 §5.6.7; moments before 1970 count as 1970.
pub(crate) fn http_date(time: Timestamp) -> String {
    let seconds = u64::try_from(time.unix_seconds()).unwrap_or(0).min(253_402_300_799);
    httpdate::fmt_http_date(std::time::UNIX_EPOCH + core::time::Duration::from_secs(seconds))
}
