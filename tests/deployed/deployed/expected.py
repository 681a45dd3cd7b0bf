"""Where every attempt of the payloads under `events/` stands once all have come, each source's in the order of their names."""

# The vendor's own word, the status, the decision, and the score's value or else its percentage.
ATTEMPTS = {
    "imocha": [
        ("Complete", "completed", None, 6.0),
        ("Complete", "completed", None, 34.0),
        ("Terminated", "terminated", None, 22.5),
        ("Test Left", "abandoned", None, 0.0),
    ],
    "jobmojito": [
        ("active / completed", "completed", None, 5.12),
        # Submitted, collected and selected are of one interview; the snapshot that came last is the one without a decision.
        ("active / completed", "completed", None, 5.12),
        ("active / completed", "completed", None, 6.8),
        ("active / completed", "completed", "rejected", 1.75),
        ("active / completed, stopped early", "completed", None, 3.4),
        ("active / failed", "failed", None, None),
        ("archived / completed", "archived", None, 4.0),
        ("draft / abandoned", "abandoned", None, None),
        ("draft / completed, stopped early", "collected", None, None),
        ("draft / failed", "failed", None, None),
        ("draft / ongoing", "in_progress", None, None),
        ("draft / terminated, no speech detected", "terminated", None, None),
    ],
    "testlify": [
        ("DISQUALIFIED", "disqualified", None, None),
        ("DISQUALIFIED", "disqualified", None, None),
        ("INVITATION_EXPIRED", "expired", None, None),
        ("IN_PROGRESS", "in_progress", None, None),
        # Invited, enrolled, in progress, completed in both versions, and then rejected: one attempt.
        ("REJECTED", "completed", "rejected", 10.0),
    ],
    "xobin": [
        ("submission", "completed", None, 71.5),
        ("submission", "completed", None, 78.25),
    ],
}


def standing(attempt):
    """Where an attempt stands, in the words of `ATTEMPTS`, by what `hooks attempts list` prints or the bus publishes."""
    score = attempt.get("score") or {}
    value = score.get("value") if score.get("value") is not None else score.get("percent")
    return attempt.get("vendor_status"), attempt.get("status"), attempt.get("decision"), value


def told(attempts):
    """All attempts that `hooks attempts list` prints, in the form of `all_told`."""
    found = {source: [] for source in ATTEMPTS}
    for attempt in attempts:
        found[attempt["source"]].append(standing(attempt))
    return {source: sorted(rows, key=repr) for source, rows in found.items()}


def all_told():
    """All of `ATTEMPTS`, in a fixed order."""
    return {source: sorted(rows, key=repr) for source, rows in ATTEMPTS.items()}
