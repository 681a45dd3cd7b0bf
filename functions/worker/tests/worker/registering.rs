use crate::world::*;
use serde_json::{Value, json};
use shared::key::{ItemKey, REGISTRATION};
use shared::registration::{Credential, Wanted, Webhook};
use shared::store::{Registration, RegistrationOutcome};
use std::collections::BTreeMap;
use std::sync::Arc;
use worker::vendors::quote::MASK;

const KINDS: [&str; 3] = ["start", "submission", "updates"];
const NAME: &str = "a-request";

fn key() -> ItemKey {
    ItemKey::of_vendor("xobin", REGISTRATION)
}

fn url(kind: &str) -> String {
    format!("https://hooks.example.com/webhooks/xobin/{kind}")
}

fn webhook(kind: &str, enabled: bool) -> (String, Webhook) {
    let url = url(kind);
    (kind.to_owned(), Webhook { enabled, url })
}

/// These kinds, enabled.
fn wanted(kinds: &[&str]) -> Wanted {
    Wanted {
        webhooks: kinds.iter().map(|kind| webhook(kind, true)).collect(),
        ..Wanted::default()
    }
}

fn success() -> Value {
    let basic = json!({ "username": "xobin", "password": null, "hasPassword": true });
    let auth = json!({ "type": "basic", "basic": basic });
    json!({ "status": "success", "message": "Webhook added successfully", "webhook": { "auth": auth } })
}

async fn request(world: &World, wanted: &Wanted) {
    let now = world.clock.now();
    let table = &world.table;
    let requested = table.request_registration("xobin", NAME, wanted, false, now);
    assert!(requested.await.unwrap());
    world.platform().take_writes();
}

async fn register(world: &World) {
    world.worker.register(&key()).await.unwrap();
}

async fn registration(world: &World) -> Registration {
    let registration = world.table.registration("xobin").await;
    registration.unwrap().unwrap()
}

/// What came of all three, when Xobin answers so.
async fn answered(status: u16, body: &(impl ToString + ?Sized)) -> (World, Registration) {
    let world = world().await;
    world.vendor().will_answer(status, body);
    request(&world, &wanted(&KINDS)).await;
    register(&world).await;
    let registration = registration(&world).await;
    assert!(!format!("{registration:?}").contains(PASSWORD));
    (world, registration)
}

fn message(registration: &Registration) -> &str {
    registration.message.as_deref().unwrap()
}

#[tokio::test]
async fn the_request_is_as_it_is_documented() {
    let (world, registration) = answered(200, &success()).await;
    let asked = world.vendor().only_asked();
    assert_eq!(asked.method, "POST");
    assert_eq!(asked.path, "/xobin/webhooks");
    assert_eq!(asked.header("apikey"), Some(KEY));
    assert_eq!(asked.header("content-type"), Some("application/json"));
    let webhook = |kind| json!({ "status": true, "url": url(kind) });
    let expected = json!({
        "webhooks": {
            "start": webhook("start"),
            "submission": webhook("submission"),
            "updates": webhook("updates"),
            "auth": { "type": "basic", "basic": { "username": "xobin", "password": PASSWORD } },
        },
        "updateAll": false,
        "updateAuth": false,
    });
    assert_eq!(asked.body, expected);
    assert_eq!(registration.outcome, RegistrationOutcome::Registered);
    assert_eq!(message(&registration), "Webhook added successfully");
    assert_eq!(registration.tried_at, Some(at(0)));
    assert!(registration.registered.in_doubt.is_empty());
    assert!(world.marked().await.is_empty());
}

#[tokio::test]
async fn what_is_left_out_is_left_out_and_what_is_off_is_off() {
    let world = world().await;
    world.vendor().will_answer(200, &success());
    let wanted = Wanted {
        webhooks: BTreeMap::from([webhook("updates", false)]),
        update_all: true,
        update_auth: true,
        ..Wanted::default()
    };
    request(&world, &wanted).await;
    register(&world).await;
    let body = world.vendor().only_asked().body;
    let webhooks = body["webhooks"].as_object().unwrap();
    let names: Vec<&str> = webhooks.keys().map(String::as_str).collect();
    assert_eq!(names, ["auth", "updates"]);
    assert_eq!(webhooks["updates"]["status"], json!(false));
    assert_eq!(body["updateAll"], json!(true));
    assert_eq!(body["updateAuth"], json!(true));
}

