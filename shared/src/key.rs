//! Where things lie in the table, and the ids that are made of that.
//!
//! Everything about one attempt shares a partition key. The parts of a key are percent-encoded, so that an id with a `#` or
//! a control character can be no other key, and hashed above 256 bytes, so that none exceeds what DynamoDB takes.

use crate::event::{Event, Kind};
use crate::timestamp::Timestamp;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

/// How many ways the indexes over all items are spread.
pub const SHARDS: u8 = 16;

const MAX_PART_BYTES: usize = 256;
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~');

/// The name of a source of webhooks: `[a-z0-9]+`.
pub type SourceName = &'static str;

/// The primary key of an item.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ItemKey {
    /// The partition key.
    pub pk: String,
    /// The sort key.
    pub sk: String,
}

impl ItemKey {
    /// Where an event lies: with its attempt, else with its assessment, else with the unplaced ones of its day.
    #[must_use]
    pub fn of_event(
        source: &str,
        event: &Event,
        event_key: &EventKey,
        received: Timestamp,
    ) -> Self {
        let pk = match (event.kind, &event.attempt, &event.assessment) {
            (_, Some(attempt), _) => attempt_partition(source, attempt),
            (Kind::Assessment(_), None, Some(it)) => assessment_partition(source, &it.id),
            _ => unplaced_partition(source, event_key, received),
        };
        Self {
            pk,
            sk: format!("{EVENT_PREFIX}{}", event_key.0),
        }
    }

    /// An item of an attempt's partition.
    #[must_use]
    pub fn of_attempt(source: &str, attempt: &str, sk: &str) -> Self {
        Self {
            pk: attempt_partition(source, attempt),
            sk: sk.to_owned(),
        }
    }

    /// Where an attempt's state lies, by its partition.
    #[must_use]
    pub fn state_in(pk: &str) -> Self {
        Self {
            pk: pk.to_owned(),
            sk: STATE.to_owned(),
        }
    }

    /// An item about a vendor itself.
    #[must_use]
    pub fn of_vendor(vendor: &str, sk: &str) -> Self {
        Self {
            pk: format!("{VENDOR_PREFIX}{}", part(vendor)),
            sk: sk.to_owned(),
        }
    }

    /// That a person is erased: by the keyed hash of what the person is known by.
    #[must_use]
    pub fn of_erased(person: &str) -> Self {
        Self {
            pk: format!("{ERASED_PREFIX}{}", part(person)),
            sk: TOMBSTONE.to_owned(),
        }
    }

    /// The vendor, if this is an item about one.
    #[must_use]
    pub fn vendor(&self) -> Option<&str> {
        self.pk.strip_prefix(VENDOR_PREFIX)
    }

    /// The source, if this is an item of an attempt, an assessment or of neither.
    #[must_use]
    pub fn source(&self) -> Option<&str> {
        let mut parts = self.pk.split('#');
        let (source, of) = (parts.next()?, parts.next()?);
        ["attempt", "assessment", "unplaced"]
            .contains(&of)
            .then_some(source)
    }

    /// Whom the item is about: its source, or the vendor that it is kept of.
    #[must_use]
    pub fn source_or_vendor(&self) -> Option<&str> {
        self.source().or_else(|| self.vendor())
    }

    /// The source and the attempt, if this is an item of an attempt.
    #[must_use]
    pub fn attempt(&self) -> Option<(&str, String)> {
        let (source, encoded) = self.encoded_attempt()?;
        let attempt = percent_encoding::percent_decode_str(encoded)
            .decode_utf8()
            .ok()?;
        Some((source, attempt.into_owned()))
    }

    /// The source and the attempt as it is written in keys, if this is an item of an attempt.
    #[must_use]
    pub fn encoded_attempt(&self) -> Option<(&str, &str)> {
        self.pk.split_once(ATTEMPT_INFIX)
    }

    /// The id of the event that this is the key of.
    #[must_use]
    pub fn event_id(&self) -> Option<EventId> {
        let (source, _) = self.pk.split_once('#')?;
        self.sk
            .starts_with(EVENT_PREFIX)
            .then(|| EventId::new(source, self))
    }

