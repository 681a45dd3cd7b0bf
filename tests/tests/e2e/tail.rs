//! `hooks tail`, as somebody looks at the bus: a process that prints what comes, and leaves nothing behind.

use crate::inbox::call;
use crate::operator::variable;
use crate::stage::{Stage, accepted, binaries, payload, root};
use crate::vendors::deliver;
use imocha_webhook::Imocha;
use local::faults::{ErrorAnswer, Fault};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::process::Stdio;
use std::sync::Arc;
use tests::faults::Breaker;
use tests::listener::Listener;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStderr, ChildStdout, Command};

struct Tail {
    child: Child,
    printed: Lines<BufReader<ChildStdout>>,
    said: Lines<BufReader<ChildStderr>>,
    listener: Listener,
}

impl Tail {
    async fn spawn(stage: &Stage, args: &[&str]) -> Self {
        let mut command = Command::new(binaries().await.join("hooks"));
        command
            .arg("tail")
            .args(args)
            .current_dir(root())
            .env("ENDPOINT_URL", stage.bundle.endpoint_url());
        for (output, value) in stage.bundle.outputs() {
            command.env(variable(output), value);
        }
        let pipes = command.stdin(Stdio::null()).stdout(Stdio::piped());
        let mut child = pipes.stderr(Stdio::piped()).spawn().unwrap();
        Self {
            printed: BufReader::new(child.stdout.take().unwrap()).lines(),
            said: BufReader::new(child.stderr.take().unwrap()).lines(),
            listener: Listener::new(),
            child,
        }
    }

    /// One that listens.
    async fn of(stage: &Stage, args: &[&str]) -> Self {
        let mut tail = Self::spawn(stage, args).await;
        while let Some(line) = tail.said.next_line().await.unwrap() {
            if line.starts_with("listening on ") {
                return tail;
            }
        }
        panic!("it ended before it listened");
    }

    /// The next line of its standard output, which is a pipe.
    async fn line(&mut self) -> String {
        self.printed.next_line().await.unwrap().unwrap()
    }

    /// The next change that is new. Each is a line.
    async fn change(&mut self) -> Value {
        loop {
            let change = serde_json::from_str(&self.line().await).unwrap();
            if self.listener.hear(&change).unwrap() {
                return change;
            }
        }
    }

    async fn signal(&self, signal: &str) {
        let id = self.child.id().unwrap().to_string();
        let kill = Command::new("kill").args([signal, &id]).status().await;
        assert!(kill.unwrap().success());
    }

    /// The exit code, and what it had still to say.
    async fn ended(mut self) -> (Option<i32>, String) {
        let code = self.child.wait().await.unwrap().code();
        let mut said = String::new();
        let mut rest = self.said.into_inner();
        rest.read_to_string(&mut said).await.unwrap();
        (code, said)
    }
}

/// The names of all queues and rules that are a tail's.
async fn there(stage: &Stage) -> BTreeSet<(&'static str, String)> {
    let queues = stage.sqs.list_queues().queue_name_prefix("hooks-tail-");
    let queues = queues.send().await.unwrap().queue_urls.unwrap_or_default();
    let queues = queues.into_iter();
    let mut names: BTreeSet<_> = queues
        .map(|url| ("queue", url.rsplit('/').next().unwrap().to_owned()))
        .collect();
    let bus = &stage.bundle.outputs()["EventBusName"];
    let list = json!({ "EventBusName": bus, "NamePrefix": "hooks-tail-" });
    let rules = call(stage, "ListRules", &list).await;
    let rules = rules["Rules"].as_array().unwrap().iter();
    names.extend(rules.map(|it| ("rule", it["Name"].as_str().unwrap().to_owned())));
    names
}

async fn deliver_imocha(stage: &Stage, file: &str) {
    let body = payload(&format!("imocha/{file}.json"));
    accepted(deliver::<Imocha>(stage, "", "", body).await).await;
}

