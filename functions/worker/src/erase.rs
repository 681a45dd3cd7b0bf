//! What comes of somebody who is erased: a late webhook, a repeat, a replay, what a vendor's API says. All are stored as events,
//! and are folded; so here they are erased before anything is made of them.
//!
//! An attempt that is erased says so itself, in the state that the fold reads anyway. Of an attempt that is not, the events that
//! are new tell whose they are, and the tombstone tells whether that is somebody who is erased: then all of the attempt is
//! theirs, unless something in it names somebody else. What is of no attempt is searched for addresses, since nobody
//! could say whose it is. Who erases what was there before the person was erased, and in the bucket, is `hooks erase`.

use crate::fold::ATTEMPTS;
use crate::{JobError, Worker};
use shared::erasure::{Person, addresses, keys_of};
use shared::event::{Candidate, Kind};
use shared::key::ItemKey;
use shared::person::HashKey;
use shared::store::{AttemptName, Partition, StoreError, StoredEvent};
use std::collections::BTreeSet;

/// How many addresses of a body are looked up. One that holds more is no candidate's.
const MOST_ADDRESSES: usize = 50;

impl Worker {
    /// Everything that is stored of an attempt, without what was to be erased of it.
    pub(crate) async fn partition_after_erasing(&self, pk: &str) -> Result<Partition, JobError> {
        for _ in 0..ATTEMPTS {
            let partition = self.table.partition(pk).await?;
            if !self.erase_what_came(pk, &partition).await? {
                // Whatever counted itself before this was read had written its parts by then.
                self.erase_repeats(pk, &partition).await?;
                return Ok(partition);
            }
        }
        Err(JobError::Contended(pk.to_owned()))
    }

    /// A repeat brings no words back, since an event is written once; but the parts of a large body it does.
    async fn erase_repeats(&self, pk: &str, partition: &Partition) -> Result<(), JobError> {
        let mut came = partition.events.iter().filter(|it| it.marked);
        if partition.is_erased() && came.next().is_some() {
            let now = self.clock.now();
            return Ok(self.table.erase_all_parts(pk, now).await?);
        }
        let erased = partition.events.iter().filter(|it| it.erased_at.is_some());
        for event in erased {
            self.erase_repeat(event).await?;
        }
        Ok(())
    }

    pub(crate) async fn erase_repeat(&self, event: &StoredEvent) -> Result<(), JobError> {
        if event.marked {
            let now = self.clock.now();
            self.table.erase_parts_again(event, now).await?;
        }
        Ok(())
    }

    /// Whether anything is otherwise now than it was read. The state comes first: whatever is cut short, or overtaken, finds by
    /// the events what it was about.
    async fn erase_what_came(&self, pk: &str, partition: &Partition) -> Result<bool, JobError> {
        if partition.is_erased() {
            let stopped = self.stop_reports(pk, partition).await?;
            let erased = self.erase_events(partition, |_| true).await?;
            return Ok(stopped || erased);
        }
        let people = self.people_who_are_erased(partition).await?;
        let owner = people.owner(partition);
        if owner.is_some() || nothing_is_left(partition) {
            return self.erase_attempt(pk, partition, owner).await;
        }
        let came = |it: &StoredEvent| it.marked && people.are_named_by(it);
        self.erase_events(partition, came).await
    }

    async fn erase_events(
        &self,
        partition: &Partition,
        which: impl Fn(&StoredEvent) -> bool,
    ) -> Result<bool, JobError> {
        let mut erased = false;
        let left = partition.events.iter().filter(|it| !is_erased(it));
        for event in left.filter(|it| which(it)) {
            self.table.erase_event(event, self.clock.now()).await?;
            tell(event);
            erased = true;
        }
        Ok(erased)
    }

    /// Notes that an attempt is erased, on condition of what was read of it; what lies beside its state goes next. The reports
    /// that there are by now stay for `hooks erase`, which finds them by the person: the worker may delete nothing.
    async fn erase_attempt(
        &self,
        pk: &str,
        partition: &Partition,
        owner: Option<&str>,
    ) -> Result<bool, JobError> {
        let Some(name) = AttemptName::of(pk, partition) else {
            return Ok(false);
        };
        let (read, now) = (partition.state.as_ref(), self.clock.now());
        let left_to = owner.filter(|_| !partition.reports.is_empty());
        let written = self.table.put_erased_state(&name, read, left_to, now);
        if written.await? && left_to.is_some() {
            tracing::error!(
                webhook.source = name.source(),
                item = %name.state(),
                "an attempt turns out to be of somebody who is erased, and has reports: they stay until `hooks erase` is run again"
            );
        }
        Ok(true)
    }

