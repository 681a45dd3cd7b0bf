"""Posts to the emulated API as a stranger does, with what a stranger has."""

import http.client
from urllib.parse import urlsplit


def post(emulator, url, headers, body):
    """The answer to a body. The API's host is in no DNS, so that it is only named."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection("127.0.0.1", emulator.port, timeout=60)
    try:
        connection.request("POST", parts.path, body, {"Host": parts.netloc} | headers)
        answer = connection.getresponse()
        answer.read()
        return answer
    finally:
        connection.close()


def worsened(endpoint):
    """The calls of one who does not have the credentials of an endpoint: without any, and with wrong ones."""
    url, headers = endpoint["url"], endpoint["headers"]
    credentials = {name: value for name, value in headers.items() if name != "content-type"}
    others = {name: value for name, value in headers.items() if name == "content-type"}
    if credentials or endpoint["version"] == "v2":
        yield url, others
        yield url, others | {name: value[:-4] + "AAA=" for name, value in credentials.items()}
    else:
        # The token is in the path.
        yield url[:-1], others
        yield f"{url}x", others
    if endpoint["version"] == "v2":
        yield url, others | {"svix-id": "msg_1", "svix-timestamp": "1767268800", "svix-signature": "v1,AAAA"}
