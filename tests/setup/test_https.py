import http.server
import threading
from contextlib import contextmanager

import pytest

from ccc.setup.https import LARGEST, fetch
from tests.lab.daemon import free_ports

PAGES = {
    "/here": b"<x/>",
    "/huge": b"x" * (LARGEST + 1),
}


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path in PAGES:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(PAGES[self.path])
        elif self.path.startswith("/to?"):
            self.send_response(302)
            self.send_header("Location", self.path.partition("?")[2])
            self.end_headers()
        elif self.path == "/silent":
            self.server.closing.wait(10)
        elif self.path == "/drip":
            self.wfile.write(b"HTTP/1.0 200 OK\r\nX-Slow: ")
            while not self.server.closing.wait(0.02):
                self.wfile.write(b"x")
        else:
            self.send_error(404)

    def log_message(self, *_):
        pass


class Server(http.server.ThreadingHTTPServer):
    def handle_error(self, *_):
        """A client that does not trust us is no news."""


@contextmanager
def serving(authority, *names):
    server = Server(("127.0.0.1", 0), Handler)
    server.closing = threading.Event()
    server.socket = authority.server_context(*names).wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"https://localhost:{server.server_port}"
    finally:
        server.closing.set()
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture(scope="module")
def web(authority):
    with serving(authority) as url:
        yield url


@pytest.fixture
def get(web, authority):
    return lambda path, **more: fetch(web + path, str(authority.ca_file), **more)


def test_a_page_is_fetched(get):
    assert get("/here").octets == b"<x/>"


def test_a_redirect_is_followed_over_https(get, web):
    assert get(f"/to?{web}/here").octets == b"<x/>"
    assert get("/to?/here").octets == b"<x/>"


@pytest.mark.parametrize(
    "target", ["http://localhost:1/", "file:///etc/passwd", "ftp://localhost/", "data:,x"]
)
def test_a_redirect_away_from_https_is_not(get, target):
    page = get(f"/to?{target}")
    assert page.octets is None
    assert page.why


def test_redirects_end(get, web):
    assert get("/to?/loop").why == "the server answered 404"


@pytest.mark.parametrize(
    ("path", "why"), [("/gone", "the server answered 404"), ("/huge", "it has more than 256 KiB")]
)
def test_what_is_not_fetched_has_a_reason(get, path, why):
    assert get(path) == (None, why)


@pytest.mark.parametrize("path", ["/silent", "/drip"])
def test_a_server_that_is_silent_or_drips_is_left(get, path):
    assert get(path, seconds=0.15).why == "no answer within 0.15 seconds"


def test_a_certificate_that_cannot_be_trusted_is_the_end(web, authority):
    assert "certificate cannot be trusted" in fetch(f"{web}/here").why
    with serving(authority, "elsewhere.test") as other:
        assert "certificate cannot be trusted" in fetch(f"{other}/here", str(authority.ca_file)).why


def test_a_closed_port_and_a_name_that_is_none_have_reasons():
    assert fetch(f"https://localhost:{free_ports(1)[0]}/").why == "connection refused"
    assert fetch("https://a..b/").octets is None


def test_only_https_is_fetched(tmp_path):
    (tmp_path / "file").write_text("x")
    assert fetch(f"file://{tmp_path}/file").octets is None
    assert fetch("http://localhost:1/").octets is None
