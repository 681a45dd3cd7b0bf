use std::time::Duration;

use serde_json::json;

use super::*;

const TEMPLATE: &str = r#"
AWSTemplateFormatVersion: "2010-09-09"
Transform: AWS::Serverless-2016-10-31
Parameters:
  Level: { Type: String, Default: info, AllowedValues: [info, debug] }
  Seconds: { Type: Number, Default: 7 }
  Mail: { Type: String, Default: "" }
Mappings:
  Sizes:
    eu-west-1: { memory: 512 }
Conditions:
  HasMail: !Not [!Equals [!Ref Mail, ""]]
  HasNone: !Not [{ Condition: HasMail }]
  Both: !And [!Condition HasMail, !Condition HasNone]
  Either: !Or [!Condition HasMail, !Condition HasNone]
Globals:
  Function:
    Timeout: !Ref Seconds
    Environment:
      Variables: { LEVEL: !Ref Level, SHADOWED: global }
Resources:
  Api:
    Type: AWS::Serverless::HttpApi
    Properties:
      DefaultRouteSettings: { ThrottlingBurstLimit: 5, ThrottlingRateLimit: 2 }
  Receiver:
    Type: AWS::Serverless::Function
    Metadata: { BuildMethod: rust-cargolambda, BuildProperties: { Binary: receiver } }
    Properties:
      MemorySize: !FindInMap [Sizes, !Ref AWS::Region, memory]
      Policies: [!UnheardOf nobody]
      Environment:
        Variables:
          SHADOWED: own
          TABLE: !Ref Table
          QUEUE: !Ref Queue
          SECRET: !Ref Secret
          URL: !Sub "https://${Api}.execute-api.${AWS::Region}.${AWS::URLSuffix}/x"
          JOINED: !Join ["/", [a, !Select [1, !Split [",", "b,c"]]]]
          PAIR: !Sub ["${Own}-${Queue.QueueName}-${!Kept}", { Own: !If [Either, yes-it-is, no] }]
          ABSENT: !If [HasMail, x, !Ref AWS::NoValue]
      Events:
        One: { Type: HttpApi, Properties: { Path: "/a/{id}", Method: post, ApiId: !Ref Api } }
  Worker:
    Type: AWS::Serverless::Function
    Metadata: { BuildProperties: { Binary: worker } }
    Properties:
      Timeout: 60
      Events:
        Queue:
          Type: SQS
          Properties:
            Queue: !GetAtt Queue.Arn
            BatchSize: 5
            FunctionResponseTypes: [ReportBatchItemFailures]
            ScalingConfig: { MaximumConcurrency: 2 }
  Table:
    Type: AWS::DynamoDB::Table
    Properties:
      BillingMode: PAY_PER_REQUEST
      AttributeDefinitions: [{ AttributeName: pk, AttributeType: S }]
      KeySchema: [{ AttributeName: pk, KeyType: HASH }]
      PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true }
      TimeToLiveSpecification: { AttributeName: expires_at, Enabled: "true" }
  Queue:
    Type: AWS::SQS::Queue
    Properties:
      QueueName: !Sub ${AWS::StackName}-named
      VisibilityTimeout: 360
      RedrivePolicy: { deadLetterTargetArn: { "Fn::GetAtt": [Dead, Arn] }, maxReceiveCount: 5 }
  Dead: { Type: AWS::SQS::Queue }
  Never: { Type: AWS::SQS::Queue, Condition: Both }
  Files:
    Type: AWS::S3::Bucket
    Properties:
      VersioningConfiguration: { Status: Enabled }
      LifecycleConfiguration: { Rules: [!UnheardOf rule] }
  Plain: { Type: AWS::S3::Bucket }
  Secret:
    Type: AWS::SecretsManager::Secret
    Properties:
      GenerateSecretString:
        SecretStringTemplate: '{"user":"u"}'
        GenerateStringKey: token
        PasswordLength: 48
        ExcludePunctuation: true
  Tick:
    Type: AWS::Scheduler::Schedule
    Properties:
      ScheduleExpression: rate(1 minute)
      Target: { Arn: !GetAtt Queue.Arn, Input: "tick" }
  Off:
    Type: AWS::Scheduler::Schedule
    Properties: { State: DISABLED, ScheduleExpression: rate(1 minute) }
