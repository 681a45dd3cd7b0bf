//! A point in time, in UTC, to the millisecond.
//!
//! Its text is RFC 3339 of a fixed width (`2026-01-15T10:00:00.000Z`), so that texts sort as times do: the table's indexes
//! lean on that.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::fmt;
use std::time::Duration;
use time::format_description::BorrowedFormatItem;
use time::format_description::well_known::Rfc3339;
use time::macros::format_description;
use time::{OffsetDateTime, PrimitiveDateTime};

const TEXT: &[BorrowedFormatItem<'static>] =
    format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z");
const DAY: &[BorrowedFormatItem<'static>] = format_description!("[year]-[month]-[day]");
const ZONELESS: &[BorrowedFormatItem<'static>] =
    format_description!("[year]-[month]-[day]T[hour]:[minute]:[second][optional [.[subsecond]]]");

/// A point in time, in UTC, to the millisecond.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(OffsetDateTime);

/// A text that is no time in the form asked for.
#[derive(Debug, thiserror::Error)]
#[error("not a time in RFC 3339 (like 2026-01-15T10:00:00Z)")]
pub struct InvalidTimestamp;

impl Timestamp {
    /// The beginning of 1970.
    pub const EPOCH: Self = Self(OffsetDateTime::UNIX_EPOCH);

    /// From milliseconds since the epoch. `None` outside the years that a time can have.
    #[must_use]
    pub fn from_unix_ms(milliseconds: i64) -> Option<Self> {
        let nanoseconds = i128::from(milliseconds) * 1_000_000;
        OffsetDateTime::from_unix_timestamp_nanos(nanoseconds)
            .ok()
            .filter(|time| (1970..=9999).contains(&time.year()))
            .map(Self)
    }

    /// Milliseconds since the epoch.
    #[must_use]
    pub fn unix_ms(self) -> i64 {
        let milliseconds = self.0.unix_timestamp_nanos() / 1_000_000;
        i64::try_from(milliseconds).expect("the years 1970 to 9999 fit")
    }

    /// Seconds since the epoch, as DynamoDB's time to live wants them.
    #[must_use]
    pub fn unix_seconds(self) -> i64 {
        self.0.unix_timestamp()
    }

    /// Reads RFC 3339, with a zone.
    pub fn parse(text: &str) -> Result<Self, InvalidTimestamp> {
        let time = OffsetDateTime::parse(text, &Rfc3339).map_err(|_| InvalidTimestamp)?;
        Self::truncated(time)
    }

    /// Reads RFC 3339, or the same without a zone, which is then taken as UTC.
    pub fn parse_utc(text: &str) -> Result<Self, InvalidTimestamp> {
        Self::parse(text).or_else(|_| {
            let time = PrimitiveDateTime::parse(text, &ZONELESS).map_err(|_| InvalidTimestamp)?;
            Self::truncated(time.assume_utc())
        })
    }

    fn truncated(time: OffsetDateTime) -> Result<Self, InvalidTimestamp> {
        // The same in every zone, and not made by way of UTC: there the end of the year 9999 may be in the year 10000, which panics.
        let milliseconds = time.unix_timestamp_nanos() / 1_000_000;
        i64::try_from(milliseconds)
            .ok()
            .and_then(Self::from_unix_ms)
            .ok_or(InvalidTimestamp)
    }

    /// The day in UTC, like `2026-01-15`.
    #[must_use]
    pub fn day(self) -> String {
        self.0
            .format(DAY)
            .expect("a date has a year, a month and a day")
    }

    /// How long it is since an earlier time; nought if that is later.
    #[must_use]
    pub fn milliseconds_since(self, earlier: Self) -> u64 {
        u64::try_from(self.unix_ms() - earlier.unix_ms()).unwrap_or_default()
    }

    /// This time moved on.
    #[must_use]
    pub fn plus(self, duration: Duration) -> Self {
        let milliseconds = i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
        Self::from_unix_ms(self.unix_ms().saturating_add(milliseconds)).unwrap_or(self)
    }

    /// This time moved back.
    #[must_use]
    pub fn minus(self, duration: Duration) -> Self {
        let milliseconds = i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
        Self::from_unix_ms(self.unix_ms().saturating_sub(milliseconds)).unwrap_or(self)
    }
}

impl From<OffsetDateTime> for Timestamp {
    /// Times before 1970 become 1970.
    fn from(time: OffsetDateTime) -> Self {
        Self::truncated(time).unwrap_or(Self::EPOCH)
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.0.format(TEXT).map_err(|_| fmt::Error)?;
        formatter.write_str(&text)
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_sort_as_times_do() {
        let earlier = Timestamp::from_unix_ms(1_768_471_199_999).unwrap();
        let later = Timestamp::from_unix_ms(1_768_471_200_000).unwrap();
        assert_eq!(earlier.to_string(), "2026-01-15T09:59:59.999Z");
        assert_eq!(later.to_string(), "2026-01-15T10:00:00.000Z");
        assert!(earlier < later && earlier.to_string() < later.to_string());
    }

    #[test]
    fn zones_are_undone_and_their_absence_is_utc() {
        let expected = "2026-01-15T10:00:00.000Z";
        for text in [
            "2026-01-15T12:00:00+02:00",
            "2026-01-15T10:00:00",
            "2026-01-15T10:00:00.0004",
        ] {
            assert_eq!(Timestamp::parse_utc(text).unwrap().to_string(), expected);
        }
        assert!(Timestamp::parse("2026-01-15T10:00:00").is_err());
    }

    #[test]
    fn a_time_that_is_beyond_the_last_year_only_in_utc_is_refused() {
        for text in ["9999-12-31T23:59:59-00:01", "9999-12-31T12:00:00-12:01"] {
            assert!(Timestamp::parse(text).is_err(), "{text}");
            assert!(Timestamp::parse_utc(text).is_err(), "{text}");
        }
        assert!(Timestamp::parse("1970-01-01T00:00:00+00:01").is_err());
        assert!(Timestamp::parse("9999-12-31T23:59:59-00:00").is_ok());
    }

    #[test]
    fn nonsense_is_refused() {
        for text in [
            "",
            "yesterday",
            "09-Oct-2020 06:51 PM",
            "+99999-01-01T00:00:00Z",
        ] {
            assert!(Timestamp::parse_utc(text).is_err(), "{text}");
        }
        assert!(Timestamp::from_unix_ms(i64::MAX).is_none());
        assert!(Timestamp::from_unix_ms(-1).is_none());
    }
}
