//! Names of devices in a certificate request (draft-ietf-acme-device-attest): `otherName`s in the
//! subject alternative name extension.

use der::asn1::{Any, AnyRef, ObjectIdentifier, OctetString, Utf8StringRef};
use der::{Decode, Encode, Reader, Sequence, SliceReader, Tag, TagNumber, Tagged};
use serde::{Deserialize, Serialize};
use x509_cert::ext::pkix::name::{GeneralName, OtherName};

use super::csr::CertificateRequestError;

/// id-on-permanentIdentifier (RFC 4043 §2).
const PERMANENT_IDENTIFIER: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.8.3");
/// id-on-hardwareModuleName (RFC 4108 §5).
const HARDWARE_MODULE_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.8.4");

/// The identifier types of device attestation, which a request may leave out.
pub(super) const PERMANENT_IDENTIFIER_TYPE: &str = "permanent-identifier";
pub(super) const HARDWARE_MODULE_TYPE: &str = "hardware-module";

/// The name of a device, for a certificate request.
///
/// ```
/// use acmekit_core::certificate::{CertificateRequestParameters, DeviceName};
///
/// let mut wanted = CertificateRequestParameters::new(["device.example.org".parse()?]);
/// wanted.device_names.push(DeviceName::permanent_identifier("C02XX0AAAAAA"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum DeviceName {
    /// A permanent identifier (RFC 4043).
    PermanentIdentifier {
        /// The identifier, unique at the assigner.
        value: String,
        /// Who assigns it: an object identifier in dotted decimal.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        assigner: Option<String>,
    },
    /// A hardware module name (RFC 4108 §5).
    HardwareModule {
        /// The kind of hardware: an object identifier in dotted decimal.
        hardware_type: String,
        /// The serial number, unique for the kind.
        serial_number: Vec<u8>,
    },
}

#[derive(Sequence)]
struct HardwareModuleName {
    hardware_type: ObjectIdentifier,
    serial_number: OctetString,
}

impl DeviceName {
    /// A permanent identifier without an assigner.
    pub fn permanent_identifier(value: impl Into<String>) -> Self {
        Self::PermanentIdentifier { value: value.into(), assigner: None }
    }

    /// The `otherName` for the subject alternative name extension.
    pub(super) fn general_name(&self) -> Result<GeneralName, CertificateRequestError> {
        let oid = |text: &str| {
            ObjectIdentifier::new(text)
                .map_err(|_| CertificateRequestError::ObjectIdentifier { text: text.to_owned() })
        };
        let (type_id, value) = match self {
            Self::PermanentIdentifier { value, assigner } => {
                let assigner = assigner.as_deref().map(oid).transpose()?;
                (PERMANENT_IDENTIFIER, permanent_identifier(value, assigner))
            }
            Self::HardwareModule { hardware_type, serial_number } => {
                let hardware_type = oid(hardware_type)?;
                let encode = || {
                    let serial_number = OctetString::new(serial_number.as_slice())?;
                    Any::encode_from(&HardwareModuleName { hardware_type, serial_number })
                };
                (HARDWARE_MODULE_NAME, encode())
            }
        };
        let value = value.map_err(CertificateRequestError::Encoding)?;
        Ok(GeneralName::OtherName(OtherName { type_id, value }))
    }
}

/// `PermanentIdentifier ::= SEQUENCE { identifierValue UTF8String OPTIONAL, assigner OPTIONAL }`.
fn permanent_identifier(value: &str, assigner: Option<ObjectIdentifier>) -> der::Result<Any> {
    let mut content = Utf8StringRef::new(value)?.to_der()?;
    if let Some(assigner) = assigner {
        content.extend(assigner.to_der()?);
    }
    Any::new(Tag::Sequence, content)
}

/// The identifier type and value of an `otherName`, given without its tag; none for other kinds.
/// The serial number of a hardware module is written in hexadecimal.
pub(super) fn read_other_name(content: &[u8]) -> der::Result<Option<(&'static str, String)>> {
    let mut reader = SliceReader::new(content)?;
    let type_id: ObjectIdentifier = reader.decode()?;
    let value: AnyRef<'_> = reader.decode()?;
    let is_explicit =
        matches!(value.tag(), Tag::ContextSpecific { number: TagNumber(0), constructed: true });
    let invalid = || der::Error::from(der::ErrorKind::Value { tag: value.tag() });
    match type_id {
        PERMANENT_IDENTIFIER if is_explicit => {
            let fields = AnyRef::from_der(value.value())?;
            fields.tag().assert_eq(Tag::Sequence)?;
            let mut reader = SliceReader::new(fields.value())?;
            if reader.is_finished() {
                return Ok(Some((PERMANENT_IDENTIFIER_TYPE, String::new())));
            }
            let first: AnyRef<'_> = reader.decode()?;
            let text = match first.tag() {
                Tag::Utf8String => core::str::from_utf8(first.value()).map_err(|_| invalid())?,
                _ => "",
            };
            Ok(Some((PERMANENT_IDENTIFIER_TYPE, text.to_owned())))
        }
        HARDWARE_MODULE_NAME if is_explicit => {
            let name = HardwareModuleName::from_der(value.value())?;
            let serial = name.serial_number.as_bytes();
            let text = serial.iter().map(|octet| format!("{octet:02x}")).collect();
            Ok(Some((HARDWARE_MODULE_TYPE, text)))
        }
        _ => Ok(None),
    }
}

