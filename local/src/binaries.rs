//! Builds the functions' binaries with cargo, and says where they are.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use serde_json::Value;
use tokio::process::Command;

/// Which of cargo's profiles to build.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Profile {
    /// Quick to build.
    #[default]
    Dev,
    /// What runs on Lambda.
    Release,
}

/// What to do with what cargo says.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum CargoOutput {
    /// Show it only if the build fails.
    #[default]
    OnFailure,
    /// Show it as it comes.
    Shown,
}

/// Why there are no binaries.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// Cargo could not be started.
    #[error("cargo could not be started; is it on the PATH?")]
    NotStarted(#[source] std::io::Error),
    /// Cargo failed.
    #[error("cargo build failed:\n{0}")]
    Failed(String),
    /// Cargo built, and named no binary.
    #[error("cargo named no binary of the workspace {0}")]
    NoBinaries(PathBuf),
}

/// Builds all binaries of the workspace, and returns the directory that they are in.
///
/// Cargo says itself where that is, so `CARGO_TARGET_DIR` and configured target directories are heeded.
///
/// # Errors
///
/// See [`BuildError`].
pub async fn build(
    workspace_root: &Path,
    profile: Profile,
    output: CargoOutput,
) -> Result<PathBuf, BuildError> {
    let mut command = Command::new(cargo());
    command
        .args([
            "build",
            "--workspace",
            "--bins",
            "--message-format=json-render-diagnostics",
        ])
        .current_dir(workspace_root)
        .stdin(std::process::Stdio::null())
        .stdout(std::process::Stdio::piped())
        .kill_on_drop(true);
    for (name, _) in of_outer_cargo() {
        command.env_remove(name);
    }
    if profile == Profile::Release {
        command.arg("--release");
    }
    command.stderr(match output {
        CargoOutput::OnFailure => std::process::Stdio::piped(),
        CargoOutput::Shown => std::process::Stdio::inherit(),
    });
    let built = command
        .spawn()
        .map_err(BuildError::NotStarted)?
        .wait_with_output()
        .await;
    let built = built.map_err(BuildError::NotStarted)?;
    if !built.status.success() {
        return Err(BuildError::Failed(
            String::from_utf8_lossy(&built.stderr).into_owned(),
        ));
    }
    let directory = directory_of_binaries(&String::from_utf8_lossy(&built.stdout));
    directory.ok_or_else(|| BuildError::NoBinaries(workspace_root.to_owned()))
}

/// What `cargo run` and `cargo test` say to what they run about its own package. A build script may heed it, as `ring`'s
/// does; then each of two cargos, one inside the other, would build anew what the other has built.
#[expect(
    clippy::disallowed_methods,
    reason = "these are cargo's own variables, not settings of ours"
)]
fn of_outer_cargo() -> impl Iterator<Item = (OsString, OsString)> {
    const PREFIXES: [&str; 3] = ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_"];
    const NAMES: [&str; 3] = [
        "CARGO_CRATE_NAME",
        "CARGO_PRIMARY_PACKAGE",
        "CARGO_TARGET_TMPDIR",
    ];
    std::env::vars_os().filter(|(name, _)| {
        let name = name.to_string_lossy();
        PREFIXES.iter().any(|prefix| name.starts_with(prefix)) || NAMES.contains(&name.as_ref())
    })
}

/// Cargo tells those it starts which cargo it is.
#[expect(
    clippy::disallowed_methods,
    reason = "CARGO is how cargo names itself to what it runs"
)]
fn cargo() -> OsString {
    std::env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"))
}

fn directory_of_binaries(messages: &str) -> Option<PathBuf> {
    messages.lines().find_map(|line| {
        let message: Value = serde_json::from_str(line).ok()?;
        let kinds = message.pointer("/target/kind")?.as_array()?;
        let is_binary = kinds.iter().any(|kind| kind.as_str() == Some("bin"));
        let executable = message.get("executable")?.as_str().filter(|_| is_binary)?;
        Path::new(executable).parent().map(Path::to_owned)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_directory_is_the_one_of_a_binary_and_not_of_a_build_script() {
        let messages = concat!(
            r#"{"reason":"compiler-artifact","target":{"kind":["custom-build"]},"executable":"/t/build/script"}"#,
            "\n",
            r#"{"reason":"compiler-artifact","target":{"kind":["lib"]},"executable":null}"#,
            "\nnot json\n",
            r#"{"reason":"compiler-artifact","target":{"kind":["bin"]},"executable":"/t/debug/worker"}"#,
        );
        assert_eq!(
            directory_of_binaries(messages),
            Some(PathBuf::from("/t/debug"))
        );
        assert_eq!(directory_of_binaries(""), None);
    }
}
