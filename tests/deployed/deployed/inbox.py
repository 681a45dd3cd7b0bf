"""Another system that reads results: a queue, and a rule on the stack's bus that leads every change of an attempt to it."""

import json

_NAME = "results"


class Inbox:
    """What has come."""

    def __init__(self, aws, bus):
        self._sqs = aws.client("sqs")
        self._queue = self._sqs.create_queue(QueueName=_NAME)["QueueUrl"]
        attributes = self._sqs.get_queue_attributes(QueueUrl=self._queue, AttributeNames=["QueueArn"])["Attributes"]
        events = aws.client("events")
        pattern = json.dumps({"source": ["assessment-webhooks"]})
        events.put_rule(Name=_NAME, EventBusName=bus, EventPattern=pattern)
        target = {"Id": "queue", "Arn": attributes["QueueArn"]}
        events.put_targets(Rule=_NAME, EventBusName=bus, Targets=[target])
        self._came = {}

    def events(self):
        """Every event that has come so far, each once: SQS may give one twice."""
        while messages := self._received():
            for message in messages:
                event = json.loads(message["Body"])
                self._came[event["detail"]["id"]] = event
                self._sqs.delete_message(QueueUrl=self._queue, ReceiptHandle=message["ReceiptHandle"])
        return list(self._came.values())

    def newest(self):
        """The newest change of each attempt, by source and attempt."""
        changes = sorted((event["detail"] for event in self.events()), key=lambda it: it["sequence"])
        return {(it["source"].rsplit("/", 1)[-1], it["subject"]): it["data"] for it in changes}

    def _received(self):
        return self._sqs.receive_message(QueueUrl=self._queue, MaxNumberOfMessages=10).get("Messages", [])
