"""The stack: deployed by `sam deploy`, and completed where the emulator falls short of AWS."""

from deployed import processes, transformed
from deployed.builds import ARCHITECTURE
from deployed.place import ROOT

NAME = "assessment-webhooks"


class Stack:
    """A stack in the emulator."""

    def __init__(self, emulator):
        cloudformation = emulator.client("cloudformation")
        (stack,) = cloudformation.describe_stacks(StackName=NAME)["Stacks"]
        self.status = stack["StackStatus"]
        self.outputs = {it["OutputKey"]: it["OutputValue"] for it in stack["Outputs"]}
        resources = cloudformation.describe_stack_resources(StackName=NAME)["StackResources"]
        self.physical = {it["LogicalResourceId"]: it["PhysicalResourceId"] for it in resources}


def deploy(emulator, built, parameters):
    """Deploys what `sam build` made, with the project's own settings."""
    overrides = [f"{name}={value}" for name, value in ({"Architecture": ARCHITECTURE} | parameters).items()]
    settings = ["--config-file", ROOT / "samconfig.toml", "--no-confirm-changeset", "--no-progressbar"]
    command = ["sam", "deploy", "--template-file", built / "template.yaml", "--stack-name", NAME, *settings]
    processes.run([*command, "--parameter-overrides", *overrides], env=emulator.environment())
    stack = Stack(emulator)
    add_routes(emulator, stack)
    return stack


def add_routes(emulator, stack):
    """Makes the routes: the emulator ignores the OpenAPI document that SAM writes them in."""
    gateway = emulator.client("apigatewayv2")
    functions = emulator.client("lambda")
    api = stack.physical["HttpApi"]
    for path, method, function in transformed.routes():
        arn = functions.get_function(FunctionName=stack.physical[function])["Configuration"]["FunctionArn"]
        integration = gateway.create_integration(
            ApiId=api, IntegrationType="AWS_PROXY", IntegrationUri=arn, PayloadFormatVersion="2.0"
        )
        target = f"integrations/{integration['IntegrationId']}"
        gateway.create_route(ApiId=api, RouteKey=f"{method} {path}", Target=target)
