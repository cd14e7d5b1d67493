//! Authorization ahead of any order (RFC 8555 §7.4.1).

use http::StatusCode;
use serde_json::Value;

use crate::ca::TestingCa;
use crate::cause::RefusalCause;
use crate::problem::Problem;
use crate::reply::Reply;
use crate::routing::Signed;

impl TestingCa {
    /// Makes an authorization, or shows the one that is valid already.
    pub(crate) fn new_authorization(&mut self, signed: &Signed) -> Result<Reply, Problem> {
        let account = signed.account()?;
        self.check_failures(account)?;
        let payload = signed.object("R-AUZ-06")?;
        self.note_odd_members(&payload, &["identifier"], "R-AUZ-06");
        let entry = payload.get("identifier").unwrap_or(&Value::Null);
        // The section asks for 403 where the CA is not willing; what is not well-formed stays 400.
        let identifier = self.acceptable(account, entry).map_err(|mut problem| {
            if problem.kind == "rejectedIdentifier" {
                problem.status = 403;
            }
            problem
        })?;
        if identifier.is_wildcard() {
            let detail = format!("{identifier} is a wildcard, which newAuthz cannot authorize");
            let mut problem = Problem::new(RefusalCause::NameRefused, detail);
            problem.status = 403;
            return Err(problem.value(identifier.to_string()).breach("R-AUZ-06"));
        }
        let covers_subdomains = self.config.subdomains
            && entry.get("subdomainAuthAllowed").and_then(Value::as_bool).unwrap_or(false);
        let known = self.valid_authorizations(account, &identifier).next();
        let (index, status) = match known.map(|(index, _)| index) {
            Some(index) => (index, StatusCode::OK),
            None => (self.make_authorization(account, &identifier, true), StatusCode::CREATED),
        };
        let authorization = self.authorization_mut(index)?;
        authorization.is_preauthorized = true;
        authorization.covers_subdomains |= covers_subdomains;
        let path = authorization.path.clone();
        let reply = self.authorization_reply(index, status)?;
        Ok(reply.header("location", self.url(&path)))
    }
}
