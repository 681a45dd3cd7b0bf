"""The emulator of AWS: ministack, on a free port of 127.0.0.1."""

import contextlib
import urllib.error
import urllib.request

import boto3

from deployed import processes
from deployed.place import ACCOUNT, OUTPUT, REGION, TOOLS, environment, free_port


class Emulator:
    """A running emulator."""

    def __init__(self, port):
        self.port = port
        self.url = f"http://127.0.0.1:{port}"

    def client(self, service):
        """A client of one of its services."""
        return boto3.client(
            service,
            endpoint_url=self.url,
            region_name=REGION,
            aws_access_key_id=ACCOUNT,
            aws_secret_access_key="test",
        )

    def environment(self, **more):
        """The environment of a tool that works on it as it would on AWS."""
        return environment(AWS_ENDPOINT_URL=self.url, **more)

    def api_host(self, api):
        """The host of an API, as a request for it names it. No DNS knows it."""
        return f"{api}.execute-api.localhost:{self.port}"


@contextlib.contextmanager
def running(scratch):
    """Runs it for as long as the block does. What it keeps, it keeps in memory and in the directory `scratch`."""
    port = free_port()
    emulator = Emulator(port)
    settings = {
        # All of these are needed, or it listens beyond this machine.
        "BIND_HOST": "127.0.0.1",
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
        # A name, since it becomes part of the host of every request that a function gets.
        "MINISTACK_HOST": "localhost",
        "GATEWAY_PORT": str(port),
        "MINISTACK_REGION": REGION,
        "TMPDIR": str(scratch),
    }
    command = [TOOLS / "emulator" / "bin" / "ministack"]
    log = OUTPUT / "emulator.log"
    with processes.background(command, log, env=emulator.environment(**settings)) as process:
        process.wait_for("the emulator answers", lambda: _answers(emulator))
        yield emulator


def _answers(emulator):
    try:
        with urllib.request.urlopen(f"{emulator.url}/_ministack/health", timeout=1) as answer:
            return answer.status == 200
    except (urllib.error.URLError, OSError):
        return False
