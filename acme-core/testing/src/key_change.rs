//! Account key rollover (RFC 8555 §7.3.5).

use http::StatusCode;
use serde_json::Value;

use crate::ca::TestingCa;
use crate::cause::RefusalCause;
use crate::jws::{Flattened, Rules};
use crate::keys::PublicKey;
use crate::problem::Problem;
use crate::reply::Reply;
use crate::routing::Signed;

const INNER: Rules = Rules { name: "the inner JWS", header: "R-ACC-15", form: "R-ACC-14" };

impl TestingCa {
    pub(crate) fn key_change(&mut self, signed: &Signed) -> Result<Reply, Problem> {
        let index = signed.account()?;
        let jws = Flattened::from_members(&signed.object("R-ACC-14")?, INNER)?;
        jws.allow_header(&["alg", "jwk", "url"], INNER)?;
        if jws.text("url", INNER)? != signed.url {
            let detail = "the inner and the outer `url` differ";
            return Err(Problem::malformed(detail).breach("R-ACC-15"));
        }
        let algorithm = jws.algorithm(&self.config.signature_algorithms, INNER)?;
        let (new_key, jwk) = jws.jwk(INNER)?;
        jws.verify(&new_key, algorithm, INNER)?;
        self.note_odd_jwk(&new_key, jwk);

        let payload = crate::json::object(&jws.payload).map_err(|reason| {
            let detail = format!("the inner payload cannot be read: {reason}");
            Problem::malformed(detail).breach("R-ACC-15")
        })?;
        self.note_odd_members(&payload, &["account", "oldKey"], "R-ACC-15");
        let account = self.account_at(index)?;
        let url = self.url(&account.path);
        if payload.get("account").and_then(Value::as_str) != Some(url.as_str()) {
            let detail = "`account` of the inner payload is not the `kid` of the outer JWS";
            return Err(Problem::malformed(detail).breach("R-ACC-15"));
        }
        let old_key = payload.get("oldKey").and_then(Value::as_object);
        if old_key.map(PublicKey::from_jwk).transpose()?.as_ref() != Some(&account.key) {
            let detail = "`oldKey` of the inner payload is not the key of the account";
            return Err(Problem::malformed(detail).breach("R-ACC-15"));
        }
        match self.account_by_key(&new_key) {
            Some(other) if other == index => {
                let detail = "the new key is the old one";
                return Err(Problem::malformed(detail).breach("R-ACC-17"));
            }
            Some(other) => {
                let location = self.url(&self.account_at(other)?.path);
                let detail = "the new key belongs to another account";
                return Err(
                    Problem::new(RefusalCause::KeyInUse, detail).header("location", location)
                );
            }
            None => {}
        }
        if self.certificates.iter().any(|issued| issued.public_key == new_key) {
            let detail = "the new key is the key of a certificate";
            return Err(Problem::new(RefusalCause::PublicKey, detail).breach("R-ACC-17"));
        }
        if let Some(account) = self.accounts.get_mut(index) {
            account.key = new_key;
        }
        self.account_reply(index, StatusCode::OK)
    }
}
