//! Secrets, their versions, and the stages that move between them.

use std::collections::{BTreeMap, BTreeSet};

use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use time::OffsetDateTime;

use super::request::{
    Content, CreateSecret, GetSecretValue, PutSecretValue, UpdateSecretVersionStage,
};
use crate::random;
use crate::template::secret_arn;

const CURRENT: &str = "AWSCURRENT";
const PREVIOUS: &str = "AWSPREVIOUS";

/// Why an operation was refused; the words are AWS's own, as far as they are known.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SecretsError {
    #[error("Secrets Manager can't find the specified secret.")]
    NoSecret,
    #[error("Secrets Manager can't find the specified secret value for {0}")]
    NoVersion(String),
    #[error("The operation failed because the secret {0} already exists.")]
    SecretExists(String),
    #[error("A version with this token exists already, with another value.")]
    VersionExists,
    #[error("{0}")]
    InvalidParameter(&'static str),
    #[error("the request could not be read: {0}")]
    Unreadable(String),
    #[error("this Secrets Manager has only the operations that the project uses")]
    UnknownOperation,
    #[error("the secrets could not be saved: {0}")]
    NotSaved(String),
}

/// All secrets by name.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Vault {
    secrets: BTreeMap<String, Secret>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Secret {
    arn: String,
    description: Option<String>,
    created: i64,
    changed: i64,
    versions: Vec<Version>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Version {
    id: String,
    created: i64,
    stages: BTreeSet<String>,
    #[serde(flatten)]
    content: Content,
}

impl SecretsError {
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::NoSecret | Self::NoVersion(_) => "ResourceNotFoundException",
            Self::SecretExists(_) | Self::VersionExists => "ResourceExistsException",
            Self::InvalidParameter(_) | Self::Unreadable(_) => "InvalidParameterException",
            Self::UnknownOperation => "UnknownOperationException",
            Self::NotSaved(_) => "InternalServiceError",
        }
    }

    pub(crate) fn status(&self) -> StatusCode {
        match self {
            Self::NotSaved(_) => StatusCode::INTERNAL_SERVER_ERROR,
            _ => StatusCode::BAD_REQUEST,
        }
    }
}

impl Vault {
    pub(crate) fn create(
        &mut self,
        request: CreateSecret,
        now: OffsetDateTime,
    ) -> Result<Value, SecretsError> {
        if self.secrets.contains_key(&request.name) {
            return Err(SecretsError::SecretExists(request.name));
        }
        let content = request.content.checked()?;
        let mut secret = Secret {
            arn: secret_arn(&request.name),
            description: request.description,
            created: now.unix_timestamp(),
            changed: now.unix_timestamp(),
            versions: Vec::new(),
        };
        let mut output = json!({ "ARN": secret.arn, "Name": request.name });
        // A secret may be created before it has any value.
        if !content.is_absent() {
            let id = request.client_request_token.unwrap_or_else(random::uuid);
            set(&mut output, "VersionId", json!(id));
            secret.add(id, content, now);
            secret.give_current_to_last();
        }
        self.secrets.insert(request.name, secret);
        Ok(output)
    }

    pub(crate) fn put(
        &mut self,
        request: PutSecretValue,
        now: OffsetDateTime,
    ) -> Result<Value, SecretsError> {
        let (name, secret) = self.find_mut(&request.secret_id)?;
        let content = request.content.checked()?;
        if content.is_absent() {
            return Err(SecretsError::InvalidParameter(
                "You must provide either SecretString or SecretBinary.",
            ));
        }
        let id = request.client_request_token.unwrap_or_else(random::uuid);
        match secret.version(&id) {
            Some(same) if same.content == content => {}
            Some(_) => return Err(SecretsError::VersionExists),
            None => {
                let stages = request.version_stages.unwrap_or_else(|| vec![CURRENT.to_owned()]);
                secret.add(id.clone(), content, now);
                for stage in stages {
                    secret.give(&stage, &id);
                }
                secret.forget_unstaged();
            }
        }
        let stages = secret.version(&id).map(|version| version.stages.clone());
        Ok(json!({
            "ARN": secret.arn, "Name": name, "VersionId": id, "VersionStages": stages,
        }))
    }

    pub(crate) fn value(&self, request: &GetSecretValue) -> Result<Value, SecretsError> {
        let (name, secret) = self.find(&request.secret_id)?;
        let version = secret.select(request)?;
        let mut output = json!({
            "ARN": secret.arn,
            "Name": name,
            "VersionId": version.id,
            "VersionStages": version.stages,
            "CreatedDate": version.created,
        });
        if let Some(text) = &version.content.secret_string {
            set(&mut output, "SecretString", json!(text));
        }
        if let Some(bytes) = &version.content.secret_binary {
            set(&mut output, "SecretBinary", json!(bytes));
        }
        Ok(output)
    }

