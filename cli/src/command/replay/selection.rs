//! Which events are read anew.

use crate::args::replay::ReplayArgs;
use crate::command::reconcile::time;
use crate::command::replay::result::Problem;
use crate::deployment::Deployment;
use crate::exit::WrongUse;
use crate::sources::{self, Entry};
use futures_util::{StreamExt, TryStreamExt, stream};
use serde::Serialize;
use shared::event::Kind;
use shared::key::{EventId, ItemKey};
use shared::store::EventSummary;
use shared::timestamp::Timestamp;
use std::fmt;
use std::time::Duration;

const AT_ONCE: usize = 16;
const DAY: Duration = Duration::from_hours(24);
/// How far back it goes where nothing is said.
const USUAL: Duration = Duration::from_hours(24 * 31);
/// How far back an id is looked for, and how long a time is looked through at most: each day costs sixteen queries for each source.
const LONGEST: Duration = Duration::from_hours(24 * 400);

/// What was asked for.
pub enum Selection {
    /// These.
    Ids(Vec<EventId>),
    /// All that are like this.
    Like(Like),
}

pub struct Like {
    sources: Vec<Entry>,
    from: Option<Timestamp>,
    to: Option<Timestamp>,
    /// Of any, if it names none.
    kinds: Vec<Kind>,
}

/// An event that was chosen.
pub struct Item {
    pub key: ItemKey,
    pub summary: EventSummary,
    pub source: Entry,
}

impl Item {
    fn age(&self) -> (Timestamp, &EventId) {
        (self.summary.first_received, &self.summary.id)
    }
}

/// What was chosen, oldest first, or in the order of the ids.
pub struct Chosen {
    pub items: Vec<Item>,
    /// The ids that no event was found for.
    pub problems: Vec<Problem>,
    by_id: bool,
}

/// What is left of a replay that was stopped, as it is asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Rest {
    /// These ids.
    Ids(Vec<EventId>),
    /// The same from here on.
    From(Timestamp),
}

impl fmt::Display for Rest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ids(ids) => {
                let ids: Vec<&str> = ids.iter().map(EventId::as_str).collect();
                write!(formatter, "`hooks replay {}`", ids.join(" "))
            }
            Self::From(from) => write!(formatter, "the same command with `--from {from}`"),
        }
    }
}

impl Chosen {
    /// What there is from this item on.
    pub fn rest(&self, number: usize) -> Option<Rest> {
        let rest = self.items.get(number..)?;
        let first = rest.first()?.summary.first_received;
        let ids = || rest.iter().map(|item| item.summary.id.clone()).collect();
        Some(if self.by_id {
            Rest::Ids(ids())
        } else {
            Rest::From(first)
        })
    }
}

impl Selection {
    /// What the command line says.
    pub fn parse(args: &ReplayArgs) -> Result<Self, WrongUse> {
        if !args.ids.is_empty() {
            return ids(&args.ids).map(Self::Ids);
        }
        let from = args.from.as_deref().map(|it| time("--from", it));
        let to = args.to.as_deref().map(|it| time("--to", it));
        let like = Like {
            sources: sources::named_or_all(args.source.as_deref())?,
            from: from.transpose()?,
            to: to.transpose()?,
            kinds: kinds(args),
        };
        let says_nothing = args.source.is_none() && like.from.is_none() && like.kinds.is_empty();
        if says_nothing {
            let help = "say which events: by their ids, or by --source, --from, --kind or --unreadable; --plan shows what would become of them";
            return Err(WrongUse(help.into()));
        }
        Ok(Self::Like(like))
    }

    /// The events.
    pub async fn find(&self, deployment: &Deployment) -> anyhow::Result<Chosen> {
        match self {
            Self::Ids(ids) => of_ids(deployment, ids).await,
            Self::Like(like) => like.find(deployment).await,
        }
    }
}

fn kinds(args: &ReplayArgs) -> Vec<Kind> {
    let unreadable = args.unreadable.then_some(Kind::Unreadable);
    args.kind.iter().copied().chain(unreadable).collect()
}

/// Each once.
fn ids(texts: &[String]) -> Result<Vec<EventId>, WrongUse> {
    let mut ids: Vec<EventId> = Vec::new();
    for text in texts {
        let id: EventId = text.parse().map_err(|error| WrongUse(format!("{error}")))?;
        sources::named(id.source())?;
        if !ids.contains(&id) {
            ids.push(id);
        }
    }
    Ok(ids)
}

