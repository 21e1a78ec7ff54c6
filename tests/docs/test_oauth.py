"""Each account in the page about tokens is one that ccc understands, and can fetch or be given tokens for."""

import pytest

from ccc.accounts.oauth.http import endpoint
from ccc.config.account import Auth
from ccc.config.file import Found
from ccc.config.reading import config_of
from tests.docs.pages import ROOT, blocks

EXAMPLES = [block for block in blocks(ROOT / "docs" / "oauth.md") if block.is_a("toml")]


@pytest.mark.parametrize("block", EXAMPLES, ids=lambda block: str(block.line))
def test_each_account_of_the_page_has_a_way_to_its_tokens(block):
    (account,) = config_of(Found("config.toml", block.text.encode()), {"HOME": "/home/me"}).accounts.values()
    oauth = account.oauth
    assert account.auth is Auth.OAUTH
    if not oauth.token_command:
        assert oauth.client_id
        assert endpoint(account, "token_url").secure
        assert endpoint(account, "device_url" if oauth.device_url else "authorize_url").secure
