use serde_json::{Value, json};

use super::*;

/// A bus, a queue, and what is called.
struct World {
    events: Events,
    queues: Queues,
}

const BUS: &str = "results";
const QUEUE_ARN: &str = "arn:aws:sqs:eu-west-1:000000000000:inbox";

impl World {
    async fn new() -> Self {
        let world = Self {
            events: Events::default(),
            queues: Queues::new("http://127.0.0.1:1"),
        };
        world
            .sqs("CreateQueue", json!({ "QueueName": "inbox" }))
            .await;
        world.done("CreateEventBus", json!({ "Name": BUS })).await;
        world
    }

    async fn sqs(&self, operation: &str, input: Value) -> Value {
        let request = crate::engine::request(&format!("AmazonSQS.{operation}"), &input);
        let response = self.queues.handle(operation, request).await;
        serde_json::from_slice(response.body()).unwrap_or(Value::Null)
    }

    async fn call(&self, operation: &str, input: Value) -> (u16, Value) {
        let body = Bytes::from(input.to_string());
        let response = self.events.handle(operation, &body, &self.queues).await;
        let body = serde_json::from_slice(response.body()).unwrap();
        (response.status().as_u16(), body)
    }

    async fn done(&self, operation: &str, input: Value) -> Value {
        let (status, output) = self.call(operation, input).await;
        assert_eq!(status, 200, "{operation}: {output}");
        output
    }

    async fn refused(&self, operation: &str, input: Value) -> (String, String) {
        let (status, output) = self.call(operation, input).await;
        assert_eq!(status, 400, "{operation}: {output}");
        let text = |name: &str| output[name].as_str().unwrap().to_owned();
        (text("__type"), text("message"))
    }

    /// A rule that lets these sources through to the queue.
    async fn rule(&self, name: &str, sources: Value) {
        let pattern = json!({ "source": sources }).to_string();
        let rule = json!({ "Name": name, "EventBusName": BUS, "EventPattern": pattern });
        self.done("PutRule", rule).await;
        let targets = json!([{ "Id": "queue", "Arn": QUEUE_ARN }]);
        let targets = json!({ "Rule": name, "EventBusName": BUS, "Targets": targets });
        self.done("PutTargets", targets).await;
    }

    async fn put(&self, entries: Value) -> Value {
        self.done("PutEvents", json!({ "Entries": entries })).await
    }

    /// What is in the queue, taken out of it.
    async fn delivered(&self) -> Vec<Value> {
        let receive = json!({
            "QueueUrl": "http://127.0.0.1:1/000000000000/inbox", "MaxNumberOfMessages": 10,
        });
        let output = self.sqs("ReceiveMessage", receive).await;
        let messages = output["Messages"].as_array().cloned().unwrap_or_default();
        let bodies = messages.iter().map(|it| it["Body"].as_str().unwrap());
        bodies.map(|it| serde_json::from_str(it).unwrap()).collect()
    }
}

fn entry(source: &str) -> Value {
    json!({
        "EventBusName": BUS, "Source": source, "DetailType": "order", "Detail": "{\"n\":1}",
        "Time": 1_768_471_200.5,
    })
}

#[tokio::test]
async fn an_event_is_delivered_in_eventbridges_envelope() {
    let world = World::new().await;
    world.rule("orders", json!(["shop"])).await;
    let answer = world.put(json!([entry("shop")])).await;
    assert_eq!(answer["FailedEntryCount"], 0);
    let [event] = world.delivered().await.try_into().unwrap();
    let expected = json!({
        "version": "0", "id": answer["Entries"][0]["EventId"], "detail-type": "order",
        "source": "shop", "account": "000000000000", "time": "2026-01-15T10:00:00Z",
        "region": "eu-west-1", "resources": [], "detail": { "n": 1 },
    });
    assert_eq!(event, expected);
}

