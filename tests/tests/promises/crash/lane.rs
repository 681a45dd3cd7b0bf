//! A bundle on which stories are played one after the other, its twin that nobody disturbs, and the vendors of both.

use super::checks;
use super::outage::{Dependency, Outage};
use super::plan::{Broken, Plan};
use super::scenario::{self, Delivery};
use super::sender::{self, Senders};
use futures_util::FutureExt;
use futures_util::future::join_all;
use http::StatusCode;
use local::engine::Service;
use local::faults::Faults;
use local::stand_ins::{Gate, Imocha, Jobmojito, Links, Testlify, Xobin};
use local::{Callers, Options};
use reqwest::Response;
use serde_json::json;
use shared::key::EventId;
use std::any::Any;
use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;
use tests::inbox::Inbox;
use tests::stage::Stage;

/// The key that people are hashed with: the same everywhere, so that attempts are called the same.
pub const HASH_KEY: &str = "the-same-for-all-bundles-of-the-simulation";
const API_KEY: &str = "key";
/// How often a delivery is sent again that is not answered as is expected.
const MOST_TRIES: usize = 5;
/// No seed is as large.
const FIRST_OUTAGE: u64 = 9_000_000;
/// After that, what is not settled never will be. Less than what parks an item.
const MOST_ROUNDS: usize = 16;
const LOOK_AGAIN: Duration = Duration::from_millis(60);
/// How many looks, six seconds' worth, a message may be in the queue before time passes nevertheless: one that fails five
/// times takes as long.
const MOST_LOOKS: usize = 100;

/// All that a story is played on.
pub struct Lane {
    /// The bundle that is broken.
    pub stage: Stage,
    /// The one that is not.
    pub twin: Stage,
    /// Who sends to the one.
    pub senders: Senders,
    /// Who sends to the other.
    pub twin_senders: Senders,
    plan: Arc<Plan>,
    links: Links,
    imocha: Imocha,
    jobmojito: Jobmojito,
    _others: (Testlify, Xobin),
    _gates: [Gate; 4],
}

/// What came of an outage.
#[derive(Debug)]
pub struct Suffered {
    /// What each delivery was answered while it lasted.
    pub answers: Vec<StatusCode>,
    /// How many calls met it.
    pub felt: usize,
    pub problems: Vec<String>,
}

/// What came of a seed.
#[derive(Debug, Default)]
pub struct Story {
    pub accepted: usize,
    pub refused: usize,
    pub broken: Vec<Broken>,
    pub problems: Vec<String>,
}

impl Lane {
    /// Starts everything.
    pub async fn start() -> Self {
        let (plan, callers) = (Arc::<Plan>::default(), Callers::default());
        let imocha = Imocha::start(API_KEY).await.unwrap();
        let jobmojito = Jobmojito::start(API_KEY).await.unwrap();
        let testlify = Testlify::start().await.unwrap();
        let xobin = Xobin::start(API_KEY).await.unwrap();
        let gate = async |vendor, url: &str| {
            let faults: Arc<dyn Faults> = plan.clone();
            Gate::before(vendor, url, faults, callers.clone())
                .await
                .unwrap()
        };
        let gates = [
            gate("imocha", imocha.base_url()).await,
            gate("jobmojito", jobmojito.base_url()).await,
            gate("testlify", testlify.base_url()).await,
            gate("xobin", xobin.base_url()).await,
        ];
        let [first, second, third, fourth] = gates.each_ref().map(Gate::base_url);
        let links = Links::to(&[
            ("imocha", first),
            ("jobmojito", second),
            ("testlify", third),
            ("xobin", fourth),
        ]);
        let stage = Stage::with(|options| {
            equip(options, &gates);
            options.faults = Some(plan.clone());
            options.callers = callers;
        })
        .await;
        let twin = Stage::with(|options| equip(options, &gates)).await;
        Inbox::of_all_changes(&stage).await;
        Self {
            senders: Senders::of(&stage).await,
            twin_senders: Senders::of(&twin).await,
            stage,
            twin,
            plan,
            links,
            imocha,
            jobmojito,
            _others: (testlify, xobin),
            _gates: gates,
        }
    }

    /// Ends everything.
    pub async fn stop(self) {
        self.stage.bundle.stop().await;
        self.twin.bundle.stop().await;
    }

    /// Plays a seed, and looks at what came of it. A test that panics is a problem like others.
    pub async fn play(&self, seed: u64) -> Story {
        let deliveries = scenario::of(seed, &self.links, &self.imocha, &self.jobmojito);
        let mut story = Story::default();
        let played = AssertUnwindSafe(self.act(seed, &deliveries, &mut story)).catch_unwind();
        if let Err(panic) = played.await {
            story.broken.extend(self.plan.end());
            story.problems.push(format!("panicked: {}", words(&*panic)));
        }
        story
    }

