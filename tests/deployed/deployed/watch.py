"""Runs each function under `cargo lambda watch`, and has `cargo lambda invoke` send it the recorded events; a vendor's own call goes
through the routes that Cargo.toml names."""

import contextlib
import json
import tempfile
import urllib.request
from pathlib import Path

from deployed import bundle, processes, recorded
from deployed.failure import equal
from deployed.place import EVENTS, OUTPUT, environment, free_port

# The first call waits for cargo.
_SECONDS = 1800


def works(_):
    """Every function answers every recorded event as it should."""
    with tempfile.TemporaryDirectory() as scratch, bundle.running(Path(scratch)) as local:
        for binary, events in recorded.everything(local.events).items():
            with running(binary, local.settings(binary), Path(scratch)) as port:
                for event in events:
                    event.check(_invoke(binary, port, event.file), "accepted")
                if binary == "imocha-webhook":
                    _check_route(port)
            print(f"   {binary}: {len(events)} recorded events", flush=True)


@contextlib.contextmanager
def running(binary, settings, scratch):
    """Runs a function for as long as the block does, and gives the port."""
    port = free_port()
    file = scratch / f"{binary}.env"
    file.write_text("".join(f"{name}={value}\n" for name, value in settings.items()))
    address = ["--invoke-address", "127.0.0.1", "--invoke-port", str(port)]
    command = ["cargo", "lambda", "watch", "--ignore-changes", *address, "--env-file", file]
    with processes.background(command, OUTPUT / f"watch-{binary}.log", env=environment()) as process:
        process.wait_for("cargo lambda watch answers", lambda: processes.listens(port))
        yield port


def _invoke(binary, port, file):
    address = ["--invoke-address", "127.0.0.1", "--invoke-port", str(port)]
    command = ["cargo", "lambda", "invoke", binary, *address, "--data-file", file, "--output-format", "json"]
    return json.loads(processes.run(command, seconds=_SECONDS, env=environment()))


def _check_route(port):
    """The repository's own credential is in the path."""
    body = (EVENTS / "imocha" / "complete.json").read_bytes()
    request = urllib.request.Request(f"http://127.0.0.1:{port}/webhooks/imocha/local-imocha-token", body)
    with urllib.request.urlopen(request, timeout=60) as answer:
        equal("a call by its route", (202, "duplicate"), (answer.status, json.loads(answer.read())["outcome"]))
