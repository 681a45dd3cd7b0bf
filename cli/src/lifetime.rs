//! How long a link is good, as the command line says it.

use std::str::FromStr;
use std::time::Duration;

/// S3 signs no link for longer.
const LONGEST: Duration = Duration::from_hours(7 * 24);

/// From one second to seven days.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LinkLifetime(Duration);

/// A text that says no such time.
#[derive(Debug, thiserror::Error)]
#[error("it has to be a whole number with s, m, h or d, from 1s to 7d, like 15m")]
pub struct InvalidLifetime;

impl LinkLifetime {
    /// It.
    pub fn duration(self) -> Duration {
        self.0
    }
}

impl FromStr for LinkLifetime {
    type Err = InvalidLifetime;

    fn from_str(text: &str) -> Result<Self, InvalidLifetime> {
        let digits = text.trim_end_matches(|character: char| !character.is_ascii_digit());
        let seconds: u64 = match text.strip_prefix(digits) {
            Some("s") => 1,
            Some("m") => 60,
            Some("h") => 3600,
            Some("d") => 86_400,
            _ => return Err(InvalidLifetime),
        };
        let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
        let number: u64 = digits.parse().map_err(|_| InvalidLifetime)?;
        let lifetime = number.checked_mul(seconds).map(Duration::from_secs);
        lifetime
            .filter(|it| is_number && (Duration::from_secs(1)..=LONGEST).contains(it))
            .map(Self)
            .ok_or(InvalidLifetime)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_a_number_and_a_unit() {
        for (text, seconds) in [
            ("1s", 1),
            ("15m", 900),
            ("2h", 7200),
            ("7d", 604_800),
            ("0090s", 90),
        ] {
            let lifetime: LinkLifetime = text.parse().unwrap();
            assert_eq!(lifetime.duration(), Duration::from_secs(seconds), "{text}");
        }
    }

    #[test]
    fn what_is_no_time_or_none_that_s3_signs_is_refused() {
        for text in [
            "",
            "s",
            "15",
            "0s",
            "0m",
            "8d",
            "169h",
            "604801s",
            "-1m",
            "+1m",
            "1.5h",
            "1h30m",
            "15 m",
            "15M",
            "1w",
            "99999999999999999999s",
            "18446744073709551615d",
        ] {
            assert!(text.parse::<LinkLifetime>().is_err(), "{text}");
        }
    }
}
