//! The whole way for most programs: a new key, a request for it, the certificate, the files.

use core::fmt;

use acmekit_core::certificate::{
    CertificateChain, CertificateRequest, CertificateRequestParameters, Subject,
};
use acmekit_core::crypto::{KeyType, PrivateKey};
use acmekit_core::error::{Error as CoreError, Step};
use acmekit_core::flow::issue::{ChainPreference, Issue, Issued, NewOrder, Predecessor};
use acmekit_core::time::Timestamp;
use acmekit_core::types::Identifier;
use zeroize::Zeroizing;

use crate::client::Client;
use crate::entropy::SystemEntropy;
use crate::error::{Error, ErrorKind};
use crate::store::FileStore;

/// What certificate is wanted.
///
/// ```
/// use acmekit::{KeyType, Wanted};
/// let wanted = Wanted::names(["example.org", "*.example.org"])?.key_type(KeyType::P384);
/// # Ok::<(), acmekit::Error>(())
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct Wanted {
    order: NewOrder,
    key_type: KeyType,
    subject: Option<Subject>,
    preference: Option<ChainPreference>,
    deadline: Option<Timestamp>,
    drops_refused_names: bool,
}

/// How often an order is made again without the names that the CA has refused.
const MAX_DROPS: usize = 3;

impl Wanted {
    /// A certificate for these names and addresses, with a new P-256 key.
    ///
    /// # Errors
    /// One of the texts is not a name or an address that a certificate can be ordered for.
    pub fn names<S: AsRef<str>>(names: impl IntoIterator<Item = S>) -> Result<Self, Error> {
        let identifiers = names
            .into_iter()
            .map(|name| name.as_ref().parse::<Identifier>())
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| {
                let advice = "Correct the name; a wildcard is written `*.example.org`.";
                Error::new(ErrorKind::Input, "identifier", error.to_string(), advice)
            })?;
        Ok(Self::order(NewOrder::new(identifiers)))
    }

    /// A certificate for an order that was put together by hand, with a new P-256 key.
    pub fn order(order: NewOrder) -> Self {
        let key_type = KeyType::P256;
        Self {
            order,
            key_type,
            subject: None,
            preference: None,
            deadline: None,
            drops_refused_names: false,
        }
    }

    /// Orders again without the names that the CA refuses, if it says which these are (RFC 8555
    /// §6.7.1) and any are left; at most three times. Off by default, since the certificate then
    /// lacks names that were asked for: [`Obtained::refused`] lists them, and so does the log.
    pub fn drop_refused_names(mut self) -> Self {
        self.drops_refused_names = true;
        self
    }

    /// Takes the names that an error refuses out of the order, and tells which; none if the error
    /// is not about names, or about all of them, or must not be answered by another order.
    fn drop_names(&mut self, error: &Error) -> Vec<Identifier> {
        let named = error.core().map(CoreError::refused_identifiers).unwrap_or_default();
        let ordered = self.order.identifiers();
        let refused: Vec<Identifier> =
            ordered.iter().filter(|name| named.contains(name)).cloned().collect();
        if !self.drops_refused_names || refused.len() == ordered.len() {
            return Vec::new();
        }
        self.order = self.order.clone().without(&refused);
        refused
    }

    /// With a new key of this kind.
    pub fn key_type(mut self, key_type: KeyType) -> Self {
        self.key_type = key_type;
        self
    }

    /// With this subject in the request, where the CA asks for one.
    pub fn subject(mut self, subject: Subject) -> Self {
        self.subject = Some(subject);
        self
    }

    /// With this profile of the CA.
    pub fn profile(mut self, name: impl Into<String>) -> Self {
        self.order = self.order.profile(name);
        self
    }

    /// In place of this certificate, so that the CA counts the order as a renewal; see
    /// [`NewOrder::replaces`].
    pub fn replaces(mut self, predecessor: impl Into<Predecessor>) -> Self {
        self.order = self.order.replaces(predecessor);
        self
    }

    /// With the chain that leads to the root of this name, where the CA offers several.
    pub fn preferred_chain(mut self, root: impl Into<String>) -> Self {
        self.preference = Some(ChainPreference::issuer(root));
        self
    }

    /// Until this time at the latest.
    pub fn deadline(mut self, deadline: Timestamp) -> Self {
        self.deadline = Some(deadline);
        self
    }

    /// Makes the key. RSA takes seconds, so it is done on a thread for blocking work.
    async fn generate_key(&self) -> Result<PrivateKey, Error> {
        let key_type = self.key_type;
        let generate = move || PrivateKey::generate(key_type, &mut SystemEntropy);
        let key = match key_type {
            KeyType::P256 | KeyType::P384 | KeyType::Ed25519 => generate(),
            _ => tokio::task::spawn_blocking(generate).await.map_err(|error| {
                Error::setup("key", format!("the key could not be generated: {error}"))
            })?,
        };
        Ok(key?)
    }

    /// The flow for this certificate and key.
    fn flow(&self, key: &PrivateKey) -> Result<Issue, Error> {
        let identifiers = self.order.identifiers().to_vec();
        let mut parameters = CertificateRequestParameters::new(identifiers);
        parameters.subject = self.subject.clone();
        let request =
            CertificateRequest::build(&parameters, key, &mut SystemEntropy).map_err(|error| {
                let advice = "Correct the names or the subject.";
                Error::new(ErrorKind::Input, "badCSR", error.to_string(), advice)
            })?;
        let mut flow = Issue::new(self.order.clone(), request);
        if let Some(preference) = self.preference.clone() {
            flow = flow.prefer_chain(preference);
        }
        if let Some(deadline) = self.deadline {
            flow = flow.deadline(deadline);
        }
        Ok(flow)
    }
}

