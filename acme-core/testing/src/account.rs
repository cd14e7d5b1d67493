//! Accounts (RFC 8555 §7.3): creation, look-up, update, deactivation, and the list of orders.

use http::StatusCode;
use serde_json::{Map, Value, json};

use crate::ca::TestingCa;
use crate::cause::RefusalCause;
use crate::config::ExternalAccountPolicy;
use crate::failures::Failures;
use crate::keys::PublicKey;
use crate::order::OrderState;
use crate::problem::Problem;
use crate::reply::Reply;
use crate::routing::{Resource, Signatory, Signed};

#[derive(Debug)]
pub(crate) struct Account {
    pub(crate) path: String,
    orders_path: String,
    pub(crate) key: PublicKey,
    contact: Vec<String>,
    terms_agreed: bool,
    is_deactivated: bool,
    /// The key identifier of the external account binding.
    pub(crate) credential: Option<String>,
    pub(crate) failures: Failures,
}

impl TestingCa {
    pub(crate) fn account_at(&self, index: usize) -> Result<&Account, Problem> {
        self.accounts.get(index).ok_or_else(|| Problem::internal("the account is gone"))
    }

    pub(crate) fn account_mut(&mut self, index: usize) -> Result<&mut Account, Problem> {
        self.accounts.get_mut(index).ok_or_else(|| Problem::internal("the account is gone"))
    }

    /// §7.3.6: a deactivated account is refused with 401, and so is one whose credential has been
    /// suspended.
    pub(crate) fn check_active(&self, index: usize) -> Result<(), Problem> {
        let account = self.account_at(index)?;
        if account.is_deactivated {
            let detail = "the account is deactivated";
            return Err(Problem::new(RefusalCause::AccountInactive, detail));
        }
        match &account.credential {
            Some(key_id) if self.is_suspended(key_id) => {
                let detail = format!("the credential {key_id:?} of the account is suspended");
                Err(Problem::new(RefusalCause::AccountInactive, detail))
            }
            _ => Ok(()),
        }
    }

    /// Whether any account, deactivated ones included, has this key (§11.1).
    pub(crate) fn account_by_key(&self, key: &PublicKey) -> Option<usize> {
        self.accounts.iter().position(|account| account.key == *key)
    }

    pub(crate) fn new_account(&mut self, signed: &Signed) -> Result<Reply, Problem> {
        let Signatory::Key(key, jwk) = &signed.signatory else {
            let detail = "newAccount must be signed with `jwk`, not `kid`";
            return Err(Problem::malformed(detail).breach("R-JWS-03"));
        };
        let payload = signed.object("R-ACC-01")?;
        let allowed =
            ["contact", "termsOfServiceAgreed", "onlyReturnExisting", "externalAccountBinding"];
        self.note_odd_members(&payload, &allowed, "R-ACC-01");
        let flag = |name: &str| match payload.get(name) {
            None | Some(Value::Null) => Ok(false),
            Some(Value::Bool(flag)) => Ok(*flag),
            Some(_) => {
                let detail = format!("`{name}` must be true or false");
                Err(Problem::malformed(detail).breach("R-ACC-01"))
            }
        };
        let (agreed, only_existing) = (flag("termsOfServiceAgreed")?, flag("onlyReturnExisting")?);

        if let Some(index) = self.account_by_key(key) {
            self.check_active(index)?;
            return self.account_reply(index, StatusCode::OK);
        }
        if only_existing {
            let detail = "there is no account with this key";
            return Err(Problem::new(RefusalCause::AccountUnknown, detail));
        }
        let contact = contacts(&payload)?.unwrap_or_default();
        self.check_contacts(&contact)?;
        if self.config.agreement_required && !agreed {
            return Err(self.agreement_problem());
        }
        let binding = match payload.get("externalAccountBinding") {
            Some(binding) if !binding.is_null() => Some(binding),
            _ => None,
        };
        let credential = match (self.config.external_account_policy, binding) {
            (ExternalAccountPolicy::Required, None) => {
                let detail = "this CA takes accounts only with an external account binding";
                let problem = Problem::new(RefusalCause::BindingMissing, detail);
                return Err(problem.breach("R-ACC-10"));
            }
            (ExternalAccountPolicy::Disabled, _) | (_, None) => None,
            (_, Some(binding)) => Some(self.bind_external_account(binding, jwk, &signed.url)?),
        };
        let index = self.accounts.len();
        let path = self.publish(Resource::Account(index));
        let orders_path = self.publish(Resource::OrdersList { account: index, page: 0 });
        self.accounts.push(Account {
            path,
            orders_path,
            key: PublicKey::clone(key),
            contact,
            terms_agreed: agreed,
            is_deactivated: false,
            credential,
            failures: Failures::default(),
        });
        self.account_reply(index, StatusCode::CREATED)
    }

    pub(crate) fn account(&mut self, signed: &Signed, index: usize) -> Result<Reply, Problem> {
        if signed.account()? != index {
            return Err(Problem::forbidden("this account belongs to another key"));
        }
        if signed.is_post_as_get() {
            return self.account_reply(index, StatusCode::OK);
        }
        let payload = signed.object("R-ACC-07")?;
        self.note_odd_members(&payload, &["contact", "status", "termsOfServiceAgreed"], "R-ACC-07");
        let contact = contacts(&payload)?;
        if let Some(contact) = &contact {
            self.check_contacts(contact)?;
        }
        let account = self.account_mut(index)?;
        if let Some(contact) = contact {
            account.contact = contact;
        }
        if payload.get("termsOfServiceAgreed") == Some(&Value::Bool(true)) {
            account.terms_agreed = true;
        }
        match payload.get("status") {
            None | Some(Value::Null) => {}
            Some(status) if status == "deactivated" => account.is_deactivated = true,
            Some(status) if status == "valid" => {}
            Some(status) => {
                let detail = format!("an account's status cannot be set to {status}");
                return Err(Problem::malformed(detail).breach("R-ACC-19"));
            }
        }
        self.account_reply(index, StatusCode::OK)
    }

