//! The resources of RFC 8555 as they come from the wire: strict writing, tolerant reading.

pub mod authorization;
pub mod challenge;
pub mod directory;
pub mod identifier;
pub mod order;

pub use authorization::{Authorization, AuthorizationStatus};
pub use challenge::{Challenge, ChallengeStatus};
pub use directory::{AutoRenewal, Directory};
pub use identifier::{Identifier, IdentifierError};
pub use order::{Order, OrderStatus};

/// The members of a JSON object, for what other specifications define.
pub type JsonObject = serde_json::Map<String, serde_json::Value>;

mod fields;

/// Longest unknown status that is kept, in characters.
pub(crate) const MAX_STATUS: usize = 64;

macro_rules! status {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $text:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
        #[serde(from = "String", into = "String")]
        #[non_exhaustive]
        pub enum $name {
            $($(#[$vdoc])* $variant,)*
            /// A status this library does not know, as the server wrote it.
            Other(String),
        }

        impl $name {
            /// The status as it stands in JSON.
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$variant => $text,)*
                    Self::Other(text) => text,
                }
            }
        }

        impl From<String> for $name {
            fn from(text: String) -> Self {
                match text.as_str() {
                    $($text => Self::$variant,)*
                    _ => Self::Other(text.chars().take(crate::types::MAX_STATUS).collect()),
                }
            }
        }

        impl From<$name> for String {
            fn from(status: $name) -> Self {
                status.as_str().to_owned()
            }
        }

        impl core::fmt::Display for $name {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                f.write_str(&crate::problem::printable(self.as_str()))
            }
        }
    };
}
pub(crate) use status;
