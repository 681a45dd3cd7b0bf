//! What came of each look for a report, as it is counted of its source: every look is kept, postponed, refused or unavailable.

use crate::world::*;
use serde_json::{Value, json};
use shared::event::Report;
use shared::key::ItemKey;
use shared::store::ReportOutcome;
use std::collections::BTreeMap;

/// What a look comes to: one of these.
const RESULTS: [&str; 4] = [
    "ReportsKept",
    "ReportsPostponed",
    "ReportsRefused",
    "ReportsUnavailable",
];
/// What is said of it besides.
const OF_THESE: [&str; 3] = ["ReportsUnchanged", "ReportsUnreachable", "ReportsLost"];

/// What the one line about a look for the report at this key counts, and of whom.
async fn counted(world: &World, key: &ItemKey) -> (String, Vec<&'static str>) {
    world.take_lines();
    let message = json!({
        "version": 1, "job": "fetch_report", "pk": key.pk, "sk": key.sk, "correlation_id": "r",
    });
    world.handle(vec![Some(message.to_string())]).await;
    let lines = world.take_lines();
    let line = lines.iter().find(|it| it["Job"] == "fetch_report").unwrap();
    assert_eq!(line["message"], "job done");
    let directive = &line["_aws"]["CloudWatchMetrics"][0];
    assert_eq!(directive["Dimensions"], json!([[], ["Job"], ["Source"]]));
    let sent: BTreeMap<&str, &Value> = directive["Metrics"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["Name"].as_str().unwrap())
        .map(|name| (name, &line[name]))
        .collect();
    let results = RESULTS.iter().filter(|name| sent.contains_key(*name));
    assert_eq!(results.count(), 1, "{sent:?}");
    let names = RESULTS.into_iter().chain(OF_THESE);
    let names = names.filter(|name| sent.get(name).is_some_and(|value| **value == 1));
    (line["Source"].as_str().unwrap().to_owned(), names.collect())
}

/// The same for a report that is offered now.
async fn of_offered(world: &World, source: &str, link: &Report) -> Vec<&'static str> {
    let key = offer(&world.table, source, "1", link).await;
    let (told, names) = counted(world, &key).await;
    assert_eq!(told, source);
    names
}

#[tokio::test]
async fn a_report_that_is_kept_is_counted_and_so_is_one_with_the_same_bytes() {
    for source in ["imocha", "testlify"] {
        let world = world().await;
        let first = of_offered(&world, source, &link(&world.pdf("1?a"))).await;
        assert_eq!(first, ["ReportsKept"]);
        let same = of_offered(&world, source, &link(&world.pdf("1?b"))).await;
        assert_eq!(same, ["ReportsKept", "ReportsUnchanged"]);
        let other = of_offered(&world, source, &link(&world.pdf("2"))).await;
        assert_eq!(other, ["ReportsKept"]);
    }
}

#[tokio::test]
async fn what_may_not_be_followed_is_refused_and_lost() {
    for url in [
        "http://reports.example.com/1.pdf",
        "https://elsewhere.example.com/1.pdf",
        "https://169.254.169.254/latest/meta-data",
    ] {
        let world = world().await;
        let counted = of_offered(&world, "testlify", &link(url)).await;
        assert_eq!(counted, ["ReportsRefused", "ReportsLost"], "{url}");
    }
}

#[tokio::test]
async fn what_is_not_ready_is_postponed_and_who_is_down_is_unreachable_besides() {
    let world = world().await;
    let not_ready = json!({ "pdf_export_url": null });
    world.vendor().will_answer(200, &not_ready);
    let counted = of_offered(&world, "jobmojito", &Report::OnRequest).await;
    assert_eq!(counted, ["ReportsPostponed"]);

    let world = crate::world::world().await;
    world.vendor().will_answer(500, "{}");
    let counted = of_offered(&world, "jobmojito", &Report::OnRequest).await;
    assert_eq!(counted, ["ReportsPostponed", "ReportsUnreachable"]);

    let world = crate::world::world().await;
    world.vendor().will_serve(503, "");
    let counted = of_offered(&world, "testlify", &link(&world.pdf("1"))).await;
    assert_eq!(counted, ["ReportsPostponed", "ReportsUnreachable"]);
}

#[tokio::test]
async fn what_nobody_can_be_asked_for_is_unavailable_and_nothing_is_lost() {
    let world = world().await;
    let counted = of_offered(&world, "testlify", &Report::OnRequest).await;
    assert_eq!(counted, ["ReportsUnavailable"]);
}

#[tokio::test]
async fn what_is_behind_no_link_is_postponed_until_it_is_unavailable_and_lost() {
    let world = world().await;
    let key = offer(&world.table, "testlify", "1", &link(&world.pdf("1"))).await;
    let mut looks = Vec::new();
    loop {
        world.vendor().will_serve(404, "");
        looks.push(counted(&world, &key).await.1);
        if world.report(&key).await.outcome != ReportOutcome::Pending {
            break;
        }
        world.wait_until(world.only_marked().await.due_at);
        world.worker.sweep("sweep").await.unwrap();
        world.take_messages();
    }
    let last = looks.pop().unwrap();
    assert_eq!(last, ["ReportsUnavailable", "ReportsLost"]);
    assert_eq!(looks, vec![vec!["ReportsPostponed"]; 6]);
}
