//! Every flow at every server that we did not write. From what is written down here
//! `.ci/compatibility` makes the table `acme-http/COMPATIBILITY.md`.

mod compatibility {
    pub(crate) mod accounts;
    pub(crate) mod authorizations;
    pub(crate) mod bindings;
    pub(crate) mod certificates;
    pub(crate) mod expected;
    pub(crate) mod record;
    pub(crate) mod revocation;
    pub(crate) mod server;
    pub(crate) mod site;
}
mod interop;

/// The tests of one server: a test for each group of flows.
macro_rules! server {
    ($name:ident, $kind:ident) => {
        mod $name {
            use crate::compatibility::server::Kind;
            use crate::compatibility::{
                accounts, authorizations, bindings, certificates, revocation,
            };

            #[tokio::test]
            async fn makes_finds_and_changes_accounts() {
                accounts::all(Kind::$kind).await;
            }

            #[tokio::test]
            async fn binds_accounts_to_external_ones() {
                bindings::all(Kind::$kind).await;
            }

            #[tokio::test]
            async fn issues_certificates_of_every_kind() {
                certificates::all(Kind::$kind).await;
            }

            #[tokio::test]
            async fn takes_authorizations_ahead_and_back() {
                authorizations::all(Kind::$kind).await;
            }

            #[tokio::test]
            async fn revokes_certificates() {
                revocation::all(Kind::$kind).await;
            }
        }
    };
}

server!(current_pebble, PebbleCurrent);
server!(debian_pebble, PebbleDebian);
server!(caddy, Caddy);
server!(step_ca, StepCa);
server!(acme2certifier, Acme2Certifier);
