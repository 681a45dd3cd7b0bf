//! What a vendor was asked to send again, and what answers it.

use crate::fold::{PATIENCE, world};
use crate::world::*;
use shared::event::Status;
use shared::store::{AskedOutcome, Delivery, Origin};

#[tokio::test]
async fn what_was_asked_for_is_answered_by_what_comes_after() {
    let world = world().await;
    let done = step("1", Status::Completed, at(0));
    world.record(&done).await;
    world
        .table
        .request_again("imocha", "1", at(5))
        .await
        .unwrap();
    let begin = world.table.begin_asking("imocha", "1", at(10), PATIENCE);
    assert_eq!(begin.await.unwrap(), Some(1));
    world.fold(&done).await;
    assert_eq!(world.asked(1).await.outcome, AskedOutcome::Requested);

    world.record(&again(&done, at(20))).await;
    world.fold(&done).await;
    let asked = world.asked(1).await;
    assert_eq!(asked.outcome, AskedOutcome::Answered);
    assert_eq!(asked.answered_at, Some(at(20)));
    assert_eq!(world.state(&done).await.version, 1);
    assert!(world.nothing_is_left_to_do().await);
}

#[tokio::test]
async fn a_late_call_of_the_beginning_is_no_answer_before_the_vendor_has_promised_one() {
    let begun = step("1", Status::InProgress, at(20));
    for (outcome, expected) in [
        (None, AskedOutcome::Requested),
        (Some(AskedOutcome::Failed), AskedOutcome::Failed),
        (Some(AskedOutcome::Open), AskedOutcome::Answered),
    ] {
        let world = world().await;
        let table = &world.table;
        assert!(table.request_again("imocha", "1", at(5)).await.is_ok());
        let asked = table.begin_asking("imocha", "1", at(10), PATIENCE);
        assert_eq!(asked.await.unwrap(), Some(1));
        if let Some(outcome) = outcome {
            let note = table.note_asked("imocha", "1", outcome, Some(at(900)));
            note.await.unwrap();
        }
        world.record(&begun).await;
        world.fold(&begun).await;
        assert_eq!(world.asked(1).await.outcome, expected);
        let done = step("1", Status::Completed, at(30));
        world.record(&done).await;
        world.fold(&done).await;
        assert_eq!(world.asked(1).await.outcome, AskedOutcome::Answered);
    }
}

#[tokio::test]
async fn a_callback_that_was_read_only_later_is_an_answer_all_the_same() {
    let world = world().await;
    let asked = world.table.request_again("imocha", "1", at(5));
    asked.await.unwrap();
    let begin = world.table.begin_asking("imocha", "1", at(10), PATIENCE);
    assert_eq!(begin.await.unwrap(), Some(1));
    let replayed = Delivery {
        origin: Origin::Replay,
        ..step("1", Status::Completed, at(20))
    };
    world.record(&replayed).await;
    world.fold(&replayed).await;
    assert_eq!(world.asked(1).await.outcome, AskedOutcome::Answered);
}
