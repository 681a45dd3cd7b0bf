//! What this thread logs, as far as it is an error or a warning: for what stands nowhere else.

use std::fmt::Debug;
use std::sync::{Arc, Mutex};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::DefaultGuard;
use tracing::{Event, Level, Metadata, Subscriber};

/// Listens until it is dropped.
pub struct Heard {
    errors: Arc<Mutex<Vec<String>>>,
    _guard: DefaultGuard,
}

impl Heard {
    pub fn begin() -> Self {
        let errors = Arc::<Mutex<Vec<String>>>::default();
        let listener = Listener(Arc::clone(&errors));
        Self {
            errors,
            _guard: tracing::subscriber::set_default(listener),
        }
    }

    /// What the field `error` said, line by line.
    pub fn errors(&self) -> Vec<String> {
        self.errors.lock().unwrap().clone()
    }
}

struct Listener(Arc<Mutex<Vec<String>>>);

impl Subscriber for Listener {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.is_event() && *metadata.level() <= Level::WARN
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        event.record(&mut Errors(&mut self.0.lock().unwrap()));
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

struct Errors<'a>(&'a mut Vec<String>);

impl Visit for Errors<'_> {
    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "error" {
            self.0.push(value.to_owned());
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.record_str(field, &format!("{value:?}"));
    }
}
