//! What becomes of a report's bytes: kept once, whoever dies or comes twice.

use crate::vendor::pdf;
use crate::world::*;
use futures_util::future::join;
use serde_json::json;
use sha2::{Digest, Sha256};
use shared::event::Report;
use shared::key::ItemKey;
use shared::store::{KeptReport, ReportItem, ReportOrigin, ReportOutcome};
use std::sync::Arc;
use std::time::Duration;
use worker::JobError;

/// A report of iMocha's attempt 1 that is to be fetched from here.
async fn offered(world: &World, name: &str) -> ItemKey {
    offer(&world.table, "imocha", "1", &link(&world.pdf(name))).await
}

fn sha256(name: &str) -> String {
    let bytes = pdf(&format!("/pdf/{name}"));
    hex::encode(Sha256::digest(bytes))
}

fn object(name: &str) -> String {
    format!("reports/imocha/1/{}.pdf", sha256(name))
}

fn kept(report: ReportItem) -> KeptReport {
    assert_eq!(
        report.outcome,
        ReportOutcome::Stored,
        "{:?}",
        report.problem
    );
    report.kept.unwrap()
}

/// The keys of what is in the bucket.
fn objects(world: &World) -> Vec<String> {
    world.platform().bucket.objects().into_keys().collect()
}

#[tokio::test]
async fn a_report_is_kept_under_its_attempt_and_its_bytes() {
    let world = world().await;
    let key = offered(&world, "1").await;
    world.fetch(&key).await;
    let report = world.report(&key).await;
    assert_eq!(report.url, Some(world.pdf("1")));
    assert_eq!((&report.problem, report.due_at), (&None, None));
    let expected = KeptReport {
        s3_key: object("1"),
        sha256: sha256("1"),
        size_bytes: pdf("/pdf/1").len() as u64,
        content_type: "application/pdf".into(),
        fetched_at: at(0),
        origin: ReportOrigin::Event,
    };
    assert_eq!(kept(report), expected);
    let object = world
        .platform()
        .bucket
        .objects()
        .remove(&object("1"))
        .unwrap();
    assert_eq!(object.bytes, pdf("/pdf/1"));
    assert_eq!(object.content_type, "application/pdf");
    assert!(world.marked().await.is_empty());
    let left = std::fs::read_dir(world.directory.path()).unwrap().count();
    assert_eq!(left, 0, "nothing is left on the disk");
}

#[tokio::test]
async fn the_same_bytes_are_not_kept_twice_and_others_are_another_object() {
    let world = world().await;
    let first = offered(&world, "1?signed=a").await;
    world.fetch(&first).await;
    let again = offered(&world, "1?signed=b").await;
    world.fetch(&again).await;
    assert_eq!(objects(&world).len(), 1);
    let (first, again) = (world.report(&first).await, world.report(&again).await);
    assert_ne!(first.url, again.url);
    assert_eq!(kept(first), kept(again));

    let changed = offered(&world, "2").await;
    world.fetch(&changed).await;
    assert_eq!(kept(world.report(&changed).await).s3_key, object("2"));
    assert_eq!(objects(&world).len(), 2);
}

/// What is known of one report, and how often its object was written, when the same bytes are offered at each of these hours.
async fn offered_at(world: &World, hours: &[i64]) -> Vec<(i64, usize)> {
    let mut seen = Vec::new();
    for hour in hours {
        world.wait_until(at(hour * 3600));
        let offer = offered(world, "1").await;
        world.fetch(&offer).await;
        let fetched_at = kept(world.report(&offer).await).fetched_at;
        let since = fetched_at.milliseconds_since(at(0)) / 3_600_000;
        seen.push((
            since.cast_signed(),
            world.platform().bucket.stored(&object("1")),
        ));
    }
    seen
}

#[tokio::test]
async fn the_same_bytes_last_as_long_as_the_last_report_that_names_them() {
    let world = world_with(&[("RETENTION_DAYS", "7")]).await;
    let seen = offered_at(&world, &[0, 23, 25, 48, 50]).await;
    assert_eq!(seen, [(0, 1), (0, 1), (25, 2), (25, 2), (50, 3)]);
}

