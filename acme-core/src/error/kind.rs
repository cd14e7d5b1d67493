//! What kind of thing went wrong, whose fault it is, and what to do about it.

use crate::time::Timestamp;

/// What kind of thing went wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The server refused, with or without a problem document.
    Problem,
    /// The server asks to come back later; [`Retry::At`] tells when.
    RateLimited,
    /// The server broke the protocol, or a limit of the [`Policy`](crate::policy::Policy).
    Protocol,
    /// The network, or TLS, failed.
    Transport,
    /// The deadline passed first.
    Deadline,
    /// The CA did not see the proof of control that was published, or said so.
    Validation,
    /// No challenge could be published where the CA would look for it.
    Publication,
    /// The certificate that came back is not the one that was asked for.
    Certificate,
    /// A key, a signature or the source of randomness failed.
    Crypto,
    /// What the caller asked for cannot be; nothing was sent for it.
    Input,
    /// The server does not offer what the operation needs.
    Unsupported,
    /// The server knows no account for this key.
    NoAccount,
    /// The caller cancelled the flow.
    Cancelled,
}

impl ErrorKind {
    /// Whose fault this kind of error usually is.
    pub const fn blame(self) -> Blame {
        match self {
            Self::Problem | Self::Validation | Self::Publication => Blame::Setup,
            Self::RateLimited | Self::Protocol | Self::Certificate | Self::Unsupported => {
                Blame::Server
            }
            Self::Transport => Blame::Network,
            Self::Deadline => Blame::Nobody,
            Self::Crypto | Self::Input | Self::NoAccount => Blame::Caller,
            Self::Cancelled => Blame::Nobody,
        }
    }
}

/// Whose fault an error is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Blame {
    /// The program that calls this library, or what its user typed.
    Caller,
    /// The certificate authority.
    Server,
    /// What lies between.
    Network,
    /// The set-up around the program: DNS, a firewall, a web server, the account at the CA.
    Setup,
    /// Time ran out, or the caller changed its mind.
    Nobody,
}

/// What to do about an error.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Retry {
    /// Try the same again at once.
    Now,
    /// Try the same again, not before this time.
    At(Timestamp),
    /// This order is lost; a new one may succeed.
    NewOrder,
    /// Order again without naming the certificate that is replaced.
    WithoutReplaces,
    /// This CA does not issue for these names; another one may.
    OtherCa,
    /// Change what was asked for, or the set-up around it, then try again.
    FixInput,
    /// A person has to visit this URL first.
    ActAt(String),
    /// Trying again will not help.
    Never,
}
