//! A certificate in a few seconds, without set-up: starts a certificate authority on this machine,
//! registers with external account binding, proves control over a name by http-01, and writes
//! `chain.pem`, `key.pem` and the CA's `root.pem`.
//!
//! ```text
//! cargo run -p acmekit-examples --bin quickstart [-- --out DIR]
//! ```

use std::error::Error;
use std::fs;
use std::io::{self, Write};
use std::path::PathBuf;

use acmekit::solver::http01::Http01Listener;
use acmekit::store::{AccountId, FileStore};
use acmekit::{
    Client, ExternalAccountBinding, KeyType, MacAlgorithm, MacKey, PrivateKey, Registration,
    SystemEntropy, Wanted,
};
use acmekit_core::entropy::Entropy;
use acmekit_testing::server::{Server, ServerOptions};
use acmekit_testing::{Config, ExternalAccount, ExternalAccountPolicy};
use clap::Parser;

const KEY_ID: &str = "quickstart";

/// Obtains a certificate from a certificate authority that runs for this purpose only.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// Where the files go.
    #[arg(long, value_name = "DIR", default_value = "target/quickstart")]
    out: PathBuf,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let store = FileStore::open(Arguments::parse().out)?;

    // What a CA would hand out on its account page.
    let mut secret = [0; 32];
    SystemEntropy.fill(&mut secret)?;

    // The CA. It looks for proofs of control where our listener is, in place of port 80.
    let listener = Http01Listener::bind("127.0.0.1:0").await?;
    let config = Config::default()
        .with_external_account_policy(ExternalAccountPolicy::Required)
        .with_external_account(ExternalAccount::new(KEY_ID, secret));
    let options = ServerOptions::default().with_http01_port(listener.local_addr().port());
    let ca = Server::start(config, u64::from(std::process::id()), options)?;

    // The account. Its key is saved before it is registered.
    let account_key = PrivateKey::generate(KeyType::P256, &mut SystemEntropy)?;
    let account_id = AccountId::new(ca.directory_url()).with_external_account(KEY_ID);
    store.save_account_key(&account_id, &account_key)?;
    let client = Client::builder(ca.directory_url())
        .account_key(account_key)
        .add_root_certificate_pem(ca.tls_root_pem().as_bytes())?
        .solver(listener)
        .build()?;
    let binding =
        ExternalAccountBinding::new(KEY_ID, MacKey::from_bytes(&secret)?, MacAlgorithm::Hs256)?;
    let account = client.register(Registration::new().external_account(binding)).await?;
    store.save_account(&account)?;

    // The certificate. Its key is saved before it is ordered.
    let wanted = Wanted::names(["www.example.org"])?;
    let obtained = client.obtain_into(&store, wanted).await?;

    let root = store.directory().join("root.pem");
    fs::write(&root, ca.root_pem())?;
    io::stdout().write_all(obtained.chain_pem().as_bytes())?;
    let chain = store.chain_path();
    writeln!(
        io::stderr(),
        "{}\nTo check the chain:\nopenssl verify -CAfile '{}' -untrusted '{}' '{}'",
        client.request_counts(),
        root.display(),
        chain.display(),
        chain.display(),
    )?;
    Ok(())
}
