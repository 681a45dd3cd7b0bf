//! Secrets Manager as an operator uses it: what a secret holds, its next version, and the end of its previous one.

use anyhow::Context;
use aws_sdk_secretsmanager::Client;
use aws_sdk_secretsmanager::config::http::HttpResponse;
use aws_sdk_secretsmanager::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_secretsmanager::primitives::DateTime;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use shared::secrets::CACHE_TIME;
use shared::timestamp::Timestamp;
use std::error::Error;
use std::time::Duration;

/// A function keeps what it has read for [`CACHE_TIME`] from the end of the reading, which may have begun before the change.
const READING: Duration = Duration::from_secs(5);
/// After this, every function knows a new version of a secret.
pub const KNOWN_AFTER: Duration = CACHE_TIME.saturating_add(READING);
const CURRENT: &str = "AWSCURRENT";
const PREVIOUS: &str = "AWSPREVIOUS";

/// The fields of a secret, with their values.
pub type Fields = Map<String, Value>;

/// Where secrets are changed.
pub struct Vault(Client);

/// A secret as it stood at one moment. Not for `Debug`: it holds the values.
pub struct Held {
    id: String,
    /// What is in force, if there is anything.
    pub current: Option<Version>,
    /// What was before, until it is retired.
    pub previous: Option<Version>,
    /// When anything of it was last changed.
    changed: Option<DateTime>,
}

/// One version of a secret.
pub struct Version {
    id: String,
    /// When it was put in.
    pub created: Option<Timestamp>,
    /// What it holds, if that is a JSON object.
    pub fields: Option<Fields>,
}

impl Vault {
    /// With the client that it is to use.
    pub fn new(client: Client) -> Self {
        Self(client)
    }

    /// What a secret holds.
    ///
    /// The versions are read by their ids, which never change what they hold: all of it is of one moment.
    pub async fn read(&self, id: &str) -> anyhow::Result<Held> {
        let answer = self.0.describe_secret().secret_id(id).send().await;
        let answer = answer.map_err(|error| explained(error, "DescribeSecret", id))?;
        let versions = answer.version_ids_to_stages.unwrap_or_default();
        let holder = |stage: &str| {
            let mut holders = versions.iter();
            let holder = holders.find(|(_, stages)| stages.iter().any(|it| it == stage));
            holder.map(|(id, _)| id.clone())
        };
        Ok(Held {
            id: id.to_owned(),
            current: self.version(id, holder(CURRENT)).await?,
            previous: self.version(id, holder(PREVIOUS)).await?,
            changed: answer.last_changed_date,
        })
    }

    async fn version(&self, id: &str, version: Option<String>) -> anyhow::Result<Option<Version>> {
        let Some(version) = version else {
            return Ok(None);
        };
        let request = self.0.get_secret_value().secret_id(id).version_id(&version);
        let answer = request.send().await;
        let answer = answer.map_err(|error| explained(error, "GetSecretValue", id))?;
        let text = answer.secret_string.unwrap_or_default();
        Ok(Some(Version {
            id: version,
            created: answer.created_date.and_then(timestamp),
            fields: serde_json::from_str(&text).ok(),
        }))
    }

    /// Puts the next version in. Fails if the secret is not as it was when it was read.
    pub async fn put(&self, held: &Held, text: String) -> anyhow::Result<()> {
        let request = self.0.put_secret_value().secret_id(&held.id);
        let request = request.client_request_token(held.next_version());
        let answer = request.secret_string(text).send().await;
        answer.map_err(|error| explained(error, "PutSecretValue", &held.id))?;
        Ok(())
    }

    /// Ends the previous version. `false` if there is none.
    pub async fn retire(&self, held: &Held) -> anyhow::Result<bool> {
        let Some(previous) = &held.previous else {
            return Ok(false);
        };
        let request = self.0.update_secret_version_stage().secret_id(&held.id);
        let request = request
            .version_stage(PREVIOUS)
            .remove_from_version_id(&previous.id);
        let answer = request.send().await;
        answer.map_err(|error| explained(error, "UpdateSecretVersionStage", &held.id))?;
        Ok(true)
    }
}

