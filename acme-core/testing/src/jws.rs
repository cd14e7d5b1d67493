//! JWS in the one form ACME allows (RFC 8555 §6.2, RFC 7515 §7.2.2), read strictly.

use base64ct::{Base64UrlUnpadded, Encoding};
use serde_json::{Map, Value};

use crate::cause::RefusalCause;
use crate::json;
use crate::keys::PublicKey;
use crate::problem::Problem;

/// The algorithms that an outer JWS may use unless the configuration says otherwise.
pub(crate) const ALGORITHMS: [&str; 5] = ["ES256", "ES384", "RS256", "EdDSA", "Ed25519"];

/// The requirements that a JWS is judged by: they differ between the outer one, the external
/// account binding (§7.3.4) and the inner one of keyChange (§7.3.5).
#[derive(Clone, Copy)]
pub(crate) struct Rules {
    pub(crate) name: &'static str,
    /// For the protected header.
    pub(crate) header: &'static str,
    /// For the three members of the object.
    pub(crate) form: &'static str,
}

pub(crate) const OUTER: Rules = Rules { name: "the JWS", header: "R-JWS-02", form: "R-JWS-01" };

/// A flattened JWS, decoded but not verified.
pub(crate) struct Flattened {
    signing_input: String,
    pub(crate) header: Map<String, Value>,
    pub(crate) payload: Vec<u8>,
    signature: Vec<u8>,
}

impl Flattened {
    /// Reads the body of a request.
    pub(crate) fn parse(body: &[u8], rules: Rules) -> Result<Self, Problem> {
        let members = json::object(body).map_err(|reason| {
            let detail = format!("{} is not a flattened JSON object: {reason}", rules.name);
            Problem::malformed(detail).breach(rules.form)
        })?;
        Self::from_members(&members, rules)
    }

    /// Takes the three members of a flattened JWS.
    pub(crate) fn from_members(
        members: &Map<String, Value>,
        rules: Rules,
    ) -> Result<Self, Problem> {
        let Rules { name, form, .. } = rules;
        for member in members.keys() {
            if !["protected", "payload", "signature"].contains(&member.as_str()) {
                let detail = format!("{name} has the member {member:?}, which ACME does not allow");
                return Err(Problem::malformed(detail).breach(form));
            }
        }
        let text = |member: &str| {
            members.get(member).and_then(Value::as_str).ok_or_else(|| {
                let detail = format!("{name} lacks the text member `{member}`");
                Problem::malformed(detail).breach(form)
            })
        };
        let decode = |member: &str, text: &str| {
            Base64UrlUnpadded::decode_vec(text).map_err(|_| {
                let detail = format!("`{member}` of {name} is not base64url without padding");
                Problem::malformed(detail).breach("R-JWS-06")
            })
        };
        let (protected, payload) = (text("protected")?, text("payload")?);
        let signature = text("signature")?;
        let header = json::object(&decode("protected", protected)?).map_err(|reason| {
            let detail = format!("the protected header of {name} cannot be read: {reason}");
            Problem::malformed(detail).breach(rules.header)
        })?;
        Ok(Self {
            signing_input: format!("{protected}.{payload}"),
            header,
            payload: decode("payload", payload)?,
            signature: decode("signature", signature)?,
        })
    }

    /// Refuses a protected header that has other members than these.
    pub(crate) fn allow_header(&self, allowed: &[&str], rules: Rules) -> Result<(), Problem> {
        match self.header.keys().find(|name| !allowed.contains(&name.as_str())) {
            None => Ok(()),
            Some(member) => {
                let name = rules.name;
                let detail = format!("the protected header of {name} must not hold {member:?}");
                Err(Problem::malformed(detail).breach(rules.header))
            }
        }
    }

    /// A member of the protected header that must be a text.
    pub(crate) fn text(&self, member: &str, rules: Rules) -> Result<&str, Problem> {
        self.header.get(member).and_then(Value::as_str).ok_or_else(|| {
            let name = rules.name;
            let detail = format!("the protected header of {name} lacks the text member `{member}`");
            Problem::malformed(detail).breach(rules.header)
        })
    }

    /// The public key in the protected header.
    pub(crate) fn jwk(&self, rules: Rules) -> Result<(PublicKey, &Map<String, Value>), Problem> {
        match self.header.get("jwk") {
            Some(Value::Object(jwk)) => Ok((PublicKey::from_jwk(jwk)?, jwk)),
            _ => {
                let detail = format!("the protected header of {} needs a `jwk`", rules.name);
                Err(Problem::malformed(detail).breach("R-JWS-03"))
            }
        }
    }

    /// Checks that the algorithm is a signature this CA takes, before the key is known.
    pub(crate) fn algorithm(&self, accepted: &[String], rules: Rules) -> Result<&str, Problem> {
        let algorithm = self.text("alg", rules)?;
        if accepted.iter().any(|name| name == algorithm) {
            return Ok(algorithm);
        }
        let detail = format!("the algorithm {algorithm:?} is not accepted");
        let mut problem = Problem::new(RefusalCause::SignatureAlgorithm, detail).value(algorithm);
        problem.algorithms = accepted.to_vec();
        let is_known = ALGORITHMS.contains(&algorithm) || algorithm == "ES512";
        Err(if is_known { problem } else { problem.breach("R-JWS-05") })
    }

    /// Verifies the signature.
    pub(crate) fn verify(
        &self,
        key: &PublicKey,
        algorithm: &str,
        rules: Rules,
    ) -> Result<(), Problem> {
        if !key.algorithms().contains(&algorithm) {
            let detail = format!("{algorithm} is not an algorithm for this kind of key");
            return Err(Problem::malformed(detail).breach("R-JWS-05"));
        }
        if key.verifies_jws(self.signing_input.as_bytes(), &self.signature) {
            return Ok(());
        }
        let detail = format!("the signature of {} does not verify", rules.name);
        Err(Problem::malformed(detail).breach("R-JWS-08"))
    }

    /// What a MAC is computed over, and the MAC that came (external account binding).
    pub(crate) fn mac_parts(&self) -> (&[u8], &[u8]) {
        (self.signing_input.as_bytes(), &self.signature)
    }
}

/// Breaches in a payload that are tolerated: members nobody defined, and `null`.
pub(crate) fn odd_members(payload: &Map<String, Value>, allowed: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    for (name, value) in payload {
        if !allowed.contains(&name.as_str()) {
            found.push(format!("the payload holds the unknown member {name:?}"));
        } else if value.is_null() {
            found.push(format!("the payload member {name:?} is null instead of absent"));
        }
    }
    found
}