    /// Whether any was to be fetched.
    async fn stop_reports(&self, pk: &str, partition: &Partition) -> Result<bool, JobError> {
        let any = partition.reports.iter().any(|it| it.due_at.is_some());
        if any {
            self.table.stop_reports(pk).await?;
        }
        Ok(any)
    }

    /// Of those whom the events that came name.
    async fn people_who_are_erased(&self, partition: &Partition) -> Result<Erased, JobError> {
        let came = partition.events.iter().filter(|it| it.marked);
        let mut candidates = came.filter_map(|it| it.event.candidate.as_ref());
        let Some(first) = candidates.next() else {
            return Ok(Erased::default());
        };
        let people = self.people.versions().await?.current.clone();
        let keys = std::iter::once(first)
            .chain(candidates)
            .flat_map(|it| keys_of(it, &people));
        let keys = self.tombstones_of(keys.collect()).await?;
        Ok(Erased { keys, people })
    }

    /// Of these people, by their keyed hashes, those who are erased.
    async fn tombstones_of(&self, keys: BTreeSet<String>) -> Result<BTreeSet<String>, JobError> {
        let mut erased = BTreeSet::new();
        for key in keys {
            if self.table.tombstone(&key).await?.is_some() {
                erased.insert(key);
            }
        }
        Ok(erased)
    }

    /// Whether this is somebody who is erased.
    pub(crate) async fn is_erased(&self, candidate: Option<&Candidate>) -> Result<bool, JobError> {
        let Some(candidate) = candidate else {
            return Ok(false);
        };
        let people = self.people.versions().await?.current.clone();
        let erased = self.tombstones_of(keys_of(candidate, &people)).await?;
        Ok(!erased.is_empty())
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
        let named: Vec<String> = addresses(&body, MOST_ADDRESSES).into_iter().collect();
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
        let named = named.iter();
        let named = named.filter_map(|it| Person::by_email(it, &people).ok());
        let mut named: Vec<Person> = named.collect();
        let keys = named.iter().map(|it| it.key().to_owned()).collect();
        let erased = self.tombstones_of(keys).await?;
        named.retain(|it| erased.contains(it.key()));
        Ok(named)
    }

    /// Whether an item is not there because its attempt was erased: then there is nothing to be done about it.
    pub(crate) async fn is_of_erased_attempt(&self, key: &ItemKey) -> Result<bool, JobError> {
        if key.attempt().is_none() {
            return Ok(false);
        }
        let state = self.table.state(&ItemKey::state_in(&key.pk)).await?;
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
    fn are_named_by(&self, event: &StoredEvent) -> bool {
        let candidate = event.event.candidate.as_ref();
        candidate.is_some_and(|it| !self.keys.is_disjoint(&keys_of(it, &self.people)))
    }

    /// Whose the attempt is, all of it: what names nobody is theirs, too, as long as nothing names somebody else.
    fn owner(&self, partition: &Partition) -> Option<&str> {
        let one = self.keys.first()?;
        let of_state = partition.state.iter().map(|it| &it.state.candidate);
        let of_events = partition.events.iter().map(|it| &it.event.candidate);
        let named: Vec<BTreeSet<String>> = of_state
            .chain(of_events)
            .flatten()
            .map(|it| keys_of(it, &self.people))
            .filter(|keys| !keys.is_empty())
            .collect();
        // Who has an address besides an id is known by either.
        let theirs = named.iter().filter(|it| !it.is_disjoint(&self.keys));
        let theirs: BTreeSet<String> = theirs.flatten().cloned().collect();
        let is_theirs = named.iter().all(|it| !it.is_disjoint(&theirs));
        is_theirs.then_some(one.as_str())
    }
}

/// Nobody knows of the attempt any more what it was.
fn nothing_is_left(partition: &Partition) -> bool {
    let are_erased = !partition.events.is_empty() && partition.events.iter().all(is_erased);
    partition.state.is_none() && are_erased
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
