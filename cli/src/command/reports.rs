//! `hooks reports`: the reports that are kept, for people and for other systems; and those that were given up.

use crate::args::{ReportArgs, ReportsGetArgs, ReportsLinkArgs};
use crate::bucket::Bucket;
use crate::deployment::Deployment;
use crate::exit::WrongUse;
use crate::output;
use crate::sources;
use crate::view::ReportView;
use anyhow::{Context, bail};
use serde_json::json;
use shared::key::attempt_partition;
use shared::queue::Queue;
use shared::store::{KeptReport, ReportItem, ReportOutcome};
use std::fs::OpenOptions;
use std::io::{ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use worker::job::{Job, Message};

/// Writes a report to a file.
pub async fn get(deployment: &Deployment, args: &ReportsGetArgs, json: bool) -> anyhow::Result<()> {
    let (report, kept) = kept(deployment, &args.report).await?;
    let version = report.number().unwrap_or_default();
    let file = match &args.output {
        Some(file) => file.clone(),
        None => file_name(&args.report, version),
    };
    // Before anything is read for nothing; whether it is so is said when it is opened.
    if !args.force && file.exists() {
        return Err(there_already(&file));
    }
    let bytes = Bucket::of(deployment)?.read(&kept).await?;
    write(&file, &bytes, args.force)?;
    let shown = file.display();
    if json {
        return output::json(&json!({
            "source": args.report.source, "attempt": args.report.attempt, "version": version,
            "file": shown.to_string(), "s3_key": kept.s3_key, "sha256": kept.sha256,
            "size_bytes": kept.size_bytes, "content_type": kept.content_type,
            "fetched_at": kept.fetched_at,
        }));
    }
    output::line(&format!(
        "{shown}: {} bytes, SHA-256 {}, fetched {}",
        kept.size_bytes, kept.sha256, kept.fetched_at
    ))
}

/// Prints a link to a report.
pub async fn link(
    deployment: &Deployment,
    args: &ReportsLinkArgs,
    json: bool,
) -> anyhow::Result<()> {
    let (report, kept) = kept(deployment, &args.report).await?;
    let expires = args.expires.duration();
    let expires_at = deployment.clock.now().plus(expires);
    let url = Bucket::of(deployment)?.link(&kept, expires).await?;
    if json {
        return output::json(&json!({
            "source": args.report.source, "attempt": args.report.attempt,
            "version": report.number(), "url": url, "expires_at": expires_at,
        }));
    }
    output::line(&url)?;
    eprintln!(
        "Whoever has this link can read the report until {expires_at}, or until the credentials end that signed it."
    );
    Ok(())
}

/// Has a report fetched that is not kept.
pub async fn fetch(deployment: &Deployment, args: &ReportArgs, json: bool) -> anyhow::Result<()> {
    let report = wanted(deployment, args).await?;
    let now = deployment.clock.now();
    if !deployment.table.want_report_again(&report.key, now).await? {
        bail!(
            "{} is kept already: `hooks reports get` writes it to a file",
            named(&report, args)
        );
    }
    let message = Message {
        job: Job::FetchReport(report.key.clone()),
        correlation_id: format!("reports-fetch-{}", now.unix_ms()),
    };
    deployment.queue()?.send(message.body()).await?;
    if json {
        return output::json(&json!({
            "source": args.source, "attempt": args.attempt, "version": report.number(), "messages": 1,
        }));
    }
    output::line(&format!(
        "the worker is told to fetch {}: `hooks attempts show {} {}` tells what comes of it",
        named(&report, args),
        args.source,
        args.attempt
    ))
}

/// What there is to say of a report besides its row: what of it is kept, and where.
pub fn details(report: &ReportView) -> Vec<(&'static str, String)> {
    let url = report.url.as_ref().map(|url| ("report from", url.clone()));
    let kept = report.s3_key.as_ref().zip(report.sha256.as_ref());
    let kept = kept
        .into_iter()
        .flat_map(|(key, sha256)| [("report at", key.clone()), ("SHA-256", sha256.clone())]);
    url.into_iter().chain(kept).collect()
}

/// The report that is meant, kept.
async fn kept(
    deployment: &Deployment,
    args: &ReportArgs,
) -> anyhow::Result<(ReportItem, KeptReport)> {
    let report = wanted(deployment, args).await?;
    let Some(kept) = report.kept.clone() else {
        let why = report.problem.as_deref().unwrap_or(match report.outcome {
            ReportOutcome::Resolved => {
                "only its link was found; `hooks reports fetch` has it fetched"
            }
            _ => "it is not fetched yet",
        });
        bail!("{} is not kept: {why}", named(&report, args));
    };
    Ok((report, kept))
}

/// The report that is meant.
async fn wanted(deployment: &Deployment, args: &ReportArgs) -> anyhow::Result<ReportItem> {
    let source = sources::named(&args.source)?;
    let pk = attempt_partition(source.name, &args.attempt);
    let mut reports = deployment.table.reports(&pk).await?;
    reports.sort_by_key(ReportItem::number);
    let (newest, versions) = (reports.last().cloned(), versions(&reports));
    let Some(version) = args.version else {
        return newest.with_context(|| {
            format!(
                "nothing is known of a report of the attempt {} of {}: `hooks attempts list` shows those that are",
                args.attempt, args.source
            )
        });
    };
    let mut reports = reports.into_iter();
    let found = reports.find(|report| report.number() == Some(version));
    found.ok_or_else(|| {
        let text = format!(
            "the attempt {} of {} has no report {version}: it has {versions}",
            args.attempt, args.source
        );
        WrongUse(text).into()
    })
}

fn versions(reports: &[ReportItem]) -> String {
    let numbers = reports.iter().filter_map(ReportItem::number);
    let numbers: Vec<String> = numbers.map(|it| it.to_string()).collect();
    if numbers.is_empty() {
        return "none".to_owned();
    }
    numbers.join(", ")
}

fn named(report: &ReportItem, args: &ReportArgs) -> String {
    format!(
        "report {} of the attempt {} of {}",
        report.number().unwrap_or_default(),
        args.attempt,
        args.source
    )
}

/// A name in this directory, whatever the attempt's id is made of.
fn file_name(args: &ReportArgs, version: u64) -> PathBuf {
    let plain = |it: char| it.is_ascii_alphanumeric() || it == '-' || it == '.' || it == '_';
    let attempt: String = args
        .attempt
        .chars()
        .map(|it| if plain(it) { it } else { '_' })
        .collect();
    let attempt: String = attempt.chars().take(100).collect();
    PathBuf::from(format!("{}-{attempt}-{version}.pdf", args.source))
}

/// For nobody else to read: a report is about a person.
fn write(file: &Path, bytes: &[u8], force: bool) -> anyhow::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).mode(0o600);
    if force {
        options.create(true).truncate(true);
    } else {
        options.create_new(true);
    }
    let mut opened = match options.open(file) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => return Err(there_already(file)),
        opened => opened.with_context(|| format!("{} cannot be written", file.display()))?,
    };
    let written = opened.write_all(bytes);
    written.with_context(|| format!("{} could not be written to its end", file.display()))
}

