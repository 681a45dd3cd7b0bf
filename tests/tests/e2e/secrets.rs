//! `hooks secrets`: no vendor is cut off while its credential is changed, and nothing is shown that need not be.

use crate::operator::fed;
use crate::stage::{Stage, payload};
use crate::vendors::{deliver, ready, secret, secret_version};
use imocha_webhook::Imocha;
use jobmojito_webhook::Jobmojito;
use serde_json::{Value, json};
use shared::caller::Caller;
use shared::secrets::Stage as SecretStage;
use testlify_webhook::Testlify;
use xobin_webhook::Xobin;

const SIGNING_SECRET: &str = "whsec_dGhpcyBpcyBub3QgYSBzZWNyZXQgYXQgYWxsLi4u";

async fn done(stage: &Stage, args: &[&str], input: &str) -> Value {
    let output = fed(stage, &[&["secrets"], args, &["--json"]].concat(), input).await;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{args:?}: {said}");
    serde_json::from_slice(&output.stdout).unwrap()
}

/// The exit code, and what it says.
async fn refused(stage: &Stage, args: &[&str], input: &str) -> (i32, String) {
    let output = fed(stage, &[&["secrets"], args].concat(), input).await;
    assert_eq!(output.stdout, b"", "{args:?}");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    (output.status.code().unwrap(), said)
}

/// Ends the function's processes: the next has read no secret yet.
pub async fn with_a_new_cache<S: Caller>(stage: &Stage) {
    let function = format!("{}-webhook", S::NAME);
    stage.bundle.kill(&function).await.unwrap();
}

/// A whole rotation, at every moment of which the vendor calls with what it was given.
async fn nobody_is_cut_off<S: Caller>(version: &str, file: &str) {
    let stage = Stage::new().await;
    let name = S::NAME;
    let before = secret_version(&stage, &secret::<S>(), SecretStage::Current).await;
    let old = ready::<S>(&stage, version, "delivery-1", payload(file)).await;
    assert_eq!(old.post(&stage).await.status(), 202, "{name}");

    let printed = done(&stage, &["rotate", name, "--no-wait"], "").await;
    // The function still believes what it read before.
    assert_eq!(old.post(&stage).await.status(), 202, "{name}");
    let new = ready::<S>(&stage, version, "delivery-1", payload(file)).await;
    with_a_new_cache::<S>(&stage).await;
    assert_eq!(new.post(&stage).await.status(), 202, "{name}");
    assert_eq!(old.post(&stage).await.status(), 202, "{name}");

    let after = secret_version(&stage, &secret::<S>(), SecretStage::Current).await;
    assert_ne!(before, after);
    let endpoints = fed(&stage, &["endpoints", "--json"], "").await;
    let endpoints: Vec<Value> = serde_json::from_slice(&endpoints.stdout).unwrap();
    let of_source = endpoints.into_iter().filter(|it| it["source"] == name);
    assert_eq!(printed, Value::Array(of_source.collect()));

    // A second rotation would end the old one before its time.
    let (code, said) = refused(&stage, &["rotate", name, "--no-wait"], "").await;
    assert_eq!(code, 1, "{said}");
    assert!(
        said.contains(&format!("hooks secrets retire {name}")),
        "{said}"
    );
    with_a_new_cache::<S>(&stage).await;
    assert_eq!(old.post(&stage).await.status(), 202, "{name}");
    assert_eq!(new.post(&stage).await.status(), 202, "{name}");

    assert_eq!(
        done(&stage, &["retire", name], "").await["retired"],
        json!(true)
    );
    assert_eq!(new.post(&stage).await.status(), 202, "{name}");
    with_a_new_cache::<S>(&stage).await;
    assert_eq!(old.post(&stage).await.status(), 401, "{name}");
    assert_eq!(new.post(&stage).await.status(), 202, "{name}");
    assert_eq!(
        secret_version(&stage, &secret::<S>(), SecretStage::Previous).await,
        None
    );
}

#[tokio::test]
async fn a_rotation_cuts_imocha_off_at_no_moment() {
    nobody_is_cut_off::<Imocha>("", "imocha/complete.json").await;
}

