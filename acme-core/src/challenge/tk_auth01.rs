//! tkauth-01: a token of an authority that knows who may have the name (RFC 9447, RFC 9448).
//!
//! Used for telephone numbers (`TNAuthList`) and claims about them. The client asks the token
//! authority, by means outside of ACME, for an authority token: a JWT whose claim `atc` holds the
//! [`fingerprint`] of the account key. The challenge is answered with [`answer`]. The token proves
//! authority for the name: keep it out of logs.

use core::fmt;

use serde_json::Value;

use super::Answer;
use crate::jose::encoding;
use crate::types::JsonObject;

/// The longest authority token that is sent, in letters.
pub const MAX_AUTHORITY_TOKEN_LENGTH: usize = 32 * 1024;

/// What the server asks for in the members of the challenge (RFC 9447 §3).
///
/// ```
/// use acmekit_core::challenge::tk_auth01::TkAuthChallenge;
///
/// let members = serde_json::from_str(
///     r#"{"type": "tkauth-01", "url": "https://ca.example/chall/7", "tkauth-type": "atc",
///         "token-authority": "https://authority.example/authz", "token": "IlirfxKKXAsHtmzK29Pj8A"}"#,
/// )?;
/// let challenge = TkAuthChallenge::read(&members)?;
/// assert_eq!(challenge.token_authority(), Some("https://authority.example/authz"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TkAuthChallenge {
    token_authority: Option<String>,
}

impl TkAuthChallenge {
    /// Reads the members of a challenge object.
    ///
    /// # Errors
    /// [`TkAuthError`] if the kind of token is another one than `atc`, or the token authority is
    /// not named by an https URL.
    pub fn read(members: &JsonObject) -> Result<Self, TkAuthError> {
        match members.get("tkauth-type").and_then(Value::as_str) {
            Some("atc") => {}
            _ => return Err(TkAuthError::TokenType),
        }
        let token_authority = match members.get("token-authority") {
            None | Some(Value::Null) => None,
            Some(Value::String(url)) if is_https(url) => Some(url.clone()),
            Some(_) => return Err(TkAuthError::TokenAuthority),
        };
        Ok(Self { token_authority })
    }

    /// Where the server would have the token come from, an https URL; without one, the client
    /// knows its authority by other means.
    pub fn token_authority(&self) -> Option<&str> {
        self.token_authority.as_deref()
    }
}

fn is_https(url: &str) -> bool {
    crate::url::origin(url).is_ok_and(|origin| origin.https)
}

/// The fingerprint of the account key for the claim `atc`: `SHA256 ` and the octets of the RFC 7638
/// thumbprint in hexadecimal, separated by colons (RFC 9447 §4).
///
/// # Errors
/// [`TkAuthError::Thumbprint`] if the text is no thumbprint, which is base64url of 32 octets.
///
/// ```
/// use acmekit_core::challenge::tk_auth01;
///
/// let thumbprint = "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs";
/// assert!(tk_auth01::fingerprint(thumbprint)?.starts_with("SHA256 37:36:CB:B1:78:"));
/// # Ok::<(), tk_auth01::TkAuthError>(())
/// ```
pub fn fingerprint(thumbprint: &str) -> Result<String, TkAuthError> {
    let digest = encoding::decode(thumbprint).map_err(|_| TkAuthError::Thumbprint)?;
    if digest.len() != 32 {
        return Err(TkAuthError::Thumbprint);
    }
    let octets: Vec<String> = digest.iter().map(|octet| format!("{octet:02X}")).collect();
    Ok(format!("SHA256 {}", octets.join(":")))
}

/// The answer to the challenge, for [`Input::PublishedWith`](crate::action::Input::PublishedWith):
/// an authority token, a JWT in its compact form, as the member `tkauth`.
///
/// # Errors
/// [`TkAuthError::AuthorityToken`] if the text is not of that form (three parts of base64url,
/// separated by dots), or has more than [`MAX_AUTHORITY_TOKEN_LENGTH`] letters.
///
/// ```
/// use acmekit_core::challenge::tk_auth01;
///
/// assert!(tk_auth01::answer("eyJhbGciOiJFUzI1NiJ9.e30.c2lnbmF0dXJl").is_ok());
/// assert!(tk_auth01::answer("{}").is_err());
/// ```
pub fn answer(authority_token: &str) -> Result<Answer, TkAuthError> {
    let mut parts = authority_token.split('.');
    let mut is_part =
        || parts.next().is_some_and(|part| !part.is_empty() && encoding::decode(part).is_ok());
    let has_three = is_part() && is_part() && is_part();
    if !has_three || parts.next().is_some() || authority_token.len() > MAX_AUTHORITY_TOKEN_LENGTH {
        return Err(TkAuthError::AuthorityToken);
    }
    Answer::of("tkauth", authority_token).map_err(|_| TkAuthError::AuthorityToken)
}

