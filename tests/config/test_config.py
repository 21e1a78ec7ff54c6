"""The configuration: where it is looked for, what the keys of every run mean, and what is refused."""

import os
import pwd
import re
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccc.config import MOST, Config, InDoubt, read_config
from ccc.config.schema import ACCOUNT
from ccc.errors import ConfigurationError
from ccc.receipt import status_of
from tests.docs.pages import ROOT, blocks

PAGE = ROOT / "docs" / "configuration.md"
EXAMPLE = next(block.text for block in blocks(PAGE) if block.file)
KEYS = "in_doubt, retry_for, journal_subjects, default, dns_resolver, account"
RESEND = 'in_doubt = "resend"\n'


def write(path: Path, text: str | bytes) -> Path:
    """A configuration file at this place, as its owner would make it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    path.chmod(0o600)
    return path


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "config.toml"


def read(file: Path, text: str | bytes) -> Config:
    return read_config(str(write(file, text)), {})


def refusal(path: Path | str | None, environ: Mapping[str, str] | None = None) -> str:
    """The sentence with which a file is refused, without its folder."""
    with pytest.raises(ConfigurationError) as caught:
        read_config(None if path is None else str(path), environ or {})
    assert status_of(caught.value) == 78
    assert caught.value.cure
    folder = Path(path).parent if path else ""
    return str(caught.value).replace(f"{folder}/", "")


# where it is


def test_what_nobody_configured_is_as_built(tmp_path: Path) -> None:
    assert read_config(None, {"HOME": str(tmp_path)}) == Config(InDoubt.HOLD, 432000.0, False)


@pytest.mark.parametrize("folder", ["", "not/absolute"])
def test_it_is_in_the_home_folder(tmp_path: Path, folder: str) -> None:
    write(tmp_path / ".config/ccc/config.toml", RESEND)
    found = read_config(None, {"HOME": str(tmp_path), "XDG_CONFIG_HOME": folder})
    assert found.in_doubt is InDoubt.RESEND


def test_it_is_in_the_xdg_folder_before(tmp_path: Path) -> None:
    write(tmp_path / ".config/ccc/config.toml", "wrong = 1")
    write(tmp_path / "xdg/ccc/config.toml", RESEND)
    found = read_config(None, {"HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path / "xdg")})
    assert found.in_doubt is InDoubt.RESEND


def test_an_empty_xdg_folder_leaves_no_way_to_the_home_folder(tmp_path: Path) -> None:
    write(tmp_path / ".config/ccc/config.toml", "wrong = 1")
    assert read_config(None, {"HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path / "xdg")}) == Config()


def test_the_environment_names_it_before_that(tmp_path: Path) -> None:
    write(tmp_path / "xdg/ccc/config.toml", "wrong = 1")
    named = write(tmp_path / "named", RESEND)
    environ = {"XDG_CONFIG_HOME": str(tmp_path / "xdg"), "CCC_CONFIG": str(named)}
    assert read_config(None, environ).in_doubt is InDoubt.RESEND


def test_the_command_line_names_it_first_of_all(tmp_path: Path) -> None:
    environ = {"CCC_CONFIG": str(write(tmp_path / "environment", "wrong = 1"))}
    assert read_config(str(write(tmp_path / "option", RESEND)), environ).in_doubt is InDoubt.RESEND


def test_an_environment_that_names_nothing_names_no_file(tmp_path: Path) -> None:
    assert read_config(None, {"HOME": str(tmp_path), "CCC_CONFIG": ""}) == Config()


@pytest.mark.parametrize("home", [{}, {"HOME": ""}, {"HOME": "relative"}])
def test_a_home_that_the_environment_does_not_name_is_that_of_the_account(
    home: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(pwd, "getpwuid", lambda _uid: SimpleNamespace(pw_dir=str(tmp_path / "home")))
    write(tmp_path / "relative/.config/ccc/config.toml", "wrong = 1")
    write(tmp_path / "home/.config/ccc/config.toml", RESEND)
    assert read_config(None, home).in_doubt is InDoubt.RESEND


def test_a_user_without_an_account_has_no_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: (1 << 31) - 7)
    assert read_config(None, {}) == Config()


@pytest.mark.parametrize("name", ["nothing.toml", "", "a-file/config.toml"])
def test_a_file_that_the_command_line_names_must_be_there(tmp_path: Path, name: str) -> None:
    write(tmp_path / "a-file", "")
    with pytest.raises(ConfigurationError, match=r"^there is no configuration file .*; check its name"):
        read_config(str(tmp_path / name) if name else "", {"HOME": str(tmp_path)})


def test_a_file_that_the_environment_names_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"there is no configuration file .*nothing"):
        read_config(None, {"HOME": str(tmp_path), "CCC_CONFIG": str(tmp_path / "nothing")})


def test_a_home_where_no_folder_can_be_has_no_file(tmp_path: Path) -> None:
    write(tmp_path / ".config", "a file")
    assert read_config(None, {"HOME": str(tmp_path)}) == Config()


def test_without_a_file_nothing_is_imported_to_read_one(tmp_path: Path) -> None:
    probe = (
        "import sys; from ccc.config import read_config; read_config(None, {'HOME': sys.argv[1]}); "
        "slow = {'tomllib', 'pathlib', 'difflib', 'shlex', 'pwd', 'urllib', 'ccc.duration'}; "
        "ours = {'ccc.config', 'ccc.config.config', 'ccc.config.file'}; "
        "print({name for name in sys.modules if name in slow or name.startswith('ccc.config')} - ours)"
    )
    isolated = [sys.executable, "-S", "-c", probe, str(tmp_path)]  # the site module may import them
    environ = os.environ | {"PYTHONPATH": str(Path(sys.modules["ccc"].__file__ or "").parents[1])}
    done = subprocess.run(isolated, capture_output=True, text=True, check=True, env=environ)
    assert done.stdout == "set()\n"


# what it says


def test_the_page_has_the_values_of_a_run_without_a_file(file: Path) -> None:
    assert read(file, EXAMPLE)._replace(accounts={}, default="", dns_resolver="") == Config(accounts={})


def test_the_page_explains_every_choice() -> None:
    for each in InDoubt:
        assert f'#   "{each.value}" ' in EXAMPLE
        assert f'- `"{each.value}"` ' in PAGE.read_text("utf-8")


def test_an_empty_file_says_nothing(file: Path) -> None:
    assert read(file, "") == Config()


@pytest.mark.parametrize("each", InDoubt)
def test_what_is_in_doubt_is_held_or_sent_again(file: Path, each: InDoubt) -> None:
    assert read(file, f'in_doubt = "{each.value}"').in_doubt is each


def test_retrying_takes_as_long_as_the_file_says(file: Path) -> None:
    assert read(file, 'retry_for = "36h"').retry_for == 129600


def test_subjects_are_kept_if_the_file_says_so(file: Path) -> None:
    assert read(file, "journal_subjects = true").journal_subjects is True


@pytest.mark.parametrize("text", [b"\xef\xbb\xbf" + RESEND.encode(), RESEND.replace("\n", "\r\n")])
def test_a_file_from_windows_is_read(file: Path, text: str | bytes) -> None:
    assert read(file, text).in_doubt is InDoubt.RESEND


# what is refused


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ('retry_fro = "5d"', "there is no key 'retry_fro'; did you mean retry_for?"),
        ('in-doubt = "hold"', "there is no key 'in-doubt'; did you mean in_doubt?"),
        ("[journal_subject]", "there is no key 'journal_subject'; did you mean journal_subjects?"),
        ("colour = 1", f"there is no key 'colour'; the keys are {KEYS}"),
        ('"\\u001b" = 1', rf"there is no key '\x1b'; the keys are {KEYS}"),
        ("[accounts.work]", "there is no key 'accounts'; did you mean account?"),
    ],
)
def test_a_key_that_does_not_exist_is_refused_with_what_was_meant(
    file: Path, text: str, sentence: str
) -> None:
    assert refusal(write(file, text)) == f"config.toml: {sentence}"


@pytest.mark.parametrize(
    ("value", "said"),
    [('"drop"', "'drop'"), ('"HOLD"', "'HOLD'"), ("1", "a bare number"), ('["hold"]', "a list")],
)
def test_what_is_in_doubt_cannot_be_anything_else(file: Path, value: str, said: str) -> None:
    assert refusal(write(file, f"in_doubt = {value}")) == (
        f"config.toml: in_doubt: {said} is neither hold nor resend; "
        'write in_doubt = "hold" or in_doubt = "resend"'
    )


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ('"5 days"', "'5 days' is no length of time"),
        ('"0d"', "'0d' is no time at all"),
        ('"11000w"', "'11000w' is more than ten years"),
        ("432000", "a bare number is no length of time"),
        ("5.5", "a bare number is no length of time"),
        ("12:00:00", "a date or a time is no length of time"),
        ("{days = 5}", "a table is no length of time"),
        ("true", "true is no length of time"),
        (f'"{"5" * 70}"', f"'{'5' * 60}…' is no length of time"),
    ],
)
def test_retrying_takes_a_length_of_time(file: Path, value: str, said: str) -> None:
    assert refusal(write(file, f"retry_for = {value}")) == (
        f"config.toml: retry_for: {said}; write it as 90s, 30m, 12h, 5d or 2w, in quotes"
    )


@pytest.mark.parametrize(("value", "said"), [('"true"', "'true'"), ("1", "a bare number")])
def test_whether_subjects_are_kept_is_true_or_false(file: Path, value: str, said: str) -> None:
    assert refusal(write(file, f"journal_subjects = {value}")) == (
        f"config.toml: journal_subjects: {said} is neither true nor false; "
        "write journal_subjects = true or journal_subjects = false, without quotes"
    )


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("# mine\nin_doubt = hold", "line 2, column 12"),
        ("in_doubt", "end of document"),
        ("retry_for = 5d", "line 1, column 14"),
    ],
)
def test_what_is_no_toml_is_refused_at_its_place(file: Path, text: str, place: str) -> None:
    pattern = rf'config\.toml, {place}: [a-z].*; write each line as in retry_for = "5d", with words in quotes'
    assert re.fullmatch(pattern, refusal(write(file, text)))


@pytest.mark.parametrize(
    ("text", "line"),
    [(RESEND * 2, 2), ("[account.a]\n[account.a]\n", 2), ("[account]\na = {}\n[account.a]\n", 3)],
)
def test_what_stands_there_twice_is_said_to(file: Path, text: str, line: int) -> None:
    pattern = rf"config\.toml, line {line}, column \d+: [a-z].*; it stands there twice: leave one of them out"
    assert re.fullmatch(pattern, refusal(write(file, text)))


def test_what_is_not_utf_8_is_refused_at_its_line(file: Path) -> None:
    sentence = refusal(write(file, b"# one\n# two \xff\n"))
    assert sentence == "config.toml, line 2: it is not UTF-8; store the file as UTF-8"


def test_a_number_that_python_gives_up_on_is_refused(file: Path) -> None:
    sentence = refusal(write(file, f"retry_for = {'9' * 5000}"))
    assert sentence == "config.toml: a number has too many digits; shorten it"


def test_a_nest_that_python_gives_up_on_is_refused(file: Path) -> None:
    sentence = refusal(write(file, f"retry_for = {'[' * 100_000}"))
    assert sentence == "config.toml: a list or table is nested too deeply; no key needs one"


def test_the_page_shows_what_is_really_said(file: Path) -> None:
    page = PAGE.read_text("utf-8")
    account = "[account.work]\n"
    wrong = (f'{account}smpt = "x"', f'{account}password = "x"')
    for text in ('retry_fro = "5d"', 'retry_for = "5 days"', "in_doubt = hold", *wrong):
        assert f"\n  {refusal(write(file, text))}\n" in page


@pytest.mark.parametrize("mode", [0o620, 0o602, 0o666, 0o664])
def test_a_file_that_others_can_write_is_refused(file: Path, mode: int) -> None:
    write(file, RESEND).chmod(mode)
    with pytest.raises(ConfigurationError, match="other users can change the configuration file") as caught:
        read_config(str(file), {})
    assert caught.value.cure == f"run: chmod go-w {file}"


def test_the_cure_can_be_run_as_it_stands(tmp_path: Path) -> None:
    file = write(tmp_path / "my $HOME's file", RESEND)
    file.chmod(0o666)
    with pytest.raises(ConfigurationError) as caught:
        read_config(str(file), {})
    subprocess.run(["/bin/sh", "-c", caught.value.cure.removeprefix("run: ")], check=True)
    assert read_config(str(file), {}).in_doubt is InDoubt.RESEND


@pytest.mark.parametrize("mode", [0o600, 0o400, 0o644])
def test_a_file_that_others_can_only_read_is_not(file: Path, mode: int) -> None:
    write(file, RESEND).chmod(mode)
    assert read_config(str(file), {}).in_doubt is InDoubt.RESEND


def test_a_file_of_another_user_is_refused(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(file, RESEND)
    if os.geteuid() == 0:
        os.chown(file, 12345, -1)
    else:
        monkeypatch.setattr(os, "geteuid", lambda: 12345)
    assert refusal(file) == (
        "the configuration file config.toml belongs to another user, who can change it; "
        "use a copy of your own"
    )


def test_a_usual_file_that_cannot_be_opened_is_not_taken_for_missing(tmp_path: Path) -> None:
    place = tmp_path / ".config/ccc/config.toml"
    place.parent.mkdir(parents=True)
    place.symlink_to(place)
    assert "cannot be read: Too many levels of symbolic links" in refusal(None, {"HOME": str(tmp_path)})


@pytest.mark.parametrize("name", ["a\0b", "a" * 5000, "\ud800"])
def test_a_name_that_no_file_can_have_is_refused(name: str) -> None:
    assert "cannot be read: " in refusal(name)


def test_a_folder_is_refused(tmp_path: Path) -> None:
    assert refusal(tmp_path).endswith(f"{tmp_path.name} is a folder; name a file of text")


def test_a_pipe_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert refusal(tmp_path / "pipe") == (
        "the configuration file pipe is no regular file; name a file of text"
    )


def test_a_device_is_refused() -> None:
    assert "is no regular file" in refusal("/dev/zero")


def test_a_file_of_any_size_is_refused_before_its_end_is_read(file: Path) -> None:
    os.truncate(write(file, ""), 1 << 34)
    assert refusal(file) == (
        "the configuration file config.toml has more than 1 MiB; check that it is the right file"
    )


def test_a_file_of_1_mib_is_read(file: Path) -> None:
    assert read(file, RESEND.ljust(MOST - 1) + "\n").in_doubt is InDoubt.RESEND


# laws

lines = st.lists(
    st.builds(
        "{}{}{}".format,
        st.sampled_from(["in_doubt", "retry_for", "default", "dns_resolver", "[account.x]", "a.b", ""])
        | st.sampled_from([key.name for key in ACCOUNT]),
        st.sampled_from([" = ", "=", ""]),
        st.sampled_from(
            ['"hold"', '"5d"', '"1s"', "true", "1e999", "[[", "{a = 1}", "1979-05-27", "'''", "nan"]
        )
        | st.sampled_from(
            ['"x"', '"me@x.org"', '["~/a", "$b"]', '"smtps://a@b"', '"gmail"', '"lmtp:a"', '[""]']
        )
        | st.text(max_size=8),
    ),
    max_size=5,
).map("\n".join)


@given(st.binary() | (lines | st.text()).map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_any_file_is_a_configuration_or_an_error_with_a_cure(octets: bytes) -> None:
    with tempfile.NamedTemporaryFile() as file:  # for its user alone
        file.write(octets)
        file.flush()
        try:
            config = read_config(file.name, {})
        except ConfigurationError as error:
            assert file.name in error.what  # noqa: PT017  # either is right
            assert error.cure  # noqa: PT017
        else:
            assert isinstance(config.in_doubt, InDoubt)
            assert config.retry_for > 0
            assert isinstance(config.journal_subjects, bool)
