//! All secrets, and the operations on them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use time::OffsetDateTime;

use super::SecretsError;
use super::request::{CreateSecret, GetSecretValue, PutSecretValue, UpdateSecretVersionStage};
use super::secret::{CURRENT, Secret, set};
use crate::random;
use crate::template::secret_arn;

/// All secrets by name.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Vault {
    secrets: BTreeMap<String, Secret>,
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
                let stages = request
                    .version_stages
                    .unwrap_or_else(|| vec![CURRENT.to_owned()]);
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
        secrets
            .find(|(name, secret)| secret.is_called(name, id))
            .ok_or(SecretsError::NoSecret)
    }

    fn find_mut(&mut self, id: &str) -> Result<(&String, &mut Secret), SecretsError> {
        let mut secrets = self.secrets.iter_mut();
        secrets
            .find(|(name, secret)| secret.is_called(name, id))
            .ok_or(SecretsError::NoSecret)
    }
}

#[cfg(test)]
#[path = "vault_tests.rs"]
mod tests;
