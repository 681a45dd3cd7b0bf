"""Invokes each function as `sam local invoke` does inside its container: under the Lambda Runtime Interface Emulator that
aws-sam-cli ships, with the recorded events, one at a time, against a running bundle."""

import contextlib
import json
import platform
import tempfile
import urllib.request
from pathlib import Path

import samcli

from deployed import builds, bundle, processes, recorded
from deployed.failure import equal
from deployed.place import OUTPUT, environment, free_port

_RIE = Path(samcli.__file__).parent / "local" / "rapid" / f"aws-lambda-rie-{platform.machine().replace('aarch64', 'arm64')}"
_PATH = "/2015-03-31/functions/function/invocations"


def works(profile):
    """Every function answers every recorded event as it should, twice."""
    built = builds.sam(profile)
    with tempfile.TemporaryDirectory() as scratch, bundle.running(Path(scratch)) as local:
        for function, binary in builds.binaries().items():
            events = recorded.everything(local.events)[binary]
            with running(built / function / "bootstrap", local.settings(binary), OUTPUT / f"{function}.log") as invoke:
                _each(events, invoke)
            print(f"   {function}: {len(events)} recorded events, each twice", flush=True)
        _check_states(local)


def _each(events, invoke):
    for outcome in ("accepted", "duplicate"):
        for event in events:
            event.check(invoke(event.file.read_bytes()), outcome)


def _check_states(local):
    """What the functions stored is what the bundle's own worker makes states of."""
    processes.eventually("nothing is left to do", lambda: local.hooks("work", "list") == [], 120)
    found = [it["status"] for it in local.hooks("attempts", "list", "--source", "xobin")]
    equal("Xobin's attempts", sorted(["completed", "completed"]), sorted(found))


@contextlib.contextmanager
def running(bootstrap, settings, log):
    """Runs a function for as long as the block does, and gives what invokes it."""
    port, runtime_port = free_port(), free_port()
    # By default it would listen beyond this machine.
    addresses = ["--runtime-interface-emulator-address", f"127.0.0.1:{port}", "--runtime-api-address", f"127.0.0.1:{runtime_port}"]
    env = environment(
        **settings,
        AWS_SAM_LOCAL="true",
        AWS_LAMBDA_FUNCTION_NAME="function",
        AWS_LAMBDA_FUNCTION_TIMEOUT="60",
        AWS_LAMBDA_FUNCTION_MEMORY_SIZE="512",
    )
    with processes.background([_RIE, *addresses, bootstrap], log, env=env) as process:

        def invoke(event):
            process.check_runs()
            request = urllib.request.Request(f"http://127.0.0.1:{port}{_PATH}", event)
            with urllib.request.urlopen(request, timeout=70) as answer:
                return json.loads(answer.read())

        process.wait_for("the runtime interface emulator answers", lambda: processes.listens(port))
        yield invoke
