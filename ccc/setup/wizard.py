"""The questions of `ccc account add`: each has an option that answers it, so that a script needs no terminal.

What is given is taken, what can be found out is looked up and said with where it is from, only the rest is
asked. Without a terminal an answer that is missing is an error that names its option.
"""

import os
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple, Protocol

from ccc.address import Mailbox, parse_mailbox, parse_recipients
from ccc.config.account import Auth
from ccc.config.values import ACCOUNT_NAME
from ccc.errors import AddressError, ConfigurationError, UsageError
from ccc.setup.discovery import Discovered, Found, Sources, discover, preset
from ccc.setup.draft import Draft
from ccc.setup.place import quoted

if TYPE_CHECKING:
    from ccc.config.provider import Provider

NONE = "none"  # --imap none
NAME_CURE = "use letters, digits and . _ - only"

Say = Callable[[str], None]


class Desk(Protocol):
    """Somebody who can be asked."""

    def line(self, question: str, usual: str = "") -> str:
        """One line, or what is usual if it is empty."""

    def agreed(self, question: str) -> bool:
        """Yes or no."""

    def secret(self, prompt: str) -> str:
        """Something that is not shown while it is typed; Declined if nothing is."""


class Answers(NamedTuple):
    """What the command line says; None and empty are open."""

    address: Mailbox | None = None
    name: str | None = None
    provider: str | None = None
    login: str | None = None
    smtp: str | None = None
    imap: str | None = None
    tls_ca_file: str | None = None
    from_policy: str | None = None
    password_command: tuple[str, ...] | None = None
    password_file: str | None = None
    keyring: bool = False
    password_fd: int | None = None
    no_password: bool = False
    token_command: tuple[str, ...] | None = None
    client_id: str | None = None
    redirect_to: tuple[Mailbox, ...] = ()
    default: bool = False
    yes: bool = False
    no_discovery: bool = False

    def check(self) -> None:
        """Raise UsageError for answers that exclude each other."""
        places = ("password_command", "password_file", "keyring", "no_password", "token_command", "client_id")
        named = [f"--{each.replace('_', '-')}" for each in places if getattr(self, each)]
        if len(named) > 1:
            raise UsageError(
                f"{' and '.join(named)} are several ways to log in", "leave all but one of them out"
            )
        if self.password_fd is not None and not self.keyring:
            raise UsageError(
                "--password-fd gives a password to keep, and nothing says where", "add --keyring"
            )


class Result(NamedTuple):
    """The account as it shall be, whether its password goes into the keyring, and its provider's preset."""

    draft: Draft
    keyring: bool
    provider: "Provider | None"


