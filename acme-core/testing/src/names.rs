//! Which identifiers can be ordered: a check of its own, apart from any client's.

use core::net::IpAddr;

use acmekit_core::types::identifier::Identifier;
use serde_json::Value;

use crate::cause::RefusalCause;
use crate::problem::Problem;

/// Takes an identifier in exactly the form of the wire (RFC 8555 §7.1.3, RFC 8738 §3).
pub(crate) fn parse(kind: &str, value: &str) -> Result<Identifier, Problem> {
    let refuse = |detail: String| {
        Problem::new(RefusalCause::NameForm, detail).value(value).breach("R-ORD-03")
    };
    match kind {
        "dns" => {
            check_dns(value).map_err(|rule| refuse(format!("the name {value:?} {rule}")))?;
            let error = |_| refuse(format!("{value:?} cannot be issued for"));
            Identifier::dns(value).map_err(error)
        }
        "ip" => match value.parse::<IpAddr>().map(Identifier::ip) {
            Ok(identifier) if identifier.value() == value => Ok(identifier),
            _ => {
                let detail = format!("{value:?} is not an address in the form of RFC 8738 §3");
                Err(refuse(detail).breach("R-IDN-01"))
            }
        },
        _ => {
            let detail = format!("identifiers of type {kind:?} cannot be ordered here");
            Err(Problem::new(RefusalCause::NameType, detail).value(kind))
        }
    }
}

fn check_dns(name: &str) -> Result<(), &'static str> {
    let base = name.strip_prefix("*.").unwrap_or(name);
    if base.bytes().any(|b| b.is_ascii_uppercase()) {
        return Err("must be in lower case");
    }
    if !base.is_ascii() {
        return Err("must be in A-labels");
    }
    if base.ends_with('.') {
        return Err("must not end with a dot");
    }
    if base.contains('*') {
        return Err("may have `*` only as its whole left-most label");
    }
    let is_letter = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(is_letter)
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    if base.len() > 253 || !base.split('.').all(is_label) {
        return Err("is not made of labels of letters, digits and hyphens");
    }
    if base.rsplit('.').next().is_some_and(|last| last.bytes().all(|b| b.is_ascii_digit())) {
        return Err("ends in a number; order an address with the type `ip`");
    }
    Ok(())
}

/// One problem for all refused identifiers, with a subproblem each when there are several
/// (§6.7.1).
pub(crate) fn refusal(refused: Vec<(Value, Problem)>) -> Option<Problem> {
    let (_, first) = refused.first()?;
    let is_one_kind = refused.iter().all(|(_, problem)| problem.kind == first.kind);
    let mut whole = match refused.as_slice() {
        [_] => first.clone(),
        _ => {
            let cause = if is_one_kind { first.cause } else { RefusalCause::Compound };
            let detail = format!("{} identifiers are refused", refused.len());
            Problem::new(cause, detail).value(first.value.as_str())
        }
    };
    whole.requirement = refused.iter().find_map(|(_, problem)| problem.requirement);
    for (entry, problem) in refused {
        if let Ok(identifier) = serde_json::from_value::<Identifier>(entry) {
            whole.subproblems.push((identifier, problem));
        }
    }
    Some(whole)
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn only_the_form_of_the_wire_is_taken() {
        for name in ["example.org", "*.example.org", "xn--bcher-kva.example", "localhost"] {
            assert!(parse("dns", name).is_ok(), "{name}");
        }
        for name in [
            "Example.org",
            "example.org.",
            "*.*.example.org",
            "a*.example.org",
            "",
            "bücher.example",
            "-a.example",
            "a b.example",
            "192.0.2.1",
            "a..example",
        ] {
            assert!(parse("dns", name).is_err(), "{name}");
        }
        for (address, good) in [
            ("192.0.2.1", true),
            ("2001:db8::1", true),
            ("2001:DB8::1", false),
            ("[::1]", false),
            ("192.0.2.1/24", false),
            ("2001:db8:0::1", false),
        ] {
            assert_eq!(parse("ip", address).is_ok(), good, "{address}");
        }
        assert_eq!(parse("email", "a@example.org").unwrap_err().kind, "unsupportedIdentifier");
    }
}
