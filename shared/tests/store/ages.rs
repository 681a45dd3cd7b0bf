//! Since when work was to be done: what is tried for ever grows old, and what waits by design does not.

use crate::engine::*;
use aws_sdk_dynamodb::types::AttributeValue;
use shared::store::{DueItem, FIRST_DUE, Later, StoredEvent};
use shared::timestamp::Timestamp;

const FAR: i64 = 1_000_000;

async fn marked(engine: &Engine) -> StoredEvent {
    engine.recorded(&delivery("7", "{}", at(0))).await
}

fn first_due() -> Timestamp {
    at(0).plus(FIRST_DUE)
}

async fn due(engine: &Engine) -> DueItem {
    engine.only_due(at(FAR)).await
}

#[tokio::test]
async fn what_is_claimed_again_and_again_is_due_since_the_first_time() {
    let engine = engine().await;
    marked(&engine).await;
    for round in 1..=5 {
        let item = due(&engine).await;
        assert_eq!(item.due_since, first_due(), "round {round}");
        assert!(engine.table.claim(&item, at(round * 500)).await.unwrap());
        assert_eq!(due(&engine).await.due_at, at(round * 500));
    }
}

#[tokio::test]
async fn another_delivery_makes_an_event_that_is_not_folded_in_no_younger() {
    let engine = engine().await;
    marked(&engine).await;
    for seconds in [100, 5000, 90_000] {
        engine.record(&delivery("7", "{}", at(seconds))).await;
        let item = due(&engine).await;
        assert_eq!(item.due_at, at(seconds).plus(FIRST_DUE));
        assert_eq!((item.due_since, item.tries), (first_due(), 0));
    }
}

#[tokio::test]
async fn what_waits_for_its_turn_grows_older_meanwhile() {
    let engine = engine().await;
    let event = marked(&engine).await;
    for seconds in [500, 900, 700] {
        engine
            .table
            .wait_until(&event.key, at(seconds))
            .await
            .unwrap();
        let item = due(&engine).await;
        assert_eq!((item.due_at, item.due_since), (at(seconds), first_due()));
    }
}

#[tokio::test]
async fn what_was_tried_and_has_to_wait_is_due_since_the_end_of_that() {
    let engine = engine().await;
    let event = marked(&engine).await;
    engine
        .table
        .postpone(&event.key, at(900), Later::NotYet)
        .await
        .unwrap();
    assert_eq!(due(&engine).await.due_since, at(900));
    let claimed = due(&engine).await;
    assert!(engine.table.claim(&claimed, at(2000)).await.unwrap());
    assert_eq!(due(&engine).await.due_since, at(900), "a claim is no try");
}

#[tokio::test]
async fn what_failed_is_as_old_as_it_was_however_late_it_is_tried_again() {
    let engine = engine().await;
    let event = marked(&engine).await;
    for seconds in [900, 1800, 3600] {
        let postponed = engine
            .table
            .postpone(&event.key, at(seconds), Later::Failed);
        postponed.await.unwrap();
        let item = due(&engine).await;
        assert_eq!((item.due_at, item.due_since), (at(seconds), first_due()));
    }
}

#[tokio::test]
async fn what_is_wanted_before_it_was_to_be_is_due_since_then() {
    let engine = engine().await;
    let event = marked(&engine).await;
    engine
        .table
        .postpone(&event.key, at(90_000), Later::NotYet)
        .await
        .unwrap();
    engine.record(&delivery("7", "{}", at(100))).await;
    let item = due(&engine).await;
    let sooner = at(100).plus(FIRST_DUE);
    assert_eq!((item.due_at, item.due_since), (sooner, sooner));
}

#[tokio::test]
async fn what_is_done_has_no_age_and_begins_anew_when_it_comes_again() {
    let engine = engine().await;
    let event = marked(&engine).await;
    engine
        .table
        .settle_event(&event, at(1), None)
        .await
        .unwrap();
    let item = engine.item(&event.key).await.unwrap();
    assert!(!item.contains_key("due_since"), "{item:?}");
    engine.record(&delivery("7", "{}", at(5000))).await;
    assert_eq!(due(&engine).await.due_since, at(5000).plus(FIRST_DUE));
}

#[tokio::test]
async fn what_was_parked_is_as_new_once_it_is_brought_back() {
    let engine = engine().await;
    marked(&engine).await;
    let item = due(&engine).await;
    assert!(engine.table.park(&item).await.unwrap());
    let [parked] = engine.table.parked().await.unwrap().try_into().unwrap();
    assert!(engine.table.redrive(&parked, at(9000)).await.unwrap());
    assert_eq!(due(&engine).await.due_since, at(9000));
}

#[tokio::test]
async fn an_item_that_was_marked_before_there_were_ages_is_as_old_as_its_time() {
    let engine = engine().await;
    let event = marked(&engine).await;
    let strip = engine.client.update_item().table_name(&engine.name);
    let strip = strip.update_expression("REMOVE due_since");
    let text = |value: &str| AttributeValue::S(value.to_owned());
    let strip = strip.key("pk", text(&event.key.pk));
    strip.key("sk", text(&event.key.sk)).send().await.unwrap();
    assert_eq!(due(&engine).await.due_since, first_due());
}
