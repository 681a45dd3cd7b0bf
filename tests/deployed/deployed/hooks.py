"""`hooks`, as an operator runs it: its own binary, told of the stack by name, read as a program reads it."""

import functools
import json

from deployed import processes
from deployed.place import OUTPUT, environment


@functools.cache
def binary():
    """The command, built."""
    command = ["cargo", "build", "--quiet", "--package", "hooks", "--message-format=json-render-diagnostics"]
    messages = processes.run(command, seconds=1800, env=environment())
    for line in messages.splitlines():
        message = json.loads(line)
        if message.get("executable") and message["target"]["name"] == "hooks":
            return message["executable"]
    raise RuntimeError("cargo named no binary `hooks`")


class Hooks:
    """The command, with what it works on."""

    def __init__(self, options, env):
        self._options = options
        self._env = env

    def __call__(self, *args, typed=None, seconds=120):
        """What a command prints with `--json`. `typed` is given on its standard input."""
        said = self._run([*args, "--json"], typed, seconds)
        return json.loads(said)

    def text(self, *args):
        """What a command prints."""
        return self._run(args, None, 120)

    def running(self, *args):
        """Runs a command with `--json` for as long as the block does."""
        command = [binary(), *self._options, *args, "--json"]
        return processes.background(command, OUTPUT / f"hooks-{args[0]}.log", env=self._env)

    def _run(self, args, typed, seconds):
        return processes.run([binary(), *self._options, *args], typed=typed, seconds=seconds, env=self._env)


def of_stack(emulator, stack, proxy):
    """The command for a stack in the emulator."""
    # The proxy leads to the API alone.
    env = emulator.environment(http_proxy=proxy, no_proxy="127.0.0.1")
    return Hooks(["--stack", stack], env)
