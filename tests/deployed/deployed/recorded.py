"""The recorded events under `events/`, and what each must come to."""

import json

from deployed.failure import check, equal
from deployed.place import SOURCES

# What the worker must report as failed, by file: the messages that it cannot read.
_POISON = {"mixed-batch": ["not-json", "unknown-version"]}
# Those whose item a webhook does not leave: here nobody has asked to register anything, and no API that could tell a result is on.
_OF_NOTHING = {"register", "read-result"}


class Recorded:
    """An event, and what its function must answer."""

    def __init__(self, file, binary):
        self.file = file
        self.binary = binary
        self.name = f"{file.parent.name}/{file.name}"

    def check(self, answer, outcome):
        """Fails unless the answer is right. `outcome` is what becomes of a webhook that is good."""
        if self.binary == "worker":
            failures = [it["itemIdentifier"] for it in answer["batchItemFailures"]]
            equal(f"{self.name}: messages that failed", self._poison(), failures)
            return
        equal(f"{self.name}: status of {answer}", 202, answer["statusCode"])
        told = json.loads(answer["body"])
        equal(f"{self.name}: outcome", "ping" if "ping" in self.name else outcome, told["outcome"])
        check(told["event"].startswith(self.file.parent.name), f"{self.name}: {told['event']} is no event of its source")

    def _poison(self):
        records = json.loads(self.file.read_text())["Records"]
        stem = self.file.stem
        if stem.startswith("poison-") or stem in _OF_NOTHING:
            return [it["messageId"] for it in records]
        marks = _POISON.get(stem, [])
        return [it["messageId"] for it in records if it["receiptHandle"].endswith(tuple(marks))] if marks else []


def webhooks(events, source):
    """The recorded webhooks of a source."""
    return [Recorded(file, f"{source}-webhook") for file in sorted((events / source).glob("*.apigw.json"))]


def batches(events):
    """The recorded batches of the worker."""
    return [Recorded(file, "worker") for file in sorted((events / "sqs").glob("*.json"))]


def everything(events):
    """All of them, by the binary that they are for; the worker's come last, since they name what a webhook has left."""
    by_binary = {f"{source}-webhook": webhooks(events, source) for source in SOURCES}
    return by_binary | {"worker": batches(events)}
