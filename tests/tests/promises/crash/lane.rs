//! A bundle on which stories are played one after the other, its twin that nobody disturbs, and the vendors of both.

mod spoilt;
mod suffer;

pub use spoilt::Spoilt;

use super::checks;
use super::dice::Dice;
use super::errands::Errands;
use super::plan::{Broken, Plan};
use super::scenario::{self, Delivery};
use super::sender::Senders;
use super::{patience, time};
use futures_util::FutureExt;
use futures_util::future::{join, join_all};
use local::faults::Faults;
use local::{Callers, Options};
use serde_json::json;
use shared::key::EventId;
use std::any::Any;
use std::collections::BTreeSet;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use tests::inbox::Inbox;
use tests::quiet::until_quiet;
use tests::stage::Stage;
use tests::stand_ins::StandIns;

/// The key that people are hashed with: the same everywhere, so that attempts are called the same.
pub const HASH_KEY: &str = "the-same-for-all-bundles-of-the-simulation";

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
    pub vendors: StandIns,
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
        let faults: Arc<dyn Faults> = plan.clone();
        let vendors = StandIns::start(Some(&faults), &callers).await;
        let equip = |options: &mut Options| {
            vendors.equip(options);
            let key = json!({ "key": HASH_KEY });
            options.secrets.insert("HashKeySecret".into(), key);
        };
        let stage = Stage::with(|options| {
            equip(options);
            options.faults = Some(faults);
            options.callers = callers;
        })
        .await;
        let twin = Stage::with(equip).await;
        Inbox::of_all_changes(&stage).await;
        let senders = Senders::of(&stage).await;
        vendors.imocha.call_back_to(senders.imocha_url(&stage));
        Self {
            senders,
            twin_senders: Senders::of(&twin).await,
            stage,
            twin,
            plan,
            vendors,
        }
    }

    /// Ends everything.
    pub async fn stop(self) {
        self.stage.bundle.stop().await;
        self.twin.bundle.stop().await;
    }

    /// Plays a seed, and looks at what came of it. A test that panics is a problem like others.
    pub async fn play(&self, seed: u64) -> Story {
        let deliveries = scenario::of(seed, &self.vendors);
        let mut story = Story::default();
        let act = async {
            let errands = Errands::of(seed, &deliveries, &self.vendors.imocha, &self.stage).await;
            self.act(seed, &deliveries, &errands, &mut story).await;
        };
        let played = AssertUnwindSafe(act).catch_unwind();
        if let Err(panic) = played.await {
            story.broken.extend(self.plan.end());
            story.problems.push(format!("panicked: {}", words(&*panic)));
        }
        story
    }

    async fn act(&self, seed: u64, deliveries: &[Delivery], errands: &Errands, story: &mut Story) {
        if Dice::of(seed).starts_cold() {
            self.forget_secrets().await;
        }
        let registrations = self.vendors.xobin.registrations();
        self.plan.begin(seed);
        let send = |delivery| self.senders.send(&self.stage, delivery);
        let sent = join_all(deliveries.iter().map(send));
        let (sent, ()) = join(sent, errands.early(&self.stage)).await;
        let taken = deliveries.iter().zip(&sent);
        let ended: BTreeSet<i64> = taken
            .filter_map(|(delivery, id)| delivery.ends.filter(|_| id.is_some()))
            .collect();
        errands.late(&self.stage, &ended).await;
        story.problems.extend(self.disturbed_sweeps().await.err());
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
        story.problems.extend(self.settle(&self.stage).await.err());
        let ran = checks::Ran {
            errands,
            asked: errands.asked(&ended),
            registrations: self.vendors.xobin.registrations() - registrations,
            broken: &story.broken,
        };
        checks::all(self, deliveries, &accepted, Some(&ran), &mut story.problems).await;
        self.lose_all_messages().await;
    }

    /// Sweeps are disturbed like everything else.
    async fn disturbed_sweeps(&self) -> Result<(), String> {
        for _ in 0..2 {
            self.until_quiet().await?;
            time::pass(&self.stage).await;
            self.stage.sweep().await;
        }
        self.until_quiet().await
    }

    /// Lets messages and sweeps run until nothing is left to do.
    pub async fn settle(&self, stage: &Stage) -> Result<(), String> {
        patience::settle(stage, &self.vendors.imocha).await
    }

    async fn until_quiet(&self) -> Result<(), String> {
        until_quiet(&self.stage, Some(&self.vendors.imocha)).await
    }

    /// Processes that live remember theirs.
    async fn forget_secrets(&self) {
        for function in self.stage.bundle.functions() {
            self.stage.bundle.kill(&function.logical_id).await.unwrap();
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

fn words(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or(panic.downcast_ref::<&str>().copied())
        .unwrap_or("without words")
}
