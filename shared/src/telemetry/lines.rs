//! Wide lines: what became of one request or one job, as one line of the log, in CloudWatch's embedded metric format. The
//! line is the log for whoever reads it, and what CloudWatch takes the metrics from; nothing else is sent.
//!
//! A line is written before the request is answered, by the thread that answers it: Lambda stops a function between two
//! requests, and what a background thread still held would be lost or late.

use crate::metrics::{By, Metric};
use crate::timestamp::Timestamp;
use metrique::emf::{Emf, NoMetric};
use metrique::writer::format::Format as _;
use metrique::writer::{
    Entry, EntryWriter, MetricFlags, Observation, Unit, Value as MetricValue, ValueWriter,
};
use std::borrow::Cow;
use std::io::{self, Write as _};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};
use tracing::Level;

/// What became of one request or one job.
#[derive(Debug)]
pub struct WideLine<'a> {
    time: Timestamp,
    level: Level,
    message: &'static str,
    by: By<'a>,
    texts: Vec<(&'static str, Cow<'a, str>)>,
    numbers: Vec<(&'static str, u64)>,
    metrics: Vec<(Metric, u64)>,
}

impl<'a> WideLine<'a> {
    /// A line that says no more than this.
    #[must_use]
    pub const fn new(time: Timestamp, level: Level, message: &'static str, by: By<'a>) -> Self {
        Self {
            time,
            level,
            message,
            by,
            texts: Vec::new(),
            numbers: Vec::new(),
            metrics: Vec::new(),
        }
    }

    /// Says this, too.
    #[must_use]
    pub fn text(mut self, name: &'static str, text: impl Into<Cow<'a, str>>) -> Self {
        self.texts.push((name, text.into()));
        self
    }

    /// Says this, too, as a number that is no metric.
    #[must_use]
    pub fn number(mut self, name: &'static str, number: u64) -> Self {
        self.numbers.push((name, number));
        self
    }

    /// Adds this much to a metric.
    #[must_use]
    pub fn metric(mut self, metric: Metric, value: u64) -> Self {
        debug_assert!(
            metric.breakdowns().contains(&self.by.breakdown()),
            "{metric:?} is not said to be broken down by {:?}",
            self.by
        );
        self.metrics.push((metric, value));
        self
    }
}

impl Entry for WideLine<'_> {
    fn write<'w>(&'w self, writer: &mut impl EntryWriter<'w>) {
        let since_epoch = u64::try_from(self.time.unix_ms()).unwrap_or_default();
        writer.timestamp(SystemTime::UNIX_EPOCH + Duration::from_millis(since_epoch));
        writer.config(self.by.breakdown().dimensions());
        writer.value("timestamp", &self.time.to_string());
        writer.value("level", self.level.as_str());
        writer.value("message", self.message);
        for (name, value) in self.by.values() {
            writer.value(name, value);
        }
        for (name, text) in &self.texts {
            writer.value(*name, &**text);
        }
        for (name, number) in &self.numbers {
            writer.value(*name, &NoMetric::from(*number));
        }
        for (metric, value) in &self.metrics {
            let (value, unit) = (*value, metric.unit());
            writer.value(metric.name(), &Measured { value, unit });
        }
    }
}

struct Measured {
    value: u64,
    unit: Unit,
}

impl MetricValue for Measured {
    fn write(&self, writer: impl ValueWriter) {
        let observation = [Observation::Unsigned(self.value)];
        writer.metric(observation, self.unit, [], MetricFlags::empty());
    }
}

/// Where wide lines are written.
pub struct Lines {
    format: Mutex<Emf>,
    output: Output,
}

enum Output {
    Stdout,
    Memory(Mutex<Vec<u8>>),
}

impl Lines {
    /// To standard output, with metrics in this namespace.
    #[must_use]
    pub fn to_stdout(namespace: String) -> Self {
        Self::new(namespace, Output::Stdout)
    }

    /// Into memory, for tests.
    #[must_use]
    pub fn in_memory(namespace: String) -> Self {
        Self::new(namespace, Output::Memory(Mutex::default()))
    }

    fn new(namespace: String, output: Output) -> Self {
        // The empty set is multiplied by what each line brings.
        let format = Emf::builder(namespace, vec![vec![]]).build();
        Self {
            format: Mutex::new(format),
            output,
        }
    }

    /// Writes one.
    pub fn write(&self, line: &WideLine<'_>) {
        let mut text = Vec::with_capacity(1024);
        match locked(&self.format).format(line, &mut text) {
            Ok(()) => self.put(&text),
            Err(error) => {
                let error = error.to_string();
                tracing::error!(error, line.message, "a line cannot be written");
            }
        }
    }

    fn put(&self, text: &[u8]) {
        match &self.output {
            // There is nobody to tell that the log cannot be written.
            Output::Stdout => {
                let _ = io::stdout().lock().write_all(text);
            }
            Output::Memory(written) => locked(written).extend_from_slice(text),
        }
    }

    /// What was written into memory, and is forgotten now.
    #[must_use]
    pub fn take_written(&self) -> Vec<serde_json::Value> {
        let Output::Memory(written) = &self.output else {
            return Vec::new();
        };
        let text = std::mem::take(&mut *locked(written));
        let lines = serde_json::Deserializer::from_slice(&text).into_iter();
        lines.collect::<Result<_, _>>().expect("the lines are JSON")
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
