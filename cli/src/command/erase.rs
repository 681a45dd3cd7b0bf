//! `hooks erase`: a person's data, wherever this stack has it, and what comes of them late.
//!
//! The order keeps it safe to be stopped anywhere and begun again. The tombstone comes first: from then on the worker keeps
//! nothing that names the person. Then everything is searched. Each attempt that is found is noted as being erased
//! in the very write that takes its state away, and stays noted until its events, its reports, their versions in the bucket and its dead letters
//! are gone: that is how the next run finds what this one was not done with. At last everything is searched again.

mod dead_letters;
mod objects;
mod receipt;
mod remains;
mod subject;

use crate::args::erase::EraseArgs;
use crate::deployment::Deployment;
use crate::output;
use anyhow::{Context, bail};
use dead_letters::{Fate, Looked};
use objects::Objects;
use receipt::{ErasedAttempt, Receipt};
use serde_json::json;
use shared::error::causes;
use shared::key::{EventId, ItemKey};
use shared::queue::Queue;
use shared::store::{AttemptName, Traces};
use shared::timestamp::Timestamp;
use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::time::Duration;
use subject::{Asked, PERSON, Subject};
use worker::job::{Job, Message};

/// How often everything is searched and erased until nothing is found: what comes meanwhile may be found before the worker is at it.
const ROUNDS: usize = 4;
/// What an upload may take that its worker did not live to see the end of.
const LAST_UPLOAD: Duration = Duration::from_secs(5);

/// Erases, or says what would be. The deployment is looked for after the options are checked.
pub async fn run<F>(find: impl FnOnce() -> F, args: &EraseArgs, json: bool) -> anyhow::Result<()>
where
    F: Future<Output = anyhow::Result<Deployment>>,
{
    let asked = Asked::parse(args)?;
    let deployment = find().await?;
    let subject = asked.subject(&deployment).await?;
    let erasure = Erasure {
        objects: Objects::of(&deployment)?,
        deployment: &deployment,
        subject,
    };
    if args.lift {
        return erasure.lift(json).await;
    }
    erasure.refuse_unknown_attempt().await?;
    let receipt = if args.dry_run {
        erasure.look().await?
    } else {
        erasure.erase().await?
    };
    receipt::print(&receipt, json)?;
    if receipt.left > 0 && !receipt.dry_run {
        bail!(
            "{} traces are still there, dead letters that SQS has not shown among them: do it again",
            receipt.left
        );
    }
    Ok(())
}

struct Erasure<'a> {
    deployment: &'a Deployment,
    subject: Subject,
    objects: Objects<'a>,
}

/// What is known of an attempt, by its partition.
type Attempts = BTreeMap<String, ErasedAttempt>;

