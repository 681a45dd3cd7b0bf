use super::super::secret::PREVIOUS;
use super::*;

const NOW: OffsetDateTime = OffsetDateTime::UNIX_EPOCH;

fn vault_with(values: &[&str]) -> Vault {
    let mut vault = Vault::default();
    let create = json!({ "Name": "s", "SecretString": values.first(), "ClientRequestToken": "1" });
    vault
        .create(serde_json::from_value(create).unwrap(), NOW)
        .unwrap();
    for (number, value) in values.iter().enumerate().skip(1) {
        put(&mut vault, &(number + 1).to_string(), value).unwrap();
    }
    vault
}

fn put(vault: &mut Vault, id: &str, value: &str) -> Result<Value, SecretsError> {
    let request = json!({ "SecretId": "s", "SecretString": value, "ClientRequestToken": id });
    vault.put(serde_json::from_value(request).unwrap(), NOW)
}

fn read(vault: &Vault, stage: &str) -> Option<String> {
    let request = json!({ "SecretId": "s", "VersionStage": stage });
    let value = vault
        .value(&serde_json::from_value(request).unwrap())
        .ok()?;
    Some(value.get("SecretString")?.as_str()?.to_owned())
}

fn move_stage(vault: &mut Vault, stage: &str, to: Option<&str>, from: Option<&str>) -> bool {
    let request = json!({
        "SecretId": "s", "VersionStage": stage, "MoveToVersionId": to, "RemoveFromVersionId": from,
    });
    vault
        .move_stage(&serde_json::from_value(request).unwrap())
        .is_ok()
}

#[test]
fn the_previous_version_is_the_one_before_the_current_however_many_there_were() {
    let mut vault = vault_with(&["one"]);
    assert_eq!(read(&vault, CURRENT).as_deref(), Some("one"));
    assert_eq!(read(&vault, PREVIOUS), None);
    for (id, value, previous) in [
        ("2", "two", "one"),
        ("3", "three", "two"),
        ("4", "four", "three"),
    ] {
        put(&mut vault, id, value).unwrap();
        assert_eq!(read(&vault, CURRENT).as_deref(), Some(value));
        assert_eq!(read(&vault, PREVIOUS).as_deref(), Some(previous));
    }
}

#[test]
fn moving_current_back_takes_previous_along() {
    let mut vault = vault_with(&["one", "two", "three"]);
    assert!(move_stage(&mut vault, CURRENT, Some("1"), Some("3")));
    assert_eq!(read(&vault, CURRENT).as_deref(), Some("one"));
    assert_eq!(read(&vault, PREVIOUS).as_deref(), Some("three"));
}

#[test]
fn previous_can_be_retired_and_current_cannot() {
    let mut vault = vault_with(&["one", "two"]);
    assert!(!move_stage(&mut vault, CURRENT, None, Some("2")));
    assert!(
        !move_stage(&mut vault, PREVIOUS, None, Some("2")),
        "the label is on version 1"
    );
    assert!(move_stage(&mut vault, PREVIOUS, None, Some("1")));
    assert_eq!(read(&vault, PREVIOUS), None);
    assert_eq!(read(&vault, CURRENT).as_deref(), Some("two"));
}

#[test]
fn a_label_is_moved_only_by_who_knows_where_it_is() {
    let mut vault = vault_with(&["one", "two"]);
    assert!(!move_stage(&mut vault, CURRENT, Some("1"), None));
    assert!(!move_stage(&mut vault, CURRENT, Some("9"), Some("2")));
    assert!(move_stage(&mut vault, "MINE", Some("1"), None));
    assert_eq!(read(&vault, "MINE").as_deref(), Some("one"));
}

#[test]
fn a_version_of_the_same_token_is_the_same_or_refused() {
    let mut vault = vault_with(&["one", "two"]);
    assert!(put(&mut vault, "2", "two").is_ok());
    assert_eq!(
        read(&vault, PREVIOUS).as_deref(),
        Some("one"),
        "a repeat moves nothing"
    );
    assert!(matches!(
        put(&mut vault, "2", "other"),
        Err(SecretsError::VersionExists)
    ));
}

#[test]
fn a_version_and_a_stage_must_agree() {
    let vault = vault_with(&["one", "two"]);
    let select = |id: &str, stage: Option<&str>| {
        let request = json!({ "SecretId": "s", "VersionId": id, "VersionStage": stage });
        vault
            .value(&serde_json::from_value(request).unwrap())
            .is_ok()
    };
    assert!(select("1", None));
    assert!(select("1", Some(PREVIOUS)));
    assert!(!select("1", Some(CURRENT)));
    assert!(!select("9", None));
}

#[test]
fn a_secret_is_found_by_name_arn_and_partial_arn() {
    let vault = vault_with(&["one"]);
    let arn = secret_arn("s");
    let partial = arn.rsplit_once('-').unwrap().0;
    for id in ["s", arn.as_str(), partial] {
        assert!(vault.describe(id).is_ok(), "{id}");
    }
    assert!(vault.describe("t").is_err());
}

#[test]
fn bytes_come_back_as_bytes() {
    let mut vault = Vault::default();
    let create = json!({ "Name": "b", "SecretBinary": "/wA=" });
    vault
        .create(serde_json::from_value(create).unwrap(), NOW)
        .unwrap();
    let request = json!({ "SecretId": "b" });
    let value = vault
        .value(&serde_json::from_value(request).unwrap())
        .unwrap();
    assert_eq!(value.get("SecretBinary"), Some(&json!("/wA=")));
    assert_eq!(value.get("SecretString"), None);
}

#[test]
fn old_versions_without_a_stage_are_forgotten_and_staged_ones_are_not() {
    let mut vault = vault_with(&["one", "two"]);
    assert!(move_stage(&mut vault, "MINE", Some("1"), None));
    for number in 3..60 {
        put(&mut vault, &number.to_string(), "later").unwrap();
    }
    assert_eq!(read(&vault, "MINE").as_deref(), Some("one"));
    assert_eq!(vault.secrets.get("s").unwrap().versions.len(), 20);
}
