//! `docs/openapi.json` held against the real functions: every payload in it is posted, every way of being refused is tried, and each answer is
//! one that the document has, of the type and shape that it says.

use crate::stage::{Stage, payload, root};
use crate::vendors::{Ready, ready};
use bytes::Bytes;
use imocha_webhook::Imocha;
use jobmojito_webhook::Jobmojito;
use local::faults::{ErrorAnswer, Fault};
use reqwest::{Method, Response};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::Arc;
use testlify_webhook::Testlify;
use tests::faults::Breaker;
use xobin_webhook::Xobin;

const ONE_MEBIBYTE: usize = 1024 * 1024;
const PROBLEM: &str = "application/problem+json";

struct Document(Value);

impl Document {
    fn read() -> Self {
        let text = std::fs::read(root().join("docs/openapi.json")).unwrap();
        Self(serde_json::from_slice(&text).unwrap())
    }

    /// The path, the source and the operation of each endpoint.
    fn operations(&self) -> Vec<(&str, &str, &Value)> {
        let paths = self.0["paths"].as_object().unwrap().iter();
        let operations = paths.map(|(path, item)| {
            let post = &item["post"];
            (path.as_str(), post["tags"][0].as_str().unwrap(), post)
        });
        operations.collect()
    }

    fn resolved<'a>(&'a self, value: &'a Value) -> &'a Value {
        let reference = value["$ref"].as_str();
        let target = reference.map(|it| self.0.pointer(it.trim_start_matches('#')).unwrap());
        target.unwrap_or(value)
    }

    /// The answer's body, once the document is found to have such an answer to this operation.
    async fn has(&self, operation: &Value, response: Response) -> Value {
        let status = response.status().as_u16().to_string();
        let documented = self.resolved(&operation["responses"][&status]);
        let content_type = response.headers()["content-type"].to_str().unwrap();
        let content = &documented["content"][content_type];
        assert!(
            content.is_object(),
            "{status}, {content_type}: not documented"
        );
        if status == "503" && content_type == PROBLEM {
            let seconds = &documented["headers"]["Retry-After"]["schema"]["const"];
            assert_eq!(response.headers()["retry-after"], seconds.to_string());
        }
        let schema = json!({ "allOf": [content["schema"]], "components": self.0["components"] });
        let body: Value = response.json().await.unwrap();
        if let Err(error) = jsonschema::validator_for(&schema).unwrap().validate(&body) {
            panic!("{status}: {body}: {error}");
        }
        body
    }

    /// The same, of an answer whose body does not depend on the call: it is the example.
    async fn has_example(&self, operation: &Value, response: Response) {
        let status = response.status().as_u16().to_string();
        let content_type = response.headers()["content-type"]
            .to_str()
            .unwrap()
            .to_owned();
        let body = self.has(operation, response).await;
        let documented = self.resolved(&operation["responses"][&status]);
        assert_eq!(documented["content"][&content_type]["example"], body);
    }

    /// The sets of headers, each of which is said to authenticate a call.
    fn credentials(&self, operation: &Value) -> BTreeSet<BTreeSet<String>> {
        let ways = operation["security"].as_array().unwrap().iter();
        let headers = ways.map(|way| {
            let schemes = way.as_object().unwrap().keys();
            schemes.map(|name| self.header(name)).collect()
        });
        headers.collect()
    }

    fn header(&self, scheme: &str) -> String {
        let scheme = &self.0["components"]["securitySchemes"][scheme];
        match scheme["type"].as_str().unwrap() {
            "http" => "authorization".into(),
            _ => scheme["name"].as_str().unwrap().into(),
        }
    }
}

/// A vendor's call with one of the payloads in the document. The payload's name says for which way in it is.
async fn call(stage: &Stage, source: &str, name: &str) -> Ready {
    let body = payload(&format!("{source}/{name}.json"));
    let version = name.split('-').next().unwrap();
    match source {
        "imocha" => ready::<Imocha>(stage, "", name, body).await,
        "jobmojito" => ready::<Jobmojito>(stage, "", name, body).await,
        "testlify" => ready::<Testlify>(stage, version, name, body).await,
        "xobin" => ready::<Xobin>(stage, version, name, body).await,
        other => panic!("{other} is no source"),
    }
}

fn payloads(operation: &Value) -> Vec<&String> {
    let content = &operation["requestBody"]["content"]["application/json"];
    content["examples"].as_object().unwrap().keys().collect()
}

/// A call for each operation, with one of its payloads.
async fn one_call_each<'d>(document: &'d Document, stage: &Stage) -> Vec<(&'d Value, Ready)> {
    let mut calls = Vec::new();
    for (_, source, operation) in document.operations() {
        calls.push((operation, call(stage, source, payloads(operation)[0]).await));
    }
    calls
}

