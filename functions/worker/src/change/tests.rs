use super::*;
use jsonschema::Validator;
use schemars::generate::SchemaSettings;
use serde_json::{Value, json};
use shared::attempt::{Source, State};
use shared::config::Environment;
use shared::event::Report;
use shared::store::ReportOrigin;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

const ALL: &str = "email,name,external_id,candidate_id";

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_unix_ms(1_768_471_200_000 + seconds * 1000).unwrap()
}

fn stored(version: u64, state: State) -> StoredState {
    StoredState {
        source: "imocha".into(),
        attempt: "3314697".into(),
        state,
        version,
        changed_at: Some(at(0)),
        ..StoredState::default()
    }
}

fn kept() -> Kept {
    Kept {
        bucket: "reports".into(),
        report: KeptReport {
            s3_key: "reports/imocha/3314697/1.pdf".into(),
            sha256: "0".repeat(64),
            size_bytes: 7,
            content_type: "application/pdf".into(),
            fetched_at: at(30),
            origin: ReportOrigin::Event,
        },
    }
}

fn published(stored: StoredState, personal: &str) -> Value {
    let change = Change::of(stored, Some(kept()), &personal.parse().unwrap(), at(60));
    serde_json::from_str(&change.json()).unwrap()
}

fn whole() -> State {
    let by = || Source("event#1".into());
    State {
        status: Some((Status::Completed, by())),
        vendor_status: Some("Complete".into()),
        decision: Some((Decision::Selected, by())),
        score: Some((
            Score {
                value: Some(6.0),
                maximum: Some(115.0),
                percent: Some(5.2),
            },
            by(),
        )),
        report: Some((Report::OnRequest, by())),
        assessment: Some(Assessment {
            id: "a1".into(),
            title: Some("Rust".into()),
        }),
        candidate: Some(Candidate {
            id: Some("c1".into()),
            external_id: Some("e1".into()),
            email: Some("ada@example.com".into()),
            name: Some("Ada Lovelace".into()),
        }),
    }
}

/// States with all words that there are, and with each part missing.
fn states() -> Vec<State> {
    let by = || Source("event#1".into());
    let of_status = |status| State {
        status: Some((status, by())),
        ..whole()
    };
    let mut states: Vec<State> = Status::ALL.into_iter().map(of_status).collect();
    states.push(State {
        decision: Some((Decision::Rejected, by())),
        status: None,
        ..whole()
    });
    for without in 0..6 {
        let mut state = whole();
        match without {
            0 => state.vendor_status = None,
            1 => state.decision = None,
            2 => state.score = None,
            3 => state.assessment = None,
            4 => state.candidate = None,
            _ => state = State::default(),
        }
        states.push(state);
    }
    states
}

fn file() -> PathBuf {
    let own = Path::new(env!("CARGO_MANIFEST_DIR"));
    own.join("../../docs/schemas/attempt-changed.schema.json")
}

fn schema_of_the_file() -> Value {
    serde_json::from_slice(&std::fs::read(file()).unwrap()).unwrap()
}

/// The schema of what is published, made from the types.
fn generated() -> Value {
    let generator = SchemaSettings::draft2020_12()
        .for_serialize()
        .into_generator();
    let mut schema = generator.into_root_schema_for::<Change>().to_value();
    let (id, _) = DATA_SCHEMA.split_once('#').unwrap();
    schema["$id"] = json!(id);
    leave_out_null(&mut schema);
    schema
}

/// What is not known is left out of what is published, and never null. A description is one line.
fn leave_out_null(schema: &mut Value) {
    match schema {
        Value::Array(values) => values.iter_mut().for_each(leave_out_null),
        Value::Object(fields) => {
            if let Some(Value::Array(kinds)) = fields.get_mut("type") {
                kinds.retain(|kind| kind != "null");
                let [kind] = kinds.as_slice() else {
                    panic!("of one type: {kinds:?}")
                };
                fields["type"] = kind.clone();
            }
            if let Some(Value::String(text)) = fields.get_mut("description") {
                *text = text.replace('\n', " ");
            }
            if let Some(Value::Array(choices)) = fields.get_mut("anyOf") {
                choices.retain(|choice| *choice != json!({ "type": "null" }));
                let [Value::Object(choice)] = choices.as_slice() else {
                    panic!("no choice: {choices:?}")
                };
                let choice = choice.clone();
                fields.remove("anyOf");
                fields.extend(choice);
            }
            fields.values_mut().for_each(leave_out_null);
        }
        _ => {}
    }
}

/// The same with all names in order, whatever else is built with this crate.
fn sorted(schema: Value) -> Value {
    match schema {
        Value::Array(values) => values.into_iter().map(sorted).collect(),
        Value::Object(fields) => {
            let fields: BTreeMap<String, Value> = fields.into_iter().collect();
            let fields = fields.into_iter().map(|(name, it)| (name, sorted(it)));
            Value::Object(fields.collect())
        }
        other => other,
    }
}