/// A certificate with its key.
#[derive(Clone)]
#[non_exhaustive]
pub struct Obtained {
    /// The certificate, and where it came from.
    pub issued: Issued,
    /// Its private key.
    pub key: PrivateKey,
    /// The names that were asked for and that the certificate lacks, since the CA refused them; see
    /// [`Wanted::drop_refused_names`].
    pub refused: Vec<Identifier>,
}

impl Obtained {
    /// The certificate and its intermediates.
    pub fn chain(&self) -> &CertificateChain {
        self.issued.chain()
    }

    /// The certificate and its intermediates in PEM.
    pub fn chain_pem(&self) -> String {
        self.issued.chain().to_pem()
    }

    /// The private key in PEM (PKCS#8), zeroed when it is dropped.
    ///
    /// # Errors
    /// The key cannot be encoded.
    pub fn key_pem(&self) -> Result<Zeroizing<String>, Error> {
        Ok(self.key.to_pkcs8_pem()?)
    }
}

impl fmt::Debug for Obtained {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Obtained")
            .field("issued", &self.issued)
            .field("refused", &self.refused)
            .finish_non_exhaustive()
    }
}

impl Client {
    /// Makes a key, orders a certificate for it, proves control, and returns both when the
    /// certificate has come and is verified.
    ///
    /// The key exists only in memory until then; [`obtain_into`](Self::obtain_into) saves it first.
    ///
    /// # Errors
    /// See [`ErrorKind`]; [`Error::advice`] tells what to do.
    pub async fn obtain(&self, wanted: Wanted) -> Result<Obtained, Error> {
        let key = wanted.generate_key().await?;
        let flow = wanted.flow(&key)?;
        let (issued, refused) = self.issue_wanted(wanted, flow, &key).await?;
        Ok(Obtained { issued, key, refused })
    }

    /// Runs the flow, and again without the names that the CA refuses if that is wanted.
    async fn issue_wanted(
        &self,
        mut wanted: Wanted,
        mut flow: Issue,
        key: &PrivateKey,
    ) -> Result<(Issued, Vec<Identifier>), Error> {
        let mut refused = Vec::new();
        for _ in 0..MAX_DROPS {
            let error = match self.run(&mut flow).await {
                Ok(issued) => return Ok((issued, refused)),
                Err(error) => error,
            };
            let dropped = wanted.drop_names(&error);
            if dropped.is_empty() {
                return Err(error);
            }
            for name in &dropped {
                tracing::warn!(%name, %error, "the CA refuses this name; ordering without it");
            }
            refused.extend(dropped);
            flow = wanted.flow(key)?;
        }
        Ok((self.run(&mut flow).await?, refused))
    }

    /// As [`obtain`](Self::obtain), with the files: the key is saved before anything is ordered, and
    /// takes the place of the key before it together with the chain, when that is verified. On
    /// failure the files in use are as before, and the new key is removed unless the CA may have
    /// made a certificate for it.
    ///
    /// # Errors
    /// As [`obtain`](Self::obtain), and [`ErrorKind::Store`] if a file cannot be written.
    pub async fn obtain_into(&self, store: &FileStore, wanted: Wanted) -> Result<Obtained, Error> {
        let key = wanted.generate_key().await?;
        let flow = wanted.flow(&key)?;
        blocking(store, {
            let key = key.clone();
            move |store| store.save_pending_key(&key)
        })
        .await?;
        match self.issue_wanted(wanted, flow, &key).await {
            Ok((issued, refused)) => {
                let chain = issued.chain().clone();
                blocking(store, move |store| store.install(&chain)).await?;
                Ok(Obtained { issued, key, refused })
            }
            Err(error) => {
                if is_hopeless(&error)
                    && let Err(error) = blocking(store, FileStore::discard_pending_key).await
                {
                    tracing::warn!(%error, "the key of a failed order could not be removed");
                }
                Err(error)
            }
        }
    }
}

/// Whether no certificate can come for the key any more: the request for it was not sent.
fn is_hopeless(error: &Error) -> bool {
    !error.core().is_some_and(|error| {
        matches!(
            error.step(),
            Step::Finalize | Step::Issuance | Step::Download | Step::Verification
        )
    })
}

/// Works with files on a thread for blocking work.
async fn blocking<E>(
    store: &FileStore,
    work: impl FnOnce(&FileStore) -> Result<(), E> + Send + 'static,
) -> Result<(), Error>
where
    E: Into<Error> + Send + 'static,
{
    let store = store.clone();
    tokio::task::spawn_blocking(move || work(&store).map_err(Into::into))
        .await
        .map_err(|error| Error::setup("store", format!("a file operation was lost: {error}")))?
}
