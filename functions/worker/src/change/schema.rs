//! The domain's words, as the schema has them.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use shared::event::{Decision, Status};
use std::borrow::Cow;

/// How far an attempt is.
pub struct StatusWord;

/// What was decided.
pub struct DecisionWord;

impl JsonSchema for StatusWord {
    fn schema_name() -> Cow<'static, str> {
        "Status".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "How far an attempt is, furthest last.",
            "type": "string",
            "enum": Status::ALL.map(Status::as_str),
        })
    }
}

impl JsonSchema for DecisionWord {
    fn schema_name() -> Cow<'static, str> {
        "Decision".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let words = [Decision::Selected, Decision::Rejected].map(|it| it.to_string());
        json_schema!({
            "description": "What the recruiter decided.",
            "type": "string",
            "enum": words,
        })
    }
}