#[tokio::test]
async fn an_api_key_that_is_set_goes_in_its_header_unless_the_password_is_wanted() {
    let both =
        json!({ "username": "xobin", "password": PASSWORD, "header": "x-hook", "api_key": "k1" });
    let key = json!({ "type": "apikey", "apikey": { "header": "x-hook", "apikey": "k1" } });
    let basic = json!({ "type": "basic", "basic": { "username": "xobin", "password": PASSWORD } });
    for (sort, expected) in [
        (None, &key),
        (Some("apikey"), &key),
        (Some("basic"), &basic),
    ] {
        let world = world().await;
        world.platform().set_secret(INBOUND, &both);
        world.vendor().will_answer(200, &success());
        let wanted = Wanted {
            auth: sort.map(str::to_owned),
            ..wanted(&["start"])
        };
        request(&world, &wanted).await;
        register(&world).await;
        let body = world.vendor().only_asked().body;
        assert_eq!(&body["webhooks"]["auth"], expected, "{sort:?}");
        let auth = registration(&world).await.registered.auth.unwrap();
        assert_eq!(auth.value.sort, expected["type"].as_str().unwrap());
    }
}

#[tokio::test]
async fn the_credential_is_the_one_in_force_at_that_moment_and_only_its_keyed_hash_is_kept() {
    let world = world().await;
    let mut fingerprints: Vec<Credential> = Vec::new();
    for password in ["first-password", "second-password", "first-password"] {
        let secret = json!({ "username": "xobin", "password": password });
        world.platform().set_secret(INBOUND, &secret);
        world.vendor().will_answer(200, &success());
        let wanted = Wanted {
            update_auth: true,
            ..wanted(&KINDS)
        };
        request(&world, &wanted).await;
        register(&world).await;
        let sent = world.vendor().asked().pop().unwrap().body;
        assert_eq!(sent["webhooks"]["auth"]["basic"]["password"], password);
        let registration = registration(&world).await;
        assert!(!format!("{registration:?}").contains(password));
        fingerprints.push(registration.registered.auth.unwrap().value);
    }
    assert_eq!(fingerprints[0], fingerprints[2]);
    assert_ne!(fingerprints[0], fingerprints[1]);
}

#[tokio::test]
async fn an_answer_is_read_leniently_as_long_as_it_says_success() {
    for body in [
        json!({ "status": "success" }),
        json!({ "status": " SUCCESS ", "message": null }),
        json!({ "status": "success", "message": 7, "webhook": null, "more": [] }),
    ] {
        let (_, registration) = answered(201, &body).await;
        assert_eq!(
            registration.outcome,
            RegistrationOutcome::Registered,
            "{body}"
        );
        assert_eq!(registration.message, None);
    }
}

