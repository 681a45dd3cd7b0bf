//! The one place where this crate reads the clock; everything else is told the time.

use time::OffsetDateTime;

/// Now, in UTC.
#[must_use]
#[expect(
    clippy::disallowed_methods,
    reason = "this is the place that the ban points to, for this crate"
)]
pub fn now() -> OffsetDateTime {
    OffsetDateTime::now_utc()
}

/// Milliseconds since 1970, as AWS's own fields have them.
#[must_use]
pub fn epoch_ms(at: OffsetDateTime) -> i64 {
    i64::try_from(at.unix_timestamp_nanos() / 1_000_000).unwrap_or(i64::MAX)
}
