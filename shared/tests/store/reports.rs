use crate::engine::*;
use shared::attempt::State;
use shared::event::Report;
use shared::key::{ItemKey, attempt_partition};
use shared::store::{
    FIRST_DUE, Fetching, KeptReport, Later, ReportItem, ReportOrigin, ReportOutcome, StateWrite,
};
use std::time::Duration;

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

fn kept(report: ReportItem) -> ReportItem {
    let kept = KeptReport {
        s3_key: "reports/suite/7/ab.pdf".into(),
        sha256: "ab".into(),
        size_bytes: 5_000_000_000,
        content_type: "application/pdf".into(),
        fetched_at: at(9),
        origin: ReportOrigin::ApiLink,
    };
    ReportItem {
        outcome: ReportOutcome::Stored,
        kept: Some(kept),
        url: Some("https://vendor.example.com/1.pdf".into()),
        valid_until: Some(at(3600)),
        due_at: None,
        ..report
    }
}

/// Begins to fetch it, for a minute, and tells whether nobody else was at it.
async fn begin(engine: &Engine, seconds: i64) -> Option<Fetching> {
    let (key, minute) = (key(), Duration::from_mins(1));
    let begun = engine.table.begin_fetching(&key, at(seconds), minute);
    begun.await.unwrap()
}

async fn settle(engine: &Engine, report: &ReportItem, fetching: Fetching) -> bool {
    let settled = engine.table.settle_report(report, fetching, at(0), None);
    settled.await.unwrap()
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
        kept: None,
        url: None,
        valid_until: None,
        link_died_at: None,
        problem: None,
        due_at: Some(at(0).plus(FIRST_DUE)),
        tries: 0,
    };
    assert_eq!(report(&engine).await, pending);
    assert!(engine.due(at(0)).await.is_empty());
    assert_eq!(engine.only_due(at(0).plus(FIRST_DUE)).await.key, key());

    let fetching = begin(&engine, 0).await.unwrap();
    let settled = kept(pending);
    assert!(settle(&engine, &settled, fetching).await);
    assert_eq!(report(&engine).await, settled);
    let state = engine.table.partition(&key().pk).await.unwrap().state;
    let state = state.unwrap();
    assert_eq!((state.version, state.published), (2, 1), "it is told of");
    assert_eq!(engine.table.count_marked().await.unwrap(), 1);
    assert_eq!(begin(&engine, 1000).await, None, "it is no work any more");
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
    let settled = kept(pending);
    let fetching = begin(&engine, 0).await.unwrap();
    assert!(settle(&engine, &settled, fetching).await);
    assert!(!create(&engine, &link("b"), 20).await);
    let partition = engine.table.partition(&key().pk).await.unwrap();
    assert_eq!(partition.reports, *std::slice::from_ref(&settled));
    assert_eq!(engine.table.reports(&key().pk).await.unwrap(), [settled]);
    assert_eq!(engine.table.count_marked().await.unwrap(), 0);
}

#[tokio::test]
async fn why_there_is_no_report_is_kept() {
    let engine = engine().await;
    create(&engine, &link("a"), 0).await;
    let refused = ReportItem {
        outcome: ReportOutcome::Refused,
        problem: Some("not https".into()),
        due_at: None,
        ..report(&engine).await
    };
    let fetching = begin(&engine, 0).await.unwrap();
    assert!(settle(&engine, &refused, fetching).await);
    assert_eq!(report(&engine).await, refused);
}

#[tokio::test]
async fn of_two_that_fetch_a_report_one_does_until_its_time_is_up() {
    let engine = engine().await;
    create(&engine, &link("a"), 0).await;
    let first = begin(&engine, 0).await.unwrap();
    assert_eq!(begin(&engine, 0).await, None);
    assert_eq!(begin(&engine, 59).await, None);
    let second = begin(&engine, 60).await.unwrap();
    let report = report(&engine).await;
    assert!(
        !settle(&engine, &kept(report.clone()), first).await,
        "it took too long"
    );
    engine.table.stop_fetching(&key(), first).await.unwrap();
    assert_eq!(begin(&engine, 61).await, None, "the second is at it still");
    assert!(settle(&engine, &kept(report), second).await);
}

#[tokio::test]
async fn who_stops_leaves_the_report_to_the_next() {
    let engine = engine().await;
    create(&engine, &link("a"), 0).await;
    let fetching = begin(&engine, 0).await.unwrap();
    engine.table.stop_fetching(&key(), fetching).await.unwrap();
    assert!(begin(&engine, 0).await.is_some());
}

