//! Event patterns: exact values, `prefix` and `exists`, however deep. Whatever else AWS knows is refused, since a filter that
//! is not understood would let through too much or too little.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::error::EventsError;

/// What a rule lets through.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Pattern(BTreeMap<String, Node>);

#[derive(Clone, Debug, PartialEq)]
enum Node {
    /// All of these must match.
    Fields(Pattern),
    /// One of these must match.
    Values(Vec<Match>),
}

#[derive(Clone, Debug, PartialEq)]
enum Match {
    Equals(Value),
    Prefix(String),
    Exists(bool),
}

impl Pattern {
    pub(super) fn parse(text: &str) -> Result<Self, EventsError> {
        match serde_json::from_str(text) {
            Ok(Value::Object(fields)) => Self::of_fields(&fields),
            Ok(_) => Err(invalid("Filter is not an object")),
            Err(error) => Err(EventsError::Pattern(error.to_string())),
        }
    }

    fn of_fields(fields: &Map<String, Value>) -> Result<Self, EventsError> {
        if fields.is_empty() {
            return Err(invalid("Empty objects are not allowed"));
        }
        let nodes = fields
            .iter()
            .map(|(name, value)| Ok((name.clone(), Node::parse(name, value)?)));
        nodes.collect::<Result<_, _>>().map(Self)
    }

    pub(super) fn matches(&self, event: &Value) -> bool {
        self.matches_or_absent(Some(event))
    }

    fn matches_or_absent(&self, value: Option<&Value>) -> bool {
        if let Some(Value::Array(values)) = value {
            return values.iter().any(|it| self.matches_or_absent(Some(it)));
        }
        let mut fields = self.0.iter();
        fields.all(|(name, node)| node.matches(value.and_then(|value| value.get(name))))
    }
}

impl Node {
    fn parse(name: &str, value: &Value) -> Result<Self, EventsError> {
        if name.starts_with('$') {
            return Err(unknown(name));
        }
        match value {
            Value::Object(fields) => Pattern::of_fields(fields).map(Self::Fields),
            Value::Array(values) if values.is_empty() => {
                Err(invalid("Empty arrays are not allowed"))
            }
            Value::Array(values) => {
                let values = values.iter().map(Match::parse);
                values.collect::<Result<_, _>>().map(Self::Values)
            }
            _ => {
                let reason = format!("\"{name}\" must be an object or an array");
                Err(EventsError::Pattern(reason))
            }
        }
    }

    fn matches(&self, value: Option<&Value>) -> bool {
        match self {
            Self::Fields(fields) => fields.matches_or_absent(value),
            Self::Values(values) => values.iter().any(|it| it.matches(value)),
        }
    }
}

impl Match {
    fn parse(value: &Value) -> Result<Self, EventsError> {
        let Value::Object(operator) = value else {
            return match value {
                Value::Array(_) => Err(invalid("Arrays in arrays are not allowed")),
                exact => Ok(Self::Equals(exact.clone())),
            };
        };
        let mut entries = operator.iter();
        match (entries.next(), entries.next()) {
            (Some((name, Value::String(prefix))), None) if name == "prefix" => {
                Ok(Self::Prefix(prefix.clone()))
            }
            (Some((name, Value::Bool(wanted))), None) if name == "exists" => {
                Ok(Self::Exists(*wanted))
            }
            (Some((name, _)), _) => Err(unknown(name)),
            (None, _) => Err(invalid("Empty objects are not allowed")),
        }
    }

    fn matches(&self, value: Option<&Value>) -> bool {
        match value {
            None => *self == Self::Exists(false),
            Some(Value::Array(values)) => values.iter().any(|it| self.matches(Some(it))),
            // Only what has no parts of its own is a value to a pattern.
            Some(Value::Object(_)) => false,
            Some(value) => match self {
                Self::Equals(expected) => same(expected, value),
                Self::Prefix(prefix) => value.as_str().is_some_and(|it| it.starts_with(prefix)),
                Self::Exists(wanted) => *wanted,
            },
        }
    }
}

/// Numbers are the same however they are written.
fn same(expected: &Value, value: &Value) -> bool {
    match (expected.as_f64(), value.as_f64()) {
        (Some(expected), Some(value)) => expected.total_cmp(&value).is_eq(),
        _ => expected == value,
    }
}

fn invalid(reason: &str) -> EventsError {
    EventsError::Pattern(reason.to_owned())
}

fn unknown(operator: &str) -> EventsError {
    EventsError::Pattern(format!(
        "{operator} does not run here: exact values, prefix and exists do"
    ))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn lets_through(pattern: &Value, event: &Value) -> bool {
        Pattern::parse(&pattern.to_string()).unwrap().matches(event)
    }

    #[test]
    fn what_matches_at_aws_matches_here() {
        let event = json!({
            "source": "shop", "detail": {
                "status": "completed", "version": 3, "tags": ["new", "hot"], "none": null,
                "lines": [{ "sku": "a" }, { "sku": "b" }], "empty": [],
            },
        });
        let detail = |pattern: Value| json!({ "detail": pattern });
        for (pattern, expected) in [
            (json!({ "source": ["shop"] }), true),
            (json!({ "source": ["ship", "shop"] }), true),
            (json!({ "source": ["ship"] }), false),
            (json!({ "source": ["shop"], "id": ["1"] }), false),
            (
                detail(json!({ "status": ["completed"], "version": [3.0] })),
                true,
            ),
            (detail(json!({ "version": ["3"] })), false),
            (detail(json!({ "none": [null] })), true),
            (detail(json!({ "absent": [null] })), false),
            (detail(json!({ "tags": ["hot"] })), true),
            (detail(json!({ "tags": ["cold"] })), false),
            (detail(json!({ "lines": { "sku": ["b"] } })), true),
            (detail(json!({ "lines": { "sku": ["c"] } })), false),
            (detail(json!({ "status": [{ "prefix": "comp" }] })), true),
            (
                detail(json!({ "status": [{ "prefix": "x" }, "completed"] })),
                true,
            ),
            (detail(json!({ "version": [{ "prefix": "3" }] })), false),
            (detail(json!({ "status": [{ "exists": true }] })), true),
            (detail(json!({ "status": [{ "exists": false }] })), false),
            (detail(json!({ "absent": [{ "exists": false }] })), true),
            (
                detail(json!({ "absent": { "b": [{ "exists": false }] } })),
                true,
            ),
            (detail(json!({ "absent": [{ "exists": true }] })), false),
        ] {
            assert_eq!(lets_through(&pattern, &event), expected, "{pattern}");
        }
    }

    #[test]
    fn what_is_no_pattern_or_not_known_here_is_refused_and_named() {
        for (text, says) in [
            ("", "EOF"),
            ("[]", "not an object"),
            ("{}", "Empty objects"),
            (r#"{"source":"shop"}"#, "\"source\" must be"),
            (r#"{"source":[]}"#, "Empty arrays"),
            (r#"{"source":[["shop"]]}"#, "Arrays in arrays"),
            (r#"{"source":[{}]}"#, "Empty objects"),
            (r#"{"detail":{"n":[{"numeric":[">",1]}]}}"#, "numeric"),
            (r#"{"source":[{"anything-but":["x"]}]}"#, "anything-but"),
            (r#"{"$or":[{"source":["x"]}]}"#, "$or"),
            (r#"{"source":[{"prefix":1}]}"#, "prefix"),
        ] {
            let error = Pattern::parse(text).unwrap_err();
            assert_eq!(error.kind(), "InvalidEventPatternException");
            assert!(error.to_string().contains(says), "{text}: {error}");
        }
    }
}
