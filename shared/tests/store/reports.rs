use crate::engine::*;
use shared::attempt::State;
use shared::event::Report;
use shared::key::{ItemKey, attempt_partition};
use shared::store::{FIRST_DUE, ReportItem, ReportOutcome, StateWrite};

fn key() -> ItemKey {
    ReportItem::key(&attempt_partition(SOURCE, "7"), 1)
}

fn link(url: &str) -> Report {
    Report::Link {
        url: url.into(),
        valid_until: Some(at(3600)),
    }
}

/// Writes the next version of the state, with report 1 as its new one, and publishes it: the report alone is work then.
async fn create(engine: &Engine, link: &Report, seconds: i64) -> bool {
    let table = &engine.table;
    let stored = table.partition(&key().pk).await.unwrap().state;
    let write = StateWrite {
        source: SOURCE,
        attempt: "7",
        state: &State::default(),
        replaces: stored.as_ref().map_or(0, |stored| stored.version),
        folds: stored.map_or(0, |stored| stored.folds),
        report: None,
        new_report: Some((1, link)),
        in_doubt: false,
        candidate_key: None,
        now: at(seconds),
    };
    let written = table.put_state(write).await.unwrap();
    let stored = table.partition(&key().pk).await.unwrap().state.unwrap();
    let settled = table.settle_published(&stored, at(seconds), None).await;
    assert!(settled.unwrap());
    written
}

async fn report(engine: &Engine) -> ReportItem {
    engine.table.report(&key()).await.unwrap().unwrap()
}

fn resolved(report: ReportItem) -> ReportItem {
    ReportItem {
        outcome: ReportOutcome::Resolved,
        url: Some("https://vendor.example.com/1.pdf".into()),
        valid_until: Some(at(3600)),
        due_at: None,
        ..report
    }
}

#[tokio::test]
async fn a_report_is_work_until_it_is_settled() {
    let engine = engine().await;
    assert!(engine.table.report(&key()).await.unwrap().is_none());
    create(&engine, &link("a"), 0).await;
    let pending = ReportItem {
        key: key(),
        link: link("a"),
        outcome: ReportOutcome::Pending,
        url: None,
        valid_until: None,
        problem: None,
        due_at: Some(at(0).plus(FIRST_DUE)),
    };
    assert_eq!(report(&engine).await, pending);
    assert!(engine.due(at(0)).await.is_empty());
    assert_eq!(engine.only_due(at(0).plus(FIRST_DUE)).await.key, key());

    let settled = resolved(pending);
    engine
        .table
        .settle_report(&settled, at(0), None)
        .await
        .unwrap();
    assert_eq!(report(&engine).await, settled);
    assert_eq!(engine.table.count_marked().await.unwrap(), 0);
}

#[tokio::test]
async fn a_report_that_is_there_is_not_displaced() {
    let engine = engine().await;
    assert!(create(&engine, &link("a"), 0).await);
    let pending = report(&engine).await;
    for link in [link("a"), link("b")] {
        assert!(!create(&engine, &link, 10).await);
        assert_eq!(report(&engine).await, pending);
    }
    let settled = resolved(pending);
    engine
        .table
        .settle_report(&settled, at(0), None)
        .await
        .unwrap();
    assert!(!create(&engine, &link("b"), 20).await);
    let partition = engine.table.partition(&key().pk).await.unwrap();
    assert_eq!(partition.reports, [settled]);
    assert_eq!(engine.table.count_marked().await.unwrap(), 0);
}

#[tokio::test]
async fn why_there_is_no_link_is_kept() {
    let engine = engine().await;
    create(&engine, &link("a"), 0).await;
    let refused = ReportItem {
        outcome: ReportOutcome::Refused,
        problem: Some("not https".into()),
        due_at: None,
        ..report(&engine).await
    };
    engine
        .table
        .settle_report(&refused, at(0), None)
        .await
        .unwrap();
    assert_eq!(report(&engine).await, refused);
}

#[tokio::test]
async fn the_report_of_an_attempt_that_came_again_is_not_settled_by_the_one_before() {
    let engine = engine().await;
    create(&engine, &link("a"), 0).await;
    let old = report(&engine).await;
    engine.delete(&key()).await;
    assert!(create(&engine, &link("b"), 5).await);
    engine
        .table
        .settle_report(&resolved(old), at(0), None)
        .await
        .unwrap();
    let now = report(&engine).await;
    assert_eq!(now.link, link("b"));
    assert_eq!((now.outcome, now.url), (ReportOutcome::Pending, None));
    assert_eq!(engine.table.count_marked().await.unwrap(), 1);
}

#[tokio::test]
async fn settling_a_report_that_is_gone_does_not_bring_it_back() {
    let engine = engine().await;
    create(&engine, &Report::OnRequest, 0).await;
    let old = report(&engine).await;
    engine.delete(&key()).await;
    engine
        .table
        .settle_report(&resolved(old), at(0), None)
        .await
        .unwrap();
    assert_eq!(engine.item(&key()).await, None);
}
