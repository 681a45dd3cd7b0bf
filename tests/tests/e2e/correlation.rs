//! One id leads from a webhook through the queue to the calls of the vendor's API.

use crate::follow_ups::with_imocha;
use crate::stage::{Stage, accepted, eventually, payload};
use crate::vendors::deliver;
use imocha_webhook::Imocha;
use serde_json::Value;
use std::collections::BTreeSet;

/// The lines of JSON that the functions wrote.
fn lines(stage: &Stage) -> Vec<Value> {
    let logs = stage.bundle.logs();
    let lines = logs.iter().map(|line| line.text.as_str());
    lines
        .filter_map(|line| serde_json::from_str(line).ok())
        .collect()
}

/// What was done under this id: each line's job or source, and what it says.
fn done(stage: &Stage, id: &str) -> BTreeSet<(String, String)> {
    let text = |line: &Value, name: &str| line[name].as_str().unwrap_or_default().to_owned();
    let lines = lines(stage);
    let under_id = lines.iter().filter(|line| line["correlation_id"] == id);
    let done = under_id.map(|line| {
        let who = [text(line, "Job"), text(line, "job"), text(line, "Source")];
        let who = who.into_iter().find(|it| !it.is_empty());
        (who.unwrap_or_default(), text(line, "message"))
    });
    done.collect()
}

#[tokio::test]
async fn one_id_leads_from_the_request_to_the_vendors_api() {
    let (stage, imocha) = with_imocha().await;
    let body = payload("imocha/complete.json");
    imocha.remember(3_314_697, body.to_vec());
    accepted(deliver::<Imocha>(&stage, "", "", body).await).await;
    let first = lines(&stage).into_iter();
    let mut accepted = first.filter(|line| line["message"] == "webhook accepted");
    let id = accepted.next().unwrap()["correlation_id"].clone();
    let id = id.as_str().unwrap();
    assert!(!id.is_empty());

    let expected = [
        ("imocha", "webhook accepted"),
        ("fold", "job done"),
        ("read_result", "vendor called"),
    ];
    eventually("the vendor was called", || async {
        let done = done(&stage, id);
        let is_done = |(who, what): &(&str, &str)| done.contains(&((*who).into(), (*what).into()));
        expected.iter().all(is_done).then_some(())
    })
    .await;
    for line in lines(&stage) {
        let id = line["correlation_id"].as_str().unwrap_or_default();
        assert!(!id.is_empty(), "nobody can tell what this is about: {line}");
    }
}