#[tokio::test]
async fn what_is_published_is_printed_as_it_comes_and_nothing_is_left_behind() {
    let stage = Stage::new().await;
    let mut tail = Tail::of(&stage, &[]).await;
    assert_eq!(there(&stage).await.len(), 2);
    assert!(tail.line().await.starts_with("time "));
    deliver_imocha(&stage, "complete").await;
    let line = tail.line().await;
    let words: Vec<&str> = line.split_whitespace().collect();
    let time: Result<shared::timestamp::Timestamp, _> =
        shared::timestamp::Timestamp::parse(words[0]);
    assert!(time.is_ok(), "{line}");
    let rest = words[1..].join(" ");
    assert_eq!(rest, "imocha 3314697 completed – 6 of 115 1");
    tail.signal("-TERM").await;
    assert_eq!(tail.ended().await, (Some(0), String::new()));
    assert_eq!(there(&stage).await, BTreeSet::new());
}

#[tokio::test]
async fn what_is_chosen_is_printed_as_the_events_themselves() {
    let stage = Stage::new().await;
    let args = ["--json", "--source", "imocha", "--status", "completed"];
    let args = [&args[..], &["--status", "terminated"]].concat();
    let mut tail = Tail::of(&stage, &args).await;
    for file in ["in-progress", "complete"] {
        deliver_imocha(&stage, file).await;
        stage.settled().await;
    }
    let change = tail.change().await;
    assert_eq!(change["specversion"], "1.0");
    assert_eq!(change["data"]["status"], "completed");
    deliver_imocha(&stage, "terminated").await;
    let change = tail.change().await;
    assert_eq!(change["data"]["status"], "terminated");
    tail.signal("-INT").await;
    assert_eq!(tail.ended().await.0, Some(0));
    assert_eq!(there(&stage).await, BTreeSet::new());
}

#[tokio::test]
async fn what_cannot_be_begun_is_taken_back() {
    let breaker = Breaker::new();
    let faults = breaker.clone();
    let stage = Stage::with(|options| options.faults = Some(Arc::new(faults))).await;
    for operation in ["PutTargets", "PutRule", "SetQueueAttributes"] {
        breaker.set(move |call| {
            if call.operation == operation {
                Fault::Answer(ErrorAnswer::internal("on purpose"))
            } else {
                Fault::None
            }
        });
        let tail = Tail::spawn(&stage, &[]).await;
        let (code, said) = tail.ended().await;
        assert_eq!(code, Some(1), "{operation}: {said}");
        assert!(said.contains("cannot be"), "{said}");
        assert_eq!(there(&stage).await, BTreeSet::new(), "{operation}");
    }
}

/// As if a tail had begun two days before this one and been killed.
async fn left_two_days_before(stage: &Stage, name: &str) -> String {
    let mut parts: Vec<&str> = name.split('-').collect();
    let seconds: i64 = parts[3].parse().unwrap();
    let before = (seconds - 2 * 86_400).to_string();
    parts[3] = &before;
    let name = parts.join("-");
    let create = stage.sqs.create_queue().queue_name(&name).send().await;
    create.unwrap();
    let bus = &stage.bundle.outputs()["EventBusName"];
    let pattern = json!({ "source": ["assessment-webhooks"] }).to_string();
    let rule = json!({ "Name": name, "EventBusName": bus, "EventPattern": pattern });
    call(stage, "PutRule", &rule).await;
    let arn = format!("arn:aws:sqs:eu-west-1:000000000000:{name}");
    let targets = json!([{ "Id": "queue", "Arn": arn }]);
    let targets = json!({ "Rule": name, "EventBusName": bus, "Targets": targets });
    call(stage, "PutTargets", &targets).await;
    name
}

#[tokio::test]
async fn what_a_killed_one_left_behind_goes_with_the_next_after_a_day() {
    let stage = Stage::new().await;
    let mut killed = Tail::of(&stage, &[]).await;
    killed.child.kill().await.unwrap();
    let todays = there(&stage).await;
    assert_eq!(todays.len(), 2);
    let (_, name) = todays.first().unwrap();
    let old = left_two_days_before(&stage, name).await;
    assert_eq!(there(&stage).await.len(), 4);

    let next = Tail::of(&stage, &[]).await;
    let now = there(&stage).await;
    assert!(now.iter().all(|(_, name)| *name != old), "{now:?}");
    assert!(now.is_superset(&todays), "it may be in use");
    next.signal("-TERM").await;
    assert_eq!(next.ended().await.0, Some(0));
    assert_eq!(there(&stage).await, todays);
}
