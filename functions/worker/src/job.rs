//! The messages of the queue: tagged, versioned, with keys and no payloads.

use crate::ask_imocha::SOURCE as IMOCHA;
use serde::{Deserialize, Serialize};
use shared::key::{ASKED, EventId, ItemKey};
use shared::queue::VERSION;
use std::collections::BTreeSet;

/// The most ids that one call of Process Callbacks takes.
pub const MOST_IDS: usize = 100;

/// What there is to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "job", rename_all = "snake_case")]
pub enum Job {
    /// An event is not folded into its attempt's state.
    Fold(ItemKey),
    /// A change of an attempt is not published.
    Publish(ItemKey),
    /// A report is not fetched.
    FetchReport(ItemKey),
    /// iMocha is to be asked for these attempts: exactly one call.
    AskImocha {
        /// `TestInvitationId`s: at most [`MOST_IDS`], each once, none below 1.
        ids: BTreeSet<i64>,
        /// Set while it is looked for who of a call was meant that iMocha refused without naming anyone.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        search: Option<Search>,
    },
    /// A vendor is to call our URLs.
    Register(ItemKey),
    /// A vendor's API is to be asked for the result of an attempt.
    ReadResult(ItemKey),
    /// What a vendor lists is to be compared with what is stored.
    Reconcile(Reconcile),
    /// Find what is due.
    Sweep,
}

/// Which comparison.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Reconcile {
    /// The run at this key goes on.
    Step(ItemKey),
    /// A run over the last days begins.
    Last {
        /// How many.
        days: u16,
    },
}

/// Where the search stands for the ids that iMocha refused a call for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Search {
    /// The only id is one that iMocha is known to have: if it is refused, too, the key is. Else these are, or some of them.
    Probe {
        /// What was refused: at most [`MOST_IDS`], none below 1.
        suspects: BTreeSet<i64>,
    },
    /// The ids are a part of what was refused while the key was good.
    Part,
}

impl Job {
    /// Its name, as in the message.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Fold(_) => "fold",
            Self::Publish(_) => "publish",
            Self::FetchReport(_) => "fetch_report",
            Self::AskImocha { .. } => "ask_imocha",
            Self::Register(_) => "register",
            Self::ReadResult(_) => "read_result",
            Self::Reconcile(_) => "reconcile",
            Self::Sweep => "sweep",
        }
    }

    /// The source that it is about, if it is about one.
    #[must_use]
    pub fn source(&self) -> Option<&str> {
        match self {
            Self::Fold(key)
            | Self::Publish(key)
            | Self::FetchReport(key)
            | Self::ReadResult(key) => key.source(),
            Self::Register(key) => key.vendor(),
            Self::AskImocha { .. } | Self::Reconcile(_) => Some(crate::ask_imocha::SOURCE),
            Self::Sweep => None,
        }
    }

    /// The event that it is about, if it is about one.
    #[must_use]
    pub fn event_id(&self) -> Option<EventId> {
        match self {
            Self::Fold(key) => key.event_id(),
            Self::Publish(_)
            | Self::FetchReport(_)
            | Self::AskImocha { .. }
            | Self::Register(_)
            | Self::ReadResult(_)
            | Self::Reconcile(_)
            | Self::Sweep => None,
        }
    }

    /// The items whose work it is.
    #[must_use]
    pub fn items(&self) -> Vec<ItemKey> {
        match self {
            Self::Fold(key)
            | Self::Publish(key)
            | Self::FetchReport(key)
            | Self::ReadResult(key)
            | Self::Reconcile(Reconcile::Step(key))
            | Self::Register(key) => {
                vec![key.clone()]
            }
            Self::AskImocha { ids, search } => {
                let asked = |id: &i64| ItemKey::of_attempt(IMOCHA, &id.to_string(), ASKED);
                match search {
                    // The one that is asked for need not be wanted.
                    Some(Search::Probe { suspects }) => suspects.iter().map(asked).collect(),
                    Some(Search::Part) | None => ids.iter().map(asked).collect(),
                }
            }
            Self::Reconcile(Reconcile::Last { .. }) | Self::Sweep => Vec::new(),
        }
    }

    /// Whether the ids in it, if there are any, are as one call takes them.
    fn can_be_asked(&self) -> bool {
        let Self::AskImocha { ids, search } = self else {
            return true;
        };
        let suspects = match search {
            Some(Search::Probe { suspects }) => Some(suspects),
            Some(Search::Part) | None => None,
        };
        let mut sets = std::iter::once(ids).chain(suspects);
        sets.all(|ids| (1..=MOST_IDS).contains(&ids.len()) && ids.iter().all(|id| *id >= 1))
    }

    /// The jobs that ask for these ids: each once, [`MOST_IDS`] at a time.
    #[must_use]
    pub fn ask_imocha(ids: impl IntoIterator<Item = i64>) -> Vec<Self> {
        let ids: BTreeSet<i64> = ids.into_iter().collect();
        let ids: Vec<i64> = ids.into_iter().collect();
        let jobs = ids.chunks(MOST_IDS).map(|ids| Self::AskImocha {
            ids: ids.iter().copied().collect(),
            search: None,
        });
        jobs.collect()
    }
}

/// A message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// What there is to do.
    pub job: Job,
    /// The request or command that the work comes from.
    pub correlation_id: String,
}

#[derive(Serialize, Deserialize)]
struct Wire {
    version: u64,
    #[serde(flatten)]
    job: Job,
    #[serde(default)]
    correlation_id: String,
}

#[derive(Deserialize)]
struct WireVersion {
    version: u64,
}

