//! A testing CA on loopback, and what its validator looks at.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use acmekit_testing::server::{Server, ServerOptions};
use acmekit_testing::{Config, RefusalCause, RequestCounts, RequestKind};

use crate::dns::DnsFolder;
use crate::interop::loopback::free_port;
use crate::interop::openssl::{Judged, common_name};

/// Puts TXT records up and takes them down, for certbot, which tells by variables, and for lego,
/// which tells by arguments.
const HOOK: &str = r#"
if [ -n "$CERTBOT_VALIDATION" ]; then
    record="_acme-challenge.$CERTBOT_DOMAIN=$CERTBOT_VALIDATION"
    if [ "${CERTBOT_AUTH_OUTPUT-unset}" = unset ]; then action=present; else action=cleanup; fi
else
    action=$1 record="${2%.}=$3"
fi
case $action in
    present) : > "zone/$record" ;;
    cleanup) rm "zone/$record" ;;
    *) exit 2 ;;
esac"#;

/// A running CA.
pub(crate) struct Judge {
    server: Server,
    http_port: u16,
    tls_port: u16,
    dns: DnsFolder,
    folder: tempfile::TempDir,
}

impl Judge {
    /// Starts a CA that expects http-01 and tls-alpn-01 at ports of its own, and asks a name server
    /// whose zone [`dns_hook`](Self::dns_hook) changes.
    pub(crate) async fn start(config: Config) -> Self {
        let dns = DnsFolder::start(HOOK).await;
        let (http_port, tls_port) = (free_port().unwrap(), free_port().unwrap());
        let options = ServerOptions::default()
            .with_http01_port(http_port)
            .with_tls_alpn01_port(tls_port)
            .with_dns_server(dns.address())
            // A validation is over when lego asks for its result for the first time, at once. The
            // second time would be five seconds later.
            .with_latency(Duration::from_millis(50));
        let server = Server::start(config, 1, options).unwrap();
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("tls.pem"), server.tls_root_pem()).unwrap();
        std::fs::write(folder.path().join("root.pem"), server.root_pem()).unwrap();
        let alternate = server.with_ca(|ca| ca.alternate_root_pem()).unwrap_or_default();
        std::fs::write(folder.path().join("alternate.pem"), alternate).unwrap();
        Self { server, http_port, tls_port, dns, folder }
    }

    pub(crate) fn directory_url(&self) -> &str {
        self.server.directory_url()
    }

    pub(crate) fn http_port(&self) -> u16 {
        self.http_port
    }

    pub(crate) fn tls_port(&self) -> u16 {
        self.tls_port
    }

    /// The name server.
    pub(crate) fn dns(&self) -> &DnsFolder {
        &self.dns
    }

    /// The program that changes its zone.
    pub(crate) fn dns_hook(&self) -> PathBuf {
        self.dns.program()
    }

    /// The root of the server's TLS certificate.
    pub(crate) fn tls_root(&self) -> PathBuf {
        self.folder.path().join("tls.pem")
    }

    /// Hands a certificate to OpenSSL, together with the root it must lead to.
    pub(crate) fn judged(&self, chain: &Path, key: &Path) -> Judged {
        let judged = Judged::files(chain, key, &self.folder.path().join("root.pem"));
        judged.assert_verifies();
        judged
    }

    /// The same where the chain must lead to the alternate root.
    pub(crate) fn judged_by_alternate(&self, chain: &Path, key: &Path) -> Judged {
        let judged = Judged::files(chain, key, &self.folder.path().join("alternate.pem"));
        judged.assert_verifies();
        judged
    }

    /// The common name of the alternate root.
    pub(crate) fn alternate_root_name(&self) -> String {
        common_name(&self.folder.path().join("alternate.pem"))
    }

    /// Refuses the next request of a kind; see `TestingCa::refuse_next`.
    pub(crate) fn refuse_next(&self, kind: RequestKind, cause: RefusalCause) {
        self.server.with_ca(|ca| ca.refuse_next(kind, cause));
    }

    /// How many requests have come in.
    pub(crate) fn requests(&self) -> RequestCounts {
        self.server.with_ca(|ca| *ca.requests())
    }

    /// How many accounts there are; to look one up takes a request to newAccount, too.
    pub(crate) fn accounts(&self) -> usize {
        self.server.with_ca(|ca| {
            let of_accounts = ca.log().iter().filter(|entry| entry.kind == RequestKind::NewAccount);
            of_accounts.filter(|entry| entry.status.as_u16() == 201).count()
        })
    }

    /// Refuses the nonce of the next request of each kind, as `badNonce`.
    pub(crate) fn refuse_nonces(&self) {
        for kind in [
            RequestKind::NewAccount,
            RequestKind::NewOrder,
            RequestKind::Order,
            RequestKind::Authorization,
            RequestKind::Challenge,
            RequestKind::Finalize,
            RequestKind::Certificate,
            RequestKind::RevokeCertificate,
        ] {
            self.refuse_next(kind, RefusalCause::Nonce);
        }
    }

    /// Why the last refused request was refused, in the CA's own words.
    pub(crate) fn reason(&self) -> String {
        self.server.with_ca(|ca| {
            let reason = ca.log().iter().rev().find_map(|entry| entry.reason.clone());
            reason.expect("a request was refused")
        })
    }

    /// Whether and for which reason a certificate was revoked.
    pub(crate) fn revocation(&self, certificate: &Judged) -> Option<Option<u8>> {
        let serial = certificate.serial();
        self.server.with_ca(|ca| ca.revoked(&serial)).map(|revocation| revocation.reason)
    }

    /// Panics unless the client has kept every rule.
    #[track_caller]
    pub(crate) fn assert_no_violation(&self) {
        self.assert_violations(&[]);
    }

    /// Panics unless these rules and no others were broken, each in a request of this kind. How
    /// often depends on the time that things take.
    #[track_caller]
    pub(crate) fn assert_violations(&self, expected: &[(&str, RequestKind)]) {
        self.server.with_ca(|ca| {
            let kind = |request| {
                let entry = ca.log().iter().find(|entry| entry.request == request);
                entry.expect("every request is in the log").kind
            };
            let violations = ca.violations().iter();
            let found: BTreeSet<_> =
                violations.map(|found| (found.requirement, kind(found.request))).collect();
            let expected = expected.iter().copied().collect();
            assert_eq!(found, expected, "{:#?}\n{:#?}", ca.violations(), ca.log());
        });
    }
}
