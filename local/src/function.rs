//! A Lambda function: its binary as a few processes, each of which serves one invocation at a time.
//!
//! ```text
//! invoke ─▶ a place (at most `concurrency`) ─▶ an idle environment, or a new one ─▶ its process
//! ```

mod environment;
mod invocation;
mod process;
mod runtime_api;
mod variables;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::{Semaphore, oneshot, watch};
use tokio::time::Instant;

use environment::Environment;
use invocation::Answer;
pub use invocation::InvokeError;

use crate::callers::Callers;
use crate::logs::Logs;
use crate::template::FunctionResource;

/// How long after its time a process that answered may take to ask for more.
const READY_LIMIT: Duration = Duration::from_secs(1);

/// What a function is made of.
pub(crate) struct Settings {
    pub(crate) resource: FunctionResource,
    pub(crate) executable: PathBuf,
    pub(crate) concurrency: usize,
    /// Set last, over the template's own variables.
    pub(crate) environment: BTreeMap<String, String>,
    pub(crate) logs: Arc<Logs>,
    /// Where its processes are known by their access keys.
    pub(crate) callers: Callers,
}

/// A function that can be invoked.
pub(crate) struct Function {
    settings: Settings,
    places: Semaphore,
    idle: Mutex<Vec<Environment>>,
    processes: Processes,
    failed_starts: AtomicU32,
}

/// The processes that live, and whether they shall.
pub(crate) struct Processes {
    alive: watch::Sender<BTreeSet<u32>>,
    /// Environments of an older generation end.
    generation: watch::Sender<u64>,
}

impl Function {
    pub(crate) fn new(settings: Settings) -> Arc<Self> {
        Arc::new(Self {
            places: Semaphore::new(settings.concurrency),
            settings,
            idle: Mutex::default(),
            processes: Processes {
                alive: watch::Sender::new(BTreeSet::new()),
                generation: watch::Sender::new(0),
            },
            failed_starts: AtomicU32::new(0),
        })
    }

    pub(crate) fn resource(&self) -> &FunctionResource {
        &self.settings.resource
    }

    /// The ids of the processes that live.
    pub(crate) fn processes(&self) -> Vec<u32> {
        self.processes.alive.borrow().iter().copied().collect()
    }

    /// Has the function answer `payload`.
    ///
    /// The invocation goes on when the caller stops waiting, as it does on Lambda.
    pub(crate) async fn invoke(self: &Arc<Self>, payload: Bytes) -> Result<Bytes, InvokeError> {
        let (sender, receiver) = oneshot::channel();
        tokio::spawn(Arc::clone(self).serve(payload, sender));
        receiver.await.unwrap_or(Err(InvokeError::Stopped))
    }

    async fn serve(self: Arc<Self>, payload: Bytes, answer: oneshot::Sender<Answer>) {
        let Ok(_place) = self.places.acquire().await else {
            let _ = answer.send(Err(InvokeError::Stopped));
            return;
        };
        match self.environment().await {
            Ok(environment) => self.run(environment, payload, answer).await,
            Err(error) => {
                let _ = answer.send(Err(error));
            }
        }
    }

    async fn run(
        &self,
        mut environment: Environment,
        payload: Bytes,
        answer: oneshot::Sender<Answer>,
    ) {
        let deadline = Instant::now() + self.settings.resource.timeout;
        let outcome = environment.invoke(payload, deadline).await;
        let survives = outcome
            .as_ref()
            .map_or_else(InvokeError::leaves_process_alive, |_| true);
        let _ = answer.send(outcome);
        // Answered is not yet ready for more: the process still has to ask for it.
        let ready = survives && environment.ready(deadline + READY_LIMIT).await.is_ok();
        if let Some(environment) = self.set_aside(environment, ready) {
            environment.end().await;
        }
    }

    /// Keeps a process that is ready for the next invocation, or gives it back to be ended. All of a generation end together: [`Function::kill`] first
    /// makes a new generation and then takes what is idle, so that whoever looks under the lock is taken or knows.
    fn set_aside(&self, mut environment: Environment, ready: bool) -> Option<Environment> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if ready && environment.is_alive() {
            idle.push(environment);
            return None;
        }
        Some(environment)
    }

    async fn environment(&self) -> Result<Environment, InvokeError> {
        while let Some(mut environment) = self.take_idle() {
            if environment.is_alive() {
                return Ok(environment);
            }
            environment.end().await;
        }
        self.start().await
    }

    fn take_idle(&self) -> Option<Environment> {
        self.idle
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop()
    }

    async fn start(&self) -> Result<Environment, InvokeError> {
        tokio::time::sleep(backoff(self.failed_starts.load(Ordering::Relaxed))).await;
        let started = Environment::start(&self.settings, &self.processes).await;
        match &started {
            Ok(_) => self.failed_starts.store(0, Ordering::Relaxed),
            Err(_) => {
                self.failed_starts.fetch_add(1, Ordering::Relaxed);
            }
        }
        started
    }

    /// Kills every process, busy or idle, and returns when they are gone.
    pub(crate) async fn kill(&self) {
        let alive = self.processes.alive.borrow().clone();
        self.processes
            .generation
            .send_modify(|generation| *generation += 1);
        while let Some(environment) = self.take_idle() {
            environment.end().await;
        }
        let mut processes = self.processes.alive.subscribe();
        let _ = processes.wait_for(|left| left.is_disjoint(&alive)).await;
    }

    /// Takes no further invocation, gives those under way `grace`, and ends every process.
    pub(crate) async fn stop(&self, grace: Duration) {
        let all = u32::try_from(self.settings.concurrency).unwrap_or(u32::MAX);
        let finished = tokio::time::timeout(grace, self.places.acquire_many(all)).await;
        self.places.close();
        drop(finished);
        self.kill().await;
        let mut processes = self.processes.alive.subscribe();
        let _ = processes.wait_for(BTreeSet::is_empty).await;
    }
}

/// How long to wait before a start, after so many that failed in a row.
fn backoff(failed_starts: u32) -> Duration {
    match failed_starts {
        0 => Duration::ZERO,
        failed => Duration::from_millis(50 << (failed - 1).min(5)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_binary_that_does_not_start_is_tried_less_and_less_often() {
        let waits: Vec<u128> = (0..9).map(|failed| backoff(failed).as_millis()).collect();
        assert_eq!(waits, [0, 50, 100, 200, 400, 800, 1600, 1600, 1600]);
    }
}
