"""Who is asked for another password, and how often: the same wherever somebody logs in."""

from collections.abc import Callable
from contextlib import suppress

import pytest

from ccc.accounts.renewal import Login
from ccc.accounts.wallet import AGAIN, Given, Wallet
from ccc.errors import LoginRefused
from ccc.imap import Manner as Reading
from ccc.imap import connect
from ccc.routes.submission import Manner, Submission
from ccc.setup.probe import Probe
from ccc.smtp.login import Held, Keys, Password
from ccc.transport.server import Security, Server
from ccc.transport.timeouts import Timeouts
from tests.lab.imap_fault import HostileImap
from tests.lab.sink import Sink
from tests.smtp.play import to

MANNER = Manner(timeouts=Timeouts().at_most(5))
REFUSED = {rb"AUTHENTICATE .*": b"TAG NO [AUTHENTICATIONFAILED] no\r\n"}


def sent(server: Server, keys: Keys) -> None:
    list(Submission(server, keys, MANNER).deliver([to("x")]))


def probed(server: Server, keys: Keys) -> None:
    list(Probe(server, MANNER).submission(keys))


def read(server: Server, keys: Keys) -> None:
    connect(server, keys, Reading(timeout=5))


@pytest.mark.parametrize("log_in", [sent, probed, read])
def test_a_password_that_is_typed_is_asked_for_equally_often_everywhere(
    log_in: Callable[[Server, Keys], None],
) -> None:
    prompts: list[str] = []

    def ask(prompt: str) -> str:
        prompts.append(prompt)
        return "wrong"

    with Sink(mechanisms=["PLAIN"]) as sink, HostileImap(REFUSED) as store:
        port = store.port if log_in is read else sink.port
        server = Server("127.0.0.1", port, security=Security.NONE, user="user")
        keys = Wallet(Given(), {}, ask).keys(None, server)
        assert keys is not None
        with suppress(LoginRefused):
            log_in(server, keys)
    assert len(prompts) == 1 + AGAIN


def test_what_is_held_is_tried_once() -> None:
    tried: list[str] = []

    def attempt(credentials: object) -> None:
        tried.append(str(credentials))
        raise LoginRefused("no")

    with pytest.raises(LoginRefused):
        Login(Held(Password("user", "secret"))).using(attempt)
    assert len(tried) == 1
