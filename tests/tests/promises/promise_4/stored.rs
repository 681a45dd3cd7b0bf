//! Order and repetition against the store: what the sources read is recorded in every order, and the attempt folded and written as the worker
//! does it.

use super::arrivals::stage;
use super::pure::{all_heard, at, stored};
use crate::flows::{Flow, all};
use futures_util::{StreamExt, stream};
use shared::fold::{Heard, fold};
use shared::key::EventId;
use shared::store::{Delivery, EventStore, Origin, StateWrite, StoredEvent, Table};
use tests::stage::Stage;

/// The first attempt's number; each has the one after the one before.
const FIRST: u64 = 8_000_000;
/// How many attempts are written at a time.
const AT_ONCE: usize = 8;

#[tokio::test(flavor = "multi_thread")]
async fn every_order_and_repetition_of_every_flow_is_stored_as_what_it_comes_to() {
    let stage = stage(|_| {}).await;
    let orders = all().into_iter().flat_map(|flow| {
        let orders = flow.orders().into_iter();
        orders.map(move |order| (flow.clone(), order))
    });
    stream::iter((FIRST..).zip(orders))
        .for_each_concurrent(AT_ONCE, |(number, (flow, order))| {
            let stage = &stage;
            async move { arrives(stage, &flow, number, &order).await }
        })
        .await;
}

async fn arrives(stage: &Stage, flow: &Flow, number: u64, order: &[usize]) {
    let events = all_heard(flow, number);
    let pk = flow.partition(number);
    for (second, said) in (0..).zip(order) {
        let delivery = delivery(flow, number, *said, &events[*said], second);
        stage.table.record(&delivery).await.unwrap();
        write_state(&stage.table, flow, number, &pk).await;
    }
    let partition = stage.table.partition(&pk).await.unwrap();
    let mut expected = stored(&events, order);
    expected.sort_by(|one, other| one.sk.cmp(&other.sk));
    let heard: Vec<Heard> = partition.events.iter().map(StoredEvent::heard).collect();
    assert_eq!(heard, expected, "{flow:?}: {order:?}");
    let state = partition.state.map(|it| it.state);
    assert_eq!(state, fold(&expected), "{flow:?}: {order:?}");
    for (event, came) in partition.events.iter().zip(&expected) {
        let said = events.iter().position(|it| it.sk == came.sk);
        let came = order.iter().filter(|it| Some(**it) == said).count() as u64;
        assert_eq!(event.summary.deliveries, came, "{flow:?}: {order:?}");
    }
}

fn delivery(flow: &Flow, number: u64, said: usize, heard: &Heard, second: u64) -> Delivery {
    let key = flow.event(said, number);
    Delivery {
        id: EventId::new(flow.source, &key),
        key,
        source: flow.source,
        event: heard.event.clone(),
        body: flow.body(said, number),
        received: at(second),
        origin: Origin::Webhook,
    }
}

async fn write_state(table: &Table, flow: &Flow, number: u64, pk: &str) {
    let partition = table.partition(pk).await.unwrap();
    let heard: Vec<Heard> = partition.events.iter().map(StoredEvent::heard).collect();
    let state = fold(&heard).unwrap();
    let before = partition.state.as_ref();
    if before.is_some_and(|before| before.state == state) {
        return;
    }
    let write = StateWrite {
        source: flow.source,
        attempt: &flow.attempt(number),
        state: &state,
        replaces: before.map_or(0, |it| it.version),
        folds: before.map_or(0, |it| it.folds),
        report: None,
        new_report: None,
        in_doubt: false,
        candidate_key: None,
        now: at(100),
    };
    assert!(table.put_state(write).await.unwrap());
}