impl Erasure<'_> {
    /// Says what is there. Nothing is changed.
    async fn look(&self) -> anyhow::Result<Receipt> {
        let traces = self.search().await?;
        let mut receipt = self.receipt(&traces);
        let table = &self.deployment.table;
        for pk in &traces.attempts {
            let partition = table.partition(pk).await?;
            let mut found = ErasedAttempt::of(pk, &partition);
            found.objects = self.objects.count(pk).await?;
            receipt.attempts.push(found);
        }
        receipt.mentions = self.mentions(&traces).await?;
        let letters = self.dead_letters(&traces, Fate::Counted).await?;
        receipt.dead_letters = letters.about;
        receipt.left += letters.about + letters.unseen;
        receipt.dry_run = true;
        Ok(receipt)
    }

    async fn erase(&self) -> anyhow::Result<Receipt> {
        let began = self.deployment.clock.now();
        if let Subject::Person(person) = &self.subject {
            self.deployment.table.bury(person.key(), began).await?;
        }
        let (mut attempts, mut mentions) = (Attempts::new(), Vec::new());
        let mut traces = self.search().await?;
        let mut receipt = self.receipt(&traces);
        let mut unseen = 0;
        for _ in 0..ROUNDS {
            // Dead letters may name somebody of whom the table has nothing.
            let nothing = traces.is_empty();
            mentions.extend(self.mentions(&traces).await?);
            let letters = self.erase_found(&traces, &mut attempts).await?;
            receipt.dead_letters += letters.about;
            unseen = letters.unseen;
            if nothing {
                break;
            }
            traces = self.search().await?;
            if traces.is_empty() {
                break;
            }
        }
        mentions.sort();
        mentions.dedup();
        receipt.attempts = attempts.into_values().collect();
        receipt.mentions = mentions;
        receipt.left = traces.count() + unseen;
        receipt.erased_at = Some(self.deployment.clock.now());
        Ok(receipt)
    }

    fn receipt(&self, found: &Traces) -> Receipt {
        Receipt::of(&self.subject, found, remains::log_days(self.deployment))
    }

    /// What is not there is more likely named wrongly than erased.
    async fn refuse_unknown_attempt(&self) -> anyhow::Result<()> {
        let Subject::Attempt {
            pk,
            source,
            attempt,
        } = &self.subject
        else {
            return Ok(());
        };
        if self.deployment.table.knows_attempt(pk).await? || self.objects.count(pk).await? > 0 {
            return Ok(());
        }
        bail!(
            "nothing is known of the attempt {attempt} of {source}: `hooks attempts list` shows those that are"
        )
    }

    async fn search(&self) -> anyhow::Result<Traces> {
        match &self.subject {
            Subject::Person(person) => Ok(self.deployment.table.traces(person).await?),
            Subject::Attempt { pk, .. } => self.search_attempt(pk).await,
        }
    }

    /// Of one attempt alone. It is found for as long as something of it is there.
    async fn search_attempt(&self, pk: &str) -> anyhow::Result<Traces> {
        let left = self.deployment.table.left_of_attempt(pk).await?;
        let objects = self.objects.count(pk).await?;
        let mut traces = Traces::default();
        if left > 0 || objects > 0 {
            traces.attempts.insert(pk.to_owned());
        }
        Ok(traces)
    }

    /// Tells what became of the dead letters.
    async fn erase_found(
        &self,
        traces: &Traces,
        attempts: &mut Attempts,
    ) -> anyhow::Result<Looked> {
        let mut busy_until = None;
        for pk in &traces.attempts {
            let until = self.erase_items(pk, attempts).await?;
            busy_until = busy_until.max(until);
        }
        self.erase_mentions(traces).await?;
        self.wait_for_uploads(busy_until).await;
        for pk in &traces.attempts {
            let objects = self.objects.erase(pk).await?;
            attempts.entry(pk.clone()).or_default().objects += objects;
        }
        let letters = self.dead_letters(traces, Fate::Deleted).await?;
        for pk in &traces.attempts {
            self.publish(pk).await;
            self.deployment.table.end_erasing(pk).await?;
        }
        Ok(letters)
    }

    async fn dead_letters(&self, traces: &Traces, fate: Fate) -> anyhow::Result<Looked> {
        let mut attempts = traces.attempts.clone();
        if let Subject::Attempt { pk, .. } = &self.subject {
            attempts.insert(pk.clone());
        }
        dead_letters::look(self.deployment, &self.subject, &attempts, fate).await
    }

    /// What the table has of an attempt. Tells until when somebody may be uploading a report of it.
    async fn erase_items(
        &self,
        pk: &str,
        attempts: &mut Attempts,
    ) -> anyhow::Result<Option<Timestamp>> {
        let (table, now) = (&self.deployment.table, self.deployment.clock.now());
        let partition = table.partition(pk).await?;
        let name = AttemptName::of(pk, &partition);
        let name = name.with_context(|| format!("{pk} holds no attempt"))?;
        let by = self.subject.name();
        table.begin_erasing(&name, by, now).await?;
        let busy_until = table.stop_reports(pk).await?;
        let erased = table.erase_partition(pk, now).await?;
        let attempt = attempts.entry(pk.to_owned()).or_default();
        attempt.is(&name);
        attempt.add(erased);
        Ok(busy_until)
    }

    /// The events that name the person beside the person's own attempts, by what they say or by bytes that are in parts.
    async fn mentions(&self, traces: &Traces) -> anyhow::Result<Vec<EventId>> {
        let events = self.deployment.table.events_of_parts(&traces.parts).await?;
        let of_parts = events.into_iter().map(|event| event.key);
        let keys: BTreeSet<ItemKey> = traces.mentions.iter().cloned().chain(of_parts).collect();
        Ok(keys.iter().filter_map(ItemKey::event_id).collect())
    }

    async fn erase_mentions(&self, traces: &Traces) -> anyhow::Result<()> {
        let Subject::Person(person) = &self.subject else {
            return Ok(());
        };
        let (table, now) = (&self.deployment.table, self.deployment.clock.now());
        for key in &traces.mentions {
            if let Some(event) = table.event(key).await? {
                table.erase_mention(&event, person, now).await?;
            }
        }
        table.erase_parts(&traces.parts, person, now).await?;
        Ok(())
    }

    /// A worker that had begun to fetch a report may upload it until its time is up, and what it uploads is to be found.
    async fn wait_for_uploads(&self, busy_until: Option<Timestamp>) {
        let Some(until) = busy_until.map(|until| until.plus(LAST_UPLOAD)) else {
            return;
        };
        let left = until.milliseconds_since(self.deployment.clock.now());
        if left > 0 {
            eprintln!(
                "A report is being fetched: its worker is waited for, {} s at most.",
                left.div_ceil(1000)
            );
            tokio::time::sleep(Duration::from_millis(left)).await;
        }
    }

    /// The state is marked: what the queue does not take, the sweep finds.
    async fn publish(&self, pk: &str) {
        let message = Message {
            job: Job::Publish(ItemKey::state_in(pk)),
            correlation_id: format!("erase-{}", self.deployment.clock.now().unix_ms()),
        };
        let sent = async {
            let queue = self.deployment.queue()?;
            anyhow::Ok(queue.send(message.body()).await?)
        };
        if let Err(error) = sent.await {
            eprintln!(
                "hooks: the worker is not told, and finds the work within two minutes: {}",
                causes(error.as_ref())
            );
        }
    }

    async fn lift(&self, json: bool) -> anyhow::Result<()> {
        let Subject::Person(person) = &self.subject else {
            bail!("an attempt that is erased stays so");
        };
        let lifted = self.deployment.table.unbury(person.key()).await?;
        if json {
            return output::json(&json!({ PERSON: person.key(), "lifted": lifted }));
        }
        output::line(if lifted {
            "what comes of the person from now on is kept"
        } else {
            "the person was not erased: nothing is changed"
        })
    }
}
