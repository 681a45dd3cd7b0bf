use super::*;
use crate::timestamp::Timestamp;
use serde_json::json;
use std::io;
use std::sync::{Arc, Mutex};
use tracing::{error_span, info, warn};
use tracing_subscriber::layer::SubscriberExt;

#[derive(Clone, Default)]
struct Paper(Arc<Mutex<Vec<u8>>>);

impl io::Write for Paper {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The lines that are written meanwhile, as they stand.
fn written(act: impl FnOnce()) -> Vec<String> {
    let paper = Paper::default();
    let output = paper.clone();
    let clock = Clock::stopped_at(Timestamp::parse("2026-01-15T10:00:00Z").unwrap());
    let events = Events::new(clock, move || output.clone());
    let subscriber = tracing_subscriber::registry().with(events);
    tracing::subscriber::with_default(subscriber, act);
    let text = String::from_utf8(paper.0.lock().unwrap().clone()).unwrap();
    text.lines().map(str::to_owned).collect()
}

#[test]
fn an_event_is_one_line_with_its_time_and_level_first() {
    let lines = written(|| info!(tries = 3, item = %"a\nb", flag = true, "done"));
    assert_eq!(
        lines,
        [
            r#"{"timestamp":"2026-01-15T10:00:00.000Z","level":"INFO","message":"done","tries":3,"item":"a\nb","flag":true}"#
        ]
    );
}

#[test]
fn every_line_has_the_fields_of_the_spans_that_it_happened_in() {
    let lines = written(|| {
        let _outer = error_span!("request", correlation_id = "r1", job = "outer").entered();
        let _inner = error_span!("call", job = "inner").entered();
        warn!("slow");
    });
    let line: Value = serde_json::from_str(&lines[0]).unwrap();
    let expected = json!({
        "timestamp": "2026-01-15T10:00:00.000Z",
        "level": "WARN",
        "message": "slow",
        "correlation_id": "r1",
        "job": "inner",
    });
    assert_eq!(line, expected);
}

#[test]
fn what_an_event_says_itself_stands_there_once() {
    let lines = written(|| {
        let _span = error_span!("request", correlation_id = "span").entered();
        info!(correlation_id = "own", "done");
    });
    assert_eq!(lines[0].matches("correlation_id").count(), 1);
    assert!(
        lines[0].contains(r#""correlation_id":"own""#),
        "{}",
        lines[0]
    );
}

#[test]
fn a_field_that_is_known_later_is_there_later() {
    let lines = written(|| {
        let span = error_span!("request", correlation_id = tracing::field::Empty);
        let _entered = span.enter();
        info!("before");
        span.record("correlation_id", "r2");
        info!("after");
    });
    assert!(!lines[0].contains("correlation_id"), "{}", lines[0]);
    assert!(
        lines[1].contains(r#""correlation_id":"r2""#),
        "{}",
        lines[1]
    );
}
