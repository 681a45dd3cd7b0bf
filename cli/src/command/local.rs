//! `hooks local`: the whole bundle on this machine.

use crate::args::LocalArgs;
use crate::command::endpoints;
use crate::deployment::{Address, Deployment};
use crate::workspace;
use anyhow::Context;
use local::binaries::{self, CargoOutput, Profile};
use local::{Bundle, Options};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::Path;

/// The secret that Testlify would issue; any will do on one's own machine.
const SIGNING_SECRET: &str = "whsec_bG9jYWwgc2lnbmluZyBzZWNyZXQsIG5vdCBhIHNlY3JldA==";

/// Runs it until Ctrl-C.
pub async fn run(args: LocalArgs) -> anyhow::Result<()> {
    let root = workspace::root()?;
    let mut options = options(&root, CargoOutput::Shown).await?;
    options.api_port = args.port;
    options.endpoint_port = args.endpoint_port;
    options.data_directory = args.data;
    let bundle = Bundle::start(options).await?;
    let address = address(&bundle);
    let file = workspace::bundle_file(&root);
    write(&file, &address)?;
    let shown = show(&address).await;
    if shown.is_ok() {
        interrupted().await?;
    }
    eprintln!("ending …");
    bundle.stop().await;
    std::fs::remove_file(&file).with_context(|| format!("{} could not be removed", file.display()))?;
    shown
}

/// The bundle with the functions' binaries built, and everything else as the template says.
pub async fn options(root: &Path, output: CargoOutput) -> anyhow::Result<Options> {
    let binaries = binaries::build(root, Profile::Dev, output).await?;
    let mut options = Options::new(root.join("template.yaml"), binaries);
    options.secrets = secrets();
    Ok(options)
}

/// What the vendors issue, and so the template does not generate.
fn secrets() -> BTreeMap<String, Value> {
    BTreeMap::from([("TestlifySecret".to_owned(), json!({ "signing_secret": SIGNING_SECRET }))])
}

/// How other commands reach the bundle.
pub fn address(bundle: &Bundle) -> Address {
    Address { endpoint_url: Some(bundle.endpoint_url().to_owned()), outputs: bundle.outputs().clone() }
}

fn write(file: &Path, address: &Address) -> anyhow::Result<()> {
    let directory = file.parent().context("the bundle's file is in a directory")?;
    std::fs::create_dir_all(directory)?;
    Ok(std::fs::write(file, serde_json::to_vec_pretty(address)?)?)
}

async fn show(address: &Address) -> anyhow::Result<()> {
    let deployment = Deployment::at(address.clone()).await?;
    endpoints::print(&endpoints::endpoints(&deployment).await?)?;
    eprintln!();
    eprintln!("The bundle runs; other `hooks` commands find it by themselves. Ctrl-C ends it.");
    Ok(())
}

/// Ctrl-C, or the signal that a supervisor sends.
async fn interrupted() -> anyhow::Result<()> {
    let mut terminated = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    tokio::select! {
        interrupted = tokio::signal::ctrl_c() => interrupted?,
        _ = terminated.recv() => {}
    }
    Ok(())
}