fn there_already(file: &Path) -> anyhow::Error {
    WrongUse(format!(
        "{} is there already: choose another with --output, or write over it with --force",
        file.display()
    ))
    .into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_file_is_named_after_what_it_is_and_lies_in_this_directory() {
        let named = |attempt: &str| {
            let args = ReportArgs {
                source: "xobin".into(),
                attempt: attempt.into(),
                version: None,
            };
            file_name(&args, 2).to_str().unwrap().to_owned()
        };
        assert_eq!(named("2196821"), "xobin-2196821-2.pdf");
        assert_eq!(named("66.ab"), "xobin-66.ab-2.pdf");
        assert_eq!(named("../../etc/passwd\n"), "xobin-.._.._etc_passwd_-2.pdf");
        assert!(named(&"9".repeat(5000)).len() < 120);
    }

    #[test]
    fn a_file_that_is_there_is_written_over_only_if_that_is_said() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("1.pdf");
        write(&file, b"one", false).unwrap();
        let mode = file.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let error = write(&file, b"two", false).unwrap_err();
        assert!(
            error.is::<WrongUse>() && error.to_string().contains("--force"),
            "{error}"
        );
        assert_eq!(std::fs::read(&file).unwrap(), b"one");
        write(&file, b"2", true).unwrap();
        assert_eq!(std::fs::read(&file).unwrap(), b"2");
        let nowhere = directory.path().join("none/1.pdf");
        let error = write(&nowhere, b"one", true).unwrap_err().to_string();
        assert!(error.contains("cannot be written"), "{error}");
    }
}
