//! What was answered 2xx is stored, and what could not be stored is 503, whatever of the things that the functions lean on is down.

use crate::crash::callee::Callee;
use crate::crash::lane::Lane;
use crate::crash::outage::{How, Outage};
use http::StatusCode;
use local::engine::Service;

const HOW: [How; 3] = [How::Refuses, How::Hangs, How::Throttles];
/// For how many minutes something is down at the worst; in each of them a sweep runs.
const MINUTES: usize = 10;

/// Has one of them be down in each way, for as long as the deliveries take and for ten minutes, and the story end well. Much of
/// it is waiting: the ways are gone at the same time, each on a bundle of its own.
async fn down(callee: Callee, answered: StatusCode) {
    tests::stage::binaries().await;
    let ways = HOW.map(|how| tokio::spawn(down_in_a_way(callee, how, answered)));
    for way in ways {
        way.await.unwrap();
    }
}

async fn down_in_a_way(callee: Callee, how: How, answered: StatusCode) {
    let lane = Lane::start().await;
    for (number, minutes) in [(1, 0), (2, MINUTES)] {
        let outage = Outage::new(callee, how);
        let told = format!("{outage}, {minutes} minutes");
        let story = lane.suffer(number, outage, minutes, answered).await;
        assert!(!story.answers.is_empty());
        assert!(story.felt > 0, "{told}: nobody noticed");
        // A machine that is busy with other things answers 503 as well, but not always.
        assert!(story.at_once > 0, "{told}: nobody was answered so at once");
        assert!(
            story.answers.iter().all(|it| *it == answered),
            "{told}: {:?}",
            story.answers
        );
        assert!(story.problems.is_empty(), "{told}: {:#?}", story.problems);
    }
    lane.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_table_is_down_vendors_are_told_to_come_back_and_then_all_is_there() {
    down(
        Callee::Aws(Service::DynamoDb),
        StatusCode::SERVICE_UNAVAILABLE,
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_secrets_cannot_be_read_vendors_are_told_to_come_back_and_then_all_is_there() {
    down(
        Callee::Aws(Service::SecretsManager),
        StatusCode::SERVICE_UNAVAILABLE,
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_queue_is_down_everything_is_accepted_and_done_later() {
    down(Callee::Aws(Service::Sqs), StatusCode::ACCEPTED).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_bucket_is_down_everything_is_accepted_and_the_reports_are_kept_later() {
    down(Callee::Aws(Service::S3), StatusCode::ACCEPTED).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_bus_is_down_everything_is_accepted_and_published_later() {
    down(Callee::Aws(Service::EventBridge), StatusCode::ACCEPTED).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn while_imocha_is_down_everything_is_accepted_and_confirmed_later() {
    down(Callee::Vendor("imocha"), StatusCode::ACCEPTED).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn while_jobmojito_is_down_everything_is_accepted_and_the_reports_are_kept_later() {
    down(Callee::Vendor("jobmojito"), StatusCode::ACCEPTED).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn while_testlify_is_down_everything_is_accepted_and_the_reports_are_kept_later() {
    down(Callee::Vendor("testlify"), StatusCode::ACCEPTED).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn while_xobin_is_down_everything_is_accepted_and_the_reports_are_kept_later() {
    down(Callee::Vendor("xobin"), StatusCode::ACCEPTED).await;
}