async fn of_ids(deployment: &Deployment, ids: &[EventId]) -> anyhow::Result<Chosen> {
    let mut chosen = Chosen {
        items: Vec::new(),
        problems: Vec::new(),
        by_id: true,
    };
    let until = deployment.clock.now();
    for id in ids {
        let found = deployment.table.find_event(id, until.minus(LONGEST), until);
        let problem = match found.await? {
            None => "there is no such event of the last 400 days",
            Some(event) if !event.summary.origin.is_call() => {
                "nobody called with it: it is what the vendor's API said"
            }
            Some(event) => {
                chosen.items.push(Item {
                    source: sources::named(id.source())?,
                    key: event.key,
                    summary: event.summary,
                });
                continue;
            }
        };
        chosen.problems.push(Problem::new(id, problem));
    }
    Ok(chosen)
}

impl Like {
    async fn find(&self, deployment: &Deployment) -> anyhow::Result<Chosen> {
        let (from, to) = self.window(deployment.clock.now())?;
        let days = days(from, to);
        let queries: Vec<(Entry, &str)> = self
            .sources
            .iter()
            .flat_map(|source| days.iter().map(|day| (*source, day.as_str())))
            .collect();
        // Of each day only what is meant is kept: there may be millions besides.
        let found = stream::iter(queries).map(|(source, day)| async move {
            let places = deployment.table.places_of_day(source.name, day).await?;
            let places = places.into_iter();
            let like = places.filter(|(_, summary)| self.is_like(summary, from, to));
            let items = like.map(|(key, summary)| Item {
                key,
                summary,
                source,
            });
            anyhow::Ok(items.collect::<Vec<_>>())
        });
        let found: Vec<Vec<Item>> = found.buffered(AT_ONCE).try_collect().await?;
        let mut items: Vec<Item> = found.into_iter().flatten().collect();
        items.sort_by(|a, b| a.age().cmp(&b.age()));
        Ok(Chosen {
            items,
            problems: Vec::new(),
            by_id: false,
        })
    }

    fn window(&self, now: Timestamp) -> Result<(Timestamp, Timestamp), WrongUse> {
        // What came in this very moment is meant, too.
        let to = self
            .to
            .unwrap_or_else(|| now.plus(Duration::from_millis(1)));
        let from = self.from.unwrap_or_else(|| to.minus(USUAL));
        if from >= to {
            return Err(WrongUse(format!("--from {from} is not before --to {to}")));
        }
        if from.plus(LONGEST) < to {
            let help = "400 days at most are looked through at a time: give a later --from, or an earlier --to";
            return Err(WrongUse(help.into()));
        }
        Ok((from, to))
    }

    /// What a vendor's API said has another reader, and is asked for anew instead.
    fn is_like(&self, event: &EventSummary, from: Timestamp, to: Timestamp) -> bool {
        event.origin.is_call()
            && (from..to).contains(&event.first_received)
            && (self.kinds.is_empty() || self.kinds.contains(&event.kind))
    }
}

