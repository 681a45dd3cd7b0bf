"""Starts processes, and ends them with all that they have started: on success, on failure and on Ctrl-C."""

import contextlib
import os
import signal
import subprocess
import time
import urllib.error
import urllib.request

from deployed.failure import Failure
from deployed.place import ROOT

_GRACE_SECONDS = 10


class Failed(Failure):
    """A command ended with another code than 0."""

    def __init__(self, command, code, said, complained):
        super().__init__(f"{' '.join(command)} ended with code {code}\n{said}{complained}")
        self.code = code
        self.complained = complained


def run(command, *, typed=None, shown=False, seconds=600, **options):
    """Runs a command to its end, and returns what it wrote to standard output; `shown` lets it write to ours instead."""
    command = [str(part) for part in command]
    output = None if shown else subprocess.PIPE
    typing = subprocess.DEVNULL if typed is None else subprocess.PIPE
    with _group(command, stdin=typing, stdout=output, stderr=output, **options) as process:
        said, complained = process.communicate(typed, timeout=seconds)
    if process.returncode != 0:
        raise Failed(command, process.returncode, said or "", complained or "")
    return said


@contextlib.contextmanager
def background(command, log, **options):
    """Runs a command for as long as the block does, with all that it says in a file."""
    command = [str(part) for part in command]
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("w") as file, _group(command, stdin=subprocess.DEVNULL, stdout=file, stderr=file, **options) as process:
        yield Background(process, log)


class Background:
    """A command that runs."""

    def __init__(self, process, log):
        self._process = process
        self._log = log

    def said(self):
        """All that it has said until now."""
        return self._log.read_text()

    def check_runs(self):
        """Fails, with the end of its log, if it has ended."""
        code = self._process.poll()
        if code is not None:
            raise Failed(self._process.args, code, self._log.read_text()[-4000:], "")

    def wait_for(self, what, condition, seconds=60):
        """What `condition` returns once that is something. Fails if the command ends, or time runs out."""

        def holds():
            self.check_runs()
            return condition()

        return eventually(what, holds, seconds)


@contextlib.contextmanager
def _group(command, **options):
    options.setdefault("cwd", ROOT)
    # A session of its own, so that whatever it starts can be found again by its group.
    with subprocess.Popen(command, text=True, start_new_session=True, **options) as process:
        try:
            yield process
        finally:
            _end(process)


def _end(process):
    # First it alone, so that it can end what it has started itself; then whatever is left.
    process.terminate()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(_GRACE_SECONDS)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def eventually(what, condition, seconds=60, every=0.2):
    """What `condition` returns once that is something."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        if time.monotonic() > deadline:
            raise Failure(f"after {seconds} s it is still not so that {what}")
        time.sleep(every)
    return found


def listens(port):
    """Whether something answers HTTP on a port, whatever it answers. No path is asked for that would do anything."""
    try:
        urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=1)
    except urllib.error.HTTPError:
        return True
    except (urllib.error.URLError, OSError):
        return False
    return True