class Wizard:
    """One run of questions; `desk` is None without a terminal, `sources` None without a network."""

    def __init__(self, answers: Answers, desk: Desk | None, sources: Sources | None, say: Say) -> None:
        answers.check()
        self._given = answers
        self._desk = desk
        self._sources = sources
        self._say = say

    def ask(self, refuse_name: Callable[[str], None], has_keyring: Callable[[], bool]) -> Result:
        """All answers; `refuse_name` raises for a name that is taken."""
        if self._given.name:
            if not ACCOUNT_NAME.fullmatch(self._given.name):
                raise UsageError(f"--name: {self._given.name!r} cannot be the name of an account", NAME_CURE)
            refuse_name(self._given.name)
        address = self._address()
        known = self._discovered(address)
        if known.provider and known.provider.impossible:
            raise ConfigurationError(
                f"{known.provider.title} is not possible: {known.provider.impossible}", "use another provider"
            )
        name = self._name(address, known.provider)
        refuse_name(name)
        draft = self._servers(Draft(name, address, from_policy=self._given.from_policy or ""), known)
        draft, keyring = self._secret(draft, known, has_keyring)
        return Result(
            draft._replace(redirect_to=self._redirect_to(), default=self._given.default),
            keyring,
            known.provider,
        )

    def _address(self) -> Mailbox:
        if self._given.address:
            return self._given.address
        while True:
            line = self._asked("Your address, with your name if you like", "your address", "ADDRESS")
            try:
                return parse_mailbox(line)
            except AddressError as error:
                self._say(f"{error.what}; write it as Me Myself <me@example.org>")

    def _name(self, address: Mailbox, provider: "Provider | None") -> str:
        """The name of the account; the provider's or the domain's first word is a good one."""
        if self._given.name:
            return self._given.name
        first = provider.name if provider else address.domain.partition(".")[0]
        usual = re.sub(r"[^A-Za-z0-9._-]", "-", first) or "mail"
        while self._desk:
            name = self._desk.line("A short name for this account", usual)
            if ACCOUNT_NAME.fullmatch(name):
                return name
            self._say(NAME_CURE)
        return usual

    def _discovered(self, address: Mailbox) -> Discovered:
        """What is known of the servers of this address, said as well."""
        given = self._given
        if given.provider:
            from ccc.config.provider import provider

            return Discovered(provider(given.provider), "--provider")
        if given.smtp and given.imap:
            return Discovered()
        known = discover(address, self._sources, self._say) if self._sources else preset(address)
        if known.provider:
            self._say(f"provider: {known.provider.title}, from {known.origin}")
        return known

    def _servers(self, draft: Draft, known: Discovered) -> Draft:
        """The draft with its servers."""
        given = self._given
        if given.tls_ca_file:
            draft = draft._replace(tls_ca_file=_absolute(given.tls_ca_file))
        if known.provider:
            return draft._replace(
                provider=known.provider.name,
                login=self._login(known.provider),
                smtp=given.smtp or "",
                imap=self._checked("imap", given.imap, "--imap") if given.imap else "",
            )
        smtp, smtp_origin = self._server("smtp", given.smtp, known.smtp, draft.address)
        imap, imap_origin = self._server("imap", given.imap, known.imap, draft.address)
        return self._named(
            draft._replace(smtp=smtp, imap=imap, smtp_origin=smtp_origin, imap_origin=imap_origin)
        )

    def _named(self, draft: Draft) -> Draft:
        """The draft with a user name in its URLs, if there is a secret and nothing else says whose."""
        given = self._given
        secret = given.password_command or given.password_file or given.token_command or given.client_id
        user = given.login
        if not user and (secret or given.keyring) and not _logs_in(draft):
            user = draft.address.addr_spec
        for kind in ("smtp", "imap"):
            url = getattr(draft, kind)
            if user and url and "@" not in url:
                if user != given.login:
                    self._say(f"{kind}: the user name is {user}, as your address; another goes into --login")
                draft = draft._replace(**{kind: url.replace("://", f"://{quoted(user)}@", 1)})
        return draft

    def _login(self, provider: "Provider") -> str:
        """The user name, where the provider makes one."""
        from ccc.config.provider import Login

        if self._given.login or provider.login is not Login.OWN:
            return self._given.login or ""
        what = f"your user name at {provider.title}"
        return self._asked(f"{what[0].upper()}{what[1:]}", what, "--login USER")

    def _server(self, kind: str, given: str | None, found: Found | None, me: Mailbox) -> tuple[str, str]:
        """The URL of a server, and where it is known from; "" for an IMAP server that there is not."""
        if given:
            return self._checked(kind, given, f"--{kind}"), ""
        if found and (not found.doubtful or self._vouched(kind, found, me)):
            place = found.place._replace(user=self._given.login or found.place.user)
            self._say(f"{kind}: {place.url(kind)}, from {found.origin}")
            return place.url(kind), found.origin
        example = f"{kind}s://{me.addr_spec}@{kind}.{me.domain}"
        what = f"The {kind.upper()} server, such as {example}" + (" (or none)" if kind == "imap" else "")
        flag = f"--{kind} URL" + (", or --imap none" if kind == "imap" else "")
        while True:
            url = self._asked(what, f"the {kind.upper()} server", flag)
            try:
                return self._checked(kind, url, kind), ""
            except UsageError as error:
                self._say(str(error))

    def _checked(self, kind: str, url: str, option: str) -> str:
        """A URL that can be read; "" where there is no such server."""
        if url == NONE and kind == "imap":
            return ""
        from ccc.transport.server import from_url, imap_from_url

        (imap_from_url if kind == "imap" else from_url)(url, option=option)
        return url

    def _vouched(self, kind: str, found: Found, me: Mailbox) -> bool:
        """Whether the user knows a server that may be somebody else's (RFC 6186, 6)."""
        doubt = f"{found.place.host} is not in {me.domain}, and {found.origin}"
        if self._given.yes:
            self._say(f"{doubt}: taken, since you said --yes")
            return True
        if self._desk is None:
            raise UsageError(
                f"{doubt}: it may have been forged, and nobody can be asked",
                f"add --{kind} {found.place.url(kind)} if you know it, or --yes",
            )
        return self._desk.agreed(f"{doubt}. Is that your provider's?")

    def _secret(self, draft: Draft, known: Discovered, has_keyring: Callable[[], bool]) -> tuple[Draft, bool]:
        """The draft with what it says of passwords or tokens, and whether one goes into the keyring."""
        given, provider = self._given, known.provider
        if given.password_command or given.password_file:
            file = _absolute(given.password_file) if given.password_file else ""
            return draft._replace(password_command=given.password_command or (), password_file=file), False
        if given.token_command or given.client_id:
            auth = "" if provider and provider.auth is Auth.OAUTH else "oauth"
            return draft._replace(
                token_command=given.token_command or (), client_id=given.client_id or "", auth=auth
            ), False
        if given.keyring or given.no_password or not _logs_in(draft):
            other = given.keyring and provider is not None and provider.auth is Auth.OAUTH
            return draft._replace(auth="password" if other else ""), given.keyring
        found = known.smtp or known.imap
        if (provider and provider.auth is Auth.OAUTH) or (found and found.place.oauth_only):
            return self._tokens(draft), False
        if provider and provider.app_password_url:
            self._say(f"{provider.title} wants an app password, from {provider.app_password_url}")
        return self._password(draft, has_keyring)

    def _tokens(self, draft: Draft) -> Draft:
        """Where access tokens come from."""
        self._say("this provider takes access tokens (OAuth 2.0) alone")
        auth = "" if draft.provider else "oauth"
        if self._desk is None:
            raise _missing("where tokens come from", "--client-id ID or --token-command COMMAND")
        if command := self._desk.line("A command that prints a token (empty: ccc gets tokens itself)"):
            return draft._replace(token_command=_words(command), auth=auth)
        client = self._asked("The ID of the client that you registered there", "the client", "--client-id ID")
        return draft._replace(client_id=client, auth=auth)

    def _password(self, draft: Draft, has_keyring: Callable[[], bool]) -> tuple[Draft, bool]:
        """Where the password comes from."""
        missing = "--password-command COMMAND, --password-file FILE, --keyring or --no-password"
        if self._desk is None:
            raise _missing("where the password comes from", missing)
        command = "A command that prints the password, not the password itself (empty: none)"
        if line := self._desk.line(command):
            return draft._replace(password_command=_words(line)), False
        kept = has_keyring()
        without = "keep it in the keyring" if kept else "ask me each time"
        if path := self._desk.line(f"A file with the password in its first line (empty: {without})"):
            return draft._replace(password_file=_absolute(path)), False
        if not kept:
            self._say(
                "there is no keyring here: unattended, this account needs password_command or password_file"
            )
        return draft, kept

    def _redirect_to(self) -> tuple[Mailbox, ...]:
        if self._given.redirect_to or self._desk is None or self._given.yes:
            return self._given.redirect_to
        while line := self._desk.line("Who gets what you redirect when you name nobody (empty: ask me)"):
            try:
                return parse_recipients(line)
            except AddressError as error:
                self._say(error.what)
        return ()

    def _asked(self, question: str, what: str, flag: str) -> str:
        """An answer; UsageError that names the option where nobody can be asked."""
        if self._desk is None:
            raise _missing(what, flag)
        while not (line := self._desk.line(question)):
            self._say(f"{what} is needed; Ctrl-C ends this")
        return line


def _missing(what: str, flag: str) -> UsageError:
    return UsageError(f"{what} is not known, and nobody can be asked", f"add {flag}")


def _logs_in(draft: Draft) -> bool:
    """Whether any server of it wants a login."""
    return bool(draft.provider) or any("@" in url for url in (draft.smtp, draft.imap))


def _absolute(path: str) -> str:
    """A path that is the same wherever ccc is started; ~ stays as it is."""
    return path if path == "~" or path.startswith("~/") else os.path.abspath(path)


def _words(line: str) -> tuple[str, ...]:
    import shlex

    try:
        return tuple(shlex.split(line))
    except ValueError as error:
        raise UsageError(f"{line!r}: {str(error).lower()}", "close the quote") from error
