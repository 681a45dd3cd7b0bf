//! `template.yaml` held against the code: what no validator sees, and what a deployment would show too late.

use crate::stage::root;
use local::schedule;
use local::template::{FunctionResource, Place, Template};
use serde_json::Value;
use shared::config::{ConfigError, Environment};
use shared::key::SourceName;
use shared::source::Source;
use shared::store::{BY_CANDIDATE, BY_DAY, DUE, TIME_TO_LIVE};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use worker::config::WorkerConfig;
use worker::job::{Job, Message, Reconcile};

pub const WORKER: &str = "WorkerFunction";

pub fn text() -> String {
    std::fs::read_to_string(root().join("template.yaml")).unwrap()
}

pub fn template() -> Template {
    template_with(&[])
}

pub fn template_with(parameters: &[(&str, &str)]) -> Template {
    let place = Place {
        stack: "stack".into(),
        endpoint_url: "http://127.0.0.1:1".into(),
        api_url: "http://127.0.0.1:2".into(),
    };
    let parameters = parameters
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let path = root().join("template.yaml");
    Template::read(&path, &parameters.collect(), &place).unwrap()
}

pub fn function<'a>(template: &'a Template, logical_id: &str) -> &'a FunctionResource {
    template
        .functions
        .iter()
        .find(|function| function.logical_id == logical_id)
        .unwrap()
}

/// The properties of a resource as they stand in the file, intrinsics as their text.
pub fn resource(logical_id: &str) -> String {
    let text = text();
    let start = text.find(&format!("\n  {logical_id}:\n")).unwrap() + 1;
    let lines = text[start..].lines();
    let own = lines
        .enumerate()
        .take_while(|(number, line)| *number == 0 || line.is_empty() || line.starts_with("   "));
    own.map(|(_, line)| line).collect::<Vec<_>>().join("\n")
}

/// What the worker is told by the template.
pub fn worker_config() -> WorkerConfig {
    let environment = function(&template(), WORKER).environment.clone();
    WorkerConfig::read(&Environment::of(environment)).unwrap()
}

/// The same with another value of one variable.
pub fn worker_config_with(name: &str, value: &str) -> Result<WorkerConfig, ConfigError> {
    let mut environment = function(&template(), WORKER).environment.clone();
    environment.insert(name.to_owned(), value.to_owned());
    WorkerConfig::read(&Environment::of(environment))
}

pub struct SourceFunction {
    pub name: SourceName,
    pub logical_id: &'static str,
    pub hashes_people: bool,
}

pub fn sources() -> [SourceFunction; 4] {
    fn of<S: Source>(logical_id: &'static str) -> SourceFunction {
        SourceFunction {
            name: S::NAME,
            logical_id,
            hashes_people: S::HASHES_PEOPLE,
        }
    }
    [
        of::<imocha_webhook::Imocha>("ImochaFunction"),
        of::<jobmojito_webhook::Jobmojito>("JobmojitoFunction"),
        of::<testlify_webhook::Testlify>("TestlifyFunction"),
        of::<xobin_webhook::Xobin>("XobinFunction"),
    ]
}

#[test]
fn every_function_crate_has_its_resource_and_the_names_agree() {
    let folders = std::fs::read_dir(root().join("functions")).unwrap();
    let crates: BTreeSet<String> = folders
        .map(|it| it.unwrap().file_name().into_string().unwrap())
        .collect();
    let binaries: BTreeSet<String> = template()
        .functions
        .into_iter()
        .map(|function| function.binary)
        .collect();
    let expected = crates.iter().map(|name| {
        if name == "worker" {
            name.clone()
        } else {
            format!("{name}-webhook")
        }
    });
    assert_eq!(binaries, expected.collect());
}

#[test]
fn the_routes_are_the_published_ones() {
    let template = template();
    let routes = |id| -> Vec<String> {
        let routes = function(&template, id).routes.iter();
        routes
            .map(|route| format!("{} {}", route.method, route.path))
            .collect()
    };
    assert_eq!(routes("ImochaFunction"), ["POST /webhooks/imocha/{token}"]);
    assert_eq!(
        routes("TestlifyFunction"),
        ["POST /webhooks/testlify/{token}", "POST /webhooks/testlify"]
    );
    assert_eq!(routes("JobmojitoFunction"), ["POST /webhooks/jobmojito"]);
    assert_eq!(routes("XobinFunction"), ["POST /webhooks/xobin/{kind}"]);
    assert!(routes(WORKER).is_empty());
}

