//! What an operator does meanwhile: has iMocha send again what is missing, has what it lists compared with what is stored, and
//! has Xobin's webhooks registered.
//!
//! Each is done as `hooks` does it: what is wanted is written into the table, and a message announces it, unless the command
//! dies in between. What iMocha lists of a story lies in an hour that no other seed has.

use super::dice::Dice;
use super::scenario::{Delivery, attempt_number};
use local::stand_ins::Imocha;
use shared::caller::{Caller, Endpoint};
use shared::key::{ItemKey, REGISTRATION, attempt_partition};
use shared::registration::{Wanted, Webhook};
use shared::store::Run;
use shared::timestamp::Timestamp;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use tests::stage::{Stage, payload};
use tests::vendors::credentials;
use worker::ask_imocha::SOURCE;
use worker::job::{Job, Message, Reconcile};
use worker::reconcile::windows;
use worker::register::VENDOR;
use xobin_webhook::Xobin;

/// 2020-01-01, from when on seeds have their hours.
const EPOCH_MS: i64 = 1_577_836_800_000;
const HOUR: Duration = Duration::from_hours(1);
/// Within which time after the story's begin Xobin is registered, and an early comparison begins.
const SPREAD_MS: u64 = 300;
/// Numbers of attempts that no callback is sent of by itself.
const FOREIGN: u64 = 9;
const CANCELLED: u64 = 8;
const EXPIRED: u64 = 7;
const SILENT: u64 = 6;

/// The errands of a story.
pub struct Errands {
    seed: u64,
    dice: Dice,
    /// What iMocha has of the story: the callback that ends each attempt.
    pub ended: BTreeMap<i64, Vec<u8>>,
    /// What iMocha promises to send, and never does.
    pub silent: Option<i64>,
    /// What is none of ours.
    pub foreign: i64,
    pub cancelled: i64,
    pub expired: i64,
    /// What is to be registered.
    pub wanted: Wanted,
    /// What Xobin is to call with.
    pub endpoint: Endpoint,
    from: Timestamp,
}

impl Errands {
    /// Those of a seed. iMocha's stand-in knows what it has to.
    pub async fn of(seed: u64, deliveries: &[Delivery], imocha: &Imocha, stage: &Stage) -> Self {
        let dice = Dice::of(seed);
        let ended = deliveries
            .iter()
            .filter_map(|it| Some((it.ends?, it.body.to_vec())));
        let id = |number| i64::try_from(attempt_number(seed, number)).unwrap();
        let silent = dice.number("silent", 0).u8(..10) == 0;
        let hours = i64::try_from(seed * 3_600_000).unwrap();
        let endpoints = Xobin::endpoints(&credentials::<Xobin>(stage).await);
        let errands = Self {
            ended: ended.collect(),
            silent: silent.then(|| id(SILENT)),
            foreign: id(FOREIGN),
            cancelled: id(CANCELLED),
            expired: id(EXPIRED),
            wanted: wanted(&dice, stage, &endpoints),
            endpoint: endpoints[0].clone(),
            from: Timestamp::from_unix_ms(EPOCH_MS + hours).unwrap(),
            seed,
            dice,
        };
        errands.tell(imocha);
        errands
    }

    /// Has iMocha's stand-in list what there is.
    fn tell(&self, imocha: &Imocha) {
        let at = self.from.plus(HOUR / 2).to_string().replace(".000Z", "Z");
        for id in self.ended.keys().chain(&self.silent) {
            imocha.invite(*id, "completed", &at);
        }
        imocha.invite(self.cancelled, "cancelled", &at);
        imocha.invite(self.expired, "expired", &at);
        if let Some(id) = self.silent {
            imocha.remember(id, complete(id));
            imocha.keep_silent(id);
        }
        if self.is("foreign ids are not named") {
            imocha.hide_foreign();
        } else {
            imocha.name_foreign();
        }
    }

    /// Heads or tails.
    fn is(&self, what: &str) -> bool {
        self.dice.number(what, 0).bool()
    }

    /// What is done while deliveries come in.
    pub async fn early(&self, stage: &Stage) {
        self.pause("register").await;
        self.register(stage).await;
        if self.is("compared early") {
            self.pause("compare").await;
            self.reconcile(stage).await;
        }
    }

    /// What is done when it is known what came in: `accepted` are the attempts whose end did.
    pub async fn late(&self, stage: &Stage, accepted: &BTreeSet<i64>) {
        self.ask(stage, accepted).await;
        if !self.is("compared early") {
            self.reconcile(stage).await;
        }
    }

