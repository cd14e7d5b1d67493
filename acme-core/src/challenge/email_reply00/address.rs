//! The mail addresses in a header field (RFC 5322 §3.4), as far as a challenge needs them: plain
//! ASCII mailboxes, no groups, no quoted local parts.

/// The one address in a field; `None` if there is none, or more than one.
pub(super) fn only_mailbox(field: &str) -> Option<String> {
    match mailboxes(field).as_slice() {
        [Some(mailbox)] => Some(mailbox.clone()),
        _ => None,
    }
}

/// The addresses in a field; `None` for each part that cannot be read.
pub(super) fn mailboxes(field: &str) -> Vec<Option<String>> {
    let Some(plain) = without_quoted_names(field) else { return vec![None] };
    plain.split(',').map(mailbox).collect()
}

/// Whether both are the same mailbox: domains are compared without regard to case, local parts to
/// the letter.
pub(super) fn is_same(one: &str, other: &str) -> bool {
    match (one.rsplit_once('@'), other.rsplit_once('@')) {
        (Some((one, domain)), Some((other, same))) => {
            one == other && domain.eq_ignore_ascii_case(same)
        }
        _ => false,
    }
}

/// The field without display names in quotes, which may hold anything; `None` if a quote is open.
fn without_quoted_names(field: &str) -> Option<String> {
    let mut plain = String::with_capacity(field.len());
    let mut letters = field.chars();
    let mut in_quotes = false;
    while let Some(letter) = letters.next() {
        match letter {
            '"' => in_quotes = !in_quotes,
            '\\' if in_quotes => {
                letters.next();
            }
            _ if in_quotes => {}
            _ => plain.push(letter),
        }
    }
    (!in_quotes).then_some(plain)
}

/// `name <address>` or `address`.
fn mailbox(text: &str) -> Option<String> {
    let text = text.trim();
    let address = match text.split_once('<') {
        Some((_, rest)) => rest.strip_suffix('>')?,
        None => text,
    };
    let (local, domain) = address.split_once('@')?;
    let is_plain = |part: &str, allowed: &[u8]| {
        !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || allowed.contains(&b))
    };
    // The letters of `atext`, and the dot between atoms.
    let is_address =
        is_plain(local, b"!#$%&'*+-/=?^_`{|}~.") && is_plain(domain, b"-.") && address.len() <= 254;
    is_address.then(|| address.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_mailbox_is_read_with_and_without_a_name() {
        for (field, address) in [
            ("acme@ca.example", "acme@ca.example"),
            (" acme+7@ca.example ", "acme+7@ca.example"),
            ("<acme@ca.example>", "acme@ca.example"),
            ("ACME server <acme@ca.example>", "acme@ca.example"),
            ("\"Doe, \\\"J\\\" <x@y>\" <doe@ca.example>", "doe@ca.example"),
        ] {
            assert_eq!(only_mailbox(field).as_deref(), Some(address), "{field}");
        }
    }

    #[test]
    fn what_could_be_read_as_another_mailbox_is_refused() {
        for field in [
            "",
            "acme",
            "@ca.example",
            "acme@",
            "a@b@c",
            "evil@x.example, acme@ca.example",
            "<evil@x.example>, <acme@ca.example>",
            "<evil@x.example> <acme@ca.example>",
            "acme@ca.example <evil@x.example",
            "\"open <acme@ca.example>",
            "acme@ca.example\r\nBcc: evil@x.example",
            "acme@ca.example (evil@x.example)",
            "ａcme@ca.example",
        ] {
            assert_eq!(only_mailbox(field), None, "{field:?}");
        }
    }

    #[test]
    fn domains_are_compared_without_regard_to_case() {
        assert!(is_same("Acme@CA.example", "Acme@ca.Example"));
        assert!(!is_same("acme@ca.example", "Acme@ca.example"));
        assert!(!is_same("acme@ca.example", "acme@ca.example.org"));
    }
}
