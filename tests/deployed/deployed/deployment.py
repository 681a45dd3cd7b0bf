"""Deploys the stack into the emulator, and has the vendors and an operator use it."""

import contextlib
import tempfile

from deployed import builds, checks, deletion, emulator, hooks, proxy, stack, stand_ins
from deployed.steps import step


class Stage:
    """All that a check may want to use."""

    def __init__(self, aws, built, deployed, operator, vendors):
        self.aws = aws
        self.built = built
        self.stack = deployed
        self.hooks = operator
        self.vendors = vendors
        # What another system was told, once it listens.
        self.inbox = None


def works(profile):
    """Every check, in order, on one stack."""
    built = builds.sam(profile)
    hooks.binary()
    with contextlib.ExitStack() as running:
        scratch = running.enter_context(tempfile.TemporaryDirectory())
        aws = running.enter_context(emulator.running(scratch))
        vendors = running.enter_context(stand_ins.running())
        api = running.enter_context(proxy.running(aws.port))
        with step("sam deploy"):
            deployed = stack.deploy(aws, built, vendors.parameters())
        stage = Stage(aws, built, deployed, hooks.of_stack(aws, stack.NAME, api), vendors)
        # The stack's end comes last.
        for one in [*checks.ALL, deletion.gone]:
            with step(one.__doc__.splitlines()[0]):
                one(stage)