impl Held {
    /// The fields in force; none if it has no version yet.
    pub fn fields(&self) -> anyhow::Result<Fields> {
        let Some(current) = &self.current else {
            return Ok(Fields::new());
        };
        let fields = current.fields.clone();
        fields.with_context(|| {
            format!(
                "the secret {} is not a JSON object: put one in with `aws secretsmanager put-secret-value`",
                self.id
            )
        })
    }

    /// The id of the version after this. Two who change the secret at once have read the same, and mean the same version: Secrets
    /// Manager refuses the second, whose value is another. Otherwise the old credential would be pushed out unseen.
    fn next_version(&self) -> String {
        let id = |version: &Option<Version>| version.as_ref().map(|it| it.id.clone());
        let changed = self.changed.map(|it| it.as_nanos());
        let state = (id(&self.current), id(&self.previous), changed);
        hex::encode(Sha256::digest(format!("{state:?}")))
    }
}

/// Whether a field holds something.
pub fn is_set(value: &Value) -> bool {
    value.as_str().is_some_and(|text| !text.is_empty())
}

fn timestamp(time: DateTime) -> Option<Timestamp> {
    time.to_millis().ok().and_then(Timestamp::from_unix_ms)
}

/// What to do about a call that failed.
fn explained<E>(error: SdkError<E, HttpResponse>, operation: &str, id: &str) -> anyhow::Error
where
    E: ProvideErrorMetadata + Error + Send + Sync + 'static,
{
    let advice = advice(error.code(), operation, id);
    anyhow::Error::new(error).context(advice)
}

fn advice(code: Option<&str>, operation: &str, id: &str) -> String {
    let code = code.unwrap_or_default();
    match (code, operation) {
        ("AccessDeniedException", _) => format!(
            "you may not do secretsmanager:{operation} on {id}: have it allowed, or use other credentials"
        ),
        ("ResourceNotFoundException", _) => format!(
            "there is no secret {id} in this region: check the region, and deploy the stack anew if it was deleted"
        ),
        ("ResourceExistsException", _)
        | ("InvalidParameterException", "UpdateSecretVersionStage") => format!(
            "the secret {id} was changed by somebody else at the same time, and is left as it is: look with `hooks secrets status`, \
             and try again"
        ),
        ("InvalidRequestException", _) => format!(
            "the secret {id} cannot be used as it is: if it is to be deleted, restore it with `aws secretsmanager restore-secret`"
        ),
        ("DecryptionFailure" | "EncryptionFailure", _) => format!(
            "the key that encrypts {id} cannot be used: have kms:Decrypt and kms:GenerateDataKey allowed, and see that it is enabled"
        ),
        _ => format!(
            "{operation} failed on {id}: check the network, the region and the credentials, look with `hooks secrets status`, \
             and try again"
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_says_what_to_do() {
        for (code, operation, says) in [
            (
                Some("AccessDeniedException"),
                "PutSecretValue",
                "secretsmanager:PutSecretValue on arn",
            ),
            (
                Some("ResourceNotFoundException"),
                "DescribeSecret",
                "there is no secret arn",
            ),
            (
                Some("ResourceExistsException"),
                "PutSecretValue",
                "by somebody else",
            ),
            (
                Some("InvalidRequestException"),
                "GetSecretValue",
                "restore-secret",
            ),
            (Some("DecryptionFailure"), "GetSecretValue", "kms:Decrypt"),
            (Some("ThrottlingException"), "PutSecretValue", "try again"),
            (None, "DescribeSecret", "check the network"),
        ] {
            let text = advice(code, operation, "arn");
            assert!(text.contains(says), "{text}");
        }
    }

    #[test]
    fn two_who_read_the_same_mean_the_same_next_version_and_no_others_do() {
        let version = |id: &str| {
            Some(Version {
                id: id.into(),
                created: None,
                fields: None,
            })
        };
        let held = |current: &str, previous: Option<&str>, changed: i64| Held {
            id: "arn".into(),
            current: version(current),
            previous: previous.and_then(version),
            changed: Some(DateTime::from_secs(changed)),
        };
        let next = held("a", None, 1).next_version();
        assert_eq!(next, held("a", None, 1).next_version());
        for other in [
            held("b", None, 1),
            held("a", Some("b"), 1),
            held("a", None, 2),
        ] {
            assert_ne!(next, other.next_version());
        }
        // What Secrets Manager takes as a ClientRequestToken.
        assert!((32..=64).contains(&next.len()));
    }
}
