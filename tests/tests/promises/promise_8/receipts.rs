//! What the receipts of Elena's erasure count: whole rows, of a dry run and of the real one.

use super::Sent;
use serde_json::{Value, json};
use shared::key::EventId;
use shared::timestamp::Timestamp;
use std::collections::BTreeSet;
use std::time::Duration;

const DAY: Duration = Duration::from_hours(24);
/// Her own dead letter, and the one that says everything.
const DEAD_LETTERS: usize = 2;
/// Of her attempt whose body is in parts. A dry run does not count them.
const PARTS: usize = 2;
/// Traces are four attempts, the events that are not in parts, and the two parts of each of two bodies.
const TRACES_BESIDE_EVENTS: usize = 4 + 2 * 2;
/// Events that name her beside her attempts and are in parts.
const MENTIONS_IN_PARTS: usize = 2;

/// The rows of her attempts. Testlify's is called by the keyed hash.
fn rows(parts: usize, person: &str) -> Value {
    let row = |source: &str, attempt: &str, [events, reports, objects, others]: [usize; 4]| {
        json!({
            "source": source, "attempt": attempt,
            "events": events, "reports": reports, "objects": objects, "others": others,
        })
    };
    let of_testlify = format!("660bab8d6094c041d799deac.{person}");
    json!([
        // A finished attempt of iMocha's is to be confirmed.
        row("imocha", "5001", [2, 1, 1, 1]),
        // The report was not to be had.
        row("testlify", &of_testlify, [2, 1, 0, 0]),
        row("xobin", "2196821", [2, 1, 1, 0]),
        row("xobin", "77", [1, 0, 0, parts]),
    ])
}

/// Those of what was sent that are of no attempt of hers: what nobody could read, and somebody else's update.
fn mentions(hers: &[Sent], answers: &[(String, EventId)]) -> BTreeSet<String> {
    let sent = hers.iter().zip(answers);
    let beside = sent.filter(|((_, version, ..), (outcome, _))| {
        outcome == "unreadable" || *version == "updates"
    });
    beside.map(|(_, (_, id))| id.to_string()).collect()
}

fn assert_counts(receipt: &Value, parts: usize, mentions: &BTreeSet<String>) {
    let person = receipt["who"]["person"].as_str().unwrap();
    assert_eq!(receipt["attempts"], rows(parts, person), "{receipt:#}");
    let named = receipt["mentions"].as_array().unwrap().iter();
    let named: Vec<&str> = named.map(|it| it.as_str().unwrap()).collect();
    assert_eq!(named.len(), mentions.len(), "{receipt:#}");
    let named: BTreeSet<String> = named.into_iter().map(str::to_owned).collect();
    assert_eq!(&named, mentions);
    assert_eq!(receipt["dead_letters"], DEAD_LETTERS, "{receipt:#}");
}

/// What there is, of so many items of the table. Nothing is changed.
pub fn assert_looked(dry: &Value, items: usize, hers: &[Sent], answers: &[(String, EventId)]) {
    let mentions = mentions(hers, answers);
    assert_counts(dry, 0, &mentions);
    let left = TRACES_BESIDE_EVENTS + mentions.len() - MENTIONS_IN_PARTS + DEAD_LETTERS;
    assert_eq!(
        (&dry["left"], &dry["searched"]),
        (&json!(left), &json!(items))
    );
    assert_eq!(
        (&dry["dry_run"], &dry["erased_at"], &dry["remains"]),
        (&json!(true), &Value::Null, &json!([]))
    );
}

/// What was erased, of as many items and the tombstone, and what remains of that.
pub fn assert_erased(receipt: &Value, items: usize, hers: &[Sent], answers: &[(String, EventId)]) {
    assert_counts(receipt, PARTS, &mentions(hers, answers));
    assert_eq!(
        (&receipt["left"], &receipt["dry_run"]),
        (&json!(0), &json!(false))
    );
    assert_eq!(receipt["searched"], items + 1);
    assert!(!receipt.to_string().contains("elena"), "{receipt:#}");
    let time = |it: &Value| Timestamp::parse(it.as_str().unwrap()).unwrap();
    let erased_at = time(&receipt["erased_at"]);
    let remains = receipt["remains"].as_array().unwrap();
    let of = |what: &str| {
        let mut found = remains
            .iter()
            .filter(|it| it["what"].as_str().unwrap().contains(what));
        found
            .next()
            .unwrap_or_else(|| panic!("{what}: {receipt:#}"))
    };
    assert_eq!(
        time(&of("point-in-time recovery")["until"]),
        erased_at.plus(DAY * 35)
    );
    // By the template's default, which the bundle's outputs say.
    assert_eq!(time(&of("logs")["until"]), erased_at.plus(DAY * 30));
    for (what, ends) in [
        (
            "that events came",
            "time to live, `RetentionDays` after the last of them came, as that was set then; nothing, if it was 0",
        ),
        ("the state that says that it is erased", "nothing"),
        ("the tombstone", "`hooks erase --lift`, and by nothing else"),
    ] {
        assert_eq!(
            (&of(what)["until"], &of(what)["ends"]),
            (&Value::Null, &json!(ends))
        );
    }
}
