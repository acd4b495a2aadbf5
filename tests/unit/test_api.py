"""The notebooks' own client, against a server that is silent or hangs up."""

import threading
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from kubernetes.client import ApiClient, Configuration
from urllib3.exceptions import ReadTimeoutError

from kubeschool.api import Api, LostConnections


@pytest.fixture
def server():
    """(its Api, how often each path was asked for)."""
    asked, over = Counter(), threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            asked[self.path] += 1
            if self.path == "/silent":
                over.wait(10)
            elif asked[self.path] > 1:
                self.wfile.write(b"HTTP/1.0 200 OK\r\n\r\n{}")

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.01,)).start()
    configuration = Configuration(host=f"http://127.0.0.1:{server.server_port}", retries=LostConnections(3))
    yield Api(ApiClient(configuration)), asked
    over.set()
    server.shutdown()
    server.server_close()


def test_who_is_silent_is_asked_once(server):
    api, asked = server
    with pytest.raises(ReadTimeoutError):
        api.get("/silent", seconds=0.05)
    assert asked["/silent"] == 1


def test_what_a_broken_connection_swallowed_is_asked_again(server):
    api, asked = server
    assert api.get("/hangs-up") == {}
    assert asked["/hangs-up"] == 2