Outputs:
  ApiUrl: { Value: !GetAtt Api.ApiEndpoint }
  Mailed: { Condition: HasMail, Value: x }
"#;

fn place() -> Place {
    Place {
        stack: "stack".to_owned(),
        endpoint_url: "http://127.0.0.1:1".to_owned(),
        api_url: "http://127.0.0.1:2".to_owned(),
    }
}

fn parse(text: &str, parameters: &[(&str, &str)]) -> Result<Template, TemplateError> {
    let parameters = parameters
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    Template::parse(text, &parameters.collect(), &place())
}

fn fault_of(text: &str) -> String {
    match parse(text, &[]) {
        Err(TemplateError::At { place, fault }) => format!("{place}: {fault}"),
        other => format!("{other:?}"),
    }
}

#[test]
fn a_function_gets_local_names_for_everything() {
    let template = parse(TEMPLATE, &[]).unwrap();
    let receiver = &template.functions[0];
    assert_eq!(
        (receiver.binary.as_str(), receiver.name.as_str()),
        ("receiver", "stack-Receiver")
    );
    assert_eq!(
        (receiver.timeout, receiver.memory_size_mb),
        (Duration::from_secs(7), 512)
    );
    assert_eq!(
        receiver.routes,
        [Route {
            method: "POST".into(),
            path: "/a/{id}".into()
        }]
    );
    let expected = [
        ("JOINED", "a/c"),
        ("LEVEL", "info"),
        ("PAIR", "yes-it-is-stack-named-${Kept}"),
        ("QUEUE", "http://127.0.0.1:1/000000000000/stack-named"),
        (
            "SECRET",
            "arn:aws:secretsmanager:eu-west-1:000000000000:secret:stack-Secret-local1",
        ),
        ("SHADOWED", "own"),
        ("TABLE", "stack-Table"),
        ("URL", "http://127.0.0.1:2/x"),
    ];
    let variables = receiver
        .environment
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()));
    assert_eq!(variables.collect::<Vec<_>>(), expected);
}

#[test]
fn a_queue_source_has_the_mappings_settings() {
    let template = parse(TEMPLATE, &[]).unwrap();
    let worker = &template.functions[1];
    assert_eq!(
        worker.timeout,
        Duration::from_mins(1),
        "a function's own setting goes before the global one"
    );
    let source = &worker.sources[0];
    let queue = template.queue_by_arn(&source.queue_arn).unwrap();
    assert_eq!(queue.logical_id, "Queue");
    assert_eq!((source.batch_size, source.reports_failures), (5, true));
    assert_eq!(source.maximum_concurrency, Some(2));
}

#[test]
fn a_bucket_has_a_name_that_s3_takes_and_its_versions() {
    let template = parse(TEMPLATE, &[]).unwrap();
    let bucket = |logical_id: &str, name: &str, versioned| BucketResource {
        logical_id: logical_id.into(),
        name: name.into(),
        versioned,
    };
    assert_eq!(
        template.buckets,
        [
            bucket("Files", "stack-files", true),
            bucket("Plain", "stack-plain", false)
        ]
    );
}

