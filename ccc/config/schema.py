"""Every key of the configuration file: its name, how its value is read, what it means, and an example.

The reference in docs/configuration.md is made of these tables, so that no key can be without its explanation.
"""

from collections.abc import Callable, Mapping
from typing import Generic, NamedTuple, TypeVar

from ccc.config import values
from ccc.config.account import Account, Auth, Floor, FromPolicy, OAuth
from ccc.config.config import Config, InDoubt
from ccc.config.values import Said, near, shown
from ccc.errors import ConfigurationError

T = TypeVar("T")

_SECRETS = frozenset(
    f"{whose}{what}"
    for whose in ("", "smtp_", "imap_", "app_", "mail_")
    for what in ("password", "passwd", "pass", "passphrase", "secret", "token")
)


class Key(NamedTuple, Generic[T]):
    """A key: how its value is put where it belongs, and what a reader should know of it."""

    name: str
    put: Callable[[T, Said], T]
    kind: str  # of value, in words
    meaning: str
    example: str  # a value, as TOML has it
    words: tuple[tuple[str, str], ...] = ()  # the words that it takes, and what each means


TOP: tuple[Key[Config], ...] = (
    Key(
        "in_doubt",
        lambda config, said: config._replace(in_doubt=values.choice(said, InDoubt)),
        "one of these words",
        "What becomes of a mail that is in doubt: it may have arrived, and nobody can know.",
        '"hold"',
        (("hold", "it waits until you say what to do"), ("resend", "it is sent again")),
    ),
    Key(
        "retry_for",
        lambda config, said: config._replace(retry_for=values.length_of_time(said)),
        "a number and a unit: 90s, 30m, 12h, 5d or 2w; at most ten years",
        "How long, from the first attempt on, a mail that was put off is tried again. Then it is refused.",
        '"5d"',
    ),
    Key(
        "journal_subjects",
        lambda config, said: config._replace(journal_subjects=values.flag(said)),
        "true or false",
        "Whether the journal keeps the Subject of each mail, so that its list is easier to read.",
        "false",
    ),
    Key(
        "default",
        lambda config, said: config._replace(default=values.text(said)),
        "the name of an account",
        "The account that is used where nothing else decides. With one account only, it is that one.",
        '"work"',
    ),
    Key(
        "dns_resolver",
        lambda config, said: config._replace(dns_resolver=values.resolver(said)),
        "an IP address, with a port if that is not 53",
        "The DNS server to ask, instead of the one that this host uses. Name one that validates DNSSEC and "
        "that nobody can come between: what it says is proved is believed.",
        '"127.0.0.1"',
    ),
)


def _oauth(key: str, read: Callable[[Said], str]) -> Callable[[Account, Said], Account]:
    """How one of the texts about tokens is put into an account."""
    return lambda account, said: account._replace(oauth=OAuth(**account.oauth._asdict() | {key: read(said)}))


def _only_read(read: Callable[[Said], object]) -> Callable[[Account, Said], Account]:
    """A key that is no part of an account: it says how a provider's preset is filled in."""

    def put(account: Account, said: Said) -> Account:
        read(said)
        return account

    return put


