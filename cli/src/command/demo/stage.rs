//! The bundle on free ports, and stand-ins for the vendors' APIs.

use crate::command::local;
use crate::command::send::Sender;
use crate::command::sweep;
use crate::deployment::Deployment;
use crate::sources;
use ::local::binaries::CargoOutput;
use ::local::stand_ins::{Imocha, Jobmojito, Links, Testlify, Xobin};
use ::local::{Bundle, LogSink, Options};
use anyhow::Context;
use serde_json::json;
use shared::key::ItemKey;
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

const API_KEY: &str = "demo-api-key";
const WORKER: &str = "WorkerFunction";
const ASK_TIMES: &str = "IMOCHA_ASK_TIMES";
const LOOK_AGAIN: Duration = Duration::from_millis(300);
/// How often it is looked whether everything is settled, for three minutes: what the queue did not take comes by the sweep.
const LOOKS: usize = 600;

/// All that the demo plays on.
pub struct Stage {
    /// The bundle itself.
    pub bundle: Bundle,
    /// iMocha's stand-in.
    pub imocha: Imocha,
    /// JobMojito's stand-in.
    pub jobmojito: Jobmojito,
    _testlify: Testlify,
    /// Xobin's stand-in.
    pub xobin: Xobin,
    /// Leads the links in payloads to the stand-ins.
    pub links: Links,
    /// The bundle, as a command sees it.
    pub deployment: Deployment,
    /// One sender for each source.
    pub senders: BTreeMap<&'static str, Sender>,
}

impl Stage {
    /// Starts everything.
    pub async fn set(root: &Path) -> anyhow::Result<Self> {
        Self::set_with(root, |_| {}).await
    }

    /// The same, with a bundle that is changed.
    pub async fn set_with(root: &Path, change: fn(&mut Options)) -> anyhow::Result<Self> {
        let imocha = Imocha::start(API_KEY).await?;
        let jobmojito = Jobmojito::start(API_KEY).await?;
        let testlify = Testlify::start().await?;
        let xobin = Xobin::start(API_KEY).await?;
        let links = Links::to(&[
            ("imocha", imocha.base_url()),
            ("jobmojito", jobmojito.base_url()),
            ("testlify", testlify.base_url()),
            ("xobin", xobin.base_url()),
        ]);

        let mut options = local::options(root, CargoOutput::OnFailure).await?;
        options.log_sink = LogSink::Memory;
        let base_urls = [
            ("IMOCHA", imocha.base_url()),
            ("JOBMOJITO", jobmojito.base_url()),
            ("XOBIN", xobin.base_url()),
        ];
        let mut settings = BTreeMap::new();
        for (vendor, url) in base_urls {
            settings.insert(format!("{vendor}_API_BASE_URL"), url.to_owned());
            // Nobody is there to be spared.
            let calls = format!("{vendor}_API_CALLS_PER_MINUTE");
            settings.insert(calls, "6000".to_owned());
        }
        settings.insert(
            "TESTLIFY_REPORT_BASE_URL".to_owned(),
            format!("{}/", testlify.base_url()),
        );
        options
            .function_environment
            .insert(WORKER.to_owned(), settings);
        for secret in ["ImochaApiSecret", "JobmojitoApiSecret", "XobinApiSecret"] {
            options
                .secrets
                .insert(secret.to_owned(), json!({ "api_key": API_KEY }));
        }

        change(&mut options);
        let bundle = Bundle::start(options).await?;
        let deployment = Deployment::at(local::address(&bundle)).await?;
        let mut senders = BTreeMap::new();
        for source in sources::ALL {
            senders.insert(source.name, Sender::new(&deployment, source).await?);
        }
        imocha.call_back_to(callback_url(&deployment).await?);
        Ok(Self {
            bundle,
            imocha,
            jobmojito,
            _testlify: testlify,
            xobin,
            links,
            deployment,
            senders,
        })
    }

    /// Ends everything.
    pub async fn clear(self) {
        self.bundle.stop().await;
    }

    /// How often iMocha is asked for the same, as the template says.
    pub fn ask_times(&self) -> anyhow::Result<usize> {
        let mut functions = self.bundle.template().functions.iter();
        let worker = functions.find(|function| function.logical_id == WORKER);
        let times = worker.and_then(|worker| worker.environment.get(ASK_TIMES));
        let times = times.with_context(|| format!("the template sets no {ASK_TIMES}"))?;
        Ok(times.parse()?)
    }

    /// Lets so much time pass as far as an item's work goes, and has the worker look for what is due.
    pub async fn let_time_pass(&self, key: &ItemKey, time: Duration) -> anyhow::Result<()> {
        self.bundle.let_time_pass(&key.pk, &key.sk, time).await?;
        sweep::send(&self.deployment).await
    }

    /// Waits until no work is left, for three minutes at most. What is left then is counted: items that are marked, and messages.
    pub async fn until_settled(&self) -> anyhow::Result<u64> {
        for _ in 0..LOOKS {
            // The rest is looked for only then: looking takes time from those who do the work.
            if self.deployment.table.count_marked().await? == 0 && self.unsettled().await? == 0 {
                return Ok(0);
            }
            tokio::time::sleep(LOOK_AGAIN).await;
        }
        self.unsettled().await
    }

    async fn unsettled(&self) -> anyhow::Result<u64> {
        let table = &self.deployment.table;
        let parked = u64::try_from(table.parked().await?.len())?;
        let messages = self.deployment.messages("QueueUrl").await?
            + self.deployment.messages("DeadLetterQueueUrl").await?;
        Ok(table.count_marked().await? + parked + messages)
    }
}

async fn callback_url(deployment: &Deployment) -> anyhow::Result<String> {
    let source = sources::named("imocha")?;
    let endpoints = source.endpoints(&deployment.inbound_secret(&source).await?)?;
    let endpoint = endpoints.first().context("iMocha has one endpoint")?;
    Ok(format!("{}{}", deployment.output("ApiUrl")?, endpoint.path))
}
