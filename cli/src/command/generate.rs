//! `hooks events generate`: the API Gateway events beside the payloads, for `sam local invoke` and `cargo lambda invoke`, and
//! what the functions are told then.

mod settings;

use crate::args::EventsGenerateArgs;
use crate::output;
use crate::sources::{self, Entry};
use crate::workspace::{self, Payload, root};
use anyhow::Context;
use http::{Method, Request, Uri};
use local::gateway::{self, Routes};
use local::template::{Place, Template};
use serde_json::Value;
use shared::caller::Delivery;
use shared::clock::Clock;
use shared::timestamp::Timestamp;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use time::OffsetDateTime;

/// When the events in the repository were signed.
const SIGNED_AT: &str = "2026-01-15T10:00:00Z";
const REQUEST_ID: &str = "local-request-id";
const HOST: &str = "local.execute-api.eu-west-1.amazonaws.com";

/// Writes them, or says which ones are not as they would be written.
pub fn run(args: &EventsGenerateArgs) -> anyhow::Result<()> {
    let root = root()?;
    let signed = if args.now {
        Clock::system().now()
    } else {
        Timestamp::parse(SIGNED_AT)?
    };
    let mut outdated = Vec::new();
    let mut written = 0;
    for (path, text) in generate(&root, signed)? {
        if std::fs::read_to_string(&path).is_ok_and(|there| there == text) {
            continue;
        }
        if args.check {
            outdated.push(path.display().to_string());
        } else {
            write(&path, &text)
                .with_context(|| format!("{} could not be written", path.display()))?;
            written += 1;
        }
    }
    if !outdated.is_empty() {
        anyhow::bail!(
            "not as `hooks events generate` writes them: {}",
            outdated.join(", ")
        );
    }
    output::line(&format!(
        "{written} files written, all others are as they should be"
    ))
}

fn write(path: &Path, text: &str) -> std::io::Result<()> {
    if let Some(directory) = path.parent() {
        std::fs::create_dir_all(directory)?;
    }
    std::fs::write(path, text)
}

/// Every file that is to be there, and its text.
fn generate(root: &Path, signed: Timestamp) -> anyhow::Result<Vec<(PathBuf, String)>> {
    let routes = routes(root)?;
    let mut files = Vec::new();
    for source in sources::ALL {
        let secret = source.local_secret().to_string();
        for payload in workspace::payloads(root, source.name)? {
            let event = event(&routes, source, &secret, &payload, signed)?;
            let text = format!("{}\n", serde_json::to_string_pretty(&event)?);
            files.push((payload.path.with_extension("apigw.json"), text));
        }
    }
    files.extend(settings::files(root)?);
    Ok(files)
}

/// Where the template's routes lead.
pub fn routes(root: &Path) -> anyhow::Result<Routes<()>> {
    let place = Place {
        stack: "local".into(),
        endpoint_url: String::new(),
        api_url: format!("https://{HOST}"),
    };
    let template = Template::read(&root.join("template.yaml"), &BTreeMap::new(), &place)?;
    let mut routes = Routes::default();
    for route in template
        .functions
        .iter()
        .flat_map(|function| &function.routes)
    {
        routes.add(route, ())?;
    }
    Ok(routes)
}

fn event(
    routes: &Routes<()>,
    source: Entry,
    secret: &str,
    payload: &Payload,
    signed: Timestamp,
) -> anyhow::Result<Value> {
    let body = std::fs::read(&payload.path)?;
    let version = source.version_of(secret, &payload.path)?;
    // Each is a delivery of its own: by one id for all, the second event of an attempt would be a repeat of the first.
    let id = format!("msg_{}", payload.stem());
    let call = source.call(
        secret,
        Delivery {
            version,
            body: &body,
            sent: signed,
            id: &id,
        },
    )?;
    let mut request = Request::post(Uri::try_from(&call.path)?)
        .header("host", HOST)
        .header("user-agent", "vendor");
    for (name, value) in &call.headers {
        request = request.header(name, value);
    }
    let (parts, ()) = request.body(())?.into_parts();
    let ((), route) = routes
        .find(&Method::POST, parts.uri.path())
        .with_context(|| format!("no route leads to {}", call.path))?;
    let now = OffsetDateTime::from_unix_timestamp(signed.unix_seconds())?;
    Ok(gateway::event(&route, &parts, &body, now, REQUEST_ID))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_files_in_the_repository_are_as_they_would_be_written() {
        let files = generate(&root().unwrap(), Timestamp::parse(SIGNED_AT).unwrap()).unwrap();
        assert!(files.len() >= 40, "{}", files.len());
        for (path, text) in files {
            let there = std::fs::read_to_string(&path).unwrap_or_default();
            assert!(
                there == text,
                "{} is outdated: run `cargo run -- events generate`",
                path.display()
            );
        }
    }
}
