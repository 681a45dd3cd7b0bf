"""What a deployed stack must do, from its first webhook to its last message. A new check is a function here and its name in `ALL`;
its first line is what is said when it holds. They run in order, and later ones find what earlier ones have left.
"""

import base64
import json
import urllib.request
from datetime import datetime, timedelta, timezone
from urllib.parse import unquote

from deployed import expected
from deployed.failure import check, equal, refused
from deployed.hooks import Hooks
from deployed.inbox import Inbox
from deployed.place import EVENTS, OUTPUT, REGION, SOURCES, payloads
from deployed.post import post, worsened
from deployed.processes import eventually
from deployed.stack import NAME, deploy
from deployed.stand_ins import CANCELLED, FOREIGN, KEYS, MISSED, pdf

SIGNING_SECRET = "whsec_ZGVwbG95ZWQtdGVzdC1zaWduaW5nLXNlY3JldA=="
# What is never stored: the vendor's own test of the connection.
PINGS = {"v1-test-ping.json"}


def outputs(stage):
    """the stack stands, and its outputs are those that `hooks` goes by"""
    equal("status", "CREATE_COMPLETE", stage.stack.status)
    xobin = [("xobin", kind) for kind in ("start", "submission", "updates")]
    equal("endpoints", [("imocha", ""), ("jobmojito", ""), ("testlify", "v1"), *xobin], _ways(stage))


def secrets(stage):
    """credentials were generated, ours are rotated, and what the vendors issue is put in"""
    generated = _token(stage)
    equal("length of iMocha's generated token", 48, len(unquote(generated)))
    # Also because the emulator's hold punctuation, which AWS's do not, and which its gateway does not bring through a path.
    for source in ("imocha", "testlify"):
        stage.hooks("secrets", "rotate", source, "--no-wait")
        stage.hooks("secrets", "retire", source)
    check(_token(stage) not in generated, "iMocha's token is the same after it was rotated")
    stage.hooks("secrets", "set", "testlify", "signing_secret", typed=SIGNING_SECRET)
    for vendor, key in KEYS.items():
        stage.hooks("secrets", "set", f"{vendor}-api", "api_key", typed=key)
    check(("testlify", "v2") in _ways(stage), "Testlify's version 2 is not on, although its signing secret is set")


def _token(stage):
    (endpoint,) = [it for it in stage.hooks("endpoints") if it["source"] == "imocha"]
    return endpoint["url"].rsplit("/", 1)[-1]


def _ways(stage):
    return [(it["source"], it["version"]) for it in stage.hooks("endpoints")]


def strangers(stage):
    """a wrong credential is answered 401 by every way in, and leaves nothing behind"""
    body = (EVENTS / "imocha" / "complete.json").read_bytes()
    for endpoint in stage.hooks("endpoints"):
        way = f"{endpoint['source']} {endpoint['version']}"
        for url, headers in worsened(endpoint):
            equal(f"{way} with {sorted(headers)}", 401, post(stage.aws, url, headers, body).status)
    url = stage.stack.outputs["ApiUrl"]
    equal("a path that is none", 404, post(stage.aws, f"{url}/webhooks/nobody", {}, body).status)
    equal("events", [], stage.hooks("events", "list"))


def listening(stage):
    """another system asks the stack's bus for every change"""
    stage.inbox = Inbox(stage.aws, stage.stack.outputs["EventBusName"])


def webhooks(stage):
    """every payload of all four vendors is accepted, and told as a repeat when it comes again"""
    for source in SOURCES:
        for file in payloads(source):
            answers = stage.hooks("send", file, "--source", source, "--count", "2")
            told = [(it["status"], it["outcome"]) for it in answers]
            outcomes = ["ping", "ping"] if file.name in PINGS else ["accepted", "duplicate"]
            equal(f"{source}/{file.name}", [(202, outcome) for outcome in outcomes], told)


def settled(stage):
    """the queue is empty, nothing is left to do, nothing is dead"""
    eventually("the queue is empty", lambda: _messages(stage, "QueueUrl") == 0, 180)
    eventually("nothing is left to do", lambda: stage.hooks("work", "list") == [], 180)
    equal("dead letters", 0, _messages(stage, "DeadLetterQueueUrl"))


def events(stage):
    """every event is in the table once, delivered twice, with its exact bytes"""
    sent = [file for source in SOURCES for file in payloads(source) if file.name not in PINGS]
    everything = stage.hooks("events", "list")
    listed = [it for it in everything if it["origin"] == "webhook"]
    equal("events", len(sent), len(listed))
    # Each finished attempt's result is read from iMocha's API, which is an event, too.
    equal("events of the API", len(expected.ATTEMPTS["imocha"]), len([it for it in everything if it["origin"] == "api"]))
    equal("deliveries of each", {2}, {it["deliveries"] for it in listed})
    stored = {stage.hooks.text("events", "show", it["id"], "--raw") for it in listed}
    lost = [str(file) for file in sent if file.read_text() not in stored]
    equal("payloads that are not stored as they came", [], lost)


