//! What a function is told when it runs alone against the local bundle: `env.json` for `sam local invoke`, and a file for
//! each function for `cargo lambda watch`. Both say all that the template declares, as the bundle itself would.

use anyhow::Context;
use local::template::{FunctionResource, Place, Template};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The bundle's endpoint on its usual port, as this machine sees it.
const HERE: &str = "http://127.0.0.1:9001";
/// The same as a container sees it.
const FROM_CONTAINER: &str = "http://host.docker.internal:9001";

/// The files, and their texts.
pub fn files(root: &Path) -> anyhow::Result<Vec<(PathBuf, String)>> {
    let mut files = vec![(root.join("env.json"), env_json(root)?)];
    for function in functions(root, HERE)? {
        let path = root.join(format!("events/env/{}.env", function.binary));
        files.push((path, env_file(&function)?));
    }
    Ok(files)
}

fn functions(root: &Path, endpoint_url: &str) -> anyhow::Result<Vec<FunctionResource>> {
    let place = Place {
        stack: "local".into(),
        endpoint_url: endpoint_url.into(),
        api_url: String::new(),
    };
    let template = Template::read(&root.join("template.yaml"), &BTreeMap::new(), &place)?;
    let mut functions = template.functions;
    for function in &mut functions {
        let name = "ENDPOINT_URL".to_owned();
        function.environment.insert(name, endpoint_url.to_owned());
    }
    Ok(functions)
}

fn env_json(root: &Path) -> anyhow::Result<String> {
    let functions = functions(root, FROM_CONTAINER)?.into_iter();
    let settings: BTreeMap<String, Value> = functions
        .map(|function| (function.logical_id, json!(function.environment)))
        .collect();
    Ok(format!("{}\n", serde_json::to_string_pretty(&settings)?))
}

fn env_file(function: &FunctionResource) -> anyhow::Result<String> {
    let lines = function.environment.iter().map(|(name, value)| {
        // Such a file knows quotes, and the template has no need of them.
        let plain = !value.contains(['"', '\'', '\\', '#', '\n', ' ']);
        let line = plain.then(|| format!("{name}={value}\n"));
        line.with_context(|| format!("{name} cannot be written as a line NAME=VALUE"))
    });
    lines.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace::root;

    #[test]
    fn each_function_is_told_of_its_own_secret_and_of_the_bundle() {
        let files: BTreeMap<PathBuf, String> =
            files(&root().unwrap()).unwrap().into_iter().collect();
        assert_eq!(files.len(), 6);
        let of = |name: &str| &files[&root().unwrap().join(name)];
        let settings: Value = serde_json::from_str(of("env.json")).unwrap();
        let xobin = &settings["XobinFunction"];
        assert_eq!(xobin["ENDPOINT_URL"], FROM_CONTAINER);
        assert!(
            xobin["SOURCE_SECRET_ID"]
                .as_str()
                .unwrap()
                .contains("local-XobinSecret")
        );
        let worker = of("events/env/worker.env");
        assert!(
            worker.contains("ENDPOINT_URL=http://127.0.0.1:9001\n"),
            "{worker}"
        );
        assert!(!worker.contains("SOURCE_SECRET_ID"), "{worker}");
    }
}
