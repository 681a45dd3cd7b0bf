//! What the operations take, as far as it is used here.

use serde::Deserialize;

use super::SecretsError;

/// Text or bytes; the bytes stay in base64, as they come and go.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize, serde::Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Content {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) secret_string: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) secret_binary: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct CreateSecret {
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) client_request_token: Option<String>,
    #[serde(default)]
    pub(crate) description: Option<String>,
    #[serde(flatten)]
    pub(crate) content: Content,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct PutSecretValue {
    pub(crate) secret_id: String,
    #[serde(default)]
    pub(crate) client_request_token: Option<String>,
    #[serde(default)]
    pub(crate) version_stages: Option<Vec<String>>,
    #[serde(flatten)]
    pub(crate) content: Content,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct GetSecretValue {
    pub(crate) secret_id: String,
    #[serde(default)]
    pub(crate) version_id: Option<String>,
    #[serde(default)]
    pub(crate) version_stage: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct UpdateSecretVersionStage {
    pub(crate) secret_id: String,
    pub(crate) version_stage: String,
    #[serde(default)]
    pub(crate) move_to_version_id: Option<String>,
    #[serde(default)]
    pub(crate) remove_from_version_id: Option<String>,
}

impl Content {
    /// Whether there is nothing at all.
    pub(crate) fn is_absent(&self) -> bool {
        self.secret_string.is_none() && self.secret_binary.is_none()
    }

    /// One of the two, not both.
    pub(crate) fn checked(self) -> Result<Self, SecretsError> {
        match (&self.secret_string, &self.secret_binary) {
            (Some(_), Some(_)) => Err(SecretsError::InvalidParameter(
                "You can't specify both a binary secret value and a string secret value.",
            )),
            _ => Ok(self),
        }
    }
}
