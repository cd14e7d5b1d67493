//! Domains that are authorized in place of the names below them (RFC 9444).

use acmekit_core::types::identifier::Identifier;
use serde_json::{Map, Value};

use crate::authorization::AuthorizationState;
use crate::ca::TestingCa;

impl TestingCa {
    /// The authorizations of a new order, each once: several names can share the one of a domain
    /// above them.
    pub(crate) fn authorizations_for(
        &mut self,
        account: usize,
        identifiers: &[Identifier],
        payload: &Map<String, Value>,
    ) -> Vec<usize> {
        let mut authorizations = Vec::new();
        for identifier in identifiers {
            let index = match self.proven_above(account, identifier) {
                Some(index) => index,
                None => self.asked_for(account, identifier, payload, &authorizations),
            };
            if !authorizations.contains(&index) {
                authorizations.push(index);
            }
        }
        authorizations
    }

    /// A valid authorization of a domain above, made for the names below.
    fn proven_above(&self, account: usize, identifier: &Identifier) -> Option<usize> {
        self.authorizations.iter().position(|known| {
            known.account == account
                && known.covers_subdomains
                && known.state == AuthorizationState::Valid
                && is_below(identifier, &known.identifier)
        })
    }

    /// §4.3: the domain that the client can prove is asked for, where it names one.
    fn asked_for(
        &mut self,
        account: usize,
        identifier: &Identifier,
        payload: &Map<String, Value>,
        so_far: &[usize],
    ) -> usize {
        let Some(ancestor) = self.ancestor(identifier, payload) else {
            return self.authorization_for(account, identifier);
        };
        let mut shared = so_far.iter().copied();
        let is_same = |index: &usize| {
            let known = self.authorizations.get(*index);
            known.is_some_and(|known| known.covers_subdomains && known.identifier == ancestor)
        };
        if let Some(index) = shared.find(is_same) {
            return index;
        }
        let index = self.make_authorization(account, &ancestor, false);
        if let Some(authorization) = self.authorizations.get_mut(index) {
            authorization.covers_subdomains = true;
        }
        index
    }

    fn ancestor(
        &mut self,
        identifier: &Identifier,
        payload: &Map<String, Value>,
    ) -> Option<Identifier> {
        if !self.config.subdomains {
            return None;
        }
        let list = payload.get("identifiers").and_then(Value::as_array)?;
        let value = identifier.value();
        let entry = list.iter().find(|entry| entry.get("value") == Some(&Value::from(&*value)))?;
        let named = entry.get("ancestorDomain")?;
        let ancestor = named.as_str().and_then(|name| Identifier::dns(name).ok());
        let ancestor = ancestor.filter(|ancestor| is_below(identifier, ancestor));
        if ancestor.is_none() {
            self.note("R-AUZ-08", format!("{named} is no ancestor of {value}"));
        }
        ancestor
    }
}

fn is_below(name: &Identifier, above: &Identifier) -> bool {
    let below = format!(".{}", above.value());
    !name.is_wildcard() && name.as_dns().is_some_and(|name| name.ends_with(&below))
}
