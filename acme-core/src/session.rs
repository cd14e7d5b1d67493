//! What all flows of one client share: directory, account, key, nonces and policy.

use core::fmt;
use core::time::Duration;

use http::{HeaderMap, HeaderValue};

use crate::account::{Account, AccountStatus};
use crate::action::{RequestId, SignId};
use crate::ca::{CaProfile, RuleFault};
use crate::deviation::{Deviation, Deviations};
use crate::directory_cache::DirectoryCache;
use crate::error::{Error, ErrorKind, Step};
use crate::jose::{AccountKey, Jwk, JwsAlgorithm};
use crate::known_keys::KnownKeys;
pub use crate::known_keys::{KeyOwner, MAX_KNOWN_KEYS};
use crate::nonce::NoncePool;
use crate::policy::Policy;
use crate::time::Timestamp;
use crate::traffic::Traffic;
use crate::types::Directory;
use crate::url::{self, Origin, UrlFault};

/// The shared state of one client at one server: an account key, the account, the directory and
/// the nonces. Flows borrow it for each call, so several flows can run side by side.
///
/// Only the account ([`Session::account`]) needs to be kept between runs; the rest is rebuilt.
pub struct Session {
    directory_url: String,
    origin: Origin,
    directory: DirectoryCache,
    key: AccountKey,
    account: Option<Account>,
    policy: Policy,
    profile: Option<CaProfile>,
    user_agent: HeaderValue,
    accept_language: Option<HeaderValue>,
    /// The last reading of the caller's clock, and how far it was set back in all.
    last_clock: Option<Timestamp>,
    behind: Duration,
    next_id: u64,
    /// The name of Ed25519 that the server is known to take.
    ed25519_name: Option<JwsAlgorithm>,
    known_keys: KnownKeys,
    pub(crate) nonces: NoncePool,
    pub(crate) traffic: Traffic,
    pub(crate) deviations: Deviations,
}

const LIBRARY: &str = concat!("acmekit-core/", env!("CARGO_PKG_VERSION"));

impl Session {
    /// Opens a session. Nothing is sent.
    ///
    /// # Errors
    /// The directory URL is malformed, or not https (code `plain-http`) and the policy does not
    /// allow that for loopback.
    pub fn new(
        directory_url: impl Into<String>,
        key: AccountKey,
        policy: Policy,
    ) -> Result<Self, Error> {
        let directory_url = directory_url.into();
        let origin = url::check_directory_url(&directory_url, &policy).map_err(|fault| {
            Error::new(
                ErrorKind::Input,
                Step::Preparation,
                fault.code(),
                format!("the directory URL cannot be used: {}", fault.text()),
            )
            .with_url(&directory_url)
        })?;
        let mut session = Self {
            origin,
            directory: DirectoryCache::default(),
            key,
            account: None,
            policy,
            profile: None,
            user_agent: HeaderValue::from_static(LIBRARY),
            accept_language: None,
            last_clock: None,
            behind: Duration::ZERO,
            next_id: 0,
            ed25519_name: None,
            known_keys: KnownKeys::default(),
            nonces: NoncePool::default(),
            traffic: Traffic::default(),
            deviations: Deviations::default(),
            directory_url,
        };
        session.set_profile(CaProfile::for_directory(&session.directory_url));
        Ok(session)
    }

    /// Goes by this profile of the CA, or by none. A session begins with the one that knows its
    /// directory URL: its rules are checked before anything is sent, and it explains refusals.
    pub fn set_profile(&mut self, profile: Option<CaProfile>) {
        if let Some(profile) = &profile {
            let polling = &profile.polling;
            self.policy.poll_authorizations |= polling.read_authorizations;
            let gap = polling.min_gap.unwrap_or_default();
            self.policy.min_poll_gap = self.policy.min_poll_gap.max(gap);
        }
        self.profile = profile;
    }

    /// The profile of the CA that the session goes by.
    pub fn profile(&self) -> Option<&CaProfile> {
        self.profile.as_ref()
    }

    /// Puts a stored account back. Nothing is sent.
    ///
    /// # Errors
    /// The account belongs to another key or another directory, or is no longer valid.
    pub fn set_account(&mut self, account: Account) -> Result<(), Error> {
        let error = |code, text: &str| Error::new(ErrorKind::Input, Step::Preparation, code, text);
        if account.key_thumbprint != self.key.thumbprint() {
            return Err(error("wrong-account-key", "the stored account belongs to another key"));
        }
        if account.directory_url != self.directory_url {
            return Err(error("wrong-directory", "the stored account is at another directory")
                .with_url(&account.directory_url));
        }
        if account.status.is_final() {
            return Err(error("account-not-valid", "the stored account is no longer valid"));
        }
        self.account = Some(account);
        Ok(())
    }