    /// Sends a flow of each source while something is down, lets so many minutes pass, and has it mended; then whoever was told
    /// to come back does. What is `expected` is waited for, since a machine that is busy with other things answers 503 as well.
    pub async fn suffer(
        &self,
        number: u64,
        outage: Outage,
        minutes: usize,
        expected: StatusCode,
    ) -> Suffered {
        let deliveries = scenario::of_each(
            FIRST_OUTAGE + number,
            &self.links,
            &self.imocha,
            &self.jobmojito,
        );
        if outage.of == Dependency::Aws(Service::SecretsManager) {
            // Those that live remember theirs.
            for function in self.stage.bundle.functions() {
                self.stage.bundle.kill(&function.logical_id).await.unwrap();
            }
        }
        self.plan.begin_outage(outage);
        let post = |delivery| self.post_until(delivery, expected);
        let answers = join_all(deliveries.iter().map(post)).await;
        let mut suffered = Suffered {
            answers: answers.iter().map(Response::status).collect(),
            felt: 0,
            problems: Vec::new(),
        };
        // Until what follows from them was tried.
        self.until_quiet(&self.stage).await;
        for _ in 0..minutes {
            self.stage.let_time_pass().await;
            self.stage.sweep().await;
            self.until_quiet(&self.stage).await;
        }
        suffered.felt = self.plan.end_outage();
        let mut accepted = Vec::new();
        for (delivery, answer) in deliveries.iter().zip(answers) {
            let answer = if answer.status().is_success() {
                answer
            } else {
                self.post_until(delivery, StatusCode::ACCEPTED).await
            };
            accepted.push((delivery, sender::event_id(answer).await));
        }
        if let Err(problem) = self.settle(&self.stage).await {
            suffered.problems.push(problem);
        }
        checks::all(self, &deliveries, &accepted, &mut suffered.problems).await;
        self.lose_all_messages().await;
        suffered
    }

    async fn post_until(&self, delivery: &Delivery, expected: StatusCode) -> Response {
        let mut answer = self.senders.post(&self.stage, delivery).await;
        for _ in 0..MOST_TRIES {
            if answer.status() == expected {
                break;
            }
            answer = self.senders.post(&self.stage, delivery).await;
        }
        answer
    }

    async fn act(&self, seed: u64, deliveries: &[Delivery], story: &mut Story) {
        self.plan.begin(seed);
        let sent = join_all(
            deliveries
                .iter()
                .map(|it| self.senders.send(&self.stage, it)),
        )
        .await;
        // Sweeps are disturbed like everything else.
        for _ in 0..2 {
            self.until_quiet(&self.stage).await;
            self.stage.let_time_pass().await;
            self.stage.sweep().await;
        }
        self.until_quiet(&self.stage).await;
        story.broken = self.plan.end();
        if seed.is_multiple_of(2) {
            self.lose_all_messages().await;
        }
        story.accepted = sent.iter().flatten().count();
        story.refused = sent.len() - story.accepted;
        let accepted: Vec<(&Delivery, EventId)> = deliveries
            .iter()
            .zip(sent)
            .filter_map(|(delivery, id)| Some((delivery, id?)))
            .collect();
        if let Err(problem) = self.settle(&self.stage).await {
            story.problems.push(problem);
        }
        checks::all(self, deliveries, &accepted, &mut story.problems).await;
        self.lose_all_messages().await;
    }

    /// Lets messages and sweeps run until nothing is left to do.
    pub async fn settle(&self, stage: &Stage) -> Result<(), String> {
        for _ in 0..MOST_ROUNDS {
            self.until_quiet(stage).await;
            if stage.table.count_marked().await.unwrap() == 0 {
                return Ok(());
            }
            stage.let_time_pass().await;
            stage.sweep().await;
        }
        let left = stage.marked().await;
        let left: Vec<String> = left.iter().map(ToString::to_string).collect();
        Err(format!(
            "not settled after {MOST_ROUNDS} sweeps: {}",
            left.join(", ")
        ))
    }

    /// Waits until the queue was empty at two looks.
    async fn until_quiet(&self, stage: &Stage) {
        let mut quiet = 0;
        for _ in 0..MOST_LOOKS {
            let messages = stage.messages(stage.bundle.queue_url()).await;
            quiet = if messages == 0 { quiet + 1 } else { 0 };
            if quiet >= 3 {
                return;
            }
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    }

    /// The table is the to-do list: the queue may lose everything.
    async fn lose_all_messages(&self) {
        let bundle = &self.stage.bundle;
        for url in [bundle.queue_url(), bundle.dead_letter_queue_url()] {
            let purge = self.stage.sqs.purge_queue().queue_url(url);
            purge.send().await.unwrap();
        }
    }
}

/// With vendors behind the gates, and secrets that are the same in each bundle.
fn equip(options: &mut Options, gates: &[Gate; 4]) {
    let [imocha, jobmojito, testlify, xobin] = gates.each_ref().map(Gate::base_url);
    let mut settings = BTreeMap::new();
    for (vendor, url) in [
        ("IMOCHA", imocha),
        ("JOBMOJITO", jobmojito),
        ("XOBIN", xobin),
    ] {
        settings.insert(format!("{vendor}_API_BASE_URL"), url.to_owned());
        // Nobody is there to be spared.
        settings.insert(format!("{vendor}_API_CALLS_PER_MINUTE"), "6000".to_owned());
    }
    settings.insert(
        "TESTLIFY_REPORT_BASE_URL".to_owned(),
        format!("{testlify}/"),
    );
    options
        .function_environment
        .insert("WorkerFunction".to_owned(), settings);
    for secret in ["ImochaApiSecret", "JobmojitoApiSecret", "XobinApiSecret"] {
        options
            .secrets
            .insert(secret.to_owned(), json!({ "api_key": API_KEY }));
    }
    options
        .secrets
        .insert("HashKeySecret".to_owned(), json!({ "key": HASH_KEY }));
}

fn words(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or(panic.downcast_ref::<&str>().copied())
        .unwrap_or("without words")
}
