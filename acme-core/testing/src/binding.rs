//! External account binding (RFC 8555 §7.3.4), verified with the CA's own copy of the MAC key.

use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Map, Value};
use sha2::{Sha256, Sha384, Sha512};

use crate::ca::TestingCa;
use crate::cause::RefusalCause;
use crate::config::MacAlgorithm;
use crate::json;
use crate::jws::{Flattened, Rules};
use crate::problem::Problem;

const BINDING: Rules =
    Rules { name: "the external account binding", header: "R-ACC-11", form: "R-ACC-12" };

impl TestingCa {
    /// Verifies the binding of the key in `jwk`, marks its credential as used and returns the key
    /// identifier.
    pub(crate) fn bind_external_account(
        &mut self,
        binding: &Value,
        jwk: &Map<String, Value>,
        url: &str,
    ) -> Result<String, Problem> {
        let members = binding.as_object().ok_or_else(|| {
            Problem::malformed("`externalAccountBinding` must be a JWS object").breach("R-ACC-12")
        })?;
        let jws = Flattened::from_members(members, BINDING)?;
        jws.allow_header(&["alg", "kid", "url"], BINDING)?;
        if jws.text("url", BINDING)? != url {
            let detail = "the `url` of the external account binding is not that of newAccount";
            return Err(Problem::malformed(detail).breach("R-ACC-11"));
        }
        let name = jws.text("alg", BINDING)?;
        let known = MacAlgorithm::ALL.into_iter().find(|known| known.as_str() == name);
        let Some(algorithm) = known else {
            let problem = refuse_algorithm(name, &MacAlgorithm::ALL);
            return Err(problem.breach("R-ACC-11"));
        };
        if json::object(&jws.payload).ok().as_ref() != Some(jwk) {
            let detail = "the payload of the external account binding is not the outer `jwk`";
            return Err(Problem::malformed(detail).breach("R-ACC-12"));
        }
        let key_id = jws.text("kid", BINDING)?;
        let Some(credential) = self.credentials.get(key_id) else {
            let detail = "the key identifier of the binding is unknown";
            return Err(Problem::new(RefusalCause::Binding, detail));
        };
        let account = &credential.account;
        if let Some(only) = account.algorithm
            && only != algorithm
        {
            return Err(refuse_algorithm(name, &[only]));
        }
        let (message, tag) = jws.mac_parts();
        if !verifies(algorithm, &account.key, message, tag) {
            let detail = "the MAC of the external account binding does not verify: \
                          the MAC key is not the one of this key identifier";
            return Err(Problem::new(RefusalCause::Binding, detail));
        }
        self.check_usable(credential)?;
        if let Some(credential) = self.credentials.get_mut(key_id) {
            credential.is_used = true;
        }
        Ok(key_id.to_owned())
    }
}

fn refuse_algorithm(name: &str, accepted: &[MacAlgorithm]) -> Problem {
    let detail = format!("the external account binding must not use {name:?}");
    let mut problem = Problem::new(RefusalCause::BindingAlgorithm, detail).value(name);
    problem.algorithms = accepted.iter().map(|algorithm| algorithm.as_str().to_owned()).collect();
    problem
}

fn verifies(algorithm: MacAlgorithm, key: &[u8], message: &[u8], tag: &[u8]) -> bool {
    fn check<M: Mac + KeyInit>(key: &[u8], message: &[u8], tag: &[u8]) -> bool {
        <M as KeyInit>::new_from_slice(key)
            .is_ok_and(|mac| mac.chain_update(message).verify_slice(tag).is_ok())
    }
    match algorithm {
        MacAlgorithm::Hs256 => check::<Hmac<Sha256>>(key, message, tag),
        MacAlgorithm::Hs384 => check::<Hmac<Sha384>>(key, message, tag),
        MacAlgorithm::Hs512 => check::<Hmac<Sha512>>(key, message, tag),
    }
}
