//! `hooks tail`: prints the changes of attempts as they are published.
//!
//! The bus keeps nothing, so that whoever wants to see what comes has to ask for it first: by a queue and a rule of its own, which
//! are there while the command runs. It goes the same way on the local bundle and on a stack.

mod line;
mod subscription;

pub use line::Change;
pub use subscription::Subscription;

use crate::args::TailArgs;
use crate::deployment::Deployment;
use crate::output::{self, Reader};
use crate::sources;
use line::Columns;
use serde_json::{Map, Value, json};
use shared::event::Status;
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};
use worker::change::{SOURCE, TYPE};

/// What is older was left by a command that was killed.
const LEFT_BEHIND: Duration = Duration::from_hours(24);

/// Prints what comes, until Ctrl-C.
pub async fn run(deployment: &Deployment, args: &TailArgs, json: bool) -> anyhow::Result<()> {
    let pattern = pattern(args)?;
    let subscription = Subscription::new(deployment)?;
    let tail = async {
        subscription.remove_left_behind(LEFT_BEHIND).await;
        let url = subscription.begin(&pattern).await?;
        eprintln!(
            "listening on {}; what is published from now on is shown, Ctrl-C ends it",
            subscription.bus()
        );
        show(&subscription, &url, json).await
    };
    let shown = tokio::select! {
        shown = tail => shown,
        stopped = stopped() => stopped,
    };
    let removed = subscription.end().await;
    shown.and(removed)
}

async fn show(subscription: &Subscription<'_>, url: &str, json: bool) -> anyhow::Result<()> {
    let mut columns = Columns::default();
    if !json && output::line_for(&columns.headings())? == Reader::Gone {
        return Ok(());
    }
    loop {
        for message in subscription.receive(url).await? {
            let text = match Change::read(message.body()) {
                Ok(change) if json => change.json(),
                Ok(change) => columns.row(&change),
                Err(problem) => {
                    eprintln!("what came is not shown: {problem}");
                    subscription.done_with(url, message).await?;
                    continue;
                }
            };
            if output::line_for(&text)? == Reader::Gone {
                return Ok(());
            }
            subscription.done_with(url, message).await?;
        }
    }
}

/// A pattern that lets every change through.
pub fn everything() -> Value {
    json!({ "source": [SOURCE], "detail-type": [TYPE] })
}

/// What the rule lets through: EventBridge filters, so that nothing is sent that is not shown.
fn pattern(args: &TailArgs) -> anyhow::Result<Value> {
    let mut data = Map::new();
    if let Some(source) = &args.source {
        data.insert("source".into(), json!([sources::named(source)?.name]));
    }
    if !args.status.is_empty() {
        let statuses: Vec<&str> = args.status.iter().copied().map(Status::as_str).collect();
        data.insert("status".into(), json!(statuses));
    }
    let mut pattern = everything();
    if !data.is_empty()
        && let Some(pattern) = pattern.as_object_mut()
    {
        pattern.insert("detail".into(), json!({ "data": data }));
    }
    Ok(pattern)
}

/// Ctrl-C, or what a supervisor sends, or the end of the terminal.
pub async fn stopped() -> anyhow::Result<()> {
    let mut interrupted = signal(SignalKind::interrupt())?;
    let mut terminated = signal(SignalKind::terminate())?;
    let mut hung_up = signal(SignalKind::hangup())?;
    tokio::select! {
        _ = interrupted.recv() => {}
        _ = terminated.recv() => {}
        _ = hung_up.recv() => {}
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(source: Option<&str>, status: &[Status]) -> TailArgs {
        TailArgs {
            source: source.map(str::to_owned),
            status: status.to_vec(),
        }
    }

    #[test]
    fn the_rule_lets_through_what_is_asked_for() {
        let ours = json!({
            "source": ["assessment-webhooks"],
            "detail-type": ["assessment-webhooks.attempt.changed"],
        });
        assert_eq!(pattern(&args(None, &[])).unwrap(), ours);
        let chosen = args(Some("imocha"), &[Status::Completed, Status::Expired]);
        let data = json!({ "source": ["imocha"], "status": ["completed", "expired"] });
        assert_eq!(pattern(&chosen).unwrap()["detail"], json!({ "data": data }));
        assert!(pattern(&args(Some("mocha"), &[])).is_err());
    }
}
