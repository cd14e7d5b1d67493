//! Names that are proven by a domain above them (RFC 9444).

use serde_json::{Value, json};

use super::NewOrder;
use crate::types::{Authorization, AuthorizationStatus, Identifier};

impl NewOrder {
    /// Says that control of this domain can be proven, so that the server may validate it, or a
    /// domain between, in place of the ordered names below (RFC 9444 §4.3). It is up to the server:
    /// one that does not know this asks for proof of the names themselves.
    ///
    /// ```
    /// use acmekit_core::flow::issue::NewOrder;
    /// let names = ["a.dev.example.org".parse()?, "b.dev.example.org".parse()?];
    /// let order = NewOrder::new(names).with_ancestor("example.org".parse()?);
    /// # Ok::<(), acmekit_core::types::IdentifierError>(())
    /// ```
    #[must_use]
    pub fn with_ancestor(mut self, domain: Identifier) -> Self {
        self.ancestors.push(domain);
        self
    }

    /// The identifiers as newOrder sends them, each with the highest domain that was named for it.
    pub(super) fn wire_identifiers(&self) -> Value {
        let wire = self.identifiers().iter().map(|identifier| {
            let mut wire = json!(identifier);
            let ancestor = self.ancestor_of(identifier);
            if let (Some(ancestor), Some(members)) = (ancestor, wire.as_object_mut()) {
                members.insert("ancestorDomain".to_owned(), ancestor.value().into());
            }
            wire
        });
        wire.collect()
    }

    fn ancestor_of(&self, identifier: &Identifier) -> Option<&Identifier> {
        let above = self.ancestors.iter().filter(|ancestor| is_below(identifier, ancestor));
        above.min_by_key(|ancestor| ancestor.value().len())
    }

    /// Whether an authorization may stand in this order: it is for an ordered name, for a domain
    /// above one as far as it was offered to be proven, or has been proven for all names below.
    pub(super) fn may_want(&self, authorization: &Authorization) -> bool {
        let found = &authorization.identifier;
        let is_proven = authorization.status == AuthorizationStatus::Valid;
        self.identifiers().iter().any(|wanted| {
            let is_offered = || {
                self.ancestor_of(wanted)
                    .is_some_and(|ancestor| found == ancestor || is_below(found, ancestor))
            };
            wanted.without_wildcard() == *found
                || (is_below(wanted, found)
                    && ((is_proven && authorization.allows_subdomains) || is_offered()))
        })
    }
}

/// Whether a DNS name lies below another one, label by label. A wildcard is proven by itself.
fn is_below(name: &Identifier, above: &Identifier) -> bool {
    let (Some(name), Some(above)) = (name.as_dns(), above.as_dns()) else { return false };
    !name.starts_with("*.")
        && name.strip_suffix(above).is_some_and(|labels| labels.len() > 1 && labels.ends_with('.'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deviation::Deviations;

    fn order(names: &[&str], ancestors: &[&str]) -> NewOrder {
        let order = NewOrder::new(names.iter().map(|name| name.parse().unwrap()));
        ancestors.iter().fold(order, |order, name| order.with_ancestor(name.parse().unwrap()))
    }

    #[test]
    fn a_name_lies_below_a_domain_by_whole_labels() {
        for (name, above, expected) in [
            ("a.example.org", "example.org", true),
            ("a.b.example.org", "example.org", true),
            ("example.org", "example.org", false),
            ("badexample.org", "example.org", false),
            ("example.org", "a.example.org", false),
            ("*.example.org", "example.org", false),
            ("192.0.2.1", "2.1", false),
        ] {
            let above = Identifier::dns(above).unwrap_or_else(|_| "example.org".parse().unwrap());
            assert_eq!(is_below(&name.parse().unwrap(), &above), expected, "{name}");
        }
    }

    #[test]
    fn only_names_below_a_domain_that_was_named_have_an_ancestor() {
        let names = ["a.b.example.org", "example.org", "*.b.example.org", "example.net"];
        assert_eq!(
            order(&names, &["b.example.org", "example.org"]).wire_identifiers(),
            json!([
                {"type": "dns", "value": "a.b.example.org", "ancestorDomain": "example.org"},
                {"type": "dns", "value": "example.org"},
                {"type": "dns", "value": "*.b.example.org"},
                {"type": "dns", "value": "example.net"},
            ])
        );
    }

    #[test]
    fn a_domain_above_is_proven_only_as_far_as_it_was_offered() {
        let wants = |order: &NewOrder, name: &str, status: &str, allows: bool| {
            let value = json!({
                "identifier": {"type": "dns", "value": name},
                "status": status,
                "subdomainAuthAllowed": allows,
            });
            let object = value.as_object().unwrap();
            order.may_want(&Authorization::read(object, &mut Deviations::default()).unwrap())
        };
        let plain = order(&["a.b.example.org"], &[]);
        assert!(wants(&plain, "a.b.example.org", "pending", false));
        assert!(!wants(&plain, "b.example.org", "pending", true));
        assert!(wants(&plain, "example.org", "valid", true), "it was proven ahead");
        assert!(!wants(&plain, "example.org", "valid", false));
        let offered = order(&["a.b.example.org"], &["b.example.org"]);
        assert!(wants(&offered, "b.example.org", "pending", true));
        assert!(!wants(&offered, "example.org", "pending", true), "that is further up");
        assert!(!wants(&offered, "c.b.example.org", "pending", true));
    }
}
