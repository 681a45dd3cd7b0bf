//! `tracing` events as lines of JSON: time, level, the fields of the spans around, the event's own.
//!
//! The spans' fields stand beside the event's own, not below them, so that `correlation_id` is found by one name in every line.

use crate::clock::Clock;
use serde::{Serialize, Serializer};
use serde_json::Value;
use std::fmt;
use std::io::Write as _;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Subscriber};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::{Context, Layer};
use tracing_subscriber::registry::LookupSpan;

/// Writes them.
pub(super) struct Events<W> {
    clock: Clock,
    output: W,
}

impl<W> Events<W> {
    pub(super) const fn new(clock: Clock, output: W) -> Self {
        Self { clock, output }
    }
}

impl<S, W> Layer<S> for Events<W>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    W: for<'a> MakeWriter<'a> + 'static,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        let mut fields = Fields::default();
        attributes.record(&mut fields);
        span.extensions_mut().insert(fields);
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        if let Some(fields) = span.extensions_mut().get_mut::<Fields>() {
            values.record(fields);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut line = Fields::default();
        line.put("timestamp", self.clock.now().to_string());
        line.put("level", event.metadata().level().as_str());
        for span in context.event_scope(event).into_iter().flatten() {
            if let Some(fields) = span.extensions().get::<Fields>() {
                fields.0.iter().for_each(|(name, value)| {
                    line.add(name, value.clone());
                });
            }
        }
        event.record(&mut line);
        let mut text = serde_json::to_vec(&line).expect("these fields have texts as names");
        text.push(b'\n');
        // There is nobody to tell that the log cannot be written.
        let _ = self
            .output
            .make_writer_for(event.metadata())
            .write_all(&text);
    }
}

/// The fields of a line, each once, in the order in which they came.
#[derive(Default)]
struct Fields(Vec<(&'static str, Value)>);

impl Fields {
    /// Sets a field, whatever it was.
    fn put(&mut self, name: &'static str, value: impl Into<Value>) {
        let value = value.into();
        match self.0.iter_mut().find(|(it, _)| *it == name) {
            Some((_, before)) => *before = value,
            None => self.0.push((name, value)),
        }
    }

    /// Sets a field, unless it is set: the innermost span comes first.
    fn add(&mut self, name: &'static str, value: Value) {
        if self.0.iter().all(|(it, _)| *it != name) {
            self.0.push((name, value));
        }
    }
}

impl Serialize for Fields {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| (name, value)))
    }
}

impl Visit for Fields {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field.name(), value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field.name(), value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field.name(), value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field.name(), value);
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field.name(), value);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.put(field.name(), format!("{value:?}"));
    }
}

#[cfg(test)]
mod tests;