    /// What tells the event at this key from the others of its partition.
    #[must_use]
    pub fn event_key(&self) -> Option<EventKey> {
        let key = self.sk.strip_prefix(EVENT_PREFIX)?;
        Some(EventKey(key.to_owned()))
    }

    /// Whether this is an event of which nobody knew what it is about.
    #[must_use]
    pub fn is_unplaced(&self) -> bool {
        self.pk.split('#').nth(1) == Some("unplaced")
    }

    /// The shard of the indexes that this item is in.
    #[must_use]
    pub fn shard(&self) -> u8 {
        self.digest().first().map_or(0, |byte| byte >> 4)
    }

    fn digest(&self) -> [u8; 32] {
        let mut hash = Sha256::new();
        hash.update(&self.pk);
        // The parts of a key are encoded, so that no key holds this byte.
        hash.update([0]);
        hash.update(&self.sk);
        hash.finalize().into()
    }
}

impl fmt::Display for ItemKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} {}", self.pk, self.sk)
    }
}

/// What the sort keys of events begin with.
pub const EVENT_PREFIX: &str = "event#";
/// What the sort keys of reports begin with.
pub const REPORT_PREFIX: &str = "report#";
/// The sort key of an attempt's state. It sorts before those of its events: a fold reads it first.
pub const STATE: &str = "attempt";
/// The sort key of what a vendor was asked to send again, the first of those that a fold reads.
pub const ASKED: &str = "asked";
/// The sort key of whether the vendor's API confirms the state.
pub const CONFIRMATION: &str = "confirmation";
/// What the sort keys of the parts of bodies begin with: beyond what a fold reads.
pub const BODY_PART_PREFIX: &str = "verbatim#";
/// The sort key of the attempt that a vendor is known to have.
pub const KNOWN: &str = "known";
/// The sort key of what is known of how often a vendor may be called.
pub const LIMITS: &str = "limits";
/// The sort key of what is registered at a vendor, and of what is to be.
pub const REGISTRATION: &str = "registration";
/// What the sort keys of the runs begin with that compare what a vendor lists with what is stored.
pub const RUN_PREFIX: &str = "reconcile#";
/// The sort key of the note that a person is erased.
pub const TOMBSTONE: &str = "tombstone";
/// What the partition keys of the notes begin with that a person is erased. No source has this name.
const ERASED_PREFIX: &str = "erased#";
/// What the partition keys of items about a vendor begin with. No source has this name.
const VENDOR_PREFIX: &str = "vendor#";
const ATTEMPT_INFIX: &str = "#attempt#";

/// The partition of an attempt.
#[must_use]
pub fn attempt_partition(source: &str, attempt: &str) -> String {
    format!("{source}{ATTEMPT_INFIX}{}", part(attempt))
}

fn assessment_partition(source: &str, assessment: &str) -> String {
    format!("{source}#assessment#{}", part(assessment))
}

fn unplaced_partition(source: &str, event_key: &EventKey, received: Timestamp) -> String {
    let shard = Sha256::digest(&event_key.0)
        .first()
        .map_or(0, |byte| byte >> 4);
    format!("{source}#unplaced#{}#{shard:x}", received.day())
}

/// The sort key of part `number` of the raw body that has this SHA-256, in hex: other bytes are other parts. It sorts after
/// all that a fold reads.
#[must_use]
pub fn body_part(body_sha256: &str, number: usize) -> String {
    format!("{BODY_PART_PREFIX}{body_sha256}#{number}")
}

/// The key of a day's events in the index `by_day`.
#[must_use]
pub fn day_shard(source: &str, day: &str, shard: u8) -> String {
    format!("{source}#{day}#{shard:x}")
}