#[tokio::test]
async fn each_rule_gets_what_it_lets_through() {
    let world = World::new().await;
    world.rule("one", json!(["shop"])).await;
    world.rule("both", json!(["shop", "ship"])).await;
    world
        .put(json!([entry("shop"), entry("ship"), entry("other")]))
        .await;
    let mut sources: Vec<_> = world.delivered().await;
    sources.sort_by_key(|event| event["source"].to_string());
    let sources: Vec<_> = sources.iter().map(|event| &event["source"]).collect();
    assert_eq!(sources, ["ship", "shop", "shop"]);

    let off = json!({
        "Name": "both", "EventBusName": BUS, "EventPattern": "{\"source\":[\"ship\"]}",
        "State": "DISABLED",
    });
    world.done("PutRule", off).await;
    world.put(json!([entry("ship")])).await;
    assert!(world.delivered().await.is_empty());
}

#[tokio::test]
async fn a_bus_that_does_not_exist_takes_and_forgets() {
    let world = World::new().await;
    world.rule("orders", json!(["shop"])).await;
    let mut lost = entry("shop");
    lost["EventBusName"] = json!("absent");
    let answer = world.put(json!([lost])).await;
    assert_eq!(answer["FailedEntryCount"], 0);
    assert!(answer["Entries"][0]["EventId"].is_string());
    assert!(world.delivered().await.is_empty());
    let (kind, message) = world
        .refused("DescribeEventBus", json!({ "Name": "absent" }))
        .await;
    assert_eq!(kind, "ResourceNotFoundException");
    assert!(message.contains("absent"));
    let known = world.done("DescribeEventBus", json!({ "Name": BUS })).await;
    assert_eq!(known["Name"], BUS);
    let by_arn = json!({ "Name": known["Arn"] });
    assert_eq!(world.done("DescribeEventBus", by_arn).await, known);
}

#[tokio::test]
async fn what_is_wrong_with_one_entry_is_said_in_an_answer_of_200() {
    let world = World::new().await;
    world.rule("orders", json!(["shop"])).await;
    let with = |field: &str, value: &str| {
        let mut entry = entry("shop");
        entry[field] = json!(value);
        entry
    };
    let entries = json!([
        with("Detail", "no JSON"),
        with("Detail", "[]"),
        with("Detail", ""),
        with("DetailType", ""),
        with("DetailType", &"x".repeat(129)),
        with("Source", "aws.s3"),
        entry("shop"),
    ]);
    let answer = world.put(entries).await;
    assert_eq!(answer["FailedEntryCount"], 6);
    let results = answer["Entries"].as_array().unwrap();
    let codes: Vec<_> = results.iter().map(|it| it["ErrorCode"].as_str()).collect();
    let expected = [
        Some("MalformedDetail"),
        Some("MalformedDetail"),
        Some("InvalidArgument"),
        Some("InvalidArgument"),
        Some("InvalidArgument"),
        Some("NotAuthorizedForSourceException"),
        None,
    ];
    assert_eq!(codes, expected);
    assert_eq!(world.delivered().await.len(), 1);
}

#[tokio::test]
async fn a_call_that_is_too_large_is_refused_as_a_whole() {
    let world = World::new().await;
    let with_detail = |length: usize| {
        let mut entry = entry("shop");
        entry["Detail"] = json!(format!("{{\"a\":\"{}\"}}", "x".repeat(length)));
        entry
    };
    for entries in [
        json!([]),
        json!(vec![entry("shop"); 11]),
        json!([with_detail(256 * 1024)]),
        json!([with_detail(128 * 1024), with_detail(128 * 1024)]),
    ] {
        let input = json!({ "Entries": entries });
        let (kind, _) = world.refused("PutEvents", input).await;
        assert_eq!(kind, "ValidationException");
    }
    world.put(json!(vec![entry("shop"); 10])).await;
    world.put(json!([with_detail(250 * 1024)])).await;
}

