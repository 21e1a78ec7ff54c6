"""The door to the package keyring: the desktop's keyring, asked by another process, within a deadline.

A backend may prompt, wait for a daemon that never answers, or read standard input, which may be the message.
So each question is put to a child of ours (`python -m ccc.accounts.keyring`), over pipes, and the child is
ended when it takes too long. Without a D-Bus session, as under cron, nothing is asked at all. A backend that
keeps passwords in clear is left out, however it was chosen.
"""

import os
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

from ccc.accounts.child import run
from ccc.errors import ConfigurationError, NotPermitted

if TYPE_CHECKING:
    from keyring.backend import KeyringBackend

    from ccc.transport.interrupts import Interrupts

PATIENCE = 5.0  # seconds for a keyring that nobody can be asked to unlock
ATTENDED = 60.0  # seconds for one that somebody may be unlocking

NO_BUS = "the desktop keyring cannot be reached from cron, or from wherever there is no D-Bus session"
NO_BUS_HERE = "the desktop keyring cannot be reached, since there is no D-Bus session here"


class Manner(NamedTuple):
    """How the keyring is asked: where, whether somebody can unlock it, and whether one in clear will do."""

    environ: Mapping[str, str] | None = None  # that of the process
    attended: bool | None = None  # whether standard error is a terminal
    allow_plaintext: bool = False
    interrupts: "Interrupts | None" = None  # that end the wait for it


USUAL = Manner()


def get(service: str, user: str, manner: Manner = USUAL) -> str | None:
    """The secret of a user of a service, None if the keyring has none; NotPermitted if it cannot say."""
    return _asked("get", service, user, manner)


def put(service: str, user: str, secret: str, manner: Manner = USUAL) -> None:
    """Keep a secret; NotPermitted if there is no keyring that does."""
    _asked("put", service, user, manner, secret)


def delete(service: str, user: str, manner: Manner = USUAL) -> bool:
    """Forget a secret; whether there was one. NotPermitted if the keyring cannot say."""
    return _asked("delete", service, user, manner) is not None


def usable(manner: Manner = USUAL) -> bool:
    """Whether there is a keyring that could keep a secret; it may be locked."""
    try:
        return _asked("usable", "", "", manner) is not None
    except NotPermitted:
        return False


def _asked(verb: str, service: str, user: str, manner: Manner, secret: str = "") -> str | None:
    """What the child answers; NotPermitted with its reason."""
    import json

    environ = os.environ if manner.environ is None else manner.environ
    attended = _is_tty(2) if manner.attended is None else manner.attended
    seconds = ATTENDED if attended else PATIENCE
    question = json.dumps([verb, service, user, secret, manner.allow_plaintext]).encode("ascii")
    # -P: what lies in the working folder is not imported
    command = (sys.executable, "-P", "-m", "ccc.accounts.keyring")
    try:
        ended = run(
            command,
            _environment(environ, attended=attended),
            seconds,
            interrupts=manner.interrupts,
            question=question,
            alone=not attended,  # then there is no terminal where it could prompt
        )
    except OSError as error:
        raise _unusable(f"the keyring cannot be asked: {error.strerror}") from error
    if ended.status is None:
        raise _unusable(
            f"the keyring did not answer within {seconds:g} seconds; it is locked, or its daemon hangs"
        )
    try:
        answer = json.loads(ended.printed)
    except ValueError:
        raise _unusable(
            "the keyring cannot be asked: its backend crashed"
        ) from None  # it holds what was said
    if "why" in answer:
        raise _unusable(str(answer["why"]))
    return None if answer["secret"] is None else str(answer["secret"])


def _unusable(why: str) -> NotPermitted:
    return NotPermitted(why, "use password_command or password_file instead")


def _environment(environ: Mapping[str, str], *, attended: bool) -> dict[str, str]:
    """The environment of the child: the same ccc, and the session bus or none; NotPermitted if that is vain.

    A bus that is not there is never looked for any further, nor started: that could take long.
    """
    bus = _bus(environ)
    if not bus and not _other_backend(environ):
        raise _unusable(NO_BUS_HERE if attended else NO_BUS)
    ours = os.path.abspath(__file__)
    for _ in range(__name__.count(".") + 1):  # up to the folder that ccc is in
        ours = os.path.dirname(ours)
    path = os.pathsep.join(filter(None, (ours, environ.get("PYTHONPATH", ""))))
    return {**environ, "PYTHONPATH": path, "DBUS_SESSION_BUS_ADDRESS": bus or "disabled:"}


