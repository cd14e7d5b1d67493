//! `acme account`: shows and changes the account that is kept below `--out`.

use std::path::{Path, PathBuf};

use acmekit::store::{AccountId, FileStore};
use acmekit::{Account, AccountChange, Client, Error};
use acmekit_core::account::AccountStatus;
use clap::Subcommand;
use serde_json::{Value, json};

use crate::arguments::{CertificateKeyType, ServerArguments};
use crate::exit_code::ExitCode;
use crate::failure::Failure;
use crate::output::Output;
use crate::server::{self, Server};
use crate::{preparation, progress};

#[derive(Debug, Subcommand)]
pub(crate) enum AccountCommand {
    /// Ask the CA for the account and show it.
    Show {
        #[command(flatten)]
        account: AccountArguments,
    },
    /// Change the contacts, or agree to new terms of service.
    Update {
        #[command(flatten)]
        account: AccountArguments,

        #[command(flatten)]
        change: ChangeArguments,
    },
    /// Give the account up for good; its key can make no new account at this CA.
    Deactivate {
        #[command(flatten)]
        account: AccountArguments,

        /// Confirm that this cannot be undone.
        #[arg(long)]
        yes: bool,
    },
    /// Give the account a new key. If it is interrupted, call it again.
    Rollover {
        #[command(flatten)]
        account: AccountArguments,

        /// Kind of the new account key.
        #[arg(long, value_name = "TYPE", default_value = "p256")]
        key_type: CertificateKeyType,
    },
}

/// Which account.
#[derive(Debug, clap::Args)]
pub(crate) struct AccountArguments {
    #[command(flatten)]
    server: ServerArguments,

    /// Directory that was given to `acme issue`.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,

    /// Of several accounts at this CA, the one that was made with this key id.
    #[arg(long, value_name = "KID")]
    eab_kid: Option<String>,
}

/// What to change; at least one of these.
#[derive(Debug, clap::Args)]
#[group(required = true, multiple = true)]
pub(crate) struct ChangeArguments {
    /// Contact address, in place of all that the account has; may be repeated.
    #[arg(long = "email", value_name = "ADDR", conflicts_with = "no_email")]
    emails: Vec<String>,

    /// Remove all contact addresses.
    #[arg(long)]
    no_email: bool,

    /// Agree to the CA's terms of service as they are now.
    #[arg(long)]
    agree_tos: bool,
}

/// Whatever is wrong with the input shows before anything is sent.
pub(crate) fn run(command: &AccountCommand, output: &Output) -> Result<(), Failure> {
    match command {
        AccountCommand::Show { account } => {
            let server = Server::check(&account.server)?;
            server::runtime()?.block_on(async {
                let (_, client) = account.open(&server, output)?;
                let account = client.find_account().await?;
                show("account", &account, output);
                Ok(())
            })
        }
        AccountCommand::Update { account, change } => {
            let server = Server::check(&account.server)?;
            let change = change.check(&server)?;
            server::runtime()?.block_on(async {
                let (store, client) = account.open(&server, output)?;
                let account = client.update_account(change).await?;
                store.save_account(&account).map_err(Error::from)?;
                show("changed account", &account, output);
                Ok(())
            })
        }
        AccountCommand::Deactivate { account, yes } => {
            let server = Server::check(&account.server)?;
            if !yes {
                return Err(Failure::input(
                    ExitCode::Confirmation,
                    "not-confirmed",
                    "giving the account up cannot be undone",
                    "Add --yes if that is what you want.",
                ));
            }
            server::runtime()?.block_on(async {
                let (store, client) = account.open(&server, output)?;
                let record = client.account();
                client.deactivate_account().await?;
                if let Some(mut record) = record {
                    record.status = AccountStatus::Deactivated;
                    store.save_account(&record).map_err(Error::from)?;
                    show("deactivated account", &record, output);
                }
                Ok(())
            })
        }
        AccountCommand::Rollover { account, key_type } => {
            let server = Server::check(&account.server)?;
            server::runtime()?.block_on(async {
                let (store, client) = account.open(&server, output)?;
                let id = client.account().as_ref().map(AccountId::from);
                let id = id.unwrap_or_else(|| AccountId::new(&server.directory));
                let account = client.change_account_key_in(&store, &id, (*key_type).into()).await?;
                show("account with a new key", &account, output);
                Ok(())
            })
        }
    }
}

impl ChangeArguments {
    fn check(&self, server: &Server) -> Result<AccountChange, Failure> {
        let mut change = AccountChange::new();
        if self.no_email || !self.emails.is_empty() {
            let contacts = preparation::contacts(&self.emails)?;
            if let Some(profile) = &server.profile {
                profile.check_contacts(&contacts)?;
            }
            change = change.contacts(contacts);
        }
        if self.agree_tos {
            change = change.agree_to_terms();
        }
        Ok(change)
    }
}

impl AccountArguments {
    fn open(&self, server: &Server, output: &Output) -> Result<(FileStore, Client), Failure> {
        open(server, &self.out, self.eab_kid.as_deref(), output)
    }
}

/// A client for the account that is kept in `out`. The directory is not made if it is missing.
pub(crate) fn open(
    server: &Server,
    out: &Path,
    key_id: Option<&str>,
    output: &Output,
) -> Result<(FileStore, Client), Failure> {
    let none = || {
        Failure::input(
            ExitCode::NoStoredAccount,
            "account-not-stored",
            format_args!("{} holds no account for {}", out.display(), server.directory),
            "Name with --out and --directory or --ca what was given to `acme issue`.",
        )
    };
    if !out.join("account").is_dir() {
        return Err(none());
    }
    let store = server::open_store(out)?;
    let account = on_record(&store, server, key_id)?.ok_or_else(none)?;
    let key = store.load_account_key(&AccountId::from(&account)).map_err(Error::from)?;
    let client = server
        .builder(output.language())?
        .account_key(key.ok_or_else(none)?)
        .account(account)
        .observe(progress::observer(output.clone()))
        .build()?;
    Ok((store, client))
}

/// The account on record for the directory: the one that was made with this key id, or without one,
/// the one that was made without, or else the first.
pub(crate) fn on_record(
    store: &FileStore,
    server: &Server,
    key_id: Option<&str>,
) -> Result<Option<Account>, Failure> {
    let mut known = store.accounts_at(&server.directory).map_err(Error::from)?;
    let wanted =
        known.iter().position(|account| account.external_account_key_id.as_deref() == key_id);
    let index = match (wanted, key_id) {
        (Some(index), _) => index,
        (None, None) if !known.is_empty() => 0,
        (None, _) => return Ok(None),
    };
    Ok(Some(known.swap_remove(index)))
}

fn show(title: &str, account: &Account, output: &Output) {
    let contacts = match account.contacts.as_slice() {
        [] => "none".to_owned(),
        contacts => contacts.join(", "),
    };
    let key_id = account.external_account_key_id.as_deref();
    let lines = [
        format!("{title}: {}", account.url),
        format!("status: {}", account.status),
        format!("contacts: {contacts}"),
        format!("key thumbprint: {}", account.key_thumbprint),
        format!("external account key id: {}", key_id.unwrap_or("none")),
    ];
    output.result(&lines, &object(account));
}

fn object(account: &Account) -> Value {
    json!({
        "ok": true,
        "exit": 0,
        "directory": account.directory_url,
        "account": account.url,
        "status": account.status.to_string(),
        "contacts": account.contacts,
        "key_thumbprint": account.key_thumbprint,
        "external_account_key_id": account.external_account_key_id,
    })
}
