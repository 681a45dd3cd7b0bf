//! Where the functions' own output goes, line by line.

use std::borrow::Cow;
use std::fs::File;
use std::io::{self, Write as _};
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use serde::de::IgnoredAny;

/// What a line of the functions begins with that carries metrics.
const METRICS: &str = r#"{"_aws":"#;

/// Where lines go.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum LogSink {
    /// To standard error, each with the function's name before it.
    #[default]
    Stderr,
    /// To this file, appended, each with the function's name before it.
    File(PathBuf),
    /// Into memory, for a test to read.
    Memory,
}

/// One line that a function wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogLine {
    /// The function's logical id.
    pub function: String,
    /// The line, without its end.
    pub text: String,
}

/// An open sink, shared by all processes.
#[derive(Debug)]
pub(crate) struct Logs {
    target: Target,
}

#[derive(Debug)]
enum Target {
    Stderr,
    File(Mutex<File>),
    Memory(Mutex<Vec<LogLine>>),
}

impl Logs {
    pub(crate) fn open(sink: &LogSink) -> io::Result<Self> {
        let target = match sink {
            LogSink::Stderr => Target::Stderr,
            LogSink::File(path) => Target::File(Mutex::new(
                File::options().append(true).create(true).open(path)?,
            )),
            LogSink::Memory => Target::Memory(Mutex::default()),
        };
        Ok(Self { target })
    }

    /// Takes a line. A log that cannot be written does not stop a function.
    pub(crate) fn write(&self, function: &str, text: &str) {
        match &self.target {
            Target::Stderr => {
                let text = readable(text);
                let _ = writeln!(io::stderr().lock(), "[{function}] {text}");
            }
            Target::File(file) => {
                let text = readable(text);
                let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
                let _ = writeln!(file, "[{function}] {text}");
            }
            Target::Memory(lines) => {
                let line = LogLine {
                    function: function.to_owned(),
                    text: text.to_owned(),
                };
                lines
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .push(line);
            }
        }
    }

    /// What was written so far; nothing but [`LogSink::Memory`] remembers.
    pub(crate) fn lines(&self) -> Vec<LogLine> {
        match &self.target {
            Target::Memory(lines) => lines.lock().unwrap_or_else(PoisonError::into_inner).clone(),
            Target::Stderr | Target::File(_) => Vec::new(),
        }
    }
}

/// A line without what it begins with for CloudWatch alone, the names and units of its metrics. The metrics themselves stay.
fn readable(line: &str) -> Cow<'_, str> {
    let Some(rest) = line.strip_prefix(METRICS) else {
        return Cow::Borrowed(line);
    };
    let mut values = serde_json::Deserializer::from_str(rest).into_iter::<IgnoredAny>();
    let names = values.next();
    match (names, rest.get(values.byte_offset()..)) {
        (Some(Ok(_)), Some(fields)) => Cow::Owned(format!("{{{}", fields.trim_start_matches(','))),
        _ => Cow::Borrowed(line),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_only_cloudwatch_reads_is_not_shown() {
        for (line, shown) in [
            (
                r#"{"_aws":{"CloudWatchMetrics":[{"Namespace":"a}\"{"}],"Timestamp":0},"Received":1,"level":"INFO"}"#,
                r#"{"Received":1,"level":"INFO"}"#,
            ),
            (r#"{"_aws":{}}"#, "{}"),
            (
                r#"{"level":"INFO","_aws":{}}"#,
                r#"{"level":"INFO","_aws":{}}"#,
            ),
            ("thread panicked", "thread panicked"),
            (r#"{"_aws":{"cut off"#, r#"{"_aws":{"cut off"#),
            (r#"{"_aws":"#, r#"{"_aws":"#),
            ("", ""),
        ] {
            assert_eq!(readable(line), shown);
        }
    }
}