/// The parameters as they stand in the file, each with its block.
fn parameters() -> serde_yaml_ng::Mapping {
    let file: serde_yaml_ng::Value = serde_yaml_ng::from_str(&text()).unwrap();
    file["Parameters"].as_mapping().unwrap().clone()
}

#[test]
fn every_parameter_refuses_what_is_out_of_range_and_says_what_it_takes() {
    for (name, parameter) in parameters() {
        let bounds = ["AllowedValues", "AllowedPattern"];
        let is_bounded = bounds.iter().any(|it| parameter.get(*it).is_some());
        assert!(is_bounded, "{name:?} takes anything");
        let says = parameter["ConstraintDescription"].as_str();
        assert!(
            says.is_some_and(|it| it.starts_with("must be ")),
            "{name:?}: {says:?}"
        );
        assert!(
            parameter.get("Default").is_some(),
            "{name:?} has no default"
        );
    }
}

/// What a parameter that is a whole number says it takes: the least and the most.
pub fn range(name: &str) -> Option<(u64, u64)> {
    let parameters = parameters();
    let says = parameters[name]["ConstraintDescription"].as_str()?;
    let (_, range) = says.split_once("whole number")?.1.split_once("from ")?;
    let (least, most) = range.split_once(" to ")?;
    let number = |text: &str| {
        let digits: String = text.chars().take_while(char::is_ascii_digit).collect();
        digits.parse().ok()
    };
    Some((number(least)?, number(most)?))
}

#[test]
fn a_number_takes_what_it_says_and_is_whole() {
    let mut numbers = 0;
    for (name, parameter) in parameters() {
        let name = name.as_str().unwrap();
        let Some((least, most)) = range(name) else {
            let is_free = parameter["Type"].as_str() == Some("Number");
            assert!(!is_free || parameter.get("AllowedValues").is_some());
            continue;
        };
        numbers += 1;
        let pattern = parameter["AllowedPattern"].as_str().unwrap();
        let schema = serde_json::json!({ "pattern": pattern });
        let schema = jsonschema::validator_for(&schema).unwrap();
        let takes = |text: &str| schema.is_valid(&serde_json::json!(text));
        for number in 0..most + 1000 {
            let is_in = (least..=most).contains(&number);
            assert_eq!(takes(&number.to_string()), is_in, "{name}: {number}");
        }
        for other in ["", "0.5", "1.0", "01", "-1", "1e1", " 1", "1\n", "one"] {
            assert!(!takes(other), "{name}: {other:?}");
        }
    }
    assert_eq!(numbers, 11);
}

#[test]
fn no_variable_holds_a_secret() {
    let text = text();
    assert!(!text.contains("resolve:secretsmanager") && !text.contains("resolve:ssm-secure"));
    for function in template().functions {
        for (name, value) in function.environment {
            let is_secrets_id = value.starts_with("arn:aws:secretsmanager:");
            assert_eq!(
                is_secrets_id,
                name.ends_with("_SECRET_ID"),
                "{name} of {}",
                function.logical_id
            );
        }
    }
}

#[test]
fn the_tables_names_are_those_of_the_code() {
    let template = template();
    let [table] = template.tables.as_slice() else {
        panic!("one table")
    };
    assert_eq!(table.time_to_live.as_deref(), Some(TIME_TO_LIVE));
    let indexes = table.create["GlobalSecondaryIndexes"].as_array().unwrap();
    let names: BTreeSet<&str> = indexes
        .iter()
        .map(|index| index["IndexName"].as_str().unwrap())
        .collect();
    assert_eq!(names, BTreeSet::from([BY_CANDIDATE, BY_DAY, DUE]));
    for index in indexes {
        let projected = index["Projection"]["NonKeyAttributes"].as_array();
        let raw = projected.is_some_and(|attributes| attributes.contains(&Value::from("raw")));
        // States, which are all that is found by a candidate, hold no raw body.
        let whole =
            index["Projection"]["ProjectionType"] == "ALL" && index["IndexName"] != BY_CANDIDATE;
        assert!(!raw && !whole, "{index} holds raw bodies");
    }
}

