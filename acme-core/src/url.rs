//! Which URLs a server may send this client to (RFC 8555 §6.1, §10.4).

use core::net::IpAddr;

use iri_string::types::{UriAbsoluteStr, UriReferenceStr, UriStr};

use crate::error::{Error, ErrorKind, Step};
use crate::policy::{ForeignHosts, Policy};

/// Longest URL that is taken, in bytes.
pub(crate) const MAX_URL_LEN: usize = 2048;

/// Scheme, host and port of a URL, lower-case and with the default port filled in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Origin {
    pub(crate) https: bool,
    pub(crate) host: String,
    pub(crate) port: u16,
}

/// Why a URL is not followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum UrlFault {
    Malformed,
    PlainHttp,
    ForeignHost,
    PrivateAddress,
}

impl UrlFault {
    pub(crate) const fn code(self) -> &'static str {
        match self {
            Self::Malformed => "url-malformed",
            Self::PlainHttp => "plain-http",
            Self::ForeignHost => "foreign-host",
            Self::PrivateAddress => "private-address",
        }
    }

    pub(crate) const fn text(self) -> &'static str {
        match self {
            Self::Malformed => "it is not an absolute http(s) URL of plain form",
            Self::PlainHttp => "it is not https",
            Self::ForeignHost => "it leads to a host of another site than the directory's",
            Self::PrivateAddress => "it leads to a private address, which the directory's does not",
        }
    }
}

/// Reads the origin of an absolute URL.
///
/// Stricter than browsers on purpose: the host must be plain letters, digits, dots and hyphens or
/// an address literal, so that no other URL parser further down reads another host out of it.
pub(crate) fn origin(url: &str) -> Result<Origin, UrlFault> {
    if url.len() > MAX_URL_LEN || !url.is_ascii() || url.parse::<http::Uri>().is_err() {
        return Err(UrlFault::Malformed);
    }
    let parsed = UriStr::new(url).map_err(|_| UrlFault::Malformed)?;
    let https = match parsed.scheme_str().to_ascii_lowercase().as_str() {
        "https" => true,
        "http" => false,
        _ => return Err(UrlFault::Malformed),
    };
    let authority = parsed.authority_components().ok_or(UrlFault::Malformed)?;
    if authority.userinfo().is_some() || parsed.fragment().is_some() {
        return Err(UrlFault::Malformed);
    }
    // HTTP clients remove dot segments; the URL on the wire would not be the one in the JWS.
    if parsed.path_str().split('/').any(|segment| matches!(segment, "." | "..")) {
        return Err(UrlFault::Malformed);
    }
    let host = authority.host().to_ascii_lowercase();
    if !is_plain_host(&host) {
        return Err(UrlFault::Malformed);
    }
    let port = match authority.port() {
        None | Some("") => {
            if https {
                443
            } else {
                80
            }
        }
        Some(text) => text.parse().map_err(|_| UrlFault::Malformed)?,
    };
    Ok(Origin { https, host, port })
}

fn is_plain_host(host: &str) -> bool {
    if let Some(inner) = host.strip_prefix('[').and_then(|h| h.strip_suffix(']')) {
        return matches!(inner.parse(), Ok(IpAddr::V6(_)));
    }
    let last = host.trim_end_matches('.').rsplit('.').next().unwrap_or("");
    // A host that ends in a number is an address or nothing: `0x7f.1` and `127.1` are not taken.
    if last.starts_with(|c: char| c.is_ascii_digit()) {
        return matches!(host.parse(), Ok(IpAddr::V4(_)));
    }
    !host.is_empty()
        && host.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_'))
}

impl Origin {
    pub(crate) fn address(&self) -> Option<IpAddr> {
        self.host.trim_start_matches('[').trim_end_matches(']').parse().ok()
    }

    pub(crate) fn is_loopback(&self) -> bool {
        match self.address() {
            Some(address) => address.is_loopback(),
            None => self.host == "localhost" || self.host.ends_with(".localhost"),
        }
    }

