"""A proxy by which `hooks send` reaches the emulated API: the host in the API's URL is in no DNS, and the emulator knows it only
by the `Host` header. `hooks` takes it from the variable `http_proxy`, and sends to it what it would send to AWS."""

import contextlib
import http.client
import http.server
import threading
from urllib.parse import urlsplit

_OF_THE_CONNECTION = {"connection", "keep-alive", "proxy-connection", "transfer-encoding"}


@contextlib.contextmanager
def running(port_of_emulator):
    """Runs it for as long as the block does, and gives its URL."""

    class Handler(_Handler):
        port = port_of_emulator

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()


class _Handler(http.server.BaseHTTPRequestHandler):
    port = 0

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        url = urlsplit(self.path)
        if not url.netloc.endswith(f".execute-api.localhost:{self.port}"):
            self.send_error(403, "this proxy leads to the emulator's APIs alone")
            return
        answer, text = self._ask(url, body)
        self.send_response_only(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in _OF_THE_CONNECTION | {"content-length"}:
                self.send_header(name, value)
        self.send_header("content-length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def _ask(self, url, body):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        with contextlib.closing(connection):
            connection.putrequest("POST", url.path, skip_host=True, skip_accept_encoding=True)
            headers = {name: value for name, value in self.headers.items() if name.lower() not in _OF_THE_CONNECTION}
            for name, value in (headers | {"host": url.netloc}).items():
                if name.lower() != "host" or name == "host":
                    connection.putheader(name, value)
            connection.endheaders(body)
            answer = connection.getresponse()
            return answer, answer.read()

    def log_message(self, *_):
        """Says nothing: a path holds a token."""
