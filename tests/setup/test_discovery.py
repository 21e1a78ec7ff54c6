import pytest

from ccc.address import Mailbox
from ccc.resolver import Resolver
from ccc.setup.discovery import Sources, discover, pages, preset
from ccc.setup.https import Page
from tests.lab.dns import Dns

ANN = Mailbox("ann", "example.org")
SRV = """
_submissions._tcp.example.org. 60 IN SRV 0 0 465 smtp.example.org.
_imaps._tcp.example.org. 60 IN SRV 0 0 9993 imap.example.org.
"""
XML = b"""<clientConfig><emailProvider>
<incomingServer type="imap"><hostname>imap.host.test</hostname><port>993</port>
<socketType>SSL</socketType><username>%EMAILADDRESS%</username></incomingServer>
<outgoingServer type="smtp"><hostname>smtp.host.test</hostname><port>587</port>
<socketType>STARTTLS</socketType><username>%EMAILLOCALPART%</username></outgoingServer>
</emailProvider></clientConfig>"""


class Web:
    """Pages by a part of their URL, and what was asked for."""

    def __init__(self, **pages):
        self.pages, self.asked = pages, []

    def __call__(self, url):
        self.asked.append(url)
        found = next((page for part, page in self.pages.items() if part in url), None)
        return Page(found, "" if found else "the server answered 404")


def look(zone, web=None, address=ANN, secure=(), moods=None):
    said = []
    with Dns(zone, secure=secure, moods=moods) as dns:
        sources = Sources(Resolver(dns.address, timeout=0.3), web or Web())
        return discover(address, sources, said.append), said


def test_a_providers_own_domain_needs_no_network():
    found = preset(Mailbox("ann", "gmail.com"))
    assert found.provider.name == "gmail"
    assert found.origin == "the preset for addresses in gmail.com"


def test_a_provider_is_known_by_its_mail_host():
    found, _ = look("example.org. 60 IN MX 1 aspmx.l.google.com.")
    assert found.provider.name == "gmail"
    assert found.origin == "the MX record of example.org, aspmx.l.google.com"


def test_srv_records_name_the_servers():
    web = Web()
    found, _ = look(SRV, web)
    assert found.smtp.place.url("smtp") == "smtps://ann@example.org@smtp.example.org"
    assert found.imap.place.url("imap") == "imaps://ann@example.org@imap.example.org:9993"
    assert found.smtp.origin == "the SRV record _submissions._tcp.example.org (not signed)"
    assert web.asked == []


def test_starttls_is_taken_where_tls_from_the_start_is_not_offered():
    found, said = look(
        """_submissions._tcp.example.org. 60 IN SRV 0 0 0 .
_submission._tcp.example.org. 60 IN SRV 0 0 587 smtp.example.org.
_imap._tcp.example.org. 60 IN SRV 0 0 143 imap.example.org."""
    )
    assert found.smtp.place.url("smtp") == "smtp://ann@example.org@smtp.example.org"
    assert found.imap.place.url("imap") == "imap://ann@example.org@imap.example.org"
    assert "_submissions._tcp.example.org is not offered" in said


def test_a_server_outside_of_the_domain_is_doubtful_unless_dnssec_proves_it():
    zone = "_submissions._tcp.example.org. 60 IN SRV 0 0 465 smtp.host.test."
    unsigned, _ = look(zone)
    signed, _ = look(zone, secure=("example.org",))
    assert unsigned.smtp.doubtful
    assert not signed.smtp.doubtful
    assert not look(SRV)[0].smtp.doubtful


@pytest.mark.parametrize("target", [r"a\\032b.example.org.", "_x.example.org.", r"a\\047b.test."])
def test_a_target_that_is_no_host_is_none(target):
    found, _ = look(f"_imaps._tcp.example.org. 60 IN SRV 0 0 993 {target}")
    assert found.imap is None


def test_autoconfig_fills_what_the_dns_leaves_open():
    found, _ = look("_imaps._tcp.example.org. 60 IN SRV 0 0 993 imap.example.org.", Web(autoconfig=XML))
    assert found.imap.origin.startswith("the SRV record")
    assert found.smtp.place.url("smtp") == "smtp://ann@smtp.host.test"
    assert found.smtp.origin == "https://autoconfig.example.org/mail/config-v1.1.xml"
    assert not found.smtp.doubtful


def test_a_broken_file_is_said_and_the_next_one_is_read():
    web = Web(**{"https://autoconfig.example.org": b"<html>", "well-known": XML})
    found, said = look("", web)
    assert found.imap.origin == "https://example.org/.well-known/autoconfig/mail/config-v1.1.xml"
    assert "no settings at https://autoconfig.example.org/mail/config-v1.1.xml: it is no XML" in said


def test_only_the_users_own_domain_comes_to_know_the_address():
    own, well_known, everybodys = pages(Mailbox("ann+x&y", "example.org"))
    assert own == "https://autoconfig.example.org/mail/config-v1.1.xml?emailaddress=ann%2Bx%26y@example.org"
    assert "ann" not in well_known + everybodys


def test_an_address_literal_is_looked_up_nowhere():
    web = Web()
    with Dns(SRV) as dns:
        sources = Sources(Resolver(dns.address), web)
        found = discover(Mailbox("ann", "[192.0.2.1]"), sources, [].append)
    assert found == (None, "", None, None)
    assert dns.asked == web.asked == []


def test_nothing_found_is_nothing_guessed():
    found, said = look("")
    assert found == (None, "", None, None)
    assert "there is no SRV record _imaps._tcp.example.org" in said


def test_what_was_asked_in_vain_is_not_said_where_all_is_found():
    assert (
        look("_submission._tcp.example.org. 60 IN SRV 0 0 587 smtp.example.org.\n" + SRV.splitlines()[2])[1]
        == []
    )


def test_a_dns_that_nobody_answers_for_is_asked_once():
    web = Web(autoconfig=XML)
    found, said = look(SRV, web, moods={"example.org": "silence"})
    assert (found.smtp, web.asked) == (None, [])
    assert said == [
        "cannot look up the MX records of example.org: no answer within 0.3 seconds",
        "the DNS cannot be asked, so no server was looked for",
    ]


def test_a_dns_that_fails_is_said_and_the_search_goes_on():
    moods = {f"{name}example.org": "SERVFAIL" for name in ("", "_imaps._tcp.", "_imap._tcp.")}
    found, said = look(SRV, Web(autoconfig=XML), moods=moods)
    assert found.smtp.origin.startswith("the SRV record")
    assert found.imap.origin.startswith("https://autoconfig")
    assert "cannot look up the MX records of example.org: the server answered SERVFAIL" in said
