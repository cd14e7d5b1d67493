//! The identifier of a certificate in renewal information and in orders that replace it
//! (RFC 9773 §4.1).

use core::fmt;

use serde::{Deserialize, Serialize};

use super::info::Certificate;
use crate::jose::encoding;

/// The unique identifier of a certificate: the key identifier of its authority and its serial
/// number, each in base64url, with a dot between (RFC 9773 §4.1).
///
/// ```
/// # fn example(certificate: &acmekit_core::certificate::Certificate) {
/// if let Some(id) = certificate.certificate_id() {
///     println!("{id}"); // such as aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdlQyE
/// }
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CertificateId(String);

impl CertificateId {
    /// The text that goes over the wire.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for CertificateId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Certificate {
    /// The identifier of this certificate in renewal information; none if it names no key of its
    /// authority (no authority key identifier extension, or one without a key identifier).
    ///
    /// The serial number enters with all content octets of its DER, a leading zero included.
    pub fn certificate_id(&self) -> Option<CertificateId> {
        let key_identifier = self.authority_key_identifier().filter(|octets| !octets.is_empty())?;
        let serial = self.serial_number();
        if serial.is_empty() {
            return None;
        }
        let (authority, serial) = (encoding::encode(key_identifier), encoding::encode(serial));
        Some(CertificateId(format!("{authority}.{serial}")))
    }
}