#[test]
fn every_answer_of_the_gateways_own_is_in_the_document() {
    let document = Document::read();
    for (status, message) in local::gateway::own_answers() {
        let answer = &document.0["components"]["responses"][status.as_str()];
        let example = &answer["content"]["application/json"]["example"];
        assert_eq!(*example, json!({ "message": message }), "{status}");
    }
}

#[test]
fn the_document_is_of_openapi_3_1() {
    let schema = std::fs::read(root().join("tests/schemas/openapi-3.1.json")).unwrap();
    let schema = serde_json::from_slice(&schema).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let Document(mut document) = Document::read();
    let errors: Vec<String> = validator
        .iter_errors(&document)
        .map(|it| it.to_string())
        .collect();
    assert_eq!(errors, Vec::<String>::new());

    document["paths"]["/webhooks/jobmojito"]["post"]["responses"] = json!({ "twohundred": {} });
    assert!(!validator.is_valid(&document));
}

#[tokio::test]
async fn every_payload_is_answered_as_the_document_says() {
    let (document, stage) = (Document::read(), Stage::new().await);
    let mut outcomes = BTreeSet::new();
    for (path, source, operation) in document.operations() {
        for name in payloads(operation) {
            let call = call(&stage, source, name).await;
            let expected = path.split_once('{').map_or(path, |(before, _)| before);
            assert!(call.path.starts_with(expected), "{name} goes to {path}");
            for _ in 0..2 {
                let receipt = document.has(operation, call.post(&stage).await).await;
                outcomes.insert(receipt["outcome"].to_string());
            }
        }
    }
    for (operation, mut call) in one_call_each(&document, &stage).await {
        call.path = call.path.replace("/xobin/", "/xobin/another-");
        call.body = Bytes::from("{}");
        let unsigned = call
            .headers
            .iter()
            .all(|(name, _)| !name.contains("signature"));
        if unsigned {
            let receipt = document.has(operation, call.post(&stage).await).await;
            outcomes.insert(receipt["outcome"].to_string());
        }
    }
    let known = &document.0["components"]["schemas"]["Receipt"]["properties"]["outcome"]["enum"];
    let known = known.as_array().unwrap().iter();
    assert_eq!(
        outcomes,
        known.map(Value::to_string).collect(),
        "a word is missing"
    );
}

#[tokio::test]
async fn what_authenticates_a_call_is_what_the_document_says() {
    let (document, stage) = (Document::read(), Stage::new().await);
    for (operation, mut call) in one_call_each(&document, &stage).await {
        let sent = call.headers.iter().map(|(name, _)| name.to_lowercase());
        let sent: BTreeSet<String> = sent.filter(|name| name != "content-type").collect();
        let ways = document.credentials(operation);
        if ways.is_empty() {
            let parameter = document.resolved(&operation["parameters"][0]);
            assert_eq!((&parameter["name"], sent.len()), (&json!("token"), 0));
            call.path.push('x');
        } else {
            assert!(ways.contains(&sent), "{sent:?}");
            call.headers.clear();
        }
        let refused = call.post(&stage).await;
        assert_eq!(refused.status(), 401);
        document.has_example(operation, refused).await;
    }
}

#[tokio::test]
async fn what_is_too_large_or_of_another_method_is_answered_as_the_document_says() {
    let (document, stage) = (Document::read(), Stage::new().await);
    for (operation, mut call) in one_call_each(&document, &stage).await {
        for length in [ONE_MEBIBYTE + 1, 10 * ONE_MEBIBYTE + 1] {
            call.body = vec![b'x'; length].into();
            let response = call.post(&stage).await;
            assert_eq!(response.status(), 413);
            document.has_example(operation, response).await;
        }
        let url = format!("{}{}", stage.bundle.api_url(), call.path);
        let response = stage.http.request(Method::PUT, url).send().await.unwrap();
        assert_eq!(response.status(), 404);
        document.has_example(operation, response).await;
    }
}

#[tokio::test]
async fn a_fault_of_ours_is_answered_as_the_document_says() {
    let (document, breaker) = (Document::read(), Breaker::new());
    let faults = Arc::new(breaker.clone());
    let stage = Stage::with(move |options| {
        options.faults = Some(faults);
        // A function that does not start.
        let settings = [("QUEUE_URL".to_owned(), String::new())];
        let broken = options
            .function_environment
            .entry("JobmojitoFunction".into());
        broken.or_default().extend(settings);
    })
    .await;
    let calls = one_call_each(&document, &stage).await;
    breaker.set(|call| match call.operation.as_str() {
        "UpdateItem" => Fault::Answer(ErrorAnswer::internal("on purpose")),
        _ => Fault::None,
    });
    for (operation, call) in calls {
        let response = call.post(&stage).await;
        let broken = operation["tags"][0] == "jobmojito";
        let expected = if broken { 500 } else { 503 };
        assert_eq!(response.status(), expected);
        document.has_example(operation, response).await;
    }
}
