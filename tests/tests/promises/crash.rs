//! A seeded simulation of everything going wrong: the real functions and the real worker on the local bundle, while their calls
//! to DynamoDB, SQS, S3, EventBridge, Secrets Manager and the vendors fail, hang up, lose their answers, or are the last thing
//! that a process does.
//!
//! One seed is one small story: a few deliveries of all sources ([`scenario`]), sent as their vendors send them ([`sender`]),
//! and what breaks meanwhile ([`plan`], [`dice`]). Then nothing breaks any more, time passes, and all that was accepted has to
//! be there, folded, fetched and published, as in a run that nobody disturbed ([`checks`]). What a call's fate hangs on is the
//! seed, what the call is about ([`label`]) and how often that was called, and not when: so a seed that failed fails again.
//! Meanwhile an operator asks iMocha again, reconciles and registers ([`errands`]). Several stories run side by side, each on a
//! bundle of its own ([`lane`]); how long they take is the machine's business ([`patience`], [`tests::quiet`]). [`tally`] sees that everything was
//! broken in every way.

pub mod callee;
mod checks;
mod dice;
mod errands;
mod label;
pub mod lane;
pub mod outage;
mod patience;
mod plan;
mod scenario;
mod sender;
mod settings;
mod tally;
mod time;

use lane::{Lane, Story};
pub use settings::Settings;
use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tally::Tally;

/// A bundle is as good as new for so many stories, if none fails, and keeps what they leave.
const STORIES_PER_LANE: usize = 25;

/// What came of all seeds.
#[derive(Debug, Default)]
pub struct Outcome {
    /// How many were run.
    pub runs: usize,
    /// What was broken, and how often.
    pub broken: Tally,
    /// How many deliveries were accepted.
    pub accepted: usize,
    /// How many were sent in vain.
    pub refused: usize,
    /// By seed, what is not as it has to be.
    pub failures: BTreeMap<u64, Vec<String>>,
    /// How long it took.
    pub took: Duration,
}

/// What the lanes share.
struct Course {
    left: Mutex<VecDeque<u64>>,
    all: usize,
    began: Instant,
    so_far: Mutex<Outcome>,
}

/// Runs every seed.
pub async fn run(settings: &Settings) -> Outcome {
    let course = Arc::new(Course {
        left: Mutex::new(settings.seeds.clone().into()),
        all: settings.seeds.len(),
        began: Instant::now(),
        so_far: Mutex::default(),
    });
    let lanes = settings.lanes.min(course.all).max(1);
    // Built before the lanes ask for them at once.
    tests::stage::binaries().await;
    let running: Vec<_> = (0..lanes)
        .map(|_| tokio::spawn(run_lane(Arc::clone(&course))))
        .collect();
    for lane in running {
        lane.await.unwrap();
    }
    let mut outcome = std::mem::take(&mut *course.so_far.lock().unwrap());
    outcome.took = course.began.elapsed();
    outcome
}

async fn run_lane(course: Arc<Course>) {
    while course.is_going_on() {
        let lane = Lane::start().await;
        for _ in 0..STORIES_PER_LANE {
            let Some(seed) = course.next() else { break };
            let story = lane.play(seed).await;
            let is_as_good_as_new = story.problems.is_empty();
            course.note(seed, story);
            // What a story that failed has left would fail the next.
            if !is_as_good_as_new {
                break;
            }
        }
        lane.stop().await;
    }
}

impl Course {
    fn is_going_on(&self) -> bool {
        !self.left.lock().unwrap().is_empty()
    }

    fn next(&self) -> Option<u64> {
        self.left.lock().unwrap().pop_front()
    }

    fn note(&self, seed: u64, story: Story) {
        let mut so_far = self.so_far.lock().unwrap();
        so_far.add(seed, story);
        if so_far.runs.is_multiple_of(step(self.all)) && so_far.runs < self.all {
            println!(
                "{} of {} seeds in {:.0?}, {} failed",
                so_far.runs,
                self.all,
                self.began.elapsed(),
                so_far.failures.len()
            );
        }
    }
}

/// After how many seeds whoever watches is told how far it is.
fn step(all: usize) -> usize {
    (all / 40).max(10)
}

impl Outcome {
    fn add(&mut self, seed: u64, story: Story) {
        self.runs += 1;
        self.accepted += story.accepted;
        self.refused += story.refused;
        self.broken.add(&story.broken);
        if !story.problems.is_empty() {
            let mut told = story.problems;
            told.extend(story.broken.iter().map(|it| format!("  broken: {it}")));
            eprintln!("seed {seed} failed:\n  {}", told.join("\n  "));
            self.failures.insert(seed, told);
        }
    }

    /// What was never broken, of all that is to be in so many runs as there are without a word: only one that does is worth
    /// something.
    pub fn never_broken(&self) -> Vec<String> {
        if self.runs < settings::RUNS {
            return Vec::new();
        }
        self.broken.missing()
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
            "{} seeds in {:.0?}: {} deliveries accepted, {} lost by their vendors, {} seeds failed; {} faults:",
            self.runs,
            self.took,
            self.accepted,
            self.refused,
            self.failures.len(),
            self.broken.sum()
        )?;
        write!(formatter, "\n{}", self.broken)
    }
}

#[test]
fn a_seed_that_failed_is_told_with_the_command_that_runs_it_alone() {
    let mut outcome = Outcome::default();
    outcome.add(16, Story::default());
    let lost = Story {
        problems: vec!["it is lost".into()],
        ..Story::default()
    };
    outcome.add(17, lost);
    let complaint = outcome.complaint();
    assert!(complaint.starts_with("1 of 2 seeds failed"), "{complaint}");
    assert!(complaint.contains("it is lost"), "{complaint}");
    let again = "again: CRASH_SEED=17 cargo test -p tests promise_5 -- --nocapture";
    assert!(complaint.contains(again), "{complaint}");
}