#[tokio::test]
async fn a_report_that_is_postponed_says_why_and_is_not_due_before() {
    let engine = engine().await;
    create(&engine, &link("a"), 0).await;
    let postpone = async |seconds, problem| {
        let fetching = begin(&engine, 0).await.unwrap();
        let key = key();
        let postponed =
            engine
                .table
                .postpone_report(&key, fetching, at(seconds), Later::NotYet, problem);
        postponed.await.unwrap();
        let report = report(&engine).await;
        (report.due_at, report.problem)
    };
    let slow = Some("too slow".to_owned());
    assert_eq!(postpone(300, Some("too slow")).await, (Some(at(300)), slow));
    assert_eq!(
        postpone(60, None).await,
        (Some(at(300)), None),
        "not sooner"
    );
    assert_eq!(report(&engine).await.outcome, ReportOutcome::Pending);
}

#[tokio::test]
async fn a_report_that_is_not_kept_can_be_wanted_again() {
    let engine = engine().await;
    let again = async || {
        let key = key();
        let again = engine.table.want_report_again(&key, at(500));
        again.await.unwrap()
    };
    assert!(!again().await, "there is none");
    create(&engine, &link("a"), 0).await;
    let fetching = begin(&engine, 0).await.unwrap();
    let refused = ReportItem {
        outcome: ReportOutcome::Refused,
        problem: Some("not https".into()),
        ..report(&engine).await
    };
    let month = Some(Duration::from_hours(720));
    let settled = engine.table.settle_report(&refused, fetching, at(0), month);
    assert!(settled.await.unwrap());
    assert!(again().await);
    let item = engine.item(&key()).await.unwrap();
    assert!(!item.contains_key("expires_at"), "nothing marked expires");
    let wanted = report(&engine).await;
    assert_eq!(
        (wanted.outcome, wanted.problem),
        (ReportOutcome::Pending, None)
    );
    assert_eq!(wanted.due_at, Some(at(500).plus(FIRST_DUE)));

    let fetching = begin(&engine, 500).await.unwrap();
    let wanted = kept(report(&engine).await);
    assert!(settle(&engine, &wanted, fetching).await);
    assert!(!again().await, "it is kept");
    assert_eq!(report(&engine).await, wanted);
}

#[tokio::test]
async fn the_report_of_an_attempt_that_came_again_is_not_settled_by_the_one_before() {
    let engine = engine().await;
    create(&engine, &link("a"), 0).await;
    let (old, fetching) = (report(&engine).await, begin(&engine, 0).await.unwrap());
    engine.delete(&key()).await;
    assert!(create(&engine, &link("b"), 5).await);
    // Begun at the same moment, so that only the link tells them apart.
    begin(&engine, 0).await.unwrap();
    assert!(!settle(&engine, &kept(old), fetching).await);
    let now = report(&engine).await;
    assert_eq!(now.link, link("b"));
    assert_eq!((now.outcome, now.url), (ReportOutcome::Pending, None));
    assert_eq!(engine.table.count_marked().await.unwrap(), 1);
}

#[tokio::test]
async fn settling_a_report_that_is_gone_does_not_bring_it_back() {
    let engine = engine().await;
    create(&engine, &Report::OnRequest, 0).await;
    let (old, fetching) = (report(&engine).await, begin(&engine, 0).await.unwrap());
    engine.delete(&key()).await;
    assert!(!settle(&engine, &kept(old), fetching).await);
    assert_eq!(engine.item(&key()).await, None);
}

#[tokio::test]
async fn a_report_that_is_still_being_made_is_not_overdue_and_one_whose_fetching_fails_is() {
    let engine = engine().await;
    create(&engine, &link("a"), 0).await;
    let first = at(0).plus(FIRST_DUE);
    for seconds in [600, 1200] {
        let fetching = begin(&engine, seconds).await.unwrap();
        let due = engine.only_due(at(10_000)).await;
        assert!(engine.table.claim(&due, at(seconds + 90)).await.unwrap());
        engine.table.stop_fetching(&key(), fetching).await.unwrap();
        assert_eq!(engine.only_due(at(10_000)).await.due_since, first);
    }
    let fetching = begin(&engine, 1800).await.unwrap();
    let (table, key) = (&engine.table, key());
    let postponed =
        table.postpone_report(&key, fetching, at(2100), Later::NotYet, Some("not ready"));
    postponed.await.unwrap();
    assert_eq!(engine.only_due(at(10_000)).await.due_since, at(2100));
}
