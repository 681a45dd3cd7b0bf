"""Runs the suite of the store on the emulator's DynamoDB, a second engine beside the one of the local bundle."""

import re
import tempfile
from pathlib import Path

from deployed import emulator, processes
from deployed.failure import Failure
from deployed.place import environment

_SECONDS = 1200
_COMMAND = ["cargo", "test", "-p", "shared", "--test", "store"]
# Fewer would mean that the suite was not found.
_FEWEST = 100
# What the table of each test is called there.
_TABLE = "suite-"


def agrees(_):
    """Every test passes there as well."""
    with tempfile.TemporaryDirectory() as scratch, emulator.running(Path(scratch)) as running:
        said = processes.run(_COMMAND, seconds=_SECONDS, env=environment(STORE_SUITE_ENDPOINT_URL=running.url))
        tables = running.client("dynamodb").get_paginator("list_tables").paginate()
        made = [name for page in tables for name in page["TableNames"] if name.startswith(_TABLE)]
    passed = re.search(r"test result: ok\. (\d+) passed", said)
    if not passed or int(passed[1]) < _FEWEST:
        raise Failure(f"the suite has not run:\n{said[-2000:]}")
    if len(made) < _FEWEST:
        raise Failure(f"the suite has run elsewhere: it made {len(made)} tables in the emulator")
    print(f"   {passed[1]} tests of the store agree", flush=True)
