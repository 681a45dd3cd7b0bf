//! Rotations, moment by moment: Xobin's key of our own in place of its password, and the wait of `hooks secrets rotate`.

use crate::operator::{fed, variable};
use crate::secrets::with_a_new_cache;
use crate::stage::{Stage, binaries, payload, root};
use crate::vendors::{Ready, ready, secret_version};
use imocha_webhook::Imocha;
use serde_json::{Value, json};
use shared::caller::{Caller, Delivery};
use shared::secrets::Stage as SecretStage;
use shared::timestamp::Timestamp;
use std::process::Stdio;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::time::timeout;
use xobin_webhook::Xobin;

const OLD_KEY: &str = "old-key-of-our-own-choosing";
const NEW_KEY: &str = "new-key-of-our-own-choosing";

/// What Xobin posts with a key in the header, for which it was told this one.
fn with_key(key: &str) -> Ready {
    Ready {
        path: "/webhooks/xobin/start".into(),
        headers: vec![("x-api-key".into(), key.into())],
        body: payload("xobin/start.json"),
    }
}

async fn set_key(stage: &Stage, key: &str) {
    let output = fed(stage, &["secrets", "set", "xobin", "api_key"], key).await;
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    let shown = [&output.stdout[..], &output.stderr].concat();
    assert!(!String::from_utf8(shown).unwrap().contains(key));
}

async fn retire(stage: &Stage) {
    let output = fed(stage, &["secrets", "retire", "xobin"], "").await;
    assert!(output.status.success());
}

async fn status(stage: &Stage, call: &Ready) -> u16 {
    call.post(stage).await.status().as_u16()
}

/// What Xobin posts with the password that is in force, whatever key there is beside it.
async fn with_password(stage: &Stage) -> Ready {
    let mut fields = secret_version(stage, "XobinSecret", SecretStage::Current)
        .await
        .unwrap();
    fields["api_key"] = json!("");
    let body = payload("xobin/start.json");
    let delivery = Delivery {
        version: "start",
        body: &body,
        sent: stage.clock.now(),
        id: "",
    };
    let call = Xobin::call(&serde_json::from_value(fields).unwrap(), delivery).unwrap();
    Ready {
        path: call.path,
        headers: call.headers.into_iter().collect(),
        body,
    }
}

/// A stack whose Xobin has this key beside its password, with nothing to retire.
async fn stage_with_key(key: &str) -> Stage {
    let stage = Stage::new().await;
    set_key(&stage, key).await;
    // What was generated at first had no key.
    retire(&stage).await;
    with_a_new_cache::<Xobin>(&stage).await;
    stage
}

#[tokio::test]
async fn another_key_of_our_own_cuts_xobin_off_at_no_moment() {
    let stage = stage_with_key(OLD_KEY).await;
    let (old, new) = (with_key(OLD_KEY), with_key(NEW_KEY));
    let password = with_password(&stage).await;
    assert_eq!(status(&stage, &old).await, 202);
    assert_eq!(status(&stage, &new).await, 401, "nobody knows it yet");

    set_key(&stage, NEW_KEY).await;
    // The function still believes what it read before; the vendor is told of the new one when every function knows it.
    assert_eq!(status(&stage, &old).await, 202);
    with_a_new_cache::<Xobin>(&stage).await;
    for _ in 0..2 {
        assert_eq!(status(&stage, &new).await, 202);
        assert_eq!(status(&stage, &old).await, 202);
        // Who sends the password is not cut off by the key's rotation either.
        assert_eq!(status(&stage, &password).await, 202);
        with_a_new_cache::<Xobin>(&stage).await;
    }

    // A third one would end the first at once.
    let third = fed(
        &stage,
        &["secrets", "set", "xobin", "api_key"],
        "a-third-key-of-ours",
    )
    .await;
    assert_eq!(third.status.code(), Some(1));
    let rotated = fed(&stage, &["secrets", "rotate", "xobin", "--no-wait"], "").await;
    assert_eq!(rotated.status.code(), Some(1));
    with_a_new_cache::<Xobin>(&stage).await;
    assert_eq!(status(&stage, &old).await, 202);

    retire(&stage).await;
    assert_eq!(status(&stage, &new).await, 202);
    with_a_new_cache::<Xobin>(&stage).await;
    assert_eq!(status(&stage, &old).await, 401);
    assert_eq!(status(&stage, &new).await, 202);
    assert_eq!(status(&stage, &password).await, 202);
    let previous = secret_version(&stage, "XobinSecret", SecretStage::Previous).await;
    assert_eq!(previous, None);
}