#[tokio::test]
async fn what_never_expires_is_written_once() {
    let world = world().await;
    let seen = offered_at(&world, &[0, 25, 8760]).await;
    assert_eq!(seen, [(0, 1), (0, 1), (0, 1)]);
}

#[tokio::test]
async fn what_somebody_has_deleted_is_kept_anew_when_it_is_offered_again() {
    let world = world().await;
    offered_at(&world, &[0]).await;
    world.platform().bucket.delete(&object("1"));
    let seen = offered_at(&world, &[7, 8]).await;
    assert_eq!(seen, [(7, 2), (7, 2)], "since when, and how often written");
    assert_eq!(objects(&world), [object("1")]);
}

#[tokio::test]
async fn a_report_whose_attempt_has_expired_meanwhile_is_settled_all_the_same() {
    let world = world().await;
    let key = offered(&world, "1").await;
    let state = ItemKey {
        pk: key.pk.clone(),
        sk: shared::key::STATE.into(),
    };
    world.delete(&state).await;
    let fetched = world.worker.fetch_report(&key, A_WHILE, "r").await;
    fetched.unwrap();
    assert_eq!(kept(world.report(&key).await).s3_key, object("1"));
    assert!(world.marked().await.is_empty());
}

#[tokio::test]
async fn the_same_report_of_two_attempts_is_each_ones_own() {
    let world = world().await;
    let link = link(&world.pdf("1"));
    for attempt in ["1", "2"] {
        let key = offer(&world.table, "imocha", attempt, &link).await;
        world.fetch(&key).await;
        let folder = format!("reports/imocha/{attempt}/");
        let kept = kept(world.report(&key).await);
        assert!(kept.s3_key.starts_with(&folder), "{}", kept.s3_key);
    }
    assert_eq!(objects(&world).len(), 2);
}

#[tokio::test]
async fn a_report_is_fetched_once() {
    let world = world().await;
    let key = offered(&world, "1").await;
    world.fetch(&key).await;
    let before = world.report(&key).await;
    world.fetch(&key).await;
    assert_eq!(world.report(&key).await, before);
    assert_eq!(world.vendor().fetched().len(), 1);
}

#[tokio::test]
async fn two_workers_with_the_same_report_fetch_it_once() {
    let world = world().await;
    let key = offered(&world, "1").await;
    join(world.fetch(&key), world.fetch(&key)).await;
    assert_eq!(world.vendor().fetched().len(), 1);
    assert_eq!(objects(&world), [object("1")]);
    kept(world.report(&key).await);
}

#[tokio::test]
async fn a_worker_that_took_too_long_does_not_write_over_the_one_after_it() {
    let world = world().await;
    let key = offered(&world, "1").await;
    for name in ["one", "other"] {
        let made = pdf(&format!("/pdf/{name}"));
        world
            .vendor()
            .will_serve(200, std::str::from_utf8(&made).unwrap());
    }
    let (second, clock, same) = (Arc::clone(&world.worker), world.clock.clone(), key.clone());
    world.vendor().meanwhile(async move {
        clock.advance(Duration::from_mins(1));
        second.fetch_report(&same, A_WHILE, "r").await.unwrap();
    });
    world.fetch(&key).await;
    // The second was answered first.
    assert_eq!(kept(world.report(&key).await).s3_key, object("one"));
    assert_eq!(objects(&world).len(), 2);
}

