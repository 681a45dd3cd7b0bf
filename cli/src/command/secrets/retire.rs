//! `hooks secrets retire`: ends the previous version.

use crate::args::SecretsRetireArgs;
use crate::deployment::Deployment;
use crate::output;
use crate::secret::Secret;
use serde_json::json;
use std::future::Future;

/// Ends it. The deployment is looked for after the name is checked.
pub async fn run<F>(
    find: impl FnOnce() -> F,
    args: &SecretsRetireArgs,
    json: bool,
) -> anyhow::Result<()>
where
    F: Future<Output = anyhow::Result<Deployment>>,
{
    let secret = Secret::named(&args.name)?;
    let deployment = find().await?;
    let held = deployment
        .vault
        .read(deployment.output(&secret.output())?)
        .await?;
    let retired = deployment.vault.retire(&held).await?;
    if json {
        return output::json(&json!({ "name": secret.name(), "retired": retired }));
    }
    output::line(&said(&secret, retired))
}

fn said(secret: &Secret, retired: bool) -> String {
    let name = secret.name();
    match (retired, secret) {
        (false, _) => format!("{name} has no previous version: there is nothing to retire"),
        (true, Secret::Inbound(_)) => format!(
            "the previous version of {name} is retired: within five minutes no function believes it any longer"
        ),
        (true, Secret::Api(_)) => format!(
            "the previous version of {name} is retired: no function has used it since it was replaced"
        ),
    }
}
