"""No permission of the transformed template is wider than the source says: SAM adds no policy, and no wildcard but those listed here.

Those of the source have their reasons beside them, which `tests/tests/e2e/wildcards.rs` holds.
"""

from samtranslator.yaml_helper import yaml_parse

from deployed import transformed
from deployed.failure import check
from deployed.place import TEMPLATE

_PARTS = ("Action", "NotAction", "Resource", "NotResource", "Principal", "NotPrincipal", "SourceArn")

# What SAM makes for each route: the gateway may call the function, from any stage of this one API, and by any value of a path's parameter.
_STAGE = "*"
_ROUTE = "arn:${AWS::Partition}:execute-api:${AWS::Region}:${AWS::AccountId}:${__ApiId__}/${__Stage__}"


def _of_sam():
    found = set()
    for path, method, function in transformed.routes():
        pattern = "/".join("*" if part.startswith("{") else part for part in path.split("/"))
        found.add((function, "SourceArn", _STAGE))
        if "*" in pattern:
            found.add((function, "SourceArn", f"{_ROUTE}/{method}{pattern}"))
    return found


def none_but_those_with_a_reason():
    """What SAM makes of the template grants no more than the template says."""
    source = _statements(yaml_parse(TEMPLATE.read_text()))
    made = transformed.template()
    statements = {it for it in _statements(made) if it[1] != "SourceArn"}
    check(statements, "no policy is found at all")
    check(statements == source, f"SAM changes what is granted: {sorted(statements ^ source)}")
    permissions = {it for it in _statements(made) if it[1] == "SourceArn"}
    check(permissions == _of_sam(), f"another wildcard in what the gateway may call: {sorted(permissions ^ _of_sam())}")
    for name, resource in made["Resources"].items():
        properties = resource.get("Properties", {})
        check("ManagedPolicyArns" not in properties, f"{name} has a managed policy")
        if resource["Type"] == "AWS::Lambda::Permission":
            check("SourceArn" in properties, f"{name} lets a whole service call, and not this API alone")


def _statements(template):
    """Every wildcard: whose, in which part, and what is written."""
    found = set()
    for name, resource in template["Resources"].items():
        grants = list(_granting(resource))
        if resource["Type"] == "AWS::Lambda::Permission":
            # By the function that may be called, since SAM makes up the name.
            name = resource["Properties"]["FunctionName"]["Ref"]
            grants = [resource["Properties"]]
        for grant in grants:
            for part in _PARTS:
                found |= {(name, part, text) for text in _texts(grant.get(part)) if "*" in text or "?" in text}
    return found


def _granting(value):
    if isinstance(value, dict):
        if "Effect" in value:
            yield value
        for inner in value.values():
            yield from _granting(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _granting(inner)


def _texts(value):
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from _texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner)
