//! An execution environment: one process of a function, and the Runtime API that it speaks to.

use std::time::Duration;

use bytes::Bytes;
use tokio::sync::watch;
use tokio::time::Instant;

use super::invocation::{Answer, InvokeError};
use super::process::Process;
use super::runtime_api::{Invocation, RuntimeApi, Signal};
use super::{Processes, Settings, variables};
use crate::callers::Place;
use crate::{clock, random};

/// How long Lambda lets a function initialise.
const START_LIMIT: Duration = Duration::from_secs(10);

/// A process that has asked for its first invocation.
pub(super) struct Environment {
    api: RuntimeApi,
    process: Process,
    timeout: Duration,
    born_in: u64,
    generation: watch::Receiver<u64>,
    /// Dropped last, when the process is gone.
    place: Place,
}

/// What ends the wait for a process.
enum Event {
    Signal(Signal),
    Ended(InvokeError),
}

impl Environment {
    /// Starts a process and waits until it is ready.
    pub(super) async fn start(
        settings: &Settings,
        processes: &Processes,
    ) -> Result<Self, InvokeError> {
        let not_started = |error: std::io::Error| {
            InvokeError::NotStarted(format!("{}: {error}", settings.executable.display()))
        };
        let generation = processes.generation.subscribe();
        let born_in = *generation.borrow();
        let api = RuntimeApi::start(settings.resource.arn())
            .await
            .map_err(not_started)?;
        let function = &settings.resource.logical_id;
        let place = settings.callers.place(function);
        let variables = variables::of_process(settings, api.address, &place.access_key);
        let process = Process::start(
            &settings.executable,
            &variables,
            function,
            &settings.logs,
            processes,
        )
        .map_err(not_started)?;
        let timeout = settings.resource.timeout;
        let mut environment = Self {
            api,
            process,
            timeout,
            born_in,
            generation,
            place,
        };
        match environment.ready(Instant::now() + START_LIMIT).await {
            Ok(()) => Ok(environment),
            Err(error) => {
                environment.end().await;
                Err(error)
            }
        }
    }

    pub(super) fn is_alive(&mut self) -> bool {
        self.process.is_alive()
            && *self.generation.borrow() == self.born_in
            && !self.place.is_killed()
    }

    /// Waits until the process asks for an invocation.
    pub(super) async fn ready(&mut self, deadline: Instant) -> Result<(), InvokeError> {
        loop {
            match self.event(deadline).await {
                Event::Signal(Signal::Ready) => return Ok(()),
                Event::Signal(Signal::StartFailed(error)) | Event::Ended(error) => {
                    return Err(error);
                }
                // A second answer to what has been answered.
                Event::Signal(Signal::Answered(..)) => {}
            }
        }
    }

    /// Has the process answer `payload` before the deadline.
    pub(super) async fn invoke(&mut self, payload: Bytes, deadline: Instant) -> Answer {
        let request_id = random::uuid();
        let left = deadline.saturating_duration_since(Instant::now());
        let deadline_ms = clock::epoch_ms(clock::now() + left);
        let invocation = Invocation {
            request_id: request_id.clone(),
            deadline_ms,
            payload,
        };
        if self.api.invocations.send(invocation).await.is_err() {
            return Err(InvokeError::Stopped);
        }
        loop {
            match self.event(deadline).await {
                Event::Signal(Signal::Answered(id, answer)) if id == request_id => return answer,
                Event::Signal(_) => {}
                Event::Ended(error) => return Err(error),
            }
        }
    }

    /// Ends the process, and returns when it is gone.
    pub(super) async fn end(self) {
        self.process.end().await;
    }

    async fn event(&mut self, deadline: Instant) -> Event {
        let Self {
            api,
            process,
            timeout,
            born_in,
            generation,
            place,
        } = self;
        tokio::select! {
            // What the process said goes before its end: an answer counts even if it was its last act.
            biased;
            Some(signal) = api.signals.recv() => Event::Signal(signal),
            () = superseded(generation, *born_in) => Event::Ended(InvokeError::Stopped),
            () = place.killed() => Event::Ended(InvokeError::Exited("killed by a fault".to_owned())),
            how = process.ended() => Event::Ended(InvokeError::Exited(how)),
            () = tokio::time::sleep_until(deadline) => Event::Ended(InvokeError::TimedOut(*timeout)),
        }
    }
}

/// Resolves once everything of this generation shall end.
async fn superseded(generation: &mut watch::Receiver<u64>, born_in: u64) {
    let _ = generation.wait_for(|now| *now != born_in).await;
}