/// The challenge, or what is to answer it, cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TkAuthError {
    /// `tkauth-type` is missing or another one than `atc`.
    TokenType,
    /// `token-authority` is no https URL.
    TokenAuthority,
    /// The text is no thumbprint.
    Thumbprint,
    /// The text is no JWT in compact form.
    AuthorityToken,
}

impl fmt::Display for TkAuthError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TokenType => {
                "the tkauth-01 challenge asks for a kind of token that is unknown here; only `atc` \
                 is supported"
            }
            Self::TokenAuthority => {
                "the token authority of the tkauth-01 challenge is no https URL and is not asked"
            }
            Self::Thumbprint => {
                "the thumbprint of the account key is not base64url of 32 octets (RFC 7638)"
            }
            Self::AuthorityToken => {
                "the authority token is no JWT in compact form; pass it as the authority gave it"
            }
        })
    }
}

impl core::error::Error for TkAuthError {}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::challenge::token::tests::THUMBPRINTS;

    fn read(members: Value) -> Result<TkAuthChallenge, TkAuthError> {
        TkAuthChallenge::read(members.as_object().unwrap())
    }

    #[test]
    fn only_the_type_atc_is_answered() {
        assert_eq!(read(json!({ "tkauth-type": "atc" })).unwrap().token_authority(), None);
        for other in [json!({}), json!({ "tkauth-type": "ATC" }), json!({ "tkauth-type": 1 })] {
            assert_eq!(read(other), Err(TkAuthError::TokenType));
        }
    }

    #[test]
    fn the_token_authority_is_asked_over_https_only() {
        let with = |url: Value| read(json!({ "tkauth-type": "atc", "token-authority": url }));
        let url = "https://authority.example.org/authz";
        assert_eq!(with(json!(url)).unwrap().token_authority(), Some(url));
        assert_eq!(with(Value::Null).unwrap().token_authority(), None);
        for other in ["http://authority.example.org", "file:///etc/passwd", "https://", ""] {
            assert_eq!(with(json!(other)), Err(TkAuthError::TokenAuthority), "{other}");
        }
        assert_eq!(with(json!(["https://a.example"])), Err(TkAuthError::TokenAuthority));
    }

    #[test]
    fn the_fingerprint_is_the_thumbprint_in_hexadecimal_with_colons() {
        assert_eq!(
            fingerprint(THUMBPRINTS[0]).unwrap(),
            "SHA256 37:36:CB:B1:78:7C:B8:30:9C:77:EE:8C:37:05:C5:E1:\
             6F:FB:9E:85:97:15:90:1F:1E:4C:59:B1:11:82:F5:7B"
        );
        for other in ["", "NzbL", "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs=", "é"] {
            assert_eq!(fingerprint(other), Err(TkAuthError::Thumbprint));
        }
    }

    #[test]
    fn the_answer_holds_the_token_as_it_came() {
        let token = "eyJ0eXAiOiJKV1QifQ.eyJhdGMiOnt9fQ.AAEC";
        let answer = answer(token).unwrap().payload();
        let payload: Value = serde_json::from_slice(&answer).unwrap();
        assert_eq!(payload, json!({ "tkauth": token }));
    }

    #[test]
    fn what_is_no_jwt_is_not_sent() {
        for other in ["", "a.b", "e30.e30", "e30.e30.", "e30.e30.AAEC.AAEC", "e30.e30.AA EC", "{}"]
        {
            assert_eq!(answer(other), Err(TkAuthError::AuthorityToken), "{other}");
        }
        let long = format!("e30.e30.{}", "A".repeat(MAX_AUTHORITY_TOKEN_LENGTH));
        assert_eq!(answer(&long), Err(TkAuthError::AuthorityToken));
    }
}
