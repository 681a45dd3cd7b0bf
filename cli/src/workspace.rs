//! Where the project's own files are, for the commands that run or make something of them.

use crate::exit::WrongUse;
use std::path::{Path, PathBuf};

/// The project's directory: the nearest one above the current that has a `template.yaml` and an `events` folder, else the
/// one that this command was built in.
pub fn root() -> anyhow::Result<PathBuf> {
    let current = std::env::current_dir()?;
    let built_in = Path::new(env!("CARGO_MANIFEST_DIR")).parent();
    let mut candidates = current.ancestors().chain(built_in);
    let root = candidates.find(|directory| {
        directory.join("template.yaml").is_file() && directory.join("events").is_dir()
    });
    let root = root.map(Path::to_owned);
    root.ok_or_else(|| {
        WrongUse("this needs the project's template.yaml: run it in the project's directory".into())
            .into()
    })
}

/// Where a running local bundle says how to reach it.
pub fn bundle_file(root: &Path) -> PathBuf {
    root.join(".local").join("bundle.json")
}

/// A payload under `events/`.
pub struct Payload {
    /// Its source: the folder's name.
    pub source: String,
    /// The file.
    pub path: PathBuf,
}

impl Payload {
    /// The file's name without its ending.
    pub fn stem(&self) -> &str {
        stem(&self.path)
    }
}

/// The name of a file without its ending.
pub fn stem(path: &Path) -> &str {
    path.file_stem()
        .and_then(|stem| stem.to_str())
        .unwrap_or_default()
}

/// The payloads of one source, in the order of their names. The API Gateway events beside them are none.
pub fn payloads(root: &Path, source: &str) -> anyhow::Result<Vec<Payload>> {
    let mut payloads = Vec::new();
    for entry in std::fs::read_dir(root.join("events").join(source))? {
        let path = entry?.path();
        let name = path
            .file_name()
            .and_then(|name| name.to_str())
            .unwrap_or_default();
        let generated = name.ends_with(".apigw.json");
        if !generated
            && path
                .extension()
                .is_some_and(|extension| extension == "json")
        {
            payloads.push(Payload {
                source: source.to_owned(),
                path,
            });
        }
    }
    payloads.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(payloads)
}
