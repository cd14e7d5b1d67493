//! What costs time to make and is the same in every run: keys, certificate requests, chains.

use std::sync::OnceLock;

use acmekit_core::account::Account;
use acmekit_core::certificate::{
    CertificateRequest, CertificateRequestParameters, UnsignedCertificateRequest,
};
use acmekit_core::crypto::{KeyType, PrivateKey, SignError};
use acmekit_core::entropy::Entropy;
use acmekit_core::flow::account::{Register, Registration};
use acmekit_core::flow::issue::{Issue, NewOrder};
use acmekit_core::jose::{
    AccountKey, ExternalAccountBinding, Jwk, JwsAlgorithm, LocalSigner, MacAlgorithm, MacKey,
    Signer,
};
use acmekit_core::policy::Policy;
use acmekit_core::session::Session;
use acmekit_core::time::Timestamp;
use acmekit_core::types::Identifier;
use acmekit_testing::SeededEntropy;

use crate::against_ca;
use crate::server::{ACCOUNT_URL, DIRECTORY_URL};

/// 2026-11-22T00:00:00Z.
pub const START: Timestamp = Timestamp::from_unix_seconds(1_795_305_600);

/// The secret of the external account binding, which must never be seen in any output.
pub const MAC_KEY: &str = "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LXNlY3JldA";

/// One order: its names, the certificate key and the chains a server may send for it.
pub struct Order {
    pub names: Vec<Identifier>,
    pub key: PrivateKey,
    pub request: CertificateRequest,
    pub unsigned: UnsignedCertificateRequest,
    /// Right, for another key, for other names.
    pub chains: [String; 3],
}

impl Order {
    fn new(names: &[&str], seed: u64) -> Self {
        let names: Vec<Identifier> = names.iter().map(|name| name.parse().unwrap()).collect();
        let mut entropy = SeededEntropy::new(seed);
        let key = PrivateKey::generate(KeyType::P256, &mut entropy).unwrap();
        let other_key = PrivateKey::generate(KeyType::P256, &mut entropy).unwrap();
        let unsigned = unsigned_request(&names, &key);
        let signature = key.sign(&mut entropy, unsigned.to_be_signed()).unwrap();
        let request = unsigned.clone().into_signed(&signature).unwrap();
        let other_names: Vec<Identifier> = vec!["other.example.net".parse().unwrap()];
        let chains = [
            against_ca::certify(&names, &key, seed),
            against_ca::certify(&names, &other_key, seed),
            against_ca::certify(&other_names, &key, seed),
        ];
        Self { names, key, request, unsigned, chains }
    }

    /// The flow that obtains it, with the certificate key in this process or elsewhere.
    pub fn flow(&self, external: bool) -> Issue {
        let order = NewOrder::new(self.names.clone());
        if external {
            Issue::with_external_key(order, self.unsigned.clone())
        } else {
            Issue::new(order, self.request.clone())
        }
    }
}

fn unsigned_request(names: &[Identifier], key: &PrivateKey) -> UnsignedCertificateRequest {
    let parameters = CertificateRequestParameters::new(names.iter().cloned());
    let (public_key, scheme) = (key.public_key_der(), key.signature_scheme());
    UnsignedCertificateRequest::new(&parameters, public_key, scheme).unwrap()
}

/// A signed request made on the spot.
pub fn request(names: &[Identifier], key: &PrivateKey, seed: u64) -> CertificateRequest {
    let unsigned = unsigned_request(names, key);
    let signature = key.sign(&mut SeededEntropy::new(seed), unsigned.to_be_signed()).unwrap();
    unsigned.into_signed(&signature).unwrap()
}

/// The orders that scripts choose from.
pub fn orders() -> &'static [Order; 3] {
    static ORDERS: OnceLock<[Order; 3]> = OnceLock::new();
    ORDERS.get_or_init(|| {
        [
            Order::new(&["a.example.org"], 1),
            Order::new(&["a.example.org", "*.example.org"], 2),
            Order::new(&["a.example.org", "b.example.org", "192.0.2.7", "2001:db8::7"], 3),
        ]
    })
}

/// The account key of all sessions.
pub fn account_key() -> &'static PrivateKey {
    static KEY: OnceLock<PrivateKey> = OnceLock::new();
    KEY.get_or_init(|| PrivateKey::generate(KeyType::P256, &mut SeededEntropy::new(7)).unwrap())
}

/// A key whose signatures cost nothing: the plausible server does not check them.
struct CheapSigner(Jwk);

impl Signer for CheapSigner {
    fn algorithm(&self) -> JwsAlgorithm {
        self.0.algorithm()
    }

    fn jwk(&self) -> &Jwk {
        &self.0
    }

    fn sign(&self, _: &mut dyn Entropy, _: &[u8]) -> Result<Vec<u8>, SignError> {
        Ok(vec![7; 64])
    }
}

/// Where the account key is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyPlace {
    /// In this process; the signatures are not real.
    Cheap,
    /// In this process.
    Local,
    /// Elsewhere: signatures are asked for.
    External,
}

/// A session at a directory, without an account.
pub fn session(directory_url: &str, place: KeyPlace, policy: Policy) -> Session {
    let key = match place {
        KeyPlace::Cheap => AccountKey::local(CheapSigner(account_key().jwk().clone())),
        KeyPlace::Local => AccountKey::local(LocalSigner::new(account_key().clone())),
        KeyPlace::External => AccountKey::external(account_key().jwk().clone()).unwrap(),
    };
    Session::new(directory_url, key, policy).unwrap()
}

/// A session at the plausible server, with its account.
pub fn registered_session(place: KeyPlace, policy: Policy) -> Session {
    let mut session = session(DIRECTORY_URL, place, policy);
    session.set_account(account()).unwrap();
    session
}

fn account() -> Account {
    static ACCOUNT: OnceLock<Account> = OnceLock::new();
    let read = || {
        let thumbprint = account_key().jwk().thumbprint();
        serde_json::from_value(serde_json::json!({
            "directory_url": DIRECTORY_URL, "url": ACCOUNT_URL,
            "key_thumbprint": thumbprint, "status": "valid",
        }))
        .unwrap()
    };
    ACCOUNT.get_or_init(read).clone()
}

/// The external account binding of all registrations.
pub fn binding() -> ExternalAccountBinding {
    let key = MacKey::parse(MAC_KEY).unwrap();
    ExternalAccountBinding::new("kid-1", key, MacAlgorithm::Hs256).unwrap()
}

/// A registration, with or without a binding.
pub fn register(bound: bool) -> Register {
    let registration = Registration::new().contact("mailto:admin@example.org").agree_to_terms(true);
    Register::new(if bound { registration.external_account(binding()) } else { registration })
}