#[tokio::test]
async fn any_other_answer_is_final_and_shown_as_it_is() {
    // The last is whether it may have been done all the same.
    for (status, body, says, in_doubt) in [
        (
            200,
            r#"{"status":"failure","message":"no plan"}"#,
            r#""message":"no plan""#,
            true,
        ),
        (200, r#"{"status":true}"#, r#"{"status":true}"#, true),
        (200, "", "200", true),
        (
            200,
            "<html>maintenance</html>",
            "<html>maintenance</html>",
            true,
        ),
        (302, "", "302", true),
        (
            200,
            r#"{"error":"Invalid url"}"#,
            r#"{"error":"Invalid url"}"#,
            false,
        ),
        (
            400,
            r#"{"error":"start.url is required"}"#,
            "start.url is required",
            false,
        ),
        (
            404,
            "<h1>Not\u{1b}[2J Found</h1>",
            "<h1>Not\u{fffd}[2J Found</h1>",
            false,
        ),
        (422, r#"["a",1]"#, r#"["a",1]"#, false),
    ] {
        let (world, registration) = answered(status, body).await;
        assert_eq!(
            registration.outcome,
            RegistrationOutcome::Refused,
            "{status} {body}"
        );
        let message = message(&registration);
        assert!(message.contains(says), "{message}");
        assert!(world.marked().await.is_empty(), "it is not tried again");
        let doubts = !registration.registered.in_doubt.is_empty();
        assert_eq!(doubts, in_doubt, "{status} {body}");
    }
}

#[tokio::test]
async fn an_answer_without_end_is_not_asked_for_again_and_leaves_doubt() {
    let (world, registration) = answered(200, &" ".repeat(5 * 1024 * 1024)).await;
    assert_eq!(registration.outcome, RegistrationOutcome::Failed);
    assert!(message(&registration).contains("too large"));
    assert_eq!(registration.registered.in_doubt.len(), 4);
    assert!(world.marked().await.is_empty());
}

#[tokio::test]
async fn what_echoes_a_secret_is_masked_and_what_is_long_is_cut() {
    let secret = json!({ "username": "xobin", "password": PASSWORD });
    let credentials: xobin_webhook::Credentials = serde_json::from_value(secret).unwrap();
    let (_, header) = credentials.auth(None).unwrap().header();
    let encoded = header.trim_start_matches("Basic ");
    let echo = json!({ "error": [PASSWORD, KEY, encoded, "x".repeat(5000)] });
    let html = format!("<p>{PASSWORD} {KEY} {encoded}</p>");
    for body in [echo.to_string(), html] {
        let (_, registration) = answered(400, &body).await;
        let message = message(&registration);
        for secret in [PASSWORD, "3tQ9", KEY, encoded] {
            assert!(!message.contains(secret), "{message}");
        }
        assert_eq!(message.matches(MASK).count(), 3, "{message}");
        assert!(message.chars().count() < 600, "{message}");
    }
}

#[tokio::test]
async fn a_key_that_is_refused_or_not_set_is_said_at_once_and_not_tried_again() {
    for status in [401, 403] {
        let (world, registration) = answered(status, r#"{"error":"Invalid API key"}"#).await;
        assert_eq!(registration.outcome, RegistrationOutcome::Failed);
        let message = message(&registration);
        for says in ["hooks secrets set xobin-api api_key", "Invalid API key"] {
            assert!(message.contains(says), "{message}");
        }
        assert!(world.marked().await.is_empty());
        assert!(registration.registered.in_doubt.is_empty());
    }
    let world = world().await;
    world
        .platform()
        .set_secret("xobin", &json!({ "api_key": "" }));
    request(&world, &wanted(&KINDS)).await;
    register(&world).await;
    let off = registration(&world).await;
    assert_eq!(off.outcome, RegistrationOutcome::Failed);
    assert!(message(&off).contains("hooks secrets set xobin-api api_key"));
    assert!(world.vendor().asked().is_empty() && world.marked().await.is_empty());
    assert!(off.registered.in_doubt.is_empty());
}

#[tokio::test]
async fn a_busy_vendor_is_asked_again_later_and_all_is_in_doubt_until_it_answers() {
    let world = world().await;
    let vendor = world.vendor();
    vendor.will_answer_with(429, ("retry-after", "120"), "slow down");
    vendor.will_answer(502, "<html>bad gateway</html>");
    vendor.will_answer(200, &success());
    request(&world, &wanted(&KINDS)).await;
    register(&world).await;
    let waiting = registration(&world).await;
    assert_eq!(waiting.outcome, RegistrationOutcome::Waiting);
    assert!(message(&waiting).contains("429"), "{waiting:?}");
    assert_eq!(waiting.due_at, Some(at(120)));
    assert_eq!(waiting.registered.in_doubt.len(), 4);
    for outcome in [
        RegistrationOutcome::Waiting,
        RegistrationOutcome::Registered,
    ] {
        world.wait_until(world.only_marked().await.due_at);
        world.worker.sweep("r").await.unwrap();
        world.work_off_queue().await;
        assert_eq!(registration(&world).await.outcome, outcome);
    }
    assert!(registration(&world).await.registered.in_doubt.is_empty());
    assert!(world.marked().await.is_empty());
}

#[tokio::test]
async fn while_the_key_counts_as_refused_the_operator_is_told_why_nothing_happens() {
    let (world, _) = answered(401, r#"{"error":"Invalid API key"}"#).await;
    request(&world, &wanted(&KINDS)).await;
    register(&world).await;
    let waiting = registration(&world).await;
    assert_eq!(waiting.outcome, RegistrationOutcome::Waiting);
    let message = message(&waiting);
    assert!(message.contains("refused the API key lately"), "{message}");
    // It was not asked, so that nothing is in doubt.
    assert_eq!(world.vendor().asked().len(), 1);
    assert!(waiting.registered.in_doubt.is_empty());
    world.vendor().will_answer(200, &success());
    world.wait_until(world.only_marked().await.due_at);
    world.worker.sweep("r").await.unwrap();
    world.work_off_queue().await;
    let done = registration(&world).await;
    assert_eq!(done.outcome, RegistrationOutcome::Registered);
}

#[tokio::test]
async fn a_message_that_comes_twice_asks_once() {
    let (world, _) = answered(200, &success()).await;
    register(&world).await;
    assert_eq!(world.vendor().asked().len(), 1);
}

#[tokio::test]
async fn while_one_worker_asks_another_does_not() {
    let world = world().await;
    world.vendor().will_answer(200, &success());
    request(&world, &wanted(&KINDS)).await;
    let other = Arc::clone(&world.worker);
    world.vendor().meanwhile(async move {
        other.register(&key()).await.unwrap();
    });
    register(&world).await;
    assert_eq!(world.vendor().asked().len(), 1);
    let outcome = registration(&world).await.outcome;
    assert_eq!(outcome, RegistrationOutcome::Registered);
}

#[tokio::test]
async fn a_crash_at_any_point_leads_to_the_same_call_again() {
    // The three writes are leave to call, that it begins, and what came of it.
    for writes in 0..3 {
        let called = usize::from(writes == 2);
        let world = world().await;
        request(&world, &wanted(&KINDS)).await;
        world.vendor().will_answer(200, &success());
        world.vendor().will_answer(200, &success());
        world.platform().cut_off_after(writes);
        world.worker.register(&key()).await.unwrap_err();
        world.platform().mend();
        let left = registration(&world).await;
        assert_eq!(left.outcome, RegistrationOutcome::Requested, "{writes}");
        assert_eq!(left.registered.in_doubt.len(), 4 * called);
        assert_eq!(world.vendor().asked().len(), called);
        world.wait_until(world.only_marked().await.due_at);
        world.worker.sweep("r").await.unwrap();
        world.work_off_queue().await;
        let done = registration(&world).await;
        assert_eq!(done.outcome, RegistrationOutcome::Registered, "{writes}");
        assert!(done.registered.in_doubt.is_empty() && world.marked().await.is_empty());
        let bodies: Vec<Value> = world
            .vendor()
            .asked()
            .into_iter()
            .map(|it| it.body)
            .collect();
        assert!(bodies.windows(2).all(|pair| pair[0] == pair[1]));
    }
}

#[tokio::test]
async fn a_secret_that_is_of_no_use_is_named_and_nobody_is_asked() {
    for (secret, sort, says) in [
        (json!({ "username": "xobin" }), None, INBOUND),
        (
            json!({ "username": "xobin", "password": 5_318_008 }),
            None,
            INBOUND,
        ),
        (json!({ "api_key": "k" }), Some("basic"), "`basic`"),
        (json!({ "api_key": "k" }), Some("oauth"), "`oauth`"),
    ] {
        let world = world().await;
        world.platform().set_secret(INBOUND, &secret);
        let wanted = Wanted {
            auth: sort.map(str::to_owned),
            ..wanted(&KINDS)
        };
        request(&world, &wanted).await;
        register(&world).await;
        let failed = registration(&world).await;
        assert_eq!(failed.outcome, RegistrationOutcome::Failed);
        let message = message(&failed);
        assert!(
            message.contains(says) && !message.contains("5318008"),
            "{message}"
        );
        assert!(world.vendor().asked().is_empty() && world.marked().await.is_empty());
    }
}

#[tokio::test]
async fn a_url_without_tls_is_given_to_a_stand_in_and_never_to_the_vendor() {
    let mut plain = wanted(&KINDS);
    plain.webhooks.get_mut("updates").unwrap().url = "http://127.0.0.1:9000/x".into();
    let stand_in = world().await;
    stand_in.vendor().will_answer(200, &success());
    let real = world_with(&[("XOBIN_API_BASE_URL", "https://127.0.0.1:1/api/v2")]).await;
    for (world, outcome) in [
        (stand_in, RegistrationOutcome::Registered),
        (real, RegistrationOutcome::Failed),
    ] {
        request(&world, &plain).await;
        register(&world).await;
        assert_eq!(registration(&world).await.outcome, outcome);
    }
}

#[tokio::test]
async fn what_nobody_wants_or_no_vendor_takes_is_gone() {
    let world = world().await;
    for key in [
        key(),
        ItemKey::of_vendor("imocha", REGISTRATION),
        ItemKey::of_vendor("xobin", "limits"),
        ItemKey::of_attempt("xobin", "1", REGISTRATION),
    ] {
        assert!(world.worker.register(&key).await.is_err(), "{key}");
    }
}