    /// Has what iMocha lists of the story compared with what is stored.
    pub async fn reconcile(&self, stage: &Stage) {
        let (key, to) = (self.run(), self.from.plus(HOUR));
        let now = stage.clock.now();
        let windows = windows(self.from, to);
        assert!(stage.table.create_run(&key, &windows, now).await.unwrap());
        self.announce(stage, Job::Reconcile(Reconcile::Step(key)))
            .await;
    }

    /// The run of the comparison.
    pub fn run(&self) -> ItemKey {
        Run::key(SOURCE, &format!("seed-{}", self.seed))
    }

    /// What iMocha is asked for by the operator: much of what is missing, the comparison finds the rest; some of what is there
    /// already; and something that it does not have.
    pub fn asked(&self, accepted: &BTreeSet<i64>) -> BTreeSet<i64> {
        let rarely = |id: i64| self.dice.number("asked for", id.unsigned_abs()).u8(..3) == 0;
        let ended = self.ended.keys().copied();
        let mut asked: BTreeSet<i64> = ended
            .filter(|id| accepted.contains(id) == rarely(*id))
            .collect();
        asked.extend(
            self.silent
                .filter(|_| self.is("the silent one is asked for")),
        );
        asked.insert(self.foreign);
        asked
    }

    async fn ask(&self, stage: &Stage, accepted: &BTreeSet<i64>) {
        let ids = self.asked(accepted);
        for id in &ids {
            let (now, id) = (stage.clock.now(), id.to_string());
            stage.table.request_again(SOURCE, &id, now).await.unwrap();
        }
        for job in Job::ask_imocha(ids) {
            self.announce(stage, job).await;
        }
    }

    async fn register(&self, stage: &Stage) {
        let (request, now) = (self.request(), stage.clock.now());
        let table = &stage.table;
        let noted = table.request_registration(VENDOR, &request, &self.wanted, true, now);
        assert!(noted.await.unwrap());
        let key = ItemKey::of_vendor(VENDOR, REGISTRATION);
        self.announce(stage, Job::Register(key)).await;
    }

    /// What tells the registration from others.
    pub fn request(&self) -> String {
        format!("seed-{}", self.seed)
    }

    /// Every fourth command dies before it says what it has noted.
    async fn announce(&self, stage: &Stage, job: Job) {
        if self.dice.number(job.name(), 0).u8(..4) == 0 {
            return;
        }
        let correlation_id = "operator".to_owned();
        stage
            .send(
                &Message {
                    job,
                    correlation_id,
                }
                .body(),
            )
            .await;
    }

    async fn pause(&self, what: &str) {
        let ms = self.dice.number(what, 1).u64(..SPREAD_MS);
        tokio::time::sleep(Duration::from_millis(ms)).await;
    }

    /// The partitions of what iMocha lists and nobody sends.
    pub fn partitions(&self) -> Vec<String> {
        let ids = [self.cancelled, self.expired]
            .into_iter()
            .chain(self.silent);
        ids.map(|id| attempt_partition(SOURCE, &id.to_string()))
            .collect()
    }
}

/// Some of the kinds, on or off, where they are deployed.
fn wanted(dice: &Dice, stage: &Stage, endpoints: &[Endpoint]) -> Wanted {
    let mut rng = dice.number("wanted", 0);
    let named = rng.usize(..endpoints.len());
    let chosen = endpoints.iter().enumerate();
    let chosen: Vec<_> = chosen
        .filter(|(number, _)| *number == named || rng.bool())
        .collect();
    let webhooks = chosen.into_iter().map(|(_, endpoint)| {
        let enabled = rng.bool();
        let url = format!("{}{}", stage.bundle.api_url(), endpoint.path);
        (endpoint.version.to_owned(), Webhook { enabled, url })
    });
    Wanted {
        webhooks: webhooks.collect(),
        auth: None,
        update_all: dice.number("update all", 0).bool(),
        update_auth: true,
    }
}

/// The callback of somebody who is done.
fn complete(id: i64) -> Vec<u8> {
    let mut body: serde_json::Value =
        serde_json::from_slice(&payload("imocha/complete.json")).unwrap();
    body["TestInvitationId"] = id.into();
    body["CandidateEmailId"] = format!("candidate.{id}@example.com").into();
    body["ReportPDFUrl"] = serde_json::Value::Null;
    body.to_string().into_bytes()
}
