//! The vendors' ends of the line: their credentials, read once, and calls as each of them makes them.

use bytes::Bytes;
use imocha_webhook::Imocha;
use jobmojito_webhook::Jobmojito;
use serde_json::Value;
use shared::caller::{Caller, Delivery};
use shared::secrets::{SecretReader, SecretsManager, Stage as SecretStage};
use shared::source::Source;
use shared::timestamp::Timestamp;
use testlify_webhook::Testlify;
use tests::stage::{Stage, eventually};
use tests::vendors::{Ready, secret};
use xobin_webhook::Xobin;

/// What the vendors show, read once.
pub struct Senders {
    imocha: <Imocha as Source>::Credentials,
    jobmojito: <Jobmojito as Source>::Credentials,
    testlify: <Testlify as Source>::Credentials,
    xobin: <Xobin as Source>::Credentials,
}

impl Senders {
    /// What they were given to call this bundle with.
    pub async fn of(stage: &Stage) -> Self {
        Self {
            imocha: of::<Imocha>(stage).await,
            jobmojito: of::<Jobmojito>(stage).await,
            testlify: of::<Testlify>(stage).await,
            xobin: of::<Xobin>(stage).await,
        }
    }

    /// The call that the vendor would make.
    pub fn ready(
        &self,
        sent: Timestamp,
        source: &str,
        version: &str,
        id: &str,
        body: Bytes,
    ) -> Ready {
        let delivery = Delivery {
            version,
            body: &body,
            sent,
            id,
        };
        let call = match source {
            "imocha" => Imocha::call(&self.imocha, delivery),
            "jobmojito" => Jobmojito::call(&self.jobmojito, delivery),
            "testlify" => Testlify::call(&self.testlify, delivery),
            "xobin" => Xobin::call(&self.xobin, delivery),
            other => panic!("{other} is no source"),
        };
        let call = call.unwrap();
        Ready {
            path: call.path,
            headers: call.headers.into_iter().collect(),
            body,
        }
    }
}

async fn of<S: Caller>(stage: &Stage) -> S::Credentials {
    serde_json::from_value(secret_value(stage, &secret::<S>()).await).unwrap()
}

/// A secret of the template as it stands, however slow the machine is.
pub async fn secret_value(stage: &Stage, logical_id: &str) -> Value {
    let sdk = shared::aws::load_local(stage.bundle.endpoint_url()).await;
    let secrets = SecretsManager::new(shared::aws::secrets_manager(&sdk));
    let id = stage.bundle.secret_id(logical_id).unwrap();
    let text = eventually("a secret is read", || async {
        let read = secrets.read(&id, SecretStage::Current).await;
        read.ok().flatten()
    })
    .await;
    serde_json::from_str(&text).unwrap()
}
