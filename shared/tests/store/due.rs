use crate::engine::*;
use shared::store::{DueItem, FIRST_DUE, Later};

#[tokio::test]
async fn new_work_is_due_only_when_its_message_seems_lost() {
    let engine = engine().await;
    let delivery = delivery("7", "{}", at(0));
    engine.record(&delivery).await;
    let due = at(0).plus(FIRST_DUE);
    let just_before = due.minus(std::time::Duration::from_millis(1));
    assert!(engine.due(just_before).await.is_empty());
    let expected = DueItem {
        key: delivery.key,
        due_at: due,
        due_since: due,
        tries: 0,
    };
    assert_eq!(engine.only_due(due).await, expected);
    assert_eq!(engine.table.count_marked().await.unwrap(), 1);
}

#[tokio::test]
async fn the_longest_due_comes_first_and_no_more_than_wanted() {
    let engine = engine().await;
    // So many that some shard has several.
    for number in 0..60 {
        let body = format!("{number}");
        engine.record(&delivery("7", body, at(60 - number))).await;
    }
    let mut sizes = Vec::new();
    for shard in 0..shared::key::SHARDS {
        let due = engine.table.due(shard, at(1000), 100).await.unwrap();
        assert!(due.is_sorted_by_key(|item| item.due_at));
        let few = engine.table.due(shard, at(1000), 2).await.unwrap();
        assert_eq!(few, due[..due.len().min(2)]);
        sizes.push(due.len());
    }
    assert_eq!(sizes.iter().sum::<usize>(), 60);
    assert!(sizes.iter().any(|size| *size > 2));
    assert_eq!(engine.table.count_marked().await.unwrap(), 60);
}

#[tokio::test]
async fn of_two_that_claim_an_item_one_gets_it() {
    let engine = engine().await;
    engine.record(&delivery("7", "{}", at(0))).await;
    let item = engine.only_due(at(100)).await;
    let claim = || engine.table.claim(&item, at(500));
    let (one, other) = tokio::join!(claim(), claim());
    assert_ne!(one.unwrap(), other.unwrap());

    assert!(engine.due(at(499)).await.is_empty());
    let claimed = engine.only_due(at(500)).await;
    assert_eq!((claimed.due_at, claimed.tries), (at(500), 1));
    assert!(engine.table.claim(&claimed, at(900)).await.unwrap());
    assert_eq!(engine.only_due(at(900)).await.tries, 2);
}

