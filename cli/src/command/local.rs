//! `hooks local`: the whole bundle on this machine.

use crate::args::LocalArgs;
use crate::command::endpoints;
use crate::deployment::{self, Address, Deployment};
use crate::exit::WrongUse;
use crate::output;
use crate::sources;
use crate::workspace;
use anyhow::Context;
use local::binaries::{self, CargoOutput, Profile};
use local::stand_ins::report_hosts;
use local::{Bundle, Options};
use std::fs::{DirBuilder, File, TryLockError};
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;

/// Runs it until Ctrl-C.
pub async fn run(args: LocalArgs, json: bool) -> anyhow::Result<()> {
    let root = workspace::root()?;
    let file = workspace::bundle_file(&root);
    if deployment::runs(&file).await {
        let text = format!(
            "a bundle runs already, says {}: end it first",
            file.display()
        );
        return Err(WrongUse(text).into());
    }
    // Held until the end.
    let _data = args.data.as_deref().map(take).transpose()?;
    let mut options = options(&root, CargoOutput::Shown).await?;
    options.api_port = args.port;
    options.endpoint_port = args.endpoint_port;
    options.data_directory = args.data;
    let bundle = Bundle::start(options).await?;
    let address = address(&bundle);
    write(&file, &address)?;
    let shown = show(&address, json).await;
    if shown.is_ok() {
        interrupted().await?;
    }
    eprintln!("ending …");
    bundle.stop().await;
    std::fs::remove_file(&file)
        .with_context(|| format!("{} could not be removed", file.display()))?;
    shown
}

/// Takes a data directory for this process alone: two bundles on one table would do all work twice. It holds personal data, so
/// that nobody else may look in.
fn take(directory: &Path) -> anyhow::Result<File> {
    let name = directory.display();
    let mut builder = DirBuilder::new();
    builder
        .recursive(true)
        .mode(0o700)
        .create(directory)
        .with_context(|| format!("{name} could not be made a directory"))?;
    let lock = File::create(directory.join("lock"))
        .with_context(|| format!("{name} cannot be written to"))?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => {
            Err(WrongUse(format!("{name} is in use by another bundle")).into())
        }
        Err(TryLockError::Error(error)) => {
            Err(error).with_context(|| format!("{name} cannot be locked"))
        }
    }
}

/// The bundle with the functions' binaries built, and everything else as the template says.
pub async fn options(root: &Path, output: CargoOutput) -> anyhow::Result<Options> {
    let binaries = binaries::build(root, Profile::Dev, output).await?;
    let mut options = Options::new(root.join("template.yaml"), binaries);
    // Stand-ins may be called; the vendors' own hosts are not.
    options.parameters = report_hosts();
    options.secrets = sources::ALL
        .map(|source| (source.secret(), source.local_secret()))
        .into();
    Ok(options)
}

/// How other commands reach the bundle.
pub fn address(bundle: &Bundle) -> Address {
    Address {
        endpoint_url: Some(bundle.endpoint_url().to_owned()),
        outputs: bundle.outputs().clone(),
    }
}

fn write(file: &Path, address: &Address) -> anyhow::Result<()> {
    let directory = file
        .parent()
        .context("the bundle's file is in a directory")?;
    std::fs::create_dir_all(directory)?;
    Ok(std::fs::write(file, serde_json::to_vec_pretty(address)?)?)
}

async fn show(address: &Address, json: bool) -> anyhow::Result<()> {
    let deployment = Deployment::at(address.clone()).await?;
    let endpoints = endpoints::endpoints(&deployment).await?;
    if json {
        output::json(&endpoints)?;
    } else {
        endpoints::print(&endpoints)?;
    }
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_data_directory_is_one_bundles_and_one_users() {
        let parent = tempfile::tempdir().unwrap();
        let directory = parent.path().join("data");
        let held = take(&directory).unwrap();
        assert_eq!(
            directory.metadata().unwrap().permissions().mode() & 0o777,
            0o700
        );
        let error = take(&directory).unwrap_err();
        assert!(
            error.is::<WrongUse>() && error.to_string().contains("in use"),
            "{error}"
        );
        drop(held);
        assert!(take(&directory).is_ok());
    }
}