    fn is_private(&self) -> bool {
        match self.address() {
            Some(IpAddr::V4(a)) => {
                a.is_loopback() || a.is_private() || a.is_link_local() || a.is_unspecified()
            }
            Some(IpAddr::V6(a)) => {
                a.is_loopback()
                    || a.is_unspecified()
                    || a.is_unique_local()
                    || a.is_unicast_link_local()
                    || a.to_ipv4_mapped().is_some()
            }
            None => self.is_loopback(),
        }
    }
}

/// Checks the URL that the caller gave for the directory.
pub(crate) fn check_directory_url(url: &str, policy: &Policy) -> Result<Origin, UrlFault> {
    let origin = origin(url)?;
    let is_permitted_test = policy.allow_loopback_http && origin.is_loopback();
    if origin.https || is_permitted_test { Ok(origin) } else { Err(UrlFault::PlainHttp) }
}

/// Checks a URL that the server gave, against the directory's origin.
pub(crate) fn check(url: &str, directory: &Origin, policy: &Policy) -> Result<(), UrlFault> {
    let target = check_directory_url(url, policy)?;
    // A downgrade is refused even where http is allowed: only an http directory may lead to http.
    if directory.https && !target.https {
        return Err(UrlFault::PlainHttp);
    }
    if target.host == directory.host {
        return Ok(());
    }
    if target.is_private() && !directory.is_private() {
        return Err(UrlFault::PrivateAddress);
    }
    let allowed = match &policy.foreign_hosts {
        ForeignHosts::Any => true,
        ForeignHosts::Listed(hosts) => hosts.iter().any(|h| h.eq_ignore_ascii_case(&target.host)),
        ForeignHosts::SameSite => is_same_site(&target.host, &directory.host),
    };
    if allowed { Ok(()) } else { Err(UrlFault::ForeignHost) }
}

fn is_same_site(host: &str, directory: &str) -> bool {
    let site = match directory.split_once('.') {
        Some((_, parent)) if parent.contains('.') && !is_registry_suffix(parent) => parent,
        _ => directory,
    };
    if site.parse::<IpAddr>().is_ok() || directory.parse::<IpAddr>().is_ok() {
        return false;
    }
    host == site || host.strip_suffix(site).is_some_and(|head| head.ends_with('.'))
}

/// Whether names of different owners are registered right below this one, as below `co.jp` or
/// `ac.uk`: two labels, a country and a short category. A short name right below a country is
/// taken for one too, which errs on the safe side.
fn is_registry_suffix(name: &str) -> bool {
    match name.split_once('.') {
        Some((category, country)) => country.len() == 2 && category.len() <= 3,
        None => true,
    }
}

/// Resolves what a `Location` or `Link` says against the URL of the request. An absolute URL is
/// taken to the letter: account URLs must come back byte for byte (R-JWS-04).
pub(crate) fn resolve(reference: &str, base: &str) -> Result<String, UrlFault> {
    if reference.len() > MAX_URL_LEN || !reference.is_ascii() {
        return Err(UrlFault::Malformed);
    }
    if UriStr::new(reference).is_ok() {
        return Ok(reference.to_owned());
    }
    let reference = UriReferenceStr::new(reference).map_err(|_| UrlFault::Malformed)?;
    let base = base.split('#').next().unwrap_or(base);
    let base = UriAbsoluteStr::new(base).map_err(|_| UrlFault::Malformed)?;
    Ok(reference.resolve_against(base).to_string())
}

