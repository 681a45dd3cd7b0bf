//! A small Secrets Manager: the operations that the project uses, with AWS's rules for stages.
//!
//! It is our own because the rotation of a secret rests on `AWSPREVIOUS` being right, and on a third version
//! taking it away from the first. It encrypts nothing: these are the secrets of a test.

mod error;
mod request;
mod secret;
mod vault;

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use http::{Response, StatusCode};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::clock;
use crate::engine::{EngineError, answer, failure};
pub(crate) use error::SecretsError;
use vault::Vault;

/// The vault and the file that it is kept in.
#[derive(Debug)]
pub(crate) struct Secrets {
    vault: Mutex<Vault>,
    file: Option<PathBuf>,
}

impl Secrets {
    /// Reads the vault in `data_directory`, or starts an empty one in memory.
    pub(crate) fn open(data_directory: Option<&Path>) -> Result<Self, EngineError> {
        let file = data_directory.map(|directory| directory.join("secrets.json"));
        let vault = match &file {
            Some(file) if file.exists() => read(file).map_err(|reason| EngineError::Start {
                service: "Secrets Manager",
                reason,
            })?,
            _ => Vault::default(),
        };
        Ok(Self {
            vault: Mutex::new(vault),
            file,
        })
    }

    /// Does one operation.
    pub(crate) fn handle(&self, operation: &str, body: &Bytes) -> Response<Bytes> {
        match self.perform(operation, body) {
            Ok(output) => answer(StatusCode::OK, &output),
            Err(error) => failure(error.status(), error.kind(), &error.to_string()),
        }
    }

    fn perform(&self, operation: &str, body: &Bytes) -> Result<Value, SecretsError> {
        let mut vault = self.vault.lock().unwrap_or_else(PoisonError::into_inner);
        let now = clock::now();
        let output = match operation {
            "GetSecretValue" => return vault.value(&input(body)?),
            "DescribeSecret" => return vault.describe(&input::<SecretId>(body)?.secret_id),
            "ListSecrets" => return Ok(vault.list()),
            "CreateSecret" => vault.create(input(body)?, now),
            "PutSecretValue" => vault.put(input(body)?, now),
            "UpdateSecretVersionStage" => vault.move_stage(&input(body)?),
            _ => Err(SecretsError::UnknownOperation),
        }?;
        self.save(&vault)?;
        Ok(output)
    }

    fn save(&self, vault: &Vault) -> Result<(), SecretsError> {
        let Some(file) = &self.file else {
            return Ok(());
        };
        write(file, vault).map_err(|error| SecretsError::NotSaved(error.to_string()))
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct SecretId {
    secret_id: String,
}

fn input<T: DeserializeOwned>(body: &Bytes) -> Result<T, SecretsError> {
    serde_json::from_slice(body).map_err(|error| SecretsError::Unreadable(error.to_string()))
}

fn read(file: &Path) -> Result<Vault, String> {
    let text = std::fs::read(file).map_err(|error| error.to_string())?;
    serde_json::from_slice(&text).map_err(|error| format!("{}: {error}", file.display()))
}

/// Beside the file and then in its place: a process that is killed here leaves the old one.
fn write(file: &Path, vault: &Vault) -> std::io::Result<()> {
    use std::os::unix::fs::OpenOptionsExt as _;

    let beside = file.with_extension("json.new");
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(0o600);
    let mut opened = options.open(&beside)?;
    opened.write_all(&serde_json::to_vec_pretty(vault)?)?;
    opened.sync_all()?;
    std::fs::rename(beside, file)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn call(secrets: &Secrets, operation: &str, input: &Value) -> (u16, Value) {
        let response = secrets.handle(operation, &Bytes::from(input.to_string()));
        let status = response.status().as_u16();
        (status, serde_json::from_slice(response.body()).unwrap())
    }

    #[test]
    fn errors_have_a_type_that_sdks_understand() {
        let secrets = Secrets::open(None).unwrap();
        let (status, body) = call(&secrets, "GetSecretValue", &json!({ "SecretId": "absent" }));
        assert_eq!(status, 400);
        assert_eq!(
            body.get("__type"),
            Some(&json!("ResourceNotFoundException"))
        );
        let (_, body) = call(&secrets, "RotateSecret", &json!({ "SecretId": "absent" }));
        assert_eq!(
            body.get("__type"),
            Some(&json!("UnknownOperationException"))
        );
        let (_, body) = call(&secrets, "GetSecretValue", &json!({}));
        assert_eq!(
            body.get("__type"),
            Some(&json!("InvalidParameterException"))
        );
    }

    #[test]
    fn what_is_kept_on_disk_is_there_again() {
        let directory = tempfile::tempdir().unwrap();
        let create = json!({ "Name": "kept", "SecretString": "text" });
        {
            let secrets = Secrets::open(Some(directory.path())).unwrap();
            assert_eq!(call(&secrets, "CreateSecret", &create).0, 200);
        }
        let secrets = Secrets::open(Some(directory.path())).unwrap();
        let (_, body) = call(&secrets, "GetSecretValue", &json!({ "SecretId": "kept" }));
        assert_eq!(body.get("SecretString"), Some(&json!("text")));
        assert_eq!(call(&secrets, "CreateSecret", &create).0, 400);
    }
}
