//! Members of a JSON object that this library has no use for, kept within limits for callers that
//! have.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

/// Most members that are kept of one object.
const MAX_MEMBERS: usize = 32;
/// Longest member that is kept, in bytes of JSON without its name; a longer name is not kept
/// either.
const MAX_LEN: usize = 2000;
/// Deepest nesting that is kept. A checkpoint that holds the member must not become too deep for
/// a JSON parser; those of `serde_json` stop at 128.
pub(crate) const MAX_DEPTH: usize = 16;

/// The members whose names are not `known`.
pub(crate) fn unknown_members(
    object: &Map<String, Value>,
    known: &[&str],
) -> BTreeMap<String, Value> {
    object
        .iter()
        .filter(|(name, _)| !known.contains(&name.as_str()) && name.len() <= MAX_LEN)
        .filter(|(_, value)| is_shallow(value, MAX_DEPTH) && value.to_string().len() <= MAX_LEN)
        .take(MAX_MEMBERS)
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

/// Whether a value is nested no deeper than this.
pub(crate) fn is_shallow(value: &Value, depth: usize) -> bool {
    let Some(below) = depth.checked_sub(1) else { return false };
    match value {
        Value::Array(list) => list.iter().all(|value| is_shallow(value, below)),
        Value::Object(object) => object.values().all(|value| is_shallow(value, below)),
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn number_length_and_depth_of_what_is_kept_are_bounded() {
        let mut object = Map::new();
        object.insert("known".into(), json!(1));
        object.insert("long".into(), json!("x".repeat(5000)));
        object.insert("y".repeat(5000), json!(1));
        let deep = (0..40).fold(json!(1), |inner, _| json!([inner]));
        object.insert("deep".into(), deep);
        object.insert("kept".into(), json!({"a": [null]}));
        let kept = unknown_members(&object, &["known"]);
        assert_eq!(kept, BTreeMap::from([("kept".to_owned(), json!({"a": [null]}))]));
        for n in 0..100 {
            object.insert(format!("n{n}"), json!(n));
        }
        assert_eq!(unknown_members(&object, &[]).len(), MAX_MEMBERS);
    }
}
