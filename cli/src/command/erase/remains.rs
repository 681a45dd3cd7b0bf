//! What remains of whom is erased, until when, and what ends it: of what this stack keeps, and of what others have.

use crate::deployment::Deployment;
use serde::Serialize;
use shared::timestamp::Timestamp;
use std::time::Duration;

const DAY: Duration = Duration::from_hours(24);
/// To any second of so many days the table can be restored: `DynamoDB`'s own, since the template says no other.
const POINT_IN_TIME_RECOVERY_DAYS: u32 = 35;
/// The longest time that CloudWatch offers for logs.
const LONGEST_LOG_DAYS: u32 = 3653;

/// Something that remains.
#[derive(Debug, Serialize)]
pub struct Remainder {
    what: &'static str,
    /// Until when, where that is known.
    until: Option<Timestamp>,
    /// What ends it.
    ends: &'static str,
}

/// For how many days a deployment keeps its logs; `None` where it does not say so. CloudWatch goes by the parameter as it is now, for all logs. Of the
/// table the parameter of now decides nothing: an item's time to live was set by that of then.
pub fn log_days(deployment: &Deployment) -> Option<u32> {
    let days = deployment.output("LogRetentionDays").ok()?.parse().ok()?;
    (days <= LONGEST_LOG_DAYS).then_some(days)
}

impl Remainder {
    const fn without_end(what: &'static str, ends: &'static str) -> Self {
        Self {
            what,
            until: None,
            ends,
        }
    }

    /// As a line says it.
    pub fn line(&self) -> String {
        let Self { what, until, ends } = self;
        match until {
            Some(until) => format!("remains until {until}: {what} (ended by {ends})"),
            None => format!("remains: {what} (ended by {ends})"),
        }
    }
}

/// All that `docs/erasing.md` lists as well. A tombstone is of a person, and none is set for an attempt alone.
pub fn remains(erased_at: Timestamp, log_days: Option<u32>, is_of_person: bool) -> Vec<Remainder> {
    let mut remains = of_ours(erased_at, log_days);
    if is_of_person {
        remains.push(Remainder::without_end(
            "the tombstone, which keeps out what comes late: the keyed hash of what the person is known by, and since when",
            "`hooks erase --lift`, and by nothing else",
        ));
    }
    remains.extend(of_others());
    remains
}

fn of_ours(erased_at: Timestamp, log_days: Option<u32>) -> Vec<Remainder> {
    let after = |days: u32| Some(erased_at.plus(DAY * days));
    vec![
        Remainder {
            what: "what the table was before, for point-in-time recovery: whoever restores it has to erase anew",
            until: after(POINT_IN_TIME_RECOVERY_DAYS),
            ends: "DynamoDB",
        },
        Remainder::without_end(
            "that events came: their keys, which hold vendors' ids and of Testlify's attempts the keyed hash of the address, when and how often they came, and the SHA-256 of their bytes",
            "time to live, `RetentionDays` after the last of them came, as that was set then; nothing, if it was 0",
        ),
        Remainder::without_end(
            "of each attempt the state that says that it is erased, with its id: it keeps out what comes late",
            "nothing",
        ),
        Remainder::without_end(
            "reports whose attempt has already expired from the table",
            "the bucket's own expiry while `RetentionDays` is not 0, 30 days later for earlier versions; or `hooks erase --source … --attempt …`",
        ),
        Remainder {
            what: "logs, which hold nobody's name or address: events' and attempts' ids",
            until: log_days.and_then(after),
            ends: "CloudWatch, by `LogRetentionDays`",
        },
    ]
}

fn of_others() -> [Remainder; 3] {
    [
        Remainder::without_end(
            "backups, exports and replicas that you have made yourself, of the table or the bucket",
            "you, who delete them",
        ),
        Remainder::without_end(
            "what other systems have taken from the event bus: each of these attempts is published as erased",
            "those systems, which act on `erased: true`",
        ),
        Remainder::without_end("what the vendors have", "the vendors, whom you ask"),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEMPLATE: &str = include_str!("../../../../template.yaml");
    const PAGE: &str = include_str!("../../../../docs/erasing.md");

    fn of(log_days: Option<u32>) -> Vec<Remainder> {
        let erased_at = Timestamp::parse("2026-01-15T10:00:00Z").unwrap();
        remains(erased_at, log_days, true)
    }

    /// Until when what is said in these words remains, and what ends it.
    fn until(remains: &[Remainder], what: &str) -> (Option<String>, &'static str) {
        let mut found = remains.iter().filter(|it| it.what.contains(what));
        let (one, none) = (found.next().unwrap(), found.next());
        assert!(none.is_none(), "{what}");
        (one.until.map(|it| it.to_string()), one.ends)
    }

    #[test]
    fn a_receipt_lists_what_the_page_about_erasing_does() {
        let (_, table) = PAGE.split_once("| what remains | until |\n").unwrap();
        let rows = table.lines().take_while(|line| line.starts_with('|'));
        // Without the line below the heading.
        let rows: Vec<&str> = rows.skip(1).collect();
        let remains = of(None);
        assert_eq!(remains.len(), rows.len());
        for (remainder, row) in remains.iter().zip(rows) {
            let first = |text: &str| {
                text.split([' ', ',', ':'])
                    .take(3)
                    .collect::<Vec<_>>()
                    .join(" ")
            };
            let said = row.trim_start_matches("| ");
            assert_eq!(first(remainder.what), first(said), "{row}");
        }
    }

    #[test]
    fn a_receipt_says_until_when_the_table_can_be_restored() {
        let (until, _) = until(&of(None), "point-in-time recovery");
        assert_eq!(until.unwrap(), "2026-02-19T10:00:00.000Z", "35 days later");
        let restored = "PointInTimeRecoveryEnabled: true";
        assert!(TEMPLATE.contains(restored) && !TEMPLATE.contains("RecoveryPeriodInDays"));
        assert!(PAGE.contains("| 35 days after."));
    }

    #[test]
    fn logs_end_when_their_parameter_says() {
        let (logs, _) = until(&of(Some(30)), "logs, which");
        assert_eq!(logs.unwrap(), "2026-02-14T10:00:00.000Z", "30 days later");
        let longest = format!("{LONGEST_LOG_DAYS}]");
        assert!(TEMPLATE.contains(&longest), "the last that may be chosen");
    }

    #[test]
    fn what_nobody_knows_the_end_of_is_named_by_what_decides_it() {
        for (what, parameter) in [
            ("that events came", "`RetentionDays`"),
            ("reports whose attempt", "`RetentionDays`"),
            ("logs, which", "`LogRetentionDays`"),
        ] {
            let (until, by) = until(&of(None), what);
            assert!(until.is_none() && by.contains(parameter), "{what}: {by}");
        }
        let noncurrent = "NoncurrentDays: 30\n";
        assert!(TEMPLATE.contains(noncurrent), "as is said of reports");
    }

    #[test]
    fn a_tombstone_remains_of_a_person_and_until_it_is_lifted() {
        let (until_when, by) = until(&of(Some(30)), "the tombstone");
        assert!(until_when.is_none() && by.contains("--lift"), "{by}");
        let of_attempt = remains(Timestamp::EPOCH, None, false);
        assert!(of_attempt.iter().all(|it| !it.what.contains("tombstone")));
        assert_eq!(of_attempt.len() + 1, of(None).len());
    }
}