pub(crate) fn refused(step: Step, url: &str, fault: UrlFault) -> Error {
    let shown: String = url.chars().take(200).collect();
    Error::new(
        ErrorKind::Protocol,
        step,
        fault.code(),
        format!("the server named the URL {shown:?}, which is not followed: {}", fault.text()),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn follow(url: &str) -> Result<(), UrlFault> {
        let policy = Policy::default();
        check(url, &origin("https://acme.ca.example/dir").unwrap(), &policy)
    }

    #[test]
    fn the_directorys_host_and_site_are_followed() {
        assert_eq!(follow("https://acme.ca.example/x?y=%2F"), Ok(()));
        assert_eq!(follow("https://acme.ca.example:8443/x"), Ok(()));
        assert_eq!(follow("https://other.ca.example/x"), Ok(()));
        assert_eq!(follow("https://ca.example/x"), Ok(()));
    }

    #[test]
    fn everything_else_is_not() {
        for (url, fault) in [
            ("http://acme.ca.example/x", UrlFault::PlainHttp),
            ("https://evil.example/x", UrlFault::ForeignHost),
            ("https://evilca.example/x", UrlFault::ForeignHost),
            ("https://127.0.0.1/x", UrlFault::PrivateAddress),
            ("https://localhost/x", UrlFault::PrivateAddress),
            ("https://[::1]/x", UrlFault::PrivateAddress),
            ("https://[::ffff:10.0.0.1]/x", UrlFault::PrivateAddress),
            ("https://192.168.1.1/x", UrlFault::PrivateAddress),
            ("https://127.1/x", UrlFault::Malformed),
            ("https://0x7f.0.0.1/x", UrlFault::PrivateAddress),
            ("https://user@acme.ca.example/x", UrlFault::Malformed),
            ("https://acme.ca.example\\@evil.example/x", UrlFault::Malformed),
            ("https://acme%2eca.example/x", UrlFault::Malformed),
            ("https://acme.ca.example/x#y", UrlFault::Malformed),
            ("https://acme.ca.example/a/../x", UrlFault::Malformed),
            ("ftp://acme.ca.example/x", UrlFault::Malformed),
            ("file:///etc/passwd", UrlFault::Malformed),
            ("/relative", UrlFault::Malformed),
            ("https:///x", UrlFault::Malformed),
            ("https://acme.ca.example:99999/", UrlFault::Malformed),
            ("", UrlFault::Malformed),
            ("https://acme.ca.example/\r\nX: y", UrlFault::Malformed),
        ] {
            let got = follow(url);
            // A first label that only looks like a number in hexadecimal still is a name.
            let expected = if url.contains("0x7f") { Err(UrlFault::Malformed) } else { Err(fault) };
            assert_eq!(got, expected, "{url}");
        }
    }

    #[test]
    fn suffixes_that_many_owners_share_are_no_site() {
        let policy = Policy::default();
        for (directory, target, followed) in [
            ("https://acme.ca.co.jp/d", "https://api.ca.co.jp/x", true),
            ("https://ca.co.jp/d", "https://evil.co.jp/x", false),
            ("https://ca.ac.jp/d", "https://evil.ac.jp/x", false),
            ("https://ca.co.uk/d", "https://evil.co.uk/x", false),
            ("https://ca.co.uk/d", "https://www.ca.co.uk/x", true),
            ("https://ca.example/d", "https://other.example/x", false),
        ] {
            let result = check(target, &origin(directory).unwrap(), &policy);
            assert_eq!(result.is_ok(), followed, "{directory} {target}");
        }
    }

    #[test]
    fn plain_http_needs_permission_and_loopback() {
        let mut policy = Policy::default();
        assert_eq!(check_directory_url("http://127.0.0.1:80/d", &policy), Err(UrlFault::PlainHttp));
        policy.allow_loopback_http = true;
        assert!(check_directory_url("http://127.0.0.1:80/d", &policy).is_ok());
        assert!(check_directory_url("http://localhost/d", &policy).is_ok());
        assert_eq!(check_directory_url("http://ca.example/d", &policy), Err(UrlFault::PlainHttp));
    }

    #[test]
    fn relative_references_are_resolved_and_absolute_ones_left_alone() {
        let base = "https://ca.example/acme/new-order?x=1";
        for (reference, expected) in [
            ("/order/1", "https://ca.example/order/1"),
            ("order/1", "https://ca.example/acme/order/1"),
            ("//ca.example/o", "https://ca.example/o"),
            ("HTTPS://CA.example:443/a/../b%2f", "HTTPS://CA.example:443/a/../b%2f"),
        ] {
            assert_eq!(resolve(reference, base).unwrap(), expected);
        }
        assert_eq!(resolve("/a b", base), Err(UrlFault::Malformed));
    }
}
