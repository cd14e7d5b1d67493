//! Kinds of challenges that only a test knows, to try how a client takes to them.

use serde_json::{Map, Value};

use super::{ChallengeType, Config};

/// A kind of challenge made up by a test. The CA offers it and keeps what it is answered with; the
/// test judges, by [`ValidationTarget::Plugin`](crate::ValidationTarget::Plugin).
///
/// ```
/// use acmekit_testing::{Config, PluginChallenge};
///
/// let riddle = PluginChallenge::new("x-riddle-01").without_token().with_member("riddle", 42);
/// let config = Config::default().with_challenge_types([]).with_plugin_challenge(riddle);
/// # let _ = config;
/// ```
#[derive(Clone, Debug)]
pub struct PluginChallenge {
    name: &'static str,
    pub(crate) has_token: bool,
    pub(crate) members: Map<String, Value>,
}

impl PluginChallenge {
    /// A kind with this `type`, and a token.
    pub fn new(name: &'static str) -> Self {
        Self { name, has_token: true, members: Map::new() }
    }

    /// The same without a token.
    #[must_use]
    pub const fn without_token(mut self) -> Self {
        self.has_token = false;
        self
    }

    /// Adds a member to the challenges of this kind.
    #[must_use]
    pub fn with_member(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.members.insert(name.to_owned(), value.into());
        self
    }
}

impl Config {
    /// Offers a made-up kind of challenge for every identifier, after the others. Default: none.
    #[must_use]
    pub fn with_plugin_challenge(mut self, challenge: PluginChallenge) -> Self {
        self.challenge_types.push(ChallengeType::Plugin(challenge.name));
        self.plugin_challenges.push(challenge);
        self
    }

    /// Takes identifiers of this `type` too, with any value, for tests of challenges that are not
    /// about names in the DNS. They can be authorized; no certificate can be issued for them, since
    /// a request has no field for them. Default: `dns` and `ip` alone.
    ///
    /// ```
    /// use acmekit_testing::{Config, PluginChallenge};
    ///
    /// let config = Config::default()
    ///     .with_preauthorization(true)
    ///     .with_identifier_type("permanent-identifier")
    ///     .with_plugin_challenge(PluginChallenge::new("device-attest-01"));
    /// # let _ = config;
    /// ```
    #[must_use]
    pub fn with_identifier_type(mut self, kind: &'static str) -> Self {
        self.identifier_types.push(kind);
        self
    }

    pub(crate) fn plugin_challenge(&self, kind: ChallengeType) -> Option<&PluginChallenge> {
        self.plugin_challenges.iter().find(|known| kind == ChallengeType::Plugin(known.name))
    }
}
