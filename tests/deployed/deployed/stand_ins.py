"""The vendors' APIs, as far as the worker calls them: one server, with a path for each vendor.

What iMocha has is what its callbacks under `events/` say. Its reports and Xobin's are had from the API itself: the functions of a
deployed stack follow no link to 127.0.0.1.
"""

import contextlib
import http.server
import json
import re
import threading
import urllib.parse

from deployed.place import payloads

KEYS = {"imocha": "imocha-key", "jobmojito": "jobmojito-key", "xobin": "xobin-key"}
# Of another iMocha invitation, about which nobody calls: completed, cancelled.
MISSED, CANCELLED = 4000001, 4000002
# Of an invitation of somebody else's account.
FOREIGN = 94761
_HEADERS = {"imocha": ("x-api-key", ""), "jobmojito": ("authorization", "Bearer "), "xobin": ("apikey", "")}
_LATER = "2099-01-01T00:00:00.000Z"


class Vendors:
    """The stand-ins, and what they were asked."""

    def __init__(self, url):
        self._url = url
        # The ids of every call of iMocha's Process Callbacks.
        self.asked = []
        # The body of every registration of webhooks that Xobin was asked for.
        self.registered = []
        finished = (it for it in map(_callback, payloads("imocha")) if it["Status"] != "In Progress")
        self._imocha = {it["TestInvitationId"]: it for it in finished}
        self._imocha[MISSED] = self._imocha[3314697] | {"TestInvitationId": MISSED}

    def parameters(self):
        """The template's parameters that lead the worker to them, and to nobody else."""
        urls = {f"{vendor.capitalize()}ApiBaseUrl": f"{self._url}/{vendor}" for vendor in KEYS}
        calls = {f"{vendor.capitalize()}ApiCallsPerMinute": "6000" for vendor in KEYS}
        # No host has this name, and none can.
        nowhere = {f"{vendor}ReportHosts": "reports.invalid" for vendor in ("Imocha", "Jobmojito", "Testlify", "Xobin")}
        return urls | calls | nowhere

    def callback(self, attempt):
        """What iMocha calls back with."""
        return json.dumps(self._imocha[attempt]).encode()

    def answer(self, path, query, body):
        """The status and the body of an answer: JSON, or the bytes of a PDF."""
        for pattern, answer in (
            (r"/imocha/v3/callbacks/process", self._process_callbacks),
            (r"/imocha/v3/candidates/testattempts", lambda _: _invites(query["state"][0])),
            (r"/imocha/v3/reports/(\d+)", self._imocha_report),
            (r"/imocha/v3/reports/(\d+)/pdf", lambda _, attempt: (200, pdf(attempt))),
            (r"/jobmojito/job-interview-pdf", _jobmojito_pdf),
            (r"/xobin/webhooks", self._register),
            (r"/xobin/assessments/reports/([0-9A-Za-z-]+)/share", _xobin_share),
            (r"/xobin/assessments/reports/([0-9A-Za-z-]+)/download", lambda _, report: (200, pdf(report))),
        ):
            found = re.fullmatch(pattern, path)
            if found:
                return answer(body, *found.groups())
        return 404, {"error": "no such path"}

    def _process_callbacks(self, body):
        ids = body["testinvitationIds"]
        self.asked.append(ids)
        foreign = [str(it) for it in ids if it not in self._imocha]
        if foreign:
            # Not 403 or 404: that is how it is documented.
            return 401, {"result": None, "errors": ["testinvitationIds does not belong to account or not found", *foreign]}
        return 200, {"result": {"testinvitationIds": {"successful": ids, "failed": []}}, "errors": None}

    def _register(self, body):
        self.registered.append(body)
        shown = {kind: it for kind, it in body["webhooks"].items() if kind != "auth"}
        return 200, {"status": "success", "message": "Webhook added successfully", "webhook": shown}

    def _imocha_report(self, _, attempt):
        said = self._imocha.get(int(attempt))
        if said is None:
            return 404, {"result": None, "errors": ["testInvitationId not found"]}
        return 200, {
            "testInvitationId": int(attempt),
            "candidateEmail": said["CandidateEmailId"],
            "status": said["Status"],
            "score": said["CandidateScore"],
            "candidatePoints": said["CandidateScore"],
            "totalTestPoints": said["TotalScore"],
            "pdfReportUrl": f"https://app.imocha.io/PDFReport?id={attempt}",
        }


def pdf(report):
    """The bytes of a report."""
    return f"%PDF-1.7\n{report}\n%%EOF\n".encode()


def _callback(file):
    # The names in older callbacks have a space at their end.
    return {name.strip(): value for name, value in json.loads(file.read_text()).items()}


def _invites(state):
    listed = {"completed": [3314697, MISSED], "cancelled": [CANCELLED]}.get(state)
    if listed is None:
        return 404, {"result": None, "errors": ["No test attempts found"]}
    attempts = [
        {"testInvitationId": it, "name": f"Candidate {it}", "email": f"{it}@example.com", "testStatus": _WORDS[state]}
        for it in listed
    ]
    return 200, {"result": {"testAttempts": attempts}, "errors": None}


_WORDS = {"completed": "Complete", "cancelled": "Cancelled"}


def _jobmojito_pdf(body):
    url = f"https://cool.jobmojito.com/storage/v1/object/sign/pdf/{body['interview_result_id']}.pdf?token=opaque"
    return 200, {"pdf_export_url": url, "pdf_export_valid_until": _LATER}


def _xobin_share(_, report):
    url = f"https://app.xobin.com/reports/{report}.pdf?signature=opaque"
    return 200, {"signed_url": url, "expires_at": _LATER, "report_id": report}


@contextlib.contextmanager
def running():
    """Runs them for as long as the block does."""

    class Handler(_Handler):
        pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        Handler.vendors = Vendors(f"http://127.0.0.1:{server.server_address[1]}")
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield Handler.vendors
        finally:
            server.shutdown()


class _Handler(http.server.BaseHTTPRequestHandler):
    vendors = None

    def do_GET(self):
        self._answer({})

    def do_POST(self):
        self._answer(json.loads(self.rfile.read(int(self.headers["content-length"]))))

    def _answer(self, body):
        url = urllib.parse.urlsplit(self.path)
        vendor = url.path.split("/")[1]
        header, prefix = _HEADERS.get(vendor, ("", ""))
        known = self.headers.get(header) == prefix + KEYS.get(vendor, "")
        query = urllib.parse.parse_qs(url.query)
        status, answer = self.vendors.answer(url.path, query, body) if known else (401, {"error": "Invalid API key"})
        is_file = isinstance(answer, bytes)
        content = answer if is_file else json.dumps(answer).encode()
        self.send_response_only(status)
        self.send_header("content-type", "application/pdf" if is_file else "application/json")
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_):
        """Says nothing: what was asked is in `Vendors`."""
