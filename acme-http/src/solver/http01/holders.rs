//! Who still needs a proof: a server may give one token to several identifiers, whose proofs then
//! stand at one path.

use std::collections::{HashMap, HashSet};

use acmekit_core::action::{ChallengeId, Offer};
use acmekit_core::types::identifier::Identifier;

/// The challenges that wait behind each path.
#[derive(Debug, Default)]
pub(super) struct Holders(HashMap<String, HashSet<(ChallengeId, Identifier)>>);

impl Holders {
    /// Notes that the challenge needs its proof. Twice is as good as once.
    pub(super) fn add(&mut self, offer: &Offer) {
        let holders = self.0.entry(offer.http01_path()).or_default();
        holders.insert((offer.id.clone(), offer.identifier.clone()));
    }

    /// Notes that the challenge needs its proof no more, and returns whether no other does.
    pub(super) fn remove(&mut self, offer: &Offer) -> bool {
        let path = offer.http01_path();
        if let Some(holders) = self.0.get_mut(&path) {
            holders.remove(&(offer.id.clone(), offer.identifier.clone()));
            if !holders.is_empty() {
                return false;
            }
            self.0.remove(&path);
        }
        true
    }
}
