//! http-01: a file on the web server (RFC 8555 §8.3, RFC 8738 §4).
//!
//! The validation begins on port 80 without TLS; authorities follow redirects from there, so a host
//! that serves only HTTPS needs one. A responder looks tokens up among the pending ones and never
//! builds its answer from the path of the request (RFC 8555 §8.3).

use core::net::IpAddr;

use super::token::{KeyAuthorization, Token};
use crate::types::identifier::Identifier;

/// Where the validation looks on every host.
pub const DIRECTORY: &str = "/.well-known/acme-challenge/";

/// How much of a body Boulder reads, in octets.
pub const BODY_LIMIT: usize = 128;

/// The path that must answer with [`body`].
///
/// ```
/// use acmekit_core::challenge::{Token, http01};
///
/// let token: Token = "LoqXcYV8q5ONbJQxbmR7SCTNo3tiAXDf".parse()?;
/// let path = http01::path(&token);
/// assert_eq!(path, "/.well-known/acme-challenge/LoqXcYV8q5ONbJQxbmR7SCTNo3tiAXDf");
/// # Ok::<(), acmekit_core::challenge::TokenError>(())
/// ```
pub fn path(token: &Token) -> String {
    format!("{DIRECTORY}{token}")
}

/// The body to serve: the key authorization with nothing around it. `application/octet-stream` is
/// a fitting content type.
pub fn body(key_authorization: &KeyAuthorization) -> &str {
    key_authorization.as_str()
}

/// Whether the body reaches [`BODY_LIMIT`], so that some authorities may read only a part of it. A
/// token of 43 letters gives 87 octets.
pub fn is_body_too_long(key_authorization: &KeyAuthorization) -> bool {
    body(key_authorization).len() >= BODY_LIMIT
}

/// The URL the validation begins with: port 80, no TLS, an IPv6 address in brackets.
pub fn url(identifier: &Identifier, token: &Token) -> String {
    let host = match identifier.as_ip() {
        Some(IpAddr::V6(address)) => format!("[{address}]"),
        _ => identifier.value(),
    };
    format!("http://{host}{}", path(token))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::challenge::token::tests::{THUMBPRINTS, sample_token};

    #[test]
    fn the_url_is_on_port_80_with_addresses_in_url_form() {
        for (identifier, host) in [
            ("example.org", "example.org"),
            ("192.0.2.1", "192.0.2.1"),
            ("2001:DB8:0::1", "[2001:db8::1]"),
        ] {
            assert_eq!(
                url(&identifier.parse().unwrap(), &sample_token()),
                format!(
                    "http://{host}/.well-known/acme-challenge/\
                     evaGxfADs6pSRb2LAv9IZf17Dt3juxGJ-PCt92wr-oA"
                )
            );
        }
    }

    #[test]
    fn the_body_is_the_bare_key_authorization_of_87_octets() {
        let authorization = KeyAuthorization::new(&sample_token(), THUMBPRINTS[0]);
        assert_eq!(body(&authorization), authorization.as_str());
        assert_eq!(body(&authorization).len(), 87);
    }

    #[test]
    fn a_body_of_128_octets_is_reported_as_too_long() {
        for (letters, expected) in [(43, false), (83, false), (84, true), (128, true)] {
            let token = Token::new("a".repeat(letters)).unwrap();
            let authorization = KeyAuthorization::new(&token, THUMBPRINTS[0]);
            assert_eq!(is_body_too_long(&authorization), expected, "{letters} letters");
        }
    }
}
