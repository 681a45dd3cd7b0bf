//! Secrets Manager behind [`SecretReader`].

use super::{SecretError, SecretReader, Stage};
use aws_sdk_secretsmanager::Client;
use aws_sdk_secretsmanager::operation::get_secret_value::GetSecretValueError;

/// Reads secrets from AWS Secrets Manager.
#[derive(Clone, Debug)]
pub struct SecretsManager(Client);

impl SecretsManager {
    /// With the client that it is to use.
    #[must_use]
    pub fn new(client: Client) -> Self {
        Self(client)
    }
}

impl SecretReader for SecretsManager {
    async fn read(&self, id: &str, stage: Stage) -> Result<Option<String>, SecretError> {
        let stage = match stage {
            Stage::Current => "AWSCURRENT",
            Stage::Previous => "AWSPREVIOUS",
        };
        let answer = self
            .0
            .get_secret_value()
            .secret_id(id)
            .version_stage(stage)
            .send()
            .await;
        match answer {
            Ok(version) => Ok(version.secret_string),
            Err(error) => match error.into_service_error() {
                GetSecretValueError::ResourceNotFoundException(_) => Ok(None),
                error => Err(SecretError::Unavailable {
                    id: id.to_owned(),
                    cause: Box::new(error),
                }),
            },
        }
    }
}
