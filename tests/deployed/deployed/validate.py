"""`template.yaml`, as SAM and CloudFormation read it: without credentials, and without calling AWS.

What none of these sees is held by `tests/tests/e2e/template.rs`, which also proves that it would see it.
"""

import json

from deployed import processes, wildcards
from deployed.place import OUTPUT, REGION, TEMPLATE, environment
from deployed.steps import step
from deployed.transformed import template


def clean(_):
    """SAM's two checks, which are different ones, and cfn-lint on what CloudFormation gets."""
    env = environment()
    processes.run(["sam", "validate", "--template-file", TEMPLATE, "--region", REGION], env=env)
    processes.run(["sam", "validate", "--lint", "--template-file", TEMPLATE, "--region", REGION], env=env)
    OUTPUT.mkdir(parents=True, exist_ok=True)
    transformed = OUTPUT / "transformed.json"
    transformed.write_text(json.dumps(template(), indent=1, default=str))
    processes.run(["cfn-lint", "--template", transformed, "--regions", REGION], env=env)
    with step(wildcards.none_but_those_with_a_reason.__doc__):
        wildcards.none_but_those_with_a_reason()
