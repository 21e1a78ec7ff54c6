import pytest

from ccc.address import Mailbox
from ccc.setup.autoconfig import NotAutoconfig, settings
from ccc.setup.place import Place

ANN = Mailbox("ann", "example.org")


def server(kind, host="mail.example.org", port="993", socket="SSL", user="%EMAILADDRESS%", more=""):
    tag = "outgoingServer" if kind == "smtp" else "incomingServer"
    return f"""<{tag} type="{kind}"><hostname>{host}</hostname><port>{port}</port>
        <socketType>{socket}</socketType><username>{user}</username>
        <authentication>password-cleartext</authentication>{more}</{tag}>"""


def config(*servers, lead=""):
    provider = f'<emailProvider id="x">{"".join(servers)}</emailProvider>'
    return f'{lead}<clientConfig version="1.1">{provider}</clientConfig>'.encode()


def test_the_first_servers_over_tls_are_taken():
    found = settings(
        config(
            server("pop3", "pop.example.org", "995"),
            server("imap", "clear.example.org", "143", "plain"),
            server("imap", "imap.example.org", "143", "STARTTLS"),
            server("imap", "later.example.org"),
            server("smtp", "smtp.example.org", "465"),
        ),
        ANN,
    )
    assert found.imap == Place("imap.example.org", 143, implicit=False, user="ann@example.org")
    assert found.smtp == Place("smtp.example.org", 465, implicit=True, user="ann@example.org")


@pytest.mark.parametrize(
    ("user", "meant"),
    [
        ("%EMAILLOCALPART%", "ann"),
        ("x-%EMAILLOCALPART%", "x-ann"),
        ("%EMAILLOCALPART%%EMAILDOMAIN%", "annexample.org"),
    ],
)
def test_what_is_left_open_is_filled_in(user, meant):
    found = settings(config(server("imap", "imap.%EMAILDOMAIN%", user=user)), ANN).imap
    assert (found.host, found.user) == ("imap.example.org", meant)


@pytest.mark.parametrize(
    "broken",
    [
        {"host": "-x"},
        {"host": "a b"},
        {"host": "mail.example.org/x"},
        {"port": "0"},
        {"port": "65536"},
        {"port": "9" * 5000},
        {"port": "000465" + "9" * 4999},
        {"port": "000465999"},
        {"port": "٩٩٣"},
        {"port": "imaps"},
        {"socket": "TLS?"},
        {"user": "%REALNAME%"},
        {"user": "a&#10;b"},
    ],
)
def test_a_server_that_cannot_be_used_is_passed_over(broken):
    found = settings(config(server("imap", **broken), server("imap", "second.example.org")), ANN)
    assert found.imap.host == "second.example.org"


def test_a_server_that_takes_tokens_alone_is_told_from_others():
    tokens = server("imap").replace("password-cleartext", "OAuth2")
    assert settings(config(tokens), ANN).imap.oauth_only
    both = server("imap", more="<authentication>OAuth2</authentication>")
    assert not settings(config(both), ANN).imap.oauth_only


@pytest.mark.parametrize(
    "lead",
    [
        '<!DOCTYPE x [<!ENTITY a "b">]>',
        '<!DOCTYPE x SYSTEM "file:///etc/passwd">',
        '<?xml version="1.0"?><!DOCTYPE x>',
    ],
)
def test_a_document_type_is_refused(lead):
    with pytest.raises(NotAutoconfig, match="document type"):
        settings(config(server("imap"), lead=lead), ANN)


@pytest.mark.parametrize(
    "octets", [b"", b"<html>", b"not found", b"\xff\xfe", b"<a/><b/>", b"&x;", b"<a>" * 50_000]
)
def test_what_is_no_xml_is_refused(octets):
    with pytest.raises(NotAutoconfig, match="no XML"):
        settings(octets, ANN)


@pytest.mark.parametrize("encoding", ["foo", "base64", "shift_jis", "utf-7", "idna", "undefined", "punycode"])
def test_an_encoding_that_cannot_be_read_is_refused(encoding):
    with pytest.raises(NotAutoconfig, match="no XML"):
        settings(config(server("imap"), lead=f'<?xml version="1.0" encoding="{encoding}"?>'), ANN)


def test_another_file_is_refused():
    with pytest.raises(NotAutoconfig, match="no file of settings"):
        settings(b"<html><body/></html>", ANN)


def test_a_very_deep_file_is_no_harm():
    deep = b"<clientConfig>" + b"<a>" * 30_000 + b"</a>" * 30_000 + b"</clientConfig>"
    assert settings(deep, ANN) == (None, None)
