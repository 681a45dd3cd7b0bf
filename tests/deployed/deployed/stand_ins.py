"""The vendors' APIs, as far as the worker calls them: one server, with a path for each vendor."""

import contextlib
import http.server
import json
import re
import threading

KEYS = {"imocha": "imocha-key", "jobmojito": "jobmojito-key", "xobin": "xobin-key"}
_HEADERS = {"imocha": ("x-api-key", ""), "jobmojito": ("authorization", "Bearer "), "xobin": ("apikey", "")}
_LATER = "2099-01-01T00:00:00.000Z"


class Vendors:
    """The stand-ins, and what they were asked."""

    def __init__(self, url):
        self._url = url
        # The ids of every call of iMocha's Process Callbacks.
        self.asked = []

    def parameters(self):
        """The template's parameters that lead the worker to them."""
        return {f"{vendor.capitalize()}ApiBaseUrl": f"{self._url}/{vendor}" for vendor in KEYS}

    def answer(self, path, body):
        """The status and the JSON of an answer."""
        for pattern, answer in (
            (r"/imocha/v3/callbacks/process", self._process_callbacks),
            (r"/imocha/v3/reports/(\d+)", _imocha_report),
            (r"/jobmojito/job-interview-pdf", _jobmojito_pdf),
            (r"/xobin/assessments/reports/([0-9A-Za-z-]+)/share", _xobin_share),
        ):
            found = re.fullmatch(pattern, path)
            if found:
                return 200, answer(body, *found.groups())
        return 404, {"error": "no such path"}

    def _process_callbacks(self, body):
        ids = body["testinvitationIds"]
        self.asked.append(ids)
        return {"result": {"testinvitationIds": {"successful": ids, "failed": []}}, "errors": None}


def _imocha_report(_, attempt):
    return {"pdfReportUrl": f"https://app.imocha.io/PDFReport?id={attempt}"}


def _jobmojito_pdf(body):
    url = f"https://cool.jobmojito.com/storage/v1/object/sign/pdf/{body['interview_result_id']}.pdf?token=opaque"
    return {"pdf_export_url": url, "pdf_export_valid_until": _LATER}


def _xobin_share(_, report):
    return {"signed_url": f"https://app.xobin.com/reports/{report}.pdf?signature=opaque", "expires_at": _LATER, "report_id": report}


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
        path = self.path.split("?")[0]
        vendor = path.split("/")[1]
        header, prefix = _HEADERS.get(vendor, ("", ""))
        known = self.headers.get(header) == prefix + KEYS.get(vendor, "")
        status, answer = self.vendors.answer(path, body) if known else (401, {"error": "Invalid API key"})
        text = json.dumps(answer).encode()
        self.send_response_only(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_):
        """Says nothing: what was asked is in `Vendors`."""