def attempts(stage):
    """every attempt stands where its events say"""
    equal("attempts", expected.all_told(), expected.told(stage.hooks("attempts", "list")))


def reports(stage):
    """a report that an API has is in the bucket and can be had; a link beside the listed hosts is not followed, and it is said why"""
    for source, attempt in (("imocha", "3314697"), ("xobin", "2196821")):
        file = OUTPUT / f"{source}.pdf"
        got = stage.hooks("reports", "get", source, attempt, "--output", str(file), "--force")
        equal(f"report of {source}", pdf(attempt), file.read_bytes())
        stored = stage.aws.client("s3").get_object(Bucket=stage.stack.outputs["BucketName"], Key=got["s3_key"])
        equal("type of the object", "application/pdf", stored["ContentType"])
        link = stage.hooks("reports", "link", source, attempt, "--expires", "5m")["url"]
        with urllib.request.urlopen(link, timeout=60) as answer:
            equal(f"what a link to the report of {source} leads to", pdf(attempt), answer.read())
    listed = stage.hooks("attempts", "list")
    for source, host in (("jobmojito", "cool.jobmojito.com"), ("testlify", "cdn-global.net")):
        offered = [it["report"] for it in listed if it["source"] == source and it["report"]]
        check(offered, f"no report of {source} was looked for")
        equal(f"reports of {source}", {"refused"}, {it["outcome"] for it in offered})
        check(all(host in it["problem"] for it in offered), f"it is not said which host is not listed: {offered}")


def traced(stage):
    """one correlation id leads from the webhook to the worker's call of the vendor's API"""
    line = lambda group, text: [it for it in _lines(stage, group) if it.get("message") == text]
    called = [it for it in line("WorkerLogGroup", "vendor called") if it.get("job") == "read_result"]
    check(called, "no result was read from iMocha's API")
    received = {it.get("correlation_id") for it in _lines(stage, "ImochaLogGroup")}
    alone = [it["correlation_id"] for it in called if it["correlation_id"] not in received]
    equal("vendor calls that come of no webhook", [], alone)


def published(stage):
    """every attempt is published as it stands, and nobody's address with it"""
    listed = {(it["source"], it["attempt"]): it for it in stage.hooks("attempts", "list")}
    eventually("every attempt is published", lambda: set(stage.inbox.newest()) == set(listed))
    behind = [key for key, data in stage.inbox.newest().items() if expected.standing(data) != expected.standing(listed[key])]
    equal("attempts whose newest published change is not where they stand", [], behind)
    check("@example.com" not in json.dumps(stage.inbox.events()), "an address is published")


def asked_again(stage):
    """iMocha is asked to send an attempt again, and its callback counts as the answer"""
    stage.hooks("reprocess", "imocha", "3314697")
    eventually("iMocha was asked", lambda: stage.vendors.asked)
    equal("ids that iMocha was asked for", [[3314697]], stage.vendors.asked)
    (answer,) = stage.hooks("send", EVENTS / "imocha" / "complete.json", "--source", "imocha")
    equal("outcome of the callback", "duplicate", answer["outcome"])
    asked = lambda: stage.hooks("attempts", "show", "imocha", "3314697")["asked"]["outcome"] == "answered"
    eventually("the worker finds that it was answered", asked, 180)


def reconciled(stage):
    """what iMocha lists and called nobody about is found and asked for, and its callback counts as the answer"""
    stage.vendors.asked.clear()
    yesterday = datetime.now(timezone.utc) - timedelta(days=1)
    compare = lambda: stage.hooks("reconcile", "imocha", "--from", yesterday.date().isoformat(), seconds=300)
    counts = ("listed", "known", "missing", "asked", "cancelled")
    found = compare()
    equal("what was found", (3, 1, 1, 1, 1), tuple(found[it] for it in counts))
    eventually("iMocha was asked", lambda: stage.vendors.asked)
    equal("ids that iMocha was asked for", [[MISSED]], stage.vendors.asked)
    callback = OUTPUT / "missed.json"
    callback.write_bytes(stage.vendors.callback(MISSED))
    stage.hooks("send", str(callback), "--source", "imocha")
    status = lambda attempt: stage.hooks("attempts", "show", "imocha", str(attempt))["status"]
    eventually("the missed one is completed", lambda: status(MISSED) == "completed", 180)
    equal("status of the cancelled one", "cancelled", status(CANCELLED))
    again = compare()
    equal("what is found then", (3, 3, 0, 0, 0), tuple(again[it] for it in counts))