#[test]
fn what_failed_is_kept_for_two_weeks() {
    let template = template();
    let [source] = function(&template, WORKER).sources.as_slice() else {
        panic!("one queue")
    };
    let queue = template.queue_by_arn(&source.queue_arn).unwrap();
    let dead_letters = template.queue_by_arn(queue.dead_letter_arn.as_ref().unwrap());
    let seconds = &dead_letters.unwrap().attributes["MessageRetentionPeriod"];
    let kept = Duration::from_secs(seconds.parse().unwrap());
    assert_eq!(kept, Duration::from_hours(14 * 24));
}

/// The values of Cargo.toml that cargo-lambda goes by. They stand on lines of their own.
fn for_cargo_lambda(section: &str) -> String {
    let text = std::fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let (_, after) = text
        .split_once(&format!("\n[workspace.metadata.lambda.{section}]\n"))
        .unwrap();
    after.split("\n[").next().unwrap().to_owned()
}

#[test]
fn cargo_lambda_builds_the_functions_and_knows_their_routes() {
    let template = template();
    let (packages, router) = (for_cargo_lambda("build"), for_cargo_lambda("watch.router"));
    for function in &template.functions {
        assert!(
            packages.contains(&format!("\"{}\"", function.binary)),
            "{packages}"
        );
        for route in &function.routes {
            let (path, method) = (&route.path, &route.method);
            let line = format!(
                "\"{path}\" = [{{ method = \"{method}\", function = \"{}\" }}]",
                function.binary
            );
            assert!(router.contains(&line), "{line}");
        }
    }
    let routes = template
        .functions
        .iter()
        .map(|function| function.routes.len());
    assert_eq!(routes.sum::<usize>(), router.matches("method =").count());
    assert_eq!(template.functions.len(), packages.matches('"').count() / 2);
}

#[test]
fn a_receiver_is_answered_for_before_its_time_is_up() {
    let budgets = shared::ingest::Budgets::DEFAULT;
    let whole = budgets.secret + budgets.store + budgets.queue;
    assert!(whole < Duration::from_secs(5), "{whole:?}");
    for source in sources() {
        assert!(function(&template(), source.logical_id).timeout >= whole * 2);
    }
}

#[test]
fn the_schedules_send_what_the_worker_reads() {
    let template = template();
    let of = |id: &str| {
        let mut schedules = template.schedules.iter();
        schedules
            .find(|schedule| schedule.logical_id == id)
            .unwrap()
    };
    let job = |id: &str| Message::parse(Some(&of(id).input)).unwrap().job;
    let minutes = |id: &str| schedule::interval(&of(id).expression).unwrap().as_secs() / 60;
    assert_eq!(template.schedules.len(), 2);
    assert_eq!(minutes("SweepSchedule"), 1);
    assert_eq!(job("SweepSchedule"), Job::Sweep);
    assert_eq!(minutes("ReconcileSchedule"), 6 * 60);
    let last = Job::Reconcile(Reconcile::Last { days: 14 });
    assert_eq!(job("ReconcileSchedule"), last);
    for schedule in &template.schedules {
        let queue = &function(&template, WORKER).sources[0].queue_arn;
        assert_eq!(schedule.target_arn, *queue);
        assert!(
            schedule.name.contains("stack"),
            "two stacks would ask for one name"
        );
    }
}

#[test]
fn the_reconciliation_can_be_switched_off() {
    let place = Place {
        stack: "stack".into(),
        endpoint_url: "http://127.0.0.1:1".into(),
        api_url: "http://127.0.0.1:2".into(),
    };
    let off = BTreeMap::from([("ReconcileDays".to_owned(), "0".to_owned())]);
    let template = Template::read(&root().join("template.yaml"), &off, &place).unwrap();
    let [sweep] = template.schedules.as_slice() else {
        panic!("one schedule")
    };
    assert_eq!(sweep.logical_id, "SweepSchedule");
}

