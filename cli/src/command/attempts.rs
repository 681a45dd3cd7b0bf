//! `hooks attempts`: where the candidates stand.

mod read;

pub use read::read;

use crate::args::{AttemptsListArgs, AttemptsShowArgs};
use crate::command::reports;
use crate::deployment::Deployment;
use crate::output;
use crate::sources;
use crate::view::{self, AttemptDetails, AttemptView};
use anyhow::Context;
use shared::store::{Asked, Confirmation};

/// Lists attempts.
pub async fn list(
    deployment: &Deployment,
    args: &AttemptsListArgs,
    json: bool,
) -> anyhow::Result<()> {
    let sources = sources::named_or_all(args.source.as_deref())?;
    let mut attempts = if let Some(email) = &args.email {
        of_person(deployment, email).await?
    } else {
        let events = view::events(deployment, &sources, args.days).await?;
        view::attempts(deployment, &events).await?
    };
    attempts.retain(|attempt| sources.iter().any(|source| source.name == attempt.source));
    attempts.retain(|attempt| args.status.is_none() || attempt.status == args.status);
    if json {
        return output::json(&attempts);
    }
    print(&attempts)
}

async fn of_person(deployment: &Deployment, email: &str) -> anyhow::Result<Vec<AttemptView>> {
    let candidate_key = deployment.hash_key().await?.hash(email);
    let mut attempts = Vec::new();
    for state in deployment.table.states_of_candidate(&candidate_key).await? {
        attempts.extend(view::attempt_view(deployment, &state.source, &state.attempt).await?);
    }
    Ok(attempts)
}

/// Prints attempts for people.
pub fn print<'a>(attempts: impl IntoIterator<Item = &'a AttemptView>) -> anyhow::Result<()> {
    let rows: Vec<_> = attempts.into_iter().map(AttemptView::row).collect();
    output::table(AttemptView::HEADINGS, &rows)
}

/// Shows one attempt.
pub async fn show(
    deployment: &Deployment,
    args: &AttemptsShowArgs,
    json: bool,
) -> anyhow::Result<()> {
    let source = sources::named(&args.source)?;
    let details = view::attempt_details(deployment, source.name, &args.attempt).await?;
    let details = details.with_context(|| {
        format!(
            "nothing is known of the attempt {} of {}: `hooks attempts list` shows those that are",
            args.attempt, args.source
        )
    })?;
    if json {
        return output::json(&details);
    }
    print_details(&details)
}

fn print_details(details: &AttemptDetails) -> anyhow::Result<()> {
    for (heading, value) in AttemptView::HEADINGS.iter().zip(details.attempt.row()) {
        output::line(&format!("{heading:<12}{value}"))?;
    }
    if let Some(asked) = &details.asked {
        output::line(&format!("{:<12}{}", "asked for", asked_text(asked)))?;
    }
    if let Some(confirmation) = &details.confirmation {
        output::line(&format!(
            "{:<12}{}",
            "api says",
            confirmation_text(confirmation)
        ))?;
    }
    let report = details.attempt.report.as_ref();
    for (heading, value) in report.into_iter().flat_map(reports::details) {
        output::line(&format!("{heading:<12}{value}"))?;
    }
    for event in &details.events {
        output::line(&format!(
            "{}  {:<24}{}  {}×  {}",
            event.first_received,
            event.kind.to_string(),
            event.id,
            event.deliveries,
            event.origin.name()
        ))?;
    }
    Ok(())
}

/// `differs in status, score: read 2026-…`.
fn confirmation_text(confirmation: &Confirmation) -> String {
    let outcome = confirmation.outcome.name();
    let differences: Vec<&str> = confirmation
        .differences
        .iter()
        .map(|it| it.name())
        .collect();
    let differences = match differences.as_slice() {
        [] => String::new(),
        names => format!(" in {}", names.join(", ")),
    };
    let read = match confirmation.read_at {
        Some(read_at) => format!("read {read_at}"),
        None => "not read yet".to_owned(),
    };
    format!("{outcome}{differences}: {read}")
}

/// `answered: requested 2026-…, asked 1 times, last at 2026-…, answered 2026-… (3 s later)`.
fn asked_text(asked: &Asked) -> String {
    let outcome = asked.outcome.name();
    let asked_then = match asked.asked_at {
        Some(asked_at) => format!("asked {} times, last at {asked_at}", asked.times),
        None => "the vendor was not asked yet".to_owned(),
    };
    let after = |ms: u64| format!(" ({} s later)", ms.div_ceil(1000));
    let after = asked.latency_ms.map(after).unwrap_or_default();
    let answered = asked
        .answered_at
        .map(|at| format!(", answered {at}{after}"));
    let answered = answered.unwrap_or_default();
    let requested = asked.requested_at;
    format!("{outcome}: requested {requested}, {asked_then}{answered}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use shared::store::{ConfirmationOutcome, Difference};
    use shared::timestamp::Timestamp;

    #[test]
    fn what_the_api_says_otherwise_is_named() {
        let mut confirmation = Confirmation {
            outcome: ConfirmationOutcome::Pending,
            requested_at: Timestamp::EPOCH,
            read_at: None,
            differences: Vec::new(),
        };
        assert_eq!(confirmation_text(&confirmation), "pending: not read yet");
        confirmation.outcome = ConfirmationOutcome::Differs;
        confirmation.read_at = Some(Timestamp::EPOCH);
        confirmation.differences = vec![Difference::Status, Difference::Score];
        assert_eq!(
            confirmation_text(&confirmation),
            "differs in status, score: read 1970-01-01T00:00:00.000Z"
        );
    }
}
