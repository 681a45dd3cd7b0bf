//! Secrets.

use serde_json::{Map, Value};

use super::super::document::Resource;
use super::super::intrinsics::Resolver;
use super::super::names::secret_arn;
use super::super::read::Properties;
use super::super::{Fault, TemplateError};
use super::name;

/// A secret and how its first value comes about.
#[derive(Debug, Clone)]
pub struct SecretResource {
    /// The id in the template.
    pub logical_id: String,
    /// The local name.
    pub name: String,
    /// What the template says of it.
    pub description: Option<String>,
    /// Its first value.
    pub content: SecretContent,
}

/// A secret's first value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecretContent {
    /// This text.
    Text(String),
    /// A generated password, put into an object where a key is given for it.
    Generated {
        /// The object around it, and the password's key in it.
        within: Option<(Map<String, Value>, String)>,
        /// How many letters and digits.
        length: usize,
    },
}

impl SecretResource {
    /// What `SecretId` may say.
    #[must_use]
    pub fn arn(&self) -> String {
        secret_arn(&self.name)
    }
}

/// What Secrets Manager generates when the template does not say how long.
const PASSWORD_LENGTH: u32 = 32;

pub(super) fn secret(
    id: &str,
    resource: &Resource,
    resolver: &Resolver<'_>,
) -> Result<SecretResource, TemplateError> {
    let properties = Properties::new(id, &resource.properties, resolver);
    let content = match (
        properties.text("SecretString")?,
        properties.raw("GenerateSecretString"),
    ) {
        (Some(text), _) => SecretContent::Text(text),
        (None, Some(generate)) => generated(&properties.within(generate))?,
        (None, None) => return Err(properties.fault(Fault::Missing("GenerateSecretString"))),
    };
    let description = properties.text("Description")?;
    Ok(SecretResource {
        logical_id: id.to_owned(),
        name: name(id, resolver)?,
        description,
        content,
    })
}

fn generated(properties: &Properties<'_>) -> Result<SecretContent, TemplateError> {
    let length = properties
        .number("PasswordLength")?
        .unwrap_or(PASSWORD_LENGTH);
    let length = usize::try_from(length).unwrap_or(usize::MAX).min(4096);
    let template = properties.text("SecretStringTemplate")?;
    let within = match (template, properties.text("GenerateStringKey")?) {
        (None, None) => None,
        (Some(template), Some(key)) => match serde_json::from_str(&template) {
            Ok(Value::Object(object)) => Some((object, key)),
            _ => return Err(properties.shape("SecretStringTemplate", "a JSON object")),
        },
        // CloudFormation takes one without the other, and Secrets Manager then refuses it.
        (None, Some(_)) => return Err(properties.fault(Fault::Missing("SecretStringTemplate"))),
        (Some(_), None) => return Err(properties.fault(Fault::Missing("GenerateStringKey"))),
    };
    Ok(SecretContent::Generated { within, length })
}
