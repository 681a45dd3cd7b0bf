"""Where things are, and the environment that every tool is started with.

The environment is made anew and not handed on: no profile, key or region of whoever runs this can reach a tool, so that nothing
is ever deployed to AWS by mistake.
"""

import os
import socket
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
TOOLS = ROOT / "target" / "tools"
# What a run leaves behind, for whoever wants to look: builds and logs.
OUTPUT = ROOT / "target" / "deployed"
EVENTS = ROOT / "events"
TEMPLATE = ROOT / "template.yaml"

REGION = "eu-west-1"
ACCOUNT = "000000000000"
SOURCES = ("imocha", "jobmojito", "testlify", "xobin")

_KEPT = ("HOME", "LANG", "PATH", "TMPDIR", "USER", "SSL_CERT_FILE")
_KEPT_PREFIXES = ("CARGO_HOME", "CARGO_TARGET_DIR", "CARGO_PROFILE_", "RUSTUP_")


def environment(**more):
    """The environment of a tool."""
    kept = {name: value for name, value in os.environ.items() if name in _KEPT or name.startswith(_KEPT_PREFIXES)}
    kept["PATH"] = os.pathsep.join([str(TOOLS / "sam" / "bin"), kept.get("PATH", os.defpath)])
    fixed = {
        "AWS_ACCESS_KEY_ID": ACCOUNT,
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "SAM_CLI_TELEMETRY": "0",
        "__SAM_CLI_APP_DIR": str(OUTPUT / "sam"),
        "CARGO_TERM_COLOR": "never",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    return kept | fixed | more


def free_port():
    """A port of 127.0.0.1 that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def payloads(source):
    """The bodies that a vendor posts, in the order of their names. The API Gateway events beside them are none."""
    files = sorted((EVENTS / source).glob("*.json"))
    return [file for file in files if not file.name.endswith(".apigw.json")]
