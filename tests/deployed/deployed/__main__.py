"""Runs the steps that are named, or all."""

import argparse
import importlib
import os
import signal
import subprocess
import sys

from deployed import place, steps
from deployed.failure import Failure


def main():
    # From here on nobody's own settings of AWS are seen.
    ours = place.environment()
    os.environ.clear()
    os.environ.update(ours)
    # A supervisor's signal ends what was started, too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended by a signal"))
    arguments = _arguments()
    try:
        for name in arguments.steps or _STEPS:
            print(f"\n== {name}", flush=True)
            with steps.step(name):
                _STEPS[name](arguments.profile)
    except (Failure, subprocess.TimeoutExpired) as failure:
        print(f"FAILED: {failure}", file=sys.stderr)
        print(f"{len(steps.done)} passed, 1 failed")
        return 1
    except KeyboardInterrupt:
        return 130
    print(f"\n{len(steps.done)} passed, 0 failed")
    return 0


def _imported(name, function):
    # Not before it is wanted: what one step needs, another may do without.
    def run(profile):
        getattr(importlib.import_module(f"deployed.{name}"), function)(profile)

    return run


_STEPS = {
    "validate": _imported("validate", "clean"),
    "builds": _imported("builds", "same"),
    "store": _imported("store", "agrees"),
    "deployment": _imported("deployment", "works"),
    "invoke": _imported("invoke", "works"),
    "watch": _imported("watch", "works"),
}


def _arguments():
    parser = argparse.ArgumentParser(prog="tests/deployed/run", description=__doc__)
    parser.add_argument("steps", nargs="*", choices=[[], *_STEPS], help="without any: all")
    parser.add_argument("--profile", choices=["ci", "release"], default="ci", help="ci builds faster, release is what is shipped")
    return parser.parse_args()


sys.exit(main())