    /// Names the program in the `User-Agent` of every request, in front of this library's own
    /// name. Characters that may not stand in a header are left out.
    pub fn set_user_agent(&mut self, product: &str) {
        let product: String =
            product.chars().filter(|c| c.is_ascii_graphic() || *c == ' ').take(256).collect();
        let text = format!("{} {LIBRARY}", product.trim());
        if let Ok(value) = HeaderValue::from_str(text.trim()) {
            self.user_agent = value;
        }
    }

    /// Asks for messages in these languages, as in the header `Accept-Language` (RFC 8555 §6.1).
    ///
    /// # Errors
    /// The text may not stand in a header.
    pub fn set_accept_language(&mut self, languages: &str) -> Result<(), Error> {
        let value = HeaderValue::from_str(languages).map_err(|_| {
            let text = "the list of languages may not stand in a header";
            Error::new(ErrorKind::Input, Step::Preparation, "bad-language", text)
        })?;
        self.accept_language = Some(value);
        Ok(())
    }

    /// Tells the session of a public key that has another use, so that it becomes no account key
    /// here (RFC 8555 §11.1): [`Register`](crate::flow::account::Register) and
    /// [`ChangeKey`](crate::flow::account::ChangeKey) refuse it with the code `key-used-elsewhere`.
    ///
    /// A session knows by itself the keys of the certificates that were ordered through it; the
    /// keys of other accounts, and of certificates from earlier runs, only the caller knows. The
    /// latest [`MAX_KNOWN_KEYS`] are kept, as thumbprints, and not in the account.
    pub fn note_key(&mut self, key: &Jwk, owner: KeyOwner) {
        self.known_keys.note(key, owner);
    }

    /// Refuses a key as new account key that is known to have another use.
    pub(crate) fn check_new_key(&self, step: Step, key: &AccountKey) -> Result<(), Error> {
        let Some(owner) = self.known_keys.owner(&key.thumbprint()) else { return Ok(()) };
        let text = format!("the new account key is the key of {owner}; use a fresh one");
        Err(Error::new(ErrorKind::Input, step, "key-used-elsewhere", text))
    }

    /// Whether this is the key of the session's account, or known to be that of another one.
    pub(crate) fn is_account_key(&self, thumbprint: &str) -> bool {
        thumbprint == self.key.thumbprint()
            || self.known_keys.owner(thumbprint) == Some(KeyOwner::OtherAccount)
    }

    /// The account, once registered, found or set.
    pub fn account(&self) -> Option<&Account> {
        self.account.as_ref()
    }

    /// The directory, once a flow has read it. Flows read it again when it is older than its
    /// headers and the [`Policy`] allow.
    pub fn directory(&self) -> Option<&Directory> {
        self.directory.directory()
    }

    /// The URL of the directory.
    pub fn directory_url(&self) -> &str {
        &self.directory_url
    }

    /// The account key.
    pub fn account_key(&self) -> &AccountKey {
        &self.key
    }

    /// Limits and trust rules.
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// What the server did against the rules and was forgiven.
    pub fn deviations(&self) -> &[Deviation] {
        self.deviations.as_slice()
    }

    pub(crate) fn user_agent(&self) -> HeaderValue {
        self.user_agent.clone()
    }

    pub(crate) fn accept_language(&self) -> Option<HeaderValue> {
        self.accept_language.clone()
    }

    /// Takes over a directory that was just read. All times here are steady.
    pub(crate) fn set_directory(
        &mut self,
        directory: Directory,
        headers: &HeaderMap,
        now: Timestamp,
    ) {
        self.directory.replace(directory, headers, now, &self.policy);
    }

    pub(crate) fn has_fresh_directory(&self, now: Timestamp) -> bool {
        self.directory.is_fresh(now)
    }

    /// Something that the directory names is not there; tells whether it is to be read again.
    pub(crate) fn distrust_directory(&mut self, now: Timestamp) -> bool {
        self.directory.distrust(now, &self.policy)
    }

    /// The directory could not be read again, for this reason.
    pub(crate) fn keep_directory(&mut self, now: Timestamp, reason: &Error) {
        let text = format!("an older directory is used, because of: {reason}");
        self.deviations.note("directory-stale", text);
        self.directory.keep(now, &self.policy);
    }

    pub(crate) fn adopt_account(&mut self, account: Account) {
        self.account = Some(account);
    }

