//! The one line about a message, which is also where the worker's metrics come from.

use crate::JobError;
use crate::job::Message;
use crate::notes::Notes;
use shared::error::causes;
use shared::metrics::{By, Metric};
use shared::telemetry::WideLine;
use shared::timestamp::Timestamp;
use tracing::Level;

/// The job of a message that cannot be read.
const NO_JOB: &str = "unreadable";

/// What the line is about.
pub(crate) struct About<'a> {
    pub message_id: &'a str,
    /// None if it cannot be read.
    pub message: Option<&'a Message>,
    pub began: Timestamp,
    pub ended: Timestamp,
}

impl<'a> About<'a> {
    /// The line: what became of the job, and what was noted meanwhile.
    pub fn line(&self, result: Result<(), &JobError>, notes: &Notes) -> WideLine<'a> {
        let (level, message, metric) = match result {
            Ok(()) => (Level::INFO, "job done", Metric::JobsDone),
            Err(error) if error.needs_a_person() => {
                (Level::ERROR, "job failed", Metric::JobsFailed)
            }
            Err(_) => (Level::WARN, "job failed", Metric::JobsFailed),
        };
        let mut line = WideLine::new(self.ended, level, message, self.by())
            .text("message.id", self.message_id)
            .metric(
                Metric::JobDuration,
                self.ended.milliseconds_since(self.began),
            )
            .metric(metric, 1);
        if let Some(message) = self.message {
            line = line.text("correlation_id", message.correlation_id.as_str());
        }
        if let Some(event_id) = self.message.and_then(|message| message.job.event_id()) {
            line = line.text("event.id", event_id.to_string());
        }
        if let Err(error) = result {
            line = line.text("error", causes(error));
        }
        notes
            .iter()
            .fold(line, |line, (metric, value)| line.metric(*metric, *value))
    }

    fn by(&self) -> By<'a> {
        let Some(Message { job, .. }) = self.message else {
            return By::Job(NO_JOB);
        };
        match job.source() {
            Some(source) => By::JobAndSource(job.name(), source),
            None => By::Job(job.name()),
        }
    }
}