#[test]
fn the_bus_is_the_stacks_own_and_the_worker_alone_puts_events_on_it() {
    let template = template();
    let [bus] = template.buses.as_slice() else {
        panic!("one bus")
    };
    assert!(
        bus.name.contains("stack"),
        "two stacks would ask for one name"
    );
    let variables = &function(&template, WORKER).environment;
    assert_eq!(variables["EVENT_BUS_NAME"], bus.name);
    assert_eq!(template.outputs["EventBusName"], bus.name);
    let statement = resource("WorkerRole");
    let (_, statement) = statement.split_once("Sid: PublishResults").unwrap();
    let (statement, _) = statement.split_once("- Sid:").unwrap();
    assert!(statement.contains("Resource: !GetAtt EventBus.Arn"));
    for action in ["events:PutEvents", "events:DescribeEventBus"] {
        assert!(statement.contains(action));
        assert_eq!(text().matches(action).count(), 1);
    }
    assert_eq!(text().matches("events:").count(), 2);
}

#[test]
fn nothing_personal_is_published_by_default_and_the_parameter_takes_what_the_code_reads() {
    let template = template();
    let variables = &function(&template, WORKER).environment;
    assert_eq!(variables["PUBLISHED_PERSONAL_FIELDS"], "");
    let text = text();
    let parameter = text.split("\n  PublishedPersonalFields:\n").nth(1).unwrap();
    let pattern = parameter.lines().find(|it| it.contains("AllowedPattern"));
    let names = "(email|name|external_id|candidate_id)";
    let expected = format!("AllowedPattern: ^({names}(, ?{names})*)?$");
    assert_eq!(pattern.unwrap().trim(), expected);
    let allowed = names.trim_matches(['(', ')']).replace('|', ", ");
    let read = |text: &str| text.parse::<worker::change::PersonalFields>();
    assert!(read(&allowed).is_ok());
    assert_eq!(read(""), Ok(worker::change::PersonalFields::default()));
}

/// What a role may do, action by action.
fn actions(role: &str) -> BTreeSet<String> {
    let text = resource(role);
    let words = text.split_whitespace();
    let actions = words.filter(|word| {
        let (service, action) = word.split_once(':').unwrap_or_default();
        let is_lower = |text: &str| text.starts_with(|c: char| c.is_lowercase());
        is_lower(service) && action.starts_with(|c: char| c.is_uppercase())
    });
    let actions = actions.map(|word| word.trim_end_matches(':').to_owned());
    // Neither a condition nor the leave to be a function is an action.
    let others = ["dynamodb:LeadingKeys", "sts:AssumeRole"];
    actions
        .filter(|it| !others.contains(&it.as_str()))
        .collect()
}