/// The same schema, which takes no field that it does not name.
fn strict(schema: &mut Value) {
    match schema {
        Value::Array(values) => values.iter_mut().for_each(strict),
        Value::Object(fields) => {
            if fields.contains_key("properties") {
                fields.insert("additionalProperties".into(), json!(false));
            }
            fields.values_mut().for_each(strict);
        }
        _ => {}
    }
}

fn validator() -> Validator {
    let mut schema = schema_of_the_file();
    strict(&mut schema);
    jsonschema::validator_for(&schema).unwrap()
}

/// `UPDATE_SCHEMAS=1 cargo test -p worker --lib schema` writes the file.
#[test]
fn the_schema_in_the_documents_is_that_of_the_types() {
    let update = Environment::of_process().optional("UPDATE_SCHEMAS");
    if update.is_some() {
        let text = serde_json::to_string_pretty(&sorted(generated())).unwrap();
        std::fs::write(file(), text + "\n").unwrap();
    }
    assert!(
        schema_of_the_file() == generated(),
        "the types have changed: UPDATE_SCHEMAS=1 cargo test -p worker --lib schema"
    );
}

#[test]
fn every_change_fits_the_schema() {
    let validator = validator();
    for (state, version) in states().into_iter().zip(1..) {
        for personal in ["", "email", ALL] {
            let change = published(stored(version, state.clone()), personal);
            let errors: Vec<String> = validator
                .iter_errors(&change)
                .map(|error| format!("{}: {error}", error.instance_path()))
                .collect();
            assert!(errors.is_empty(), "{change}: {errors:?}");
        }
    }
}

#[test]
fn what_is_no_change_does_not_fit_the_schema() {
    let validator = validator();
    let good = published(stored(7, whole()), ALL);
    assert!(validator.is_valid(&good));
    let spoil: [fn(&mut Value); 9] = [
        |it| it["specversion"] = json!("0.3"),
        |it| it["id"] = json!("7"),
        |it| it["type"] = json!("another"),
        |it| it["source"] = json!("imocha"),
        |it| it["sequence"] = json!("7"),
        |it| it["data"]["status"] = json!("done"),
        |it| it["data"]["decision"] = Value::Null,
        |it| it["data"]["version"] = json!("7"),
        |it| it["data"]["score"]["value"] = json!("six"),
    ];
    for (number, spoil) in spoil.into_iter().enumerate() {
        let mut change = good.clone();
        spoil(&mut change);
        assert!(!validator.is_valid(&change), "{number}: {change}");
    }
    for name in good.as_object().unwrap().keys() {
        let mut change = good.clone();
        change.as_object_mut().unwrap().remove(name);
        assert!(!validator.is_valid(&change), "without {name}");
    }
    for name in ["source", "attempt", "version"] {
        let mut change = good.clone();
        change["data"].as_object_mut().unwrap().remove(name);
        assert!(!validator.is_valid(&change), "without data.{name}");
    }
}

#[test]
fn the_data_says_where_its_schema_is() {
    let change = published(stored(1, whole()), "");
    let (id, place) = change["dataschema"]
        .as_str()
        .unwrap()
        .split_once('#')
        .unwrap();
    let schema = schema_of_the_file();
    assert_eq!(schema["$id"], id);
    assert!(schema.pointer(place).unwrap()["properties"]["attempt"].is_object());
}

#[test]
fn sequences_sort_as_versions_do() {
    let versions = [1, 2, 9, 10, 11, 99, 100, 4_294_967_296];
    let sequences = versions.map(|version| {
        let change = published(stored(version, whole()), "");
        change["sequence"].as_str().unwrap().to_owned()
    });
    assert!(sequences.is_sorted(), "{sequences:?}");
    assert_eq!(sequences[0], "0000000001");
}

#[test]
fn an_id_is_of_one_change_alone() {
    let of = |change: fn(&mut StoredState)| {
        let mut stored = stored(1, whole());
        change(&mut stored);
        published(stored, "")["id"].clone()
    };
    let id = of(|_| {});
    assert_eq!(of(|it| it.published = 1), id, "however often");
    assert_eq!(of(|it| it.folds = 9), id, "however often");
    let others: [fn(&mut StoredState); 4] = [
        |it| it.version = 2,
        |it| it.attempt = "3314698".into(),
        |it| it.source = "xobin".into(),
        |it| it.changed_at = Some(at(1)),
    ];
    for other in others {
        assert_ne!(of(other), id);
    }
}

#[test]
fn a_change_that_goes_out_with_a_report_and_without_one_has_two_ids() {
    let id = |report| {
        Change::of(
            stored(1, whole()),
            report,
            &PersonalFields::default(),
            at(60),
        )
        .id
    };
    let other = |sha256: &str| {
        let mut kept = kept();
        kept.report.sha256 = sha256.repeat(64);
        Some(kept)
    };
    assert_ne!(id(None), id(Some(kept())));
    assert_ne!(id(other("1")), id(Some(kept())));
    assert_eq!(id(other("0")), id(Some(kept())));
}

#[test]
fn when_it_changed_is_now_if_nobody_noted_it() {
    let mut stored = stored(1, whole());
    stored.changed_at = None;
    assert_eq!(published(stored, "")["time"], json!(at(60)));
}
