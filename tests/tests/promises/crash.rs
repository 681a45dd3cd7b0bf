//! A seeded simulation of everything going wrong: the real functions and the real worker on the local bundle, while their calls
//! to DynamoDB, SQS, S3, EventBridge, Secrets Manager and the vendors fail, hang up, lose their answers, or are the last thing
//! that a process does.
//!
//! One seed is one small story: a few deliveries of all sources ([`scenario`]), sent as their vendors send them ([`sender`]),
//! and what breaks meanwhile ([`plan`], [`dice`]). Then nothing breaks any more, time passes, and all that was accepted has to
//! be there, folded, fetched and published, as in a run that nobody disturbed ([`checks`]). What a call's fate hangs on is the
//! seed, what the call is about ([`label`]) and how often that was called, and not when: so a seed that failed fails again.
//! Several stories run side by side, each on a bundle of its own ([`lane`]).

mod checks;
mod dice;
mod label;
pub mod lane;
pub mod outage;
mod plan;
mod scenario;
mod sender;
mod settings;

use lane::Lane;
pub use settings::Settings;
use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// What came of all seeds.
#[derive(Debug, Default)]
pub struct Outcome {
    /// How many were run.
    pub runs: usize,
    /// What was broken, and how often.
    pub broken: BTreeMap<String, u64>,
    /// How many deliveries were accepted.
    pub accepted: usize,
    /// How many were sent in vain.
    pub refused: usize,
    /// By seed, what is not as it has to be.
    pub failures: BTreeMap<u64, Vec<String>>,
    /// How long it took.
    pub took: Duration,
}

/// Runs every seed.
pub async fn run(settings: &Settings) -> Outcome {
    let began = Instant::now();
    let seeds: VecDeque<u64> = settings.seeds.clone().into();
    let lanes = settings.lanes.min(seeds.len()).max(1);
    let seeds = Arc::new(Mutex::new(seeds));
    // Built before the lanes ask for them at once.
    tests::stage::binaries().await;
    let running: Vec<_> = (0..lanes)
        .map(|_| tokio::spawn(run_lane(Arc::clone(&seeds))))
        .collect();
    let mut all = Outcome::default();
    for lane in running {
        all.add(lane.await.unwrap());
    }
    all.took = began.elapsed();
    all
}

async fn run_lane(seeds: Arc<Mutex<VecDeque<u64>>>) -> Outcome {
    let lane = Lane::start().await;
    let mut outcome = Outcome::default();
    loop {
        let seed = seeds.lock().unwrap().pop_front();
        let Some(seed) = seed else { break };
        let story = lane.play(seed).await;
        outcome.runs += 1;
        outcome.accepted += story.accepted;
        outcome.refused += story.refused;
        for what in &story.broken {
            *outcome.broken.entry(what.kind.to_owned()).or_default() += 1;
        }
        if !story.problems.is_empty() {
            let mut told = story.problems;
            told.extend(story.broken.iter().map(|it| format!("  broken: {it}")));
            eprintln!("seed {seed} failed:\n  {}", told.join("\n  "));
            outcome.failures.insert(seed, told);
        }
    }
    lane.stop().await;
    outcome
}

impl Outcome {
    fn add(&mut self, other: Self) {
        self.runs += other.runs;
        self.accepted += other.accepted;
        self.refused += other.refused;
        self.failures.extend(other.failures);
        for (what, count) in other.broken {
            *self.broken.entry(what).or_default() += count;
        }
    }

    /// Whether so much went wrong that it is worth something that nothing was lost: in the mean, one fault a run.
    pub fn broke_enough(&self) -> bool {
        let faults: u64 = self.broken.values().sum();
        self.runs == 1 || faults >= self.runs as u64
    }

    /// What failed, and how to see it fail again.
    pub fn complaint(&self) -> String {
        let one = |(seed, problems): (&u64, &Vec<String>)| {
            let again = format!("CRASH_SEED={seed} cargo test -p tests promise_5 -- --nocapture");
            format!(
                "seed {seed}:\n  {}\n  again: {again}",
                problems.join("\n  ")
            )
        };
        let each: Vec<String> = self.failures.iter().map(one).collect();
        format!(
            "{} of {} seeds failed\n{}",
            each.len(),
            self.runs,
            each.join("\n")
        )
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "{} seeds in {:.0?}: {} deliveries accepted, {} sent in vain, {} seeds failed; broken:",
            self.runs,
            self.took,
            self.accepted,
            self.refused,
            self.failures.len()
        )?;
        for (what, count) in &self.broken {
            write!(formatter, " {what} {count},")?;
        }
        Ok(())
    }
}
