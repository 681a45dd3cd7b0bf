"""The end of the stack: `sam delete`, and what is there afterwards."""

from botocore.exceptions import ClientError

from deployed import processes, transformed
from deployed.failure import check, equal, refused
from deployed.place import REGION
from deployed.stack import NAME, Stack

# How what is there of a type is listed: by its client, the operation, the list in the answer, and what CloudFormation names it by.
_LISTED = {
    "AWS::ApiGatewayV2::Api": ("apigatewayv2", "get_apis", "Items", "ApiId"),
    "AWS::CloudWatch::Alarm": ("cloudwatch", "describe_alarms", "MetricAlarms", "AlarmName"),
    "AWS::CloudWatch::Dashboard": ("cloudwatch", "list_dashboards", "DashboardEntries", "DashboardName"),
    "AWS::DynamoDB::Table": ("dynamodb", "list_tables", "TableNames", None),
    "AWS::Events::EventBus": ("events", "list_event_buses", "EventBuses", "Name"),
    "AWS::IAM::Role": ("iam", "list_roles", "Roles", "RoleName"),
    "AWS::Lambda::EventSourceMapping": ("lambda", "list_event_source_mappings", "EventSourceMappings", "UUID"),
    "AWS::Lambda::Function": ("lambda", "list_functions", "Functions", "FunctionName"),
    "AWS::Logs::LogGroup": ("logs", "describe_log_groups", "logGroups", "logGroupName"),
    "AWS::S3::Bucket": ("s3", "list_buckets", "Buckets", "Name"),
    "AWS::SNS::Topic": ("sns", "list_topics", "Topics", "TopicArn"),
    "AWS::SQS::Queue": ("sqs", "list_queues", "QueueUrls", None),
    "AWS::Scheduler::Schedule": ("scheduler", "list_schedules", "Schedules", "Name"),
    "AWS::SecretsManager::Secret": ("secretsmanager", "list_secrets", "SecretList", "Name"),
}
# What has no life of its own: it goes with what it belongs to.
_PARTS = {
    "AWS::ApiGatewayV2::Stage",
    "AWS::Lambda::Permission",
    "AWS::Logs::MetricFilter",
    "AWS::S3::BucketPolicy",
    "AWS::SNS::Subscription",
    "AWS::SNS::TopicPolicy",
    "AWS::SQS::QueuePolicy",
}
# What docs/deploying.md says that it stays.
_STAYS = {"Table", "HashKeySecret", "ReportsBucket"}


def gone(stage):
    """sam delete ends the stack and all that is its own, and leaves the table, the hash key and the reports as they were"""
    resources = _resources(stage)
    before = _kept(stage)
    check(before["items"] > 0, "the table is empty before the stack is deleted")
    check(before["objects"], "the bucket is empty before the stack is deleted")
    command = ["sam", "delete", "--stack-name", NAME, "--region", REGION, "--no-prompts"]
    processes.run(command, env=stage.aws.environment())

    refused("hooks", f"there is no stack {NAME} in {REGION}", lambda: stage.hooks("events", "list"))
    left = {name for name, (kind, physical) in resources.items() if physical in _there(stage, kind)}
    equal("what is left of the stack", _STAYS, left)
    equal("what is kept", before, _kept(stage))


def _resources(stage):
    """The stack's own: by name, the type and the physical id. Every type is one that can be looked for."""
    template = transformed.template()["Resources"]
    retained = {name for name, it in template.items() if it.get("DeletionPolicy") == "Retain"}
    equal("what the template retains", _STAYS, retained)
    resources = {}
    for name, physical in Stack(stage.aws).physical.items():
        kind = template[name]["Type"]
        check(kind in _LISTED or kind in _PARTS, f"nobody knows how to look for {kind}")
        if kind in _LISTED:
            resources[name] = (kind, physical)
            check(physical in _there(stage, kind), f"{name} is not found before the stack is deleted: {physical}")
    return resources


def _there(stage, kind):
    """Everything of a type that the emulator has, as CloudFormation names it, and as its own service does."""
    service, operation, items, name = _LISTED[kind]
    client = stage.aws.client(service)
    if client.can_paginate(operation):
        answers = client.get_paginator(operation).paginate()
    else:
        answers = [getattr(client, operation)()]
    found = [item for answer in answers for item in answer.get(items, [])]
    names = {item if name is None else item[name] for item in found}
    return names | {item["ARN"] for item in found if kind == "AWS::SecretsManager::Secret"}


def _kept(stage):
    """What nobody could have again, as it stands."""
    physical = stage.stack.physical
    scanned = stage.aws.client("dynamodb").get_paginator("scan").paginate(TableName=physical["Table"], Select="COUNT")
    objects = stage.aws.client("s3").list_objects_v2(Bucket=physical["ReportsBucket"]).get("Contents", [])
    try:
        secret = stage.aws.client("secretsmanager").get_secret_value(SecretId=stage.stack.outputs["HashKeySecretId"])
    except ClientError as error:
        secret = {"SecretString": f"cannot be read: {error}"}
    return {
        "items": sum(page["Count"] for page in scanned),
        "objects": sorted((it["Key"], it["ETag"]) for it in objects),
        "hash key": hash(secret["SecretString"]),
    }
