use crate::engine::*;
use shared::key::ItemKey;
use shared::store::Trouble;

fn trouble(text: &str, seconds: i64) -> Trouble {
    Trouble {
        text: text.into(),
        at: at(seconds),
    }
}

async fn note(engine: &Engine, key: &ItemKey, trouble: &Trouble) {
    engine.table.note_trouble(key, trouble).await.unwrap();
}

async fn noted(engine: &Engine, key: &ItemKey) -> Option<Trouble> {
    engine.table.trouble(key).await.unwrap()
}

#[tokio::test]
async fn why_work_was_not_done_is_kept_until_it_is() {
    let engine = engine().await;
    let delivery = delivery("1", "{}", at(0));
    let key = &delivery.key;
    engine.record(&delivery).await;
    assert_eq!(noted(&engine, key).await, None);
    for trouble in [
        trouble("the job panicked", 1),
        trouble("the table failed", 2),
    ] {
        note(&engine, key, &trouble).await;
        assert_eq!(noted(&engine, key).await, Some(trouble));
    }
    let event = engine.event(key).await;
    let settled = engine.table.settle_event(&event, at(3), None).await;
    settled.unwrap();
    assert_eq!(noted(&engine, key).await, None);
    // A message that is late with its trouble.
    note(&engine, key, &trouble("late", 4)).await;
    assert_eq!(noted(&engine, key).await, None);
}

#[tokio::test]
async fn the_trouble_of_what_is_gone_is_nobodys() {
    let engine = engine().await;
    let key = delivery("1", "{}", at(0)).key;
    note(&engine, &key, &trouble("there is no such item", 1)).await;
    assert_eq!(engine.item(&key).await, None);
}

#[tokio::test]
async fn a_long_text_is_cut() {
    let engine = engine().await;
    let delivery = delivery("1", "{}", at(0));
    engine.record(&delivery).await;
    note(&engine, &delivery.key, &trouble(&"é".repeat(5000), 1)).await;
    let noted = noted(&engine, &delivery.key).await.unwrap();
    assert_eq!(noted.text.chars().count(), 500);
}

#[tokio::test]
async fn what_is_brought_back_has_had_no_trouble_yet() {
    let engine = engine().await;
    let delivery = delivery("1", "{}", at(0));
    engine.record(&delivery).await;
    note(&engine, &delivery.key, &trouble("the job panicked", 1)).await;
    let item = engine.only_due(at(10_000)).await;
    assert!(engine.table.park(&item).await.unwrap());
    assert!(
        noted(&engine, &delivery.key).await.is_some(),
        "it says why it is parked"
    );
    let [parked] = engine.table.parked().await.unwrap().try_into().unwrap();
    assert!(engine.table.redrive(&parked, at(20_000)).await.unwrap());
    assert_eq!(noted(&engine, &delivery.key).await, None);
}
