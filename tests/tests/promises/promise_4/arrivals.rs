//! Attempts as they arrive: each in an order of its own, on one bundle, and what they come to.

use crate::flows::{Flow, HASH_KEY, delivery_id, in_words};
use futures_util::future::join_all;
use futures_util::{StreamExt, stream};
use local::Options;
use serde_json::json;
use shared::event::{Order, Status};
use shared::fold::{Heard, fold};
use shared::store::{Partition, StoredEvent, StoredState};
use std::collections::BTreeMap;
use tests::senders::Senders;
use tests::stage::Stage;

/// How many attempts arrive at a time.
const AT_ONCE: usize = 12;

/// The deliveries of one attempt.
#[derive(Clone, Debug)]
pub struct Arrival {
    /// What its vendor sends.
    pub flow: Flow,
    /// The attempt's own number.
    pub number: u64,
    /// What is delivered one after the other, by its place in the flow; what stands together comes at once.
    pub deliveries: Vec<Vec<usize>>,
}

/// What an attempt has come to.
pub struct Ended {
    /// What is stored of it.
    pub partition: Partition,
    /// What its events are called, by their sort keys.
    pub names: BTreeMap<String, &'static str>,
}

/// A bundle that asks no vendor: where an attempt stands hangs on what was delivered alone.
pub async fn stage(change: impl FnOnce(&mut Options)) -> Stage {
    Stage::with(|options| {
        let key = json!({ "key": HASH_KEY });
        options.secrets.insert("HashKeySecret".into(), key);
        change(options);
    })
    .await
}

impl Arrival {
    /// One after the other, in this order.
    pub fn in_order(flow: &Flow, number: u64, order: &[usize]) -> Self {
        Self {
            flow: flow.clone(),
            number,
            deliveries: order.iter().map(|said| vec![*said]).collect(),
        }
    }

    /// All that is delivered, one after the other.
    pub fn order(&self) -> Vec<usize> {
        self.deliveries.concat()
    }

    /// Makes the deliveries, each once the one before it was answered.
    pub async fn deliver(&self, stage: &Stage, senders: &Senders) {
        for at_once in &self.deliveries {
            let posts = at_once.iter().map(|said| self.post(stage, senders, *said));
            join_all(posts).await;
        }
    }

    /// Delivers one body, as its vendor does, until it is accepted.
    pub async fn post(&self, stage: &Stage, senders: &Senders, said: usize) -> String {
        let (flow, number) = (&self.flow, self.number);
        let (id, version) = (delivery_id(said, number), flow.said[said].version);
        let (sent, body) = (stage.clock.now(), flow.body(said, number));
        let call = senders.ready(sent, flow.source, version, &id, body);
        call.accepted(stage).await.0
    }

    /// Looks at what it has come to: each body is one event, with at least as many deliveries as were accepted, and the state is their fold, which is
    /// the furthest of the steps.
    pub async fn ended(&self, stage: &Stage) -> Ended {
        let what = format!("{self:?}");
        let pk = self.flow.partition(self.number);
        let partition = stage.table.partition(&pk).await.unwrap();
        let names = self.names(&partition);
        for event in &partition.events {
            assert!(!event.marked, "{what}");
            let name = names[&event.key.sk];
            let order = self.order();
            let came = order
                .iter()
                .filter(|said| self.flow.said[**said].name == name);
            // What was refused may have been counted.
            let came = came.count() as u64;
            assert!(event.summary.deliveries >= came, "{what}");
        }
        let heard: Vec<Heard> = partition.events.iter().map(StoredEvent::heard).collect();
        let stored = partition.state.as_ref().map(|it| &it.state);
        assert_eq!(fold(&heard).as_ref(), stored, "{what}");
        let steps = heard.iter().filter(|it| it.event.order == Order::Progress);
        let furthest = steps.filter_map(|it| it.event.status).map(Status::rank);
        let status = stored.and_then(|it| it.status.as_ref());
        if self.flow.source != "jobmojito" {
            let rank = status.map(|(status, _)| status.rank());
            assert_eq!(furthest.max(), rank, "{what}");
        }
        Ended { partition, names }
    }

    /// Which event is which. There is one for each body, and no other.
    fn names(&self, partition: &Partition) -> BTreeMap<String, &'static str> {
        let named = self.order().into_iter().map(|said| {
            let key = self.flow.event(said, self.number);
            (key.sk, self.flow.said[said].name)
        });
        let names: BTreeMap<String, &str> = named.collect();
        let stored = partition.events.iter().map(|event| &event.key.sk);
        let (mut stored, sent): (Vec<_>, Vec<_>) = (stored.collect(), names.keys().collect());
        stored.sort();
        assert_eq!(stored, sent, "{self:?}");
        names
    }
}

impl Ended {
    /// The state that is stored.
    pub fn stored(&self) -> &StoredState {
        self.partition.state.as_ref().unwrap()
    }

    /// Where it stands, in the same words for each attempt that stands there.
    pub fn words(&self, arrival: &Arrival) -> String {
        let id = arrival.flow.id(arrival.number);
        in_words(&self.stored().state, &id, &self.names)
    }

    /// Who says how far it is.
    pub fn status_by(&self) -> &'static str {
        let (_, by) = self.stored().state.status.as_ref().unwrap();
        self.names[&by.0]
    }
}

/// Has all of them arrive, some at a time, and everything be done that follows.
pub async fn arrive(stage: &Stage, arrivals: &[Arrival]) {
    let senders = Senders::of(stage).await;
    stream::iter(arrivals)
        .for_each_concurrent(AT_ONCE, |arrival| arrival.deliver(stage, &senders))
        .await;
    stage.settled().await;
}
