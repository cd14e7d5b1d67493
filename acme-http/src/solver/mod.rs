//! Solvers publish the proof that a challenge asks for, and remove it afterwards.
//!
//! | Solver | Challenge | For |
//! |---|---|---|
//! | [`http01::Http01Listener`] | http-01 | a machine whose port 80 is free |
//! | [`http01::Http01Webroot`] | http-01 | a web server that serves a directory |
//! | [`dns01::Dns01Exec`] | dns-01, dns-account-01 | anything a program or script can reach; wildcards |
//! | [`tls_alpn01::TlsAlpn01Listener`] | tls-alpn-01 | a machine whose port 443 is free |
//!
//! Anything else is an implementation of [`Solver`].

pub mod dns01;
pub mod http01;
mod listen;
#[cfg(test)]
pub(crate) mod testing;
pub mod tls_alpn01;

use core::fmt;
use core::pin::Pin;
use std::sync::Arc;

use acmekit_core::action::Offer;
use acmekit_core::challenge::Answer;

use crate::text::one_line;

/// What the methods of a [`Solver`] return: boxed, so that solvers of several kinds fit in one list.
pub type SolverFuture<'a, T = ()> =
    Pin<Box<dyn Future<Output = Result<T, SolverError>> + Send + 'a>>;

/// Publishes proofs of control where the CA looks for them.
///
/// For each identifier the client takes the first solver that supports one of the challenges on
/// offer, calls [`present`](Self::present), then [`ready`](Self::ready) and
/// [`answer`](Self::answer), and later [`withdraw`](Self::withdraw) exactly once, also when the
/// operation fails or its future is dropped, and also when one of the others failed or was stopped
/// half-way. If one solver fails, the next that supports the identifier is tried.
///
/// A solver may support kinds of challenges that this library has never heard of:
/// [`Offer::members`] has what the server sent, and `answer` is what goes back.
///
/// Many identifiers are presented side by side, so the methods must not assume an order.
///
/// ```
/// use acmekit::Offer;
/// use acmekit::solver::{Solver, SolverFuture};
///
/// /// Asks the operator to do it.
/// struct OnPaper;
///
/// impl Solver for OnPaper {
///     fn supports(&self, offer: &Offer) -> bool {
///         offer.kind == acmekit::ChallengeType::Dns01
///     }
///     fn present<'a>(&'a self, offer: &'a Offer) -> SolverFuture<'a> {
///         Box::pin(async move {
///             println!("publish: {} TXT {}", offer.dns01_name(), offer.dns01_value());
///             Ok(())
///         })
///     }
///     fn withdraw<'a>(&'a self, offer: &'a Offer) -> SolverFuture<'a> {
///         Box::pin(async move {
///             println!("remove: {} TXT {}", offer.dns01_name(), offer.dns01_value());
///             Ok(())
///         })
///     }
/// }
/// ```
pub trait Solver: Send + Sync + 'static {
    /// Whether this solver can publish the proof for this challenge. Must be quick.
    fn supports(&self, offer: &Offer) -> bool;

    /// Publishes the proof. May return before it is visible everywhere.
    fn present<'a>(&'a self, offer: &'a Offer) -> SolverFuture<'a>;

    /// Returns when the CA will see the proof; at once by default.
    fn ready<'a>(&'a self, offer: &'a Offer) -> SolverFuture<'a> {
        let _ = offer;
        Box::pin(core::future::ready(Ok(())))
    }

    /// What the challenge is answered with once it is ready: `{}` by default, which is what http-01,
    /// dns-01 and tls-alpn-01 want. Other kinds may have members of their own (RFC 8555 §7.5.1).
    fn answer<'a>(&'a self, offer: &'a Offer) -> SolverFuture<'a, Answer> {
        let _ = offer;
        Box::pin(core::future::ready(Ok(Answer::default())))
    }

    /// Removes the proof. What is not there counts as removed.
    fn withdraw<'a>(&'a self, offer: &'a Offer) -> SolverFuture<'a>;
}

impl<S: Solver + ?Sized> Solver for Arc<S> {
    fn supports(&self, offer: &Offer) -> bool {
        (**self).supports(offer)
    }

    fn present<'a>(&'a self, offer: &'a Offer) -> SolverFuture<'a> {
        (**self).present(offer)
    }

    fn ready<'a>(&'a self, offer: &'a Offer) -> SolverFuture<'a> {
        (**self).ready(offer)
    }

    fn answer<'a>(&'a self, offer: &'a Offer) -> SolverFuture<'a, Answer> {
        (**self).answer(offer)
    }

    fn withdraw<'a>(&'a self, offer: &'a Offer) -> SolverFuture<'a> {
        (**self).withdraw(offer)
    }
}

/// A solver could not be set up, or could not publish or remove a proof.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SolverError {
    code: &'static str,
    message: String,
}

impl SolverError {
    /// An error of a solver, in one sentence without secrets. Line breaks and control characters
    /// are escaped and long text is cut.
    pub fn new(message: impl AsRef<str>) -> Self {
        Self::with_code("solver", message)
    }

    pub(crate) fn with_code(code: &'static str, message: impl AsRef<str>) -> Self {
        Self { code, message: one_line(message.as_ref()) }
    }

    /// A short name for programs: `address-in-use`, `address`, `webroot`, `program`, `solver`.
    pub fn code(&self) -> &'static str {
        self.code
    }
}

impl fmt::Display for SolverError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl core::error::Error for SolverError {}