def foreign(stage):
    """an id that iMocha names as not ours is asked for once, and what was asked for together with it is answered"""
    stage.vendors.asked.clear()
    stage.hooks("reprocess", "imocha", str(FOREIGN), "3314697")
    asked = lambda attempt: stage.hooks("attempts", "show", "imocha", str(attempt))["asked"]["outcome"]
    eventually("the id is known to be foreign", lambda: asked(FOREIGN) == "foreign", 180)
    eventually("the other one is asked for again", lambda: asked(3314697) == "open", 180)
    equal("ids that iMocha was asked for", [[FOREIGN, 3314697], [3314697]], stage.vendors.asked)
    stage.hooks("send", EVENTS / "imocha" / "complete.json", "--source", "imocha")
    eventually("the worker finds that it was answered", lambda: asked(3314697) == "answered", 180)
    doubted = [it for it in _lines(stage, "WorkerLogGroup") if "VendorKeyRefused" in it]
    equal("lines that take it for a bad key", [], doubted)


def registered(stage):
    """Xobin is told where to call and with what, its calls are accepted, and what was registered is what is deployed"""
    refused("hooks", "hooks webhooks register xobin", lambda: stage.hooks("webhooks", "verify", "xobin"))
    stage.hooks("webhooks", "register", "xobin", "--update-all", "--dry-run")
    equal("registrations by a dry run", [], stage.vendors.registered)
    done = stage.hooks("webhooks", "register", "xobin", "--update-all", seconds=300)
    equal("outcome", "registered", done["outcome"])
    (request,) = stage.vendors.registered
    equal("whether it is for every assessment", (True, False), (request["updateAll"], request["updateAuth"]))
    check(stage.hooks("webhooks", "verify", "xobin")["verified"], "what was registered is not what is deployed")
    basic = request["webhooks"]["auth"]["basic"]
    credential = base64.b64encode(f"{basic['username']}:{basic['password']}".encode()).decode()
    headers = {"authorization": f"Basic {credential}", "content-type": "application/json"}
    for kind, file in (("start", "start"), ("submission", "submission"), ("updates", "updates-edit")):
        url = request["webhooks"][kind]["url"]
        body = (EVENTS / "xobin" / f"{file}.json").read_bytes()
        equal(f"Xobin's call of {kind}", 202, post(stage.aws, url, headers, body).status)
    for it in (*_log(stage, "WorkerLogGroup"), json.dumps(done)):
        check(basic["password"] not in it and credential not in it, f"the credential is shown: {it}")


def tailed(stage):
    """`hooks tail` prints a change as it comes, and leaves nothing behind"""
    body = json.loads((EVENTS / "xobin" / "start.json").read_bytes())
    attempt = str(int(body.get("id") or body["report_id"]) + 1)
    file = OUTPUT / "tailed.json"
    file.write_text(json.dumps(body | {"id": int(attempt)}))
    with stage.hooks.running("tail", "--source", "xobin") as tail:
        # Once it listens.
        tail.wait_for("it has its rule", lambda: all(_tails(stage)))
        stage.hooks("send", file, "--source", "xobin", "--version", "start")
        changes = tail.wait_for("the change is printed", lambda: _changes(tail.said()), 180)
    equal("what was printed", [("/assessment-webhooks/xobin", attempt, "in_progress")], changes)
    eventually("its rule and its queue are gone", lambda: not any(_tails(stage)))


def _changes(printed):
    events = [json.loads(line) for line in printed.splitlines() if line.startswith("{")]
    return [(it["source"], it["subject"], it["data"]["status"]) for it in events]


def _tails(stage):
    """What `hooks tail` has made: its rules, its queues, and where the rules lead."""
    events, sqs = stage.aws.client("events"), stage.aws.client("sqs")
    bus = stage.stack.outputs["EventBusName"]
    rules = [it["Name"] for it in events.list_rules(EventBusName=bus, NamePrefix="hooks-tail-")["Rules"]]
    queues = sqs.list_queues(QueueNamePrefix="hooks-tail-").get("QueueUrls", [])
    targets = [it["Arn"] for rule in rules for it in events.list_targets_by_rule(Rule=rule, EventBusName=bus)["Targets"]]
    return rules, queues, targets