#[tokio::test]
async fn a_rotation_cuts_jobmojito_off_at_no_moment() {
    nobody_is_cut_off::<Jobmojito>("", "jobmojito/abandoned.json").await;
}

#[tokio::test]
async fn a_rotation_cuts_testlify_off_at_no_moment() {
    nobody_is_cut_off::<Testlify>("v1", "testlify/v1-completed.json").await;
}

#[tokio::test]
async fn a_rotation_cuts_xobin_off_at_no_moment() {
    nobody_is_cut_off::<Xobin>("start", "xobin/start.json").await;
}

#[tokio::test]
async fn another_signing_secret_cuts_testlify_off_at_no_moment() {
    const ANOTHER: &str = "whsec_YW5vdGhlci1zaWduaW5nLXNlY3JldC1vZi10ZXN0bGlmeQ==";
    let stage = Stage::new().await;
    let body = payload("testlify/v2-completed.json");
    let old = ready::<Testlify>(&stage, "v2", "msg_1", body.clone()).await;
    assert_eq!(old.post(&stage).await.status(), 202);

    let args = ["set", "testlify", "signing_secret"];
    assert_eq!(done(&stage, &args, ANOTHER).await["changed"], json!(true));
    // The function still believes what it read before.
    assert_eq!(old.post(&stage).await.status(), 202);
    let new = ready::<Testlify>(&stage, "v2", "msg_1", body).await;
    with_a_new_cache::<Testlify>(&stage).await;
    assert_eq!(new.post(&stage).await.status(), 202);
    assert_eq!(old.post(&stage).await.status(), 202);

    done(&stage, &["retire", "testlify"], "").await;
    with_a_new_cache::<Testlify>(&stage).await;
    assert_eq!(old.post(&stage).await.status(), 401);
    assert_eq!(new.post(&stage).await.status(), 202);
}

#[tokio::test]
async fn a_signing_secret_that_is_set_opens_version_2() {
    let stage = Stage::with(|options| options.secrets.clear()).await;
    let body = payload("testlify/v2-completed.json");
    let path = "/webhooks/testlify";
    assert_eq!(stage.post(path, &[], body.clone()).await.status(), 401);
    let v1 = ready::<Testlify>(&stage, "v1", "", payload("testlify/v1-completed.json")).await;

    let args = ["set", "testlify", "signing_secret"];
    let set = done(&stage, &args, &format!("  {SIGNING_SECRET}\n")).await;
    let expected =
        json!({ "name": "testlify", "field": "signing_secret", "set": true, "changed": true });
    assert_eq!(set, expected);
    with_a_new_cache::<Testlify>(&stage).await;
    let delivered = deliver::<Testlify>(&stage, "v2", "msg_1", body).await;
    assert_eq!(delivered.status(), 202);
    // What stood beside it still does.
    assert_eq!(v1.post(&stage).await.status(), 202);
    let again = done(&stage, &args, SIGNING_SECRET).await;
    assert_eq!(again["changed"], json!(false));
}

#[tokio::test]
async fn a_field_is_not_set_at_the_cost_of_a_credential_that_is_in_use() {
    let stage = Stage::with(|options| options.secrets.clear()).await;
    let body = payload("testlify/v1-completed.json");
    let old = ready::<Testlify>(&stage, "v1", "", body).await;
    done(&stage, &["rotate", "testlify", "--no-wait"], "").await;
    let args = ["set", "testlify", "signing_secret"];
    let (code, said) = refused(&stage, &args, SIGNING_SECRET).await;
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("hooks secrets retire testlify"), "{said}");
    assert_eq!(old.post(&stage).await.status(), 202);
    done(&stage, &["retire", "testlify"], "").await;
    done(&stage, &args, SIGNING_SECRET).await;
}

