import pytest

from ccc.config.account import Account, Auth
from tests.lab.tokens import TokenServer


@pytest.fixture
def tokens():
    with TokenServer() as server:
        yield server


@pytest.fixture
def account(tokens):
    return Account(
        "work", auth=Auth.OAUTH, smtp="smtps://me%40example.org@mail.example.org", oauth=tokens.oauth()
    )


@pytest.fixture
def environ(tmp_path):
    """No D-Bus: as under cron, so that tokens lie in a file."""
    return {"CCC_STATE_DIR": str(tmp_path / "state"), "HOME": str(tmp_path), "PATH": "/usr/bin:/bin"}
