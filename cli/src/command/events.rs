//! `hooks events`: what came, exactly as it came.

use crate::args::{EventsListArgs, EventsShowArgs};
use crate::command::reprocess::counted;
use crate::deployment::Deployment;
use crate::exit::WrongUse;
use crate::output::{self, or_dash};
use crate::sources;
use crate::view::{self, EventDetails};
use anyhow::Context;
use shared::key::EventId;
use shared::store::{EventSummary, StoredEvent};
use std::io::Write;
use std::time::Duration;

/// Lists events.
pub async fn list(
    deployment: &Deployment,
    args: &EventsListArgs,
    json: bool,
) -> anyhow::Result<()> {
    let sources = sources::named_or_all(args.source.as_deref())?;
    let events = view::events(deployment, &sources, args.days).await?;
    if json {
        return output::json(&events);
    }
    let rows: Vec<_> = events.iter().map(row).collect();
    output::table(
        ["first received", "event", "kind", "deliveries", "attempt"],
        &rows,
    )
}

fn row(event: &EventSummary) -> [String; 5] {
    [
        event.first_received.to_string(),
        event.id.to_string(),
        event.kind.to_string(),
        event.deliveries.to_string(),
        or_dash(event.attempt.as_ref()),
    ]
}

/// Shows one event, or writes its exact body.
pub async fn show(
    deployment: &Deployment,
    args: &EventsShowArgs,
    json: bool,
) -> anyhow::Result<()> {
    let event = find(deployment, args).await?;
    if args.raw {
        let body = deployment.table.event_body(&event).await?;
        return Ok(std::io::stdout().lock().write_all(&body)?);
    }
    let details = EventDetails {
        summary: event.summary,
        event: event.event,
        replays: event.replays,
    };
    if json {
        return output::json(&details);
    }
    print(&details)
}

async fn find(deployment: &Deployment, args: &EventsShowArgs) -> anyhow::Result<StoredEvent> {
    let id: EventId = args
        .id
        .parse()
        .map_err(|error| WrongUse(format!("{error}")))?;
    sources::named(id.source())?;
    let until = deployment.clock.now();
    let since = until.minus(Duration::from_hours(24) * (args.days.get() - 1));
    let found = deployment.table.find_event(&id, since, until).await?;
    found.with_context(|| format!("there is no event {id} of the last {} days", args.days))
}

fn print(details: &EventDetails) -> anyhow::Result<()> {
    let EventDetails {
        summary,
        event,
        replays,
    } = details;
    output::line(&format!("{} {}", summary.id, summary.kind))?;
    output::line(&format!(
        "    received {} times, from {} to {}",
        summary.deliveries, summary.first_received, summary.last_received
    ))?;
    if *replays > 0 {
        let times = counted(usize::try_from(*replays)?, "time");
        output::line(&format!("    read anew {times} with another outcome"))?;
    }
    output::line(&serde_json::to_string_pretty(event)?)
}
