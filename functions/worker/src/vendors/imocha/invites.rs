//! iMocha's list of invitations, as `POST /v3/candidates/testattempts` answers it.
//!
//! No paging is documented, and it is not said by which of an attempt's times the list goes. The names of fields are seen in
//! several spellings, the status may be null, ids may be text, and nothing found is 404. Of each element the exact text is kept.

use super::SOURCE;
use super::report::status;
use crate::vendors::raw;
use serde_json::{Map, Value};
use shared::event::{Assessment, Candidate, Event, Status};
use shared::key::{EventId, EventKey, ItemKey};
use shared::lenient;
use shared::store::{Delivery, Origin};
use shared::timestamp::Timestamp;

/// Where the list may be in an answer.
const PLACES: [&[&str]; 5] = [
    &["result", "testAttempts"],
    &["result", "testattempts"],
    &["testAttempts"],
    &["result"],
    &[],
];

/// What invitations can be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InviteState {
    /// The candidate has ended the test.
    Completed,
    /// It was taken back.
    Cancelled,
    /// It ran out.
    Expired,
}

impl InviteState {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Completed, Self::Cancelled, Self::Expired];

    /// iMocha's word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Completed => "completed",
            Self::Cancelled => "cancelled",
            Self::Expired => "expired",
        }
    }

    /// From iMocha's word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == word)
    }

    /// How far an attempt in it is, where its element does not say.
    const fn status(self) -> Status {
        match self {
            Self::Completed => Status::Completed,
            Self::Cancelled => Status::Cancelled,
            Self::Expired => Status::Expired,
        }
    }
}

/// An invitation as iMocha lists it. `Debug` does not show its text.
#[derive(Clone)]
pub struct Invite {
    /// Its `TestInvitationId`.
    pub id: i64,
    /// How far it is.
    pub status: Status,
    state: InviteState,
    event: Event,
    body: Vec<u8>,
}

impl std::fmt::Debug for Invite {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "Invite({}, {})", self.id, self.status)
    }
}

impl Invite {
    /// Whose it is, as far as the list says.
    #[must_use]
    pub fn candidate(&self) -> Option<&Candidate> {
        self.event.candidate.as_ref()
    }

    /// It as an event, found at `received`.
    #[must_use]
    pub fn delivery(&self, received: Timestamp) -> Delivery {
        let event_key = EventKey::from_body(Some(self.state.as_str()), &self.body);
        let event = self.event.clone().bounded();
        let key = ItemKey::of_event(SOURCE, &event, &event_key, received);
        Delivery {
            id: EventId::new(SOURCE, &key),
            key,
            source: SOURCE,
            event,
            body: self.body.clone().into(),
            received,
            origin: Origin::Reconcile,
        }
    }
}

/// The invitations in an answer, each once. `None` if there is no list in it.
pub(super) fn read(state: InviteState, answer: &[u8], value: &Value) -> Option<Vec<Invite>> {
    let mut places = PLACES.into_iter();
    let Some(elements) = places.find_map(|names| raw::elements(answer, names)) else {
        return says_none(value).then(Vec::new);
    };
    let mut invites: Vec<Invite> = elements
        .into_iter()
        .filter_map(|element| invite(state, element.get()))
        .collect();
    invites.sort_by_key(|invite| invite.id);
    invites.dedup_by_key(|invite| invite.id);
    Some(invites)
}

/// An envelope with nothing in it.
fn says_none(answer: &Value) -> bool {
    let nothing = |value: Option<&Value>| value.is_none_or(Value::is_null);
    let result = answer.get("result");
    answer.is_object()
        && nothing(answer.get("errors"))
        && (nothing(result) || result.is_some_and(|it| nothing(it.get("testAttempts"))))
}

