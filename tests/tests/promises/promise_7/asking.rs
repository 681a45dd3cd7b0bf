//! Ids that an operator wants again, an iMocha that calls back, and what came of each of them.

use crate::everybody::Everybody;
use crate::flows::{Flow, HASH_KEY};
use crate::operator::json;
use imocha_webhook::Imocha;
use serde_json::json;
use shared::key::{ASKED, ItemKey, attempt_partition};
use shared::store::{Asked, AskedOutcome, Origin};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tests::faults::Breaker;
use tests::quiet::until_quiet;
use tests::stage::{Stage, eventually};
use tests::vendors::endpoints;

/// Longer than iMocha is ever waited for.
const A_LONG_TIME: Duration = Duration::from_hours(5);
/// How often time passes before a test gives up.
const MOST_ROUNDS: usize = 16;

/// A bundle whose worker asks iMocha, which calls back to it.
pub struct Asking {
    pub everybody: Everybody,
    /// What breaks between the two, and below them.
    pub breaker: Breaker,
}

/// A callback of an attempt that has ended, and has no report.
pub fn callback(id: i64) -> Vec<u8> {
    let flow = Flow::of("imocha", "", &["terminated"]);
    flow.body(0, u64::try_from(id).unwrap()).to_vec()
}

impl Asking {
    /// Where an id is asked for so often at most.
    pub async fn start(times: u8) -> Self {
        let breaker = Breaker::new();
        let everybody = Everybody::among(Arc::new(breaker.clone()), |options| {
            let key = json!({ "key": HASH_KEY });
            options.secrets.insert("HashKeySecret".into(), key);
            let settings = options.function_environment.get_mut("WorkerFunction");
            let name = "IMOCHA_ASK_TIMES".to_owned();
            settings.unwrap().insert(name, times.to_string());
        })
        .await;
        let stage = &everybody.stage;
        let path = endpoints::<Imocha>(stage).await[0].path.clone();
        let url = format!("{}{path}", stage.bundle.api_url());
        everybody.vendors.imocha.call_back_to(url);
        Self { everybody, breaker }
    }

    pub fn stage(&self) -> &Stage {
        &self.everybody.stage
    }

    /// Makes these attempts of iMocha's.
    pub fn has(&self, ids: impl IntoIterator<Item = i64>) {
        for id in ids {
            self.everybody.vendors.imocha.remember(id, callback(id));
        }
    }

    /// Has an operator want them again, in one message to the worker.
    pub async fn reprocess(&self, ids: &[i64]) {
        let ids: Vec<String> = ids.iter().map(ToString::to_string).collect();
        let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
        json(self.stage(), &[&["reprocess", "imocha"], &ids[..]].concat()).await;
    }

    /// What has come of an id.
    pub async fn asked(&self, id: i64) -> Asked {
        let asked = self.stage().table.asked("imocha", &id.to_string()).await;
        asked.unwrap().unwrap()
    }

    /// How often iMocha was asked for an id by a call that it saw.
    pub fn times(&self, id: i64) -> usize {
        let calls = self.everybody.vendors.imocha.calls();
        calls.iter().flatten().filter(|asked| **asked == id).count()
    }

    /// What has come of each of them.
    pub async fn outcomes(&self, ids: &[i64]) -> BTreeMap<i64, AskedOutcome> {
        let mut outcomes = BTreeMap::new();
        for id in ids {
            outcomes.insert(*id, self.asked(*id).await.outcome);
        }
        outcomes
    }

    /// Whether something is still to come of one of them.
    pub async fn waits(&self, ids: &[i64]) -> bool {
        let outcomes = self.outcomes(ids).await;
        outcomes.values().any(|outcome| outcome.waits())
    }

    /// Until nothing happens any more between the two.
    pub async fn until_quiet(&self) {
        let quiet = until_quiet(self.stage(), Some(&self.everybody.vendors.imocha));
        quiet.await.unwrap();
    }

    /// Lets so much time pass that each of them may be asked for again, and a sweep look for what is due.
    pub async fn let_time_pass(&self, ids: &[i64]) {
        for id in ids {
            let key = ItemKey::of_attempt("imocha", &id.to_string(), ASKED);
            let bundle = &self.stage().bundle;
            let passed = bundle.let_time_pass(&key.pk, &key.sk, A_LONG_TIME);
            passed.await.unwrap();
        }
        self.stage().let_time_pass().await;
        self.stage().sweep().await;
    }

    /// Lets happen what happens, and time pass, until each of them has come to something.
    pub async fn settle(&self, ids: &[i64]) {
        for _ in 0..MOST_ROUNDS {
            self.until_quiet().await;
            if !self.waits(ids).await {
                return;
            }
            self.let_time_pass(ids).await;
        }
        panic!("still waiting: {:?}", self.outcomes(ids).await);
    }

    /// Each is answered: by a callback that iMocha has made, which is stored, and counts.
    pub async fn assert_answered(&self, ids: &[i64], why: &str) {
        for id in ids {
            let asked = self.asked(*id).await;
            assert_eq!(asked.outcome, AskedOutcome::Answered, "{why}: {id}");
            let pk = attempt_partition("imocha", &id.to_string());
            let partition = eventually("it is folded", || async {
                let partition = self.stage().table.partition(&pk).await.unwrap();
                partition.state.is_some().then_some(partition)
            })
            .await;
            let mut events = partition.events.iter();
            let answer = events.find(|it| it.summary.origin == Origin::Webhook);
            let answer = &answer.unwrap().summary;
            let received = answer.first_received..=answer.last_received;
            let answered_at = asked.answered_at.unwrap();
            assert!(received.contains(&answered_at), "{why}: {id}");
        }
    }

    /// Those that the operator is told to have been asked for in vain.
    pub async fn listed(&self) -> Vec<i64> {
        let list = ["asked", "list", "--outcome", "unanswered"];
        let listed = json(self.stage(), &list).await;
        let listed = listed.as_array().unwrap().iter();
        listed
            .map(|it| it["attempt"].as_str().unwrap().parse().unwrap())
            .collect()
    }

    /// Nothing is parked, since nothing was broken for so long.
    pub async fn assert_nothing_is_parked(&self) {
        let parked = self.stage().table.parked().await.unwrap();
        assert!(parked.is_empty(), "{parked:?}");
    }
}
