"""`hooks local`, on free ports: the table, queue and secrets for functions that are run one at a time."""

import contextlib
import json
import shutil

from deployed import hooks, processes
from deployed.failure import check
from deployed.place import EVENTS, OUTPUT, ROOT, TEMPLATE, environment

_ADDRESS = ROOT / ".local" / "bundle.json"
# Of the settings in the repository.
_USUAL = "127.0.0.1:9001"


class Bundle:
    """A running bundle."""

    def __init__(self, endpoint, scratch):
        self._endpoint = endpoint.removeprefix("http://")
        self.events = scratch / "events"
        self.hooks = hooks.Hooks([], environment())

    def settings(self, binary):
        """What a function is told: the project's own settings for it, with the port of this bundle."""
        text = (EVENTS / "env" / f"{binary}.env").read_text().replace(_USUAL, self._endpoint)
        return dict(line.split("=", 1) for line in text.splitlines())


@contextlib.contextmanager
def running(scratch):
    """Runs it for as long as the block does. In `scratch` are the events then, with what is signed signed as of now."""
    command = [hooks.binary(), "local", "--port", "0", "--endpoint-port", "0"]
    before = _ADDRESS.stat().st_mtime_ns if _ADDRESS.exists() else 0
    with processes.background(command, OUTPUT / "bundle.log", env=environment()) as process:
        changed = lambda: _ADDRESS.exists() and _ADDRESS.stat().st_mtime_ns > before
        process.wait_for("the bundle runs", changed, seconds=1800)
        endpoint = json.loads(_ADDRESS.read_text())["endpoint_url"]
        check(endpoint.startswith("http://127.0.0.1:"), f"the bundle is at {endpoint}")
        bundle = Bundle(endpoint, scratch)
        _sign_now(scratch)
        yield bundle


def _sign_now(scratch):
    # A copy of what the command looks for, so that nothing of the repository is changed.
    shutil.copytree(EVENTS, scratch / "events")
    shutil.copy(TEMPLATE, scratch)
    processes.run([hooks.binary(), "events", "generate", "--now"], cwd=scratch, env=environment())