/// The days that have a part in the time.
fn days(from: Timestamp, to: Timestamp) -> Vec<String> {
    let mut days = Vec::new();
    let mut time = from;
    while time.day() < to.day() {
        days.push(time.day());
        time = time.plus(DAY);
    }
    days.push(to.day());
    days
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::{Cli, Command};
    use clap::Parser;
    use shared::store::Origin;

    const ID: &str = "xobin.0123456789abcdef0123456789abcdef";

    fn parsed(options: &str) -> Result<Selection, String> {
        let words = ["hooks", "replay"]
            .into_iter()
            .chain(options.split_whitespace());
        let cli = Cli::try_parse_from(words).map_err(|error| error.to_string())?;
        let Command::Replay(args) = cli.command else {
            unreachable!("it is what was parsed")
        };
        Selection::parse(&args).map_err(|error| error.to_string())
    }

    fn like(options: &str) -> Like {
        match parsed(options) {
            Ok(Selection::Like(like)) => like,
            _ => panic!("{options}"),
        }
    }

    fn at(text: &str) -> Timestamp {
        Timestamp::parse(text).unwrap()
    }

    fn event(received: &str, kind: Kind, origin: Origin) -> EventSummary {
        EventSummary {
            id: ID.parse().unwrap(),
            source: "xobin".into(),
            attempt: None,
            kind,
            first_received: at(received),
            last_received: at(received),
            deliveries: 1,
            origin,
        }
    }

    #[test]
    fn everything_is_never_meant_by_saying_nothing() {
        for options in ["", "--plan", "--to 2026-01-15"] {
            let error = parsed(options).err().unwrap();
            assert!(error.contains("--unreadable"), "{options}: {error}");
        }
        for options in [
            "--source mocha",
            "--kind done",
            "--from yesterday",
            "xobin.1",
            "mocha.0123456789abcdef0123456789abcdef",
            &format!("{ID} --unreadable"),
            "--unreadable --per-second 0",
        ] {
            assert!(parsed(options).is_err(), "{options}");
        }
    }

    #[test]
    fn an_id_counts_once() {
        let Ok(Selection::Ids(ids)) = parsed(&format!("{ID} {ID}")) else {
            panic!("ids are ids");
        };
        assert_eq!(ids, [ID.parse().unwrap()]);
    }

    #[test]
    fn the_time_is_the_last_month_unless_it_is_said() {
        let now = at("2026-02-01T10:00:00Z");
        let window = |options: &str| like(options).window(now).map_err(|it| it.to_string());
        let (from, to) = window("--unreadable").unwrap();
        assert_eq!(to.milliseconds_since(now), 1);
        assert_eq!(from, to.minus(USUAL));
        let (from, to) = window("--from 2026-01-15 --to 2026-01-16").unwrap();
        assert_eq!(from, at("2026-01-15T00:00:00Z"));
        assert_eq!(to, at("2026-01-16T00:00:00Z"));
        assert!(window("--from 2026-01-16 --to 2026-01-16").is_err());
        assert!(
            window("--from 2024-01-16")
                .unwrap_err()
                .contains("400 days")
        );
    }

    #[test]
    fn days_are_those_that_the_time_touches() {
        let of = |from, to| days(at(from), at(to));
        let (evening, night) = ("2026-01-15T23:59:59Z", "2026-01-16T00:00:01Z");
        assert_eq!(of(evening, night), ["2026-01-15", "2026-01-16"]);
        assert_eq!(of(night, "2026-01-16T23:00:00Z"), ["2026-01-16"]);
        assert_eq!(of(night, "2026-01-18T00:00:00Z").len(), 3);
    }

    #[test]
    fn what_is_chosen_came_by_a_call_in_the_time_and_is_of_the_kinds() {
        let (from, to) = (at("2026-01-15T00:00:00Z"), at("2026-01-16T00:00:00Z"));
        let like = like("--kind unknown --unreadable");
        let is = |received, kind, origin| like.is_like(&event(received, kind, origin), from, to);
        let noon = "2026-01-15T12:00:00Z";
        assert!(is(noon, Kind::Unreadable, Origin::Webhook));
        assert!(is(noon, Kind::Unknown, Origin::Replay));
        assert!(!is(noon, Kind::Decided, Origin::Webhook));
        assert!(!is(noon, Kind::Unknown, Origin::Api));
        assert!(!is(noon, Kind::Unknown, Origin::Reconcile));
        assert!(is("2026-01-15T00:00:00Z", Kind::Unknown, Origin::Webhook));
        assert!(!is("2026-01-16T00:00:00Z", Kind::Unknown, Origin::Webhook));
        assert!(!is("2026-01-14T23:59:59Z", Kind::Unknown, Origin::Webhook));
    }

    #[test]
    fn what_is_left_is_asked_for_as_the_whole_was() {
        let item = |received| Item {
            key: ItemKey::of_vendor("xobin", "event#1"),
            summary: event(received, Kind::Unreadable, Origin::Webhook),
            source: sources::named("xobin").unwrap(),
        };
        let chosen = |by_id| Chosen {
            items: vec![item("2026-01-15T10:00:00Z"), item("2026-01-15T11:00:00Z")],
            problems: Vec::new(),
            by_id,
        };
        let from = Rest::From(at("2026-01-15T11:00:00Z"));
        assert_eq!(chosen(false).rest(1), Some(from.clone()));
        assert_eq!(
            from.to_string(),
            "the same command with `--from 2026-01-15T11:00:00.000Z`"
        );
        let ids = Rest::Ids(vec![ID.parse().unwrap()]);
        assert_eq!(chosen(true).rest(1), Some(ids));
        assert_eq!(chosen(true).rest(2), None);
    }
}
