use super::*;
use crate::workspace::root;
use std::collections::BTreeMap;

fn tally(calls: &[(&str, u64)]) -> Tally {
    let calls = calls
        .iter()
        .map(|(name, count)| ((*name).to_owned(), *count));
    Tally {
        calls: calls.collect(),
        write_units: 40.0,
        ..Tally::default()
    }
}

fn counts(tally: &Tally) -> Counts {
    let source = SourceCounts {
        webhooks: 4,
        new: tally.clone(),
        repeated: tally.clone(),
        stored_bytes: 0,
    };
    Counts {
        sources: BTreeMap::from([("imocha".to_owned(), source)]),
        sweep: Tally::default(),
        secret_reads: 0,
        custom_metrics: 0,
    }
}

fn cost(label: &str, tally: &Tally) -> f64 {
    let root = root().unwrap();
    let needs = Needs {
        tally,
        webhooks: 4.0,
        source: "imocha",
        stack: &Stack::read(&root).unwrap(),
        prices: &Prices::read(&root.join("docs/prices-2026-11.json")).unwrap(),
    };
    let charge = CHARGES.iter().find(|charge| charge.label == label);
    charge.unwrap().usd(&needs).unwrap() * 1e6
}

#[test]
fn a_million_of_what_was_counted_costs_a_million_times_its_price() {
    let tally = tally(&[("sqs SendMessage", 6), ("s3 PutObject", 1)]);
    for (label, expected) in [
        ("API Gateway", 1.0),
        ("Lambda, requests", 0.2 * (1.0 + 1.5)),
        ("DynamoDB, writes", 0.625 * 10.0),
        ("SQS", 0.4 * 1.5 * 3.0),
        ("S3, writes", 5.0 * 0.25),
    ] {
        let cost = cost(label, &tally);
        assert!((cost - expected).abs() < 1e-9, "{label}: {cost}");
    }
}

#[test]
fn a_call_that_no_formula_has_is_not_left_out_in_silence() {
    let known = [
        ("dynamodb Query", 1),
        ("sqs SendMessage", 1),
        ("events PutEvents", 1),
    ];
    unpriced(&counts(&tally(&known))).unwrap();
    let unknown = counts(&tally(&[("sns Publish", 1)]));
    let error = unpriced(&unknown).unwrap_err().to_string();
    assert!(error.contains("sns Publish"), "{error}");
}

#[test]
fn the_price_file_has_every_price_that_is_needed() {
    let root = root().unwrap();
    let prices = Prices::read(&root.join("docs/prices-2026-11.json")).unwrap();
    let stack = Stack::read(&root).unwrap();
    monthly(&counts(&tally(&[])), &stack, &prices).unwrap();
    for charge in CHARGES {
        assert!(
            prices.by_name.contains_key(charge.price),
            "{}",
            charge.price
        );
    }
}
