//! dns-01: a TXT record (RFC 8555 §8.4).
//!
//! Where the record's name is a CNAME into another zone, the TXT record belongs at its target.
//! All authoritative servers have to answer with it before the challenge is triggered.

use super::token::KeyAuthorization;
use crate::jose::encoding;
use crate::types::identifier::Identifier;

/// The name of the TXT record, without a final dot. A wildcard has the same as the name below
/// which it stands, so one name may need two values at once: add and remove single values.
///
/// ```
/// use acmekit_core::challenge::dns01;
///
/// let name = dns01::record_name(&"*.example.org".parse()?);
/// assert_eq!(name, "_acme-challenge.example.org");
/// # Ok::<(), acmekit_core::types::identifier::IdentifierError>(())
/// ```
pub fn record_name(identifier: &Identifier) -> String {
    format!("_acme-challenge.{}", identifier.without_wildcard().value())
}

/// The value of the TXT record: 43 letters of base64url.
pub fn record_value(key_authorization: &KeyAuthorization) -> String {
    encoding::encode(&key_authorization.digest())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::challenge::token::tests::{THUMBPRINTS, sample_token};

    #[test]
    fn values_are_those_computed_independently() {
        for (thumbprint, expected) in THUMBPRINTS.into_iter().zip([
            "ZTRx1Ckl1-tM05o5zaizTTA0yUy5AGereMgSNWC6Ll8",
            "ZaJgFtIV4WA0t2MzN7kbSk0sfRd2GZjaxRqaSTAK6lI",
            "lAV291d372xyXVEZRY9j2FQ8g1TYpOaJr620CiahePA",
        ]) {
            assert_eq!(record_value(&KeyAuthorization::new(&sample_token(), thumbprint)), expected);
        }
    }

    #[test]
    fn a_wildcard_and_its_base_name_share_the_record() {
        let of = |name: &str| record_name(&name.parse().unwrap());
        assert_eq!(of("Example.org"), "_acme-challenge.example.org");
        assert_eq!(of("*.example.org"), of("example.org"));
    }
}