#[cfg(all(test, feature = "p256"))]
mod tests {
    use super::*;
    use crate::certificate::{CertificateRequest, CertificateRequestParameters};
    use crate::crypto::seeded::Seeded;
    use crate::crypto::{KeyType, PrivateKey};
    use crate::types::identifier::Identifier;

    fn identifier(kind: &str, value: &str) -> Identifier {
        serde_json::from_value(serde_json::json!({"type": kind, "value": value})).unwrap()
    }

    fn build(
        parameters: &CertificateRequestParameters,
    ) -> Result<CertificateRequest, CertificateRequestError> {
        let key = PrivateKey::generate(KeyType::P256, &mut Seeded::new(1)).unwrap();
        CertificateRequest::build(parameters, &key, &mut Seeded::new(2))
    }

    fn contains(request: &CertificateRequest, needle: &[u8]) -> bool {
        request.der().windows(needle.len()).any(|window| window == needle)
    }

    #[test]
    fn device_identifiers_of_the_order_are_left_out_unless_named() {
        let device = identifier("permanent-identifier", "SN-1");
        let module = identifier("hardware-module", "01ff");
        let host: Identifier = "device.example.org".parse().unwrap();
        let ordered = [host.clone(), device.clone(), module.clone()];
        let request = build(&CertificateRequestParameters::new(ordered.clone())).unwrap();
        assert_eq!(request.identifiers(), [host]);
        assert_eq!(request.check_names(&ordered), Ok(()));
        // An order of devices alone gives a request without any name.
        let ordered = [device, module];
        let request = build(&CertificateRequestParameters::new(ordered.clone())).unwrap();
        assert_eq!(request.identifiers(), []);
        assert!(!contains(&request, &[0x06, 0x03, 0x55, 0x1d, 0x11]), "no empty extension");
        assert_eq!(request.check_names(&ordered), Ok(()));
    }

    #[test]
    fn a_device_that_is_named_stands_as_other_name() {
        let device = identifier("permanent-identifier", "SN-1");
        let module = identifier("hardware-module", "any form the server likes");
        let ordered = ["device.example.org".parse().unwrap(), device.clone(), module.clone()];
        let mut wanted = CertificateRequestParameters::new(ordered.clone());
        wanted.device_names = vec![
            DeviceName::permanent_identifier("SN-1"),
            DeviceName::HardwareModule {
                hardware_type: "1.2.3.4".to_owned(),
                serial_number: vec![0x01, 0xff],
            },
        ];
        let request = build(&wanted).unwrap();
        // RFC 5280 §4.2.1.6: [0] { OID, [0] EXPLICIT value }.
        let permanent = [
            &[0xa0, 0x14, 0x06, 0x08, 0x2b, 6, 1, 5, 5, 7, 8, 3, 0xa0, 0x08, 0x30, 0x06, 0x0c, 4][..],
            b"SN-1",
        ];
        assert!(contains(&request, &permanent.concat()));
        let hardware = [
            0xa0, 0x17, 0x06, 0x08, 0x2b, 6, 1, 5, 5, 7, 8, 4, 0xa0, 0x0b, 0x30, 0x09, 0x06, 3,
            0x2a, 3, 4, 0x04, 2, 0x01, 0xff,
        ];
        assert!(contains(&request, &hardware));
        assert_eq!(request.identifiers().get(1), Some(&device));
        assert_eq!(request.check_names(&ordered), Ok(()));
        // One that is not ordered is an extra name as any other.
        let host_alone = ordered.get(..1).unwrap();
        let refused = request.check_names(host_alone);
        assert_eq!(refused, Err(CertificateRequestError::ExtraName(device)));
        let text = serde_json::to_string(&wanted).unwrap();
        let restored: CertificateRequestParameters = serde_json::from_str(&text).unwrap();
        assert_eq!(restored, wanted);
    }

    #[test]
    fn an_assigner_follows_the_value_and_must_be_an_object_identifier() {
        let named = |assigner: &str| {
            let value = "SN-1".to_owned();
            let assigner = Some(assigner.to_owned());
            let mut wanted = CertificateRequestParameters::new(["a.example".parse().unwrap()]);
            wanted.device_names = vec![DeviceName::PermanentIdentifier { value, assigner }];
            build(&wanted)
        };
        let request = named("1.2.3.4").unwrap();
        let value = [&[0x30, 0x0b, 0x0c, 4][..], b"SN-1", &[0x06, 3, 0x2a, 3, 4]].concat();
        assert!(contains(&request, &value));
        let error = named("Example Inc.").unwrap_err();
        assert!(error.to_string().contains("object identifier"), "{error}");
    }
}
