//! Which names an account may have certificates for: those of its application, those the CA serves.

use acmekit_core::types::identifier::Identifier;
use serde::Deserialize;
use serde_json::Value;

use crate::ca::TestingCa;
use crate::cause::RefusalCause;
use crate::names;
use crate::problem::Problem;

impl TestingCa {
    /// The names that the account's credential was applied for, the common name first; empty if
    /// any will do.
    fn applied_for(&self, account: usize) -> &[String] {
        let account = self.accounts.get(account);
        let credential = account.and_then(|account| account.credential.as_ref());
        let credential = credential.and_then(|key_id| self.credentials.get(key_id));
        credential.map(|known| known.account.names.as_slice()).unwrap_or_default()
    }

    /// Takes an identifier object in the form of the wire that this account may ask for.
    pub(crate) fn acceptable(
        &mut self,
        account: usize,
        entry: &Value,
    ) -> Result<Identifier, Problem> {
        let malformed = |detail: &str| Problem::malformed(detail).breach("R-ORD-01");
        let object = entry.as_object().ok_or_else(|| malformed("an identifier is no object"))?;
        let allowed = ["type", "value", "ancestorDomain", "subdomainAuthAllowed"];
        self.note_odd_members(object, &allowed, "R-ORD-01");
        let text = |name: &str| object.get(name).and_then(Value::as_str);
        let (Some(kind), Some(value)) = (text("type"), text("value")) else {
            return Err(malformed("an identifier needs the texts `type` and `value`"));
        };
        let identifier = if self.config.identifier_types.contains(&kind) {
            Identifier::deserialize(entry).map_err(|_| malformed("an identifier is odd"))?
        } else {
            names::parse(kind, value)?
        };
        self.check_served(&identifier)?;
        let names = self.applied_for(account);
        if !names.is_empty() && !names.contains(&identifier.to_string()) {
            let list = names.join(", ");
            let detail = format!("{identifier} is not among the names of the application: {list}");
            return Err(refuse(&identifier, detail));
        }
        Ok(identifier)
    }

    /// Whether the CA issues for the name at all.
    fn check_served(&self, identifier: &Identifier) -> Result<(), Problem> {
        if identifier.as_ip().is_some() && !self.config.ip_identifiers {
            let detail = "this CA issues for DNS names only";
            return Err(Problem::new(RefusalCause::NameType, detail).value("ip"));
        }
        let name = identifier.to_string();
        let base = identifier.without_wildcard().to_string();
        let is_within = |domain: &String| {
            let below = base.strip_suffix(domain.as_str());
            below.is_some_and(|below| {
                below.is_empty() || below.ends_with('.') || domain.starts_with('.')
            })
        };
        let domains = &self.config.domains;
        if !domains.is_empty() && !domains.iter().any(is_within) {
            let list = domains.join(", ");
            let detail = format!("{name} is outside of what this CA is registered for: {list}");
            return Err(refuse(identifier, detail));
        }
        if self.config.refused_names.contains(&name) {
            return Err(refuse(identifier, format!("the CA does not issue for {name}")));
        }
        if self.challenge_types(identifier).is_empty() {
            return Err(refuse(identifier, format!("this CA has no challenge for {name}")));
        }
        Ok(())
    }

    /// Whether an order is for all names of the application, the common name first.
    pub(crate) fn check_whole_name_set(
        &self,
        account: usize,
        identifiers: &[Identifier],
    ) -> Result<(), Problem> {
        let names = self.applied_for(account);
        let (true, Some(common_name), Some(first)) =
            (self.config.whole_name_set, names.first(), identifiers.first())
        else {
            return Ok(());
        };
        if first.to_string() != *common_name {
            let detail = format!(
                "the first identifier must be {common_name}, the common name of the application"
            );
            return Err(refuse(first, detail));
        }
        let is_left_out =
            |name: &&String| !identifiers.iter().any(|given| given.to_string() == **name);
        let missing: Vec<_> = names.iter().filter(is_left_out).map(String::as_str).collect();
        if missing.is_empty() {
            return Ok(());
        }
        let list = missing.join(", ");
        let detail = format!("the order leaves out names of the application: {list}");
        Err(refuse(first, detail))
    }
}

fn refuse(identifier: &Identifier, detail: String) -> Problem {
    Problem::new(RefusalCause::NameRefused, detail).value(identifier.to_string())
}
