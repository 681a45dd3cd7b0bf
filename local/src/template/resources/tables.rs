//! Tables.

use serde_json::{Map, Value, json};

use super::super::TemplateError;
use super::super::document::Resource;
use super::super::intrinsics::Resolver;
use super::super::read::Properties;
use super::name;

/// A table, as `CreateTable` wants it.
#[derive(Debug, Clone)]
pub struct TableResource {
    /// The local name.
    pub name: String,
    /// The input of `CreateTable`.
    pub create: Value,
    /// The attribute that says when an item expires.
    pub time_to_live: Option<String>,
}

/// What `CreateTable` takes of a table's properties; the rest are settings of other operations.
const TABLE_PROPERTIES: [&str; 6] = [
    "AttributeDefinitions",
    "KeySchema",
    "BillingMode",
    "GlobalSecondaryIndexes",
    "LocalSecondaryIndexes",
    "ProvisionedThroughput",
];

pub(super) fn table(
    id: &str,
    resource: &Resource,
    resolver: &Resolver<'_>,
) -> Result<TableResource, TemplateError> {
    let properties = Properties::new(id, &resource.properties, resolver);
    let name = name(id, resolver)?;
    let mut create = Map::new();
    create.insert("TableName".to_owned(), json!(name));
    for property in TABLE_PROPERTIES {
        if let Some(value) = properties.value(property)? {
            create.insert(property.to_owned(), value);
        }
    }
    let time_to_live = properties
        .value("TimeToLiveSpecification")?
        .unwrap_or_default();
    let time_to_live = properties.within(&time_to_live);
    let on = time_to_live.truth("Enabled")?.unwrap_or(false);
    let attribute = time_to_live.text("AttributeName")?;
    Ok(TableResource {
        name,
        create: Value::Object(create),
        time_to_live: attribute.filter(|_| on),
    })
}