/// A part of a key: percent-encoded, and hashed if it is long.
fn part(text: &str) -> String {
    match hashed_if_long(text, MAX_PART_BYTES) {
        Cow::Borrowed(text) => utf8_percent_encode(text, ESCAPED).to_string(),
        // A bare `%` stands in no encoded text, so that no id can pass for a hash.
        Cow::Owned(hash) => hash,
    }
}

/// The text, or `%sha256-…` in its place if it has more than `most` bytes.
#[must_use]
pub fn hashed_if_long(text: &str, most: usize) -> Cow<'_, str> {
    if text.len() <= most {
        Cow::Borrowed(text)
    } else {
        Cow::Owned(format!("%sha256-{}", hex::encode(Sha256::digest(text))))
    }
}

/// What tells an event from the others of its partition: a repeat has the same.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EventKey(String);

impl EventKey {
    /// From the delivery id that the vendor gives each event and repeats with each try.
    #[must_use]
    pub fn from_delivery_id(id: &str) -> Self {
        Self(part(id))
    }

    /// From the exact body, and what the path says of its kind.
    #[must_use]
    pub fn from_body(kind: Option<&str>, body: &[u8]) -> Self {
        let mut hash = Sha256::new();
        if let Some(kind) = kind {
            hash.update(kind);
            hash.update([0]);
        }
        hash.update(body);
        Self(hex::encode(hash.finalize()))
    }
}

/// What an event is called everywhere: `<source>.<32 hex digits>`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct EventId(String);

impl EventId {
    /// The id of the event at `key`.
    #[must_use]
    pub fn new(source: &str, key: &ItemKey) -> Self {
        let digits: String = hex::encode(key.digest()).chars().take(32).collect();
        Self(format!("{source}.{digits}"))
    }

    /// The source that the event came from.
    #[must_use]
    pub fn source(&self) -> &str {
        self.0.split_once('.').map_or("", |(source, _)| source)
    }

    /// The shard that the event is in: the first digit says it.
    #[must_use]
    pub fn shard(&self) -> u8 {
        let digits = self.0.split_once('.').map_or("", |(_, digits)| digits);
        let first = digits.chars().next().and_then(|digit| digit.to_digit(16));
        first
            .and_then(|digit| u8::try_from(digit).ok())
            .unwrap_or(0)
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// A text that is no event's id.
#[derive(Debug, thiserror::Error)]
#[error(
    "`{0}` is no event's id, which is a source, a dot and 32 hex digits in lower case, like <source>.0123456789abcdef0123456789abcdef"
)]
pub struct InvalidEventId(String);

impl FromStr for EventId {
    type Err = InvalidEventId;

