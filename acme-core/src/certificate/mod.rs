//! Certificate requests, and checking what the certificate authority sends back (RFC 8555 §7.4,
//! §9.1).
//!
//! - [`CertificateRequestParameters`] says what to ask for; [`UnsignedCertificateRequest`] is
//!   signed anywhere; [`CertificateRequest`] is what goes to the server, made here or elsewhere.
//! - [`CertificateChain`] reads what the server sends, [`verify_issued`] tells whether it is what
//!   was asked for.

mod asn1;
mod attribute;
mod certificate_id;
mod chain;
mod csr;
mod device_name;
mod info;
mod request;
mod subject;
mod tbs;
mod verify;

pub use attribute::{AttributeProblem, SubjectAttribute};
pub use certificate_id::CertificateId;
pub use chain::{CertificateChain, ChainError, DEFAULT_MAX_CERTIFICATES};
pub use csr::{CertificateRequestError, CertificateRequestParameters, UnsignedCertificateRequest};
pub use device_name::DeviceName;
pub use info::{Certificate, CertificateError, MAX_CERTIFICATE_LENGTH};
pub use request::{CertificateRequest, MAX_REQUEST_LENGTH};
pub use subject::{Subject, SubjectError};
pub(crate) use tbs::{TbsCertificate, subject_alt_name};
pub use verify::{CertificateFault, ChainNote, ChainReport, Expected, verify_issued};
