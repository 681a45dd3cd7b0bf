//! What the operations take, as far as it is used here.

use serde::Deserialize;
use serde_json::{Map, Value};

/// The bus that is meant where none is named.
pub(super) const DEFAULT_BUS: &str = "default";

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Bus {
    #[serde(default = "default_bus")]
    pub(super) name: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct PutRule {
    pub(super) name: String,
    #[serde(default = "default_bus")]
    pub(super) event_bus_name: String,
    #[serde(default)]
    pub(super) event_pattern: Option<String>,
    #[serde(default)]
    pub(super) schedule_expression: Option<String>,
    #[serde(default)]
    pub(super) state: Option<String>,
    #[serde(default)]
    pub(super) description: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ListRules {
    #[serde(default = "default_bus")]
    pub(super) event_bus_name: String,
    #[serde(default)]
    pub(super) name_prefix: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct DeleteRule {
    pub(super) name: String,
    #[serde(default = "default_bus")]
    pub(super) event_bus_name: String,
}

/// Of `PutTargets`, `ListTargetsByRule` and `RemoveTargets`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct OfRule {
    pub(super) rule: String,
    #[serde(default = "default_bus")]
    pub(super) event_bus_name: String,
    #[serde(default)]
    pub(super) targets: Vec<Target>,
    #[serde(default)]
    pub(super) ids: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Target {
    pub(super) id: String,
    pub(super) arn: String,
    /// What would change what is delivered, or how.
    #[serde(flatten)]
    pub(super) others: Map<String, Value>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct PutEvents {
    #[serde(default)]
    pub(super) entries: Vec<Entry>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Entry {
    #[serde(default = "default_bus")]
    pub(super) event_bus_name: String,
    #[serde(default)]
    pub(super) source: String,
    #[serde(default)]
    pub(super) detail_type: String,
    #[serde(default)]
    pub(super) detail: String,
    #[serde(default)]
    pub(super) resources: Vec<String>,
    /// In seconds since 1970.
    #[serde(default)]
    pub(super) time: Option<f64>,
}

fn default_bus() -> String {
    DEFAULT_BUS.to_owned()
}

/// A bus goes by its name or its ARN.
pub(super) fn bus_name(name_or_arn: &str) -> &str {
    match name_or_arn.split_once(":event-bus/") {
        Some((_, name)) => name,
        None => name_or_arn,
    }
}
