"""ccc for programs: any message, any envelope, and an import that costs next to nothing."""

import subprocess
import sys
import tomllib
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

import ccc
from ccc.address import Mailbox
from ccc.api import fresh_token, local_time, mailboxes
from ccc.errors import AddressError, MessageError, SourceError, UsageError
from ccc.message.message import read
from ccc.message.octets import HeldOctets

MAIL = b"From: ann@example.org\r\nTo: bob@example.org\r\nSubject: hello\r\n\r\nhello\r\n"
DORA = Mailbox("dora", "example.com")
NOW = datetime(2026, 3, 9, 8, 7, 6, tzinfo=UTC)


def sent(plan: ccc.Plan) -> bytes:
    return b"".join(plan.content.blocks())


def loaded_by(statement: str) -> set[str]:
    """The modules that a fresh interpreter has loaded after the statement."""
    program = f"{statement}; import sys; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True, text=True)
    return set(done.stdout.split())


# --- what a message can be


def test_a_message_can_be_octets_in_memory() -> None:
    assert ccc.plan_resend(MAIL, to=DORA).source == "octets"


def test_a_message_can_be_the_name_of_a_file(tmp_path: Path) -> None:
    path = tmp_path / "a.eml"
    path.write_bytes(MAIL)
    assert ccc.plan_resend(str(path), to=DORA).source == str(path)


def test_a_message_can_be_a_path(tmp_path: Path) -> None:
    path = tmp_path / "a.eml"
    path.write_bytes(MAIL)
    assert sent(ccc.plan_resend(path, to=DORA)) == sent(ccc.plan_resend(MAIL, to=DORA))


def test_a_message_can_be_a_row_of_octets() -> None:
    assert ccc.plan_resend(HeldOctets(MAIL), to=DORA).subject == "hello"


def test_a_message_can_be_one_that_was_read() -> None:
    message = read(HeldOctets(MAIL), "mine")
    assert ccc.plan_resend(message, to=DORA).message is message


def test_a_file_that_is_missing_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SourceError):
        ccc.plan_resend(tmp_path / "nothing", to=DORA)


def test_octets_that_are_no_message_are_an_error() -> None:
    with pytest.raises(MessageError):
        ccc.plan_resend(b"no message\n", to=DORA)


def test_a_file_that_was_planned_holds_no_descriptor(tmp_path: Path) -> None:
    path = tmp_path / "big.eml"
    path.write_bytes(MAIL + b"hello\r\n" * 100_000)
    before = len(list(Path("/proc/self/fd").iterdir()))
    plan = ccc.plan_resend(path, to=DORA)
    assert len(list(Path("/proc/self/fd").iterdir())) == before
    assert plan.content.size > 700_000


def test_a_big_file_that_is_no_message_holds_no_descriptor(tmp_path: Path) -> None:
    path = tmp_path / "big.eml"
    path.write_bytes(MAIL + b"\0" + b"hello\r\n" * 100_000)
    before = len(list(Path("/proc/self/fd").iterdir()))
    with pytest.raises(MessageError) as caught:
        ccc.plan_resend(path, to=DORA)
    assert len(list(Path("/proc/self/fd").iterdir())) == before
    assert "NUL" in caught.value.what


def test_standard_input_is_a_message_too() -> None:
    program = "import ccc; print(ccc.plan_resend('-', to='d@x.org').subject)"
    done = subprocess.run([sys.executable, "-c", program], input=MAIL, capture_output=True, check=True)
    assert done.stdout.split() == [b"hello"]


# --- what an address can be


@pytest.mark.parametrize(
    "addresses",
    [
        "dora@example.com",
        DORA,
        ["dora@example.com"],
        (DORA,),
        ["dora@example.com", []],
        {"dora@example.com"},
    ],
)
def test_addresses_can_be_written_in_many_ways(addresses: object) -> None:
    assert mailboxes(addresses) == (DORA,)  # type: ignore[arg-type]  # several types at once


def test_text_is_an_address_list() -> None:
    assert len(mailboxes("Dora <dora@example.com>, eve@example.com")) == 2


def test_text_that_is_no_address_is_an_error() -> None:
    with pytest.raises(AddressError):
        mailboxes("dora")


def test_nobody_is_nobody() -> None:
    assert mailboxes(()) == ()


# --- plans


def test_a_resend_takes_every_option() -> None:
    plan = ccc.plan_resend(
        MAIL + b"more\r\n",
        to="a@x.org",
        cc="b@x.org",
        bcc="c@x.org",
        show_to="d@x.org",
        show_cc="e@x.org",
        sender="ann@example.org",
        envelope_from="bounces@example.org",
        strip="Subject",
    )
    assert len(plan.envelope.forward_paths) == 3
    assert plan.envelope.reverse_path == Mailbox("bounces", "example.org")
    assert b"Subject" not in sent(plan)


def test_a_redirect_takes_every_option() -> None:
    plan = ccc.plan_redirect(
        b"Status: RO\r\n" + MAIL,
        to="a@x.org",
        cc="b@x.org",
        bcc="c@x.org",
        show_resent_to="d@x.org",
        show_resent_cc="e@x.org",
        sender="me@example.com",
        envelope_from="bounces@example.com",
        resent="always",
        keep=["Status"],
        now=NOW,
        token="token",
    )
    assert len(plan.envelope.forward_paths) == 3
    assert sent(plan).startswith(b"Resent-Date: Mon, 9 Mar 2026 08:07:06 +0000\r\n")
    assert plan.resent_message_id == "<token@example.com>"
    assert b"Status: RO" in sent(plan)


def test_two_redirects_have_two_message_ids() -> None:
    plans = [ccc.plan_redirect(MAIL, sender="me@x.org", to=DORA) for _ in range(2)]
    assert plans[0].resent_message_id != plans[1].resent_message_id


def test_a_show_option_alone_is_an_error_for_programs_too() -> None:
    with pytest.raises(UsageError):
        ccc.plan_resend(MAIL, show_cc=DORA)


def test_an_unknown_word_for_the_block_is_an_error() -> None:
    with pytest.raises(UsageError, match="say auto, always or never"):
        ccc.plan_redirect(MAIL, sender="me@x.org", to=DORA, resent="sometimes")


def test_tokens_differ() -> None:
    assert len({fresh_token() for _ in range(100)}) == 100


def test_the_local_time_is_now_and_knows_its_zone() -> None:
    assert abs(local_time() - datetime.now(UTC)) < timedelta(minutes=1)


# --- the package


@pytest.mark.parametrize("name", ccc.__all__)
def test_every_public_name_is_there(name: str) -> None:
    assert getattr(ccc, name).__name__ == name


def test_every_public_name_is_listed() -> None:
    assert set(ccc.__all__) <= set(dir(ccc))


def test_another_name_is_not_there() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        ccc.nothing  # noqa: B018


def test_the_version_is_that_of_the_project() -> None:
    project = tomllib.loads(Path("pyproject.toml").read_text(encoding="utf-8"))
    assert ccc.__version__ == project["project"]["version"]


def test_importing_ccc_imports_nothing_else() -> None:
    assert loaded_by("import ccc") - loaded_by("pass") == {"ccc"}


def test_a_plan_needs_no_network_no_mail_and_no_random_module() -> None:
    heavy = {"email", "smtplib", "socket", "ssl", "random", "secrets", "tempfile", "json", "idna"}
    program = "import ccc; ccc.plan_redirect(b'From: a@x.org\\n\\n', sender='m@x.org', to='d@x.org')"
    assert not loaded_by(program) & heavy
