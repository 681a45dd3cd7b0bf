//! Two workers at once, each a process of its own: both have read before either writes, and it is said which of them writes first.

use futures_util::future::BoxFuture;
use http::StatusCode;
use local::engine::Service;
use local::faults::{Call, ErrorAnswer, Fault, Faults};
use serde_json::{Value, json};
use std::sync::Mutex;
use tests::stage::{Stage, payload};
use tokio::sync::watch;

const WORKER: &str = "WorkerFunction";

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
}

/// Where two workers meet that are about to make the same write. Only messages that a test hands out by itself reach the worker.
pub struct Meeting {
    is_the_write: fn(&Call) -> bool,
    at: Mutex<Option<(String, Wins)>>,
    progress: watch::Sender<Progress>,
}

impl Meeting {
    /// At a write that this tells from other calls.
    pub fn at(is_the_write: fn(&Call) -> bool) -> Self {
        Self {
            is_the_write,
            at: Mutex::default(),
            progress: watch::Sender::default(),
        }
    }

    /// From now on it is the write of what is in this partition.
    pub fn about(&self, partition: String, wins: Wins) {
        *self.at.lock().unwrap() = Some((partition, wins));
        self.progress.send_replace(Progress::default());
    }

    /// Waits until one of the two is about to write.
    pub async fn one_has_read(&self) {
        self.until(|it| it.about_to_write == 1).await;
    }

    async fn until(&self, far: impl FnMut(&Progress) -> bool) {
        let mut progress = self.progress.subscribe();
        progress.wait_for(far).await.unwrap();
    }

    /// Holds whoever is about to write until it is his turn.
    async fn write(&self, wins: Wins) {
        let mut turn = 0;
        self.progress.send_modify(|it| {
            turn = it.about_to_write;
            it.about_to_write += 1;
        });
        self.until(|it| it.about_to_write >= 2).await;
        if (turn, wins) == (0, Wins::Second) || (turn, wins) == (1, Wins::First) {
            self.until(|it| it.written).await;
        }
    }

    async fn pass(&self, call: &Call) {
        let met = self.at.lock().unwrap().clone();
        let text = String::from_utf8_lossy(&call.body);
        let Some((_, wins)) = met.filter(|(pk, _)| text.contains(pk.as_str())) else {
            return;
        };
        if (self.is_the_write)(call) {
            self.write(wins).await;
        } else {
            // Who has written goes on.
            self.progress.send_if_modified(|it| {
                let goes_on = it.about_to_write >= 2 && !it.written;
                it.written |= goes_on;
                goes_on
            });
        }
    }
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
