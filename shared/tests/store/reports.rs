use crate::engine::*;
use shared::event::Report;
use shared::key::{ItemKey, attempt_partition};
use shared::store::{FIRST_DUE, ReportItem, ReportOutcome};

fn key() -> ItemKey {
    ReportItem::key(&attempt_partition(SOURCE, "7"), 1)
}

fn link(url: &str) -> Report {
    Report::Link {
        url: url.into(),
        valid_until: Some(at(3600)),
    }
}

async fn create(engine: &Engine, link: &Report, seconds: i64) {
    let table = &engine.table;
    table
        .create_report(&key(), link, at(seconds))
        .await
        .unwrap();
}

async fn report(engine: &Engine) -> ReportItem {
    engine.table.report(&key()).await.unwrap().unwrap()
}

fn resolved(report: ReportItem) -> ReportItem {
    ReportItem {
        outcome: ReportOutcome::Resolved,
        url: Some("https://vendor.example.com/1.pdf".into()),
        valid_until: Some(at(3600)),
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
    };
    assert_eq!(report(&engine).await, pending);
    assert!(engine.due(at(0)).await.is_empty());
    assert_eq!(engine.only_due(at(0).plus(FIRST_DUE)).await.key, key());

    let settled = resolved(pending);
    engine.table.settle_report(&settled).await.unwrap();
    assert_eq!(report(&engine).await, settled);
    assert_eq!(engine.table.count_marked().await.unwrap(), 0);
}

#[tokio::test]
async fn a_fold_that_creates_it_again_leaves_one_report() {
    let engine = engine().await;
    create(&engine, &link("a"), 0).await;
    create(&engine, &link("a"), 10).await;
    let partition = engine.table.partition(&key().pk).await.unwrap();
    let [only] = partition.reports.try_into().unwrap();
    assert_eq!(only, report(&engine).await);
    assert_eq!(only.outcome, ReportOutcome::Pending);
    assert_eq!(engine.table.count_marked().await.unwrap(), 1);
}

#[tokio::test]
async fn why_there_is_no_link_is_kept_and_forgotten_when_it_is_offered_anew() {
    let engine = engine().await;
    create(&engine, &link("a"), 0).await;
    let refused = ReportItem {
        outcome: ReportOutcome::Refused,
        problem: Some("not https".into()),
        ..report(&engine).await
    };
    engine.table.settle_report(&refused).await.unwrap();
    assert_eq!(report(&engine).await, refused);
    create(&engine, &link("b"), 5).await;
    let anew = report(&engine).await;
    assert_eq!(anew.outcome, ReportOutcome::Pending);
    assert_eq!((anew.link, anew.problem), (link("b"), None));
}

#[tokio::test]
async fn what_was_offered_in_the_meantime_is_not_settled() {
    let engine = engine().await;
    create(&engine, &link("a"), 0).await;
    let old = report(&engine).await;
    create(&engine, &link("b"), 5).await;
    engine.table.settle_report(&resolved(old)).await.unwrap();
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
    engine.table.settle_report(&resolved(old)).await.unwrap();
    assert_eq!(engine.item(&key()).await, None);
}
