//! The template's text as plain JSON: `!Sub x` and `{"Fn::Sub": "x"}` are the same from here on.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use serde_yaml_ng::Value as Yaml;

use super::TemplateError;

/// The sections of a template, unevaluated.
#[derive(Debug, Default)]
pub(super) struct Document {
    pub(super) parameters: Map<String, Value>,
    pub(super) mappings: Map<String, Value>,
    pub(super) conditions: Map<String, Value>,
    pub(super) function_globals: Value,
    pub(super) resources: BTreeMap<String, Resource>,
    pub(super) outputs: Map<String, Value>,
}

/// One resource, unevaluated.
#[derive(Debug)]
pub(super) struct Resource {
    pub(super) kind: String,
    pub(super) condition: Option<String>,
    pub(super) metadata: Value,
    pub(super) properties: Value,
}

impl Document {
    pub(super) fn parse(text: &str) -> Result<Self, TemplateError> {
        let yaml: Yaml = serde_yaml_ng::from_str(text).map_err(TemplateError::NotYaml)?;
        let Value::Object(mut root) = to_json(yaml)? else {
            return Err(TemplateError::NotTemplate("no sections".to_owned()));
        };
        let mut section = |name: &str| match root.remove(name) {
            Some(Value::Object(section)) => section,
            _ => Map::new(),
        };
        let resources = section("Resources");
        Ok(Self {
            parameters: section("Parameters"),
            mappings: section("Mappings"),
            conditions: section("Conditions"),
            function_globals: section("Globals").remove("Function").unwrap_or(json!({})),
            outputs: section("Outputs"),
            resources: resources
                .into_iter()
                .map(|(name, body)| (name, Resource::from(body)))
                .collect(),
        })
    }

    /// The resources of one type, in the order of their names.
    pub(super) fn of_kind(&self, kind: &str) -> impl Iterator<Item = (&str, &Resource)> {
        let all = self
            .resources
            .iter()
            .map(|(name, resource)| (name.as_str(), resource));
        all.filter(move |(_, resource)| resource.kind == kind)
    }
}

impl From<Value> for Resource {
    fn from(body: Value) -> Self {
        let field = |name: &str| body.get(name).cloned().unwrap_or(Value::Null);
        let text = |name: &str| body.get(name).and_then(Value::as_str).map(str::to_owned);
        Self {
            kind: text("Type").unwrap_or_default(),
            condition: text("Condition"),
            metadata: field("Metadata"),
            properties: field("Properties"),
        }
    }
}

fn to_json(yaml: Yaml) -> Result<Value, TemplateError> {
    Ok(match yaml {
        Yaml::Null => Value::Null,
        Yaml::Bool(value) => Value::Bool(value),
        Yaml::Number(number) => serde_json::to_value(number).unwrap_or(Value::Null),
        Yaml::String(text) => Value::String(text),
        Yaml::Sequence(items) => {
            Value::Array(items.into_iter().map(to_json).collect::<Result<_, _>>()?)
        }
        Yaml::Mapping(mapping) => {
            let mut object = Map::new();
            for (key, value) in mapping {
                object.insert(key_text(key)?, to_json(value)?);
            }
            Value::Object(object)
        }
        Yaml::Tagged(tagged) => long_form(&tagged.tag.to_string(), to_json(tagged.value)?),
    })
}

fn key_text(key: Yaml) -> Result<String, TemplateError> {
    match key {
        Yaml::String(text) => Ok(text),
        Yaml::Bool(value) => Ok(value.to_string()),
        Yaml::Number(number) => Ok(number.to_string()),
        other => Err(TemplateError::NotTemplate(format!("the key {other:?}"))),
    }
}

fn long_form(tag: &str, value: Value) -> Value {
    match tag.trim_start_matches('!') {
        "Ref" => json!({ "Ref": value }),
        "Condition" => json!({ "Condition": value }),
        "GetAtt" => json!({ "Fn::GetAtt": dotted(value) }),
        name => {
            let mut object = Map::new();
            object.insert(format!("Fn::{name}"), value);
            Value::Object(object)
        }
    }
}

/// `!GetAtt A.B.C` is the attribute `B.C` of `A`.
fn dotted(value: Value) -> Value {
    match value.as_str().and_then(|text| text.split_once('.')) {
        Some((resource, attribute)) => json!([resource, attribute]),
        None => value,
    }
}