def poison(stage):
    """a message that cannot be read goes to the dead-letter queue, and no other with it"""
    sqs, queue = stage.aws.client("sqs"), stage.stack.outputs["QueueUrl"]
    # Five times the real visibility time-out would be half an hour.
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"VisibilityTimeout": "1"})
    sweep = json.dumps({"version": 1, "job": "sweep", "correlation_id": "beside-poison"})
    bodies = [sweep, "hello", sweep]
    sqs.send_message_batch(QueueUrl=queue, Entries=[{"Id": str(i), "MessageBody": it} for i, it in enumerate(bodies)])
    (letter,) = eventually("it is dead", lambda: stage.hooks("dlq", "list"), 120)
    check(letter["message"] is None and letter["problem"], f"the dead letter is not the poison: {letter}")
    eventually("the queue is empty", lambda: _messages(stage, "QueueUrl") == 0)
    done = [it for it in _lines(stage, "WorkerLogGroup") if it.get("correlation_id") == "beside-poison"]
    equal("what became of the messages beside it", ["job done"] * 2, [it["message"] for it in done])


def swept(stage):
    """the schedule has the worker look for work that is due"""
    # In the emulator this stands as the template has it.
    of_schedule = lambda line: line.get("Job") == "sweep" and "scheduler.execution-id" in line["correlation_id"]
    scheduled = lambda: any(of_schedule(it) for it in _lines(stage, "WorkerLogGroup"))
    eventually("a sweep came from the schedule", scheduled, 90, every=2)


def logs(stage):
    """the functions' logs are where the template says, and hold nothing of a person and no credential"""
    credentials = [it["url"].rsplit("/", 1)[-1] for it in stage.hooks("endpoints") if it["source"] == "imocha"]
    secret = ["@example.com", "Kavita", "Elena", SIGNING_SECRET, *credentials, *KEYS.values()]
    for function in ("Imocha", "Jobmojito", "Testlify", "Xobin", "Worker"):
        lines = _log(stage, f"{function}LogGroup")
        check(_lines(stage, f"{function}LogGroup"), f"{function} logs nothing")
        shown = [line for line in lines if any(word in line for word in secret)]
        equal(f"lines of {function} that hold what they must not", [], shown[:1])


def updated(stage):
    """an update of the stack keeps every generated credential, and what is in the table"""
    before = stage.hooks("endpoints"), len(stage.hooks("events", "list"))
    deploy(stage.aws, stage.built, stage.vendors.parameters() | {"LogLevel": "debug"})
    equal("endpoints and events", before, (stage.hooks("endpoints"), len(stage.hooks("events", "list"))))
    webhooks_again = stage.hooks("send", EVENTS / "xobin" / "start.json", "--source", "xobin")
    equal("a webhook after it", ["duplicate"], [it["outcome"] for it in webhooks_again])


def mistaken(stage):
    """a parameter out of range, a wrong name and a wrong region are refused, and it is said which"""
    for parameters, says in (
        ({"RetentionDays": "-1"}, "RetentionDays' must be a whole number of days from 0 (keep for ever) to 3650"),
        ({"LogLevel": "loud"}, "LogLevel"),
        ({"ImochaApiBaseUrl": "http://example.com"}, "ImochaApiBaseUrl' must be an https URL"),
    ):
        refused(f"sam deploy with {parameters}", says, lambda: deploy(stage.aws, stage.built, parameters))
    operator = lambda name, **env: Hooks(["--stack", name], stage.aws.environment() | env)
    elsewhere = {"AWS_REGION": "us-east-1", "AWS_DEFAULT_REGION": "us-east-1"}
    nowhere = {"AWS_REGION": "", "AWS_DEFAULT_REGION": ""}
    for one, says in (
        (operator("nobody"), f"there is no stack nobody in {REGION}: check the name"),
        (operator(NAME, **elsewhere), f"there is no stack {NAME} in us-east-1: check the name"),
        (operator(NAME, **nowhere), "set AWS_REGION"),
    ):
        refused("hooks", says, lambda: one("events", "list"))


def _messages(stage, queue):
    names = [f"ApproximateNumberOfMessages{name}" for name in ("", "NotVisible", "Delayed")]
    sqs = stage.aws.client("sqs")
    counts = sqs.get_queue_attributes(QueueUrl=stage.stack.outputs[queue], AttributeNames=names)["Attributes"]
    return sum(int(counts[name]) for name in names)


def _log(stage, group):
    pages = stage.aws.client("logs").get_paginator("filter_log_events").paginate(logGroupName=stage.stack.physical[group])
    return [event["message"] for page in pages for event in page["events"]]


def _lines(stage, group):
    """What the function itself logged, as JSON; the platform's own lines are none."""
    return [json.loads(line) for line in _log(stage, group) if line.startswith("{")]


ALL = [
    outputs,
    secrets,
    strangers,
    listening,
    webhooks,
    settled,
    events,
    attempts,
    reports,
    published,
    traced,
    asked_again,
    reconciled,
    foreign,
    registered,
    tailed,
    poison,
    swept,
    logs,
    updated,
    mistaken,
]
