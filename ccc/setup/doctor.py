"""The checks of `ccc doctor`: everything between the configuration file and a login, and each with its cure.

Nothing is sent and nothing is written. The groups are generators, so that each line is seen when it is known.
"""

import os
import stat
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple, Protocol

from ccc.config.account import Account, Auth, FromPolicy
from ccc.config.values import heading
from ccc.errors import CccError
from ccc.setup.check import Check, Level, failed, warned
from ccc.setup.probe import Probe, Stage
from ccc.transport.server import Server, from_url, imap_from_url, unproven

if TYPE_CHECKING:
    from ccc.config import Config
    from ccc.routes.submission import Manner
    from ccc.smtp.login import Keys

GROUPS = ("config", "state", "secret", "cron", "smtp", "imap", "policy")
SOON = 14.0  # days that a certificate may have left before it is worth a word

_POLICIES = {
    FromPolicy.OWN: "it refuses mail whose From is not yours",
    FromPolicy.REWRITE: "it puts your address into the From of mail that is not yours",
    FromPolicy.DOMAIN: "it takes mail whose From is in your domains",
    FromPolicy.FREE: "it takes mail whatever its From",
}


_NAMED = "write smtp://USER@HOST, unless it takes your mail without a login"


class Purse(Protocol):
    """Where the keys for a server come from; ccc.accounts.wallet.Wallet is one."""

    def keys(self, account: Account, server: Server, /) -> "Keys | None":
        """What logs in there, None if nothing does."""


class Patient(NamedTuple):
    """An account, and what its checks need; `environ` is that of the process."""

    account: Account
    wallet: Purse
    silent: Purse  # that asks nobody
    manner: "Manner"  # of both servers
    environ: Mapping[str, str]

    @property
    def smtp(self) -> Server | None:
        """The submission server."""
        url = self.account.smtp
        return from_url(url, opportunistic=unproven(self.account.tls_ca_file)) if url else None

    @property
    def imap(self) -> Server | None:
        """The mail store."""
        url = self.account.imap
        return imap_from_url(url, opportunistic=unproven(self.account.tls_ca_file)) if url else None


Cron = Callable[[Account], Iterator[Check]]


def examine(patient: Patient, only: Sequence[str], cron: Cron) -> Iterator[Check]:
    """The checks of an account, in the order in which what they look at is needed."""
    groups: dict[str, Callable[[], Iterator[Check]]] = {
        "secret": lambda: secrets(patient),
        "cron": lambda: cron(patient.account),
        "smtp": lambda: submission(patient),
        "imap": lambda: mailstore(patient),
        "policy": lambda: policy(patient),
    }
    for name, group in groups.items():
        if not only or name in only:
            for check in group():
                yield check._replace(account=patient.account.name)


def configuration(path: str, config: "Config") -> Iterator[Check]:
    """The configuration file, which has been read."""
    from ccc.accounts.choose import no_default

    if not os.path.exists(path):
        yield warned("config", f"there is no {path}", "`ccc account add` makes one")
        return
    names = ", ".join(config.accounts)
    yield Check("config", f"{path}: {f'accounts {names}' if names else 'no account'}")
    mode = stat.S_IMODE(os.stat(path).st_mode)
    secret = [name for name, account in config.accounts.items() if account.oauth.client_secret]
    if secret and mode & 0o077:
        yield warned("config", f"others can read the client_secret in it ({mode:04o})", f"chmod 600 {path}")
    if advice := no_default(config):
        yield warned("config", *advice)


def state(environ: Mapping[str, str]) -> Iterator[Check]:
    """The state folder."""
    from ccc.journal.folder import prepare, state_folder

    try:
        folder = state_folder(environ)
        there = prepare(folder, create=False)
    except CccError as error:
        yield failed("state", error)
        return
    yield Check("state", str(folder) if there else f"{folder} will be made when it is needed")


def secrets(patient: Patient) -> Iterator[Check]:
    """Whether there is a password or a token without asking anybody."""
    users: dict[str, Server] = {}
    for server in (patient.smtp, patient.imap):
        if server and server.user:
            users.setdefault(server.user, server)
    if not users or patient.account.auth is Auth.NONE:
        yield Check("secret", "no login, so none is needed")
        return
    for user, server in users.items():
        keys = patient.silent.keys(patient.account, server)
        try:
            if keys is not None:
                keys.credentials()
        except CccError as error:
            yield failed("secret", error)
        else:
            kind = "token" if patient.account.auth is Auth.OAUTH else "password"
            yield Check("secret", f"there is a {kind} for {user}")


def submission(patient: Patient) -> Iterator[Check]:
    """The way out: the submission server up to the login, or what else the account names."""
    from ccc.accounts.choose import lacking
    from ccc.accounts.marks import marked, refusal

    server = patient.smtp
    if server is None:
        yield _other_way(patient) if patient.account.via else failed("smtp", lacking(patient.account, "smtp"))
        return
    probe = Probe(server, patient.manner)
    try:
        for fact in probe.submission(patient.wallet.keys(patient.account, server)):
            check = _seen("smtp", fact.stage, fact.text, fact.days)
            yield warned(check.name, fact.text, _NAMED) if fact.skipped else check
    except CccError as error:
        yield failed(f"smtp {probe.stage.value}", error)
    if marked(patient.account, patient.environ):
        yield failed("smtp envelope", refusal(patient.account))


def _other_way(patient: Patient) -> Check:
    """What `via` names, which has no server to be asked."""
    from ccc.routes.named import via

    way = patient.account.via
    if way.startswith("append:"):
        return Check("way", f"it goes into a mailbox of yours: {way}")
    if way == "mx":
        return Check("way", "it goes straight to the recipients' mail hosts; `ccc route ADDRESS` shows where")
    try:
        via(way, patient.manner)
    except CccError as error:
        return failed("way", error)
    return Check("way", f"it goes out by {way}")


def mailstore(patient: Patient) -> Iterator[Check]:
    """The IMAP server up to its special folders."""
    server = patient.imap
    if server is None:
        return
    probe = Probe(server, patient.manner)
    try:
        for fact in probe.mailstore(patient.wallet.keys(patient.account, server)):
            yield _seen("imap", fact.stage, fact.text, fact.days)
    except CccError as error:
        yield failed(f"imap {probe.stage.value}", error)
        return
    if probe.sent is None and patient.account.fcc == "auto" and not patient.account.stores_sent:
        yield warned(
            "imap folders", "none is known as the folder for sent mail", 'name it, as in fcc = "Sent Items"'
        )


def _seen(server: str, stage: Stage, text: str, days: float | None) -> Check:
    name = f"{server} {stage.value}"
    if days is not None and days < SOON:
        return warned(name, text, "its administrator should renew it")
    if stage is Stage.FOLDERS and not text:
        return warned(
            name, "none is known as the folder for sent mail", 'name it: fcc = "FOLDER", or fcc = "no"'
        )
    return Check(name, text)


def policy(patient: Patient) -> Iterator[Check]:
    """What the submission server does with a From that is not the user's."""
    if not patient.account.smtp:
        return
    known = _POLICIES.get(patient.account.from_policy)
    provider = patient.account.provider
    if known:
        yield Check("policy", f"{provider}: {known}" if provider else known)
        return
    yield warned(
        "policy",
        "nobody knows what this server does with mail whose From is not yours",
        f"send one to yourself, then write from_policy into {heading(patient.account.name)}",
    )


def no_accounts() -> Check:
    """There is nothing to examine."""
    return Check("account", "there is none", Level.WARN, "`ccc account add` makes one")
