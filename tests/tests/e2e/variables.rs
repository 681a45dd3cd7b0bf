//! The environment variables: what the functions ask for is what `template.yaml` gives them, name by name.

use crate::stage::root;
use crate::template::{WORKER, function, sources, template};
use shared::config::{ConfigError, Environment, ReceiverConfig};
use shared::telemetry;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use worker::config::WorkerConfig;

type Variables = BTreeMap<String, String>;

/// Variables that may be absent or empty: what they are then is in the code.
const OPTIONAL: [&str; 3] = ["ENDPOINT_URL", "PUBLISHED_PERSONAL_FIELDS", "RUST_LOG"];
/// What the code asks for and no template can give, each with the reason.
const NOT_OURS_TO_DECLARE: [(&str, &str); 2] = [
    (
        "AWS_LAMBDA_INITIALIZATION_TYPE",
        "Lambda sets it, and reserves its name: by it a function knows that it is on AWS",
    ),
    (
        "AWS_SAM_LOCAL",
        "sam local sets it in its container, which is not AWS",
    ),
];
/// Where an environment is read, by the files that do: each reads these and nothing else.
const READ_IN: [(&str, [&str; 2]); 2] = [
    (
        "shared/src/function.rs",
        [
            "telemetry::start(&environment",
            "ReceiverConfig::read(&environment",
        ],
    ),
    (
        "functions/worker/src/function.rs",
        [
            "telemetry::start(&environment",
            "WorkerConfig::read(&environment",
        ],
    ),
];

/// All that a function reads when it starts.
type Read = Box<dyn Fn(&Environment) -> Result<(), ConfigError>>;

/// Each function, with what it is told and how it reads that.
fn functions() -> Vec<(String, Variables, Read)> {
    let template = template();
    let declared = |id: &str| function(&template, id).environment.clone();
    let receivers = sources().map(|source| {
        let read: Read = Box::new(move |environment| {
            telemetry::levels(environment)?;
            ReceiverConfig::read(environment, source.hashes_people).map(drop)
        });
        let id = source.logical_id;
        (id.to_owned(), declared(id), read)
    });
    let worker: Read = Box::new(|environment| {
        telemetry::levels(environment)?;
        WorkerConfig::read(environment).map(drop)
    });
    let worker = (WORKER.to_owned(), declared(WORKER), worker);
    let functions: Vec<_> = receivers.into_iter().chain([worker]).collect();
    assert_eq!(functions.len(), template.functions.len());
    functions
}

/// The names that are asked for where these are set.
fn asked_for(settings: Variables, read: &Read) -> BTreeSet<String> {
    let asked = Arc::new(Mutex::new(BTreeSet::new()));
    let noted = Arc::clone(&asked);
    let environment = Environment::looked_up(move |name| {
        noted.lock().unwrap().insert(name.to_owned());
        settings.get(name).cloned()
    });
    read(&environment).unwrap();
    asked.lock().unwrap().clone()
}

#[test]
fn what_the_code_asks_for_is_what_the_template_declares() {
    let mut not_declared = BTreeSet::new();
    for (name, declared, read) in functions() {
        let mut asked = asked_for(declared.clone(), &read);
        // With an engine of one's own machine, it is asked where the function is: alone, and in the container of sam local.
        let mut local = declared.clone();
        local.insert("ENDPOINT_URL".into(), "http://127.0.0.1:1".into());
        asked.extend(asked_for(local.clone(), &read));
        for (name, _) in NOT_OURS_TO_DECLARE {
            local.insert(name.into(), "x".into());
        }
        asked.extend(asked_for(local, &read));

        let declared: BTreeSet<String> = declared.into_keys().collect();
        let for_nothing: Vec<_> = declared.difference(&asked).collect();
        assert!(for_nothing.is_empty(), "{name}: {for_nothing:?}");
        not_declared.extend(asked.difference(&declared).cloned());
    }
    let expected = NOT_OURS_TO_DECLARE.map(|(name, _)| name.to_owned());
    assert_eq!(not_declared, BTreeSet::from(expected));
}

#[test]
fn a_variable_that_is_missing_is_named_unless_it_is_one_of_the_optional_ones() {
    for (function, declared, read) in functions() {
        for name in declared.keys() {
            let mut without = declared.clone();
            without.remove(name);
            let started = read(&Environment::of(without));
            let expected = if OPTIONAL.contains(&name.as_str()) {
                Ok(())
            } else {
                Err(ConfigError::Absent(name.clone()))
            };
            assert_eq!(started, expected, "{function} without {name}");
        }
        assert_eq!(declared["ENDPOINT_URL"], "", "{function}");
    }
}

#[test]
fn every_source_has_a_list_of_the_hosts_that_its_reports_may_lie_at() {
    let template = template();
    let declared = function(&template, WORKER).environment.clone();
    let config = WorkerConfig::read(&Environment::of(declared)).unwrap();
    for source in sources() {
        let hosts = config.reports.hosts.get(source.name);
        assert!(hosts.is_some(), "no link of {} is followed", source.name);
    }
}

#[test]
fn nothing_else_is_read_when_a_function_starts() {
    for (file, reads) in READ_IN {
        let text = std::fs::read_to_string(root().join(file)).unwrap();
        let code = text.split("#[cfg(test)]").next().unwrap();
        for read in reads {
            assert_eq!(code.matches(read).count(), 1, "{file}: {read}");
        }
        // Where it is had, and where it is handed on: nowhere else.
        assert_eq!(code.matches("Environment::of_process()").count(), 1);
        assert_eq!(
            code.matches("environment").count(),
            1 + reads.len(),
            "{file}"
        );
    }
    let files = ["shared/src", "functions"].map(|folder| code_files(&root().join(folder)));
    let of_process = files.concat().into_iter().filter(|(_, code)| {
        let code = code.split("#[cfg(test)]").next().unwrap();
        code.contains("Environment::of_process()")
    });
    let reading: BTreeSet<String> = of_process.map(|(file, _)| file).collect();
    let expected = READ_IN.map(|(file, _)| file.to_owned());
    assert_eq!(reading, BTreeSet::from(expected));
}

/// All code under a folder that is not for tests alone, by the file's place in the workspace.
fn code_files(folder: &std::path::Path) -> Vec<(String, String)> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        if path.is_dir() && name != "tests" {
            files.extend(code_files(&path));
        } else if path.extension().is_some_and(|it| it == "rs") && name != "tests.rs" {
            let text = std::fs::read_to_string(&path).unwrap();
            let place = path.strip_prefix(root()).unwrap().display().to_string();
            files.push((place, text));
        }
    }
    files
}
