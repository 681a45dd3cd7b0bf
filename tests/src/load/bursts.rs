//! Bursts of webhooks, more at once than there are processes to take them.

use super::candidates::{Candidates, Webhook};
use super::ledger::{Ledger, Wrong};
use super::processes::{self, Each, Seen};
use super::sending::{Accepted, send};
use super::truth;
use crate::everybody::Everybody;
use crate::inbox::Inbox;
use crate::listener::Listener;
use fastrand::Rng;
use futures_util::{StreamExt, stream};
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

/// How many webhooks are sent one at a time, to know how long one takes that waits for nobody.
const ALONE: usize = 50;

/// How much is sent.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// Deliveries in all, repeats included.
    pub deliveries: usize,
    /// Deliveries of a burst.
    pub burst: usize,
    /// How many are under way at once.
    pub at_once: usize,
    /// What decides on repeats and order.
    pub seed: u64,
}

/// What came of it.
pub struct Outcome {
    /// Deliveries of the bursts that were accepted.
    pub accepted: usize,
    /// Those before them that were sent one at a time, and accepted. All that follows is of these as well, but for the times.
    pub accepted_alone: usize,
    /// Tries that were not accepted, and were made again.
    pub turned_away: u64,
    /// Webhooks, however often each was delivered.
    pub webhooks: usize,
    /// Attempts that they are about.
    pub attempts: usize,
    /// Changes that were published.
    pub published: usize,
    /// How often one of them was published again.
    pub published_again: usize,
    /// What is not as it has to be.
    pub wrong: Wrong,
    /// How long the accepted tries took.
    pub acknowledged: Latencies,
    /// The same of webhooks that were sent one at a time.
    pub alone: Latencies,
    /// The time in which there were deliveries under way.
    pub sending: Duration,
    /// The time until nothing was left to do, added up over the bursts.
    pub settling: Duration,
    /// The memory of each function's largest process, after each burst.
    pub memory: Vec<Each<u64>>,
    /// The processes that each function came to have.
    pub processes: Seen,
}

/// Times, in order.
#[derive(Debug, Default)]
pub struct Latencies(Vec<Duration>);

impl Latencies {
    /// The time within which this part of a hundred was done; nothing, if there was nothing.
    #[must_use]
    pub fn percentile(&self, percent: usize) -> Duration {
        let place = (self.0.len() * percent).div_ceil(100).max(1) - 1;
        self.0.get(place).copied().unwrap_or_default()
    }
}

impl FromIterator<Duration> for Latencies {
    fn from_iter<I: IntoIterator<Item = Duration>>(times: I) -> Self {
        let mut times: Vec<Duration> = times.into_iter().collect();
        times.sort_unstable();
        Self(times)
    }
}

struct Run<'a> {
    everybody: &'a Everybody,
    inbox: Inbox<'a>,
    candidates: Candidates,
    rng: Rng,
    ledger: Ledger,
    listener: Listener,
    attempts: usize,
    wrong: Wrong,
}

/// What came of deliveries that were sent together.
#[derive(Default)]
struct Sent {
    accepted: usize,
    turned_away: u64,
    times: Vec<Duration>,
}

/// Sends everything, and looks after each burst whether all is there. `tell` hears how many deliveries are done.
pub async fn run(everybody: &Everybody, plan: Plan, tell: impl Fn(usize)) -> Outcome {
    let mut run = Run {
        everybody,
        inbox: Inbox::of_all_changes(&everybody.stage).await,
        candidates: Candidates::new(everybody.vendors.links.clone()),
        rng: Rng::with_seed(plan.seed),
        ledger: Ledger::default(),
        listener: Listener::new(),
        attempts: 0,
        wrong: Wrong::default(),
    };
    let (sent_alone, alone) = run.alone().await;
    let (mut all, mut memory) = (Sent::default(), Vec::new());
    let mut processes = Seen::default();
    processes.look(&everybody.stage.bundle);
    let (mut sending, mut settling) = (Duration::ZERO, Duration::ZERO);
    let mut done = 0;
    while done < plan.deliveries {
        let webhooks = run.webhooks(plan.burst.min(plan.deliveries - done));
        let deliveries = run.with_repeats(&webhooks, plan.burst.min(plan.deliveries - done));
        let began = Instant::now();
        all.add(run.send(&deliveries, plan.at_once).await);
        sending += began.elapsed();
        run.look_at(&webhooks).await;
        settling += began.elapsed();
        memory.push(processes::memory(&everybody.stage.bundle));
        processes.look(&everybody.stage.bundle);
        done += deliveries.len();
        tell(done);
    }
    let stored = truth::events(&everybody.stage).await;
    run.wrong.add(run.ledger.compare(&stored));
    Outcome {
        accepted: all.accepted,
        accepted_alone: sent_alone.accepted,
        turned_away: sent_alone.turned_away + all.turned_away,
        webhooks: run.ledger.webhooks(),
        attempts: run.attempts,
        published: run.listener.count(),
        published_again: run.listener.repeats(),
        wrong: run.wrong,
        acknowledged: all.times.into_iter().collect(),
        alone,
        sending,
        settling,
        memory,
        processes,
    }
}

