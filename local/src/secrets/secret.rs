//! One secret: its versions, and the stages that move between them.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use time::OffsetDateTime;

use super::SecretsError;
use super::request::{Content, GetSecretValue};

/// The stage of the version that is to be used.
pub(super) const CURRENT: &str = "AWSCURRENT";

/// The stage of the version that was current before.
pub(super) const PREVIOUS: &str = "AWSPREVIOUS";

/// A secret without its name.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Secret {
    pub(super) arn: String,
    pub(super) description: Option<String>,
    pub(super) created: i64,
    pub(super) changed: i64,
    pub(super) versions: Vec<Version>,
}

/// A value, which never changes, and its stages, which do.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Version {
    pub(super) id: String,
    pub(super) created: i64,
    pub(super) stages: BTreeSet<String>,
    #[serde(flatten)]
    pub(super) content: Content,
}

impl Secret {
    /// By its name, its ARN, or the ARN without the random letters at its end.
    pub(super) fn is_called(&self, name: &str, id: &str) -> bool {
        let partial = self.arn.rsplit_once('-').map(|(partial, _)| partial);
        id == name || id == self.arn || Some(id) == partial
    }

    pub(super) fn version(&self, id: &str) -> Option<&Version> {
        self.versions.iter().find(|version| version.id == id)
    }

    pub(super) fn holder(&self, stage: &str) -> Option<&Version> {
        self.versions
            .iter()
            .find(|version| version.stages.contains(stage))
    }

    pub(super) fn select(&self, request: &GetSecretValue) -> Result<&Version, SecretsError> {
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

    pub(super) fn add(&mut self, id: String, content: Content, now: OffsetDateTime) {
        self.changed = now.unix_timestamp();
        let created = self.changed;
        self.versions.push(Version {
            id,
            created,
            stages: BTreeSet::new(),
            content,
        });
    }

    pub(super) fn give_current_to_last(&mut self) {
        if let Some(version) = self.versions.last_mut() {
            version.stages.insert(CURRENT.to_owned());
        }
    }

    /// Moves `stage` to the version `id`. What was current before becomes the previous one.
    pub(super) fn give(&mut self, stage: &str, id: &str) {
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

    pub(super) fn take(&mut self, stage: &str) {
        for version in &mut self.versions {
            version.stages.remove(stage);
        }
    }

    pub(super) fn attach(&mut self, stage: &str, id: &str) {
        for version in self.versions.iter_mut().filter(|version| version.id == id) {
            version.stages.insert(stage.to_owned());
        }
    }

    /// AWS keeps about a hundred versions without a stage; nothing here reads them, so fewer will do.
    pub(super) fn forget_unstaged(&mut self) {
        let mut surplus = self.versions.len().saturating_sub(20);
        self.versions.retain(|version| {
            let forget = surplus > 0 && version.stages.is_empty();
            surplus -= usize::from(forget);
            !forget
        });
    }

    pub(super) fn description_as(&self, name: &str, stages_field: &str) -> Value {
        let staged = self
            .versions
            .iter()
            .filter(|version| !version.stages.is_empty());
        let stages: Map<String, Value> = staged
            .map(|version| (version.id.clone(), json!(version.stages)))
            .collect();
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

/// Sets a field of an answer.
pub(super) fn set(output: &mut Value, field: &str, value: Value) {
    if let Some(object) = output.as_object_mut() {
        object.insert(field.to_owned(), value);
    }
}