#[test]
fn a_receiver_may_write_events_of_its_source_and_nothing_else() {
    for source in sources() {
        let role = source.logical_id.replace("Function", "Role");
        let allowed = [
            "dynamodb:UpdateItem",
            "dynamodb:PutItem",
            "sqs:SendMessage",
            "secretsmanager:GetSecretValue",
            "logs:CreateLogStream",
            "logs:PutLogEvents",
            "xray:PutTraceSegments",
            "xray:PutTelemetryRecords",
        ];
        let allowed = allowed.map(str::to_owned);
        assert_eq!(actions(&role), BTreeSet::from(allowed), "{role}");
        let text = resource(&role);
        assert!(
            text.contains(&format!(r#"dynamodb:LeadingKeys: ["{}#*"]"#, source.name)),
            "keys begin with the source's name"
        );
        assert!(!text.contains("ApiSecret"), "no receiver has an API key");
        assert_eq!(text.contains("HashKeySecret"), source.hashes_people);
    }
}

#[test]
fn the_worker_may_do_what_its_jobs_do_and_nothing_else() {
    let allowed = [
        "dynamodb:Query",
        "dynamodb:GetItem",
        "dynamodb:UpdateItem",
        "dynamodb:PutItem",
        "sqs:ReceiveMessage",
        "sqs:DeleteMessage",
        "sqs:GetQueueAttributes",
        "sqs:SendMessage",
        "s3:PutObject",
        "secretsmanager:GetSecretValue",
        "events:PutEvents",
        "events:DescribeEventBus",
        "logs:CreateLogStream",
        "logs:PutLogEvents",
        "xray:PutTraceSegments",
        "xray:PutTelemetryRecords",
    ];
    assert_eq!(
        actions("WorkerRole"),
        BTreeSet::from(allowed.map(str::to_owned))
    );
}

#[test]
fn every_function_has_a_role_of_its_own_to_which_sam_adds_nothing() {
    let text = text();
    for function in template().functions {
        let role = function.logical_id.replace("Function", "Role");
        let own = resource(&function.logical_id);
        assert!(
            own.contains(&format!("Role: !GetAtt {role}.Arn\n")),
            "{role}"
        );
        assert!(!own.contains("Policies:"), "{own}");
        let log_group = role.replace("Role", "LogGroup");
        assert!(resource(&role).contains(&format!("Resource: !GetAtt {log_group}.Arn")));
    }
    assert!(!text.contains("ManagedPolicyArns"));
}

#[test]
fn the_access_log_says_who_was_answered_what_and_nothing_of_the_call() {
    let api = resource("HttpApi");
    let told = api.split("$context.").skip(1);
    let told: Vec<&str> = told.map(|rest| rest.split('"').next().unwrap()).collect();
    let allowed = [
        "requestId",
        "requestTimeEpoch",
        "routeKey",
        "status",
        "responseLength",
        "responseLatency",
        "integrationStatus",
        "integrationLatency",
        "integrationErrorMessage",
        "error.responseType",
    ];
    assert_eq!(told, allowed);
    for limit in ["ThrottlingRateLimit: 2000", "ThrottlingBurstLimit: 5000"] {
        assert!(api.contains(limit), "{api}");
    }
}

#[test]
fn the_table_is_paid_by_use_encrypted_and_can_be_restored() {
    let table = resource("Table");
    for property in [
        "DeletionPolicy: Retain",
        "UpdateReplacePolicy: Retain",
        "BillingMode: PAY_PER_REQUEST",
        "PointInTimeRecoveryEnabled: true",
        "SSEEnabled: true",
    ] {
        assert!(table.contains(property), "{property}");
    }
}

#[test]
fn every_log_ends_and_every_function_is_traced() {
    let text = text();
    let groups = text.matches("Type: AWS::Logs::LogGroup\n").count();
    let ends = text
        .matches("RetentionInDays: !Ref LogRetentionDays\n")
        .count();
    assert_eq!((groups, ends), (template().functions.len() + 1, groups));
    assert!(text.contains("    Tracing: Active\n"));
}

#[test]
fn what_is_shipped_is_built_as_it_is_documented() {
    let manifest = std::fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let (_, profile) = manifest.split_once("[profile.release]\n").unwrap();
    let profile = profile.split("\n[").next().unwrap();
    for setting in [
        "panic = \"unwind\"",
        "lto = true",
        "codegen-units = 1",
        "strip = true",
    ] {
        assert!(profile.contains(setting), "{setting}: {profile}");
    }
}

#[test]
fn the_worker_reads_no_inbound_secret_but_the_one_that_it_registers() {
    let role = resource("WorkerRole");
    let read: Vec<&str> = sources()
        .iter()
        .filter(|source| {
            let secret = source.logical_id.replace("Function", "Secret");
            role.contains(&format!("!Ref {secret}\n"))
        })
        .map(|source| source.name)
        .collect();
    assert_eq!(read, [worker::register::VENDOR]);
    // To read, and not to change.
    assert_eq!(role.matches("secretsmanager:").count(), 2);
    assert_eq!(role.matches("secretsmanager:GetSecretValue").count(), 2);
}

#[test]
fn generated_secrets_are_never_generated_anew() {
    // CloudFormation makes a new version of a secret whenever these properties change, and so would lock the vendors out.
    let text = text();
    let frozen: Vec<&str> = text
        .lines()
        .map(str::trim)
        .filter(|line| {
            line.starts_with("SecretStringTemplate:") || line.starts_with("SecretString:")
        })
        .collect();
    insta::assert_json_snapshot!(frozen);
}