    pub(crate) fn account_reply(&self, index: usize, status: StatusCode) -> Result<Reply, Problem> {
        let account = self.account_at(index)?;
        let mut body = json!({
            "status": if account.is_deactivated { "deactivated" } else { "valid" },
            "contact": account.contact,
            "orders": self.url(&account.orders_path),
        });
        if account.terms_agreed
            && let Some(members) = body.as_object_mut()
        {
            members.insert("termsOfServiceAgreed".to_owned(), json!(true));
        }
        Ok(Reply::json(status, &body).header("location", self.url(&account.path)))
    }

    /// §7.1.2.1: a page of order URLs, with Link `next` while there are more.
    pub(crate) fn orders_list(
        &mut self,
        signed: &Signed,
        account: usize,
        page: usize,
    ) -> Result<Reply, Problem> {
        if signed.account()? != account {
            return Err(Problem::forbidden("these orders belong to another account"));
        }
        signed.expect_post_as_get()?;
        let listed: Vec<_> = self
            .orders
            .iter()
            .filter(|order| order.account == account)
            .filter(|order| !matches!(order.state, OrderState::Invalid(_)))
            .map(|order| self.url(&order.path))
            .collect();
        let size = self.config.orders_page;
        let start = page.saturating_mul(size);
        let urls: Vec<_> = listed.iter().skip(start).take(size).collect();
        let mut reply = Reply::json(StatusCode::OK, &json!({ "orders": urls }));
        if start.saturating_add(size) < listed.len() {
            let resource = Resource::OrdersList { account, page: page + 1 };
            let known = self.resources.iter().find(|(_, known)| **known == resource);
            let path = match known.map(|(path, _)| path.clone()) {
                Some(path) => path,
                None => self.publish(resource),
            };
            reply = reply.link(&self.url(&path), "next");
        }
        Ok(reply)
    }

    /// What a particular CA asks of the list of contacts.
    fn check_contacts(&self, contacts: &[String]) -> Result<(), Problem> {
        let (allowed, count) = (&self.config.contacts, contacts.len());
        if !allowed.contains(&count) {
            let (least, most) = (allowed.start(), allowed.end());
            let detail = format!("{count} contacts: this CA wants {least} to {most}");
            return Err(Problem::new(RefusalCause::Contacts, detail));
        }
        let mut rest = contacts;
        while let Some((contact, others)) = rest.split_first() {
            let is_same = |other: &String| other.eq_ignore_ascii_case(contact);
            if !self.config.repeated_contacts && others.iter().any(is_same) {
                let detail = format!("the contact {contact:?} stands twice");
                return Err(Problem::new(RefusalCause::Contacts, detail));
            }
            rest = others;
        }
        Ok(())
    }

    /// §7.3.3: names the terms where a person can agree to them.
    fn agreement_problem(&self) -> Problem {
        let detail = "the terms of service must be agreed to";
        let mut problem = Problem::new(RefusalCause::Agreement, detail);
        if let Some(terms) = &self.config.terms_of_service {
            problem.instance = Some(terms.clone());
            problem = problem.header("link", format!("<{terms}>;rel=\"terms-of-service\""));
        }
        problem.breach("R-ACC-03")
    }
}

/// The contacts of a payload: mailto with one address and no header fields (§7.3).
fn contacts(payload: &Map<String, Value>) -> Result<Option<Vec<String>>, Problem> {
    let list = match payload.get("contact") {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::Array(list)) => list,
        Some(_) => {
            let detail = "`contact` must be a list of URLs";
            return Err(Problem::malformed(detail).breach("R-ACC-04"));
        }
    };
    let invalid = |entry: &Value, why: &str| {
        let problem = Problem::new(RefusalCause::ContactForm, format!("the contact {entry} {why}"));
        problem.value(shown(entry)).breach("R-ACC-04")
    };
    let mut contacts = Vec::new();
    for entry in list {
        let text = entry.as_str().unwrap_or_default();
        let Some((scheme, address)) = text.split_once(':') else {
            return Err(invalid(entry, "is not a URL"));
        };
        if !scheme.eq_ignore_ascii_case("mailto") {
            let detail = format!("the CA can be given mailto contacts only, not {entry}");
            return Err(Problem::new(RefusalCause::ContactScheme, detail).value(shown(entry)));
        }
        let (local, domain) = address.split_once('@').unwrap_or_default();
        let has_odd = address.contains(['?', ',', ' ', '%']) || domain.contains('@');
        if local.is_empty() || domain.is_empty() || has_odd {
            return Err(invalid(entry, "must be one plain address"));
        }
        contacts.push(text.to_owned());
    }
    Ok(Some(contacts))
}

/// A text as it is, anything else as JSON.
fn shown(entry: &Value) -> String {
    entry.as_str().map_or_else(|| entry.to_string(), str::to_owned)
}
