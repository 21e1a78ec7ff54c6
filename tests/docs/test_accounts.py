"""Each account in the page about accounts is one that ccc understands."""

import pytest

from ccc.config.file import Found
from ccc.config.reading import config_of
from ccc.transport.server import from_url, imap_from_url
from tests.docs.pages import ROOT, blocks

EXAMPLES = [block for block in blocks(ROOT / "docs" / "accounts.md") if block.is_a("toml")]
SERVERS = {
    "gmail": ("smtp.gmail.com", "imap.gmail.com"),
    "outlook": ("smtp-mail.outlook.com", "outlook.office365.com"),
    "office": ("smtp.office365.com", "outlook.office365.com"),
    "icloud": ("smtp.mail.me.com", "imap.mail.me.com"),
    "yahoo": ("smtp.mail.yahoo.com", "imap.mail.yahoo.com"),
    "fastmail": ("smtp.fastmail.com", "imap.fastmail.com"),
    "gmx": ("mail.gmx.net", "imap.gmx.net"),
    "webde": ("smtp.web.de", "imap.web.de"),
    "own": ("mail.example.org", "mail.example.org"),
    "ses": ("email-smtp.eu-west-1.amazonaws.com", ""),
}


@pytest.mark.parametrize("block", EXAMPLES, ids=lambda block: str(block.line))
def test_each_account_of_the_page_has_its_servers(block):
    found = config_of(Found("config.toml", block.text.encode()), {"HOME": "/home/me"})
    assert found.accounts
    for name, account in found.accounts.items():
        smtp, imap = SERVERS[name]
        assert from_url(account.smtp).host == smtp
        assert (imap_from_url(account.imap).host if account.imap else "") == imap
        assert from_url(account.smtp).user


def test_every_big_provider_has_an_example():
    text = "".join(block.text for block in EXAMPLES)
    assert [name for name in SERVERS if f"[account.{name}]" not in text] == []