#[test]
fn tables_queues_secrets_and_schedules_are_as_the_engines_take_them() {
    let template = parse(TEMPLATE, &[]).unwrap();
    let table = &template.tables[0];
    assert_eq!(table.create["TableName"], json!("stack-Table"));
    assert_eq!(table.create.get("PointInTimeRecoverySpecification"), None);
    assert_eq!(table.time_to_live.as_deref(), Some("expires_at"));

    let names: Vec<&str> = template
        .queues
        .iter()
        .map(|queue| queue.logical_id.as_str())
        .collect();
    assert_eq!(
        names,
        ["Dead", "Queue"],
        "the queue whose condition is false is not there"
    );
    let queue = &template.queues[1];
    assert_eq!(queue.attributes["VisibilityTimeout"], "360");
    assert_eq!(
        queue.dead_letter_arn.as_deref(),
        Some(template.queues[0].arn().as_str())
    );

    let SecretContent::Generated {
        within: Some((object, key)),
        length,
    } = &template.secrets[0].content
    else {
        panic!("the secret is generated");
    };
    assert_eq!(
        (key.as_str(), *length, &object["user"]),
        ("token", 48, &json!("u"))
    );

    assert_eq!(
        template.schedules.len(),
        1,
        "the one that is switched off does not run"
    );
    assert_eq!(template.throttle, Some(Throttle { burst: 5, rate: 2 }));
    let outputs: Vec<_> = template.outputs.into_iter().collect();
    assert_eq!(
        outputs,
        [("ApiUrl".to_owned(), "http://127.0.0.1:2".to_owned())]
    );
}

#[test]
fn parameters_override_defaults_and_conditions_follow() {
    let template = parse(TEMPLATE, &[("Level", "debug"), ("Mail", "a@b.c")]).unwrap();
    let variables = &template.functions[0].environment;
    assert_eq!(variables["LEVEL"], "debug");
    assert_eq!(variables["ABSENT"], "x");
    assert!(template.outputs.contains_key("Mailed"));
}

#[test]
fn parameters_that_do_not_fit_are_refused() {
    let unknown = parse(TEMPLATE, &[("Levle", "debug")]);
    assert!(matches!(unknown, Err(TemplateError::UnknownParameter(name)) if name == "Levle"));
    let value = parse(TEMPLATE, &[("Level", "loud")]);
    assert!(matches!(
        value,
        Err(TemplateError::ParameterNotAllowed { .. })
    ));
}

#[test]
fn a_fault_names_its_place_and_what_to_do() {
    let queue = |value: &str| {
        format!(
            "Resources: {{ Q: {{ Type: AWS::SQS::Queue, Properties: {{ VisibilityTimeout: {value} }} }} }}"
        )
    };
    let cases = [
        (
            queue("!Base64 x"),
            "Q: the intrinsic Fn::Base64 is not known here",
        ),
        (
            queue("!Ref Nobody"),
            "Q: Nobody names no parameter or resource",
        ),
        (
            queue("!GetAtt Q.Colour"),
            "Q: Q (AWS::SQS::Queue) has no attribute Colour here",
        ),
        (queue("!If [Nope, 1, 2]"), "Q: there is no condition Nope"),
        (
            queue("soon"),
            "Q: VisibilityTimeout should be a whole number",
        ),
        (
            queue("!Join [1]"),
            "Q: Join has arguments that do not fit it",
        ),
        (
            "Resources: { F: { Type: AWS::Serverless::Function, Properties: {} } }".to_owned(),
            "F: Metadata.BuildProperties.Binary is missing",
        ),
        (
            "Conditions: { A: !Not [!Condition B], B: !Not [!Condition A] }\n\
             Resources: { Q: { Type: AWS::SQS::Queue, Condition: A } }"
                .to_owned(),
            "Q: the conditions go round in a circle at A",
        ),
    ];
    for (text, expected) in cases {
        let fault = fault_of(&text);
        assert!(fault.starts_with(expected), "{fault}");
    }
}

#[test]
fn text_that_is_no_template_is_an_error() {
    assert!(matches!(parse("a: [", &[]), Err(TemplateError::NotYaml(_))));
    assert!(matches!(
        parse("just text", &[]),
        Err(TemplateError::NotTemplate(_))
    ));
}