impl Run<'_> {
    /// Sends some one at a time, and then as many again: all of them, and how long each of the second half took, which waited for nobody. Before,
    /// every function is started, and has read its secrets.
    async fn alone(&mut self) -> (Sent, Latencies) {
        let (mut all, mut times) = (Sent::default(), Vec::new());
        for _ in 0..2 {
            let webhooks = self.webhooks(ALONE);
            let sent = self.send(&webhooks.iter().collect::<Vec<_>>(), 1).await;
            self.look_at(&webhooks).await;
            times.clone_from(&sent.times);
            all.add(sent);
        }
        (all, times.into_iter().collect())
    }

    /// So many that a fifth more deliveries are repeats.
    fn webhooks(&mut self, deliveries: usize) -> Vec<Webhook> {
        let mut webhooks = Vec::new();
        while webhooks.len() * 6 < deliveries * 5 {
            let of_one = self.candidates.candidate();
            for webhook in &of_one {
                // In their order, so that the APIs say in the end what the last says.
                self.everybody.remember(webhook.source, &webhook.body);
            }
            webhooks.extend(of_one);
            self.attempts += 1;
        }
        webhooks
    }

    /// Each once, and some of them once or several times more, in any order.
    fn with_repeats<'w>(&mut self, webhooks: &'w [Webhook], deliveries: usize) -> Vec<&'w Webhook> {
        let mut all: Vec<&Webhook> = webhooks.iter().collect();
        while all.len() < deliveries {
            all.push(&webhooks[self.rng.usize(..webhooks.len())]);
        }
        self.rng.shuffle(&mut all);
        all
    }

    async fn send(&mut self, deliveries: &[&Webhook], at_once: usize) -> Sent {
        let everybody = self.everybody;
        let sends = stream::iter(deliveries.iter().copied());
        let sends = sends.map(|webhook| async move { (webhook, send(everybody, webhook).await) });
        let answers: Vec<_> = sends.buffer_unordered(at_once).collect().await;
        let mut sent = Sent::default();
        for (webhook, answer) in answers {
            self.note(webhook, answer, &mut sent);
        }
        sent
    }

    fn note(&mut self, webhook: &Webhook, answer: Result<Accepted, String>, sent: &mut Sent) {
        match answer {
            Ok(Accepted {
                event,
                new,
                took,
                turned_away,
            }) => {
                let sha256 = hex::encode(Sha256::digest(&webhook.body));
                self.ledger.accepted(webhook.number, &sha256, &event, new);
                sent.accepted += 1;
                sent.turned_away += turned_away;
                sent.times.push(took);
            }
            Err(why) => {
                let who = format!("a webhook of {}", webhook.partition);
                self.wrong.lost.push(format!("{who} was {why}"));
            }
        }
    }

    /// Waits until all that follows from these is done, and looks whether it is right.
    async fn look_at(&mut self, webhooks: &[Webhook]) {
        let stage = &self.everybody.stage;
        let left = truth::settled(stage).await;
        if left > 0 {
            self.wrong
                .lost
                .push(format!("{left} items and messages are left to do"));
        }
        for event in self.inbox.delivered().await {
            let wrong = self.listener.hear(&event["detail"]).err();
            self.wrong.doubled.extend(wrong);
        }
        let partitions: BTreeSet<String> = webhooks.iter().map(|it| it.partition.clone()).collect();
        let looked_at = truth::of_attempts(stage, &partitions, &self.listener);
        self.wrong.add(looked_at.await);
    }
}

impl Sent {
    fn add(&mut self, other: Self) {
        self.accepted += other.accepted;
        self.turned_away += other.turned_away;
        self.times.extend(other.times);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_is_a_time_that_was_measured() {
        let times: Latencies = (1..=200).rev().map(Duration::from_millis).collect();
        let ms = |percent| times.percentile(percent).as_millis();
        assert_eq!(
            [ms(0), ms(1), ms(50), ms(99), ms(100)],
            [1, 2, 100, 198, 200]
        );
        assert_eq!(Latencies::default().percentile(50), Duration::ZERO);
    }
}