def _bus(environ: Mapping[str, str]) -> str:
    """The address of the session bus (D-Bus Specification, "Well-known message bus instances"), or ""."""
    named = environ.get("DBUS_SESSION_BUS_ADDRESS", "")
    folder = environ.get("XDG_RUNTIME_DIR", "")
    if not named and os.path.isabs(folder):
        named = f"unix:path={os.path.join(folder, 'bus')}"
    kind, _, path = named.partition("=")
    gone = kind == "unix:path" and not os.path.exists(path.partition(",")[0].partition(";")[0])
    return "" if gone else named


def _other_backend(environ: Mapping[str, str]) -> bool:
    """Whether a backend that needs no D-Bus may be there: the system's, one that was chosen or installed."""
    if sys.platform in ("darwin", "win32") or environ.get("PYTHON_KEYRING_BACKEND"):
        return True
    from importlib.metadata import entry_points

    from ccc.config import home

    folders = (
        environ.get("XDG_CONFIG_HOME") or os.path.join(home(environ), ".config"),
        environ.get("XDG_DATA_HOME") or os.path.join(home(environ), ".local", "share"),
    )
    if any(os.path.exists(os.path.join(each, "python_keyring", "keyringrc.cfg")) for each in folders):
        return True
    found = entry_points(group="keyring.backends")
    return any(not each.value.startswith("keyring.backends.") for each in found)


def _is_tty(descriptor: int) -> bool:
    try:
        return os.isatty(descriptor)
    except OSError:
        return False


# In the child


def _main() -> None:
    """Answer the one question on standard input; what backends print must not come between."""
    import json

    verb, service, user, secret, plaintext = json.load(sys.stdin)
    answers = os.dup(1)
    os.dup2(2, 1)
    answer = _answer(verb, service, user, secret, plaintext=plaintext)
    os.write(answers, json.dumps(answer).encode("ascii"))


def _answer(verb: str, service: str, user: str, secret: str, *, plaintext: bool) -> dict[str, str | None]:
    """The answer: a `secret` (of what was deleted, ""), or `why` there can be none."""
    from keyring.errors import InitError, KeyringLocked, NoKeyringError

    try:
        backends = _backends(plaintext=plaintext)
        return {"secret": _done(backends, verb, service, user, secret)}
    except ConfigurationError as error:
        return {"why": error.what}
    except NoKeyringError:
        return {"why": "there is no keyring on this host"}
    except KeyringLocked:
        return {"why": "the keyring is locked"}
    except InitError:
        return {"why": "the keyring cannot be opened"}
    except Exception as error:  # noqa: BLE001  # any backend may be installed; what it says may be the secret
        return {"why": f"the keyring failed ({type(error).__name__})"}


def _backends(*, plaintext: bool) -> "list[KeyringBackend]":
    """The backends that may be asked, best first."""
    import keyring
    from keyring.backends import chainer, fail, null

    chosen = keyring.get_keyring()
    each = chosen.backends if isinstance(chosen, chainer.ChainerBackend) else [chosen]
    real = [backend for backend in each if not isinstance(backend, null.Keyring | fail.Keyring)]
    if not real:
        raise ConfigurationError("there is no keyring on this host")
    kept = [backend for backend in real if plaintext or not _in_clear(backend)]
    if not kept:
        name = type(real[0]).__name__
        raise ConfigurationError(
            f"the only keyring is {name}, which keeps passwords in clear; "
            "it is used only with allow_plaintext_keyring = true"
        )
    return kept


def _in_clear(backend: "KeyringBackend") -> bool:
    """Whether it keeps passwords in clear: keyrings.alt.file.PlaintextKeyring, and what is made of it."""
    return any("plaintext" in each.__name__.lower() for each in type(backend).__mro__)


def _done(backends: "list[KeyringBackend]", verb: str, service: str, user: str, secret: str) -> str | None:
    """Do it with the first backend that can."""
    from keyring.errors import PasswordDeleteError

    for backend in backends:
        match verb:
            case "usable":
                return ""
            case "get":
                found = backend.get_password(service, user)
                if found is not None:
                    return found
            case "put":
                try:
                    backend.set_password(service, user, secret)
                except NotImplementedError:
                    continue
                return ""
            case _:
                try:
                    backend.delete_password(service, user)
                except (PasswordDeleteError, NotImplementedError):
                    continue
                return ""
    if verb == "put":
        raise ConfigurationError("the keyring keeps nothing")
    return None


if __name__ == "__main__":
    _main()