#[tokio::test]
async fn a_rule_is_listed_and_goes_after_its_targets() {
    let world = World::new().await;
    world.rule("tail-1", json!(["shop"])).await;
    world.rule("other", json!(["shop"])).await;
    let list = json!({ "EventBusName": BUS, "NamePrefix": "tail-" });
    let listed = world.done("ListRules", list.clone()).await;
    let [rule] = listed["Rules"].as_array().unwrap().as_slice() else {
        panic!("one rule")
    };
    assert_eq!(rule["Name"], "tail-1");
    let arn = "arn:aws:events:eu-west-1:000000000000:rule/results/tail-1";
    assert_eq!(rule["Arn"], arn);

    let rule = json!({ "Name": "tail-1", "EventBusName": BUS });
    let (kind, message) = world.refused("DeleteRule", rule.clone()).await;
    assert_eq!(kind, "ValidationException");
    assert!(message.contains("targets"));
    let of_rule = json!({ "Rule": "tail-1", "EventBusName": BUS, "Ids": ["queue"] });
    let targets = world.done("ListTargetsByRule", of_rule.clone()).await;
    assert_eq!(
        targets["Targets"],
        json!([{ "Id": "queue", "Arn": QUEUE_ARN }])
    );
    world.done("RemoveTargets", of_rule.clone()).await;
    world.put(json!([entry("shop")])).await;
    assert_eq!(world.delivered().await.len(), 1, "the other rule's");
    world.done("DeleteRule", rule.clone()).await;
    world.done("DeleteRule", rule).await;
    let listed = world.done("ListRules", list).await;
    assert_eq!(listed["Rules"], json!([]));
    let (kind, _) = world.refused("RemoveTargets", of_rule).await;
    assert_eq!(kind, "ResourceNotFoundException");
}

#[tokio::test]
async fn a_queue_that_is_gone_holds_up_nobody() {
    let world = World::new().await;
    world.rule("orders", json!(["shop"])).await;
    let lost = "arn:aws:sqs:eu-west-1:000000000000:gone";
    let targets = json!([{ "Id": "a", "Arn": lost }]);
    let targets = json!({ "Rule": "orders", "EventBusName": BUS, "Targets": targets });
    world.done("PutTargets", targets).await;
    let answer = world.put(json!([entry("shop")])).await;
    assert_eq!(answer["FailedEntryCount"], 0);
    assert_eq!(world.delivered().await.len(), 1);
}

#[tokio::test]
async fn what_does_not_run_here_is_refused() {
    let world = World::new().await;
    world.rule("orders", json!(["shop"])).await;
    let function = "arn:aws:lambda:eu-west-1:000000000000:function:f";
    for target in [
        json!({ "Id": "t", "Arn": function }),
        json!({ "Id": "t", "Arn": QUEUE_ARN, "InputPath": "$.detail" }),
        json!({ "Id": "t", "Arn": "arn:aws:sqs:" }),
    ] {
        let targets = json!({ "Rule": "orders", "EventBusName": BUS, "Targets": [target] });
        let (kind, message) = world.refused("PutTargets", targets).await;
        assert_eq!(kind, "ValidationException");
        assert!(message.contains("queues only"), "{message}");
    }
    let cron = json!({ "Name": "r", "ScheduleExpression": "rate(1 minute)" });
    let absent = json!({ "Name": "r", "EventBusName": "absent", "EventPattern": "{\"a\":[1]}" });
    for (operation, input, expected) in [
        ("PutRule", cron, "ValidationException"),
        ("PutRule", json!({ "Name": "r" }), "ValidationException"),
        ("PutRule", absent, "ResourceNotFoundException"),
        ("PutRule", json!({}), "ValidationException"),
        (
            "CreateEventBus",
            json!({ "Name": BUS }),
            "ResourceAlreadyExistsException",
        ),
        ("StartReplay", json!({}), "UnknownOperationException"),
    ] {
        let (kind, _) = world.refused(operation, input).await;
        assert_eq!(kind, expected, "{operation}");
    }
}
