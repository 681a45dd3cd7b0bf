//! What comes of somebody who is erased: a late webhook, a repeat, a replay, what a vendor's API says. All are stored as events,
//! and are folded; so here they are erased before anything is made of them.
//!
//! An attempt that is erased says so itself, in the state that the fold reads anyway. Of an attempt that is not, the events that
//! are new tell whose they are, and the tombstone tells whether that is somebody who is erased. What is of no attempt is
//! searched for addresses, since nobody could say whose it is. Who erases what is there already, and in the bucket, is
//! `hooks erase`.

use crate::{JobError, Worker};
use shared::erasure::{Person, addresses, keys_of};
use shared::event::{Candidate, Kind};
use shared::key::{ItemKey, STATE};
use shared::person::HashKey;
use shared::store::{AttemptName, Partition, StoreError, StoredEvent};
use std::collections::BTreeSet;

/// How many addresses of a body are looked up. One that holds more is no candidate's.
const MOST_ADDRESSES: usize = 50;

impl Worker {
    /// Everything that is stored of an attempt, without what was to be erased of it.
    pub(crate) async fn partition_after_erasing(&self, pk: &str) -> Result<Partition, JobError> {
        let mut partition = self.table.partition(pk).await?;
        if self.erase_what_came(&partition).await? {
            partition = self.table.partition(pk).await?;
        }
        let all_are_erased = !partition.events.is_empty() && partition.events.iter().all(is_erased);
        let nothing_is_left = partition.state.is_none() && all_are_erased;
        if let Some(name) = AttemptName::of(pk, &partition).filter(|_| nothing_is_left) {
            let now = self.clock.now();
            self.table.put_erased_state(&name, now).await?;
            partition = self.table.partition(pk).await?;
        }
        Ok(partition)
    }

    /// Whether anything was erased.
    async fn erase_what_came(&self, partition: &Partition) -> Result<bool, JobError> {
        let came: Vec<&StoredEvent> = partition.events.iter().filter(|it| it.marked).collect();
        let people = self.people_who_are_erased(&came).await?;
        let mut erased = false;
        for event in &partition.events {
            if event.erased_at.is_some() {
                self.erase_repeat(event).await?;
            }
            let is_theirs = event.event.candidate.as_ref();
            let is_theirs = is_theirs.is_some_and(|it| people.has(it));
            if !is_erased(event) && (partition.is_erased() || event.marked && is_theirs) {
                self.table.erase_event(event, self.clock.now()).await?;
                tell(event);
                erased = true;
            }
        }
        Ok(erased)
    }

    /// A repeat brings no words back, since an event is written once; but the parts of a large body it does.
    async fn erase_repeat(&self, event: &StoredEvent) -> Result<(), JobError> {
        if event.marked {
            let now = self.clock.now();
            self.table.erase_parts_again(event, now).await?;
        }
        Ok(())
    }

    async fn people_who_are_erased(&self, came: &[&StoredEvent]) -> Result<Erased, JobError> {
        let mut candidates = came.iter().filter_map(|it| it.event.candidate.as_ref());
        let Some(first) = candidates.next() else {
            return Ok(Erased::default());
        };
        let people = self.people.versions().await?.current.clone();
        let keys = std::iter::once(first)
            .chain(candidates)
            .flat_map(|it| keys_of(it, &people))
            .collect::<BTreeSet<String>>();
        let mut erased = BTreeSet::new();
        for key in keys {
            if self.table.tombstone(&key).await?.is_some() {
                erased.insert(key);
            }
        }
        Ok(Erased {
            keys: erased,
            people,
        })
    }

    /// Whether this is somebody who is erased.
    pub(crate) async fn is_erased(&self, candidate: Option<&Candidate>) -> Result<bool, JobError> {
        let Some(candidate) = candidate else {
            return Ok(false);
        };
        let people = self.people.versions().await?.current.clone();
        for key in keys_of(candidate, &people) {
            if self.table.tombstone(&key).await?.is_some() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Erases of an event of no attempt what names somebody who is erased. Whether anything was.
    pub(crate) async fn erase_alone(&self, event: &StoredEvent) -> Result<bool, JobError> {
        if event.erased_at.is_some() {
            self.erase_repeat(event).await?;
            return Ok(false);
        }
        if !event.marked {
            return Ok(false);
        }
        let body = match self.table.event_body(event).await {
            Ok(body) => body,
            // It is for a person to look at, and not to stop the work.
            Err(StoreError::Item(error)) => {
                let id = event.summary.id.as_str();
                tracing::warn!(event.id = id, %error, "a body cannot be searched");
                return Ok(false);
            }
            Err(error) => return Err(error.into()),
        };
        let named: Vec<String> = addresses(&body).into_iter().take(MOST_ADDRESSES).collect();
        let mut erased = false;
        for person in self.named_people_who_are_erased(&named).await? {
            self.table
                .erase_mention(event, &person, self.clock.now())
                .await?;
            tell(event);
            erased = true;
        }
        Ok(erased)
    }

    async fn named_people_who_are_erased(&self, named: &[String]) -> Result<Vec<Person>, JobError> {
        if named.is_empty() {
            return Ok(Vec::new());
        }
        let people = self.people.versions().await?.current.clone();
        let mut erased = Vec::new();
        let named = named.iter();
        for person in named.filter_map(|it| Person::by_email(it, &people).ok()) {
            if self.table.tombstone(person.key()).await?.is_some() {
                erased.push(person);
            }
        }
        Ok(erased)
    }

    /// Whether an item is not there because its attempt was erased: then there is nothing to be done about it.
    pub(crate) async fn is_of_erased_attempt(&self, key: &ItemKey) -> Result<bool, JobError> {
        if key.attempt().is_none() {
            return Ok(false);
        }
        let state = ItemKey {
            pk: key.pk.clone(),
            sk: STATE.to_owned(),
        };
        let state = self.table.state(&state).await?;
        Ok(state.is_some_and(|state| state.erased_at.is_some()))
    }
}

/// Of those that came, the ones who are erased.
#[derive(Default)]
struct Erased {
    keys: BTreeSet<String>,
    people: HashKey,
}

impl Erased {
    fn has(&self, candidate: &Candidate) -> bool {
        !self.keys.is_disjoint(&keys_of(candidate, &self.people))
    }
}

fn is_erased(event: &StoredEvent) -> bool {
    event.event.kind == Kind::Erased
}

fn tell(event: &StoredEvent) {
    tracing::info!(
        webhook.source = event.summary.source,
        event.id = event.summary.id.as_str(),
        "an event is erased: it came of somebody who is"
    );
}
