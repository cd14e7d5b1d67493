//! What a flow asks its driver to do, and what the driver tells the flow.

use core::fmt;

use serde::{Deserialize, Serialize};

use crate::challenge::Answer;
#[cfg(doc)]
use crate::challenge::ChallengeType;
use crate::crypto::SignatureScheme;
use crate::jose::JwsAlgorithm;
use crate::time::Timestamp;

mod offer;

pub use offer::Offer;
pub(crate) use offer::OfferAccount;

/// Names one request of a session, so that answers find their question in any order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId(pub(crate) u64);

/// Names one signature that a flow asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SignId(pub(crate) u64);

/// Names one challenge of one order: its URL. The same before and after a resume.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ChallengeId(pub(crate) String);

impl ChallengeId {
    /// The challenge URL.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The next thing to do for a flow.
///
/// Exhaustive on purpose: a new kind of work must break the build of every driver.
#[derive(Debug)]
#[allow(clippy::large_enum_variant, reason = "an action is moved once, to the driver")]
#[must_use = "an action that is dropped stalls the flow"]
pub enum Action<T> {
    /// Send this request once; never replay it (a JWS carries a single-use nonce). Poll again
    /// without waiting for the answer: more may be ready to go.
    Send(Outgoing),
    /// Sign with a key that is held elsewhere, then [`Input::Signature`] or
    /// [`Input::SignatureFailed`]. Poll again without waiting.
    Sign(SignRequest),
    /// Publish for each authorization ([`Offer::authorization_url`]) what can be published, then
    /// tell by [`Input::Published`], [`Input::PublishedWith`] or [`Input::PublicationFailed`]. One
    /// published challenge for each authorization is enough, and needed: a name and its wildcard
    /// have one each. Kinds of challenges that this library does not know are offered, too.
    Present(Vec<Offer>),
    /// Remove what was published for these, whether or not it ever was. Follows every `Present`
    /// exactly once, also when the flow fails or is cancelled; no answer is expected.
    Withdraw(Vec<Offer>),
    /// Nothing to do before `until`, unless an input comes or another flow of the same session got
    /// an answer. A good moment to take a checkpoint and exit.
    Wait {
        /// When to poll again.
        until: Timestamp,
        /// What is being waited for.
        reason: WaitReason,
    },
    /// An answer, a signature or a publication is outstanding: deliver it, and poll again at
    /// `until` (the deadline) at the latest.
    Blocked {
        /// When the flow gives up waiting.
        until: Timestamp,
    },
    /// The result. Comes once.
    Done(T),
}

/// Why a flow waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum WaitReason {
    /// The CA validates the identifiers; the order is polled next.
    Validation,
    /// The CA makes the certificate; the order is polled next.
    Issuance,
    /// A request is repeated after an error.
    Retry,
    /// Another flow of the session is about to bring a nonce or the directory.
    Session,
    /// The certificate is not to be downloaded yet.
    Download,
}

/// A request to send.
///
/// `Debug` shows only the length of the body, which may hold an answer that is a secret.
#[non_exhaustive]
pub struct Outgoing {
    /// Names the request in [`Input::Response`] and [`Input::Failed`].
    pub id: RequestId,
    /// What the request is for.
    pub kind: RequestKind,
    /// Method, URL, headers and body. `User-Agent` is set.
    pub request: http::Request<Vec<u8>>,
    /// Longest body to accept, in bytes: stop reading beyond it and report
    /// [`TransportFailure::ResponseTooLarge`].
    pub max_response_len: usize,
}

impl fmt::Debug for Outgoing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outgoing")
            .field("id", &self.id)
            .field("kind", &self.kind)
            .field("method", self.request.method())
            .field("uri", self.request.uri())
            .field("body_octets", &self.request.body().len())
            .finish_non_exhaustive()
    }
}

