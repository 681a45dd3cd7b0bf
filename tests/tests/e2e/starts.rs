//! A function that is deployed with a setting missing or wrong: it does not start, and says which.

use crate::stage::binaries;
use crate::template::template_with;
use serde_json::Value;
use std::collections::BTreeMap;
use tokio::process::Command;

const FUNCTIONS: [&str; 5] = [
    "imocha-webhook",
    "jobmojito-webhook",
    "testlify-webhook",
    "xobin-webhook",
    "worker",
];

/// What the template tells a function.
fn declared(binary: &str) -> BTreeMap<String, String> {
    let functions = template_with(&[]).functions.into_iter();
    let mut found = functions.filter(|it| it.binary == binary);
    found.next().unwrap().environment
}

/// What a function logs as an error when it is started with these settings, and those besides; it must end by itself.
async fn logged(function: &str, without: &str, besides: &[(&str, &str)]) -> Vec<Value> {
    let mut settings = declared(function);
    settings.remove(without);
    let ended = Command::new(binaries().await.join(function))
        .env_clear()
        .env("AWS_LAMBDA_RUNTIME_API", "127.0.0.1:1")
        .envs(settings)
        .envs(besides.iter().copied())
        .kill_on_drop(true)
        .output()
        .await
        .unwrap();
    assert!(!ended.status.success(), "{function} starts");
    let text = String::from_utf8(ended.stdout).unwrap();
    let lines = text.lines().map(|line| serde_json::from_str(line).unwrap());
    lines
        .filter(|line: &Value| line["level"] == "ERROR")
        .collect()
}

fn says(lines: &[Value], words: &[&str]) -> bool {
    let [line] = lines else { return false };
    let error = line["error"].as_str().unwrap_or_default();
    line["message"] == "the function cannot start" && words.iter().all(|word| error.contains(word))
}

#[tokio::test]
async fn a_function_without_a_setting_names_it_and_does_not_start() {
    for function in FUNCTIONS {
        let lines = logged(function, "TABLE_NAME", &[]).await;
        assert!(
            says(&lines, &["TABLE_NAME", "is not set"]),
            "{function}: {lines:?}"
        );
        let empty = logged(function, "TABLE_NAME", &[("TABLE_NAME", "")]).await;
        assert!(
            says(&empty, &["TABLE_NAME", "is not set"]),
            "{function}: {empty:?}"
        );
    }
}

#[tokio::test]
async fn a_setting_that_is_no_number_is_shown() {
    let lines = logged("worker", "RETENTION_DAYS", &[("RETENTION_DAYS", "a month")]).await;
    assert!(
        says(&lines, &["RETENTION_DAYS", "`a month`", "whole number"]),
        "{lines:?}"
    );
}

#[tokio::test]
async fn a_level_that_is_none_is_logged_like_every_other_setting() {
    for function in FUNCTIONS {
        let lines = logged(function, "", &[("RUST_LOG", "loud")]).await;
        assert!(
            says(&lines, &["RUST_LOG", "`loud`", "off, error, warn"]),
            "{function}: {lines:?}"
        );
    }
}

#[tokio::test]
async fn engines_of_ones_own_machine_are_refused_on_lambda() {
    let on_lambda = [
        ("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand"),
        ("ENDPOINT_URL", "http://127.0.0.1:1"),
    ];
    let lines = logged("imocha-webhook", "", &on_lambda).await;
    assert!(
        says(&lines, &["ENDPOINT_URL", "leave it empty"]),
        "{lines:?}"
    );
}
