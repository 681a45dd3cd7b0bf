//! Times, as the vendors write them.

use crate::assert_shows_nothing;
use serde_json::Value;
use shared::lenient;
use shared::timestamp::Timestamp;
use std::time::Duration;

/// A text, and the JSON that it may be.
pub fn timestamp(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let strict = Timestamp::parse(text);
    let zoneless = Timestamp::parse_utc(text);
    if let Ok(strict) = &strict {
        assert_eq!(
            zoneless.as_ref().ok(),
            Some(strict),
            "one that has a zone keeps it"
        );
    }
    for time in [strict, zoneless] {
        match time {
            Ok(time) => check(time),
            Err(error) => assert_shows_nothing(&error.to_string()),
        }
    }
    let value = serde_json::from_str(text).unwrap_or_else(|_| Value::from(text));
    if let Some(time) = lenient::as_time(&value) {
        check(time);
    }
}

fn check(time: Timestamp) {
    let text = time.to_string();
    assert_eq!(Timestamp::parse(&text).ok(), Some(time), "{text}");
    assert_eq!(
        Timestamp::from_unix_ms(time.unix_ms()),
        Some(time),
        "{text}"
    );
    assert!(text.starts_with(&time.day()), "{text}");
    for seconds in [0, 1, 86_400, u64::MAX] {
        let (later, earlier) = (
            time.plus(Duration::from_secs(seconds)),
            time.minus(Duration::from_secs(seconds)),
        );
        assert!(earlier <= time && time <= later, "{text}");
        assert_eq!(time.milliseconds_since(later), 0, "{text}");
    }
}
