//! `hooks`, as an operator runs it on a bundle: its own binary, what it prints, and what it says beside that.

use serde_json::Value;
use std::process::{Output, Stdio};
use tests::stage::{Stage, binaries, root};
use tokio::process::Command;

/// An output of the stack, as the environment names it.
fn variable(output: &str) -> String {
    let mut name = String::new();
    for letter in output.chars() {
        if letter.is_uppercase() && !name.is_empty() {
            name.push('_');
        }
        name.push(letter.to_ascii_uppercase());
    }
    name
}

/// What the command comes to.
pub async fn hooks(stage: &Stage, args: &[&str]) -> Output {
    let mut command = Command::new(binaries().await.join("hooks"));
    command
        .args(args)
        .current_dir(root())
        .stdin(Stdio::null())
        .env("ENDPOINT_URL", stage.bundle.endpoint_url());
    for (output, value) in stage.bundle.outputs() {
        command.env(variable(output), value);
    }
    command.output().await.unwrap()
}

/// What a command says that succeeds.
pub async fn json(stage: &Stage, args: &[&str]) -> Value {
    let output = hooks(stage, &[args, &["--json"]].concat()).await;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{args:?}: {said}");
    serde_json::from_slice(&output.stdout).unwrap()
}
