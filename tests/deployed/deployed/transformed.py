"""`template.yaml` as CloudFormation gets it, after the SAM transform: made here by the library that AWS makes it with."""

import functools

import boto3
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator
from samtranslator.yaml_helper import yaml_parse

from deployed.place import REGION, TEMPLATE


@functools.cache
def template():
    """The transformed template, with its parameters' defaults."""
    source = yaml_parse(TEMPLATE.read_text())
    # By then the code was uploaded.
    source["Globals"]["Function"]["CodeUri"] = "s3://bucket/key"
    # It names no managed policy by a short name, so that there is none to be looked up.
    translator = Translator({}, Parser(), boto_session=boto3.Session(region_name=REGION))
    return translator.translate(source, parameter_values={})


def routes():
    """Every route of the HTTP API, as (path, method, logical id of the function)."""
    (api,) = [it for it in template()["Resources"].values() if it["Type"] == "AWS::ApiGatewayV2::Api"]
    for path, methods in api["Properties"]["Body"]["paths"].items():
        for method, operation in methods.items():
            yield path, method.upper(), _function(operation["x-amazon-apigateway-integration"]["uri"])


def _function(uri):
    # arn:…:lambda:path/2015-03-31/functions/${ImochaFunction.Arn}/invocations
    return uri["Fn::Sub"].split("${")[-1].split(".Arn}")[0]