/// A message that is none of ours, or of another time. Its text is not quoted.
#[derive(Clone, Copy, Debug, thiserror::Error)]
pub enum MessageError {
    /// It has no body.
    #[error("the message has no body")]
    NoBody,
    /// It is not one of ours.
    #[error("the message is not one of this queue's: line {line}, column {column}")]
    NotOurs {
        /// Where it stops being one.
        line: usize,
        /// Where it stops being one.
        column: usize,
    },
    /// It is of another version of this code.
    #[error("the message is of version {0}; this code reads version {VERSION}")]
    Version(u64),
    /// It asks for what one call cannot give.
    #[error("ask_imocha takes 1 to {MOST_IDS} ids from 1 on")]
    Ids,
}

impl Message {
    /// Reads a message's body.
    pub fn parse(body: Option<&str>) -> Result<Self, MessageError> {
        let body = body.ok_or(MessageError::NoBody)?;
        let not_ours = |error: serde_json::Error| MessageError::NotOurs {
            line: error.line(),
            column: error.column(),
        };
        let WireVersion { version } = serde_json::from_str(body).map_err(not_ours)?;
        if version != u64::from(VERSION) {
            return Err(MessageError::Version(version));
        }
        let wire: Wire = serde_json::from_str(body).map_err(not_ours)?;
        if !wire.job.can_be_asked() {
            return Err(MessageError::Ids);
        }
        Ok(Self {
            job: wire.job,
            correlation_id: wire.correlation_id,
        })
    }

    /// The message's body.
    #[must_use]
    pub fn body(&self) -> String {
        let wire = Wire {
            version: VERSION.into(),
            job: self.job.clone(),
            correlation_id: self.correlation_id.clone(),
        };
        serde_json::to_string(&wire).expect("a message has string keys")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> ItemKey {
        ItemKey {
            pk: "imocha#attempt#1".into(),
            sk: "event#2".into(),
        }
    }

    #[test]
    fn every_job_is_read_back() {
        let jobs = [
            Job::Fold(key()),
            Job::Publish(key()),
            Job::FetchReport(key()),
            Job::ReadResult(key()),
            Job::Reconcile(Reconcile::Step(key())),
            Job::Reconcile(Reconcile::Last { days: 14 }),
            Job::AskImocha {
                ids: [2, 1].into(),
                search: None,
            },
            Job::AskImocha {
                ids: [2, 1].into(),
                search: Some(Search::Part),
            },
            Job::AskImocha {
                ids: [3].into(),
                search: Some(Search::Probe {
                    suspects: [2, 1].into(),
                }),
            },
            Job::Register(key()),
            Job::Sweep,
        ];
        for job in jobs {
            let message = Message {
                job,
                correlation_id: "r".into(),
            };
            assert_eq!(Message::parse(Some(&message.body())).unwrap(), message);
        }
    }

    #[test]
    fn the_receivers_message_is_a_fold() {
        let body = shared::queue::FoldMessage {
            key: key(),
            correlation_id: "r".into(),
        }
        .body();
        assert_eq!(Message::parse(Some(&body)).unwrap().job, Job::Fold(key()));
    }

    #[test]
    fn what_is_not_ours_is_told_apart_and_not_quoted() {
        let error = |body| Message::parse(body).unwrap_err();
        assert!(matches!(error(None), MessageError::NoBody));
        for body in [
            "",
            "hello ada@example.com",
            "[]",
            "{}",
            r#"{"version":1}"#,
            r#"{"version":1,"job":"dance"}"#,
            r#"{"version":1,"job":"fold"}"#,
        ] {
            let error = error(Some(body));
            assert!(
                matches!(error, MessageError::NotOurs { .. }),
                "{body}: {error}"
            );
            assert!(!error.to_string().contains("ada"));
        }
        assert!(matches!(
            error(Some(r#"{"version":99,"job":"later"}"#)),
            MessageError::Version(99)
        ));
    }

    #[test]
    fn a_call_asks_for_1_to_100_ids_from_1_on() {
        let parse = |ids: &str| {
            Message::parse(Some(&format!(
                r#"{{"version":1,"job":"ask_imocha","ids":[{ids}]}}"#
            )))
        };
        assert_eq!(
            parse("7,7,3").unwrap().job,
            Job::AskImocha {
                ids: [3, 7].into(),
                search: None
            }
        );
        for ids in ["", "0", "-1", "1,-2"] {
            assert!(matches!(parse(ids), Err(MessageError::Ids)), "{ids}");
        }
        assert!(matches!(
            parse("99999999999999999999"),
            Err(MessageError::NotOurs { .. })
        ));
        let probe = |suspects: &str| {
            Message::parse(Some(&format!(
                r#"{{"version":1,"job":"ask_imocha","ids":[7],"search":{{"probe":{{"suspects":[{suspects}]}}}}}}"#
            )))
        };
        assert!(probe("1,2").is_ok());
        for suspects in ["", "0,1"] {
            assert!(
                matches!(probe(suspects), Err(MessageError::Ids)),
                "{suspects}"
            );
        }
        let many: Vec<String> = (1..=101).map(|id| id.to_string()).collect();
        assert!(matches!(parse(&many.join(",")), Err(MessageError::Ids)));
    }

    #[test]
    fn many_ids_become_the_fewest_calls() {
        let sizes = |ids: Vec<i64>| -> Vec<usize> {
            let jobs = Job::ask_imocha(ids);
            jobs.iter()
                .map(|job| {
                    if let Job::AskImocha { ids, .. } = job {
                        ids.len()
                    } else {
                        0
                    }
                })
                .collect()
        };
        assert_eq!(sizes((1..=250).collect()), [100, 100, 50]);
        assert_eq!(sizes((1..=100).chain(1..=100).collect()), [100]);
        assert!(sizes(vec![]).is_empty());
    }
}
