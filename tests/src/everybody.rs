//! A bundle with all vendors, and every payload that is recorded under `events/`.

use crate::stage::{Stage, eventually, payload, root};
use crate::vendors::{Ready, secret};
use bytes::Bytes;
use imocha_webhook::Imocha;
use jobmojito_webhook::Jobmojito;
use local::Options;
use local::stand_ins::{self, Links};
use reqwest::Response;
use serde_json::{Value, json};
use shared::caller::{Caller, Delivery};
use shared::secrets::{SecretReader, SecretsManager, Stage as SecretStage};
use shared::source::Source;
use std::collections::BTreeMap;
use testlify_webhook::Testlify;
use xobin_webhook::Xobin;

/// The key of the vendors' APIs.
pub const API_KEY: &str = "an-api-key-of-the-vendors";

/// How often what waits is due at once.
const ROUNDS: usize = 10;

/// A recorded payload.
pub struct Recorded {
    /// Whose.
    pub source: &'static str,
    /// Which of the source's ways in it takes.
    pub version: String,
    /// Its file, below `events/`.
    pub name: String,
    /// The exact bytes.
    pub body: Bytes,
}

/// The bundle, and who stands in for the vendors.
pub struct Everybody {
    /// The bundle.
    pub stage: Stage,
    /// iMocha's API.
    pub imocha: stand_ins::Imocha,
    /// JobMojito's API.
    pub jobmojito: stand_ins::Jobmojito,
    /// Where the links in payloads lead.
    pub links: Links,
    credentials: Credentials,
    _others: (stand_ins::Testlify, stand_ins::Xobin),
}

/// All payloads, in the order of their names.
#[must_use]
pub fn recorded() -> Vec<Recorded> {
    let mut all = Vec::new();
    for source in ["imocha", "jobmojito", "testlify", "xobin"] {
        let files = std::fs::read_dir(root().join("events").join(source)).unwrap();
        for file in files {
            let name = file.unwrap().file_name().into_string().unwrap();
            if name.ends_with(".apigw.json") {
                continue;
            }
            let name = format!("{source}/{name}");
            all.push(Recorded {
                version: version(source, &name),
                body: payload(&name),
                source,
                name,
            });
        }
    }
    all.sort_by(|a, b| a.name.cmp(&b.name));
    all
}

/// Where a source has several ways in, the file's name begins with the way.
fn version(source: &str, name: &str) -> String {
    let file = name.rsplit('/').next().unwrap();
    let first = file.split(['-', '.']).next().unwrap();
    match source {
        "testlify" | "xobin" => first.to_owned(),
        _ => String::new(),
    }
}

impl Everybody {
    /// Starts everything.
    pub async fn start(change: impl FnOnce(&mut Options)) -> Self {
        let imocha = stand_ins::Imocha::start(API_KEY).await.unwrap();
        let jobmojito = stand_ins::Jobmojito::start(API_KEY).await.unwrap();
        let testlify = stand_ins::Testlify::start().await.unwrap();
        let xobin = stand_ins::Xobin::start(API_KEY).await.unwrap();
        let links = Links::to(&[
            ("imocha", imocha.base_url()),
            ("jobmojito", jobmojito.base_url()),
            ("testlify", testlify.base_url()),
            ("xobin", xobin.base_url()),
        ]);
        let settings = [
            ("IMOCHA_API_BASE_URL", imocha.base_url().to_owned()),
            ("JOBMOJITO_API_BASE_URL", jobmojito.base_url().to_owned()),
            ("XOBIN_API_BASE_URL", xobin.base_url().to_owned()),
            ("IMOCHA_API_CALLS_PER_MINUTE", "6000".to_owned()),
            ("JOBMOJITO_API_CALLS_PER_MINUTE", "6000".to_owned()),
            ("XOBIN_API_CALLS_PER_MINUTE", "6000".to_owned()),
            (
                "TESTLIFY_REPORT_BASE_URL",
                format!("{}/", testlify.base_url()),
            ),
        ];
        let settings = settings.map(|(name, value)| (name.to_owned(), value));
        let stage = Stage::with(|options| {
            options
                .function_environment
                .insert("WorkerFunction".into(), BTreeMap::from(settings));
            for secret in ["ImochaApiSecret", "JobmojitoApiSecret", "XobinApiSecret"] {
                let key = json!({ "api_key": API_KEY });
                options.secrets.insert(secret.into(), key);
            }
            change(options);
        })
        .await;
        Self {
            credentials: Credentials::of(&stage).await,
            stage,
            imocha,
            jobmojito,
            links,
            _others: (testlify, xobin),
        }
    }

    /// The payload with links that lead to the stand-ins.
    #[must_use]
    pub fn led(&self, body: &[u8]) -> Bytes {
        self.links.lead(body).into()
    }

    /// Has the vendors' APIs say what this callback says.
    pub fn remember(&self, source: &str, body: &Bytes) {
        let Ok(said) = serde_json::from_slice::<Value>(body) else {
            return;
        };
        if source == "imocha"
            && let Some(id) = said["TestInvitationId"].as_i64()
        {
            self.imocha.remember(id, body.to_vec());
        }
        if source == "jobmojito"
            && let Some(id) = said["id"].as_str()
        {
            self.jobmojito.remember(id, said.clone());
        }
    }

    /// Works off the queue, and lets the time pass that work waits for, until nothing is left to do or it has waited long enough.
    pub async fn let_everything_happen(&self) {
        for _ in 0..ROUNDS {
            eventually("the queue is worked off", || async {
                let messages = self.stage.messages(self.stage.bundle.queue_url());
                (messages.await == 0).then_some(())
            })
            .await;
            if self.stage.marked().await.is_empty() {
                return;
            }
            self.stage.let_time_pass().await;
            self.stage.sweep().await;
        }
    }

    /// Posts a body as its vendor would.
    pub async fn deliver(
        &self,
        source: &str,
        version: &str,
        id: &str,
        body: impl Into<Bytes>,
    ) -> Response {
        let call = self.ready(source, version, id, body.into());
        call.post(&self.stage).await
    }

    /// The call that the vendor would make.
    #[must_use]
    pub fn ready(&self, source: &str, version: &str, id: &str, body: Bytes) -> Ready {
        let delivery = Delivery {
            version,
            body: &body,
            sent: self.stage.clock.now(),
            id,
        };
        let known = &self.credentials;
        let call = match source {
            "imocha" => Imocha::call(&known.imocha, delivery),
            "jobmojito" => Jobmojito::call(&known.jobmojito, delivery),
            "testlify" => Testlify::call(&known.testlify, delivery),
            "xobin" => Xobin::call(&known.xobin, delivery),
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

/// What the vendors show, read once.
struct Credentials {
    imocha: <Imocha as Source>::Credentials,
    jobmojito: <Jobmojito as Source>::Credentials,
    testlify: <Testlify as Source>::Credentials,
    xobin: <Xobin as Source>::Credentials,
}

impl Credentials {
    async fn of(stage: &Stage) -> Self {
        Self {
            imocha: of::<Imocha>(stage).await,
            jobmojito: of::<Jobmojito>(stage).await,
            testlify: of::<Testlify>(stage).await,
            xobin: of::<Xobin>(stage).await,
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
