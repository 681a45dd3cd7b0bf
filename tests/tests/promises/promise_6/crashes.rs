//! Workers that die in the middle of a report, uploads that fail or do not say that they did not, and two workers with one report.

use super::host::pdf;
use super::offers::{Offer, Offers};
use crate::bucket;
use crate::meeting::{Meeting, Wins, in_time, work, workers};
use local::faults::{Call, ErrorAnswer, Fault};
use serde_json::json;
use shared::key::STATE;
use shared::store::{ReportItem, ReportOutcome};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use tests::stage::Stage;

/// Where in the work on a report something happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// Where the worker says that it is at it.
    Begins,
    /// The upload.
    Uploads,
    /// Where it notes what became of it.
    Notes,
}

impl Place {
    /// Whether the call is this one of this offer.
    fn is_of(self, offer: &Offer, call: &Call) -> bool {
        let text = String::from_utf8_lossy(&call.body);
        let of_attempt = text.contains(&offer.partition());
        match self {
            Self::Begins => of_attempt && begins_fetching(call),
            Self::Uploads => call.operation == "PutObject" && text.contains(&offer.name),
            Self::Notes => {
                of_attempt && call.operation == "TransactWriteItems" && text.contains("s3_key")
            }
        }
    }
}

fn begins_fetching(call: &Call) -> bool {
    let text = String::from_utf8_lossy(&call.body);
    call.operation == "UpdateItem" && text.contains("fetched_until <= :now")
}

/// What happens there, once.
fn troubles() -> Vec<(Place, Fault)> {
    let failed = || ErrorAnswer::internal("on purpose");
    vec![
        (Place::Begins, Fault::KillBefore),
        (Place::Begins, Fault::KillAfter),
        (Place::Begins, Fault::DisconnectAfter),
        (Place::Uploads, Fault::KillBefore),
        (Place::Uploads, Fault::KillAfter),
        (Place::Uploads, Fault::Answer(failed())),
        (Place::Uploads, Fault::AnswerAfter(failed())),
        (Place::Uploads, Fault::Disconnect),
        (Place::Uploads, Fault::DisconnectAfter),
        (Place::Notes, Fault::KillBefore),
        (Place::Notes, Fault::KillAfter),
        (Place::Notes, Fault::DisconnectAfter),
    ]
}

/// Each report once, with the bytes that its link has, and nothing else in the bucket.
async fn assert_all_kept(offers: &Offers, all: impl IntoIterator<Item = &Offer>) {
    let stage = &offers.everybody.stage;
    let mut keys = BTreeSet::new();
    for offer in all {
        let report = offers.report(offer).await;
        let (key, bytes) = bucket::kept(stage, &report).await;
        assert_eq!(report.outcome, ReportOutcome::Stored, "{offer:?}");
        assert_eq!(bytes, pdf(&offer.name), "{offer:?}");
        keys.insert(key);
    }
    assert_eq!(bucket::keys(stage).await, keys);
}

/// One report for each thing that can happen at each place, all at once on one bundle.
#[tokio::test(flavor = "multi_thread")]
async fn a_report_outlives_the_worker_and_the_bucket_wherever_they_fail() {
    let offers = Offers::start(|_| {}).await;
    let troubles = troubles();
    let offered: Vec<Arc<Offer>> = troubles
        .iter()
        .map(|_| Arc::new(offers.of("testlify", "good")))
        .collect();
    let left: BTreeMap<usize, (Arc<Offer>, Place, Fault)> = offered
        .iter()
        .zip(troubles)
        .map(|(offer, (place, fault))| (Arc::clone(offer), place, fault))
        .enumerate()
        .collect();
    let left = Arc::new(Mutex::new(left));
    let to_come = Arc::clone(&left);
    offers.breaker.set(move |call| {
        let mut left = to_come.lock().unwrap();
        let now = left
            .iter()
            .find(|(_, (offer, place, _))| place.is_of(offer, call));
        let now = now.map(|(number, _)| *number);
        let found = now.and_then(|number| left.remove(&number));
        found.map_or(Fault::None, |(_, _, fault)| fault)
    });
    offers.make(offered.iter().map(Arc::as_ref)).await;
    offers.everybody.let_everything_happen().await;
    assert!(left.lock().unwrap().is_empty(), "something did not happen");
    assert_all_kept(&offers, offered.iter().map(Arc::as_ref)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_dies_in_the_middle_of_a_download_is_followed_by_one_that_has_it_whole() {
    let offers = Offers::start(|_| {}).await;
    let offer = offers.of("testlify", "held");
    offers.make([&offer]).await;
    offers.host.held().await;
    let stage = &offers.everybody.stage;
    stage.bundle.kill("WorkerFunction").await.unwrap();
    offers.host.let_go();
    offers.everybody.let_everything_happen().await;
    assert_all_kept(&offers, [&offer]).await;
    assert_eq!(offers.looks(&offer), 2);
}

/// Has a worker do this with an item, as its message would.
async fn job(stage: &Stage, job: &str, pk: &str, sk: &str) -> bool {
    let message = json!({ "version": 1, "job": job, "pk": pk, "sk": sk, "correlation_id": "two" });
    work(stage, &message.to_string()).await
}

fn uploads(stage: &Stage) -> u64 {
    let calls = stage.bundle.calls();
    let uploads = calls.get(&("s3".to_owned(), "PutObject".to_owned()));
    uploads.copied().unwrap_or(0)
}

/// Two workers with one report, on a bundle of their own. Whether they met in time.
async fn one_of_two_fetches_it(wins: Wins) -> bool {
    let meeting = Arc::new(Meeting::at(begins_fetching));
    let faults = Arc::clone(&meeting);
    let offers = Offers::start(|options| {
        options.concurrency = 4;
        options.faults = Some(faults);
    })
    .await;
    let stage = &offers.everybody.stage;
    let offer = offers.of("testlify", "good");
    offers.make([&offer]).await;
    let pk = offer.partition();
    let partition = stage.table.partition(&pk).await.unwrap();
    assert!(job(stage, "fold", &pk, &partition.events[0].key.sk).await);
    let report = ReportItem::key(&pk, 1);
    meeting.about(pk.clone(), wins);
    let fetch = || job(stage, "fetch_report", &pk, &report.sk);
    let fetched = tokio::join!(fetch(), fetch());
    if !meeting.was_in_time() {
        return false;
    }
    assert_eq!(fetched, (true, true));
    assert!(workers(stage) >= 2, "each was a process of its own");
    assert_eq!((offers.looks(&offer), uploads(stage)), (1, 1));
    assert!(job(stage, "publish", &pk, STATE).await);
    assert_all_kept(&offers, [&offer]).await;
    true
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_workers_that_have_read_one_report_one_fetches_it() {
    for wins in [Wins::First, Wins::Second] {
        in_time(async || one_of_two_fetches_it(wins).await).await;
    }
}
