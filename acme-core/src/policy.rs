//! Every limit the library keeps, with its default and the reason for it.

use core::time::Duration;

/// Limits and trust rules of a [`Session`](crate::session::Session). The server is not trusted
/// with anything but issuing; each limit turns a hostile or broken server into a clear error.
///
/// ```
/// use acmekit_core::policy::Policy;
/// let mut policy = Policy::default();
/// policy.total_time = std::time::Duration::from_secs(120);
/// assert!(!policy.allow_loopback_http);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Policy {
    /// Allows `http` URLs whose host is a loopback address or `localhost`. For tests; off by
    /// default, since RFC 8555 §6.1 wants https everywhere.
    pub allow_loopback_http: bool,
    /// Which hosts besides the directory's own the server may send this client to.
    pub foreign_hosts: ForeignHosts,
    /// Longest body of a directory, an account, an order, an authorization or an error, in bytes.
    /// 512 KiB: an order of a thousand names takes about 150 KiB.
    pub max_json_len: usize,
    /// Longest certificate chain, in bytes of PEM. 256 KiB: a hundred ordinary certificates.
    pub max_chain_len: usize,
    /// Most certificates in a chain. 12: public chains have two to four.
    pub max_chain_certificates: usize,
    /// Most alternate chains that are looked at. 8: Let's Encrypt has offered up to three.
    pub max_alternates: usize,
    /// Most authorizations an order may have. 1000: ten times the names a public CA allows.
    pub max_authorizations: usize,
    /// Most pages of a list of orders that are read. 100: servers put ten to a thousand on a page.
    pub max_order_pages: usize,
    /// Most orders that are taken from a list.
    pub max_listed_orders: usize,
    /// Most redirects followed for the directory; other requests follow none (a JWS names its URL).
    pub max_redirects: u32,
    /// Shortest time for which a directory is used again, even if the server forbids every cache
    /// (`no-store`, as Let's Encrypt does for all answers alike). Five minutes: a burst of orders
    /// shares one copy.
    pub min_directory_age: Duration,
    /// Longest time for which a directory is used again, whatever its `Cache-Control` allows. One
    /// day: its URLs hardly ever change, and if one does, a 404 makes the client look again; but
    /// new terms of service should be noticed.
    pub max_directory_age: Duration,
    /// Most requests one flow keeps in flight.
    pub max_in_flight: usize,
    /// How long requests may queue for a nonce before the flow spends a newNonce request to widen
    /// the lane. Nonces come back with every answer, so a single lane costs no extra request; on a
    /// slow link that lane would make a large order slow.
    pub nonce_patience: Duration,
    /// Age at which an unused nonce is thrown away. One hour: servers forget nonces after minutes
    /// to a day, and a stale one costs a round trip.
    pub max_nonce_age: Duration,
    /// Times a request is signed again after `badNonce` (RFC 8555 §6.5).
    pub max_bad_nonce_retries: u32,
    /// Times a request is repeated after a 5xx answer, a short rate limit or a network failure.
    pub max_retries: u32,
    /// Longest Retry-After of an error that is waited for inside a flow; a longer one ends the flow
    /// with the time to come back.
    pub max_retry_wait: Duration,
    /// First wait before an order is polled. 50 ms: most validations of a reachable name are done.
    pub first_poll: Duration,
    /// Shortest wait between two polls without a Retry-After, for CAs that ask for patience.
    pub min_poll_gap: Duration,
    /// Reads the authorizations in every round of polling, for servers whose orders do not follow.
    pub poll_authorizations: bool,
    /// Longest wait between two polls without a Retry-After.
    pub max_poll_gap: Duration,
    /// How long an order may stay pending before its authorizations are read as well: some servers
    /// report a failed validation only there.
    pub authorization_check_after: Duration,
    /// Most polls of one order.
    pub max_polls: u32,
    /// Time a flow may take when the caller sets no deadline of its own.
    pub total_time: Duration,
    /// How far in the future a new certificate may begin, for clocks that are not in step.
    pub clock_tolerance: Duration,
    /// Refuses tokens of fewer than 22 letters (128 bits, RFC 8555 §11.3) instead of noting them.
    pub strict_token_entropy: bool,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            allow_loopback_http: false,
            foreign_hosts: ForeignHosts::SameSite,
            max_json_len: 512 * 1024,
            max_chain_len: 256 * 1024,
            max_chain_certificates: 12,
            max_alternates: 8,
            max_authorizations: 1000,
            max_order_pages: 100,
            max_listed_orders: 10_000,
            max_redirects: 3,
            min_directory_age: Duration::from_secs(300),
            max_directory_age: Duration::from_secs(86_400),
            max_in_flight: 16,
            nonce_patience: Duration::from_millis(500),
            max_nonce_age: Duration::from_secs(3600),
            max_bad_nonce_retries: 5,
            max_retries: 3,
            max_retry_wait: Duration::from_secs(60),
            first_poll: Duration::from_millis(50),
            min_poll_gap: Duration::ZERO,
            poll_authorizations: false,
            max_poll_gap: Duration::from_secs(30),
            authorization_check_after: Duration::from_secs(10),
            max_polls: 1000,
            total_time: Duration::from_secs(600),
            clock_tolerance: Duration::from_secs(3600),
            strict_token_entropy: false,
        }
    }
}

/// Which hosts a server may send the client to.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ForeignHosts {
    /// The directory's host and hosts of the same site: those that end in the directory's host
    /// name without its first label, if two labels or more are left.
    SameSite,
    /// The directory's host and these.
    Listed(Vec<String>),
    /// Any host.
    Any,
}
