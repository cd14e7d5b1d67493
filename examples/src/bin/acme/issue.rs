//! `acme issue`: from the checked input to the files.

use std::time::{Duration, SystemTime};

use acmekit::store::{AccountId, FileStore};
use acmekit::{
    Account, Client, Error, ErrorKind, Issue, Issued, KeyType, NewOrder, PrivateKey, Registration,
    SystemEntropy,
};
use acmekit_core::certificate::CertificateRequest;
use acmekit_core::flow::Flow;
use acmekit_core::flow::account::{FindAccount, Register};
use acmekit_core::flow::issue::ChainPreference;
use acmekit_core::time::Timestamp;
use serde_json::json;

use crate::arguments::IssueArguments;
use crate::exit_code::ExitCode;
use crate::failure::Failure;
use crate::interrupt::Interrupt;
use crate::output::Output;
use crate::preparation::{self, Preparation};
use crate::{account, progress, server, solver};

/// Obtains the certificate. Whatever is wrong with the input shows before anything is sent, and
/// before anything is written.
pub(crate) fn run(arguments: &IssueArguments, output: &Output) -> Result<(), Failure> {
    let mut preparation = preparation::prepare(arguments)?;
    for note in &preparation.notes {
        output.note(&format!("note: {note}"));
    }
    let time = Duration::from_secs(arguments.deadline.get().into());
    preparation.server.policy.total_time = time;
    let deadline = Timestamp::from(SystemTime::now()).saturating_add(time);
    let runtime = server::runtime()?;
    let interrupt = Interrupt::new();
    runtime.spawn(interrupt.clone().listen());
    runtime.block_on(Work { arguments, preparation, output, interrupt, deadline }.finish())
}

struct Work<'a> {
    arguments: &'a IssueArguments,
    preparation: Preparation,
    output: &'a Output,
    interrupt: Interrupt,
    deadline: Timestamp,
}

