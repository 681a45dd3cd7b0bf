//! `hooks endpoints`: what the vendors must be given.

use crate::deployment::Deployment;
use crate::output;
use crate::sources::{self, Entry};
use serde::Serialize;
use shared::caller::Endpoint;
use std::collections::BTreeMap;
use std::io::IsTerminal;

/// An endpoint, as `--json` prints it.
#[derive(Serialize)]
pub struct EndpointView {
    source: &'static str,
    /// Which of the source's ways in.
    pub version: &'static str,
    /// Where the vendor calls.
    pub url: String,
    method: &'static str,
    headers: BTreeMap<String, String>,
}

/// Prints them.
pub async fn run(deployment: &Deployment, json: bool) -> anyhow::Result<()> {
    show(&endpoints(deployment).await?, json)
}

/// Prints some, and warns whoever looks on.
pub fn show(endpoints: &[EndpointView], json: bool) -> anyhow::Result<()> {
    if std::io::stdout().is_terminal() {
        eprintln!("What follows holds secrets: whoever has them can post as the vendor.");
    }
    if json {
        return output::json(&endpoints);
    }
    print(endpoints)
}

/// All of them.
pub async fn endpoints(deployment: &Deployment) -> anyhow::Result<Vec<EndpointView>> {
    let mut views = Vec::new();
    for source in sources::ALL {
        let secret = deployment.inbound_secret(&source).await?;
        views.extend(of_source(deployment, &source, &secret)?);
    }
    Ok(views)
}

/// Those of one source, by its inbound secret.
pub fn of_source(
    deployment: &Deployment,
    source: &Entry,
    secret: &str,
) -> anyhow::Result<Vec<EndpointView>> {
    let api_url = deployment.output("ApiUrl")?.trim_end_matches('/');
    let view = |endpoint: Endpoint| EndpointView {
        source: source.name,
        version: endpoint.version,
        url: format!("{api_url}{}", endpoint.path),
        method: "POST",
        headers: endpoint.headers,
    };
    Ok(source.endpoints(secret)?.into_iter().map(view).collect())
}

/// Prints them for people.
pub fn print(endpoints: &[EndpointView]) -> anyhow::Result<()> {
    for endpoint in endpoints {
        output::line(format!("{} {}", endpoint.source, endpoint.version).trim_end())?;
        output::line(&format!("    {} {}", endpoint.method, endpoint.url))?;
        for (name, value) in &endpoint.headers {
            output::line(&format!("    {name}: {value}"))?;
        }
    }
    Ok(())
}
