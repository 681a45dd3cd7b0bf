//! `template.yaml` with one fault at a time.

use super::faults;
use crate::template::text;

/// A change of the template's text, and what is to be said of it.
struct Mutation {
    from: &'static str,
    to: &'static str,
    says: &'static str,
}

const fn mutation(from: &'static str, to: &'static str, says: &'static str) -> Mutation {
    Mutation { from, to, says }
}

const NEW_RESOURCE: &str = "\nResources:\n";

const MUTATIONS: &[Mutation] = &[
    mutation(
        "      DefaultRouteSettings:\n",
        "      RouteSettings:\n        POST /webhooks/mocha/{token}: { ThrottlingRateLimit: 5 }\n      DefaultRouteSettings:\n",
        "no function has the route POST /webhooks/mocha/{token}",
    ),
    mutation(
        "rate(1 minute)",
        "rate(1 minutes)",
        "rate(1 minutes) is no rate",
    ),
    mutation(
        "rate(1 minute)",
        "rate(2 minute)",
        "rate(2 minute) is no rate",
    ),
    mutation(
        "        SecretStringTemplate: \"{}\"\n        GenerateStringKey: token\n",
        "        GenerateStringKey: token\n",
        "ImochaSecret: SecretStringTemplate is missing",
    ),
    mutation(
        "SecretStringTemplate: '{\"signing_secret\":\"\"}'",
        "SecretStringTemplate: '{\"signing_secret\":}'",
        "TestlifySecret: SecretStringTemplate should be a JSON object",
    ),
    mutation(
        "        GenerateStringKey: password\n",
        "",
        "XobinSecret: GenerateStringKey is missing",
    ),
    mutation(
        "BatchSize: 10\n",
        "BatchSize: 100\n",
        "BatchSize 100 needs a window",
    ),
    mutation(
        "MaximumConcurrency: 10",
        "MaximumConcurrency: 1",
        "MaximumConcurrency is not within",
    ),
    mutation(
        "MaximumConcurrency: 10",
        "MaximumConcurrency: 1001",
        "MaximumConcurrency is not within",
    ),
    mutation(
        "[ReportBatchItemFailures]",
        "[ReportBatchItemFailure]",
        "FunctionResponseTypes is not",
    ),
    mutation(
        "FunctionResponseTypes:",
        "FunctionResponseType:",
        "FunctionResponseTypes is not",
    ),
    mutation(
        "VisibilityTimeout: 360\n",
        "VisibilityTimeout: 359\n",
        "VisibilityTimeout 359 is less",
    ),
    mutation(
        "      VisibilityTimeout: 360\n",
        "",
        "VisibilityTimeout 30 is less",
    ),
    mutation(
        "      Timeout: 60\n",
        "      Timeout: 61\n",
        "VisibilityTimeout 360 is less",
    ),
    mutation(
        "MaximumBatchingWindowInSeconds: 0\n",
        "MaximumBatchingWindowInSeconds: 1\n",
        "VisibilityTimeout 360 is less than 361s",
    ),
    mutation(
        NEW_RESOURCE,
        "\nResources:\n  Extra:\n    Type: AWS::CloudWatch::Dashboard\n    Properties:\n      DashboardBody: !Sub '{\"widgets\":[{\"type\":\"text\"}'\n",
        "Extra: the dashboard is no JSON",
    ),
    mutation(
        NEW_RESOURCE,
        "\nResources:\n  Extra:\n    Type: AWS::CloudWatch::Dashboard\n    Properties:\n      DashboardBody: '{\"widget\":[]}'\n",
        "Extra: the dashboard has no widgets",
    ),
];

/// Changes that look alike and are right, so that a rule which finds a fault in everything is found, too.
const RIGHT: &[(&str, &str)] = &[
    (
        "      DefaultRouteSettings:\n",
        "      RouteSettings:\n        POST /webhooks/imocha/{token}: { ThrottlingRateLimit: 5 }\n      DefaultRouteSettings:\n",
    ),
    ("rate(1 minute)", "rate(2 minutes)"),
    ("MaximumConcurrency: 10", "MaximumConcurrency: 2"),
    ("      Timeout: 60\n", "      Timeout: 59\n"),
    (
        NEW_RESOURCE,
        "\nResources:\n  Extra:\n    Type: AWS::CloudWatch::Dashboard\n    Properties:\n      DashboardBody: !Sub '{\"widgets\":[{\"type\":\"text\",\"properties\":{\"markdown\":\"${AWS::StackName}\"}}]}'\n",
    ),
];

fn faults_with(from: &str, to: &str) -> Vec<String> {
    let text = text();
    assert!(
        text.contains(from),
        "the template says no longer {from:?}: mend the mutation"
    );
    faults(&text.replacen(from, to, 1))
}

#[test]
fn each_fault_is_found_and_said() {
    for Mutation { from, to, says } in MUTATIONS {
        let found = faults_with(from, to);
        let said = found.iter().any(|fault| fault.contains(says));
        assert!(said, "{to:?} gives {found:?}, and not {says:?}");
    }
}

#[test]
fn what_is_right_is_no_fault() {
    for (from, to) in RIGHT {
        assert_eq!(faults_with(from, to), Vec::<String>::new(), "{to:?}");
    }
}