/// `None` if it has no id that can be one: it is about nothing that could be stored.
fn invite(state: InviteState, text: &str) -> Option<Invite> {
    let fields: Map<String, Value> = serde_json::from_str(text).ok()?;
    let fields: Map<String, Value> = fields
        .into_iter()
        .map(|(name, value)| (name.trim().to_lowercase(), value))
        .collect();
    let id = fields.get("testinvitationid").and_then(lenient::as_integer);
    let id = id.filter(|id| *id > 0)?;
    let word = |name: &str| fields.get(name).and_then(lenient::as_text);
    let said = word("teststatus").or_else(|| word("status"));
    // The list that it is in says how far it is; of the completed ones, some were terminated or left.
    let told = said.as_deref().and_then(status);
    let reached = match state {
        InviteState::Completed => told.filter(|status| status.finished()),
        InviteState::Cancelled | InviteState::Expired => None,
    };
    let reached = reached.unwrap_or_else(|| state.status());
    let event = Event {
        vendor_status: said.or_else(|| Some(state.as_str().to_owned())),
        assessment: word("testid").map(|id| Assessment {
            id,
            title: word("testname"),
        }),
        candidate: Candidate {
            email: word("email"),
            name: word("name"),
            ..Candidate::default()
        }
        .known(),
        ..Event::of_attempt(id.to_string(), Some(reached), None)
    };
    Some(Invite {
        id,
        status: reached,
        state,
        event,
        body: text.into(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed(state: InviteState, answer: &str) -> Option<Vec<Invite>> {
        let value = serde_json::from_str(answer).unwrap_or_default();
        read(state, answer.as_bytes(), &value)
    }

    fn ids(answer: &str) -> Option<Vec<i64>> {
        let invites = listed(InviteState::Completed, answer)?;
        Some(invites.iter().map(|invite| invite.id).collect())
    }

    #[test]
    fn the_list_is_found_in_every_place_and_spelling_that_is_known() {
        for answer in [
            r#"{"result":{"testAttempts":[{"testInvitationId":7}]},"errors":null}"#,
            r#"{"result":{"testattempts":[{"testinvitationId":"7"}]}}"#,
            r#"{"testAttempts":[{"TestInvitationId":7.0}]}"#,
            r#"{"result":[{"testInvitationId":7},{"testInvitationId":7}]}"#,
            r#"[{"testInvitationId":7}]"#,
        ] {
            assert_eq!(ids(answer), Some(vec![7]), "{answer}");
        }
    }

    #[test]
    fn no_list_is_told_from_an_empty_one_and_elements_of_no_use_are_passed_over() {
        for answer in [
            r#"{"result":{"testAttempts":[]},"errors":null}"#,
            r#"{"result":{"testAttempts":null},"errors":null}"#,
            r#"{"result":null,"errors":null}"#,
            r#"{"result":{"testAttempts":[null,1,{},{"testInvitationId":0},{"testInvitationId":-7},{"testInvitationId":99999999999999999999}]}}"#,
        ] {
            assert_eq!(ids(answer), Some(vec![]), "{answer}");
        }
        for answer in ["<html>", "1", r#"{"result":{"testAttempts":{}}}"#] {
            assert_eq!(ids(answer), None, "{answer}");
        }
    }

    #[test]
    fn how_far_it_is_follows_from_the_list_and_of_the_completed_from_the_element() {
        let status = |state, word: &str| {
            let [documented, seen] = ["testStatus", "teststatus"].map(|name| {
                let answer = format!(r#"[{{"testInvitationId":7,"{name}":{word}}}]"#);
                listed(state, &answer).unwrap()[0].status
            });
            assert_eq!(documented, seen);
            seen
        };
        let completed = |word| status(InviteState::Completed, word);
        assert_eq!(completed("\"Completed\""), Status::Completed);
        assert_eq!(completed("\"Test Left\""), Status::Abandoned);
        assert_eq!(completed("\"In Progress\""), Status::Completed);
        assert_eq!(completed("null"), Status::Completed);
        assert_eq!(
            status(InviteState::Cancelled, "\"Completed\""),
            Status::Cancelled
        );
        assert_eq!(status(InviteState::Expired, "null"), Status::Expired);
    }

    #[test]
    fn an_event_holds_the_elements_own_bytes_and_who_it_is_about() {
        let element =
            r#"{"testInvitationId" : 7,"testId":292930,"name":"Ada","email":"ada@example.com"}"#;
        let answer = format!(r#"{{"result":{{"testAttempts":[{element}]}}}}"#);
        let [invite] = listed(InviteState::Expired, &answer)
            .unwrap()
            .try_into()
            .unwrap();
        let delivery = invite.delivery(Timestamp::EPOCH);
        assert_eq!(delivery.body, element);
        assert_eq!(delivery.origin, Origin::Reconcile);
        assert_eq!(delivery.key.pk, "imocha#attempt#7");
        assert_eq!(delivery.event.status, Some(Status::Expired));
        assert_eq!(delivery.event.vendor_status.as_deref(), Some("expired"));
        assert_eq!(
            delivery.event.candidate.unwrap().name.as_deref(),
            Some("Ada")
        );
        assert!(!format!("{invite:?}").contains("ada"));
        // The same element in another list is another event.
        let cancelled = listed(InviteState::Cancelled, &answer).unwrap().remove(0);
        assert_ne!(cancelled.delivery(Timestamp::EPOCH).id, delivery.id);
    }
}