    /// The account has a new key: the server has confirmed it.
    pub(crate) fn replace_key(&mut self, key: AccountKey) {
        if let Some(account) = &mut self.account {
            account.key_thumbprint = key.thumbprint();
        }
        self.key = key;
    }

    /// What a key's algorithm is called at this server.
    pub(crate) fn algorithm_name(&self, algorithm: JwsAlgorithm) -> JwsAlgorithm {
        match algorithm.other_name() {
            Some(_) => self.ed25519_name.unwrap_or(algorithm),
            None => algorithm,
        }
    }

    /// The server knows an algorithm by this name only; all later requests use it.
    pub(crate) fn use_algorithm_name(&mut self, name: JwsAlgorithm) {
        self.ed25519_name = Some(name);
    }

    /// What the server says of the state of the session's account.
    pub(crate) fn set_account_status(&mut self, url: &str, status: AccountStatus) {
        if let Some(account) = self.account.as_mut().filter(|account| account.url == url) {
            account.status = status;
        }
    }

    /// The account is given up.
    pub(crate) fn drop_account(&mut self) {
        self.account = None;
    }

    /// The steady time for a reading of the caller's clock: it never runs backwards. Where the
    /// clock was set back, it stands still for that moment and then goes on at the clock's pace,
    /// so that no wait gets longer than it was meant to be and no deadline moves away.
    pub(crate) fn steady_time(&mut self, clock: Timestamp) -> Timestamp {
        if let Some(last) = self.last_clock {
            self.behind = self.behind.saturating_add(last.saturating_since(clock));
        }
        self.last_clock = Some(clock);
        self.steady(clock)
    }

    /// A moment of the caller's clock as steady time.
    pub(crate) fn steady(&self, clock: Timestamp) -> Timestamp {
        clock.saturating_add(self.behind)
    }

    /// A moment of steady time by the caller's clock: for certificates, and for what the caller
    /// is told.
    pub(crate) fn clock_time(&self, steady: Timestamp) -> Timestamp {
        steady.saturating_sub(self.behind)
    }

    fn next_id(&mut self) -> u64 {
        self.next_id = self.next_id.wrapping_add(1);
        self.next_id
    }

    pub(crate) fn next_request_id(&mut self) -> RequestId {
        RequestId(self.next_id())
    }

    pub(crate) fn next_sign_id(&mut self) -> SignId {
        SignId(self.next_id())
    }

    /// Checks a URL of the server before anything is sent there.
    pub(crate) fn check_url(&self, step: Step, url: &str) -> Result<(), Error> {
        match url::check(url, &self.origin, &self.policy) {
            Err(UrlFault::ForeignHost) if self.is_listed_host(url) => Ok(()),
            result => result.map_err(|fault| url::refused(step, url, fault)),
        }
    }

    /// Whether the CA's profile lists the host of a URL.
    fn is_listed_host(&self, url: &str) -> bool {
        let mut hosts = self.profile.iter().flat_map(|profile| &profile.foreign_hosts);
        url::origin(url).is_ok_and(|origin| hosts.any(|h| h.eq_ignore_ascii_case(&origin.host)))
    }

    /// Checks a rule of the CA before anything is sent.
    pub(crate) fn check_rule(
        &self,
        step: Step,
        check: impl FnOnce(&CaProfile) -> Result<(), RuleFault>,
    ) -> Result<(), Error> {
        match self.profile.as_ref().map(check) {
            Some(Err(fault)) => {
                Err(Error::new(ErrorKind::Input, step, fault.code(), fault.to_string()))
            }
            _ => Ok(()),
        }
    }

    /// Resolves the target of a redirect, which must stay at the directory's origin.
    pub(crate) fn resolve_same_origin(
        &self,
        step: Step,
        reference: &str,
        base: &str,
    ) -> Result<String, Error> {
        let url = self.resolve_url(step, reference, base)?;
        match url::origin(&url) {
            Ok(origin) if origin == self.origin => Ok(url),
            _ => Err(url::refused(step, &url, UrlFault::ForeignHost)),
        }
    }

    /// Resolves a `Location` or `Link` against the request it answers, and checks it.
    pub(crate) fn resolve_url(
        &self,
        step: Step,
        reference: &str,
        base: &str,
    ) -> Result<String, Error> {
        let url =
            url::resolve(reference, base).map_err(|fault| url::refused(step, reference, fault))?;
        self.check_url(step, &url)?;
        Ok(url)
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("directory_url", &self.directory_url)
            .field("account", &self.account)
            .finish_non_exhaustive()
    }
}
