//! A function's process: started with a clean environment, its output read line by line, ended for good.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;

use tokio::io::{AsyncBufReadExt as _, AsyncRead, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::watch;

use super::Processes;
use crate::logs::Logs;

/// A living process; dropping it kills it.
pub(super) struct Process {
    child: Child,
    _entry: Entry,
}

/// The process's place among those alive.
struct Entry {
    id: u32,
    alive: watch::Sender<std::collections::BTreeSet<u32>>,
}

impl Process {
    pub(super) fn start(
        executable: &Path,
        variables: &BTreeMap<String, String>,
        function: &str,
        logs: &Arc<Logs>,
        processes: &Processes,
    ) -> std::io::Result<Self> {
        let mut child = Command::new(executable)
            .env_clear()
            .envs(variables)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            // Of its own, so that Ctrl-C on a terminal reaches the bundle alone, which then ends in order.
            .process_group(0)
            .spawn()?;
        let entry = Entry::new(child.id().unwrap_or_default(), processes);
        if let Some(stdout) = child.stdout.take() {
            tokio::spawn(copy_lines(stdout, function.to_owned(), Arc::clone(logs)));
        }
        if let Some(stderr) = child.stderr.take() {
            tokio::spawn(copy_lines(stderr, function.to_owned(), Arc::clone(logs)));
        }
        Ok(Self {
            child,
            _entry: entry,
        })
    }

    pub(super) fn is_alive(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Waits until the process ends by itself, and says how.
    pub(super) async fn ended(&mut self) -> String {
        match self.child.wait().await {
            Ok(status) => describe(status),
            Err(error) => error.to_string(),
        }
    }

    /// Kills the process and waits until it is gone.
    pub(super) async fn end(mut self) {
        if let Err(error) = self.child.kill().await {
            tracing::warn!(%error, "a function's process could not be killed");
        }
    }
}

impl Entry {
    fn new(id: u32, processes: &Processes) -> Self {
        let alive = processes.alive.clone();
        alive.send_modify(|alive| {
            alive.insert(id);
        });
        Self { id, alive }
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        self.alive.send_modify(|alive| {
            alive.remove(&self.id);
        });
    }
}

fn describe(status: ExitStatus) -> String {
    use std::os::unix::process::ExitStatusExt as _;

    match (status.code(), status.signal()) {
        (Some(code), _) => format!("exit status {code}"),
        (None, Some(signal)) => format!("signal {signal}"),
        (None, None) => status.to_string(),
    }
}

async fn copy_lines(output: impl AsyncRead + Unpin, function: String, logs: Arc<Logs>) {
    let mut output = BufReader::new(output);
    let mut line = Vec::new();
    // Bytes and not text: a function may write what is not UTF-8, and goes on.
    while let Ok(1..) = output.read_until(b'\n', &mut line).await {
        logs.write(&function, String::from_utf8_lossy(&line).trim_end());
        line.clear();
    }
}