impl Work<'_> {
    async fn finish(self) -> Result<(), Failure> {
        let observer = progress::observer(self.output.clone());
        let builder = self.preparation.server.builder(self.output.language())?.observe(observer);
        let mut builder = solver::add(builder, self.arguments).await?;

        // From here on files are written.
        let store = server::open_store(&self.arguments.out)?;
        let id = self.account_id(&store)?;
        let stored_key = store.load_account_key(&id).map_err(Error::from)?;
        let record = store.load_account(&id).map_err(Error::from)?;
        let is_new_key = stored_key.is_none();
        let account_key = match stored_key {
            Some(key) => key,
            None => new_key(KeyType::P256)?,
        };
        builder = builder.account_key(account_key.clone());
        let is_registered = record.is_some();
        if let Some(account) = record {
            builder = builder.account(account);
        }
        let client = builder.build()?;
        if is_new_key {
            store.save_account_key(&id, &account_key).map_err(Error::from)?;
        }
        if !is_registered {
            let account = self.register(&client, is_new_key).await?;
            store.save_account(&account).map_err(Error::from)?;
        }

        self.output.progress("making the certificate's key");
        let key = new_key(self.preparation.key_type)?;
        let issue = self.issue(&key)?;
        store.save_pending_key(&key).map_err(Error::from)?;
        let issued = match self.drive(&client, issue).await {
            Ok(issued) => issued,
            Err(error) => {
                if !may_be_issued(&error) {
                    // The error that is being told says more than one about the left-over key.
                    store.discard_pending_key().ok();
                }
                return Err(error.into());
            }
        };
        store.install(issued.chain()).map_err(Error::from)?;
        self.show(&client, &store, &issued);
        Ok(())
    }

    /// The account for this directory and key id. Without a key id, the one account that is on
    /// record for the directory: its binding is not needed a second time.
    fn account_id(&self, store: &FileStore) -> Result<AccountId, Failure> {
        let id = AccountId::new(&self.preparation.server.directory);
        if let Some(binding) = &self.preparation.external_account {
            return Ok(id.with_external_account(binding.key_id()));
        }
        let known = account::on_record(store, &self.preparation.server, None)?;
        Ok(known.map_or(id, |account| AccountId::from(&account)))
    }

    /// Registers. A key from an earlier call may have an account whose record was lost; it is
    /// looked up first, since an external account binding may work only once.
    async fn register(&self, client: &Client, is_new_key: bool) -> Result<Account, Error> {
        if !is_new_key {
            match self.drive(client, FindAccount::new().deadline(self.deadline)).await {
                Err(error) if error.kind() == ErrorKind::NoAccount => {}
                result => return result,
            }
        }
        let mut registration = Registration::new().agree_to_terms(self.arguments.agree_tos);
        for contact in &self.preparation.contacts {
            registration = registration.contact(contact);
        }
        if let Some(binding) = &self.preparation.external_account {
            for warning in binding.warnings() {
                self.output.note(&format!("note: {warning}"));
            }
            registration = registration.external_account(binding.clone());
        }
        self.drive(client, Register::new(registration).deadline(self.deadline)).await
    }

    fn issue(&self, key: &PrivateKey) -> Result<Issue, Failure> {
        let wanted = &self.preparation.request;
        let request = CertificateRequest::build(wanted, key, &mut SystemEntropy);
        let request = request.map_err(|error| {
            let advice = "Correct the names or the subject.";
            Failure::input(ExitCode::Input, "request-malformed", error, advice)
        })?;
        let mut order = NewOrder::new(wanted.identifiers.iter().cloned());
        if let Some(profile) = &self.arguments.profile {
            order = order.profile(profile);
        }
        let mut issue = Issue::new(order, request).deadline(self.deadline);
        if let Some(root) = &self.arguments.preferred_chain {
            issue = issue.prefer_chain(ChainPreference::issuer(root));
        }
        Ok(issue)
    }

    async fn drive<F: Flow>(&self, client: &Client, mut flow: F) -> Result<F::Output, Error> {
        client.run_until(&mut flow, self.interrupt.clone().wait()).await
    }

    fn show(&self, client: &Client, store: &FileStore, issued: &Issued) {
        let leaf = issued.chain().leaf();
        let counts = client.request_counts();
        let names: Vec<String> = leaf.identifiers().iter().map(|name| name.to_string()).collect();
        let (chain, key) = (store.chain_path(), store.key_path());
        let mut lines = vec![
            format!("certificate for {}", names.join(", ")),
            format!("valid until {}, issued by {}", leaf.not_after(), leaf.issuer()),
            format!("chain: {}", chain.display()),
            format!("key: {}", key.display()),
            counts.to_string(),
        ];
        if !issued.is_preferred_chain() {
            lines.push(
                "note: no chain leads to the preferred root; this is the CA's default".into(),
            );
        }
        let by_kind: serde_json::Map<_, _> =
            counts.iter().map(|(kind, count)| (kind.to_string(), count.into())).collect();
        let deviations: Vec<_> = client
            .deviations()
            .into_iter()
            .map(|deviation| json!({"code": deviation.code, "text": deviation.text}))
            .collect();
        let object = json!({
            "ok": true,
            "exit": 0,
            "chain": chain.to_string_lossy(),
            "key": key.to_string_lossy(),
            "names": names,
            "serial": leaf.serial_hex(),
            "issuer": leaf.issuer(),
            "not_before": leaf.not_before().to_string(),
            "not_after": leaf.not_after().to_string(),
            "account": client.account().map(|account| account.url),
            "order": issued.order_url(),
            "certificate": issued.certificate_url(),
            "preferred_chain": issued.is_preferred_chain(),
            "requests": {"total": counts.total(), "by_kind": by_kind},
            "deviations": deviations,
        });
        self.output.result(&lines, &object);
    }
}

fn new_key(key_type: KeyType) -> Result<PrivateKey, Error> {
    PrivateKey::generate(key_type, &mut SystemEntropy).map_err(Error::from)
}

/// Whether the CA may have issued a certificate all the same, so that its key must not be lost.
fn may_be_issued(error: &Error) -> bool {
    use acmekit_core::error::Step;
    error.core().is_some_and(|error| {
        matches!(
            error.step(),
            Step::Finalize | Step::Issuance | Step::Download | Step::Verification
        )
    })
}
