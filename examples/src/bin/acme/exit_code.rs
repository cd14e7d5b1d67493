//! The exit codes of `acme`: a number of its own for every kind of failure.

/// How the program ends.
///
/// The numbers are part of the command's contract: scripts test them. New ones may be added, none
/// changes its meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum ExitCode {
    Usage = 2,
    Domain = 10,
    ChallengeForName = 11,
    RootCertificate = 12,
    ExternalAccount = 13,
    DirectoryUrl = 14,
    Listen = 15,
    Output = 16,
    Subject = 17,
    Contact = 18,
    ChallengeSetup = 19,
    TermsOfService = 20,
    CaName = 21,
    CertificateInput = 22,
    Confirmation = 23,
    NoStoredAccount = 24,
    Input = 29,
    Refused = 30,
    RateLimited = 31,
    Protocol = 32,
    Transport = 33,
    Deadline = 34,
    Validation = 35,
    Publication = 36,
    Certificate = 37,
    Crypto = 38,
    Unsupported = 39,
    NoAccount = 40,
    Store = 41,
    Other = 49,
    Cancelled = 130,
}

/// Every code with its meaning, in ascending order, for `--help`; the README has the same table.
pub(crate) const MEANINGS: &[(ExitCode, &str)] = &[
    (ExitCode::Usage, "the command line cannot be understood"),
    (ExitCode::Domain, "no domain was given, or one is not a valid name"),
    (ExitCode::ChallengeForName, "the challenge does not suit a name: wildcards need dns-01"),
    (ExitCode::RootCertificate, "the file of --ca-root cannot be read or holds no certificate"),
    (
        ExitCode::ExternalAccount,
        "external account binding is malformed, or missing where it is required",
    ),
    (ExitCode::DirectoryUrl, "the directory is not an https URL"),
    (ExitCode::Listen, "the address cannot be listened on: port in use or not permitted"),
    (ExitCode::Output, "the directory of --out cannot be written to"),
    (ExitCode::Subject, "--subject is malformed"),
    (ExitCode::Contact, "an address of --email is malformed"),
    (ExitCode::ChallengeSetup, "the web root or the program for challenges cannot be used"),
    (ExitCode::TermsOfService, "the CA has terms of service and --agree-tos is not given"),
    (
        ExitCode::CaName,
        "--ca names no known CA, or one without a directory common to all customers",
    ),
    (ExitCode::CertificateInput, "the certificate to revoke, or its key, cannot be read"),
    (ExitCode::Confirmation, "the account is given up for good only with --yes"),
    (ExitCode::NoStoredAccount, "there is no account for the directory in --out"),
    (ExitCode::Input, "something else in the input cannot be"),
    (ExitCode::Refused, "the CA refused"),
    (ExitCode::RateLimited, "the CA asks to come back later"),
    (ExitCode::Protocol, "the server broke the protocol"),
    (ExitCode::Transport, "the network or TLS failed"),
    (ExitCode::Deadline, "the deadline passed"),
    (ExitCode::Validation, "the CA could not validate a name"),
    (ExitCode::Publication, "a challenge could not be published"),
    (ExitCode::Certificate, "the certificate that came back is not the one asked for"),
    (ExitCode::Crypto, "a key or the source of randomness failed"),
    (ExitCode::Unsupported, "the CA does not offer what is needed"),
    (ExitCode::NoAccount, "the CA does not know the account in --out, or the account was given up"),
    (ExitCode::Store, "a file in --out is damaged, locked or cannot be written"),
    (ExitCode::Other, "anything else"),
    (ExitCode::Cancelled, "interrupted; what was published for the CA is withdrawn"),
];

/// The table as it stands below `acme issue --help`.
pub(crate) fn help() -> String {
    let mut text = String::from(
        "Exit codes:\n    0  done; for issue: a verified certificate is in DIR/chain.pem, its key in \
         DIR/key.pem",
    );
    for (code, meaning) in MEANINGS {
        text.push_str(&format!("\n  {:>3}  {meaning}", *code as u8));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_failures_share_a_number_and_none_looks_like_success() {
        let numbers: Vec<u8> = MEANINGS.iter().map(|(code, _)| *code as u8).collect();
        assert!(numbers.windows(2).all(|pair| pair[0] < pair[1]), "{numbers:?}");
        assert!(!numbers.contains(&0));
    }

    #[test]
    fn the_readme_has_the_same_table() {
        let readme = include_str!("../../../../README.md");
        for (code, meaning) in MEANINGS {
            let row = format!("| {} | {meaning} |", *code as u8);
            assert!(readme.contains(&row), "the README lacks: {row}");
        }
    }
}