ACCOUNT: tuple[Key[Account], ...] = (
    Key(
        "address",
        lambda account, said: account._replace(address=values.mailbox(said)),
        "an address, with your name or without",
        "Who you are: the sender of what you redirect, and the return address.",
        '"Me Myself <me@example.org>"',
    ),
    Key(
        "identities",
        lambda account, said: account._replace(identities=values.mailboxes(said)),
        "a list of addresses",
        "Further addresses that are yours. `ccc resend` takes mail from any of them for your own.",
        '["me@example.net", "postmaster@example.org"]',
    ),
    Key(
        "provider",
        lambda account, said: account._replace(provider=values.text(said)),
        "a name that `ccc providers` lists",
        "The mail provider. It fills in smtp, imap, auth, from_policy, stores_sent, strip and the URLs for "
        "tokens, each of which you can still set yourself.",
        '"gmail"',
    ),
    Key(
        "login",
        _only_read(values.text),
        "a text",
        "The user name for the provider's servers, where it is not your address.",
        '"me@example.org"',
    ),
    Key(
        "smtp",
        lambda account, said: account._replace(smtp=values.submission(said)),
        "a URL: smtps://USER@HOST is TLS from the start, smtp://USER@HOST:587 needs STARTTLS",
        "The submission server.",
        '"smtps://me@smtp.example.org"',
    ),
    Key(
        "imap",
        lambda account, said: account._replace(imap=values.mailstore(said)),
        "a URL: imaps://USER@HOST is TLS from the start, imap://USER@HOST needs STARTTLS",
        "The IMAP server, which has your mail.",
        '"imaps://me@imap.example.org"',
    ),
    Key(
        "via",
        lambda account, said: account._replace(via=values.way(said)),
        "mx, sendmail, sendmail:PATH, maildir:DIR, lmtp:HOST:PORT, lmtp:PATH or append:ACCOUNT/FOLDER",
        "Another way out than a submission server, as --via takes it; mx goes straight to the recipients' "
        "mail hosts.",
        '"sendmail"',
    ),
    Key(
        "helo",
        lambda account, said: account._replace(helo=values.greeting(said)),
        "a host name",
        'The name to greet the submission server with, instead of the address of this host; for via = "mx" '
        "the name that this host has in the DNS.",
        '"host.example.org"',
    ),
    Key(
        "tls",
        lambda account, said: account._replace(tls=values.choice(said, Floor)),
        "one of these words",
        'With via = "mx": what a recipient\'s mail host must offer at least, or nothing is sent to it. A '
        "domain that asks for more itself gets it.",
        '"opportunistic"',
        (
            ("dane", "a certificate that its domain published in signed DNS (DANE)"),
            ("mta-sts", "a certificate for a name that its domain published (MTA-STS), or DANE"),
            ("verify", "a certificate for the name that the MX record has"),
            ("opportunistic", "nothing: TLS where it is offered, with anybody's certificate"),
        ),
    ),
    Key(
        "allow_private_mx",
        lambda account, said: account._replace(allow_private_mx=values.flag(said)),
        "true or false",
        'With via = "mx": whether mail hosts in private networks are used. Without it their addresses are '
        "passed over, since a domain of a stranger could lead into your network.",
        "false",
    ),
    Key(
        "tls_ca_file",
        lambda account, said: account._replace(tls_ca_file=values.path(said)),
        "a path",
        "A file of certificates to trust, instead of those of this host.",
        '"example-ca.pem"',
    ),
    Key(
        "auth",
        lambda account, said: account._replace(auth=values.choice(said, Auth)),
        "one of these words",
        "How you log in. If nothing is said, the other keys and the provider tell.",
        '"password"',
        (
            ("password", "with a password"),
            ("oauth", "with an access token (OAuth 2.0)"),
            ("none", "not at all"),
        ),
    ),
    Key(
        "password_command",
        lambda account, said: account._replace(password_command=values.command(said)),
        "a list, or one text that is split as a shell would; no shell runs it",
        "A command whose first line of output is the password.",
        '["pass", "show", "mail/work"]',
    ),
    Key(
        "password_file",
        lambda account, said: account._replace(password_file=values.path(said)),
        "a path",
        "A file whose first line is the password. Nobody but you may be able to read it.",
        '"~/.config/ccc/password"',
    ),
    Key(
        "allow_plaintext_keyring",
        lambda account, said: account._replace(allow_plaintext_keyring=values.flag(said)),
        "true or false",
        "Whether a keyring that keeps secrets unencrypted in a file will do.",
        "false",
    ),
    Key(
        "token_command",
        lambda account, said: account._replace(
            oauth=account.oauth._replace(token_command=values.command(said))
        ),
        "a list, or one text that is split as a shell would; no shell runs it",
        "A command whose first line of output is an access token. The other keys about tokens are not needed "
        "then.",
        '["oama", "access", "me@outlook.com"]',
    ),
    Key(
        "client_id",
        _oauth("client_id", values.text),
        "a text",
        "The client that you have registered with the provider, for tokens that ccc fetches itself.",
        '"00000000-0000-0000-0000-000000000000"',
    ),
    Key(
        "client_secret",
        _oauth("client_secret", values.secret),
        "a text",
        "What the provider calls the secret of that client. In a program on your own computer it is none.",
        '"not-really-a-secret"',
    ),
    Key(
        "tenant",
        _only_read(values.tenant),
        "a name or an ID",
        "The tenant in Microsoft's URLs for tokens; common, unless you say another.",
        '"example.onmicrosoft.com"',
    ),
    Key(
        "authorize_url",
        _oauth("authorize_url", values.web),
        "an https:// URL",
        "Where you agree in a browser.",
        '"https://login.example.org/authorize"',
    ),
    Key(
        "token_url",
        _oauth("token_url", values.web),
        "an https:// URL",
        "Where tokens come from.",
        '"https://login.example.org/token"',
    ),
    Key(
        "device_url",
        _oauth("device_url", values.web),
        "an https:// URL",
        "Where a code comes from that you type in on another device.",
        '"https://login.example.org/device"',
    ),
    Key(
        "scopes",
        _oauth("scopes", values.scopes),
        "a list, or one text with blanks",
        "What the token is to be good for.",
        '["mail.send", "mail.read"]',
    ),
    Key(
        "redirect_to",
        lambda account, said: account._replace(redirect_to=values.mailboxes(said)),
        "a list of addresses",
        "Who gets what you redirect if you name nobody.",
        '["me@home.example"]',
    ),
    Key(
        "fcc",
        lambda account, said: account._replace(fcc=values.text(said)),
        '"auto", "no", or the name of an IMAP folder',
        "Where a copy of what you send is kept; auto is the folder for sent mail, unless the provider keeps "
        "a copy itself.",
        '"auto"',
    ),
    Key(
        "from_policy",
        lambda account, said: account._replace(from_policy=values.choice(said, FromPolicy)),
        "one of these words",
        "What the submission server does with mail whose From is not yours.",
        '"own"',
        (
            ("own", "it refuses it"),
            ("rewrite", "it puts your address there instead"),
            ("domain", "it takes every address of the domains that you have verified"),
            ("free", "it takes the mail as it is"),
            ("unknown", "nobody knows"),
        ),
    ),
    Key(
        "stores_sent",
        lambda account, said: account._replace(stores_sent=values.flag(said)),
        "true or false",
        "Whether the submission server keeps a copy of what you send in your folder for sent mail.",
        "false",
    ),
    Key(
        "strip",
        lambda account, said: account._replace(strip=values.fields(said)),
        "a list of names of header fields",
        "What is left out of every mail, since the submission server refuses it.",
        '["DKIM-Signature"]',
    ),
    Key(
        "honours_envelope",
        lambda account, said: account._replace(honours_envelope=values.flag(said)),
        "true or false",
        "Whether the submission server delivers to the people in the envelope alone. If it does not, nothing "
        "goes out by this account.",
        "true",
    ),
)


def read_table(
    keys: tuple[Key[T], ...], table: Mapping[str, object], into: T, where: Said, others: tuple[str, ...] = ()
) -> T:
    """`into` with what a table says; a key that is neither in `keys` nor one of the `others` is refused.

    `where` has the tables that this one stands in, and what paths begin at.
    """
    known = {key.name: key for key in keys}
    for name, value in table.items():
        if name in others:
            continue
        said = where._replace(key=name, value=value)
        if name not in known:
            raise _unknown(said, [*known, *others])
        into = known[name].put(into, said)
    return into


def _unknown(said: Said, known: list[str]) -> ConfigurationError:
    """A key that there is not: what was meant, or which there are."""
    if said.key.lower() in _SECRETS:
        return said.bad("a password does not belong in this file", values.KEPT_ELSEWHERE)
    cure = near(said.key.lower(), known, f"the keys are {', '.join(known)}")
    if said.tables and isinstance(said.value, dict):
        cure = f'a name with a dot needs quotes: [{said.tables[0]}."{said.tables[-1]}.{said.key}"]'
    return ConfigurationError(f"there is no key {shown(said.name)}", cure)