#[tokio::test]
async fn work_that_is_done_is_neither_claimed_nor_parked() {
    let engine = engine().await;
    let delivery = delivery("7", "{}", at(0));
    let stored = engine.recorded(&delivery).await;
    let seen = engine.only_due(at(100)).await;
    engine
        .table
        .settle_event(&stored, at(1), None)
        .await
        .unwrap();
    assert!(!engine.table.claim(&seen, at(500)).await.unwrap());
    assert!(!engine.table.park(&seen).await.unwrap());
    assert!(engine.due(at(1_000_000)).await.is_empty());
    assert!(engine.table.parked().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_parked_item_waits_for_the_operator() {
    let engine = engine().await;
    let delivery = delivery("7", "{}", at(0));
    engine.record(&delivery).await;
    let item = engine.only_due(at(100)).await;
    assert!(engine.table.park(&item).await.unwrap());
    assert!(!engine.table.park(&item).await.unwrap(), "parked already");
    assert!(engine.due(at(1_000_000)).await.is_empty());
    assert_eq!(engine.table.count_marked().await.unwrap(), 0);
    let [parked] = engine.table.parked().await.unwrap().try_into().unwrap();
    assert_eq!(parked.key, delivery.key);
    assert!(engine.event(&delivery.key).await.marked, "not done");

    assert!(engine.table.redrive(&parked, at(700)).await.unwrap());
    assert!(!engine.table.redrive(&parked, at(800)).await.unwrap());
    assert!(engine.table.parked().await.unwrap().is_empty());
    let again = engine.only_due(at(700)).await;
    assert_eq!((again.key, again.tries), (delivery.key, 0));
}

#[tokio::test]
async fn a_parked_event_that_comes_again_is_work_again() {
    let engine = engine().await;
    let delivery = delivery("7", "{}", at(0));
    engine.record(&delivery).await;
    let item = engine.only_due(at(100)).await;
    engine.table.park(&item).await.unwrap();
    engine.record(&delivery).await;
    assert!(engine.table.parked().await.unwrap().is_empty());
    assert_eq!(engine.only_due(at(100)).await.tries, 0);
}

#[tokio::test]
async fn what_is_parked_and_then_done_is_parked_no_more() {
    let engine = engine().await;
    let delivery = delivery("7", "{}", at(0));
    let stored = engine.recorded(&delivery).await;
    let item = engine.only_due(at(100)).await;
    engine.table.park(&item).await.unwrap();
    engine
        .table
        .settle_event(&stored, at(1), None)
        .await
        .unwrap();
    assert!(engine.table.parked().await.unwrap().is_empty());
    assert!(!engine.table.redrive(&item, at(700)).await.unwrap());
}

#[tokio::test]
async fn only_work_that_is_not_done_is_postponed() {
    let engine = engine().await;
    let delivery = delivery("7", "{}", at(0));
    let stored = engine.recorded(&delivery).await;
    let item = engine.only_due(at(100)).await;
    engine.table.claim(&item, at(200)).await.unwrap();
    engine
        .table
        .postpone(&delivery.key, at(900), Later::NotYet)
        .await
        .unwrap();
    assert!(engine.due(at(899)).await.is_empty());
    let postponed = engine.only_due(at(900)).await;
    assert_eq!(postponed.tries, 1, "to postpone is no try");

    engine
        .table
        .settle_event(&stored, at(1), None)
        .await
        .unwrap();
    engine
        .table
        .postpone(&delivery.key, at(950), Later::NotYet)
        .await
        .unwrap();
    assert!(engine.due(at(1_000_000)).await.is_empty());
}

#[tokio::test]
async fn what_is_gone_does_not_come_back() {
    let engine = engine().await;
    let delivery = delivery("7", "{}", at(0));
    engine.record(&delivery).await;
    let item = engine.only_due(at(100)).await;
    engine.delete(&delivery.key).await;
    let table = &engine.table;
    assert!(!table.claim(&item, at(500)).await.unwrap());
    assert!(!table.park(&item).await.unwrap());
    assert!(!table.redrive(&item, at(500)).await.unwrap());
    table
        .postpone(&delivery.key, at(500), Later::NotYet)
        .await
        .unwrap();
    assert_eq!(engine.item(&delivery.key).await, None);
}

#[tokio::test]
async fn what_waits_is_due_at_another_time_and_its_claim_is_no_try() {
    let engine = engine().await;
    let delivery = delivery("7", "{}", at(0));
    engine.record(&delivery).await;
    let key = &delivery.key;
    for round in 0..3 {
        let due = engine.only_due(at(10_000)).await;
        assert_eq!(due.tries, 0, "round {round}");
        assert!(engine.table.claim(&due, at(20_000)).await.unwrap());
        // Sooner than the claim has it.
        engine.table.wait_until(key, at(500 + round)).await.unwrap();
        let waiting = engine.only_due(at(10_000)).await;
        assert_eq!((waiting.due_at, waiting.tries), (at(500 + round), 0));
    }
}

#[tokio::test]
async fn what_waits_without_a_claim_keeps_the_tries_that_there_were() {
    let engine = engine().await;
    let delivery = delivery("7", "{}", at(0));
    engine.record(&delivery).await;
    let key = &delivery.key;
    for tries in 0..3 {
        let due = engine.only_due(at(10_000)).await;
        assert_eq!(due.tries, tries);
        assert!(engine.table.claim(&due, at(200)).await.unwrap());
    }
    // The claim's own work waits, and then that of the messages which it sends.
    for seconds in [300, 400, 500] {
        engine.table.wait_until(key, at(seconds)).await.unwrap();
        let waiting = engine.only_due(at(10_000)).await;
        assert_eq!((waiting.due_at, waiting.tries), (at(seconds), 2));
    }
}

#[tokio::test]
async fn what_is_done_or_parked_does_not_wait() {
    let engine = engine().await;
    let delivery = delivery("7", "{}", at(0));
    engine.record(&delivery).await;
    let due = engine.only_due(at(10_000)).await;
    assert!(engine.table.park(&due).await.unwrap());
    let wait = || engine.table.wait_until(&delivery.key, at(500));
    wait().await.unwrap();
    assert!(engine.due(at(10_000)).await.is_empty());
    assert_eq!(engine.table.parked().await.unwrap().len(), 1);
    engine.delete(&delivery.key).await;
    wait().await.unwrap();
    assert_eq!(engine.item(&delivery.key).await, None);
}

#[tokio::test]
async fn work_that_comes_anew_after_a_claim_is_not_tried_less_than_never() {
    let engine = engine().await;
    let delivery = delivery("7", "{}", at(0));
    engine.record(&delivery).await;
    let due = engine.only_due(at(10_000)).await;
    assert!(engine.table.claim(&due, at(200)).await.unwrap());
    engine.record(&delivery).await;
    engine
        .table
        .wait_until(&delivery.key, at(500))
        .await
        .unwrap();
    assert_eq!(engine.only_due(at(10_000)).await.tries, 0);
}
