//! What time it is: the one place that reads the clock.

use crate::timestamp::Timestamp;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;
use time::OffsetDateTime;

/// Where the time comes from.
#[derive(Clone, Debug)]
pub struct Clock(Hands);

#[derive(Clone, Debug)]
enum Hands {
    System,
    Set(Arc<AtomicI64>),
}

impl Clock {
    /// The machine's clock.
    #[must_use]
    pub fn system() -> Self {
        Self(Hands::System)
    }

    /// A clock that stands still until [`Clock::advance`] moves it, for tests.
    #[must_use]
    pub fn stopped_at(time: Timestamp) -> Self {
        Self(Hands::Set(Arc::new(AtomicI64::new(time.unix_ms()))))
    }

    /// Moves a stopped clock, and all its clones; the machine's clock takes no notice.
    pub fn advance(&self, duration: Duration) {
        if let Hands::Set(milliseconds) = &self.0 {
            let step = i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
            milliseconds.fetch_add(step, Ordering::SeqCst);
        }
    }

    /// Waits for this long. A stopped clock is moved on by it.
    pub async fn sleep(&self, duration: Duration) {
        match &self.0 {
            Hands::System => tokio::time::sleep(duration).await,
            Hands::Set(_) => self.advance(duration),
        }
    }

    /// The time now.
    #[must_use]
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the one place that reads the machine's clock"
    )]
    pub fn now(&self) -> Timestamp {
        match &self.0 {
            Hands::System => OffsetDateTime::now_utc().into(),
            Hands::Set(milliseconds) => {
                Timestamp::from_unix_ms(milliseconds.load(Ordering::SeqCst))
                    .expect("tests stay between the years 1970 and 9999")
            }
        }
    }
}
