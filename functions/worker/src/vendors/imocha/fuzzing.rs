//! iMocha's answers: see [`crate::vendors::fuzzing`].

use super::invites::InviteState;
use super::{Invites, ProcessCallbacks, linked, linked_somewhere, listed, processed, report};
use crate::vendors::fuzzing::Understood;
use reqwest::Response;
use shared::timestamp::Timestamp;
use std::collections::BTreeSet;

/// Every reader of an answer about this attempt, asked for alone or with others.
pub fn imocha(response: impl Fn() -> Response, attempt: i64) -> Understood {
    let mut understood = Understood::default();
    let asked = BTreeSet::from([attempt, attempt.saturating_add(1)]);
    if let Some(answer) = understood.read(response())
        && let Some(ProcessCallbacks::Foreign(foreign)) =
            understood.result(processed(answer, &asked))
    {
        assert!(
            foreign.is_subset(&asked),
            "only what was asked for is foreign"
        );
    }
    for state in InviteState::ALL {
        if let Some(answer) = understood.read(response())
            && let Some(Invites::Listed(invites)) = understood.result(listed(state, answer))
        {
            for invite in invites {
                understood.logged.push(format!("{invite:?}"));
                let delivery = invite.delivery(Timestamp::EPOCH);
                let body = delivery.body.to_vec();
                understood.events.push((delivery.event, body));
            }
        }
    }
    if let Some(mut answer) = understood.read(response()) {
        let bytes = std::mem::take(&mut answer.bytes);
        if let Some(json) = understood.result(answer.success()) {
            let text = attempt.to_string();
            understood.linked(linked(&json, &text));
            understood.linked(linked_somewhere(&json, &text));
            understood.told(report::result(attempt, bytes, &json));
        }
    }
    understood
}
