//! `hooks openapi`: the `OpenAPI` document of the endpoints, as it lies in `docs/openapi.json`.
//!
//! What people read in it is written by hand, in `openapi/frame.yaml`. The vendors' payloads are put in from `events/`, each at the route that
//! leads it to its function. The end-to-end tests post every one of them, and hold the answers against the document.

use crate::command::generate::routes;
use crate::output;
use crate::sources::{self, Entry};
use crate::workspace::{self, Payload, root};
use anyhow::Context;
use http::Method;
use local::gateway::Routes;
use serde_yaml_ng::{Mapping, Value};
use shared::caller::Delivery;
use shared::clock::Clock;
use std::collections::BTreeMap;
use std::path::Path;

const FRAME: &str = include_str!("openapi/frame.yaml");
/// Prints it. As JSON, in which no text can be taken for a date or a truth value; in the order of the frame and of the vendors.
pub fn run() -> anyhow::Result<()> {
    output::json(&document(&root()?)?)
}

/// The frame, with this version, and with payloads and answers at each of the routes.
fn document(root: &Path) -> anyhow::Result<Value> {
    let mut document: Value = serde_yaml_ng::from_str(FRAME)?;
    put(
        &mut document,
        &["info"],
        "version",
        env!("CARGO_PKG_VERSION"),
    )?;
    let answers = answers(&mut document)?;
    let bodies = object(&mut document, &["components"])?.shift_remove("requestBodies");
    let mut bodies = bodies.context("the frame has a request body")?;
    for (path, payloads) in payloads_by_path(root)? {
        put(
            &mut bodies,
            &["Vendor", "content", "application/json"],
            "examples",
            payloads,
        )?;
        let body = object(&mut bodies, &["Vendor"])?.clone();
        let operation = ["paths", &path, "post"];
        put(&mut document, &operation, "requestBody", body)?;
        put(&mut document, &operation, "responses", answers.clone())?;
    }
    Ok(document)
}

/// Every call can be answered in all of the ways.
fn answers(document: &mut Value) -> anyhow::Result<Mapping> {
    let known = object(document, &["components", "responses"])?;
    let answers = known.keys().filter_map(Value::as_str).map(|status| {
        let reference = format!("#/components/responses/{status}");
        let reference = Mapping::from_iter([("$ref".into(), reference.into())]);
        (status.into(), reference.into())
    });
    Ok(answers.collect())
}

/// The payloads of all vendors, by the path of the route that they take.
fn payloads_by_path(root: &Path) -> anyhow::Result<BTreeMap<String, Mapping>> {
    let routes = routes(root)?;
    let mut by_path = BTreeMap::<String, Mapping>::new();
    for source in sources::ALL {
        for payload in workspace::payloads(root, source.name)? {
            let body = std::fs::read(&payload.path)?;
            let path = path(&routes, source, &payload, &body)?;
            // Read as YAML, which JSON is: the vendor's order of the fields stays.
            let value: Value = serde_yaml_ng::from_slice(&body)?;
            let example = Mapping::from_iter([("value".into(), value)]);
            let payloads = by_path.entry(path).or_default();
            payloads.insert(payload.stem().into(), example.into());
        }
    }
    Ok(by_path)
}

fn path(
    routes: &Routes<()>,
    source: Entry,
    payload: &Payload,
    body: &[u8],
) -> anyhow::Result<String> {
    let secret = source.local_secret().to_string();
    let delivery = Delivery {
        version: source.version_of(&secret, &payload.path)?,
        body,
        sent: Clock::system().now(),
        id: payload.stem(),
    };
    let called = source.call(&secret, delivery)?.path;
    let found = routes.find(&Method::POST, &called);
    let ((), route) = found.with_context(|| format!("no route leads to {called}"))?;
    let path = route.key.split_once(' ').map(|(_, path)| path.to_owned());
    path.context("a route's key is a method and a path")
}

fn put(
    document: &mut Value,
    at: &[&str],
    name: &str,
    value: impl Into<Value>,
) -> anyhow::Result<()> {
    object(document, at)?.insert(name.into(), value.into());
    Ok(())
}

fn object<'v>(document: &'v mut Value, at: &[&str]) -> anyhow::Result<&'v mut Mapping> {
    let found = at
        .iter()
        .try_fold(document, |value, name| value.get_mut(*name));
    let object = found.and_then(Value::as_mapping_mut);
    object.with_context(|| format!("the frame has no object at {}", at.join(" / ")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn made() -> Value {
        document(&root().unwrap()).unwrap()
    }

    #[test]
    fn the_document_in_the_repository_is_as_it_would_be_made() {
        let there = std::fs::read_to_string(root().unwrap().join("docs/openapi.json"));
        let text = format!("{}\n", serde_json::to_string_pretty(&made()).unwrap());
        assert!(
            there.unwrap_or_default() == text,
            "docs/openapi.json is outdated: run `cargo run -- openapi > docs/openapi.json`"
        );
    }

    #[test]
    fn it_has_every_route_of_the_template_and_no_other() {
        let template = std::fs::read_to_string(root().unwrap().join("template.yaml")).unwrap();
        let lines = template.lines().map(str::trim);
        let routes = lines.filter_map(|line| line.strip_prefix("Path: "));
        let document = made();
        let paths = document["paths"].as_mapping().unwrap().keys();
        let paths: BTreeSet<&str> = paths.map(|path| path.as_str().unwrap()).collect();
        assert_eq!(paths, routes.collect());
    }

    #[test]
    fn every_payload_is_in_it_once_with_what_the_vendor_says() {
        let root = root().unwrap();
        let document = serde_json::to_value(made()).unwrap();
        let operations = document["paths"].as_object().unwrap().values();
        let mut examples = BTreeMap::new();
        for operation in operations {
            let body = &operation["post"]["requestBody"]["content"]["application/json"];
            let tag = operation["post"]["tags"][0].as_str().unwrap();
            for (name, example) in body["examples"].as_object().unwrap() {
                examples.insert(format!("{tag}/{name}"), example["value"].clone());
            }
        }
        let mut files = BTreeMap::new();
        for source in sources::ALL {
            for payload in workspace::payloads(&root, source.name).unwrap() {
                let body = std::fs::read(&payload.path).unwrap();
                let value: serde_json::Value = serde_json::from_slice(&body).unwrap();
                files.insert(format!("{}/{}", source.name, payload.stem()), value);
            }
        }
        assert_eq!(examples, files);
    }

    #[test]
    fn no_credential_is_in_it() {
        let text = serde_json::to_string(&made()).unwrap();
        for source in sources::ALL {
            let secret = source.local_secret();
            let secret = secret[source.chosen[0]].as_str().unwrap();
            assert!(!secret.is_empty() && !text.contains(secret), "{secret}");
        }
    }
}
