//! A bundle with all vendors, and every payload that is recorded under `events/`.

use crate::quiet::until_quiet;
use crate::senders::Senders;
use crate::stage::{Stage, payload, root};
use crate::stand_ins::StandIns;
use crate::vendors::Ready;
use bytes::Bytes;
use local::faults::Faults;
use local::{Callers, Options};
use reqwest::Response;
use serde_json::Value;
use shared::key::CONFIRMATION;
use std::sync::Arc;
use std::time::Duration;

/// How often what waits is due at once.
const ROUNDS: usize = 10;
/// After so many of them, a day is over.
const ROUNDS_OF_A_DAY: usize = 4;
const MORE_THAN_A_DAY: Duration = Duration::from_hours(25);

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
    /// Those who stand in.
    pub vendors: StandIns,
    senders: Senders,
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
        Self::assemble(None, change).await
    }

    /// The same where these break the calls of the bundle's functions: of the engines, and of the vendors, links among them.
    pub async fn among(faults: Arc<dyn Faults>, change: impl FnOnce(&mut Options)) -> Self {
        Self::assemble(Some(faults), change).await
    }

    async fn assemble(faults: Option<Arc<dyn Faults>>, change: impl FnOnce(&mut Options)) -> Self {
        let callers = Callers::default();
        let vendors = StandIns::start(faults.as_ref(), &callers).await;
        let stage = Stage::with(|options| {
            vendors.equip(options);
            options.faults = faults;
            options.callers = callers;
            change(options);
        })
        .await;
        Self {
            senders: Senders::of(&stage).await,
            stage,
            vendors,
        }
    }

    /// The payload with links that lead to the stand-ins.
    #[must_use]
    pub fn led(&self, body: &[u8]) -> Bytes {
        self.vendors.links.lead(body).into()
    }

    /// Has the vendors' APIs say what this callback says.
    pub fn remember(&self, source: &str, body: &Bytes) {
        let Ok(said) = serde_json::from_slice::<Value>(body) else {
            return;
        };
        if source == "imocha"
            && let Some(id) = said["TestInvitationId"].as_i64()
        {
            self.vendors.imocha.remember(id, body.to_vec());
        }
        if source == "jobmojito"
            && let Some(id) = said["id"].as_str()
        {
            self.vendors.jobmojito.remember(id, said.clone());
        }
    }

    /// Works off the queue and iMocha's callbacks, and lets the time pass that work waits for, until nothing is left to do: at last
    /// more than a day, for which vendors are asked for results that they do not know.
    ///
    /// # Panics
    ///
    /// However much time passes, something is left.
    pub async fn let_everything_happen(&self) {
        for round in 0..ROUNDS {
            until_quiet(&self.stage, Some(&self.vendors.imocha))
                .await
                .unwrap();
            if self.stage.marked().await.is_empty() {
                return;
            }
            if round >= ROUNDS_OF_A_DAY {
                self.let_a_day_pass_for_confirmations().await;
            }
            self.stage.let_time_pass().await;
            self.stage.sweep().await;
        }
        until_quiet(&self.stage, Some(&self.vendors.imocha))
            .await
            .unwrap();
        let left = self.stage.marked().await;
        let left: Vec<String> = left.iter().map(ToString::to_string).collect();
        assert!(left.is_empty(), "left to do: {}", left.join(", "));
    }

    async fn let_a_day_pass_for_confirmations(&self) {
        let marked = self.stage.marked().await.into_iter();
        for key in marked.filter(|key| key.sk == CONFIRMATION) {
            let bundle = &self.stage.bundle;
            let passed = bundle.let_time_pass(&key.pk, &key.sk, MORE_THAN_A_DAY);
            passed.await.unwrap();
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
        let sent = self.stage.clock.now();
        self.senders.ready(sent, source, version, id, body)
    }
}