    fn from_str(text: &str) -> Result<Self, InvalidEventId> {
        let hex_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        match text.split_once('.') {
            Some((source, digits))
                if !source.is_empty()
                    && source
                        .bytes()
                        .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
                    && digits.len() == 32
                    && digits.bytes().all(hex_digit) =>
            {
                Ok(Self(text.to_owned()))
            }
            _ => Err(InvalidEventId(text.to_owned())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Assessment, AssessmentChange};

    fn now() -> Timestamp {
        Timestamp::parse("2026-01-15T10:00:00Z").unwrap()
    }

    #[test]
    fn an_odd_id_is_no_other_key() {
        let odd = ["1#state", "1", "1%23state", "1\n", "%sha256-00", "ä/1"];
        let keys: std::collections::HashSet<_> =
            odd.map(|id| attempt_partition("imocha", id)).into();
        assert_eq!(keys.len(), odd.len());
        for (id, key) in odd
            .iter()
            .zip(odd.map(|id| ItemKey::of_attempt("imocha", id, STATE)))
        {
            assert_eq!(key.pk.matches('#').count(), 2, "{key}");
            assert_eq!(key.attempt(), Some(("imocha", (*id).to_owned())));
        }
    }

    #[test]
    fn an_item_about_a_vendor_is_of_no_attempt() {
        let key = ItemKey::of_vendor("acme", REGISTRATION);
        assert_eq!(key.to_string(), "vendor#acme registration");
        assert_eq!((key.vendor(), key.attempt()), (Some("acme"), None));
        let attempt = ItemKey::of_attempt("acme", "vendor#acme", REGISTRATION);
        assert_eq!(attempt.vendor(), None);
    }

    #[test]
    fn a_long_id_is_hashed_and_cannot_be_forged() {
        let long = "9".repeat(5000);
        let hashed = attempt_partition("imocha", &long);
        assert!(hashed.len() < 100, "{hashed}");
        let forged = hashed.trim_start_matches("imocha#attempt#");
        assert_ne!(attempt_partition("imocha", forged), hashed);
    }

    #[test]
    fn events_lie_with_what_they_are_about() {
        let key = EventKey::from_body(None, b"{}");
        let place = |event: &Event| ItemKey::of_event("testlify", event, &key, now()).pk;
        let mut event = Event::new(Kind::Unknown);
        assert!(place(&event).starts_with("testlify#unplaced#2026-01-15#"));
        event.assessment = Some(Assessment {
            id: "7".into(),
            title: None,
        });
        assert!(place(&event).starts_with("testlify#unplaced#"));
        event.kind = Kind::Assessment(AssessmentChange::Created);
        assert_eq!(place(&event), "testlify#assessment#7");
        event.attempt = Some("7.a".into());
        assert_eq!(place(&event), "testlify#attempt#7.a");
    }

    #[test]
    fn an_item_knows_its_source() {
        let source = |pk: &str| {
            let key = ItemKey {
                pk: pk.to_owned(),
                sk: String::new(),
            };
            key.source().map(str::to_owned)
        };
        for of in ["attempt#1", "assessment#1", "unplaced#2026-01-15#a"] {
            assert_eq!(source(&format!("xobin#{of}")), Some("xobin".into()));
        }
        for pk in ["", "xobin", "vendor#xobin", "erased#ada"] {
            assert_eq!(source(pk), None, "{pk}");
        }
    }

    #[test]
    fn an_events_place_says_which_event_it_is_and_whether_it_has_none() {
        let event_key = EventKey::from_delivery_id("msg_1#a");
        let mut event = Event::new(Kind::Unreadable);
        let unplaced = ItemKey::of_event("testlify", &event, &event_key, now());
        assert!(unplaced.is_unplaced());
        event.attempt = Some("unplaced#7".into());
        let placed = ItemKey::of_event("testlify", &event, &event_key, now());
        assert!(!placed.is_unplaced());
        assert_eq!(unplaced.event_key(), Some(event_key.clone()));
        assert_eq!(placed.event_key(), Some(event_key));
        let state = ItemKey::of_attempt("testlify", "7", STATE);
        assert_eq!(state.event_key(), None);
    }

    #[test]
    fn the_kind_in_the_path_is_part_of_the_key() {
        let start = EventKey::from_body(Some("start"), b"{}");
        assert_ne!(start, EventKey::from_body(Some("submission"), b"{}"));
        assert_ne!(start, EventKey::from_body(None, b"start\0{}"[..5].as_ref()));
        assert_eq!(EventKey::from_body(None, b"").0.len(), 64);
    }

    #[test]
    fn an_id_is_read_back_and_knows_its_shard() {
        let key = ItemKey::of_attempt("xobin", "1", "event#2");
        let id = EventId::new("xobin", &key);
        assert_eq!(id.as_str().parse::<EventId>().unwrap(), id);
        assert_eq!((id.source(), id.shard()), ("xobin", key.shard()));
        for text in [
            "",
            "xobin",
            "xobin.",
            "xobin.123",
            &id.as_str().to_uppercase(),
            ".0123456789abcdef0123456789abcdef",
        ] {
            assert!(text.parse::<EventId>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_fold_reads_the_state_before_the_events_and_no_raw_body() {
        let read = [
            ASKED,
            STATE,
            CONFIRMATION,
            "event#1",
            "report#1",
            BODY_PART_PREFIX,
        ];
        assert!(read.is_sorted());
        assert!(body_part(&"0".repeat(64), 0).starts_with(BODY_PART_PREFIX));
    }
}