#[tokio::test]
async fn a_rotation_renews_the_key_that_xobin_was_given_and_the_password_beside_it() {
    let stage = stage_with_key(OLD_KEY).await;
    let old = [with_key(OLD_KEY), with_password(&stage).await];
    let rotated = fed(
        &stage,
        &["secrets", "rotate", "xobin", "--no-wait", "--json"],
        "",
    )
    .await;
    assert!(rotated.status.success());
    let printed: Value = serde_json::from_slice(&rotated.stdout).unwrap();
    let given = printed[0]["headers"]["x-api-key"].as_str().unwrap();
    assert_ne!(given, OLD_KEY, "what is printed is what is new");
    let new = [with_key(given), with_password(&stage).await];
    for call in &old {
        assert_eq!(status(&stage, call).await, 202);
    }
    with_a_new_cache::<Xobin>(&stage).await;
    for call in old.iter().chain(&new) {
        assert_eq!(status(&stage, call).await, 202);
    }
    retire(&stage).await;
    with_a_new_cache::<Xobin>(&stage).await;
    for (old, new) in old.iter().zip(&new) {
        assert_eq!(status(&stage, old).await, 401);
        assert_eq!(status(&stage, new).await, 202);
    }
}

/// `hooks secrets rotate imocha` as an operator starts it, who has not said that it must not wait.
fn rotating(stage: &Stage, hooks: &std::path::Path) -> Child {
    let mut command = Command::new(hooks);
    command
        .args(["secrets", "rotate", "imocha", "--json"])
        .current_dir(root())
        .env("ENDPOINT_URL", stage.bundle.endpoint_url())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    for (output, value) in stage.bundle.outputs() {
        command.env(variable(output), value);
    }
    command.spawn().unwrap()
}

#[tokio::test]
async fn what_is_being_waited_for_is_not_shown_and_stands_if_the_wait_is_interrupted() {
    let stage = Stage::new().await;
    let body = || payload("imocha/complete.json");
    let old = ready::<Imocha>(&stage, "", "", body()).await;
    let mut child = rotating(&stage, &binaries().await.join("hooks"));
    let mut said = BufReader::new(child.stderr.take().unwrap()).lines();
    let waiting = timeout(Duration::from_mins(1), said.next_line()).await;
    let waiting = waiting.unwrap().unwrap().unwrap();
    assert!(waiting.contains("the old one stays good"), "{waiting}");
    let good_from = waiting.rsplit_once("good from ").unwrap().1;
    let good_from = Timestamp::parse(good_from.trim_end_matches(" on.")).unwrap();
    let left = good_from.milliseconds_since(stage.clock.now());
    assert!((240_000..=310_000).contains(&left), "{waiting}");

    let new = ready::<Imocha>(&stage, "", "", body()).await;
    assert_ne!(new.path, old.path);
    assert_eq!(status(&stage, &old).await, 202);
    with_a_new_cache::<Imocha>(&stage).await;
    assert_eq!(status(&stage, &old).await, 202);
    assert_eq!(status(&stage, &new).await, 202);

    assert_eq!(child.try_wait().unwrap(), None, "it waits");
    child.kill().await.unwrap();
    let mut shown = String::new();
    let mut stdout = child.stdout.take().unwrap();
    stdout.read_to_string(&mut shown).await.unwrap();
    assert_eq!(shown, "");
    let mut rest = String::new();
    while let Some(line) = said.next_line().await.unwrap() {
        rest += &line;
    }
    let token = new.path.rsplit('/').next().unwrap();
    assert!(!rest.contains(token) && !waiting.contains(token));
    let endpoints = fed(&stage, &["endpoints", "--json"], "").await;
    let endpoints: Value = serde_json::from_slice(&endpoints.stdout).unwrap();
    let url = format!("{}{}", stage.bundle.api_url(), new.path);
    assert_eq!(endpoints[0]["url"], json!(url));
}