#[tokio::test]
async fn what_is_of_no_use_is_refused_and_changes_nothing() {
    let stage = Stage::new().await;
    let before = secret_version(&stage, "TestlifySecret", SecretStage::Current).await;
    for (args, input, code, says) in [
        (
            vec!["set", "testlify", "password"],
            "x",
            2,
            "signing_secret, token",
        ),
        (vec!["set", "imocha-api", "token"], "x", 2, "it has api_key"),
        (vec!["set", "testlify", "token"], " \n", 2, "--clear"),
        (vec!["set", "testlify", "token"], "one\ntwo", 2, "alone"),
        (
            vec!["set", "testlify", "signing_secret"],
            "no key: 5318008",
            2,
            "whsec_",
        ),
        (vec!["set", "jobmojito", "header"], "x token", 2, "header"),
        (vec!["set", "imocha", "token", "--clear"], "", 1, "503"),
        (vec!["set", "mocha", "token"], "x", 2, "xobin-api"),
        (vec!["rotate", "imocha-api"], "", 2, "hooks secrets set"),
        (vec!["set", "hash-key", "key"], "x", 2, "never changed"),
        (vec!["rotate", "hash-key"], "", 2, "never changed"),
        (vec!["retire", "hash-key"], "", 2, "never changed"),
    ] {
        let (actual, said) = refused(&stage, &args, input).await;
        assert_eq!(actual, code, "{args:?}: {said}");
        assert!(said.contains(says), "{args:?}: {said}");
        assert!(!said.contains("5318008"), "{said}");
    }
    assert_eq!(
        secret_version(&stage, "TestlifySecret", SecretStage::Current).await,
        before
    );
    for secret in ["TestlifySecret", "ImochaSecret", "JobmojitoSecret"] {
        let previous = secret_version(&stage, secret, SecretStage::Previous).await;
        assert_eq!(previous, None, "{secret}");
    }
    let retired = done(&stage, &["retire", "testlify"], "").await;
    assert_eq!(retired["retired"], json!(false));
}

#[tokio::test]
async fn the_status_shows_what_is_set_and_no_values() {
    let stage = Stage::new().await;
    done(&stage, &["set", "imocha-api", "api_key"], "key-of-imocha").await;
    done(&stage, &["rotate", "xobin", "--no-wait"], "").await;
    let status = fed(&stage, &["secrets", "status", "--json"], "").await;
    let table = fed(&stage, &["secrets", "status"], "").await;
    let said = [
        status.stdout.clone(),
        table.stdout,
        status.stderr,
        table.stderr,
    ]
    .concat();
    let said = String::from_utf8(said).unwrap();
    for secret in ["Imocha", "Jobmojito", "Testlify", "Xobin", "ImochaApi"] {
        for version in [SecretStage::Current, SecretStage::Previous] {
            let fields = secret_version(&stage, &format!("{secret}Secret"), version).await;
            let fields = fields.unwrap_or_else(|| json!({}));
            let values = fields.as_object().unwrap().values();
            let long = values.filter_map(Value::as_str).filter(|it| it.len() > 6);
            for value in long {
                assert!(!said.contains(value), "{secret}");
            }
        }
    }
    let status: Value = serde_json::from_slice(&status.stdout).unwrap();
    let of = |name: &str| {
        let mut all = status.as_array().unwrap().iter();
        all.find(|it| it["name"] == name).unwrap()
    };
    assert_eq!(of("imocha")["set"], json!(["token"]));
    assert_eq!(of("imocha")["previous"], Value::Null);
    assert!(of("imocha")["since"].is_string());
    assert_eq!(
        of("xobin")["set"],
        json!(["header", "password", "username"])
    );
    assert_eq!(of("xobin")["empty"], json!(["api_key"]));
    assert!(of("xobin")["previous"]["created"].is_string());
    assert_eq!(of("imocha-api")["api"], "on");
    assert_eq!(of("xobin-api")["api"], "off");
    assert_eq!(of("xobin")["api"], Value::Null);
}

#[tokio::test]
async fn of_two_who_rotate_at_once_only_one_does() {
    let stage = Stage::new().await;
    let before = secret_version(&stage, "ImochaSecret", SecretStage::Current).await;
    let rotate = || fed(&stage, &["secrets", "rotate", "imocha", "--no-wait"], "");
    let all = futures_util::future::join_all([rotate(), rotate(), rotate()]).await;
    let done = all.iter().filter(|it| it.status.success()).count();
    assert_eq!(done, 1);
    let previous = secret_version(&stage, "ImochaSecret", SecretStage::Previous).await;
    assert_eq!(previous, before);
}
