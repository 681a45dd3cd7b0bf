"""Runs the suite of the store on the emulator's DynamoDB, a second engine beside the one of the local bundle."""

import re
import tempfile
from pathlib import Path

from deployed import emulator, processes, transformed
from deployed.failure import Failure
from deployed.place import environment

_SECONDS = 1200
_COMMAND = ["cargo", "test", "-p", "shared", "--test", "store"]
# Fewer would mean that the suite was not found.
_FEWEST = 100
# What the table of each test is called, and the one that all take turns at, as on AWS.
_TABLE = "suite-"
_SHARED_TABLE = "deployed-store-suite"
_DECLARED = ("AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes")


def agrees(_):
    """Every test passes there as well: on a table of its own, and on one table after the other, as on a real one."""
    with tempfile.TemporaryDirectory() as scratch, emulator.running(Path(scratch)) as running:
        dynamodb = running.client("dynamodb")
        passed = _passed(environment(STORE_SUITE_ENDPOINT_URL=running.url))
        made = [name for name in _tables(dynamodb) if name.startswith(_TABLE)]
        if len(made) < _FEWEST:
            raise Failure(f"the suite has run elsewhere: it made {len(made)} tables in the emulator")
        print(f"   {passed} tests of the store agree", flush=True)
        # The account of the environment, as the SDK finds it, is the emulator here.
        passed = _passed(running.environment(STORE_SUITE_TABLE=_SHARED_TABLE, STORE_SUITE_INDEXED_MS="0"))
        others = _tables(dynamodb) - set(made) - {_SHARED_TABLE}
        if others:
            raise Failure(f"the suite has made more than the table that it was given: {others}")
        _check_declared(dynamodb.describe_table(TableName=_SHARED_TABLE)["Table"])
        print(f"   {passed} tests of the store agree on one table, which they made", flush=True)


def _passed(env):
    said = processes.run(_COMMAND, seconds=_SECONDS, env=env)
    passed = re.search(r"test result: ok\. (\d+) passed", said)
    if not passed or int(passed[1]) < _FEWEST:
        raise Failure(f"the suite has not run:\n{said[-2000:]}")
    return int(passed[1])


def _tables(dynamodb):
    pages = dynamodb.get_paginator("list_tables").paginate()
    return {name for page in pages for name in page["TableNames"]}


def _check_declared(made):
    resources = transformed.template()["Resources"].values()
    (declared,) = [it["Properties"] for it in resources if it["Type"] == "AWS::DynamoDB::Table"]
    for name in _DECLARED:
        for element in declared[name]:
            if not any(element.items() <= it.items() for it in made[name]):
                raise Failure(f"the table is not made as it is declared: {name} has no {element}")