#[tokio::test]
async fn a_worker_that_dies_after_the_upload_is_made_up_for_without_another_object() {
    let world = world().await;
    let key = offered(&world, "1").await;
    world.platform().cut_off_after(1);
    let result = world.worker.fetch_report(&key, A_WHILE, "r").await;
    assert!(matches!(result, Err(JobError::Store(_))), "{result:?}");
    assert_eq!(objects(&world), [object("1")]);
    world.platform().mend();
    // It has not said that it is not at it any more.
    world.fetch(&key).await;
    assert_eq!(world.report(&key).await.outcome, ReportOutcome::Pending);
    world.wait_until(at(MINUTE));
    world.worker.sweep("sweep").await.unwrap();
    world.work_off_queue().await;
    assert_eq!(kept(world.report(&key).await).s3_key, object("1"));
    assert_eq!(objects(&world), [object("1")]);
    assert!(world.marked().await.is_empty());
}

#[tokio::test]
async fn a_bucket_that_is_missing_fails_the_message_and_loses_nothing() {
    let world = world().await;
    let key = offered(&world, "1").await;
    world.platform().bucket.take_away();
    let message = json!({ "version": 1, "job": "fetch_report", "pk": key.pk, "sk": key.sk });
    let message = || vec![Some(message.to_string())];
    assert_eq!(world.handle(message()).await, ["m0"]);
    assert_eq!(world.report(&key).await.outcome, ReportOutcome::Pending);
    assert_eq!(world.only_marked().await.key, key);
    world.platform().bucket.bring_back();
    // The same message, at once.
    assert_eq!(world.handle(message()).await, [""; 0]);
    kept(world.report(&key).await);
    world.publish_attempt_of(&key).await;
    assert!(world.marked().await.is_empty());
}

#[tokio::test]
async fn a_report_expires_with_its_attempt_and_not_while_it_is_work() {
    let world = world_with(&[("RETENTION_DAYS", "7")]).await;
    let done = completed_with("1", &world.pdf("1"), at(0));
    world.record(&done).await;
    world.fold(&done).await;
    world.work_off_queue().await;
    let key = report_key("imocha", "1", 1);
    kept(world.report(&key).await);
    let partition = world.partition(&done).await;
    let week = at(7 * 86_400).unix_seconds();
    assert_eq!(partition.state.unwrap().expires_at, Some(week));
}

#[tokio::test]
async fn a_report_that_is_offered_anew_while_one_is_fetched_is_another_to_be_fetched() {
    let world = world().await;
    let first = offered(&world, "1").await;
    let (table, second) = (world.table.clone(), link(&world.pdf("2")));
    world.vendor().meanwhile(async move {
        offer(&table, "imocha", "1", &second).await;
    });
    world.fetch(&first).await;
    let first = world.report(&first).await;
    let second = report_key("imocha", "1", 2);
    assert_eq!(world.only_marked().await.key, second);
    world.fetch(&second).await;
    assert_eq!(kept(world.report(&second).await).s3_key, object("2"));
    assert_eq!(world.report(&first.key).await, first);
}

#[tokio::test]
async fn a_report_that_is_wanted_again_is_fetched() {
    let world = world().await;
    world.switch_apis_off();
    let key = offer(&world.table, "imocha", "1", &Report::OnRequest).await;
    world.fetch(&key).await;
    assert_eq!(world.report(&key).await.outcome, ReportOutcome::Unavailable);
    world
        .platform()
        .set_secret("imocha", &json!({ "api_key": "later" }));
    world.fetch(&key).await;
    assert!(world.vendor().asked().is_empty(), "it is given up");
    assert!(world.table.want_report_again(&key, at(0)).await.unwrap());
    let answer = json!({ "pdfReportUrl": world.pdf("1") });
    world.vendor().will_answer(200, &answer);
    world.fetch(&key).await;
    assert_eq!(kept(world.report(&key).await).origin, ReportOrigin::ApiLink);
    let asked = world.vendor().only_asked();
    assert_eq!(asked.header("x-api-key"), Some("later"));
}

#[tokio::test]
async fn a_report_that_is_gone_fails_its_message() {
    let world = world().await;
    let key = report_key("imocha", "1", 1);
    let result = world.worker.fetch_report(&key, A_WHILE, "r").await;
    assert!(matches!(result, Err(JobError::Gone(gone)) if gone == key));
    assert!(world.vendor().asked().is_empty());
}
