//! Who is erased is found in no store afterwards, comes back by no way, and takes nobody else along.

#[path = "promise_8/receipts.rs"]
mod receipts;

use crate::bucket::objects;
use crate::everybody::Everybody;
use crate::operator::{hooks, json};
use crate::stores::{bodies_in_parts, everything, found, items, saying, words};
use crate::wrappings::{self, gzip};
use bytes::Bytes;
use local::faults::{Call, Fault};
use serde_json::{Value, json};
use shared::event::Kind;
use shared::key::{BODY_PART_PREFIX, EventId, attempt_partition};
use shared::store::ReportOutcome;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tests::faults::Breaker;
use tests::inbox::Inbox;
use tests::stage::{Stage, accepted, eventually, payload};

const ELENA: &str = "elena.vasquez@example.com";
const EVE: &str = "eve@example.com";
/// All that she is known by in the payloads.
const HERS: [&str; 4] = [
    "elena.vasquez",
    "Vasquez",
    "ZWxlbmEudmFzcXVlekBleGFtcGxl",
    "elena%2Evasquez",
];

/// A callback of iMocha's about somebody, with a report once there may be one.
fn imocha(everybody: &Everybody, id: i64, email: &str, status: &str) -> Bytes {
    let has_report = status != "In Progress";
    let body = json!({
        "TestInvitationId": id, "CandidateEmailId": email, "Status": status, "CandidateScore": 6, "TotalScore": 115,
        "ReportPDFUrl": has_report.then_some("https://app.imocha.io/PDFReport?id=the-same-for-all"),
    });
    everybody.led(body.to_string().as_bytes())
}

/// A body that is so large that it is stored in parts.
fn large(id: i64, email: &str) -> Bytes {
    let mut state = 1_u32;
    let noise = std::iter::repeat_with(|| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        format!("{state:08x}")
    });
    let noise: String = noise.take(120 * 1024).collect();
    let body = json!({ "id": id, "assessment_id": 1, "email": email, "name": "Elena Vasquez", "noise": noise });
    body.to_string().into()
}

/// Without its end, nobody can read it: it is of no attempt.
fn cut_off(body: &Bytes) -> Bytes {
    body.slice(..body.len() - 1)
}

