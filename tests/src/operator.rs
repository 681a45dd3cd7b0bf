//! `hooks`, as an operator runs it on a bundle: its own binary, its exit code, what it prints, and what it says beside that.

use crate::stage::{Stage, binaries, root};
use serde_json::Value;
use std::process::{Output, Stdio};
use tokio::io::AsyncWriteExt;
use tokio::process::{Child, Command};

/// The variable of an output: `IMOCHA_API_SECRET_ID` of `ImochaApiSecretId`.
#[must_use]
pub fn variable(output: &str) -> String {
    let mut name = String::new();
    for letter in output.chars() {
        if letter.is_uppercase() && !name.is_empty() {
            name.push('_');
        }
        name.push(letter.to_ascii_uppercase());
    }
    name
}

/// `hooks` with these arguments, for this stage.
pub async fn command(stage: &Stage, args: &[&str]) -> Command {
    let mut command = Command::new(binaries().await.join("hooks"));
    command
        .args(args)
        .current_dir(root())
        .stdin(Stdio::null())
        .env("ENDPOINT_URL", stage.bundle.endpoint_url());
    for (output, value) in stage.bundle.outputs() {
        command.env(variable(output), value);
    }
    command
}

/// What it comes to.
pub async fn hooks(stage: &Stage, args: &[&str]) -> Output {
    command(stage, args).await.output().await.unwrap()
}

/// The same with this on its standard input.
pub async fn fed(stage: &Stage, args: &[&str], input: &str) -> Output {
    let mut command = command(stage, args).await;
    let pipes = command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = pipes.stderr(Stdio::piped()).spawn().unwrap();
    let mut pipe = child.stdin.take().unwrap();
    // Who needs no input may have ended without reading it.
    let _ = pipe.write_all(input.as_bytes()).await;
    drop(pipe);
    child.wait_with_output().await.unwrap()
}

/// The same, and does not wait for its end.
pub async fn started(stage: &Stage, args: &[&str]) -> Child {
    let mut command = command(stage, args).await;
    let pipes = command.stdout(Stdio::piped()).stderr(Stdio::piped());
    pipes.spawn().unwrap()
}

/// Sends a signal to what was started.
pub async fn signal(child: &Child, signal: &str) {
    let id = child.id().unwrap().to_string();
    let kill = Command::new("kill").args([signal, &id]).status().await;
    assert!(kill.unwrap().success());
}

/// What a command says that succeeds.
pub async fn json(stage: &Stage, args: &[&str]) -> Value {
    let output = hooks(stage, &[args, &["--json"]].concat()).await;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{args:?}: {said}");
    serde_json::from_slice(&output.stdout).unwrap()
}

/// The exit code, and what it says.
pub async fn failure(stage: &Stage, args: &[&str]) -> (i32, String) {
    let output = hooks(stage, args).await;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    (output.status.code().unwrap(), said)
}
