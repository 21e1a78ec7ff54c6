"""The URL of a server, and what each means for its security."""

import pytest

from ccc.errors import UsageError
from ccc.transport.server import Security, Server, from_url, lmtp_from

IMPLICIT, STARTTLS, LOOSE = Security.IMPLICIT, Security.STARTTLS, Security.OPPORTUNISTIC


@pytest.mark.parametrize(
    ("url", "server"),
    [
        ("smtps://mx.test", Server("mx.test", 465, security=IMPLICIT)),
        ("smtps://mx.test:4465/", Server("mx.test", 4465, security=IMPLICIT)),
        ("smtps://me@mx.test", Server("mx.test", 465, security=IMPLICIT, user="me")),
        ("smtps://me@a.test@mx.test", Server("mx.test", 465, security=IMPLICIT, user="me@a.test")),
        ("smtps://me%40a.test@mx.test", Server("mx.test", 465, security=IMPLICIT, user="me@a.test")),
        ("smtp://mx.test", Server("mx.test", 587, security=STARTTLS)),
        ("smtp://mx.test:25", Server("mx.test", 25, security=STARTTLS)),
        ("smtp://me@mx.test:25", Server("mx.test", 25, security=STARTTLS, user="me")),
        ("smtp://[2001:db8::1]:25", Server("2001:db8::1", 25, security=STARTTLS)),
        ("smtp://192.0.2.1", Server("192.0.2.1", 587, security=STARTTLS)),
        ("smtp://localhost:2525", Server("localhost", 2525, security=LOOSE)),
        ("smtp://127.0.0.1:2525", Server("127.0.0.1", 2525, security=LOOSE)),
        ("smtp://[::1]:2525", Server("::1", 2525, security=LOOSE)),
        ("smtp://LOCALHOST", Server("LOCALHOST", 587, security=LOOSE)),
        ("smtp://me@localhost", Server("localhost", 587, security=LOOSE, user="me")),
        ("smtps://localhost", Server("localhost", 465, security=IMPLICIT)),
        ("smtp://127.0.0.1.mx.test", Server("127.0.0.1.mx.test", 587, security=STARTTLS)),
        ("smtp://localhost.mx.test", Server("localhost.mx.test", 587, security=STARTTLS)),
    ],
)
def test_a_url_names_a_server(url, server):
    assert from_url(url) == server


@pytest.mark.parametrize(
    "url",
    [
        *(
            "",
            "mx.test",
            "smtp:mx.test",
            "smtp:/mx.test",
            "smtp://",
            "smtp:///x",
            "http://mx.test",
            "SMTP://mx.test",
        ),
        *(
            "smtp://mx.test:0",
            "smtp://mx.test:65536",
            "smtp://mx.test:",
            "smtp://mx.test:x",
            "smtp://mx.test:-1",
        ),
        *(
            "smtp://mx.test/path",
            "smtp://mx.test?x",
            "smtp://mx.test#x",
            "smtp://mx test",
            "smtp://mx.test\r\n",
        ),
        *(
            "smtp://::1",
            "smtp://[::1",
            "smtp://[mx.test]",
            "smtp://@",
            "smtp://me@",
            "smtp://mx.test:587:587",
        ),
    ],
)
def test_what_is_no_url_of_a_server_is_refused_with_an_example(url):
    with pytest.raises(UsageError) as caught:
        from_url(url)
    assert "smtps://USER@HOST" in caught.value.cure


@pytest.mark.parametrize(
    "url",
    [
        *(
            "smtps://me:s3cret@mx.test",
            "smtps://me:s3cret@mx.test:99999",
            "smtp://me:s3cret@",
            "smtp://:s3cret@mx test",
        ),
        *("http://me:s3cret@mx.test", "smtps://me:s3cret@mx.test/path", "smtps://me:s3@cret@mx test"),
    ],
)
def test_a_password_in_a_url_is_refused_and_not_repeated(url):
    with pytest.raises(UsageError) as caught:
        from_url(url)
    assert "s3" not in str(caught.value)


def test_tls_may_be_asked_for_on_this_host_too():
    assert from_url("smtp://localhost", opportunistic=False).security is STARTTLS


def test_another_host_may_be_trusted_with_less_if_there_is_no_login():
    assert from_url("smtp://mx.test", opportunistic=True).security is LOOSE
    with pytest.raises(UsageError, match="a login needs"):
        from_url("smtp://me@mx.test", opportunistic=True)
    assert from_url("smtp://me@localhost", opportunistic=True).security is LOOSE


def test_implicit_tls_is_never_less():
    with pytest.raises(UsageError, match="TLS from the start"):
        from_url("smtps://mx.test", opportunistic=True)


@pytest.mark.parametrize(
    ("place", "server"),
    [
        ("/run/lmtp", Server(path="/run/lmtp", security=Security.NONE, lmtp=True)),
        ("./lmtp", Server(path="./lmtp", security=Security.NONE, lmtp=True)),
        ("localhost:24", Server("localhost", 24, security=Security.NONE, lmtp=True)),
        ("[::1]:24", Server("::1", 24, security=Security.NONE, lmtp=True)),
    ],
)
def test_an_lmtp_server_is_a_socket_or_a_host_and_port(place, server):
    assert lmtp_from(place) == server


@pytest.mark.parametrize(
    "place",
    ["localhost", ":24", "localhost:", "localhost:x", "localhost:0", "localhost:65536", "localhost:²"],
)
def test_what_is_neither_is_refused(place):
    with pytest.raises(UsageError, match="neither HOST:PORT nor"):
        lmtp_from(place)


def test_a_server_is_named_without_its_user():
    assert from_url("smtps://me@mx.test").name == "mx.test:465"
    assert lmtp_from("/run/lmtp").name == "/run/lmtp"


@pytest.mark.parametrize(
    ("server", "loopback"),
    [
        (Server("127.9.9.9"), True),
        (Server("::1"), True),
        (Server(path="/run/lmtp"), True),
        (Server("127.0.0.1.test"), False),
        (Server("1127.0.0.1"), False),
        (Server("0.0.0.0"), False),
    ],
)
def test_what_stays_on_this_host_is_known(server, loopback):
    assert server.loopback is loopback


@pytest.mark.parametrize(
    "url", ["user:hunter2@host", "smtps//user:hunter2@host", "hunter2@", "smtps://user%3Ahunter2@host"]
)
def test_whatever_is_malformed_what_may_be_a_password_is_not_repeated(url):
    with pytest.raises(UsageError) as caught:
        from_url(url)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("user", ["me%00", "me%0d%0aNOOP", "me\x1b[2J", "m%e2%80%aee", "m\udce4", "m%e4"])
def test_a_user_name_is_text_without_control_characters(user):
    with pytest.raises(UsageError, match="the user name"):
        from_url(f"smtps://{user}@mx.test")


def test_a_user_name_may_be_percent_encoded_utf8():
    assert from_url("smtps://m%C3%A4x%20y@mx.test").user == "mäx y"


@pytest.mark.parametrize(
    "place",
    ["user:hunter2@host", "user:hunter2@host:24", "//user:hunter2@host:24", "//h:24", "h:" + "9" * 5000],
)
def test_a_wrong_lmtp_server_is_refused_without_what_may_be_a_password(place):
    with pytest.raises(UsageError) as caught:
        lmtp_from(place)
    assert "hunter2" not in str(caught.value)
