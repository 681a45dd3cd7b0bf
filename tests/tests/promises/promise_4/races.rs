//! Two workers on one attempt at once, each a process of its own: both have read before either writes, and it is said which of them
//! writes first.

use super::arrivals::{Arrival, stage};
use crate::flows::Flow;
use crate::meeting::{Meeting, Wins, in_time, work, workers};
use local::faults::Call;
use shared::queue::FoldMessage;
use std::sync::Arc;
use std::time::Duration;
use tests::senders::Senders;
use tests::stage::Stage;

/// After the attempts of the other tests.
const FIRST: u64 = 9_000_000;
/// Far longer than two folds take.
const AT_LAST: Duration = Duration::from_mins(1);

/// What is there when the first worker reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reads {
    /// Both events: the workers know the same.
    Both,
    /// One of them: the first worker knows less than the second.
    One,
}

/// Every write of a whole state says whose it is.
fn writes_a_state(call: &Call) -> bool {
    String::from_utf8_lossy(&call.body).contains("candidate_key") && call.operation != "Query"
}

/// Has a worker fold this event, as its message would, and tells whether it did.
async fn fold(stage: &Stage, flow: &Flow, said: usize, number: u64) -> bool {
    let message = FoldMessage {
        key: flow.event(said, number),
        correlation_id: "race".into(),
    };
    work(stage, &message.body()).await
}

struct Race {
    stage: Stage,
    senders: Senders,
    meeting: Arc<Meeting>,
}

impl Race {
    async fn start() -> Self {
        let meeting = Arc::new(Meeting::at(writes_a_state));
        let faults = Arc::clone(&meeting);
        let stage = stage(|options| {
            options.concurrency = 4;
            options.faults = Some(faults);
        })
        .await;
        Self {
            senders: Senders::of(&stage).await,
            stage,
            meeting,
        }
    }

    /// Two events of an attempt, and a worker for each. Whether the two met in time.
    async fn run(&self, arrival: &Arrival, wins: Wins, reads: Reads) -> bool {
        let (flow, number) = (&arrival.flow, arrival.number);
        let [first, second] = arrival.order().try_into().unwrap();
        self.meeting.about(flow.partition(number), wins);
        let deliver = |said| arrival.post(&self.stage, &self.senders, said);
        deliver(first).await;
        if reads == Reads::Both {
            deliver(second).await;
        }
        let one = fold(&self.stage, flow, first, number);
        let other = async {
            self.meeting.one_has_read().await;
            if reads == Reads::One {
                deliver(second).await;
            }
            fold(&self.stage, flow, second, number).await
        };
        let both = async { tokio::join!(one, other) };
        let folded = tokio::time::timeout(AT_LAST, both).await;
        if !self.meeting.was_in_time() {
            return false;
        }
        assert_eq!(folded, Ok((true, true)), "{arrival:?}");
        assert!(workers(&self.stage) >= 2, "each was a process of its own");
        let stored = arrival.ended(&self.stage).await;
        let versions = match (wins, reads) {
            (Wins::First, Reads::One) => 1..=2,
            // Who comes second finds nothing to change.
            _ => 1..=1,
        };
        let version = stored.stored().version;
        assert!(versions.contains(&version), "{arrival:?}: {version}");
        true
    }
}

/// Every pair of events of a flow of each way in, both ways round.
fn pairs() -> Vec<(Flow, Vec<usize>)> {
    let flows = [
        Flow::of("imocha", "", &["in-progress", "complete"]),
        Flow::of("jobmojito", "", &["collected", "submitted", "selected"]),
        Flow::of("testlify", "v1", &["invited", "score-updated"]),
        Flow::of("testlify", "v2", &["enrolled", "in-progress", "completed"]),
        Flow::xobin(),
    ];
    let pairs = flows.into_iter().flat_map(|flow| {
        let kinds = flow.said.len();
        let places = (0..kinds * kinds).map(move |it| (it / kinds, it % kinds));
        let pairs = places.filter(|(first, second)| first != second);
        pairs.map(move |(first, second)| (flow.clone(), vec![first, second]))
    });
    pairs.collect()
}

/// Where both know the same, it does not matter who is the first.
const RACES: [(Wins, Reads); 3] = [
    (Wins::First, Reads::One),
    (Wins::Second, Reads::One),
    (Wins::First, Reads::Both),
];

#[tokio::test(flavor = "multi_thread")]
async fn two_workers_that_read_before_either_writes_end_as_one_after_the_other_would() {
    let race = Race::start().await;
    // Each race is another attempt's, also one that is run again.
    let mut numbers = FIRST..;
    for (flow, pair) in pairs() {
        for (wins, reads) in RACES {
            in_time(async || {
                let number = numbers.next().unwrap();
                let arrival = Arrival::in_order(&flow, number, &pair);
                race.run(&arrival, wins, reads).await
            })
            .await;
        }
    }
}