    pub(crate) fn move_stage(
        &mut self,
        request: &UpdateSecretVersionStage,
    ) -> Result<Value, SecretsError> {
        let (name, secret) = self.find_mut(&request.secret_id)?;
        let stage = request.version_stage.as_str();
        let holder = secret.holder(stage).map(|version| version.id.clone());
        if holder.as_deref() != request.remove_from_version_id.as_deref()
            && (holder.is_some() || request.remove_from_version_id.is_some())
        {
            return Err(SecretsError::InvalidParameter(
                "RemoveFromVersionId must be the version that the staging label is attached to.",
            ));
        }
        match &request.move_to_version_id {
            Some(id) if secret.version(id).is_none() => {
                return Err(SecretsError::NoVersion(format!("VersionId: {id}")));
            }
            Some(id) => secret.give(stage, id),
            None if stage == CURRENT => {
                return Err(SecretsError::InvalidParameter(
                    "You can't remove AWSCURRENT from a version without moving it to another one.",
                ));
            }
            None => secret.take(stage),
        }
        Ok(json!({ "ARN": secret.arn, "Name": name }))
    }

    pub(crate) fn describe(&self, id: &str) -> Result<Value, SecretsError> {
        let (name, secret) = self.find(id)?;
        Ok(secret.description_as(name, "VersionIdsToStages"))
    }

    pub(crate) fn list(&self) -> Value {
        let secrets = self.secrets.iter();
        let list: Vec<Value> = secrets
            .map(|(name, secret)| secret.description_as(name, "SecretVersionsToStages"))
            .collect();
        json!({ "SecretList": list })
    }

    fn find(&self, id: &str) -> Result<(&String, &Secret), SecretsError> {
        let mut secrets = self.secrets.iter();
        secrets.find(|(name, secret)| secret.is_called(name, id)).ok_or(SecretsError::NoSecret)
    }

    fn find_mut(&mut self, id: &str) -> Result<(&String, &mut Secret), SecretsError> {
        let mut secrets = self.secrets.iter_mut();
        secrets.find(|(name, secret)| secret.is_called(name, id)).ok_or(SecretsError::NoSecret)
    }
}

impl Secret {
    /// By its name, its ARN, or the ARN without the random letters at its end.
    fn is_called(&self, name: &str, id: &str) -> bool {
        let partial = self.arn.rsplit_once('-').map(|(partial, _)| partial);
        id == name || id == self.arn || Some(id) == partial
    }

    fn version(&self, id: &str) -> Option<&Version> {
        self.versions.iter().find(|version| version.id == id)
    }

    fn holder(&self, stage: &str) -> Option<&Version> {
        self.versions.iter().find(|version| version.stages.contains(stage))
    }

    fn select(&self, request: &GetSecretValue) -> Result<&Version, SecretsError> {
        let stage = request.version_stage.as_deref();
        let Some(id) = request.version_id.as_deref() else {
            let stage = stage.unwrap_or(CURRENT);
            let absent = || SecretsError::NoVersion(format!("staging label: {stage}"));
            return self.holder(stage).ok_or_else(absent);
        };
        let version = self.version(id);
        let version = version.filter(|version| stage.is_none_or(|it| version.stages.contains(it)));
        version.ok_or_else(|| SecretsError::NoVersion(format!("VersionId: {id}")))
    }

    fn add(&mut self, id: String, content: Content, now: OffsetDateTime) {
        self.changed = now.unix_timestamp();
        let created = self.changed;
        self.versions.push(Version { id, created, stages: BTreeSet::new(), content });
    }

    fn give_current_to_last(&mut self) {
        if let Some(version) = self.versions.last_mut() {
            version.stages.insert(CURRENT.to_owned());
        }
    }

    /// Moves `stage` to the version `id`. What was current before becomes the previous one.
    fn give(&mut self, stage: &str, id: &str) {
        let before = self.holder(stage).map(|version| version.id.clone());
        if before.as_deref() == Some(id) {
            return;
        }
        self.take(stage);
        self.attach(stage, id);
        if let Some(before) = before.filter(|_| stage == CURRENT) {
            self.take(PREVIOUS);
            self.attach(PREVIOUS, &before);
        }
    }

    fn take(&mut self, stage: &str) {
        for version in &mut self.versions {
            version.stages.remove(stage);
        }
    }

    fn attach(&mut self, stage: &str, id: &str) {
        for version in self.versions.iter_mut().filter(|version| version.id == id) {
            version.stages.insert(stage.to_owned());
        }
    }

    /// AWS keeps about a hundred versions without a stage; nothing here reads them, so fewer will do.
    fn forget_unstaged(&mut self) {
        let mut surplus = self.versions.len().saturating_sub(20);
        self.versions.retain(|version| {
            let forget = surplus > 0 && version.stages.is_empty();
            surplus -= usize::from(forget);
            !forget
        });
    }

    fn description_as(&self, name: &str, stages_field: &str) -> Value {
        let staged = self.versions.iter().filter(|version| !version.stages.is_empty());
        let stages: Map<String, Value> =
            staged.map(|version| (version.id.clone(), json!(version.stages))).collect();
        let mut description = json!({
            "ARN": self.arn,
            "Name": name,
            "CreatedDate": self.created,
            "LastChangedDate": self.changed,
            stages_field: stages,
        });
        if let Some(text) = &self.description {
            set(&mut description, "Description", json!(text));
        }
        description
    }
}

fn set(output: &mut Value, field: &str, value: Value) {
    if let Some(object) = output.as_object_mut() {
        object.insert(field.to_owned(), value);
    }
}

#[cfg(test)]
#[path = "vault_tests.rs"]
mod tests;
