//! Keys that are held elsewhere: in an HSM, a key management service, the key store of a phone.

use core::pin::Pin;

use acmekit_core::action::SigningKey;
use acmekit_core::crypto::SignError;

/// What [`ExternalSigner::sign`] returns.
pub type SignatureFuture<'a> =
    Pin<Box<dyn Future<Output = Result<Vec<u8>, SignError>> + Send + 'a>>;

/// Signs with a key that is not in this process.
///
/// ```
/// use acmekit::signer::{ExternalSigner, SignatureFuture};
/// use acmekit::core::action::SigningKey;
/// # struct Module;
/// # impl Module { async fn sign_sha256(&self, _: &[u8]) -> Result<Vec<u8>, String> { Ok(vec![]) } }
///
/// struct InHardware(Module);
///
/// impl ExternalSigner for InHardware {
///     fn sign<'a>(&'a self, _key: SigningKey, message: &'a [u8]) -> SignatureFuture<'a> {
///         Box::pin(async move {
///             self.0.sign_sha256(message).await.map_err(acmekit::core::crypto::SignError::other)
///         })
///     }
/// }
/// ```
pub trait ExternalSigner: Send + Sync + 'static {
    /// Signs `message`, hashing included, in the way that `key` names. An ECDSA signature may be in
    /// either of its two forms.
    fn sign<'a>(&'a self, key: SigningKey, message: &'a [u8]) -> SignatureFuture<'a>;
}