/// What a request is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum RequestKind {
    /// Reads the directory.
    Directory,
    /// Fetches a nonce.
    NewNonce,
    /// Creates or finds an account.
    NewAccount,
    /// Reads or changes an account.
    Account,
    /// Reads a page of the list of orders.
    OrdersList,
    /// Changes the account key.
    KeyChange,
    /// Creates an order.
    NewOrder,
    /// Reads an order.
    Order,
    /// Creates an authorization ahead of an order.
    NewAuthorization,
    /// Reads an authorization.
    Authorization,
    /// Answers a challenge.
    Challenge,
    /// Finalizes an order.
    Finalize,
    /// Downloads a certificate.
    Certificate,
    /// Revokes a certificate.
    RevokeCertificate,
}

impl fmt::Display for RequestKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Directory => "directory",
            Self::NewNonce => "newNonce",
            Self::NewAccount => "newAccount",
            Self::Account => "account",
            Self::OrdersList => "orders",
            Self::KeyChange => "keyChange",
            Self::NewOrder => "newOrder",
            Self::Order => "order",
            Self::NewAuthorization => "newAuthz",
            Self::Authorization => "authorization",
            Self::Challenge => "challenge",
            Self::Finalize => "finalize",
            Self::Certificate => "certificate",
            Self::RevokeCertificate => "revokeCert",
        })
    }
}

/// A signature to make with a key that is held elsewhere.
///
/// `Debug` shows only the length of the message, which may hold an answer that is a secret.
#[non_exhaustive]
pub struct SignRequest {
    /// Names the signature in [`Input::Signature`].
    pub id: SignId,
    /// Which key is to sign, and how.
    pub key: SigningKey,
    /// The bytes to sign; hashing is part of signing.
    pub message: Vec<u8>,
}

impl fmt::Debug for SignRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignRequest")
            .field("id", &self.id)
            .field("key", &self.key)
            .field("message_octets", &self.message.len())
            .finish()
    }
}

/// Which key signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SigningKey {
    /// The account key, for a JWS: ECDSA signatures are raw `R || S` (DER is converted).
    Account(JwsAlgorithm),
    /// The certificate key, for a certificate request: ECDSA signatures are DER.
    Certificate(SignatureScheme),
    /// The account key that is to take the present one's place, for a JWS.
    NewAccount(JwsAlgorithm),
    /// The certificate key, for a JWS that revokes its certificate.
    Revocation(JwsAlgorithm),
}

/// What the driver tells a flow.
#[derive(Debug)]
pub enum Input {
    /// The answer to a request, whole.
    Response {
        /// The request.
        id: RequestId,
        /// Its answer.
        response: http::Response<Vec<u8>>,
    },
    /// No answer to a request.
    Failed {
        /// The request.
        id: RequestId,
        /// What happened, and whether the server may have seen the request.
        failure: TransportFailure,
    },
    /// The signature that was asked for.
    Signature {
        /// The request for it.
        id: SignId,
        /// The signature.
        bytes: Vec<u8>,
    },
    /// The key store refused or failed.
    SignatureFailed {
        /// The request for the signature.
        id: SignId,
        /// What the key store said.
        reason: String,
    },
    /// These challenges are published, where the CA can see them. Each is answered with `{}`.
    Published(Vec<ChallengeId>),
    /// This challenge is met, and its answer has members of its own, which RFC 8555 §7.5.1 leaves
    /// to the definition of its kind. Kinds that [take none](ChallengeType::takes_answer) are
    /// refused with [`Misuse::UnwantedAnswer`](crate::error::Misuse::UnwantedAnswer).
    ///
    /// An answer may be secret, so no checkpoint keeps it: after a resume the challenge is
    /// presented again, and answered anew if the server has not got it.
    PublishedWith {
        /// The challenge.
        id: ChallengeId,
        /// What it is answered with.
        answer: Answer,
    },
    /// Nothing could be published for an identifier.
    PublicationFailed {
        /// A challenge of that identifier.
        id: ChallengeId,
        /// What the solver said.
        reason: String,
    },
    /// Stop: the next polls withdraw what was presented, then fail with `Cancelled`.
    Cancel,
}

/// Why a request has no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TransportFailure {
    /// The server has certainly not seen the request: no connection was made.
    NotSent(String),
    /// The server may have seen the request: the connection broke, or time ran out.
    Unknown(String),
    /// The answer was longer than [`Outgoing::max_response_len`].
    ResponseTooLarge,
}
