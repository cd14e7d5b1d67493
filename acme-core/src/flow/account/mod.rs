//! Operations on the account (RFC 8555 §7.3).

pub mod change_key;
pub mod deactivate;
pub mod fetch;
pub mod find;
pub mod orders;
pub mod register;
pub mod update;

pub use change_key::ChangeKey;
pub use deactivate::DeactivateAccount;
pub use fetch::FetchAccount;
pub use find::FindAccount;
pub use orders::{ListOrders, OrderList};
pub use register::{Register, Registration};
pub use update::{AccountChange, UpdateAccount};

use serde_json::{Map, Value};

use crate::account::{Account, AccountStatus};
use crate::error::{Error, ErrorKind, Step};
use crate::exchange::{Reply, ended_account};
use crate::session::Session;

/// Reads the answer to newAccount: `Location` is the account URL; the object itself may lack
/// anything (R-ACC-06).
fn read_account(
    session: &mut Session,
    step: Step,
    reply: &Reply,
    sent_contacts: &[String],
    external_account_key_id: Option<String>,
) -> Result<Account, Error> {
    let url = reply.location(step, session)?.ok_or_else(|| {
        let text = "the server names no account URL (header Location)";
        Error::new(ErrorKind::Protocol, step, "location-missing", text).with_url(&reply.url)
    })?;
    read_account_at(session, step, reply, url, sent_contacts, external_account_key_id)
}

/// Reads an account object whose URL is known.
fn read_account_at(
    session: &mut Session,
    step: Step,
    reply: &Reply,
    url: String,
    sent_contacts: &[String],
    external_account_key_id: Option<String>,
) -> Result<Account, Error> {
    let object: Map<String, Value> = match serde_json::from_slice(&reply.body) {
        Ok(Value::Object(object)) => object,
        _ => {
            session.deviations.note("account-empty", "the answer for an account is no JSON object");
            Map::new()
        }
    };
    adopt(session, url, object, sent_contacts, external_account_key_id, step)
}

/// Makes an account object the session's account.
fn adopt(
    session: &mut Session,
    url: String,
    object: Map<String, Value>,
    sent_contacts: &[String],
    external_account_key_id: Option<String>,
    step: Step,
) -> Result<Account, Error> {
    let status = object.get("status").and_then(Value::as_str);
    if status.is_none() && !object.is_empty() {
        session.deviations.note("account-status-missing", "the account has no status");
    }
    let status = status.unwrap_or("valid").to_owned();
    let status = AccountStatus::from(status);
    let contacts = object
        .get("contact")
        .and_then(Value::as_array)
        .map(|list| list.iter().filter_map(|v| v.as_str().map(str::to_owned)).collect::<Vec<_>>());
    // Asking again tells nothing about the binding the account was made with.
    let known = session.account().filter(|known| known.url == url);
    let external_account_key_id = external_account_key_id
        .or_else(|| known.and_then(|known| known.external_account_key_id.clone()));
    let account = Account {
        directory_url: session.directory_url().to_owned(),
        url,
        key_thumbprint: session.account_key().thumbprint(),
        external_account_key_id,
        contacts: contacts.unwrap_or_else(|| sent_contacts.to_vec()),
        status,
    };
    if account.status.is_final() {
        session.set_account_status(&account.url, account.status.clone());
        return Err(ended_account(step, &account));
    }
    session.adopt_account(account.clone());
    Ok(account)
}

/// The newAccount URL of the directory.
fn new_account_url(session: &Session, step: Step) -> Result<String, Error> {
    let url = session.directory().and_then(|directory| directory.new_account.clone());
    url.ok_or_else(|| {
        let text = "the directory names no newAccount";
        Error::new(ErrorKind::Unsupported, step, "directory-incomplete", text)
    })
}
