//! Two workers at once, each a process of its own: both have read before either writes, and it is said which of them writes first.

use futures_util::future::BoxFuture;
use http::StatusCode;
use local::engine::Service;
use local::faults::{Call, ErrorAnswer, Fault, Faults};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tests::stage::{Stage, payload};
use tokio::sync::watch;

const WORKER: &str = "WorkerFunction";
/// The worker waits for 1.4 seconds until it makes a call of the table once more.
const HELD_FOR_TOO_LONG: Duration = Duration::from_secs(1);
/// How often two workers may fail to meet in time.
const MOST_RACES: usize = 10;

/// Which of the two that are about to write does so first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wins {
    /// Who had read first.
    First,
    Second,
}

/// How far the two workers are.
#[derive(Clone, Copy, Debug, Default)]
struct Progress {
    /// How many are about to write, or have.
    about_to_write: usize,
    /// Whether the first to write has.
    written: bool,
    /// How many are held.
    held: usize,
    /// For how long one was held, at most.
    longest: Duration,
}

/// One write that two workers are about to make.
struct Encounter {
    partition: String,
    wins: Wins,
    progress: watch::Sender<Progress>,
}

/// A write that is held, until it goes on, or its worker hangs up.
struct Held<'a> {
    since: Instant,
    progress: &'a watch::Sender<Progress>,
}

impl<'a> Held<'a> {
    fn by(progress: &'a watch::Sender<Progress>) -> Self {
        progress.send_modify(|it| it.held += 1);
        Self {
            since: Instant::now(),
            progress,
        }
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        let held = self.since.elapsed();
        self.progress.send_modify(|it| {
            it.held -= 1;
            it.longest = it.longest.max(held);
        });
    }
}

impl Encounter {
    async fn until(&self, far: impl FnMut(&Progress) -> bool) {
        let mut progress = self.progress.subscribe();
        progress.wait_for(far).await.unwrap();
    }

    /// Holds whoever is about to write until it is his turn.
    async fn write(&self) {
        let mut turn = 0;
        self.progress.send_modify(|it| {
            turn = it.about_to_write;
            it.about_to_write += 1;
        });
        let _held = Held::by(&self.progress);
        self.until(|it| it.about_to_write >= 2).await;
        if (turn, self.wins) == (0, Wins::Second) || (turn, self.wins) == (1, Wins::First) {
            self.until(|it| it.written).await;
        }
    }

    /// Who has written goes on.
    fn goes_on(&self) {
        self.progress.send_if_modified(|it| {
            let goes_on = it.about_to_write >= 2 && !it.written;
            it.written |= goes_on;
            goes_on
        });
    }
}

/// Where two workers meet that are about to make the same write. Only messages that a test hands out by itself reach the worker.
pub struct Meeting {
    is_the_write: fn(&Call) -> bool,
    now: Mutex<Option<Arc<Encounter>>>,
}

impl Meeting {
    /// At a write that this tells from other calls.
    pub fn at(is_the_write: fn(&Call) -> bool) -> Self {
        Self {
            is_the_write,
            now: Mutex::default(),
        }
    }

    /// From now on it is the write of what is in this partition. What hangs on another hangs on.
    pub fn about(&self, partition: String, wins: Wins) {
        let encounter = Encounter {
            partition,
            wins,
            progress: watch::Sender::default(),
        };
        *self.now.lock().unwrap() = Some(Arc::new(encounter));
    }

    fn now(&self) -> Option<Arc<Encounter>> {
        self.now.lock().unwrap().clone()
    }

    /// Waits until one of the two is about to write.
    pub async fn one_has_read(&self) {
        let now = self.now().expect("it is about something");
        now.until(|it| it.about_to_write >= 1).await;
    }

    /// Whether nobody was held for so long that he made the write once more: then who came second need not have been the other.
    pub fn was_in_time(&self) -> bool {
        let now = self.now().expect("it is about something");
        let progress = *now.progress.borrow();
        progress.held == 0 && progress.longest < HELD_FOR_TOO_LONG
    }

    async fn pass(&self, call: &Call) {
        let text = String::from_utf8_lossy(&call.body);
        let met = self.now().filter(|it| text.contains(&it.partition));
        match met {
            Some(met) if (self.is_the_write)(call) => met.write().await,
            Some(met) => met.goes_on(),
            None => {}
        }
    }
}

/// Has two workers meet until they did so in time, as `race` says: what comes of it otherwise says nothing.
pub async fn in_time(mut race: impl AsyncFnMut() -> bool) {
    for _ in 0..MOST_RACES {
        if race().await {
            return;
        }
    }
    panic!(
        "the machine is too slow: {MOST_RACES} times, a write was held for {HELD_FOR_TOO_LONG:?}"
    );
}

impl Faults for Meeting {
    fn before<'a>(&'a self, call: &'a Call) -> BoxFuture<'a, Fault> {
        Box::pin(async move {
            if call.function.is_some() && call.service == Service::Sqs {
                return Fault::Answer(no_queue());
            }
            if call.function.as_deref() == Some(WORKER) {
                self.pass(call).await;
            }
            Fault::None
        })
    }
}

/// An error that nobody tries again.
fn no_queue() -> ErrorAnswer {
    ErrorAnswer {
        status: StatusCode::BAD_REQUEST,
        kind: "QueueDoesNotExist".to_owned(),
        message: "messages are handed out by hand".to_owned(),
    }
}

/// Has a worker do what this message says, and tells whether it did.
pub async fn work(stage: &Stage, message: &str) -> bool {
    let mut event: Value = serde_json::from_slice(&payload("sqs/fold.json")).unwrap();
    event["Records"][0]["body"] = json!(message);
    let answer = stage.bundle.invoke(WORKER, event.to_string()).await;
    let answer: Value = serde_json::from_slice(&answer.unwrap()).unwrap();
    answer["batchItemFailures"] == json!([])
}

/// How many processes of the worker there are.
pub fn workers(stage: &Stage) -> usize {
    let functions = stage.bundle.functions().into_iter();
    let workers = functions.filter(|it| it.logical_id == WORKER);
    workers.map(|it| it.processes.len()).sum()
}
