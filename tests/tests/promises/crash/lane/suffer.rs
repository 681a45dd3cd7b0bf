//! One thing that is down on a lane, and what comes of what is sent meanwhile.

use super::Lane;
use crate::crash::callee::Callee;
use crate::crash::checks;
use crate::crash::outage::Outage;
use crate::crash::scenario::{self, Delivery};
use crate::crash::sender;
use futures_util::future::{join_all, select};
use http::{StatusCode, header};
use local::engine::Service;
use reqwest::Response;
use std::pin::pin;
use std::time::Duration;

/// How often a delivery is sent again that is not answered as is expected.
const MOST_TRIES: usize = 40;
/// No seed is as large.
const FIRST_OUTAGE: u64 = 9_000_000;
/// For how long what hangs on something that is down is waited for before time passes nevertheless. Ten times this are more than the longest call
/// is waited for by the functions, an upload, so that they see it end by themselves.
const PATIENCE: Duration = Duration::from_secs(3);
const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// What came of an outage.
#[derive(Debug)]
pub struct Suffered {
    /// What each delivery was answered while it lasted.
    pub answers: Vec<StatusCode>,
    /// How many of them were answered so at the first try.
    pub at_once: usize,
    /// How many calls met it.
    pub felt: usize,
    pub problems: Vec<String>,
}

impl Lane {
    /// Sends a flow of each source while something is down, lets so many minutes pass, and has it mended; then whoever was told
    /// to come back does. What is `expected` is waited for, since a machine that is busy with other things answers 503 as well.
    pub async fn suffer(
        &self,
        number: u64,
        outage: Outage,
        minutes: usize,
        expected: StatusCode,
    ) -> Suffered {
        let deliveries = scenario::of_each(FIRST_OUTAGE + number, &self.vendors);
        if outage.of == Callee::Aws(Service::SecretsManager) {
            self.forget_secrets().await;
        }
        self.plan.begin_outage(outage);
        let post = |delivery| self.post_until(delivery, expected);
        let answers = join_all(deliveries.iter().map(post)).await;
        let at_once = answers.iter().filter(|(_, tries)| *tries == 1).count();
        let answers = answers.into_iter().map(|(answer, _)| answer);
        let answers: Vec<Response> = answers.collect();
        let mut suffered = Suffered {
            answers: answers.iter().map(Response::status).collect(),
            at_once,
            felt: 0,
            problems: Vec::new(),
        };
        // Until what follows from them was tried.
        self.for_a_while().await;
        for _ in 0..minutes {
            self.stage.let_time_pass().await;
            self.stage.sweep().await;
            self.for_a_while().await;
        }
        suffered.felt = self.plan.end_outage();
        let mut accepted = Vec::new();
        for (delivery, answer) in deliveries.iter().zip(answers) {
            let answer = if answer.status().is_success() {
                answer
            } else {
                self.accepted(delivery).await
            };
            accepted.push((delivery, sender::event_id(answer).await));
        }
        if let Err(problem) = self.settle(&self.stage).await {
            suffered.problems.push(problem);
        }
        checks::all(self, &deliveries, &accepted, None, &mut suffered.problems).await;
        self.lose_all_messages().await;
        suffered
    }

    /// Sends a delivery until it is accepted.
    pub(super) async fn accepted(&self, delivery: &Delivery) -> Response {
        self.post_until(delivery, StatusCode::ACCEPTED).await.0
    }

    /// Nothing else is answered meanwhile but that the vendor is to come back. The answer, and the try that it came to.
    async fn post_until(&self, delivery: &Delivery, expected: StatusCode) -> (Response, usize) {
        let mut tries = 1;
        loop {
            let answer = self.post(delivery).await;
            if answer.status() == expected || tries == MOST_TRIES {
                return (answer, tries);
            }
            assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
            tries += 1;
        }
    }

    /// Sends a delivery, and looks whether a 503 is the function's own. A function that had answered nothing when its `Timeout` ran out would be
    /// ended, and the gateway would say 503 in its place, and not when to come back.
    async fn post(&self, delivery: &Delivery) -> Response {
        let answer = self.senders.post(&self.stage, delivery).await;
        let is_own = answer.headers().contains_key(header::RETRY_AFTER);
        assert_eq!(
            is_own,
            answer.status() == StatusCode::SERVICE_UNAVAILABLE,
            "the function did not answer before its time was up"
        );
        answer
    }

    /// While something is down it need not become quiet. A slow machine comes to what is down later.
    async fn for_a_while(&self) {
        let patience = async {
            while self.plan.felt() == 0 {
                tokio::time::sleep(LOOK_AGAIN).await;
            }
            tokio::time::sleep(PATIENCE).await;
        };
        select(pin!(self.until_quiet()), pin!(patience)).await;
    }
}