/// Where a delivery goes: source, version, delivery id, body.
type Sent = (&'static str, &'static str, &'static str, Bytes);

/// Everything of Elena's, whichever way it comes.
fn of_elena(everybody: &Everybody) -> Vec<Sent> {
    let submission = everybody.led(&payload("xobin/submission.json"));
    let update = String::from_utf8_lossy(&payload("xobin/updates-edit.json")).into_owned();
    let update = update.replace("priya.tran@example.com", ELENA);
    let update = update.replace("Priya Tran", "Elena Vasquez");
    let wrapped = wrappings::all(&payload("xobin/start.json"));
    let wrapped = wrapped.map(|body| ("xobin", "start", "", body));
    let testlify = |file: &str| {
        let text = String::from_utf8_lossy(&payload(file)).into_owned();
        let text = text.replace("kavita.sandhu+1@example.com", "Elena.Vasquez@Example.com");
        Bytes::from(text.replace("Sandhu", "Vasquez"))
    };
    let mut hers = vec![
        ("xobin", "start", "", payload("xobin/start.json")),
        ("xobin", "submission", "", submission.clone()),
        // Cut off, so that nobody can read it.
        ("xobin", "submission", "", submission.slice(..300)),
        ("xobin", "start", "", large(77, ELENA)),
        ("xobin", "start", "", cut_off(&large(79, ELENA))),
        ("xobin", "start", "", gzip(&large(80, ELENA)).into()),
        ("xobin", "updates", "", update.into()),
        (
            "imocha",
            "",
            "",
            imocha(everybody, 5001, ELENA, "In Progress"),
        ),
        ("imocha", "", "", imocha(everybody, 5001, ELENA, "Complete")),
        ("testlify", "v1", "", testlify("testlify/v1-invited.json")),
        (
            "testlify",
            "v2",
            "msg_1",
            testlify("testlify/v2-completed.json"),
        ),
    ];
    hers.extend(wrapped);
    hers
}

/// What comes late, and came in no form before.
fn late(everybody: &Everybody) -> Vec<Sent> {
    let nameless = json!({ "id": 2_196_821, "assessment_id": 53280, "overall_percentage": 1 });
    let hello = format!("hello {ELENA}, says {EVE}");
    let wrapped = wrappings::all(hello.as_bytes());
    let wrapped = wrapped.map(|body| ("xobin", "updates", "", body));
    let mut late = vec![
        ("xobin", "submission", "", nameless.to_string().into()),
        ("xobin", "start", "", large(78, ELENA)),
        (
            "imocha",
            "",
            "",
            imocha(everybody, 5001, ELENA, "Terminated"),
        ),
        ("imocha", "", "", imocha(everybody, 5002, ELENA, "Complete")),
        (
            "imocha",
            "",
            "",
            format!("<mail>{ELENA}</mail> of Vasquez").into(),
        ),
        ("xobin", "start", "", gzip(&large(81, ELENA)).into()),
    ];
    late.extend(wrapped);
    late
}

async fn send(everybody: &Everybody, sent: &[Sent]) -> Vec<(String, EventId)> {
    let mut answers = Vec::new();
    for (source, version, id, body) in sent {
        let answer = everybody.deliver(source, version, id, body.clone()).await;
        answers.push(accepted(answer).await);
    }
    answers
}

async fn report_is_kept(everybody: &Everybody, attempt: &str) {
    let pk = attempt_partition("imocha", attempt);
    eventually("the report is kept", || async {
        let reports = everybody.stage.table.reports(&pk).await.unwrap();
        let is_kept = reports.iter().any(|it| it.outcome == ReportOutcome::Stored);
        is_kept.then_some(())
    })
    .await;
}

/// Two dead letters: one of ours, and one that is none of ours and says everything.
async fn dead_letters(everybody: &Everybody) {
    let stage = &everybody.stage;
    let of_hers = r#"{"version":1,"job":"fold","pk":"imocha#attempt#5001","sk":"event#none"}"#;
    for body in [of_hers, &format!("hello {ELENA}"), "hello"] {
        stage.send(body).await;
    }
    eventually("they are dead", || async {
        (stage.dead().await == 3).then_some(())
    })
    .await;
}

async fn start() -> Everybody {
    Everybody::start(|options| {
        let fields = (
            "PublishedPersonalFields".to_owned(),
            "email,name".to_owned(),
        );
        options.parameters.extend([fields]);
    })
    .await
}

/// All that is known of Eve: her state, her events' bytes, her report.
async fn all_of_eve(everybody: &Everybody) -> (Value, Vec<Vec<u8>>) {
    let stage = &everybody.stage;
    let shown = json(stage, &["attempts", "show", "imocha", "50011"]).await;
    let pk = attempt_partition("imocha", "50011");
    let mut bodies = Vec::new();
    for event in stage.table.partition(&pk).await.unwrap().events {
        bodies.push(stage.table.event_body(&event).await.unwrap());
    }
    let key = shown["report"]["s3_key"].as_str().unwrap();
    assert!(objects(stage).await.contains(&format!("<Key>{key}</Key>")));
    (shown, bodies)
}

/// So many bodies in parts name her, and can only be read as a whole: what is not found there later was there.
async fn assert_in_parts(stage: &Stage, expected: usize) {
    let items = items(stage).await;
    let bodies = bodies_in_parts(&items);
    let hers = bodies.iter().filter(|it| it.contains(ELENA)).count();
    assert_eq!(hers, expected);
    let parts = items.iter().map(|it| it["sk"]["S"].as_str().unwrap());
    let parts = parts.filter(|it| it.starts_with(BODY_PART_PREFIX)).count();
    assert!(parts >= 2 * expected, "{parts}");
}

/// So many events that nobody could read name her in their own items, however they are wrapped: what looks for her later would see her.
async fn assert_unreadable(stage: &Stage, expected: usize) {
    let items = items(stage).await;
    let unreadable = items.iter().filter(|it| it["kind"]["S"] == "unreadable");
    let said: Vec<String> = unreadable.map(words).collect();
    assert_eq!(saying(&said, ELENA).count(), expected);
}

async fn assert_gone(everybody: &Everybody, when: &str) {
    let all = everything(&everybody.stage).await;
    for word in HERS {
        let found = saying(&all, word);
        let shown: Vec<String> = found.map(|it| it.chars().take(600).collect()).collect();
        assert!(shown.is_empty(), "{word} {when}: {shown:#?}");
    }
    let objects = objects(&everybody.stage).await;
    for folder in ["imocha/5001/", "imocha/5002/", "xobin/2196821/"] {
        assert!(!objects.contains(folder), "{folder} {when}: {objects}");
    }
}

/// Whoever was told of an attempt is told that it is erased, and nothing else.
fn assert_all_are_told(told: &[Value]) {
    let details: Vec<&Value> = told.iter().map(|it| &it["detail"]["data"]).collect();
    assert!(details.iter().all(|it| it["erased"] == true), "{details:?}");
    assert!(details.iter().all(|it| it.get("candidate").is_none()));
    let subjects: BTreeSet<String> = details.iter().map(|it| it["attempt"].to_string()).collect();
    assert_eq!(subjects.len(), 4, "{details:?}");
}

/// Repeats are repeats; what is new is accepted; nothing of it stays.
async fn late_webhooks_bring_nothing_back(
    everybody: &Everybody,
    hers: &[Sent],
    first: &[(String, EventId)],
) {
    let stage = &everybody.stage;
    let again = send(everybody, hers).await;
    for ((outcome, id), (_, before)) in again.iter().zip(first) {
        assert_eq!(id, before);
        assert_ne!(outcome, "accepted");
        let event = stage.event(id).await.unwrap();
        assert!(event.summary.deliveries >= 2);
    }
    let late = send(everybody, &late(everybody)).await;
    everybody.let_everything_happen().await;
    assert_gone(everybody, "after late webhooks").await;
    for (_, id) in &late {
        assert_eq!(stage.event(id).await.unwrap().summary.kind, Kind::Erased);
    }
}

/// What a replay of so many events says of which none says anything else than it did.
fn unchanged(events: usize) -> Value {
    json!({
        "found": events, "unchanged": events, "changed": 0, "placed": 0, "unreadable": 0, "failed": 0,
        "moved": [], "problems": [], "resume": null,
    })
}

/// Nor does a replay of all these events, nor what iMocha lists, nor asking it.
async fn operators_bring_nothing_back(everybody: &Everybody, events: usize) {
    let stage = &everybody.stage;
    let yesterday = stage.clock.now().minus(Duration::from_hours(24)).day();
    let replayed = json(stage, &["replay", "--from", &yesterday]).await;
    assert_eq!(replayed, unchanged(events));
    let replayed = json(stage, &["replay", "--unreadable"]).await;
    assert_eq!(replayed, unchanged(0), "what was unreadable is erased");
    everybody
        .vendors
        .imocha
        .remember(5001, imocha(everybody, 5001, ELENA, "Complete").to_vec());
    everybody
        .vendors
        .imocha
        .invite(5001, "completed", "2026-01-15T10:00:00Z");
    let call = everybody.ready("imocha", "", "", Bytes::new());
    everybody
        .vendors
        .imocha
        .call_back_to(format!("{}{}", stage.bundle.api_url(), call.path));
    let window = ["--from", "2026-01-15", "--to", "2026-01-16", "--wait"];
    let run = json(stage, &[&["reconcile", "imocha"], &window[..]].concat()).await;
    assert_eq!(
        (&run["known"], &run["missing"]),
        (&json!(1), &json!(0)),
        "{run}"
    );
    let asked = json(stage, &["reprocess", "imocha", "5001", "--wait"]).await;
    assert_eq!(asked["answered"], 1, "{asked}");
    everybody.let_everything_happen().await;
    assert_gone(everybody, "after a reconciliation").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_erased_is_in_no_store_and_comes_back_by_no_way() {
    let everybody = start().await;
    let stage = &everybody.stage;
    let inbox = Inbox::of_all_changes(stage).await;
    // Eve's attempt has the same report, and an id that begins as Elena's does.
    send(
        &everybody,
        &[(
            "imocha",
            "",
            "",
            imocha(&everybody, 50_011, EVE, "Complete"),
        )],
    )
    .await;
    let hers = of_elena(&everybody);
    let first = send(&everybody, &hers).await;
    report_is_kept(&everybody, "5001").await;
    report_is_kept(&everybody, "50011").await;
    everybody.let_everything_happen().await;
    dead_letters(&everybody).await;
    let (eve, before) = (all_of_eve(&everybody).await, items(stage).await.len());
    assert!(found(stage, ELENA).await.len() > 12);
    assert_in_parts(stage, 3).await;
    assert_unreadable(stage, 1 + wrappings::WAYS).await;
    inbox.rest().await;

    let dry = json(stage, &["erase", "--email", ELENA, "--dry-run"]).await;
    receipts::assert_looked(&dry, before, &hers, &first);
    assert_eq!(items(stage).await.len(), before);
    assert!(found(stage, ELENA).await.len() > 12, "nothing is changed");

    let receipt = json(stage, &["erase", "--email", " Elena.VASQUEZ@example.com"]).await;
    receipts::assert_erased(&receipt, before, &hers, &first);
    assert_gone(&everybody, "after the erasure").await;
    everybody.let_everything_happen().await;
    assert_gone(&everybody, "after what followed").await;

    assert_all_are_told(&inbox.rest().await);
    late_webhooks_bring_nothing_back(&everybody, &hers, &first).await;
    // With Eve's.
    let events = hers.len() + late(&everybody).len() + 1;
    operators_bring_nothing_back(&everybody, events).await;
    assert_eq!(json(stage, &["erase", "--email", ELENA]).await["left"], 0);

    assert_eq!(all_of_eve(&everybody).await, eve);
    assert_eq!(inbox.rest().await, [] as [Value; 0], "nothing more is told");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_attempt_of_a_person_without_an_address_is_erased_by_its_id_and_one_by_ones_own() {
    let everybody = start().await;
    let stage = &everybody.stage;
    let attempt = "912ff898-2e65-4a31-8ff5-d3c59005eb97";
    let submitted = everybody.led(&payload("jobmojito/submitted.json"));
    let selected = everybody.led(&payload("jobmojito/selected.json"));
    let with_id = everybody.led(&payload("jobmojito/with-external-id.json"));
    let sent = |body: &Bytes| ("jobmojito", "", "", body.clone());
    send(&everybody, &[sent(&submitted), sent(&with_id)]).await;
    everybody.let_everything_happen().await;
    let profile = "e2fb41a9-064e-4666-b605-b6eb2eba88b3";
    assert!(!found(stage, profile).await.is_empty());

    let erase = ["erase", "--source", "jobmojito", "--attempt", attempt];
    let receipt = json(stage, &erase).await;
    assert_eq!(
        (&receipt["left"], &receipt["who"]["attempt"]),
        (&json!(0), &json!(attempt))
    );
    assert!(
        receipt["attempts"][0]["objects"].as_u64().unwrap() > 0,
        "{receipt}"
    );
    send(&everybody, &[sent(&submitted), sent(&selected)]).await;
    everybody.let_everything_happen().await;
    assert!(found(stage, profile).await.is_empty());
    assert!(!found(stage, "ATS-20418").await.is_empty(), "others stay");
    let shown = json(stage, &["attempts", "show", "jobmojito", attempt]).await;
    assert!(
        shown["erased_at"].is_string() && shown["status"].is_null(),
        "{shown}"
    );

    let receipt = json(stage, &["erase", "--external-id", "ats-20418"]).await;
    assert_eq!(
        receipt["attempts"].as_array().unwrap().len(),
        1,
        "{receipt}"
    );
    send(&everybody, &[sent(&with_id)]).await;
    everybody.let_everything_happen().await;
    assert!(found(stage, "ATS-20418").await.is_empty());
    let lifted = json(stage, &["erase", "--external-id", "ATS-20418", "--lift"]).await;
    assert_eq!(lifted["lifted"], true);

    for (args, code, says) in [
        (
            &["erase", "--source", "imocha", "--attempt", "1"][..],
            1,
            "nothing is known",
        ),
        (&["erase", "--email", "elena"], 2, "no e-mail address"),
        (&["erase"], 2, "--email"),
    ] {
        let output = hooks(stage, args).await;
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(code), "{said}");
        assert!(said.contains(says), "{said}");
    }
}

const WRITES: [&str; 6] = [
    "UpdateItem",
    "TransactWriteItems",
    "DeleteItem",
    "DeleteObject",
    "DeleteMessage",
    "ChangeMessageVisibility",
];

/// From when so many writes of nobody's but the operator's have gone through, none of the operator's calls does.
fn cut_off_after(breaker: &Breaker, writes: usize) {
    let written = AtomicUsize::new(0);
    breaker.set(move |call: &Call| {
        if call.function.is_some() {
            return Fault::None;
        }
        let is_write = WRITES.contains(&call.operation.as_str());
        if written.load(Ordering::SeqCst) >= writes && (is_write || writes > 0) {
            return Fault::Disconnect;
        }
        if is_write {
            written.fetch_add(1, Ordering::SeqCst);
        }
        Fault::None
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn an_erasure_that_dies_between_any_two_writes_is_ended_by_the_next() {
    const MOST: usize = 40;
    let breaker = Breaker::new();
    let faults = Arc::new(breaker.clone());
    let everybody = Everybody::start(|options| options.faults = Some(faults)).await;
    let stage = &everybody.stage;
    let eve = imocha(&everybody, 50_011, EVE, "Complete");
    send(&everybody, &[("imocha", "", "", eve)]).await;
    report_is_kept(&everybody, "50011").await;
    let mut deaths = 0;
    for writes in 0..MOST {
        let (id, email) = (
            6000 + i64::try_from(writes).unwrap(),
            format!("p{writes}x@example.com"),
        );
        let came = ("imocha", "", "", imocha(&everybody, id, &email, "Complete"));
        send(&everybody, std::slice::from_ref(&came)).await;
        report_is_kept(&everybody, &id.to_string()).await;
        cut_off_after(&breaker, writes);
        let died = !hooks(stage, &["erase", "--email", &email])
            .await
            .status
            .success();
        breaker.mend();
        if died {
            deaths += 1;
            let receipt = json(stage, &["erase", "--email", &email]).await;
            assert_eq!(receipt["left"], 0, "died after {writes} writes: {receipt}");
        }
        send(&everybody, &[came]).await;
        everybody.let_everything_happen().await;
        let found = found(stage, &email).await;
        assert!(found.is_empty(), "died after {writes} writes: {found:?}");
        let objects = objects(stage).await;
        assert!(
            !objects.contains(&format!("imocha/{id}/")),
            "{writes}: {objects}"
        );
        assert!(objects.contains("imocha/50011/"));
        let pk = attempt_partition("imocha", &id.to_string());
        let partition = stage.table.partition(&pk).await.unwrap();
        assert!(partition.is_erased());
        assert_eq!(stage.table.left_of_attempt(&pk).await.unwrap(), 0);
        let [event] = partition.events.try_into().unwrap();
        assert_eq!(event.summary.kind, Kind::Erased);
        assert!(event.summary.deliveries >= 2);
        if !died {
            break;
        }
    }
    assert!((6..MOST).contains(&deaths), "{deaths}");
}
