use crate::world::*;
use shared::event::Status;
use shared::key::ItemKey;
use shared::queue::FoldMessage;

fn fold(delivery: &shared::store::Delivery) -> String {
    let fold = FoldMessage {
        key: delivery.key.clone(),
        correlation_id: "r".into(),
    };
    fold.body()
}

#[tokio::test]
async fn exactly_the_messages_that_failed_are_reported() {
    let world = world().await;
    let (one, other) = (
        step("1", Status::Completed, at(0)),
        step("2", Status::Completed, at(0)),
    );
    world.record(&one).await;
    world.record(&other).await;
    let bodies = vec![
        Some("not JSON".into()),
        Some(fold(&one)),
        None,
        Some(r#"{"version":99,"job":"fold","pk":"a","sk":"b"}"#.into()),
        Some(fold(&step("3", Status::Completed, at(0)))),
        Some(r#"{"version":1,"job":"dance"}"#.into()),
        Some(r#"{"version":1,"job":"sweep"}"#.into()),
        Some(r#"{"version":1,"job":"ask_imocha","ids":[]}"#.into()),
        Some(r#"{"version":1,"job":"fetch_report","pk":"","sk":""}"#.into()),
        Some(fold(&other)),
    ];
    assert_eq!(
        world.handle(bodies).await,
        ["m0", "m2", "m3", "m4", "m5", "m7", "m8"]
    );
    for delivery in [&one, &other] {
        assert_eq!(world.state(delivery).await.version, 1);
    }
}

#[tokio::test]
async fn a_table_that_fails_gives_the_whole_batch_back() {
    let world = world().await;
    let deliveries = ["1", "2"].map(|id| step(id, Status::Completed, at(0)));
    for delivery in &deliveries {
        world.record(delivery).await;
    }
    world.platform().cut_off_after(0);
    let bodies = || deliveries.iter().map(fold).map(Some).collect();
    assert_eq!(world.handle(bodies()).await, ["m0", "m1"]);
    world.platform().mend();
    assert!(world.handle(bodies()).await.is_empty());
}

#[tokio::test]
async fn the_messages_that_events_sqs_holds_are_read() {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../events/sqs/mixed-batch.json"
    );
    let text = std::fs::read_to_string(path).unwrap();
    let event = serde_json::from_str(&text).unwrap();
    let world = world().await;
    let response = world
        .worker
        .handle(event, std::time::Duration::from_secs(30))
        .await;
    let failures = response.batch_item_failures.into_iter();
    let failed: Vec<_> = failures.map(|it| it.item_identifier).collect();
    let (not_json, unknown_version) = (
        "8ba126a6-956b-4278-a3e4-ff13d86d1666",
        "a7877090-ff61-4e8f-a4b7-682d592afb51",
    );
    assert_eq!(failed, [not_json, unknown_version]);
}

fn fetch(report: &ItemKey) -> String {
    let message = serde_json::json!({
        "version": 1, "job": "fetch_report", "pk": report.pk, "sk": report.sk, "correlation_id": "r",
    });
    message.to_string()
}

/// Of one batch the good are done, whatever is beside them, and the bad say why: in the table, where there is an item of theirs.
#[tokio::test]
async fn poison_of_every_kind_holds_up_nobody_and_ends_parked_with_its_cause() {
    let world = world_without_keys().await;
    world.names.break_down(true);
    let url = link("https://reports.example.com/1.pdf");
    let breaks = offer(&world.table, "jobmojito", "i-1", &url).await;
    let good = ["1", "2"].map(|id| step(id, Status::Completed, at(0)));
    for delivery in &good {
        world.record(delivery).await;
    }
    let bodies = vec![
        Some(fetch(&breaks)),
        Some(fold(&good[0])),
        Some("{".into()),
        None,
        Some(r#"{"version":2,"job":"fold","pk":"a","sk":"b"}"#.into()),
        Some(fold(&step("gone", Status::Completed, at(0)))),
        Some(fold(&good[1])),
    ];
    assert_eq!(world.handle(bodies).await, ["m0", "m2", "m3", "m4", "m5"]);
    for delivery in &good {
        assert_eq!(world.state(delivery).await.version, 1);
    }
    let trouble = world.table.trouble(&breaks).await.unwrap().unwrap();
    assert_eq!(
        (trouble.text.as_str(), trouble.at),
        ("the job panicked", at(0))
    );

    // It is tried until it is parked, and still says why.
    while let [marked] = &world.marked_reports().await[..] {
        world.wait_until(marked.due_at);
        world.worker.sweep("sweep").await.unwrap();
        world.work_off_queue_or_fail().await;
    }
    let parked = world.table.parked().await.unwrap();
    let parked = parked.iter().find(|it| it.key == breaks).unwrap();
    assert!(world.table.trouble(&breaks).await.unwrap().is_some());

    // What broke it is mended, and it is brought back.
    world.names.break_down(false);
    let now = world.clock.now();
    assert!(world.table.redrive(parked, now).await.unwrap());
    assert_eq!(world.table.trouble(&breaks).await.unwrap(), None);
    assert!(world.handle(vec![Some(fetch(&breaks))]).await.is_empty());
    let problem = world.report(&breaks).await.problem.unwrap();
    assert!(problem.contains("could not be reached"), "{problem}");
}
